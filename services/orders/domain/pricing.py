"""
What lines and orders cost. Pure functions on integer minor units; every rounding is half up.

The rule in words: a discount is a share of the line. A net price carries its tax on top; in a price that
includes tax the net is computed line by line, and net and tax sum to the price that was shown. An order
whose prices are all net is taxed on its sum, and the tax is allotted to the lines by largest remainder; with
one tax-inclusive price among them the order's tax is the sum of the lines' taxes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.money import Money, allocate, total
from services.shared.kernel.rate import net_of_gross, share


class NothingToPay(Conflict):
    """An order or quotation over nothing cannot be contracted."""

    code = "orders.nothing_to_pay"


class PricesDiffer(Invalid):
    """The company's prices are one for each line of the quotation, in its currency."""

    code = "orders.prices_differ_from_lines"


class PriceOnWrongSide(Invalid):
    """Nothing is resold below the price it is bought at, and a discount takes something off."""

    code = "orders.price_on_wrong_side"


Pricing = Literal["resale", "discount"]
StationBase = Literal["fee", "margin"]


@dataclass(frozen=True)
class LineAsked:
    """
    A line before it is priced.

    Attributes:
        unit_price: Without VAT, or with it where *includes_tax*.
        discount_bps: Off the whole line.
        reason: Why the price differs from the price list; empty when it does not.
    """

    offering_id: UUID | None
    title_zh: str
    title_en: str
    unit: str
    quantity: int
    unit_price: Money
    includes_tax: bool = False
    discount_bps: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Line:
    """
    A line as it was priced.

    Attributes:
        line: Counts from 1.
        discount: Without VAT, whatever the price was; *net* + *discount* is the net at the list price.
        net, tax: After discount, of the whole line.
    """

    line: int
    offering_id: UUID | None
    title_zh: str
    title_en: str
    unit: str
    quantity: int
    unit_price: Money
    includes_tax: bool
    discount_bps: int
    discount: Money
    net: Money
    tax: Money


@dataclass(frozen=True)
class Amounts:
    """*gross* = *net* + *tax*; *discount* is already left out of *net*."""

    discount: Money
    net: Money
    tax: Money
    gross: Money
    tax_rate_bps: int


@dataclass(frozen=True)
class ProviderSide:
    """
    What the provider quoted, where the company's price to the customer is another one.

    Attributes:
        pricing: `resale`: the company buys at this price and sells at its own; `discount`: the company takes off at
            its own expense, and the provider's side is settled as if the customer paid this.
        station_base: With resale what the station's share is taken of: the fee, or the margin.
    """

    pricing: Pricing
    station_base: StationBase
    lines: tuple[Line, ...]
    amounts: Amounts


def priced_by_company(
    lines: Sequence[Line], amounts: Amounts, unit_prices: Sequence[Money], pricing: Pricing, station_base: StationBase
) -> tuple[tuple[Line, ...], Amounts, ProviderSide]:
    """
    A provider's *lines* at the company's *unit_prices*, one a line, net.

    Raises:
        PricesDiffer: They are not as many as the lines, or in another currency.
        PriceOnWrongSide: Resold below the price it is bought at, or a discount that takes nothing off.
    """
    if len(unit_prices) != len(lines) or {each.currency for each in unit_prices} != {amounts.net.currency}:
        raise PricesDiffer
    asked = [
        LineAsked(line.offering_id, line.title_zh, line.title_en, line.unit, line.quantity, price, reason="company")
        for line, price in zip(lines, unit_prices, strict=True)
    ]
    own, total_ = priced(asked, amounts.tax_rate_bps, merge=False)
    if (total_.net < amounts.net) if pricing == "resale" else (total_.net >= amounts.net):
        raise PriceOnWrongSide
    return own, total_, ProviderSide(pricing, station_base, tuple(lines), amounts)


def priced(asked: Sequence[LineAsked], tax_rate_bps: int, *, merge: bool = True) -> tuple[tuple[Line, ...], Amounts]:
    """
    The figures of *asked* at the seller of record's VAT rate; with *merge*, identical lines are made one with a
    quantity first.

    Raises:
        CurrencyMismatch: The lines are not in one currency.
        MoneyInvalid: A figure is beyond what an amount may be.
        NothingToPay: The lines sum to zero.
    """
    numbered = enumerate(merged(asked) if merge else asked, start=1)
    lines = [price_line(number, line, tax_rate_bps) for number, line in numbered]
    currency = lines[0].net.currency
    net = total((line.net for line in lines), currency)
    if net.amount == 0:
        raise NothingToPay
    if any(line.includes_tax for line in lines):
        tax = total((line.tax for line in lines), currency)
    else:
        tax = Money(share(net.amount, tax_rate_bps), currency)
        taxes = allocate(tax.amount, [line.net.amount for line in lines])
        lines = [replace(line, tax=Money(part, currency)) for line, part in zip(lines, taxes, strict=True)]
    discount = total((line.discount for line in lines), currency)
    return tuple(lines), Amounts(discount, net, tax, net + tax, tax_rate_bps)


def price_line(number: int, asked: LineAsked, tax_rate_bps: int) -> Line:
    """One line by itself: discount, net, and the tax on it."""
    listed = asked.unit_price * asked.quantity
    left = listed - Money(share(listed.amount, asked.discount_bps), listed.currency)
    net, listed_net = left, listed
    if asked.includes_tax:
        net = Money(net_of_gross(left.amount, tax_rate_bps), left.currency)
        listed_net = Money(net_of_gross(listed.amount, tax_rate_bps), listed.currency)
    tax = left - net if asked.includes_tax else Money(share(net.amount, tax_rate_bps), net.currency)
    return Line(
        line=number,
        offering_id=asked.offering_id,
        title_zh=asked.title_zh,
        title_en=asked.title_en,
        unit=asked.unit,
        quantity=asked.quantity,
        unit_price=asked.unit_price,
        includes_tax=asked.includes_tax,
        discount_bps=asked.discount_bps,
        discount=listed_net - net,
        net=net,
        tax=tax,
    )


def merged(asked: Sequence[LineAsked]) -> list[LineAsked]:
    """*asked* with lines that differ in nothing but the quantity made one, at the place of the first."""
    quantities: dict[LineAsked, int] = {}
    for line in asked:
        alike = replace(line, quantity=0)
        quantities[alike] = quantities.get(alike, 0) + line.quantity
    return [replace(alike, quantity=quantity) for alike, quantity in quantities.items()]
