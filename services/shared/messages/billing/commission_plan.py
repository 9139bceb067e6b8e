"""Commission plans: the company's fee and the station's share of it, from a date on."""

from typing import ClassVar
from uuid import UUID

from services.shared.kernel.actor import Grants
from services.shared.messages.base import BasisPoints, Command, Event, Instant, Page, Query, View

FINANCE: Grants = {"operator": frozenset({"finance_operator", "administrator"})}


class CommissionPlanView(View):
    """*fee_bps* of the net; *station_bps* of the fee."""

    commission_plan_id: UUID
    valid_from: Instant
    fee_bps: BasisPoints
    station_bps: BasisPoints


class PublishCommissionPlan(Command):
    """In force from *valid_from* until the next one. Signed contracts keep theirs. → CommissionPlanView"""

    wire_name: ClassVar = "billing.publish_commission_plan"
    grants: ClassVar[Grants] = FINANCE

    valid_from: Instant
    fee_bps: BasisPoints
    station_bps: BasisPoints


class ListCommissionPlans(Query):
    """→ CommissionPlanPage, newest first"""

    wire_name: ClassVar = "billing.list_commission_plans"
    grants: ClassVar[Grants] = FINANCE


class CommissionPlanPage(Page):
    items: tuple[CommissionPlanView, ...]


class CommissionPlanPublished(Event):
    """Orders freeze the one in force when a contract is signed."""

    wire_name: ClassVar = "commission_plan.published.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("commission_plan", "commission_plan_id")

    commission_plan_id: UUID
    valid_from: Instant
    fee_bps: BasisPoints
    station_bps: BasisPoints
