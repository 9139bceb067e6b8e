"""
A payout: the transfer that pays a settlement. One starts it, another releases it, a bank order tells the bank.

Until the bank is told it moves no money and can be cancelled. What the bank refuses, or sends back after it had
paid, is payable again, once: its settlement waits for another payout. Where it was agreed so, the payment institution
pays instead (`payout_channel.py`): it is told at once when the payout is released.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.organisation import OrganisationCopy, PartyKind
from services.shared.kernel.errors import Conflict, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

PayoutState = Literal["created", "released", "in_transit", "paid", "failed", "returned", "cancelled"]
CancelReason = Literal["account_changed", "claw_back", "by_hand"]
PayoutWay = Literal["bank", "stripe_transfer"]

LIFECYCLE: Lifecycle[PayoutState] = Lifecycle(
    "payout",
    {
        "release": {"created": "released"},
        "order": {"released": "in_transit"},
        "pay": {"in_transit": "paid"},
        "fail": {"in_transit": "failed"},
        "return": {"paid": "returned"},
        # said by a person who finds it on the bank's statement
        "pay_late": {"failed": "paid"},
        "keep": {"returned": "paid"},
        "cancel": {"created": "cancelled", "released": "cancelled"},
    },
)


class SameHands(NotAllowed):
    """Who started a payout does not release it; who released it does not say that the bank refused it."""

    code = "billing.four_eyes_required"


class DebitWaits(Conflict):
    """
    The bank's line of as much names a payout of this settlement that is said to have failed: what it is comes first,
    or the party is paid twice.
    """

    code = "billing.payout_debit_in_suspense"


class PaidByInstitution(Conflict):
    """The payment institution pays it; what becomes of it only the institution's answer says."""

    code = "billing.payout_by_institution"


class BankAccountUnknown(Conflict):
    """The party has told no bank account."""

    code = "billing.party_without_bank_account"


class BankAccountChanged(Conflict):
    """The party's bank account is another one than when the payout was started; start it anew."""

    code = "billing.bank_account_changed"


class BankAccountUnconfirmed(Conflict):
    """The operating company has not confirmed the party's name and bank account since they changed."""

    code = "billing.bank_account_unconfirmed"


class BankAccountNew(Conflict):
    """The party's bank account changed a short while ago; time is left for somebody to object."""

    code = "billing.bank_account_new"


class BankAccountNotOwn(Conflict):
    """The holder of the bank account is not the party itself."""

    code = "billing.bank_account_not_own"


def account_to_pay(party: OrganisationCopy, now: datetime, cooling_off: timedelta) -> tuple[str, str, str]:
    """
    Bank, holder and number to which *party* may be paid now.

    Raises: BankAccountUnknown, BankAccountUnconfirmed, BankAccountNotOwn, BankAccountNew.
    """
    if party.bank_account is None:
        raise BankAccountUnknown
    if not party.verified:
        raise BankAccountUnconfirmed
    if party.account_name != party.legal_name:
        raise BankAccountNotOwn
    if party.account_changed_at is not None and now < party.account_changed_at + cooling_off:
        raise BankAccountNew(payable_from=(party.account_changed_at + cooling_off).isoformat())
    return party.bank_account


