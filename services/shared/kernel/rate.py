"""Shares and VAT in basis points (1 bp = 0.01 %), integers only. Rounding: half up, always."""


def share(amount: int, rate_bps: int) -> int:
    """
    *rate_bps* of *amount* (minor units, zero or more), rounded half up to the minor unit.

    A share of what is left after a refund is computed on what is left, never by adding up rounded
    differences, so *amount* is never negative here.
    """
    if amount < 0 or rate_bps < 0:
        raise ValueError("a share is taken of zero or more")
    return (amount * rate_bps + 5_000) // 10_000


def net_of_gross(gross: int, rate_bps: int) -> int:
    """
    The net in a tax-inclusive *gross* (minor units, zero or more): gross / (1 + rate), half up.

    The tax is *gross* minus the result, so that net and tax always sum to the price that was shown.
    """
    if gross < 0 or rate_bps < 0:
        raise ValueError("a net is taken of zero or more")
    divisor = 10_000 + rate_bps
    return (2 * gross * 10_000 + divisor) // (2 * divisor)
