"""Nothing is lost and nothing is made when money is split, shared or taxed."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from services.shared.kernel.money import AMOUNT_MAX, EXPONENTS, Money, allocate, total
from services.shared.kernel.rate import net_of_gross, share

amounts = st.integers(0, AMOUNT_MAX)
rates_bps = st.integers(0, 10_000)
weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=30).filter(any)
currencies = st.sampled_from(sorted(EXPONENTS))


@given(amounts, weights)
def test_parts_sum_to_the_whole(amount: int, by: list[int]) -> None:
    """For any amount and any weights; nobody gets less than the fraction rounded down or more than rounded up."""
    parts = allocate(amount, by)
    assert sum(parts) == amount
    for part, weight in zip(parts, by, strict=True):
        exact = Fraction(amount * weight, sum(by))
        assert exact.__floor__() <= part <= exact.__ceil__()


@given(amounts, weights)
def test_the_largest_remainders_get_what_is_left(amount: int, by: list[int]) -> None:
    """No part that was rounded up had a smaller remainder than one that was not; the earlier one on equality."""
    parts = allocate(amount, by)
    remainders = [Fraction(amount * weight, sum(by)) % 1 for weight in by]
    up = [n for n, part in enumerate(parts) if part > amount * by[n] // sum(by)]
    for n in up:
        for other in set(range(len(by))) - set(up):
            assert (remainders[n], -n) > (remainders[other], -other)


@given(amounts, weights)
def test_a_weight_of_nothing_gets_nothing(amount: int, by: list[int]) -> None:
    """However much is left over."""
    assert all(part == 0 for part, weight in zip(allocate(amount, by), by, strict=True) if weight == 0)


@given(amounts, rates_bps)
def test_a_share_is_the_nearest_whole_half_up(amount: int, rate_bps: int) -> None:
    """Compared with exact fractions."""
    exact = Fraction(amount * rate_bps, 10_000)
    assert -Fraction(1, 2) < exact - share(amount, rate_bps) < Fraction(1, 2) or (
        share(amount, rate_bps) - exact == Fraction(1, 2)
    )


@given(amounts, amounts, rates_bps)
def test_more_never_has_a_smaller_share(one: int, other: int, rate_bps: int) -> None:
    """And never a share above itself."""
    assume(one <= other)
    assert share(one, rate_bps) <= share(other, rate_bps) <= other


@given(amounts, rates_bps)
def test_net_and_tax_are_the_price_that_was_shown(gross: int, rate_bps: int) -> None:
    """The net is the nearest whole to gross / (1 + rate), and lies between nothing and the gross."""
    net = net_of_gross(gross, rate_bps)
    exact = Fraction(gross * 10_000, 10_000 + rate_bps)
    assert 0 <= net <= gross
    assert abs(net - exact) <= Fraction(1, 2)
    assert net - exact != -Fraction(1, 2)


@given(st.integers(0, 10**14), rates_bps)
def test_tax_on_top_comes_off_again(net: int, rate_bps: int) -> None:
    """For a net, the net of net plus its tax is the net: prices with and without tax agree."""
    assert net_of_gross(net + share(net, rate_bps), rate_bps) == net


@given(st.lists(st.integers(-(10**13), 10**13), max_size=50), currencies)
def test_a_total_is_the_sum_in_any_order(values: list[int], currency: str) -> None:
    """And a difference takes back what a sum added."""
    money = [Money(value, currency) for value in values]
    whole = total(money, currency)
    assert whole == total(reversed(money), currency) == Money(sum(values), currency)
    for each in money:
        assert whole + each - each == whole
