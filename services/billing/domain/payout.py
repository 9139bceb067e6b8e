"""A payout: the transfer that pays a settlement. One starts it, another releases it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.organisation import PartyKind
from services.shared.kernel.errors import Conflict, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

PayoutState = Literal["created", "in_transit", "paid", "failed", "cancelled"]

LIFECYCLE: Lifecycle[PayoutState] = Lifecycle(
    "payout",
    {
        "release": {"created": "in_transit"},
        "pay": {"in_transit": "paid"},
        "cancel": {"created": "cancelled"},
    },
)


class SameHands(NotAllowed):
    """Who started a payout does not release it."""

    code = "billing.four_eyes_required"


class BankAccountUnknown(Conflict):
    """The party has told no bank account."""

    code = "billing.party_without_bank_account"


class BankAccountChanged(Conflict):
    """The party's bank account is another one than when the payout was started; start it anew."""

    code = "billing.bank_account_changed"


@dataclass
class Payout:
    """The bank account is the one that was known when it was started: who releases sees what they release."""

    payout_id: UUID
    number: str
    state: PayoutState
    settlement_id: UUID
    party_kind: PartyKind
    party_id: UUID
    currency: str
    amount: int
    bank_name: str
    account_name: str
    account_number: str
    created_at: datetime
    created_by: str
    released_at: datetime | None = None
    released_by: str = ""
    paid_at: datetime | None = None
    bank_order_key: str | None = None
    version: int = 0

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def bank_account(self) -> tuple[str, str, str]:
        return self.bank_name, self.account_name, self.account_number

    def release(self, by: str, account_now: tuple[str, str, str] | None, now: datetime) -> None:
        """
        Tell the bank to pay.

        Raises:
            WrongState: It is not just started.
            SameHands: *by* started it.
            BankAccountChanged: *account_now* is not the account it was started for.
        """
        state = LIFECYCLE.after("release", self.state)
        if by == self.created_by:
            raise SameHands
        if account_now != self.bank_account:
            raise BankAccountChanged
        self.state, self.released_at, self.released_by = state, now, by

    def pay(self, now: datetime) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("pay", self.state)
        self.paid_at = now

    def cancel(self) -> None:
        """Raises WrongState: The bank has been told."""
        self.state = LIFECYCLE.after("cancel", self.state)


def payout_started(kind: PartyKind, party_id: UUID, payout_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """The bank is told to pay."""
    return ledger.entries(
        ("D", ledger.owed(kind, party_id, "payable"), amount), ("C", ledger.payout_transit(payout_id), amount)
    )


def payout_paid(payout_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """The bank's statement shows that it paid."""
    return ledger.entries(("D", ledger.payout_transit(payout_id), amount), ("C", ledger.BANK, amount))
