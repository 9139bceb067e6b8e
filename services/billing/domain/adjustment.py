"""
An adjustment: a transaction that a person books by hand. One proposes it, another approves.

By hand nobody moves what has an undo of its own: money at the bank and at the payment institution is booked by their
statements, an order's revenue and shares by acceptance and refund, a payout by its bank line, what a customer
owes with its receivable, what a provider or station owes with its claw-back. What is left is the
accountant's: debts that will not be paid, the odd fen, figures that belong on another line, and what reconciliation
found at the bank, the payment institution or the splitting channel that nothing else books: no more than the item is
about.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.ledger import Entry, check_balanced
from services.billing.domain.reconciliation import OpenItem, Source
from services.shared.kernel.errors import Conflict, Invalid, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle

AdjustmentKind = Literal["reversal", "write_off", "rounding", "reclassification", "reconciliation"]
AdjustmentState = Literal["proposed", "approved", "refused"]

LIFECYCLE: Lifecycle[AdjustmentState] = Lifecycle(
    "adjustment", {"approve": {"proposed": "approved"}, "refuse": {"proposed": "refused"}}
)

_RECEIVABLES = ("A:ar:voucher_programme:",)
_LOSSES = (ledger.BAD_DEBT, "E:voucher_loss")
_RESULTS = tuple(sorted(ledger.RESULTS))
_VAT = (ledger.INPUT_VAT_PENDING, ledger.INPUT_VAT, ledger.OUTPUT_VAT, ledger.VAT_PAYABLE)

_COMPARED: dict[Source, str] = {"stripe": ledger.PSP, "bank": ledger.BANK, "channel": ledger.CHANNEL}
"""Whose books are set beside which account of ours."""

_RECONCILED = (
    ledger.PSP, ledger.BANK, ledger.CHANNEL, ledger.PSP_TRANSIT, "L:customer_credit:", ledger.PSP_FEE, ledger.BANK_FEE,
    ledger.DISPUTE_FEE, ledger.BAD_DEBT, ledger.ROUNDING, ledger.INTEREST, ledger.INPUT_VAT_PENDING,
)  # fmt: skip

DEBITED_AND_CREDITED: dict[AdjustmentKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "write_off": (_LOSSES, _RECEIVABLES),
    "rounding": ((ledger.ROUNDING, *_RECEIVABLES, *_VAT), (ledger.ROUNDING, *_RECEIVABLES, *_VAT)),
    "reclassification": ((*_RESULTS, *_VAT), (*_RESULTS, *_VAT)),
    "reconciliation": (_RECONCILED, _RECONCILED),
}
"""The accounts that each kind may debit and credit; what ends with a colon is how their names begin."""

KEY = "adjustment"
"""First word of the business keys of what persons book: they may take back that, and nothing else."""

ROUNDING_MAX = 100
"""Minor units: more than this is no rounding."""


class AccountNotByHand(Invalid):
    """This kind of adjustment may not touch that account."""

    code = "billing.account_not_by_hand"


class EntriesUnbalanced(Invalid):
    """Debits and credits differ, or there are none."""

    code = "billing.entries_unbalanced"


class RoundingTooLarge(Invalid):
    """That is more than a rounding."""

    code = "billing.rounding_too_large"


class MoreThanOwed(Conflict):
    """An authority does not owe that much."""

    code = "billing.adjustment_more_than_owed"


class ItemNotByHand(Invalid):
    """Only a movement of money that a run has found and that is open still is put in order by hand."""

    code = "billing.item_not_by_hand"


class MoreThanItem(Conflict):
    """More would be booked than the item of reconciliation is about, on another account, or the wrong way."""

    code = "billing.adjustment_more_than_item"


class ItemBookedAlready(Conflict):
    """The item is booked, or about to be; only a run that finds it once more makes room for another posting."""

    code = "billing.item_booked_already"


class EffectiveLater(Invalid):
    """What has not happened yet is not booked."""

    code = "billing.effective_later"


class NotReversible(Conflict):
    """What booked this transaction undoes it; it is not taken back by hand."""

    code = "billing.not_reversible"


class SameHandsApprove(NotAllowed):
    """Who proposed it does not approve it."""

    code = "billing.four_eyes_required"


@dataclass
class Adjustment:
    """
    Attributes:
        reverses: The transaction that a reversal takes back; it has no *entries* of its own.
        effective_at: When it counts.
        transaction_id: Once it is approved and booked.
        item_id: The item of reconciliation that it puts in order.
    """

    adjustment_id: UUID
    number: str
    kind: AdjustmentKind
    state: AdjustmentState
    reason: str
    order_id: UUID | None
    order_number: str
    reverses: UUID | None
    entries: tuple[Entry, ...]
    effective_at: datetime
    proposed_at: datetime
    proposed_by: str
    decided_at: datetime | None = None
    decided_by: str = ""
    transaction_id: UUID | None = None
    version: int = 0
    item_id: UUID | None = None

    def approve(self, by: str, transaction_id: UUID, now: datetime) -> None:
        """Raises WrongState, SameHandsApprove."""
        self.check_approver(by)
        self.state = LIFECYCLE.after("approve", self.state)
        self.decided_at, self.decided_by, self.transaction_id = now, by, transaction_id

    def check_approver(self, by: str) -> None:
        """Raises WrongState, SameHandsApprove."""
        LIFECYCLE.after("approve", self.state)
        if by == self.proposed_by:
            raise SameHandsApprove

    def refuse(self, by: str, now: datetime) -> None:
        """By anybody, the proposer too, who thus withdraws it. Raises WrongState."""
        self.state = LIFECYCLE.after("refuse", self.state)
        self.decided_at, self.decided_by = now, by


def credited_receivables(entries: tuple[Entry, ...]) -> dict[tuple[str, str], int]:
    """What *entries* take from debts of authorities, by account and currency; minor units, never below zero."""
    found: dict[tuple[str, str], int] = {}
    for entry in entries:
        if entry.account.startswith(_RECEIVABLES):
            key, amount = (entry.account, entry.currency), entry.amount if entry.side == "C" else -entry.amount
            found[key] = found.get(key, 0) + amount
    return {key: amount for key, amount in found.items() if amount > 0}


def check_by_hand(kind: AdjustmentKind, entries: tuple[Entry, ...]) -> None:
    """
    Raises:
        EntriesUnbalanced, AccountNotByHand, RoundingTooLarge: See there.
    """
    try:
        check_balanced(entries)
    except ledger.Unbalanced:
        raise EntriesUnbalanced from None
    debited, credited = DEBITED_AND_CREDITED[kind]
    for entry in entries:
        allowed = debited if entry.side == "D" else credited
        if not any(
            entry.account == each or (each.endswith(":") and entry.account.startswith(each)) for each in allowed
        ):
            raise AccountNotByHand(account=entry.account)
    if kind == "rounding":
        if all(entry.account != ledger.ROUNDING for entry in entries):
            raise AccountNotByHand(account=entries[0].account)
        if sum(entry.amount for entry in entries if entry.side == "D") > ROUNDING_MAX:
            raise RoundingTooLarge(minor_units_max=ROUNDING_MAX)


def check_for_item(entries: tuple[Entry, ...], item: OpenItem) -> None:
    """
    Of the account that is compared *entries* book what the other side has and we have not, and no more.

    Raises:
        ItemNotByHand, MoreThanItem: See there.
    """
    own = _COMPARED.get(item.source)
    if own is None or item.kind != "movement" or not item.open:
        raise ItemNotByHand
    lacking = (item.theirs or 0) - (item.ours or 0)
    booked = sum(
        entry.amount if entry.side == "D" else -entry.amount
        for entry in entries
        if entry.account == own and entry.currency == item.currency
    )
    elsewhere = any(
        entry.account in {*_COMPARED.values()} - {own} or entry.currency != item.currency for entry in entries
    )
    if elsewhere or booked * lacking <= 0 or abs(booked) > abs(lacking):
        raise MoreThanItem(currency=item.currency, minor_units_max=lacking)
