"""What use cases need of the ledger: posting, its hash chain, closing months, adjustments by hand, input VAT."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.billing.domain.adjustment import Adjustment
from services.billing.domain.input_vat import FeeMonth, InputVat
from services.billing.domain.ledger import Transaction
from services.billing.domain.ledger_block import Block
from services.billing.domain.period import ClosedPeriod, Period


class Adjustments(Protocol):
    def add(self, adjustment: Adjustment) -> None:
        """Give it its number and store it."""

    def get(self, adjustment_id: UUID) -> Adjustment:
        """Locked. Raises NotFound."""

    def books_item(self, item_id: UUID, since: datetime, but: UUID | None = None) -> bool:
        """Whether another than *but* is proposed for this item of reconciliation, or was approved from *since* on."""

    def save(self, adjustment: Adjustment) -> None: ...


class Ledger(Protocol):
    def post(self, transaction: Transaction) -> datetime | None:
        """
        Write a transaction with its entries and bring the balances along.

        Returns:
            When it counts: *effective_at*, or the first instant after it whose books are open. None when the very
            same was posted before.

        Raises:
            BookedOtherwise: The key stands there with other entries.
            AccountOverdrawn: An account would fall below its least balance.
        """

    def post_all(self, transactions: Sequence[Transaction]) -> Sequence[datetime | None]:
        """
        Write several with different keys, none of them a reversal, in a few statements; for each what `post` returns.

        Raises:
            BookedOtherwise, AccountOverdrawn: As there, and none is written. Least balances hold for all together.
        """

    def find(self, transaction_id: UUID) -> Transaction | None: ...

    def standing(self, account: str, currency: str) -> int:
        """Credit less debit on *account* just now, minor units; not locked."""

    def check(self) -> tuple[int, Mapping[str, Sequence[str]]]:
        """
        How many transactions there are; for each invariant the sentences that say where it does not hold.

        What does not hold is told to the operator too, by log and metric.
        """

    def check_at_leisure(self) -> Mapping[str, Sequence[str]]:
        """The same of every invariant, however long it takes; no posting waits for it."""

    def check_recent(self, now: datetime) -> Mapping[str, Sequence[str]]:
        """
        The same of what came in the last day, from a block of the chain on.

        Of what is older it sees what still stands on accounts, which it sums from the last closed month on; the rest
        is for `check` and the hash chain.
        """

    def red_letters_awaited(self, now: datetime) -> Sequence[str]:
        """Refunds of what is invoiced that no red letter takes back yet, the oldest first, at most 200."""


class LedgerChain(Protocol):
    def seal(self, now: datetime, *, books_held: bool) -> Sequence[Block]:
        """
        Put into blocks what is in none and is final: no transaction with a smaller number can come any more.

        Args:
            now: When it is sealed.
            books_held: See Periods.hold_books: then everything is final.

        Returns:
            The blocks made now, in order.
        """


class Periods(Protocol):
    def hold_books(self) -> None:
        """To the end of the transaction nobody posts, and all who posted have ended."""

    def keep_open(self) -> None:
        """To the end of the transaction nobody closes a month."""

    def last_until(self) -> datetime | None:
        """End of the last closed period."""

    def open_items(self, until: datetime) -> Sequence[str]:
        """What happened before *until* and is not decided, in a few words each."""

    def vat_currencies(self) -> Sequence[str]: ...

    def stands(self, account: str, currency: str, until: datetime) -> int:
        """Debit less credit of what counts before *until*."""

    def close(self, period: Period, closed_by: str, now: datetime) -> ClosedPeriod:
        """Keep what stands on every account, and let nothing count in *period* any more. The books must be held."""


class InputVats(Protocol):
    def add(self, made: InputVat) -> bool:
        """Store it. Returns False when it was there already."""

    def of_settlement(self, settlement_id: UUID) -> InputVat | None:
        """Locked."""

    def get_all(self, input_vat_ids: Iterable[UUID]) -> Sequence[InputVat]:
        """Locked, those of providers first, then in the order of their ids. Raises NotFound: one is not there."""

    def fee_month(self, period: Period, currency: str) -> FeeMonth:
        """What the payment institution's fees of a month bring. Not locked."""

    def save(self, input_vat: InputVat) -> None: ...
