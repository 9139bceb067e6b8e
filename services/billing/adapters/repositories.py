"""Rows ⇄ aggregates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import tables
from services.billing.domain.commission import Left, Split, SplitTerms
from services.billing.domain.order import Accrual, OrderCopy
from services.billing.domain.organisation import OrganisationCopy
from services.billing.domain.payment import Payment, payments_by_reference
from services.billing.domain.referral import AlreadyClaimed, EvidenceFile, Referral
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money

_SPLIT_TERMS = TypeAdapter(SplitTerms)


class SqlOrganisations:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, organisation: OrganisationCopy) -> None:
        values = vars(organisation)
        self.connection.execute(
            insert(tables.organisation)
            .values(values)
            .on_conflict_do_update(index_elements=["organisation_id"], set_=values)
        )

    def find(self, organisation_id: UUID, *, lock: bool = False) -> OrganisationCopy | None:
        statement = select(tables.organisation).where(tables.organisation.c.organisation_id == organisation_id)
        row = self.connection.execute(statement.with_for_update() if lock else statement).one_or_none()
        return OrganisationCopy(**row._mapping) if row is not None else None

    def find_all(self, organisation_ids: Iterable[UUID]) -> Mapping[UUID, OrganisationCopy]:
        rows = self.connection.execute(
            select(tables.organisation).where(tables.organisation.c.organisation_id.in_(list(organisation_ids)))
        )
        return {row.organisation_id: OrganisationCopy(**row._mapping) for row in rows}


class SqlOrders:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, order: OrderCopy) -> bool:
        values = {**vars(order), "split_terms": asdict(order.split_terms)}
        added = self.connection.execute(insert(tables.contracted_order).values(values).on_conflict_do_nothing())
        return added.rowcount == 1

    def find(self, order_id: UUID) -> OrderCopy | None:
        table = tables.contracted_order
        row = self.connection.execute(select(table).where(table.c.order_id == order_id).with_for_update()).one_or_none()
        if row is None:
            return None
        fields = dict(row._mapping)
        fields["split"] = Split(**fields["split"]) if fields["split"] else None
        fields["split_terms"] = _SPLIT_TERMS.validate_python(fields["split_terms"])
        fields["remaining"] = Left(**fields["remaining"]) if fields["remaining"] else None
        return OrderCopy(**fields)

    def get(self, order_id: UUID) -> OrderCopy:
        order = self.find(order_id)
        if order is None:
            raise NotFound
        return order

    def of_refund(self, refund_id: UUID) -> OrderCopy:
        table = tables.refund
        order_id = self.connection.execute(
            select(table.c.order_id).where(table.c.refund_id == refund_id)
        ).scalar_one_or_none()
        if order_id is None:
            raise NotFound
        return self.get(order_id)

    def keep_left(self, order: OrderCopy) -> None:
        table = tables.contracted_order
        self.connection.execute(
            table.update()
            .where(table.c.order_id == order.order_id)
            .values(remaining=asdict(order.remaining) if order.remaining else None)
        )

    def accept(self, order_id: UUID, accepted_at: datetime, parts: Split, accruals: Sequence[Accrual]) -> None:
        table = tables.contracted_order
        self.connection.execute(
            table.update().where(table.c.order_id == order_id).values(accepted_at=accepted_at, split=asdict(parts))
        )
        if accruals:
            self.connection.execute(
                insert(tables.accrual)
                .values([asdict(accrual) for accrual in accruals])
                .on_conflict_do_nothing(index_elements=["key"])
            )


class SqlReferrals:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, referral: Referral) -> None:
        added = self.connection.execute(insert(tables.referral).values(asdict(referral)).on_conflict_do_nothing())
        if added.rowcount == 0:
            raise AlreadyClaimed

    def get(self, referral_id: UUID) -> Referral:
        table = tables.referral
        row = self.connection.execute(
            select(table).where(table.c.referral_id == referral_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return referral_of(row)

    def of_customer(self, customer_id: UUID) -> Sequence[Referral]:
        table = tables.referral
        rows = self.connection.execute(
            select(table).where(table.c.customer_id == customer_id).order_by(table.c.claimed_at)
        )
        return [referral_of(row) for row in rows]

    def save(self, referral: Referral) -> None:
        save_versioned(self.connection, tables.referral, {"referral_id": referral.referral_id}, asdict(referral))


def referral_of(row: Any) -> Referral:
    fields = dict(row._mapping)
    return Referral(**{**fields, "file": EvidenceFile(**fields["file"]) if fields["file"] else None})


class SqlPayments:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, payment: Payment) -> bool:
        added = self.connection.execute(
            insert(tables.payment).values(vars(payment)).on_conflict_do_nothing(index_elements=["payment_id"])
        )
        return added.rowcount == 1

    def find(self, payment_id: UUID) -> Payment | None:
        table = tables.payment
        row = self.connection.execute(
            select(table).where(table.c.payment_id == payment_id).with_for_update()
        ).one_or_none()
        return Payment(**row._mapping) if row is not None else None

    def by_references(self, references: Iterable[str]) -> Mapping[str, Payment]:
        table = tables.payment
        rows = self.connection.execute(
            select(table).where(table.c.reference.in_(list(references))).order_by(table.c.payment_id).with_for_update()
        )
        return payments_by_reference(Payment(**row._mapping) for row in rows)

    def waits_for(self, customer_id: UUID, money: Money) -> bool:
        table = tables.payment
        found = self.connection.execute(
            select(table.c.payment_id)
            .where(
                table.c.customer_id == customer_id,
                table.c.method == "bank_transfer",
                table.c.state == "pending",
                table.c.currency == money.currency,
                table.c.amount - table.c.received == money.amount,
            )
            .limit(1)
        )
        return found.first() is not None

    def of_order(self, order_id: UUID) -> Sequence[Payment]:
        table = tables.payment
        rows = self.connection.execute(
            select(table).where(table.c.order_id == order_id).order_by(table.c.payment_id).with_for_update()
        )
        return sorted((Payment(**row._mapping) for row in rows), key=lambda each: each.part)

    def save(self, payment: Payment) -> None:
        save_versioned(self.connection, tables.payment, {"payment_id": payment.payment_id}, vars(payment))
        payment.version += 1  # several lines of one statement may pay one payment
