"""Commission plans: published once for the same orders and instant, never two in force; what an order would yield."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.billing.domain.commission_plan import NoPlan, PlanExists, PlansOverlap, ValidityEmpty
from services.billing.use_cases.commission_plan import (
    LinesDiffer,
    PartAboveNet,
    preview_split,
    publish_commission_plan,
)
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotFound
from services.shared.kernel.fee import FeeInvalid, Fixed, Minimum, Percentage, Tier, Tiers
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import CurrencyMismatch, Money
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.billing.commission_plan import (
    CommissionPlanPublished,
    CommissionPlanView,
    PreviewSplit,
    PublishCommissionPlan,
    SplitPreview,
)
from tests.kit.fakes_billing import (
    FINANCE,
    NOW,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    FakeBillingUnitOfWork,
    cny,
)

DAY = timedelta(days=1)


def publish(uow: FakeBillingUnitOfWork, actor: Actor = FINANCE, **changes: Any) -> CommissionPlanView:
    fields: dict[str, Any] = {"valid_from": NOW, "station_bps": 7_000, **changes}
    if "components" not in fields:
        fields.setdefault("fee_bps", 1_000)
    return publish_commission_plan(PublishCommissionPlan(**fields), actor=actor, uow=uow, now=NOW)


def preview(uow: FakeBillingUnitOfWork, net: int = 100_000, actor: Actor = FINANCE, **changes: Any) -> SplitPreview:
    return preview_split(PreviewSplit(net=cny(net), **changes), actor=actor, uow=uow, now=NOW)


def test_a_plan_is_told_with_all_it_says() -> None:
    """Orders compute by what they are told."""
    uow = FakeBillingUnitOfWork()
    components = (Tiers((Tier(0, 1_000), Tier(500_000, 800)), period="year"), Fixed(500), Minimum(2_000))
    view = publish(
        uow, components=components, provider_id=PROVIDER_ID, offering_class="0501", station_id=STATION_ID,
        currency="CNY", valid_until=NOW + DAY,
    )  # fmt: skip
    (event,) = uow.events(CommissionPlanPublished)
    assert event.components == view.components == components
    assert (event.commission_plan_id, event.fee_bps, event.valid_until) == (view.commission_plan_id, 0, NOW + DAY)
    assert (event.provider_id, event.offering_class, event.station_id) == (PROVIDER_ID, "0501", STATION_ID)
    assert uow.plans.held[0].published_by == f"member/{FINANCE.member_id}"


def test_a_percentage_alone_may_be_said_in_one_word() -> None:
    """Either that or components, never both."""
    uow = FakeBillingUnitOfWork()
    assert publish(uow, fee_bps=900).components == (Percentage(900),)
    with pytest.raises(FeeInvalid):
        publish(uow, valid_from=NOW + DAY, fee_bps=900, components=(Percentage(900),))
    with pytest.raises(FeeInvalid):
        publish(uow, valid_from=NOW + DAY, components=())


def test_never_two_for_the_same_orders_at_once() -> None:
    """One without an end gives way to the next; a stated end reaches over nothing; other orders do not matter."""
    uow = FakeBillingUnitOfWork()
    publish(uow)
    with pytest.raises(PlanExists):
        publish(uow)
    publish(uow, provider_id=PROVIDER_ID, valid_from=NOW + 2 * DAY, valid_until=NOW + 5 * DAY)
    for begin, end in ((1, 3), (3, 4), (4, 9), (4, None)):
        with pytest.raises(PlansOverlap):
            publish(
                uow, provider_id=PROVIDER_ID, valid_from=NOW + begin * DAY,
                valid_until=NOW + end * DAY if end else None,
            )  # fmt: skip
    publish(uow, provider_id=PROVIDER_ID, valid_from=NOW + 5 * DAY)
    publish(uow, provider_id=PROVIDER_ID, valid_from=NOW)
    publish(uow, provider_id=PROVIDER_ID, valid_from=NOW + 3 * DAY, offering_class="05")
    publish(uow, valid_from=NOW + DAY)
    with pytest.raises(ValidityEmpty):
        publish(uow, valid_from=NOW + 9 * DAY, valid_until=NOW + 9 * DAY)


def test_what_makes_no_sense_is_not_published() -> None:
    """Amounts without a currency, a provider nobody knows; and only finance publishes."""
    uow = FakeBillingUnitOfWork()
    with pytest.raises(FeeInvalid) as refused:
        publish(uow, components=(Percentage(1_000), Minimum(100)))
    assert refused.value.facts["problem"] == "currency"
    with pytest.raises(NotFound):
        publish(uow, provider_id=new_id())
    for somebody in (REQUESTER, PROVIDER_FINANCE):
        with pytest.raises(NotFound):
            publish(uow, somebody)
        with pytest.raises(NotFound):
            preview(uow, actor=somebody)
    assert not uow.plans.held
    assert not uow.published


def test_a_preview_says_who_would_get_what() -> None:
    """TV01; without a station nothing is the station's; parts sum to what the customer pays."""
    uow = FakeBillingUnitOfWork()
    publish(uow)
    found = preview(uow, station_id=STATION_ID)
    assert (found.base, found.gross, found.fee, found.kept) == (cny(100_000), cny(106_000), cny(10_000), cny(3_000))
    assert found.provider_net + found.provider_tax == cny(95_400)
    assert found.station_share + found.station_tax == cny(7_420)
    assert found.vat_due == cny(180)
    assert preview(uow).station_share == cny(0)
    assert preview(uow, buy_net=cny(80_000)).kept == cny(20_000)
    assert preview(uow, discount=cny(5_000)).gross == cny(100_700)
    small = TaxProfile("small_scale_3_reduced_1", can_issue_special=True)
    assert preview(uow, provider_tax=small).provider_tax == cny(900)


