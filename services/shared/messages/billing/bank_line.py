"""Lines of the bank's account that wait in suspense, and what they turn out to be."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Message, Name, Page, PositiveMoney, Query, Text, View
from services.shared.messages.billing.bank_statement import BankLine
from services.shared.messages.billing.commission_plan import FINANCE

PartKind = Literal[
    "payment", "customer_credit", "returned", "fee", "interest", "psp", "channel", "tax", "payout", "payout_return",
    "party_debt", "refund", "refund_return", "credit_payback", "credit_payback_return", "claim", "programme",
]  # fmt: skip
Bucket = Literal["0-7", "8-30", "over-30"]


class BankLinePart(Message):
    """
    What a line, or a part of it, is.

    Attributes:
        kind: *psp*: the payment institution has sent what it holds for us, or taken what it lacks. *channel*:
            commission withdrawn from the splitting channel. *tax*: VAT paid to the tax office. *payout*, *refund*,
            *credit_payback*: the bank has made it, perhaps after it had said that it had not; *payout_return*,
            *refund_return*, *credit_payback_return*: it sent one back. *party_debt*: it paid one that had failed and
            was paid anew, or one a second time: the party owes it. *claim*: an authority pays one, all that is left of
            it; *programme*: it funds one ahead.
        target_id: The payment; the customer whose credit it becomes; the line by which money came or went back; the
            payout; the refund; the credit payback; the claim; the programme; the institution's payout, where it is
            known. None for a fee or interest of the bank, channel and tax.
    """

    kind: PartKind
    target_id: UUID | None
    amount: PositiveMoney


class BankLineProposal(Message):
    """What *by* says that a line is; another one confirms it."""

    parts: tuple[BankLinePart, ...]
    reason: str
    by: str
    at: Instant


class BankLineCandidate(Message):
    """
    A payment that a line may be for.

    Attributes:
        score: Of a hundred; *reasons* are the codes of what speaks for and against it.
        missing: What it still waits for.
    """

    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    customer_name: str
    missing: Money
    score: int
    reasons: tuple[str, ...]


class BankLineSuggestion(Message):
    """What a line may be, all of it: *parts* are what `billing.resolve_bank_line` takes. *reasons* are codes."""

    parts: tuple[BankLinePart, ...]
    reasons: tuple[str, ...]


class BankLineView(BankLine, View):
    """
    A line with all that a person needs to decide on it.

    Attributes:
        age_days: Since the bank booked it.
        parts: What it was matched to.
        candidates: The likeliest payments first, at most five; only while it is in suspense.
        suggestions: Likewise what all of it may be, at most five.
    """

    age_days: int
    parts: tuple[BankLinePart, ...]
    proposal: BankLineProposal | None
    candidates: tuple[BankLineCandidate, ...] = ()
    suggestions: tuple[BankLineSuggestion, ...] = ()


class ResolveBankLine(Command):
    """
    Say what a line in suspense is; the parts add up to it. → BankLineView

    Above an amount (a setting), and for tax, payouts, refunds and credit paybacks always, it only becomes a proposal,
    which another one confirms.
    """

    wire_name: ClassVar = "billing.resolve_bank_line"
    grants: ClassVar[Grants] = FINANCE

    bank_line_id: UUID
    parts: Annotated[tuple[BankLinePart, ...], Field(min_length=1, max_length=50)]
    reason: Text = ""


class ConfirmBankLine(Command):
    """By another one than who proposed it. → BankLineView"""

    wire_name: ClassVar = "billing.confirm_bank_line"
    grants: ClassVar[Grants] = FINANCE

    bank_line_id: UUID


class UndoBankLine(Command):
    """A line was matched to the wrong thing: what booked it is reversed and it waits again. → BankLineView"""

    wire_name: ClassVar = "billing.undo_bank_line"
    grants: ClassVar[Grants] = FINANCE

    bank_line_id: UUID
    reason: Name


class GetBankLine(Query):
    """→ BankLineView"""

    wire_name: ClassVar = "billing.get_bank_line"
    grants: ClassVar[Grants] = FINANCE

    bank_line_id: UUID


class ListSuspense(Query):
    """
    Lines in suspense, the oldest first, or the largest. → SuspensePage

    Attributes:
        bucket: Only those of this age in days.
    """

    wire_name: ClassVar = "billing.list_suspense"
    grants: ClassVar[Grants] = FINANCE

    bucket: Bucket | None = None
    order: Literal["age", "amount"] = "age"
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class SuspenseAge(Message):
    """How much of one currency waits so long: *count* lines of *direction* with the sum *amount*."""

    bucket: Bucket
    direction: Literal["in", "out"]
    count: int
    amount: Money


class SuspensePage(Page):
    """*ages*: of all lines in suspense, whatever was asked for."""

    items: tuple[BankLineView, ...]
    ages: tuple[SuspenseAge, ...]


class _BankLineEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("bank_line", "bank_line_id")

    bank_line_id: UUID
    serial_number: str
    amount: Money


class BankLineInSuspense(_BankLineEvent):
    """Money of which nobody knows yet what it is for."""

    wire_name: ClassVar = "bank_line.in_suspense.v1"

    reason: str


class BankLineResolved(_BankLineEvent):
    """What waited in suspense is known; *by* is empty where no person made it sure."""

    wire_name: ClassVar = "bank_line.resolved.v1"

    parts: tuple[BankLinePart, ...]
    reason: str
    by: str


class BankLineReopened(_BankLineEvent):
    """It was matched to the wrong thing and waits in suspense again."""

    wire_name: ClassVar = "bank_line.reopened.v1"

    reason: str
    by: str
