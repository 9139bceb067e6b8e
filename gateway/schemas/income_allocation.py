"""How a provider divides its income among its colleges and instrument teams."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from gateway.schemas.base import Asked, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import BasisPoints, Instant, Name, Text


class IncomeShare(Schema):
    model_config = ConfigDict(from_attributes=True)

    college: Name
    team: Annotated[Text, Field(description="an instrument team of it; empty: the college as a whole")] = ""
    bps: Annotated[BasisPoints, Field(gt=0, description="basis points; all shares together are 10,000")]


class IncomeAllocationToSet(Schema):
    offering_id: Annotated[UUID | None, Field(description="none: for all work that no other rule is for")] = None
    since: Annotated[date, Field(description="for orders accepted from this day in Asia/Shanghai on")]
    shares: Annotated[tuple[IncomeShare, ...], Field(min_length=1, max_length=50)]


class IncomeAllocation(Shown):
    allocation_id: UUID
    offering_id: UUID | None
    since: date
    shares: tuple[IncomeShare, ...]
    set_at: Instant


class IncomeAllocationPage(Shown):
    items: tuple[IncomeAllocation, ...]
    next_cursor: str | None


class AllocatedPart(Shown):
    college: Annotated[str, Field(description="empty where no rule held")]
    team: str
    net: Money
    tax: Money
    gross: Money


class AllocatedLine(Shown):
    """The parts sum to the line of the statement exactly."""

    order_id: UUID
    order_number: str
    title: str
    kind: Literal["acceptance", "correction", "cancellation_fee"]
    accepted_at: Instant
    parts: tuple[AllocatedPart, ...]


class AllocatedIncomePage(Shown):
    """*totals*: over the whole statement, with the first page."""

    totals: tuple[AllocatedPart, ...]
    items: tuple[AllocatedLine, ...]
    next_cursor: str | None


class AllocatedIncomeExported(Asked):
    settlement_id: UUID
