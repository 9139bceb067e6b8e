"""Lines of the bank that wait in suspense, and what they turn out to be."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.bank_statement import BankLine
from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, Name, Text
from services.shared.messages.billing.bank_line import BankLinePart as Part
from services.shared.messages.billing.bank_line import Bucket, PartKind


class BankLinePart(Shown):
    kind: PartKind
    target_id: UUID | None
    amount: Money


class BankLineProposal(Shown):
    parts: tuple[BankLinePart, ...]
    reason: str
    by: str
    at: Instant


class BankLineCandidate(Shown):
    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    customer_name: str
    missing: Money
    score: int
    reasons: tuple[str, ...]


class BankLineSuggestion(Shown):
    parts: tuple[BankLinePart, ...]
    reasons: tuple[str, ...]


class BankLineInDetail(BankLine):
    """
    *score* of each candidate is of a hundred; *reasons* are codes of what speaks for and against it. The *parts* of a
    suggestion are those with which the line is resolved, if it is right.
    """

    age_days: int
    parts: tuple[BankLinePart, ...]
    proposal: BankLineProposal | None
    candidates: tuple[BankLineCandidate, ...]
    suggestions: tuple[BankLineSuggestion, ...]


class SuspenseAge(Shown):
    bucket: Bucket
    direction: Literal["in", "out"]
    count: int
    amount: Money


class SuspensePage(Shown):
    items: tuple[BankLineInDetail, ...]
    next_cursor: str | None
    ages: tuple[SuspenseAge, ...]


class SuspenseListed(Listed):
    bucket: Bucket | None = None
    order: Literal["age", "amount"] = "age"


class BankLineToResolve(Schema):
    """*parts* add up to the line."""

    parts: Annotated[tuple[Part, ...], Field(min_length=1, max_length=50)]
    reason: Text = ""


class BankLineToUndo(Schema):
    reason: Name
