"""What lines and orders cost, to the fen."""

from typing import Any

import pytest

from services.orders.domain.pricing import NothingToPay, merged, priced
from services.shared.kernel.money import CurrencyMismatch, Money, MoneyInvalid
from tests.kit.fakes_orders import a_line_asked, cny


def test_tv14_a_volume_discount_comes_off_before_tax() -> None:
    """3 × 1,200.00 less 12 %: N 3,168.00, T 190.08, G 3,358.08."""
    (line,), amounts = priced([a_line_asked(120_000, 3, discount_bps=1_200)], 600)
    assert (amounts.discount, amounts.net, amounts.tax, amounts.gross) == (
        cny(43_200), cny(316_800), cny(19_008), cny(335_808),
    )  # fmt: skip
    assert (line.net, line.tax) == (cny(316_800), cny(19_008))


def test_tv16_tax_inclusive_prices_are_split_line_by_line() -> None:
    """3 lines of 33.30 with tax: each 31.42 + 1.88; order 94.26 + 5.64 = 99.90, the price that was shown."""
    asked = [a_line_asked(3_330, includes_tax=True, title_en=f"line {number}") for number in range(3)]
    lines, amounts = priced(asked, 600)
    assert [(line.net, line.tax) for line in lines] == [(cny(3_142), cny(188))] * 3
    assert (amounts.net, amounts.tax, amounts.gross) == (cny(9_426), cny(564), cny(9_990))


def test_tv17_identical_lines_are_one_line_with_a_quantity() -> None:
    """500 lines of net 5.05 are one line of 500: N 2,525.00, T 151.50; taxed one by one it would be 150.00."""
    (line,), amounts = priced([a_line_asked(505)] * 500, 600)
    assert line.quantity == 500
    assert (amounts.net, amounts.tax) == (cny(252_500), cny(15_150))


def test_an_order_of_net_prices_is_taxed_on_its_sum_and_the_lines_share_that_tax() -> None:
    """Three lines of 0.09 carry 0.02 of tax together, though each alone would carry 0.01."""
    lines, amounts = priced([a_line_asked(9, title_en=f"line {number}") for number in range(3)], 600)
    assert amounts.tax == cny(2)
    assert [line.tax for line in lines] == [cny(1), cny(1), cny(0)]


def test_with_one_tax_inclusive_price_the_orders_tax_is_the_sum_of_its_lines() -> None:
    """A price that was shown with tax stays what was shown, whatever stands beside it."""
    lines, amounts = priced([a_line_asked(9), a_line_asked(3_330, includes_tax=True)], 600)
    assert amounts.tax == lines[0].tax + lines[1].tax == cny(1 + 188)
    assert amounts.gross == cny(9 + 1 + 3_330)


def test_discounts_round_half_up() -> None:
    """12.5 % of 0.04 is 0.005, which is 0.01 off."""
    (line,), _ = priced([a_line_asked(4, discount_bps=1_250)], 0)
    assert (line.discount, line.net) == (cny(1), cny(3))


def test_the_discount_of_a_tax_inclusive_line_is_stated_without_tax() -> None:
    """Net and discount always sum to the net of the list price, so that a contract can print both."""
    (line,), amounts = priced([a_line_asked(10_600, 2, includes_tax=True, discount_bps=5_000)], 600)
    assert (line.net, line.discount, line.tax) == (cny(10_000), cny(10_000), cny(600))
    assert amounts.discount == cny(10_000)


@pytest.mark.parametrize(
    "changed", [{"discount_bps": 1}, {"title_zh": "别的"}, {"includes_tax": True}, {"unit": "hour"}]
)
def test_lines_that_differ_in_anything_stay_apart(changed: dict[str, Any]) -> None:
    """Only the quantity may differ between lines that are made one."""
    assert len(merged([a_line_asked(), a_line_asked(**changed)])) == 2


def test_an_order_over_nothing_is_refused() -> None:
    """Everything off leaves nothing to contract."""
    with pytest.raises(NothingToPay):
        priced([a_line_asked(100, discount_bps=10_000)], 600)


def test_two_currencies_make_no_order() -> None:
    """There is no exchange rate between lines."""
    with pytest.raises(CurrencyMismatch):
        priced([a_line_asked(), a_line_asked(unit_price=Money(1_000, "USD"))], 600)


def test_a_quantity_cannot_push_an_amount_out_of_range() -> None:
    """What no column could hold is refused, not cut."""
    with pytest.raises(MoneyInvalid):
        priced([a_line_asked(10**14, 100_000)], 600)
