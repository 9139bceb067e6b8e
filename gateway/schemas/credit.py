"""Credit lines as the customer and as the operating company see them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import BasisPoints, Instant, Name, PositiveMoney
from services.shared.messages.billing.credit import CreditLineState, NetDays


class CreditLineToPropose(Schema):
    """*before_work_bps*: of each order's price, to be paid before work begins; the rest goes on credit."""

    customer_id: UUID
    limit: PositiveMoney
    net_days: NetDays
    before_work_bps: Annotated[BasisPoints, Field(lt=10_000)] = 0
    valid_until: date


class CreditLineToApprove(Schema):
    """*proposal_id*: of the proposal that was looked at."""

    proposal_id: UUID


class CreditLineToSuspend(Schema):
    reason: Name


class CreditTerms(Shown):
    limit: Money
    net_days: int
    before_work_bps: int
    valid_until: date


class CreditProposal(CreditTerms):
    proposal_id: UUID
    proposed_at: Instant


class CustomerCreditLine(Shown):
    """A line, to the customer: what it may still order on credit today."""

    credit_line_id: UUID
    customer_id: UUID
    state: CreditLineState
    terms: CreditTerms | None
    granted: Money
    receivable: Money
    overdue: Money
    available: Money


class OperatorCreditLine(CustomerCreditLine):
    proposal: CreditProposal | None
    suspended_for: str


class CreditLinePage(Shown):
    items: tuple[OperatorCreditLine | CustomerCreditLine, ...]
    next_cursor: str | None


class CreditLinesListed(Listed):
    customer_id: UUID | None = None
