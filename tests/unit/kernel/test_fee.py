"""The fee: ordered components, whole order, never more than the net."""

import pytest

from services.shared.kernel.fee import (
    Fee,
    FeeComponent,
    FeeInvalid,
    Fixed,
    Maximum,
    Minimum,
    Percentage,
    Tier,
    Tiers,
    check_fee,
    common_class,
    period_of,
)

TEN_FIVE = (Tier(0, 1_000), Tier(100_000, 500))
MARGINAL = Tiers(TEN_FIVE)
WHOLE = Tiers(TEN_FIVE, reach="whole")
YEARLY = Tiers(TEN_FIVE, period="year")


@pytest.mark.parametrize(
    ("components", "before", "net", "fee"),
    [
        ((Percentage(1_000),), 0, 100_000, 10_000),
        ((Percentage(1_000), Fixed(500)), 0, 100_000, 10_500),
        ((Percentage(1_000), Minimum(5_000)), 0, 10_000, 5_000),
        ((Percentage(1_000), Minimum(5_000)), 0, 3_000, 3_000),  # never more than the net
        ((Percentage(1_000), Minimum(5_000)), 0, 0, 0),
        ((Percentage(1_000), Maximum(8_000)), 0, 100_000, 8_000),
        ((Percentage(1_000), Maximum(8_000), Fixed(500)), 0, 100_000, 8_500),  # in their order
        ((Fixed(500), Percentage(1_000), Maximum(8_000)), 0, 100_000, 8_000),
        ((MARGINAL,), 0, 100_000, 10_000),
        ((MARGINAL,), 0, 150_000, 12_500),
        ((MARGINAL,), 99_999, 150_000, 12_500),  # the volume before counts for other periods only
        ((YEARLY,), 60_000, 100_000, 7_000),  # 40,000 at 10 %, 60,000 at 5 %
        ((YEARLY,), 100_000, 100_000, 5_000),
        ((WHOLE,), 0, 99_999, 10_000),
        ((WHOLE,), 0, 100_000, 5_000),  # reached with this order
        ((MARGINAL,), 0, 0, 0),
        ((Tiers((Tier(0, 333), Tier(10, 333), Tier(20, 333))),), 0, 45, 1),  # 1.4985 is rounded once, not thrice
    ],
)
def test_components(components: tuple[FeeComponent, ...], before: int, net: int, fee: int) -> None:
    """Each changes what the ones before it came to."""
    check_fee(components)
    assert Fee(components, before).of(net) == fee


@pytest.mark.parametrize(
    ("components", "problem"),
    [
        ((), "components"),
        ((Percentage(1),) * 11, "components"),
        ((Percentage(10_001),), "rates"),
        ((Percentage(-1),), "rates"),
        ((Percentage(6_000), Tiers((Tier(0, 4_001),))), "rates"),
        ((Fixed(-1),), "amount"),
        ((Minimum(-1),), "amount"),
        ((Maximum(-1),), "amount"),
        ((Percentage(1_000), Minimum(100), Maximum(99)), "maximum_below_minimum"),
        ((Tiers(()),), "tiers"),
        ((Tiers((Tier(1, 100),)),), "tiers"),
        ((Tiers((Tier(0, 100), Tier(5, 90), Tier(5, 80))),), "tiers"),
        ((Tiers((Tier(0, 100), Tier(5, -1))),), "rates"),
        ((Tiers(TEN_FIVE, period="year"), Tiers(TEN_FIVE, period="month")), "periods"),
    ],
)
def test_no_rule(components: tuple[FeeComponent, ...], problem: str) -> None:
    """What makes no sense is refused when it is published, not when an order is settled."""
    with pytest.raises(FeeInvalid) as refused:
        check_fee(components)
    assert refused.value.facts["problem"] == problem


def test_which_volume_is_needed() -> None:
    """Only tiers over a month or a year need to know what came before."""
    assert period_of((Percentage(1_000), MARGINAL)) == "order"
    assert period_of((MARGINAL, YEARLY)) == "year"


@pytest.mark.parametrize(
    ("classes", "shared"),
    [
        ((), ""), (("050101",), "050101"), (("050101", "050102"), "0501"), (("050101", "0501"), "0501"),
        (("050101", "051101"), "05"), (("050101", "060101"), ""), (("050101", ""), ""), (("0501", "0501"), "0501"),
    ],
)  # fmt: skip
def test_the_class_of_several_lines(classes: tuple[str, ...], shared: str) -> None:
    """Whole pairs of digits only: 05 and 06 have nothing in common."""
    assert common_class(classes) == shared


def test_a_negative_net_is_a_mistake() -> None:
    """What is left after a refund is zero or more; less than that is a bug of the caller."""
    with pytest.raises(ValueError, match="zero or more"):
        Fee((Fixed(1),)).of(-1)
