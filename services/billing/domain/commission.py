"""
The split: how the net price of accepted work is shared between provider, station and the company.

What is left after refunds is split as if it had been all from the beginning; a refund is the difference between two
such splits. So parts sum to the original whatever the sequence, and minima, maxima and tiers hold for what is left.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.errors import Conflict
from services.shared.kernel.fee import Fee
from services.shared.kernel.rate import share
from services.shared.kernel.tax import TaxProfile

Burden = Literal["provider", "company"]
"""Who bears a refund: the provider earns less, or all that it would have earned."""
StationBase = Literal["remaining", "original"]
"""What the station's share is taken of after a refund."""


class RefundExceedsCommission(Conflict):
    """As agent the company bears at most its own commission: it never had the rest."""

    code = "billing.refund_exceeds_commission"


class MoreThanLeft(Conflict):
    """More is to be refunded than is left."""

    code = "billing.refund_exceeds_remaining"


@dataclass(frozen=True, slots=True)
class SplitTerms:
    """
    All that the split of an order follows from, frozen when its contract was signed; minor units of its currency.

    Attributes:
        net: N, after the seller's discount, without VAT.
        tax: T, as the customer is invoiced it, on N - D.
        tax_rate_bps: The seller's VAT rate.
        fee: How C follows from a net.
        station_bps: The station's part of its base.
        provider_tax: How the provider invoices the company.
        station_tax: How the station does; none: no station brought the order in.
        discount: D, what the company takes off for the customer at its own expense.
        buy_net: Resale: what the company pays the provider for N, instead of N - C; none: by commission.
        station_base: What the station's part is taken of: C, or with resale the margin.
        commission_rate_bps: Agent: the provider sells at *tax_rate_bps*, and the company invoices it its commission at
            this rate; none: the company is principal.
        collection_model: How its money is collected.
    """

    net: int
    tax: int
    tax_rate_bps: int
    fee: Fee
    station_bps: int
    provider_tax: TaxProfile
    station_tax: TaxProfile | None
    discount: int = 0
    buy_net: int | None = None
    station_base: Literal["fee", "margin"] = "fee"
    commission_rate_bps: int | None = None
    collection_model: CollectionModel = "principal_own_account"

    @property
    def agent(self) -> bool:
        return self.commission_rate_bps is not None


@dataclass(frozen=True, slots=True)
class Left:
    """
    What is left of N, for each side; minor units, zero or more.

    They differ once the company bore a refund, or left the station's base as it was; the customer's is the least.
    """

    customer: int
    provider: int
    station: int

    def after(self, net: int, burden: Burden = "provider", station_base: StationBase = "remaining") -> "Left":
        """
        After a refund of *net* (minor units, above zero).

        Raises:
            MoreThanLeft: The customer has not that much left to be refunded.
        """
        if net <= 0:
            raise ValueError("a refund is of more than nothing")
        if net > self.customer:
            raise MoreThanLeft(left=self.customer)
        return Left(
            customer=self.customer - net,
            provider=self.provider - net if burden == "provider" else self.provider,
            station=self.station - net if station_base == "remaining" else self.station,
        )


@dataclass(frozen=True, slots=True)
class Split:
    """
    Who gets what of one order, in minor units of the order's currency; or what a refund takes from each.

    (N_p + T_p) + (S + T_s) + K + VAT due == the customer's net + tax, always.

    Attributes:
        net: What the customer is invoiced, without VAT: N - D.
        tax: T, on it.
        discount: D, what the company took off at its own expense.
        fee: C, the management fee, of what the provider works for.
        station_share: S, the station's part of the fee, without VAT where its invoice is special, else all-in.
        provider_net: N_p, what the provider earns, likewise.
        kept: K, what the company keeps; below zero where it bears what others were left.
        provider_tax: T_p, paid on top against the provider's special invoice; else 0. Agent: T - T_c, what the provider
            has of the tax it owes; below zero where its rate is the lower one.
        station_tax: T_s, likewise for the station.
        station_base: What S is taken of: C, or with resale the margin; what is left of either for the station.
    """

    net: int
    tax: int
    discount: int
    fee: int
    station_share: int
    provider_net: int
    kept: int
    provider_tax: int
    station_tax: int
    station_base: int = 0

    @property
    def gross(self) -> int:
        return self.net + self.tax

    @property
    def vat_due(self) -> int:
        """What the company owes the tax office of T (agent: of T_c), its input tax deducted."""
        return self.tax - self.provider_tax - self.station_tax

    @property
    def commission(self) -> int:
        """Agent: what the company invoices the provider, without VAT: C - D."""
        return self.net - self.provider_net

    @property
    def commission_tax(self) -> int:
        """Agent: T_c, on it at the company's rate."""
        return self.tax - self.provider_tax

    @property
    def commission_gross(self) -> int:
        return self.commission + self.commission_tax

    def __sub__(self, other: "Split") -> "Split":
        """What lies between two splits of one order, part by part."""
        return Split(*(getattr(self, each.name) - getattr(other, each.name) for each in fields(self)))


