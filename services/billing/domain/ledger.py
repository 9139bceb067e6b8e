"""
The chart of accounts, entries and transactions. Which entries book a business fact stands with its noun.

A assets, L liabilities, R revenue, E expenses; D debit, C credit. What customers have paid stands on
`L:contract:{order}` until the work is accepted; what is owed to a provider or a station goes from
`accrued` (we await its invoice) to `payable`, and over `L:payout_transit` out of the bank. M are memo accounts: others'
money that a channel holds, balanced among themselves and outside the trial balance.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal
from uuid import UUID

from services.billing.domain.organisation import PartyKind
from services.shared.kernel.errors import Conflict
from services.shared.kernel.money import Money

Side = Literal["D", "C"]

PSP = "A:psp:stripe"
PSP_TRANSIT = "A:psp:transit"
"""What the payment institution says it has sent to our bank and the bank has not told, or the reverse."""
CHANNEL = "A:psp:channel"
"""The company's own balance at the splitting channel: commission, and nothing else."""
CHANNEL_HOLDS = "M:channel:platform"
"""Memo, outside the trial balance: what that channel holds for others' orders."""
BANK = "A:bank:main"
INPUT_VAT_PENDING = "A:vat:input_pending"
INPUT_VAT = "A:vat:input"
OUTPUT_VAT = "L:vat:output"
VAT_PAYABLE = "L:vat:payable"
SUSPENSE = "L:suspense:bank"
SERVICE_REVENUE = "R:service"
PROVIDER_COST = "E:provider_service"
STATION_COST = "E:station_share"
PSP_FEE = "E:psp_fee"
BANK_FEE = "E:bank_fee"
INTEREST = "R:interest"
DISPUTE_FEE = "E:dispute_fee"
VOUCHER_LOSS = "E:voucher_loss"
CANCELLATION_FEE = "R:cancellation_fee"
COMMISSION = "R:commission"
BAD_DEBT = "E:bad_debt"
ROUNDING = "E:rounding"
RESULTS = frozenset({
    SERVICE_REVENUE, PROVIDER_COST, STATION_COST, PSP_FEE, BANK_FEE, INTEREST, DISPUTE_FEE, VOUCHER_LOSS,
    CANCELLATION_FEE, COMMISSION, BAD_DEBT, ROUNDING,
})  # fmt: skip
"""All accounts of revenue and expense there are."""

# Whose credit the debits may never exceed: other people's money, which is spent at most once.
_NEVER_OVERDRAWN = (
    "L:contract:", "L:customer_credit:", "L:provider:", "L:station:", "L:payout_transit:", "L:voucher_fund:",
    "L:refund:", "L:credit_payback:", "L:voucher_clawback:", "M:order:",
)  # fmt: skip


class AccountOverdrawn(Conflict):
    """The account does not hold that much."""

    code = "billing.account_overdrawn"


class BookedOtherwise(Conflict):
    """The same fact stands in the ledger with other entries."""

    code = "billing.booked_otherwise"


class ReversedAlready(Conflict):
    """This transaction has been taken back already."""

    code = "billing.reversed_already"


class ReversalNotReversed(Conflict):
    """A reversal is not taken back; book anew what is right."""

    code = "billing.reversal_not_reversed"


class Unbalanced(ValueError):
    """Debits and credits differ: a bug of whoever made the entries."""


