"""Rows ⇄ aggregates of what happens at the payment institution."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, select, text
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import card_tables
from services.billing.domain.chargeback import Chargeback
from services.billing.domain.chargeback_file import ChargebackFile
from services.billing.domain.checkout import Checkout
from services.billing.domain.stripe_payout import StripePayout
from services.billing.use_cases.ports import UnhandledEvent, VerifiedEvent
from services.billing.use_cases.stripe_event import SWEEPS_MAX
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound

# Those whose call is still to be made or under way are in good hands.
SWEEP = """
UPDATE stripe_event SET sweeps = sweeps + 1
WHERE event_id IN (
  SELECT event_id FROM stripe_event e
  WHERE handled_at IS NULL AND received_at < %s AND sweeps <= %s AND NOT EXISTS (
    SELECT FROM outside_call c WHERE c.status IN ('ready', 'sent')
      AND c.key IN ('stripe_event:' || e.event_id, 'stripe_event:' || e.event_id || ':sweep:' || e.sweeps))
  ORDER BY received_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING event_id, object_kind, object_id, received_at, sweeps
"""


class SqlStripeEvents:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, event: VerifiedEvent, body: str, received_at: datetime) -> bool:
        kind, ident = event.about or (None, None)
        added = self.connection.execute(
            insert(card_tables.stripe_event)
            .values(
                event_id=event.event_id,
                kind=event.kind,
                body=body,
                object_kind=kind,
                object_id=ident,
                account=event.account,
                received_at=received_at,
                handled_at=received_at if event.about is None else None,
                outcome="not_ours" if event.about is None else "",
            )
            .on_conflict_do_nothing()
        )
        return added.rowcount == 1

    def handled(self, event_id: str, outcome: str, at: datetime) -> None:
        table = card_tables.stripe_event
        self.connection.execute(
            table.update().where(table.c.event_id == event_id).values(handled_at=at, outcome=outcome)
        )

    def unhandled(self, before: datetime, limit: int) -> Sequence[UnhandledEvent]:
        rows = self.connection.exec_driver_sql(SWEEP, (before, SWEEPS_MAX, limit))
        return [
            UnhandledEvent(row.event_id, (row.object_kind, row.object_id), row.received_at, row.sweeps) for row in rows
        ]


class SqlChargebacks:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, chargeback: Chargeback) -> None:
        self.connection.execute(insert(card_tables.chargeback).values(asdict(chargeback)))

    def disputed(self, charge_id: str) -> bool:
        table = card_tables.chargeback
        found = self.connection.execute(
            select(table.c.chargeback_id)
            .where(table.c.charge_id == charge_id, table.c.state.in_(["needs_response", "under_review"]))
            .limit(1)
        )
        return found.first() is not None

    def lost_of(self, charge_id: str) -> Sequence[Chargeback]:
        table = card_tables.chargeback
        return self._all(select(table).where(table.c.charge_id == charge_id, table.c.state == "lost"))

    def find(self, chargeback_id: UUID) -> Chargeback | None:
        table = card_tables.chargeback
        return next(iter(self._all(select(table).where(table.c.chargeback_id == chargeback_id))), None)

    def _all(self, statement: Select[tuple[object, ...]]) -> Sequence[Chargeback]:
        rows = self.connection.execute(statement.order_by(card_tables.chargeback.c.chargeback_id).with_for_update())
        return [chargeback_of(row) for row in rows]

    def save(self, chargeback: Chargeback) -> None:
        key = {"chargeback_id": chargeback.chargeback_id}
        save_versioned(self.connection, card_tables.chargeback, key, asdict(chargeback))


def chargeback_of(row: Row[Any]) -> Chargeback:
    """A row of chargeback."""
    fields = dict(row._mapping)
    return Chargeback(**{**fields, "files": {name: ChargebackFile(**file) for name, file in fields["files"].items()}})


class SqlStripePayouts:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def lock(self) -> None:
        self.connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('stripe_payout', 0))"))

    def around(self, first: date, last: date) -> Sequence[StripePayout]:
        return self._all(card_tables.stripe_payout.c.arrives_on.between(first, last))

    def get_all(self, psp_payout_ids: Collection[UUID]) -> Mapping[UUID, StripePayout]:
        found = self._all(card_tables.stripe_payout.c.psp_payout_id.in_(list(psp_payout_ids)))
        if len(found) < len(psp_payout_ids):
            raise NotFound
        return {each.psp_payout_id: each for each in found}

    def find(self, psp_payout_id: UUID) -> StripePayout | None:
        return next(iter(self._all(card_tables.stripe_payout.c.psp_payout_id == psp_payout_id)), None)

    def _all(self, wanted: ColumnElement[bool]) -> list[StripePayout]:
        table = card_tables.stripe_payout
        rows = self.connection.execute(select(table).where(wanted).order_by(table.c.psp_payout_id).with_for_update())
        return [StripePayout(**row._mapping) for row in rows]

    def save(self, payout: StripePayout) -> None:
        values = vars(payout)
        self.connection.execute(
            insert(card_tables.stripe_payout)
            .values(values)
            .on_conflict_do_update(index_elements=["psp_payout_id"], set_=values)
        )


class SqlCheckouts:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, checkout: Checkout) -> None:
        self.connection.execute(insert(card_tables.checkout).values(vars(checkout)))

    def find(self, checkout_id: UUID) -> Checkout | None:
        return self._one(select(card_tables.checkout).where(card_tables.checkout.c.checkout_id == checkout_id))

    def current(self, payment_id: UUID) -> Checkout | None:
        table = card_tables.checkout
        return self._one(select(table).where(table.c.payment_id == payment_id, table.c.state.in_(["created", "open"])))

    def _one(self, statement: Select[tuple[object, ...]]) -> Checkout | None:
        row = self.connection.execute(statement.with_for_update()).one_or_none()
        return Checkout(**row._mapping) if row is not None else None

    def save(self, checkout: Checkout) -> None:
        save_versioned(self.connection, card_tables.checkout, {"checkout_id": checkout.checkout_id}, vars(checkout))
