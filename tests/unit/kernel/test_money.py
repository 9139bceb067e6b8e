"""Money is whole minor units of one currency."""

import pytest

from services.shared.kernel.errors import Invalid
from services.shared.kernel.money import AMOUNT_MAX, CurrencyMismatch, Money, MoneyInvalid, allocate, total


@pytest.mark.parametrize("amount", [0, 1, -1, AMOUNT_MAX, -AMOUNT_MAX])
def test_whole_amounts_in_range_are_money(amount: int) -> None:
    """Zero, negative, and both ends of the range."""
    assert Money(amount, "CNY").amount == amount


@pytest.mark.parametrize("amount", [True, False, 1.0, 0.1, "1", None, AMOUNT_MAX + 1, -AMOUNT_MAX - 1, 2**63])
def test_what_is_no_whole_amount_is_refused(amount: object) -> None:
    """A truth value, a fraction, a text, or more than a column of the database holds."""
    with pytest.raises(MoneyInvalid):
        Money(amount, "CNY")  # type: ignore[arg-type] # that it is refused is what is tested


@pytest.mark.parametrize("currency", ["cny", "XAU", "", "CNY ", None])
def test_an_unknown_currency_is_refused(currency: object) -> None:
    """There is no default currency and no guess."""
    with pytest.raises(MoneyInvalid):
        Money(1, currency)  # type: ignore[arg-type] # that it is refused is what is tested


def test_a_result_beyond_the_range_is_refused() -> None:
    """A sum or a product is money like any other."""
    with pytest.raises(MoneyInvalid):
        Money(AMOUNT_MAX, "CNY") + Money(1, "CNY")
    with pytest.raises(MoneyInvalid):
        Money(AMOUNT_MAX, "CNY") * 2


def test_arithmetic_stays_in_the_currency() -> None:
    """Sum, difference, opposite, multiple, order."""
    ten, three = Money(1_000, "CNY"), Money(300, "CNY")
    assert ten + three == Money(1_300, "CNY")
    assert three - ten == Money(-700, "CNY")
    assert -ten == Money(-1_000, "CNY")
    assert three * 4 == Money(1_200, "CNY")
    assert three < ten <= Money(1_000, "CNY")
    assert Money(1, "CNY") != Money(1, "USD")


@pytest.mark.parametrize("act", ["__add__", "__sub__", "__lt__", "__ge__"])
def test_currencies_never_mix(act: str) -> None:
    """Adding or comparing yuan and dollars is an error that tells both."""
    with pytest.raises(CurrencyMismatch) as raised:
        getattr(Money(1, "CNY"), act)(Money(1, "USD"))
    assert raised.value.facts == {"currencies": ["CNY", "USD"]}
    assert isinstance(raised.value, Invalid)


def test_a_total_of_nothing_is_zero_of_the_currency() -> None:
    """And a total refuses another currency among the parts."""
    assert total([], "JPY") == Money(0, "JPY")
    assert total([Money(1, "JPY"), Money(2, "JPY")], "JPY") == Money(3, "JPY")
    with pytest.raises(CurrencyMismatch):
        total([Money(1, "USD")], "JPY")


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (106_000, "CNY", "CNY 1,060.00"), (-5, "CNY", "CNY -0.05"), (1_234_567, "JPY", "JPY 1,234,567"),
        (1_500, "KWD", "KWD 1.500"), (0, "USD", "USD 0.00"),
    ],
)  # fmt: skip
def test_it_is_shown_with_the_decimals_of_its_currency(amount: int, currency: str, shown: str) -> None:
    """Two, none or three, by ISO 4217."""
    assert str(Money(amount, currency)) == shown


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (10, [1, 2, 4], [1, 3, 6]),  # remainders 3/7, 6/7, 5/7: the second and the third get one
        (7, [0, 1, 0], [0, 7, 0]),
        (0, [3, 4], [0, 0]),
        (1, [5, 5], [1, 0]),
        (2, [1, 1, 1, 1], [1, 1, 0, 0]),
    ],
)
def test_allocation_by_largest_remainder(amount: int, weights: list[int], parts: list[int]) -> None:
    """What is left over goes to the largest remainders, to the earlier part where they are equal."""
    assert allocate(amount, weights) == parts


@pytest.mark.parametrize(("amount", "weights"), [(-1, [1]), (1, []), (1, [0, 0]), (1, [2, -1])])
def test_nothing_is_allocated_by_nonsense(amount: int, weights: list[int]) -> None:
    """No weights, only zero ones, a negative one, a negative amount."""
    with pytest.raises(ValueError, match="nothing to allocate by"):
        allocate(amount, weights)