def test_a_preview_follows_the_most_specific_plan() -> None:
    """The provider counts before the class, the class before the station; the latest that has begun counts."""
    uow = FakeBillingUnitOfWork()
    general = publish(uow, fee_bps=1_000, valid_from=NOW - 9 * DAY)
    publish(uow, fee_bps=1_100, valid_from=NOW + DAY)
    station = publish(uow, fee_bps=900, station_id=STATION_ID)
    of_class = publish(uow, fee_bps=800, offering_class="05")
    narrower = publish(uow, fee_bps=700, offering_class="0501")
    provider = publish(uow, fee_bps=600, provider_id=PROVIDER_ID)
    both = publish(uow, fee_bps=500, provider_id=PROVIDER_ID, offering_class="05", valid_until=NOW + DAY)

    def chosen(at: datetime = NOW, **order: Any) -> CommissionPlanView:
        found = preview(uow, at=at, **order).commission_plan_id
        by_id = {plan.commission_plan_id: plan for plan in (general, station, of_class, narrower, provider, both)}
        return by_id[found]

    assert chosen() == general
    assert chosen(station_id=STATION_ID) == station
    assert chosen(offering_class="0502", station_id=STATION_ID) == of_class
    assert chosen(offering_class="0501") == chosen(offering_class="050101") == narrower
    assert chosen(provider_id=PROVIDER_ID, offering_class="07") == provider
    assert chosen(provider_id=PROVIDER_ID, offering_class="0501") == both
    assert chosen(NOW + DAY, provider_id=PROVIDER_ID, offering_class="0501") == provider
    assert preview(uow, commission_plan_id=both.commission_plan_id).fee == cny(5_000)
    with pytest.raises(NoPlan):
        chosen(NOW - 10 * DAY)
    with pytest.raises(NotFound):
        preview(uow, commission_plan_id=new_id())


def test_a_preview_counts_volume_and_shows_lines() -> None:
    """Tiers go on from the volume before; a line's part of the fee is for display and sums to the fee."""
    uow = FakeBillingUnitOfWork()
    publish(uow, components=(Tiers((Tier(0, 1_000), Tier(100_000, 500)), period="month"),), currency="CNY")
    assert preview(uow, volume_before=cny(60_000)).fee == cny(7_000)
    assert preview(uow, 3, line_nets=(cny(1),) * 3).line_fees == (cny(0),) * 3
    found = preview(uow, 100_001, line_nets=(cny(33_333), cny(33_334), cny(33_334)))
    assert sum(each.amount for each in found.line_fees) == found.fee.amount == 10_000


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"line_nets": (cny(1),)}, LinesDiffer),
        ({"discount": cny(100_001)}, PartAboveNet),
        ({"buy_net": cny(100_001)}, PartAboveNet),
        ({"discount": Money(1, "USD")}, CurrencyMismatch),
        ({"line_nets": (Money(100_000, "USD"),)}, CurrencyMismatch),
    ],
)
def test_a_preview_of_no_order(changes: dict[str, Any], error: type[Exception]) -> None:
    """What contradicts itself yields nothing."""
    uow = FakeBillingUnitOfWork()
    publish(uow)
    with pytest.raises(error):
        preview(uow, **changes)


def test_a_plan_with_amounts_is_for_its_currency() -> None:
    """An order in another one follows the general plan."""
    uow = FakeBillingUnitOfWork()
    publish(uow)
    amounts = publish(uow, components=(Fixed(500),), currency="CNY")
    assert preview(uow).fee == cny(500)
    dollars = PreviewSplit(net=Money(100_000, "USD"))
    assert preview_split(dollars, actor=FINANCE, uow=uow, now=NOW).fee == Money(10_000, "USD")
    with pytest.raises(CurrencyMismatch):
        preview_split(
            PreviewSplit(net=Money(1, "USD"), commission_plan_id=amounts.commission_plan_id),
            actor=FINANCE, uow=uow, now=NOW,
        )  # fmt: skip
