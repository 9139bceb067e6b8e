"""Currencies and fees by Stripe's rules: integer minor units, shares rounded half up."""

from typing import Any

from tests.kit.stripe_simulator.errors import invalid

MINOR_DIGITS = {
    "cny": 2,
    "usd": 2,
    "eur": 2,
    "gbp": 2,
    "hkd": 2,
    "sgd": 2,
    "twd": 2,
    "huf": 2,
    "isk": 2,
    "ugx": 2,
    "jpy": 0,
    "krw": 0,
    "kwd": 3,
    "bhd": 3,
}
# Stripe counts them in hundredths, of which charges must have whole hundreds: they have no parts any more.
WHOLE_HUNDREDS = frozenset({"isk", "ugx"})
AMOUNT_MINOR_MIN = {"usd": 50, "eur": 50, "gbp": 30, "hkd": 400, "sgd": 50, "jpy": 50}
WHOLE_UNIT_PAYOUTS = frozenset({"isk", "huf", "twd", "ugx"})


def currency_of(params: dict[str, Any]) -> str:
    """The lower-case ISO 4217 code in `currency`."""
    given = params.get("currency")
    if not isinstance(given, str) or not given:
        raise invalid("Missing required param: currency.", param="currency", code="parameter_missing")
    code = given.lower()
    if code not in MINOR_DIGITS:
        supported = ", ".join(sorted(MINOR_DIGITS))
        raise invalid(
            f"Invalid currency: {code}. Stripe currently supports these currencies: {supported}",
            param="currency",
        )
    return code


def check_chargeable(amount_minor: int, currency: str) -> None:
    """
    Raises:
        StripeError: Below the smallest charge of the currency, a three-decimal amount that is not a multiple of ten,
            or a part of a króna or shilling.
    """
    if amount_minor < AMOUNT_MINOR_MIN.get(currency, 1):
        raise invalid(
            f"Amount must be at least {AMOUNT_MINOR_MIN[currency]} in the smallest unit of {currency}.",
            param="amount",
            code="amount_too_small",
        )
    if currency in WHOLE_HUNDREDS and amount_minor % 100:
        raise invalid(f"Invalid amount: {amount_minor} {currency} must end in 00.", param="amount")
    if MINOR_DIGITS[currency] == 3 and amount_minor % 10:
        raise invalid(f"Invalid amount: {amount_minor} {currency} must end in 0.", param="amount")


def shown(amount_minor: int, currency: str) -> str:
    """For people: `1,060.00 CNY`."""
    digits = MINOR_DIGITS[currency]
    whole, part = divmod(amount_minor, 10**digits)
    return f"{whole:,}" + (f".{part:0{digits}d}" if digits else "") + f" {currency.upper()}"


def share_half_up(amount_minor: int, rate_bps: int) -> int:
    """`amount_minor` x `rate_bps` / 10,000, a half minor unit rounded up; *amount_minor* is zero or more."""
    return (2 * amount_minor * rate_bps + 10_000) // 20_000


def fee_details(
    amount_minor: int, currency: str, *, fee_bps: int, fee_fixed_minor: int, fee_vat_bps: int,
    fee_includes_vat: bool = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """
    What Stripe keeps of a charge: the processing fee and the VAT on it, in the charge's currency.

    fee = half_up(amount x fee_bps / 10,000) + fee_fixed_minor; VAT = half_up(fee x fee_vat_bps / 10,000).
    106,000 at 60 bps, no fixed part and 600 bps VAT: 636 + 38 = 674.
    With *fee_includes_vat* the VAT is taken out of that fee: 600 + 36 = 636.
    """
    fee_minor = share_half_up(amount_minor, fee_bps) + fee_fixed_minor
    vat_minor = share_half_up(fee_minor, fee_vat_bps)
    if fee_includes_vat:
        divisor = 10_000 + fee_vat_bps
        vat_minor = fee_minor - (2 * fee_minor * 10_000 + divisor) // (2 * divisor)
        fee_minor -= vat_minor
    lines = [
        ("stripe_fee", "Stripe processing fees", fee_minor),
        ("tax", "VAT", vat_minor),
    ]
    return [
        {"amount": part_minor, "application": None, "currency": currency, "description": words, "type": kind}
        for kind, words, part_minor in lines
        if part_minor
    ]