@dataclass(frozen=True, slots=True)
class Entry:
    """*amount* in minor units of *currency*, above zero."""

    account: str
    side: Side
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Posting:
    """
    A business fact to be booked.

    Attributes:
        key: Names the fact; posting the same again does nothing.
        kind: Of fact, for readers.
        entries: May be empty where a fact moves no money: then nothing is booked.
        effective_at: When it happened, for the business.
        order: Id and number of the order it belongs to, or none.
    """

    key: str
    kind: str
    entries: tuple[Entry, ...]
    effective_at: datetime
    order: tuple[UUID, str] | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """
    Attributes:
        key: The business fact; one transaction each, for ever.
        cause: What led here, of the event or the request.
        effective_at: When it counts: when it happened, or later where the books of that time are closed.
        business_at: When it happened, where that is another time.
    """

    transaction_id: UUID
    key: str
    kind: str
    order_id: UUID | None
    order_number: str
    cause: str
    effective_at: datetime
    posted_at: datetime
    entries: tuple[Entry, ...]
    reverses: UUID | None = None
    business_at: datetime | None = None

    @property
    def request_hash(self) -> bytes:
        """Of what must be the same when the same fact is posted again; times are not."""
        lines = [f"{self.kind}/{self.order_id}/{self.reverses}"]
        lines += [f"{entry.account}/{entry.side}/{entry.amount}/{entry.currency}" for entry in self.entries]
        return sha256("\n".join(lines).encode()).digest()


def check_balanced(entries: Iterable[Entry]) -> None:
    """Raises Unbalanced: debits and credits differ in a currency, or there are no entries."""
    sums: dict[str, int] = {}
    for entry in entries:
        sums[entry.currency] = sums.get(entry.currency, 0) + (entry.amount if entry.side == "D" else -entry.amount)
    if not sums or any(sums.values()):
        raise Unbalanced(f"entries do not balance: {sums}")


def mirrored(given: Iterable[Entry]) -> tuple[Entry, ...]:
    """*given* with the sides changed: what takes them back."""
    return tuple(replace(entry, side="C" if entry.side == "D" else "D") for entry in given)


def normal_side(account: str) -> Side:
    """On which side an account's balance normally stands: debit for assets, expenses and memo accounts."""
    return "C" if account.startswith(("L:", "R:")) else "D"


def min_balance(account: str) -> int | None:
    """Credit less debit may not fall below this on *account*; none: no limit."""
    return 0 if account.startswith(_NEVER_OVERDRAWN) else None


def contract(order_id: UUID) -> str:
    return f"L:contract:{order_id}"


def customer_credit(customer_id: UUID) -> str:
    return f"L:customer_credit:{customer_id}"


def credit_payback(credit_payback_id: UUID) -> str:
    """What of a customer's credit the bank has been told to pay back."""
    return f"L:credit_payback:{credit_payback_id}"


def customer_receivable(customer_id: UUID) -> str:
    return f"A:ar:customer:{customer_id}"


def programme_receivable(programme_id: UUID) -> str:
    return f"A:ar:voucher_programme:{programme_id}"


def voucher_fund(programme_id: UUID) -> str:
    return f"L:voucher_fund:{programme_id}"


def voucher_clawback(programme_id: UUID) -> str:
    """What a programme has paid and is to have back: because of refunds, or as it was not spent."""
    return f"L:voucher_clawback:{programme_id}"


def owed(kind: PartyKind, party_id: UUID, stage: Literal["accrued", "payable", "held"]) -> str:
    return f"L:{kind}:{party_id}:{stage}"


def receivable(kind: PartyKind, party_id: UUID) -> str:
    """What a party must give back."""
    return f"A:ar:{kind}:{party_id}"


def refund(refund_id: UUID) -> str:
    return f"L:refund:{refund_id}"


def cost(kind: PartyKind) -> str:
    return PROVIDER_COST if kind == "provider" else STATION_COST


def dispute(chargeback_id: UUID) -> str:
    """What the payment institution keeps from us until the bank has decided a chargeback."""
    return f"A:dispute:{chargeback_id}"


def held_for(order_id: UUID) -> str:
    """Memo: what a channel holds for an order in agent mode."""
    return f"M:order:{order_id}"


def payout_transit(payout_id: UUID) -> str:
    return f"L:payout_transit:{payout_id}"


def memo_funding(customer_id: UUID) -> str:
    """What a university's own projects paid."""
    return f"M:funding:{customer_id}"


def entries(*given: tuple[Side, str, Money]) -> tuple[Entry, ...]:
    """Those of a business fact; entries of nothing are left out."""
    return tuple(Entry(account, side, money.amount, money.currency) for side, account, money in given if money.amount)
