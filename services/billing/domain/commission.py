"""The split: how the net price of accepted work is shared between provider, station and the company."""

from dataclasses import dataclass

from services.shared.kernel.rate import share
from services.shared.kernel.tax import TaxProfile


@dataclass(frozen=True, slots=True)
class Split:
    """
    Who gets what of one order, in minor units of the order's currency.

    Attributes:
        fee: C, the management fee, of the net.
        station_share: S, the station's part of the fee, without VAT where its invoice is special, else all-in.
        provider_net: N_p, what the provider earns, likewise.
        kept: K, what the company keeps.
        provider_tax: T_p, paid on top against the provider's special invoice; else 0.
        station_tax: T_s, likewise for the station.
    """

    fee: int
    station_share: int
    provider_net: int
    kept: int
    provider_tax: int
    station_tax: int

    def vat_due(self, tax: int) -> int:
        """What the company owes the tax office of the *tax* that it invoiced, its input tax deducted."""
        return tax - self.provider_tax - self.station_tax


def split(
    net: int, *, fee_bps: int, station_bps: int, provider_tax: TaxProfile, station_tax: TaxProfile | None
) -> Split:
    """
    Share *net* in principal mode.

    Args:
        net: Net price of the accepted work after the seller's discount, without VAT; minor units, zero or more.
        fee_bps: Management fee, of *net*; 0 to 10,000.
        station_bps: The station's part of the fee; 0 to 10,000.
        provider_tax: How the provider invoices the company.
        station_tax: How the station does; none: no station brought the order in.

    Returns:
        Parts for which, whatever VAT *tax* stands on *net*:
        (N_p + T_p) + (S + T_s) + K + (tax - T_p - T_s) == net + tax.
    """
    fee = share(net, fee_bps)
    station_share = share(fee, station_bps) if station_tax is not None else 0
    provider_net = net - fee
    return Split(
        fee=fee,
        station_share=station_share,
        provider_net=provider_net,
        kept=fee - station_share,
        provider_tax=share(provider_net, provider_tax.deductible_bps),
        station_tax=share(station_share, station_tax.deductible_bps) if station_tax is not None else 0,
    )