@dataclass
class Payout:
    """
    The account is the one that was known when it was started: who releases sees what they release.

    Attributes:
        way: Who pays it. A connected account stands in the three fields of a bank account: institution, holder, id.
        transfer_id: The institution's transfer, once it is made.
        bank_order_id: The order by which the bank was told.
        bank_status: What the bank last answered, as ISO 20022 writes it (ACCP, ACSC, RJCT …); empty while unknown.
        failure: Why it failed or came back, as the bank or a person says.
        early_return: The line by which the bank sent it back before any line told that it had been paid.
    """

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
    bank_order_id: UUID | None = None
    bank_status: str = ""
    failure: str = ""
    early_return: UUID | None = None
    way: PayoutWay = "bank"
    transfer_id: str = ""
    version: int = 0

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def bank_account(self) -> tuple[str, str, str]:
        return self.bank_name, self.account_name, self.account_number

    def release(self, by: str, now_to: tuple[PayoutWay, tuple[str, str, str]], now: datetime) -> None:
        """
        Let it go into a bank order, or to the institution.

        *now_to*: by which way and to which account the party would be paid now.

        Raises:
            WrongState: It is not just started.
            SameHands: *by* started it.
            BankAccountChanged: Way or account are not those it was started for.
        """
        state = LIFECYCLE.after("release", self.state)
        if by == self.created_by:
            raise SameHands
        if now_to != (self.way, self.bank_account):
            raise BankAccountChanged
        self.state, self.released_at, self.released_by = state, now, by

    def order(self, bank_order_id: UUID) -> None:
        """
        The bank is told to pay by *bank_order_id*.

        Raises:
            WrongState: It is not released.
        """
        self.state, self.bank_order_id = LIFECYCLE.after("order", self.state), bank_order_id

    def ask_institution(self) -> None:
        """The institution is asked to pay. Raises WrongState: It is not released."""
        self.state = LIFECYCLE.after("order", self.state)

    def pay(self, now: datetime) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("pay", self.state)
        self.paid_at = now

    def fail(self, reason: str, by: str = "") -> None:
        """
        The bank did not pay it; *by*: who says so, where it is not the bank or the institution itself.

        Raises: WrongState, SameHands, PaidByInstitution.
        """
        if by and self.way != "bank":
            raise PaidByInstitution
        state = LIFECYCLE.after("fail", self.state)
        if by == self.released_by:
            raise SameHands
        self.state, self.failure = state, reason

    def bring_back(self) -> None:
        """
        The bank sent it back after it had paid.

        Raises:
            WrongState: It is not paid, or came back before.
        """
        self.state, self.failure = LIFECYCLE.after("return", self.state), "returned"

    def pay_late(self, now: datetime) -> None:
        """The bank has paid it after all. Raises WrongState: It had not failed."""
        self.state, self.failure, self.paid_at = LIFECYCLE.after("pay_late", self.state), "", now

    def keep(self) -> None:
        """It had not come back. Raises WrongState."""
        self.state, self.failure = LIFECYCLE.after("keep", self.state), ""

    def cancel(self) -> None:
        """Raises WrongState: The bank has been told."""
        self.state = LIFECYCLE.after("cancel", self.state)


def payout_started(kind: PartyKind, party_id: UUID, payout_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """The bank is told to pay."""
    return ledger.entries(
        ("D", ledger.owed(kind, party_id, "payable"), amount), ("C", ledger.payout_transit(payout_id), amount)
    )


def payout_paid(payout_id: UUID, amount: Money, source: str) -> tuple[ledger.Entry, ...]:
    """
    The bank's statement shows that it paid, or the institution made its transfer.

    *source*: the account on which that lies: the bank's, suspense, the institution's.
    """
    return ledger.entries(("D", ledger.payout_transit(payout_id), amount), ("C", source, amount))


def payout_paid_late(payout: Payout, source: str) -> tuple[ledger.Entry, ...]:
    """The bank paid what it had said it did not."""
    owed = ledger.owed(payout.party_kind, payout.party_id, "payable")
    return ledger.entries(("D", owed, payout.money), ("C", source, payout.money))


def payout_paid_twice(payout: Payout, source: str) -> tuple[ledger.Entry, ...]:
    """Likewise, and the party has it by another payout too: it owes it to us."""
    owes = ledger.receivable(payout.party_kind, payout.party_id)
    return ledger.entries(("D", owes, payout.money), ("C", source, payout.money))


def payout_returned(kind: PartyKind, party_id: UUID, amount: Money, source: str) -> tuple[ledger.Entry, ...]:
    """What was paid is back and payable again; *source*: the account on which it lies: bank, institution, suspense."""
    return ledger.entries(("D", source, amount), ("C", ledger.owed(kind, party_id, "payable"), amount))
