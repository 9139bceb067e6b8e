"""The split shares out exactly what the customer pays, for all prices, rates and profiles."""

from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.commission import split
from services.billing.domain.ledger import check_balanced
from services.billing.domain.order import acceptance_principal
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.kernel.rate import share
from services.shared.kernel.tax import RATE_BPS, TaxProfile

profiles = st.builds(
    TaxProfile, st.sampled_from(["general_6", "general_simplified_3", "small_scale_3_reduced_1", "exempt"]),
    st.booleans(),
)  # fmt: skip
bps = st.integers(0, 10_000)


@given(
    net=st.integers(0, 10**14), fee_bps=bps, station_bps=bps, provider=profiles, station=st.none() | profiles,
    rate_bps=st.sampled_from(sorted({*RATE_BPS.values(), 1_300})),
)  # fmt: skip
def test_identity(
    net: int, fee_bps: int, station_bps: int, provider: TaxProfile, station: TaxProfile | None, rate_bps: int
) -> None:
    """(N_p + T_p) + (S + T_s) + K + (T - T_p - T_s) == N + T; no part is negative; the entries balance."""
    parts = split(net, fee_bps=fee_bps, station_bps=station_bps, provider_tax=provider, station_tax=station)
    tax = share(net, rate_bps)
    to_provider = parts.provider_net + parts.provider_tax
    to_station = parts.station_share + parts.station_tax
    assert to_provider + to_station + parts.kept + parts.vat_due(tax) == net + tax
    assert min(vars_of(parts)) >= 0
    if net:
        station_id = new_id() if station is not None else None
        entries = acceptance_principal(new_id(), new_id(), station_id, Money(net, "CNY"), Money(tax, "CNY"), parts)
        check_balanced(entries)


def vars_of(parts: object) -> list[int]:
    return [getattr(parts, name) for name in parts.__dataclass_fields__]  # type: ignore[attr-defined]
