"""
Rows ⇄ payouts, their channels, bank orders.

Whoever locks payouts has locked their parties before, providers before stations.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import card_tables, tables
from services.billing.domain.bank_order import BankOrder
from services.billing.domain.payout import Payout
from services.billing.domain.payout_channel import PayoutChannel, PayoutChannelProposed
from services.billing.domain.settlement import PayoutExists
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound


class SqlPayouts:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, payout: Payout) -> None:
        values = asdict(payout) | {"number": text("next_number('PO', :at)").bindparams(at=payout.created_at)}
        number = self.connection.execute(
            insert(tables.payout).values(values).on_conflict_do_nothing().returning(tables.payout.c.number)
        ).scalar_one_or_none()
        if number is None:
            raise PayoutExists
        payout.number = number

    def party_of(self, payout_id: UUID) -> UUID:
        table = tables.payout
        found: UUID | None = self.connection.execute(
            select(table.c.party_id).where(table.c.payout_id == payout_id)
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    def failed_numbers(self, settlement_id: UUID) -> frozenset[str]:
        table = tables.payout
        rows = self.connection.execute(
            select(table.c.number).where(table.c.settlement_id == settlement_id, table.c.state == "failed")
        )
        return frozenset(row.number for row in rows)

    def get(self, payout_id: UUID) -> Payout:
        found = self._locked(tables.payout.c.payout_id == payout_id)
        if not found:
            raise NotFound
        return found[0]

    def get_all(self, payout_ids: Collection[UUID]) -> Sequence[Payout]:
        wanted = set(payout_ids)
        found = self._with_parties(tables.payout.c.payout_id.in_(wanted))
        if len(found) < len(wanted):
            raise NotFound
        return found

    def by_numbers(
        self, numbers: Iterable[str], bank_order_ids: Iterable[UUID] = (), parties: Iterable[UUID] = ()
    ) -> Mapping[str, Payout]:
        table = tables.payout
        wanted = table.c.number.in_(list(numbers)) | table.c.bank_order_id.in_(list(bank_order_ids))
        return {each.number: each for each in self._with_parties(wanted, parties)}

    def of_bank_order(self, bank_order_id: UUID) -> Sequence[Payout]:
        return self._with_parties(tables.payout.c.bank_order_id == bank_order_id)

    def started_of(self, party_id: UUID) -> Sequence[Payout]:
        table = tables.payout
        return self._locked((table.c.party_id == party_id) & table.c.state.in_(["created", "released"]))

    def save(self, payout: Payout) -> None:
        save_versioned(self.connection, tables.payout, {"payout_id": payout.payout_id}, vars(payout))
        payout.version += 1  # what came back before it was paid changes twice in one transaction

    def _with_parties(self, condition: ColumnElement[bool], more: Iterable[UUID] = ()) -> list[Payout]:
        party = tables.organisation
        self.connection.execute(
            select(party.c.organisation_id)
            .where(
                party.c.organisation_id.in_(select(tables.payout.c.party_id).where(condition))
                | party.c.organisation_id.in_(list(more))
            )
            .order_by(party.c.kind, party.c.organisation_id)
            .with_for_update()
        )
        return self._locked(condition)

    def _locked(self, condition: ColumnElement[bool]) -> list[Payout]:
        table = tables.payout
        rows = self.connection.execute(select(table).where(condition).order_by(table.c.payout_id).with_for_update())
        return [Payout(**row._mapping) for row in rows]


class SqlBankOrders:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, order: BankOrder) -> None:
        values = asdict(order) | {"number": text("next_number('BO', :at)").bindparams(at=order.ordered_at)}
        order.number = self.connection.execute(
            insert(tables.bank_order).values(values).returning(tables.bank_order.c.number)
        ).scalar_one()

    def get(self, bank_order_id: UUID) -> BankOrder:
        order = self._one(tables.bank_order.c.bank_order_id == bank_order_id)
        if order is None:
            raise NotFound
        return order

    def find(self, number: str) -> BankOrder | None:
        return self._one(tables.bank_order.c.number == number)

    def ids_of(self, numbers: Iterable[str]) -> Mapping[str, UUID]:
        table = tables.bank_order
        rows = self.connection.execute(
            select(table.c.number, table.c.bank_order_id).where(table.c.number.in_(list(numbers)))
        )
        return {row.number: row.bank_order_id for row in rows}

    def save(self, order: BankOrder) -> None:
        save_versioned(self.connection, tables.bank_order, {"bank_order_id": order.bank_order_id}, vars(order))

    def _one(self, condition: ColumnElement[bool]) -> BankOrder | None:
        row: Any = self.connection.execute(select(tables.bank_order).where(condition).with_for_update()).one_or_none()
        return BankOrder(**row._mapping) if row is not None else None


class SqlPayoutChannels:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, channel: PayoutChannel) -> None:
        added = self.connection.execute(
            insert(card_tables.payout_channel).values(asdict(channel)).on_conflict_do_nothing()
        )
        if not added.rowcount:
            raise PayoutChannelProposed

    def party_of(self, payout_channel_id: UUID) -> UUID:
        table = card_tables.payout_channel
        found: UUID | None = self.connection.execute(
            select(table.c.party_id).where(table.c.payout_channel_id == payout_channel_id)
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    def get(self, payout_channel_id: UUID) -> PayoutChannel:
        found = self._one(card_tables.payout_channel.c.payout_channel_id == payout_channel_id)
        if found is None:
            raise NotFound
        return found

    def agreed_of(self, party_id: UUID) -> PayoutChannel | None:
        table = card_tables.payout_channel
        return self._one((table.c.party_id == party_id) & (table.c.state == "agreed"))

    def using(self, account_id: str) -> PayoutChannel | None:
        # Of two that agree on one account at the same time, the second sees the first.
        self.connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext('connected_account'), hashtext(:account))"),
            {"account": account_id},
        )
        table = card_tables.payout_channel
        return self._one((table.c.account_id == account_id) & (table.c.state == "agreed"))

    def save(self, channel: PayoutChannel) -> None:
        key = {"payout_channel_id": channel.payout_channel_id}
        save_versioned(self.connection, card_tables.payout_channel, key, vars(channel))

    def _one(self, condition: ColumnElement[bool]) -> PayoutChannel | None:
        row = self.connection.execute(
            select(card_tables.payout_channel).where(condition).with_for_update()
        ).one_or_none()
        return PayoutChannel(**row._mapping) if row is not None else None
