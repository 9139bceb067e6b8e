"""Commission plans: the company's fee and the station's share of it, for which orders and from when on."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.fee import COMPONENTS_MAX, FeeComponent
from services.shared.kernel.money import Money
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.base import (
    BasisPoints,
    Command,
    Event,
    Instant,
    MoneyOrZero,
    Page,
    PositiveMoney,
    Query,
    View,
)

FINANCE: Grants = {"operator": frozenset({"finance_operator", "administrator"})}

OfferingClass = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}){0,3}$")]
"""The digits that an instrument class begins with; empty: all classes."""
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Component = Annotated[FeeComponent, Field(discriminator="kind")]
Components = Annotated[tuple[Component, ...], Field(max_length=COMPONENTS_MAX)]


class CommissionPlanView(View):
    """
    A plan with the orders it is made for; what is left out holds for all.

    Attributes:
        valid_until: None: until the next one of its scope begins.
        fee_bps: The percentages among the components together; all of the fee where there is nothing else.
        station_bps: The station's share of the fee.
        components: Of the fee, in the order in which they are computed on the order's net.
        currency: Of the components' amounts.
    """

    commission_plan_id: UUID
    valid_from: Instant
    valid_until: Instant | None = None
    fee_bps: BasisPoints
    station_bps: BasisPoints
    components: Components = ()
    provider_id: UUID | None = None
    offering_class: str = ""
    station_id: UUID | None = None
    currency: str | None = None
    published_at: Instant | None = None


class PublishCommissionPlan(Command):
    """
    Signed contracts keep theirs. → CommissionPlanView

    Attributes:
        valid_until: None: until the next one of the same scope. Stated, it may reach over no other one of it.
        fee_bps: Instead of *components*: this percentage of the net and nothing else.
        currency: Required where a component says an amount; the plan is then for orders in it only.
    """

    wire_name: ClassVar = "billing.publish_commission_plan"
    grants: ClassVar[Grants] = FINANCE

    valid_from: Instant
    valid_until: Instant | None = None
    fee_bps: BasisPoints | None = None
    station_bps: BasisPoints
    components: Components = ()
    provider_id: UUID | None = None
    offering_class: OfferingClass = ""
    station_id: UUID | None = None
    currency: CurrencyCode | None = None


class ListCommissionPlans(Query):
    """All that ever were, newest first; of one provider where it is named. → CommissionPlanPage"""

    wire_name: ClassVar = "billing.list_commission_plans"
    grants: ClassVar[Grants] = FINANCE

    provider_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class CommissionPlanPage(Page):
    items: tuple[CommissionPlanView, ...]


class SplitPreview(View):
    """
    What an order would yield. (N_p + T_p) + (S + T_s) + K + VAT due = what the customer pays.

    Attributes:
        base: N.
        discount: D, at the company's own expense.
        tax: T, on N - D.
        fee, station_share, provider_net, kept: C, S, N_p, K.
        line_fees: The fee allotted to the lines, for display; the order's fee counts.
    """

    commission_plan_id: UUID
    base: MoneyOrZero
    discount: MoneyOrZero
    tax: MoneyOrZero
    gross: MoneyOrZero
    fee: MoneyOrZero
    station_share: MoneyOrZero
    station_tax: MoneyOrZero
    provider_net: MoneyOrZero
    provider_tax: MoneyOrZero
    kept: Money
    vat_due: Money
    line_fees: tuple[MoneyOrZero, ...]


class PreviewSplit(Query):
    """
    What an order would yield that is signed now. → SplitPreview

    Attributes:
        net: N of the order.
        line_nets: Of its lines, where their part of the fee is to be shown; they sum to *net*.
        tax_rate_bps: Of the seller of record.
        provider_tax, station_tax: How they invoice. Without *station_id* no station takes part.
        volume_before: The provider's in the period of the plan's tiers, in *net*'s currency.
        discount: What the company takes off at its own expense.
        buy_net: Resale: what the company pays the provider instead of the net less the fee.
        commission_plan_id: By this plan, though another may be in force.
        at: None: now.
    """

    wire_name: ClassVar = "billing.preview_split"
    grants: ClassVar[Grants] = FINANCE

    net: PositiveMoney
    line_nets: Annotated[tuple[MoneyOrZero, ...], Field(max_length=200)] = ()
    tax_rate_bps: BasisPoints = 600
    provider_id: UUID | None = None
    offering_class: OfferingClass = ""
    station_id: UUID | None = None
    provider_tax: TaxProfile = TaxProfile("general_6", can_issue_special=True)
    station_tax: TaxProfile = TaxProfile("general_6", can_issue_special=True)
    volume_before: MoneyOrZero | None = None
    discount: MoneyOrZero | None = None
    buy_net: MoneyOrZero | None = None
    commission_plan_id: UUID | None = None
    at: Instant | None = None


class CommissionPlanPublished(Event):
    """
    Orders freeze the one in force when a contract is signed.

    Attributes:
        fee_bps: The percentages among the components; where there are none, of senders of before, all of the fee.
    """

    wire_name: ClassVar = "commission_plan.published.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("commission_plan", "commission_plan_id")

    commission_plan_id: UUID
    valid_from: Instant
    valid_until: Instant | None = None
    fee_bps: BasisPoints
    station_bps: BasisPoints
    components: Components = ()
    provider_id: UUID | None = None
    offering_class: str = ""
    station_id: UUID | None = None
    currency: str | None = None
