"""Red letters: aggregate ↔ row."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection, exists, insert, select

from services.invoicing.adapters import tables
from services.invoicing.domain.invoice import Contents, KeptFile
from services.invoicing.domain.red_form import RedForm
from services.invoicing.domain.red_letter import RedLetter
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money

_CONTENTS = TypeAdapter(Contents)
_FORMS = TypeAdapter(tuple[RedForm, ...])


class SqlRedLetters:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def exists_for(self, refund_id: UUID) -> bool:
        table = tables.red_letter
        return bool(self.connection.execute(select(exists().where(table.c.refund_id == refund_id))).scalar_one())

    def add(self, red_letter: RedLetter) -> None:
        self.connection.execute(insert(tables.red_letter).values(_row(red_letter)))

    def get(self, red_letter_id: UUID) -> RedLetter:
        table = tables.red_letter
        row = self.connection.execute(
            select(table).where(table.c.red_letter_id == red_letter_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return red_letter_of(row)

    def waiting_for(self, invoice_id: UUID) -> Sequence[RedLetter]:
        table = tables.red_letter
        rows = self.connection.execute(
            select(table)
            .where(table.c.invoice_id == invoice_id, table.c.state == "waiting")
            .order_by(table.c.red_letter_id)
            .with_for_update()
        )
        return [red_letter_of(row) for row in rows]

    def save(self, red_letter: RedLetter) -> None:
        key = {"red_letter_id": red_letter.red_letter_id}
        save_versioned(self.connection, tables.red_letter, key, _row(red_letter))


def red_letter_of(row: Any) -> RedLetter:
    """The aggregate behind *row* of the table `red_letter`."""
    return RedLetter(
        red_letter_id=row.red_letter_id,
        refund_id=row.refund_id,
        invoice_id=row.invoice_id,
        invoice_number=row.invoice_number,
        order_id=row.order_id,
        order_number=row.order_number,
        customer_id=row.customer_id,
        cause=row.cause,
        net=Money(row.net_minor, row.currency),
        tax=Money(row.tax_minor, row.currency),
        requested_at=row.requested_at,
        state=row.state,
        forms=_FORMS.validate_python(row.forms),
        contents=_CONTENTS.validate_python(row.contents) if row.contents else None,
        issued_at=row.issued_at,
        pdf=KeptFile(**row.pdf) if row.pdf else None,
        xml=KeptFile(**row.xml) if row.xml else None,
        problem=row.problem,
        failed_at=row.failed_at,
        parts=row.parts,
        version=row.version,
    )


def _row(red_letter: RedLetter) -> dict[str, Any]:
    contents = red_letter.contents
    return {
        "red_letter_id": red_letter.red_letter_id,
        "refund_id": red_letter.refund_id,
        "invoice_id": red_letter.invoice_id,
        "invoice_number": red_letter.invoice_number,
        "order_id": red_letter.order_id,
        "order_number": red_letter.order_number,
        "customer_id": red_letter.customer_id,
        "cause": red_letter.cause,
        "currency": red_letter.net.currency,
        "net_minor": red_letter.net.amount,
        "tax_minor": red_letter.tax.amount,
        "requested_at": red_letter.requested_at,
        "state": red_letter.state,
        "forms": _FORMS.dump_python(red_letter.forms, mode="json"),
        "number": red_letter.number or None,
        "contents": _CONTENTS.dump_python(contents, mode="json") if contents is not None else None,
        "issued_at": red_letter.issued_at,
        "pdf": vars(red_letter.pdf) if red_letter.pdf else None,
        "xml": vars(red_letter.xml) if red_letter.xml else None,
        "problem": red_letter.problem,
        "failed_at": red_letter.failed_at,
        "parts": red_letter.parts,
        "version": red_letter.version,
    }