def whole(terms: SplitTerms) -> Left:
    """What is left before any refund: everything."""
    return Left(terms.net, terms.net, terms.net)


def split(terms: SplitTerms, left: Left | None = None) -> Split:
    """
    Share what is left of an order, everything where *left* is not given.

    As principal no part but K is ever below zero. As agent the parts are the same, so that the mode changes documents
    and not the margin; only who invoices whom, and with it whose tax is whose, differs.

    Raises:
        RefundExceedsCommission: Agent: the company bore more than it earns.
    """
    left = left or whole(terms)
    discount = _in_proportion(terms.discount, left.customer, terms.net)
    net = left.customer - discount
    provider_net = _provider_net(terms, left.provider)
    station_base = _station_base(terms, left.station)
    station_share = share(station_base, terms.station_bps)
    tax = _tax(terms, net)
    return Split(
        net=net,
        tax=tax,
        discount=discount,
        fee=terms.fee.of(left.provider),
        station_share=station_share,
        provider_net=provider_net,
        kept=net - provider_net - station_share,
        provider_tax=_provider_tax(terms, net, tax, provider_net),
        station_tax=share(station_share, terms.station_tax.deductible_bps) if terms.station_tax is not None else 0,
        station_base=station_base,
    )


def refund(
    terms: SplitTerms, left: Left, net: int, burden: Burden = "provider", station_base: StationBase = "remaining"
) -> tuple[Left, Split]:
    """
    What is left after a refund of *net*, and what it takes from each part of the split that stands.

    A part may be below zero: with tiers that count for the whole order, a smaller order pays a higher rate.

    Raises:
        MoreThanLeft: The customer has not that much left.
        RefundExceedsCommission: Agent: see `split`.
    """
    after = left.after(net, burden, station_base)
    return after, split(terms, left) - split(terms, after)


def net_of_chargeback(
    terms: SplitTerms, left: Left, gross: int, to_programme: Callable[[int, int], int] = lambda _net, _gross: 0
) -> int:
    """
    The largest net whose refund gives the payer at most *gross* (minor units, zero or more).

    What *gross* is more than that refund nobody owes us: it is a bad debt. *to_programme* says what of a refund that
    leaves so much net and gross goes back to a voucher's programme, and not to the payer.
    """
    stands = sum(_invoiced(terms, left.customer))

    def to_payer(net: int) -> int:
        remains, tax = _invoiced(terms, left.customer - net)
        return stands - (remains + tax) - to_programme(remains, remains + tax)

    low, high = 0, left.customer
    while low < high:
        middle = (low + high + 1) // 2
        if to_payer(middle) <= gross:
            low = middle
        else:
            high = middle - 1
    return low


def _invoiced(terms: SplitTerms, left: int) -> tuple[int, int]:
    """Net and tax of the customer's invoices over *left* of N. They rise with *left*: no refund is below zero."""
    net = left - _in_proportion(terms.discount, left, terms.net)
    return net, _tax(terms, net)


def _provider_net(terms: SplitTerms, left: int) -> int:
    return left - terms.fee.of(left) if terms.buy_net is None else _in_proportion(terms.buy_net, left, terms.net)


def _provider_tax(terms: SplitTerms, net: int, tax: int, provider_net: int) -> int:
    if terms.commission_rate_bps is None:
        return share(provider_net, terms.provider_tax.deductible_bps)
    if provider_net > net:
        raise RefundExceedsCommission
    return tax - share(net - provider_net, terms.commission_rate_bps)


def _station_base(terms: SplitTerms, left: int) -> int:
    if terms.station_tax is None:
        return 0
    return terms.fee.of(left) if terms.station_base == "fee" else max(0, left - _provider_net(terms, left))


def _tax(terms: SplitTerms, net: int) -> int:
    """
    On *net* of what the customer is invoiced. Where prices include tax, T is a sum of lines and no share of the net;
    then it goes down in proportion, or the first refund would correct the rounding of lines it has nothing to do with.
    """
    invoiced = terms.net - terms.discount
    if terms.tax == share(invoiced, terms.tax_rate_bps):
        return share(net, terms.tax_rate_bps)
    return _in_proportion(terms.tax, net, invoiced)


def _in_proportion(amount: int, part: int, whole_net: int) -> int:
    """*amount* × *part* ÷ *whole_net*, half up; nothing of nothing."""
    return (2 * amount * part + whole_net) // (2 * whole_net) if whole_net else 0
