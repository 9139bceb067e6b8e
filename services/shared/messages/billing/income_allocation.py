"""Income allocation: how a provider divides what it earns among its colleges and instrument teams."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import BasisPoints, Command, Instant, Message, Name, Page, Query, Text, View

_PROVIDER: Grants = {"self": frozenset({"provider_finance", "lab_manager"})}


class IncomeShare(Message):
    """*bps* of the income is the college's, or of its instrument *team* where one is named."""

    college: Name
    team: Text = ""
    bps: Annotated[BasisPoints, Field(gt=0)]


class IncomeAllocationView(View):
    """*offering_id*: none: of all work that no other rule is for. *since*: a day in Asia/Shanghai."""

    allocation_id: UUID
    offering_id: UUID | None
    since: date
    shares: tuple[IncomeShare, ...]
    set_at: Instant


class SetIncomeAllocation(Command):
    """For orders accepted from the start of *since* (Asia/Shanghai) on, until the next rule. → IncomeAllocationView"""

    wire_name: ClassVar = "billing.set_income_allocation"
    grants: ClassVar[Grants] = {"self": frozenset({"provider_finance"})}

    offering_id: UUID | None = None
    since: date
    shares: Annotated[tuple[IncomeShare, ...], Field(min_length=1, max_length=50)]


class ListIncomeAllocations(Query):
    """A provider's own rules, newest first. → IncomeAllocationPage"""

    wire_name: ClassVar = "billing.list_income_allocations"
    grants: ClassVar[Grants] = _PROVIDER

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class IncomeAllocationPage(Page):
    items: tuple[IncomeAllocationView, ...]


class AllocatedPart(Message):
    """*college* is empty where no rule held. Below zero of a correction that takes away."""

    college: str
    team: str
    net: Money
    tax: Money
    gross: Money


class AllocatedLine(Message):
    """A line of a statement and whose it is: the parts sum to it exactly."""

    order_id: UUID
    order_number: str
    title: str
    kind: Literal["acceptance", "correction", "cancellation_fee"]
    accepted_at: Instant
    parts: tuple[AllocatedPart, ...]


class ListAllocatedIncome(Query):
    """
    Whose the lines of a statement are, by the rules that stand now, in the order of acceptance. → AllocatedIncomePage

    *totals*: sums over the whole statement, with the first page.
    """

    wire_name: ClassVar = "billing.list_allocated_income"
    grants: ClassVar[Grants] = {"provider": frozenset({"provider_finance", "lab_manager"})}

    settlement_id: UUID
    totals: bool = True
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class AllocatedIncomePage(Page):
    """*totals*: what is earned, whatever is kept of it because of claw-backs."""

    totals: tuple[AllocatedPart, ...]
    items: tuple[AllocatedLine, ...]
