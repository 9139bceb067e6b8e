"""Credit: a line per customer and currency, and the credit that it gives to each order. Invoice first, then money."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import (
    BasisPoints,
    Command,
    Event,
    Instant,
    Message,
    MoneyOrZero,
    Name,
    Page,
    PositiveMoney,
    Query,
    View,
)
from services.shared.messages.billing.commission_plan import FINANCE

CreditLineState = Literal["proposed", "active", "suspended"]
CreditRefusal = Literal["no_line", "suspended", "expired", "overdue", "limit_exceeded"]

NetDays = Annotated[int, Field(ge=0, le=180)]
"""From the invoice until what it says is to be paid."""


class CreditTerms(Message):
    """
    What a line gives.

    Attributes:
        limit: Of what is granted to open orders and of what is unpaid, taken together.
        before_work_bps: Of each order's price, to be paid before work begins; the rest goes on credit.
        valid_until: The last day on which credit is granted.
    """

    limit: PositiveMoney
    net_days: NetDays
    before_work_bps: Annotated[BasisPoints, Field(lt=10_000)]
    valid_until: date


class CreditProposal(CreditTerms):
    """Terms that wait for a second pair of eyes."""

    proposal_id: UUID
    proposed_at: Instant


class CreditLineView(View):
    """
    Attributes:
        terms: Those in force; none before the first were approved.
        granted: To orders whose work is not accepted yet.
        receivable: What is accepted and not paid.
        overdue: The part of it whose day is over.
        available: What an order may still take today.
    """

    credit_line_id: UUID
    customer_id: UUID
    state: CreditLineState
    terms: CreditTerms | None
    proposal: CreditProposal | None
    suspended_for: str
    granted: Money
    receivable: Money
    overdue: Money
    available: Money


class ProposeCreditLine(Command):
    """
    New terms for a customer, for a line there is or a new one; they hold once another approves them.

    → CreditLineView
    """

    wire_name: ClassVar = "billing.propose_credit_line"
    grants: ClassVar[Grants] = FINANCE

    customer_id: UUID
    limit: PositiveMoney
    net_days: NetDays
    before_work_bps: Annotated[BasisPoints, Field(lt=10_000)] = 0
    valid_until: date


class ApproveCreditLine(Command):
    """
    By somebody else than who proposed it. Lifts a suspension. → CreditLineView

    Attributes:
        proposal_id: The proposal that was looked at: another one, made meanwhile, is not approved with it.
    """

    wire_name: ClassVar = "billing.approve_credit_line"
    grants: ClassVar[Grants] = FINANCE

    credit_line_id: UUID
    proposal_id: UUID


class SuspendCreditLine(Command):
    """At once and by one alone: it only takes risk away. What is granted stays granted. → CreditLineView"""

    wire_name: ClassVar = "billing.suspend_credit_line"
    grants: ClassVar[Grants] = FINANCE

    credit_line_id: UUID
    reason: Name


class GetCreditLine(Query):
    """→ CreditLineView"""

    wire_name: ClassVar = "billing.get_credit_line"
    grants: ClassVar[Grants] = {"customer": frozenset(), **FINANCE}

    credit_line_id: UUID


class ListCreditLines(Query):
    """A customer's own; all for the operating company's finance, newest first. → CreditLinePage"""

    wire_name: ClassVar = "billing.list_credit_lines"
    grants: ClassVar[Grants] = {"self": frozenset(), **FINANCE}

    customer_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class CreditLinePage(Page):
    items: tuple[CreditLineView, ...]


class _CreditLineEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("credit_line", "credit_line_id")

    credit_line_id: UUID
    customer_id: UUID


class CreditLineApproved(_CreditLineEvent):
    """From now on these terms hold, whatever held before."""

    wire_name: ClassVar = "credit_line.approved.v1"

    limit: PositiveMoney
    net_days: NetDays
    before_work_bps: BasisPoints
    valid_until: date
    approved_at: Instant


class CreditLineSuspended(_CreditLineEvent):
    """No new credit is granted. *reason*: what finance wrote, or *overdue*."""

    wire_name: ClassVar = "credit_line.suspended.v1"

    reason: Name


class _CreditEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    credit_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    amount: MoneyOrZero


class CreditGranted(_CreditEvent):
    """*amount* of the order's price is to be paid *net_days* after its invoice; work may begin for it."""

    wire_name: ClassVar = "credit.granted.v1"

    net_days: NetDays


class CreditRefused(_CreditEvent):
    """The order stays contracted; its whole price is asked for by bank transfer instead."""

    wire_name: ClassVar = "credit.refused.v1"

    reason: CreditRefusal
