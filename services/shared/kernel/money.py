"""Money in integer minor units of one currency. No float and no default currency, anywhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import total_ordering

from services.shared.kernel.errors import Invalid

# ISO 4217 minor unit exponents of the currencies the platform accepts.
EXPONENTS: dict[str, int] = {
    "CNY": 2, "EUR": 2, "USD": 2, "GBP": 2, "HKD": 2, "SGD": 2, "AUD": 2, "CAD": 2, "CHF": 2,
    "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3,
}  # fmt: skip

# Columns are BIGINT; leaving room below 2^63 keeps every sum of a statement inside it too.
AMOUNT_MAX = 10**15


class MoneyInvalid(Invalid, ValueError):
    """This is not an amount of money."""

    code = "money_invalid"


class CurrencyMismatch(Invalid, ValueError):
    """The amounts are not in one currency."""

    code = "currency_mismatch"


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """
    An amount in minor units (fen, cents) of *currency*; may be negative.

    Raises:
        MoneyInvalid: *amount* is no integer or beyond ±10^15, or *currency* is not accepted.
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        # bool is an int to Python and a mistake to an accountant
        if type(self.amount) is not int or abs(self.amount) > AMOUNT_MAX:
            raise MoneyInvalid("amount is not an integer in range")
        if self.currency not in EXPONENTS:
            raise MoneyInvalid("currency is not accepted", currency=str(self.currency)[:8])

    @property
    def exponent(self) -> int:
        return EXPONENTS[self.currency]

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.amount * times, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __str__(self) -> str:
        """*CNY 1,060.00*: for logs and tests; screens and documents format by language."""
        exponent = self.exponent
        sign = "-" if self.amount < 0 else ""
        major, minor = divmod(abs(self.amount), 10**exponent)
        return f"{self.currency} {sign}{major:,}" + (f".{minor:0{exponent}d}" if exponent else "")

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(currencies=[self.currency, other.currency])
        return other.amount


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Sum of *amounts*, zero of *currency* when there are none."""
    result = Money(0, currency)
    for amount in amounts:
        result += amount
    return result


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """
    Split *amount* (minor units, zero or more) in proportion to *weights*, exactly.

    Largest remainder: each part is rounded down, what is left goes one unit each to the largest
    remainders, the earlier part first where remainders are equal. Parts sum to *amount*.

    Raises:
        ValueError: A weight is negative, all are zero, or *amount* is negative.
    """
    whole = sum(weights)
    if amount < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("nothing to allocate by")
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return parts
