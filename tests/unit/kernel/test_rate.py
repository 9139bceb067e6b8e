"""Shares and VAT are rounded half up, in integers."""

import pytest

from services.shared.kernel.rate import net_of_gross, share
from services.shared.kernel.tax import RATE_BPS, TaxProfile


@pytest.mark.parametrize(
    ("amount", "rate_bps", "expected"),
    [
        (100_000, 1_000, 10_000), (10_000, 7_000, 7_000), (5, 1_000, 1), (4, 1_000, 0), (15, 1_000, 2),
        (1, 5_000, 1), (1, 4_999, 0), (0, 600, 0), (10**15, 10_000, 10**15), (1_009, 600, 61),
    ],
)  # fmt: skip
def test_a_share_is_rounded_half_up(amount: int, rate_bps: int, expected: int) -> None:
    """Exactly half a minor unit goes up; anything below does not."""
    assert share(amount, rate_bps) == expected


@pytest.mark.parametrize(
    ("gross", "rate_bps", "net"),
    [(3_330, 600, 3_142), (106_000, 600, 100_000), (100, 0, 100), (0, 600, 0), (3, 10_000, 2), (1, 10_000, 1)],
)
def test_the_net_in_a_price_with_tax(gross: int, rate_bps: int, net: int) -> None:
    """33.30 with 6 % is 31.42 and 1.88; half a minor unit goes to the net."""
    assert net_of_gross(gross, rate_bps) == net


@pytest.mark.parametrize("function", [share, net_of_gross])
@pytest.mark.parametrize(("amount", "rate_bps"), [(-1, 600), (1, -600)])
def test_nothing_negative(function: object, amount: int, rate_bps: int) -> None:
    """A refund computes on what is left; a negative share would round the other way."""
    assert callable(function)
    with pytest.raises(ValueError, match="zero or more"):
        function(amount, rate_bps)


def test_only_a_special_invoice_is_deductible() -> None:
    """What is paid on top of a net is what the payer gets back; an ordinary invoice is all-in."""
    assert TaxProfile("general_6", can_issue_special=True).deductible_bps == 600
    assert TaxProfile("general_6", can_issue_special=False).deductible_bps == 0
    assert TaxProfile("small_scale_3_reduced_1", can_issue_special=True).rate_bps == RATE_BPS["small_scale_3_reduced_1"]
    assert TaxProfile("exempt", can_issue_special=True).deductible_bps == 0
