"""Orders that the splitting channel is to carry: refused where it would not do what it must."""

from dataclasses import replace

import pytest

from services.orders.domain.collection_agreement import CollectionAgreement
from services.shared.kernel.channel import HoldTooLong, SplitAboveLimit
from services.shared.kernel.ids import derived_id
from tests.kit.fakes_orders import PROVIDER_ID, FakeOrdersService, a_plan, a_price, a_shop, an_offering, an_organisation
from tests.unit.orders.test_agent_orders import SPECIAL_1, agreement, contracted, place


def by_channel() -> CollectionAgreement:
    return replace(agreement(), collection_model="agent_psp_split", collecting_account="splitting_channel")


def a_channels_shop(*, fee_bps: int = 1_000, turnaround_days: int = 7) -> FakeOrdersService:
    """The provider sells one sample at 1,000.00 and 1 %; the customer pays by the splitting channel."""
    shop = a_shop(
        an_organisation(PROVIDER_ID, "provider", tax_profile=SPECIAL_1),
        an_offering(prices=(a_price(100_000),), turnaround_days=turnaround_days),
    )
    shop.commission.put_plan(
        a_plan(commission_plan_id=derived_id("plan", "of the provider"), provider_id=PROVIDER_ID, fee_bps=fee_bps)
    )
    shop.collection_agreements.save(by_channel())
    return shop


def test_it_is_contracted_within_the_channels_limits() -> None:
    """28.58 % of 1,000.00 are 285.80, with VAT 302.95 of 1,010.00: just not 30 %."""
    shop = a_channels_shop(fee_bps=2_858)
    placed = place(shop, "platform_channel")
    assert contracted(shop, shop.orders.get(placed.order_id)).terms.payment_method == "platform_channel"


def test_a_commission_above_the_channels_limit_is_not_signed() -> None:
    """28.59 %: 303.05 of 1,010.00 are more than 30 %."""
    shop = a_channels_shop(fee_bps=2_859)
    placed = place(shop, "platform_channel")
    with pytest.raises(SplitAboveLimit):
        contracted(shop, shop.orders.get(placed.order_id))


def test_work_that_takes_longer_than_the_channel_holds_is_not_ordered() -> None:
    with pytest.raises(HoldTooLong):
        place(a_channels_shop(turnaround_days=190), "platform_channel")


def test_nor_is_it_signed_where_its_acceptance_would_come_too_late() -> None:
    """The work fits into 180 days, with acceptance and objections it does not."""
    shop = a_channels_shop(turnaround_days=170)
    placed = place(shop, "platform_channel")
    with pytest.raises(HoldTooLong):
        contracted(shop, shop.orders.get(placed.order_id))
