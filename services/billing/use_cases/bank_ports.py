"""What lines of the bank, and who pays them, need from outside."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from services.billing.domain.bank_csv import DeclaredMap
from services.billing.domain.bank_line import BankFile, BankLine, KnownLines, Placed
from services.billing.domain.payer_agreement import Payer, PayerAgreement
from services.billing.domain.refund_account import Sender
from services.billing.domain.stripe_payout import StripePayout
from services.shared.kernel.money import Money


class BankLines(Protocol):
    def lock(self, account: str) -> None:
        """Nobody else reads a file of *account* until the end of the transaction."""

    def of_file(self, bank_file_id: UUID) -> Sequence[BankLine] | None:
        """The lines of a file that was read before, as they stand; none: it is new."""

    def find(self, bank_line_id: UUID) -> BankLine | None:
        """Locked."""

    def known(self, file: BankFile, lines: Sequence[BankLine]) -> KnownLines:
        """What the lines of *file* may be."""

    def find_all(self, bank_line_ids: Collection[UUID]) -> Mapping[UUID, BankLine]:
        """Those that exist, locked in the order of their ids."""

    def lock_early_returns(self, payout_numbers: Collection[str], bank_order_ids: Collection[UUID]) -> None:
        """Lock the lines by which payouts, those of orders too, came back before any told that they had been paid."""

    def of_other_payers(self) -> Sequence[BankLine]:
        """The oldest thousand in suspense because somebody else than the customer paid, locked."""

    def amounts_of(self, payment_id: UUID) -> frozenset[int]:
        """Of the lines that were matched to a payment, in minor units."""

    def senders_of(self, payment_id: UUID) -> Collection[Sender]:
        """Who the lines come from that were matched to a payment; empty where it was paid otherwise."""

    def debits_in_suspense(self, money: Money) -> Sequence[BankLine]:
        """Lines of exactly this much that went out and of which nobody has said yet what they are."""

    def of_institution(self, money: Money) -> Sequence[BankLine]:
        """Of this much, locked: those in suspense, and those that are a payout of the institution, none knows which."""

    def keep(self, file: BankFile, placed: Placed, now: datetime) -> None:
        """Store a file, what is new of its lines and what has changed of those known before."""

    def save(self, lines: Sequence[BankLine]) -> None: ...


class StripePayouts(Protocol):
    """What the payment institution pays out to our bank."""

    def lock(self) -> None:
        """Nobody else matches lines of the bank to them until the end of the transaction; before any line is locked."""

    def around(self, first: date, last: date) -> Sequence[StripePayout]:
        """Those that arrive in these days, both included; locked in the order of their ids."""

    def get_all(self, psp_payout_ids: Collection[UUID]) -> Mapping[UUID, StripePayout]:
        """Likewise. Raises NotFound."""

    def find(self, psp_payout_id: UUID) -> StripePayout | None:
        """Locked."""

    def save(self, payout: StripePayout) -> None:
        """New or changed."""


class Payers(Protocol):
    def of(self, customer_ids: Collection[UUID]) -> Mapping[UUID, Payer]:
        """Who pays for each of the customers; of agreements those in force."""

    def add(self, agreement: PayerAgreement, recorded_at: datetime) -> None: ...

    def get(self, payer_agreement_id: UUID) -> PayerAgreement:
        """Locked. Raises NotFound."""

    def save(self, agreement: PayerAgreement) -> None: ...


class CsvMaps(Protocol):
    def add(self, declared: DeclaredMap) -> None:
        """Raises CsvMapExists."""

    def in_force(self, account: str, at: datetime) -> DeclaredMap | None:
        """The newest that is valid at *at*."""
