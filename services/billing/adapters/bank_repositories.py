"""Lines of the bank's statements, and the files that told of them."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg2.extras import execute_values
from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, select, text, update
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import tables
from services.billing.domain.bank_csv import CsvMap, CsvMapExists, DeclaredMap
from services.billing.domain.bank_line import BankFile, BankLine, KnownLines, Placed
from services.billing.domain.bank_line_part import Part, Proposal
from services.billing.domain.payer_agreement import Payer, PayerAgreement, one_account, one_form
from services.billing.domain.refund_account import Sender
from services.shared.chassis.database import driver
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money

_CSV_MAP = TypeAdapter(CsvMap)
_COLUMNS = (
    "bank_line_id", "account", "serial_number", "booked_at", "direction", "amount", "currency", "counterparty",
    "remittance", "counterparty_account", "state", "target", "reason", "fingerprint", "entry_reference", "parts",
    "booked_key", "turn", "proposal",
)  # fmt: skip
# What the bank's booking may say otherwise than its announcement, and what we make of a line.
_CHANGED = tuple(name for name in _COLUMNS if name not in {"bank_line_id", "account", "serial_number"})
_TYPES = {"booked_at": "timestamptz", "amount": "bigint", "parts": "jsonb", "turn": "int", "proposal": "jsonb"}
_AGREEMENT_CHANGES = ("valid_until", "state", "decided_at", "decided_by", "ended_at", "ended_by")
_PARTS, _PROPOSAL = TypeAdapter(tuple[Part, ...]), TypeAdapter(Proposal)

_KNOWN = text("""
    WITH found AS (
      SELECT bank_line_id FROM bank_line WHERE account = :account AND serial_number = ANY(:references)
      UNION SELECT bank_line_id FROM bank_line
      WHERE account = :account AND entry_reference = ANY(:references) AND entry_reference <> ''
      UNION SELECT bank_line_id FROM bank_line
      WHERE account = :account AND fingerprint = ANY(:fingerprints) AND fingerprint <> ''
      UNION SELECT bank_line_id FROM bank_line_reference WHERE account = :account AND reference = ANY(:references))
    SELECT bank_line.*,
      ARRAY(SELECT r.reference FROM bank_line_reference r WHERE r.bank_line_id = bank_line.bank_line_id
            ORDER BY r.reference) AS also,
      ARRAY(SELECT f.kind FROM bank_file_line l JOIN bank_file f USING (bank_file_id)
            WHERE l.bank_line_id = bank_line.bank_line_id AND l.booked) AS kinds
    FROM found JOIN bank_line USING (bank_line_id) ORDER BY booked_at, serial_number""")


class SqlBankLines:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def lock(self, account: str) -> None:
        self.connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:account, 0))"), {"account": f"bank_file/{account}"}
        )

    def of_file(self, bank_file_id: UUID) -> Sequence[BankLine] | None:
        file, listed, line = tables.bank_file, tables.bank_file_line, tables.bank_line
        rows = self.connection.execute(
            select(line)
            .select_from(
                file.outerjoin(listed, listed.c.bank_file_id == file.c.bank_file_id).outerjoin(
                    line, line.c.bank_line_id == listed.c.bank_line_id
                )
            )
            .where(file.c.bank_file_id == bank_file_id)
            .order_by(listed.c.position)
        ).all()
        if not rows:
            return None
        return [bank_line(row) for row in rows if row.bank_line_id is not None]

    def find(self, bank_line_id: UUID) -> BankLine | None:
        table = tables.bank_line
        row = self.connection.execute(
            select(table).where(table.c.bank_line_id == bank_line_id).with_for_update()
        ).one_or_none()
        return bank_line(row) if row is not None else None

    def known(self, file: BankFile, lines: Sequence[BankLine]) -> KnownLines:
        references = {
            each for line in lines for each in (line.serial_number, line.entry_reference, *line.references) if each
        }
        rows = self.connection.execute(
            _KNOWN,
            {
                "account": file.account,
                "references": list(references),
                "fingerprints": list({line.fingerprint for line in lines}),
            },
        ).all()
        told_by = {row.bank_line_id: frozenset(row.kinds) for row in rows}
        return KnownLines((bank_line(row, row.also) for row in rows), told_by, file.kind)

    def find_all(self, bank_line_ids: Collection[UUID]) -> Mapping[UUID, BankLine]:
        table = tables.bank_line
        rows = self.connection.execute(
            select(table)
            .where(table.c.bank_line_id.in_(list(bank_line_ids)))
            .order_by(table.c.bank_line_id)
            .with_for_update()
        )
        return {row.bank_line_id: bank_line(row) for row in rows}

    def lock_early_returns(self, payout_numbers: Collection[str], bank_order_ids: Collection[UUID]) -> None:
        table, payout = tables.bank_line, tables.payout
        early = select(payout.c.early_return).where(
            payout.c.number.in_(list(payout_numbers)) | payout.c.bank_order_id.in_(list(bank_order_ids))
        )
        self.connection.execute(
            select(table.c.bank_line_id)
            .where(table.c.bank_line_id.in_(early))
            .order_by(table.c.bank_line_id)
            .with_for_update()
        )

    def of_other_payers(self) -> Sequence[BankLine]:
        table = tables.bank_line
        rows = self.connection.execute(
            select(table)
            .where(table.c.state == "suspense", table.c.reason == "payer_mismatch", table.c.direction == "in")
            .order_by(table.c.booked_at, table.c.bank_line_id)
            .limit(1_000)
            .with_for_update()
        )
        return [bank_line(row) for row in rows]

    def amounts_of(self, payment_id: UUID) -> frozenset[int]:
        return frozenset(row.amount for row in self._matched_to(payment_id))

    def senders_of(self, payment_id: UUID) -> frozenset[Sender]:
        return frozenset(Sender(row.counterparty, row.counterparty_account) for row in self._matched_to(payment_id))

    def _matched_to(self, payment_id: UUID) -> Iterable[Row[Any]]:
        return self.connection.execute(
            text(
                "SELECT amount, counterparty, counterparty_account FROM bank_line WHERE parts @> CAST(:part AS jsonb)"
            ),
            {"part": json.dumps([{"target_id": str(payment_id)}])},
        )

    def debits_in_suspense(self, money: Money) -> Sequence[BankLine]:
        table = tables.bank_line
        rows = self.connection.execute(
            select(table).where(
                table.c.state == "suspense", table.c.amount == money.amount, table.c.currency == money.currency,
                table.c.direction == "out",
            )
        )  # fmt: skip
        return [bank_line(row) for row in rows]

    def of_institution(self, money: Money) -> Sequence[BankLine]:
        table = tables.bank_line
        rows = self.connection.execute(
            select(table)
            .where(
                table.c.currency == money.currency,
                table.c.amount == money.amount,
                (table.c.state == "suspense") | (table.c.target == "psp"),
            )
            .order_by(table.c.bank_line_id)
            .with_for_update()
        )
        return [bank_line(row) for row in rows]

    def keep(self, file: BankFile, placed: Placed, now: datetime) -> None:
        self.connection.execute(insert(tables.bank_file).values(vars(file)))
        cursor = driver(self.connection).cursor()
        if placed.fresh:
            execute_values(
                cursor,
                f"INSERT INTO bank_line ({', '.join(_COLUMNS)}, imported_at) VALUES %s",
                [(*_values(line, _COLUMNS), now) for line in placed.fresh],
                page_size=1_000,
            )
        self.save([*placed.booked, *placed.withdrawn])
        references = [(line.account, each, str(line.bank_line_id)) for line in placed.lines for each in line.references]
        if references:
            execute_values(
                cursor,
                "INSERT INTO bank_line_reference (account, reference, bank_line_id) VALUES %s ON CONFLICT DO NOTHING",
                references,
                page_size=1_000,
            )
        if placed.lines:
            execute_values(
                cursor,
                "INSERT INTO bank_file_line (bank_file_id, position, bank_line_id, booked) VALUES %s",
                [
                    (str(file.bank_file_id), position, str(line.bank_line_id), line.bank_line_id in placed.told_booked)
                    for position, line in enumerate(placed.lines, start=1)
                ],
                page_size=1_000,
            )

    def save(self, lines: Sequence[BankLine]) -> None:
        if not lines:
            return
        changed = ", ".join(f"{name} = v.{name}::{_TYPES.get(name, 'text')}" for name in _CHANGED)
        execute_values(
            driver(self.connection).cursor(),
            f"UPDATE bank_line AS b SET {changed} FROM (VALUES %s) AS v (bank_line_id, {', '.join(_CHANGED)})"
            " WHERE b.bank_line_id = v.bank_line_id::uuid",
            [_values(line, ("bank_line_id", *_CHANGED)) for line in lines],
            page_size=1_000,
        )


def _values(line: BankLine, names: Iterable[str]) -> tuple[object, ...]:
    return tuple(_value(name, getattr(line, name)) for name in names)


def _value(name: str, value: Any) -> object:
    if name == "parts":
        return _PARTS.dump_json(value).decode()
    if name == "proposal" and value is not None:
        return _PROPOSAL.dump_json(value).decode()
    return str(value) if isinstance(value, UUID) else value


def bank_line(row: Row[Any], references: Sequence[str] = ()) -> BankLine:
    """A row of bank_line."""
    fields = {name: row._mapping[name] for name in _COLUMNS}
    fields["parts"] = _PARTS.validate_python(fields["parts"])
    fields["proposal"] = _PROPOSAL.validate_python(fields["proposal"]) if fields["proposal"] else None
    return BankLine(**fields, references=tuple(references))


class SqlPayers:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def of(self, customer_ids: Collection[UUID]) -> Mapping[UUID, Payer]:
        organisation, agreement = tables.organisation, tables.payer_agreement
        agreed: defaultdict[UUID, list[PayerAgreement]] = defaultdict(list)
        in_force = agreement.c.customer_id.in_(list(customer_ids)) & (agreement.c.state == "in_force")
        for row in self.connection.execute(select(agreement).where(in_force)):
            agreed[row.customer_id].append(payer_agreement(row))
        rows = self.connection.execute(
            select(organisation).where(organisation.c.organisation_id.in_(list(customer_ids)))
        )
        return {
            row.organisation_id: Payer(
                names=frozenset(one_form(name) for name in (row.legal_name, row.account_name) if name),
                accounts=frozenset({one_account(row.account_number)} - {""}),
                agreements=tuple(agreed[row.organisation_id]),
            )
            for row in rows
        }

    def add(self, agreement: PayerAgreement, recorded_at: datetime) -> None:
        self.connection.execute(insert(tables.payer_agreement).values(**asdict(agreement), recorded_at=recorded_at))

    def get(self, payer_agreement_id: UUID) -> PayerAgreement:
        table = tables.payer_agreement
        row = self.connection.execute(
            select(table).where(table.c.payer_agreement_id == payer_agreement_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return payer_agreement(row)

    def save(self, agreement: PayerAgreement) -> None:
        table = tables.payer_agreement
        self.connection.execute(
            update(table)
            .where(table.c.payer_agreement_id == agreement.payer_agreement_id)
            .values({name: getattr(agreement, name) for name in _AGREEMENT_CHANGES})
        )


def payer_agreement(row: Row[Any]) -> PayerAgreement:
    """A row of payer_agreement."""
    fields = dict(row._mapping)
    del fields["recorded_at"]
    return PayerAgreement(**fields)


class SqlCsvMaps:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, declared: DeclaredMap) -> None:
        added = self.connection.execute(
            insert(tables.bank_csv_map)
            .values(asdict(declared))
            .on_conflict_do_nothing(index_elements=["account", "valid_from"])
        )
        if added.rowcount == 0:
            raise CsvMapExists

    def in_force(self, account: str, at: datetime) -> DeclaredMap | None:
        table = tables.bank_csv_map
        row = self.connection.execute(
            select(table)
            .where(table.c.account == account, table.c.valid_from <= at)
            .order_by(table.c.valid_from.desc())
            .limit(1)
        ).one_or_none()
        return declared_map(row) if row is not None else None


def declared_map(row: Row[Any]) -> DeclaredMap:
    """A row of bank_csv_map."""
    fields = dict(row._mapping)
    return DeclaredMap(**{**fields, "columns": _CSV_MAP.validate_python(fields["columns"])})
