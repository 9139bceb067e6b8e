"""
Funding: money of a university's project that is set aside for an order of the university's own people.

The university's finance system is asked; the money never touches an account of the company.
"""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import (
    Command,
    Event,
    Instant,
    MoneyOrZero,
    Name,
    Page,
    PositiveMoney,
    Query,
    View,
)
from services.shared.messages.billing.commission_plan import FINANCE

FundingState = Literal["requested", "reserved", "refused", "executed", "released", "lapsed", "unknown"]
"""*unknown*: the finance system has not answered; it is asked again after a minute, five, an hour and five days."""
FundingRefusal = Literal[
    "no_finance_system", "project_unknown", "project_closed", "project_frozen", "wrong_person", "category_not_allowed",
    "currency_differs", "period_closed", "over_budget", "refused_otherwise",
]  # fmt: skip


class FundingView(View):
    """
    A reservation; an order has another one where the first was refused or has lapsed, or executed less than it should.

    Attributes:
        n: Which of its order's it is.
        cost_category: What the project is to allow money for, in the finance system's word.
        amount: Set aside, or asked for.
        executed: Transferred to the provider within the university.
        returned: Of that transferred back after refunds.
        reason: Why it was refused; empty: it was not.
        expires_at: When the finance system lets it lapse; none: never, or not known yet.
    """

    funding_id: UUID
    order_id: UUID
    order_number: str
    n: int
    customer_id: UUID
    provider_id: UUID
    project_number: str
    responsible_person: str
    cost_category: str
    state: FundingState
    amount: PositiveMoney
    executed: MoneyOrZero
    returned: MoneyOrZero
    reason: FundingRefusal | Literal[""]
    requested_at: Instant
    expires_at: Instant | None


class FundingPage(Page):
    items: tuple[FundingView, ...]


class NameProject(Command):
    """Another project is to pay, because the one before was refused. → FundingView"""

    wire_name: ClassVar = "billing.name_project"
    grants: ClassVar[Grants] = {"customer": frozenset({"requester", "approver"})}

    order_id: UUID
    project_number: Name
    responsible_person: Name


class AskFundingAgain(Command):
    """Ask a finance system anew that has left something unclear to the last. → FundingView"""

    wire_name: ClassVar = "billing.ask_funding_again"
    grants: ClassVar[Grants] = FINANCE

    funding_id: UUID


class GetOrderFunding(Query):
    """All reservations of an order, the newest first; none: project funds do not pay it. → FundingPage"""

    wire_name: ClassVar = "billing.get_order_funding"
    grants: ClassVar[Grants] = {"customer": frozenset(), "provider": frozenset(), **FINANCE}

    order_id: UUID


class ListFunding(Query):
    """Newest first. → FundingPage"""

    wire_name: ClassVar = "billing.list_funding"
    grants: ClassVar[Grants] = FINANCE

    state: FundingState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class _FundingEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    funding_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    provider_id: UUID
    project_number: str
    responsible_person: str
    amount: PositiveMoney


class FundingRequested(_FundingEvent):
    """The university's finance system is asked to set *amount* aside."""

    wire_name: ClassVar = "funding.requested.v1"


class FundingReserved(_FundingEvent):
    """It has set *amount* aside: work may begin for it."""

    wire_name: ClassVar = "funding.reserved.v1"


class FundingRefused(_FundingEvent):
    """It has not; the requester may name another project."""

    wire_name: ClassVar = "funding.refused.v1"

    reason: FundingRefusal


class FundingReleased(_FundingEvent):
    """Nothing is set aside any more. *cancelled*: the order is; *lapsed*: too old, and asked for anew."""

    wire_name: ClassVar = "funding.released.v1"

    reason: Literal["cancelled", "lapsed"]


class FundingExecuted(_FundingEvent):
    """*executed* was transferred within the university; *left*: what of the order is still to be transferred."""

    wire_name: ClassVar = "funding.executed.v1"

    executed: MoneyOrZero
    left: MoneyOrZero


class FundingReturned(_FundingEvent):
    """*returned*: transferred back to the project, of all its refunds together."""

    wire_name: ClassVar = "funding.returned.v1"

    returned: MoneyOrZero
