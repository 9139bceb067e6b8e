"""What payouts and orders to the bank need from outside."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from services.billing.domain.bank_order import BankOrder
from services.billing.domain.payout import Payout
from services.billing.domain.payout_channel import PayoutChannel


class Payouts(Protocol):
    """Where several are locked, their parties are locked before them."""

    def add(self, payout: Payout) -> None:
        """Give it its number and store it."""

    def party_of(self, payout_id: UUID) -> UUID:
        """Not locked: it never changes. Raises NotFound."""

    def get(self, payout_id: UUID) -> Payout:
        """Locked. Raises NotFound."""

    def get_all(self, payout_ids: Collection[UUID]) -> Sequence[Payout]:
        """Each of them once, locked in the order of their ids. Raises NotFound."""

    def by_numbers(
        self, numbers: Iterable[str], bank_order_ids: Iterable[UUID] = (), parties: Iterable[UUID] = ()
    ) -> Mapping[str, Payout]:
        """Those that exist, and all of some bank orders, locked in the order of their ids; *parties* with theirs."""

    def failed_numbers(self, settlement_id: UUID) -> Collection[str]:
        """Of those that were to pay a settlement and are said to have failed."""

    def of_bank_order(self, bank_order_id: UUID) -> Sequence[Payout]:
        """Locked in the order of their ids."""

    def started_of(self, party_id: UUID) -> Sequence[Payout]:
        """Those of a party of which the bank was not told, locked."""

    def save(self, payout: Payout) -> None: ...


class PayoutChannels(Protocol):
    """Whoever locks one of a party has locked the party before; only `using` does without, and changes no way."""

    def add(self, channel: PayoutChannel) -> None:
        """Raises PayoutChannelProposed."""

    def party_of(self, payout_channel_id: UUID) -> UUID:
        """Not locked: it never changes. Raises NotFound."""

    def get(self, payout_channel_id: UUID) -> PayoutChannel:
        """Locked. Raises NotFound."""

    def agreed_of(self, party_id: UUID) -> PayoutChannel | None:
        """Locked."""

    def using(self, account_id: str) -> PayoutChannel | None:
        """The agreed one that pays to a connected account, locked, so that no other is agreed on meanwhile."""

    def save(self, channel: PayoutChannel) -> None: ...


class BankOrders(Protocol):
    def add(self, order: BankOrder) -> None:
        """Give it its number and store it."""

    def get(self, bank_order_id: UUID) -> BankOrder:
        """Locked. Raises NotFound."""

    def find(self, number: str) -> BankOrder | None:
        """Locked."""

    def ids_of(self, numbers: Iterable[str]) -> Mapping[str, UUID]:
        """By number those that exist. Not locked: it never changes."""

    def save(self, order: BankOrder) -> None: ...
