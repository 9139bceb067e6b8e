"""Commission plans, and what an order would yield by them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.base import BasisPoints, Instant, MoneyOrZero, PositiveMoney
from services.shared.messages.billing.commission_plan import Components, CurrencyCode, OfferingClass


class CommissionPlan(Shown):
    """*fee_bps*: the percentages among the components together."""

    commission_plan_id: UUID
    valid_from: Instant
    valid_until: Annotated[Instant | None, Field(description="none: until the next one for the same orders")]
    fee_bps: int
    station_bps: int
    components: Components
    provider_id: UUID | None
    offering_class: str
    station_id: UUID | None
    currency: str | None
    published_at: Instant | None


class CommissionPlanPage(Shown):
    items: tuple[CommissionPlan, ...]
    next_cursor: str | None


class CommissionPlansListed(Listed):
    provider_id: UUID | None = None


class CommissionPlanToPublish(Schema):
    """Either *fee_bps* or *components*. What is left out of provider, class, station and currency holds for all."""

    valid_from: Instant
    valid_until: Instant | None = None
    fee_bps: BasisPoints | None = None
    station_bps: BasisPoints
    components: Components = ()
    provider_id: UUID | None = None
    offering_class: OfferingClass = ""
    station_id: UUID | None = None
    currency: CurrencyCode | None = None


class OrderToPreview(Schema):
    """An order that nobody placed. *volume_before*: of the provider, in the period of the plan's tiers."""

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


class SplitPreview(Shown):
    """Provider, station, what is kept, and VAT sum to *gross*."""

    commission_plan_id: UUID
    base: Money
    discount: Money
    tax: Money
    gross: Money
    fee: Money
    station_share: Money
    station_tax: Money
    provider_net: Money
    provider_tax: Money
    kept: Money
    vat_due: Money
    line_fees: tuple[Money, ...]
