"""The split, by the worked figures of the trade rules."""

import pytest

from services.billing.domain.commission import Split, split
from services.shared.kernel.rate import share
from services.shared.kernel.tax import TaxProfile

SPECIAL_6 = TaxProfile("general_6", can_issue_special=True)
ORDINARY_6 = TaxProfile("general_6", can_issue_special=False)
SPECIAL_3 = TaxProfile("general_simplified_3", can_issue_special=True)
SPECIAL_1 = TaxProfile("small_scale_3_reduced_1", can_issue_special=True)
ORDINARY_1 = TaxProfile("small_scale_3_reduced_1", can_issue_special=False)


def of(net: int, provider: TaxProfile, station: TaxProfile | None) -> Split:
    return split(net, fee_bps=1_000, station_bps=7_000, provider_tax=provider, station_tax=station)


@pytest.mark.parametrize(
    ("vector", "net", "provider", "station", "fee", "station_gross", "provider_gross", "kept", "vat_due"),
    [
        ("TV01", 100_000, SPECIAL_6, SPECIAL_6, 10_000, 7_420, 95_400, 3_000, 180),
        ("TV02", 100_000, SPECIAL_6, ORDINARY_6, 10_000, 7_000, 95_400, 3_000, 600),
        ("TV03a", 100_000, SPECIAL_1, None, 10_000, 0, 90_900, 10_000, 5_100),
        ("TV03b", 100_000, ORDINARY_1, None, 10_000, 0, 90_000, 10_000, 6_000),
        ("TV03c", 100_000, SPECIAL_3, None, 10_000, 0, 92_700, 10_000, 3_300),
        ("TV14", 316_800, SPECIAL_6, SPECIAL_6, 31_680, 23_507, 302_227, 9_504, 570),
    ],
)
def test_vectors(
    vector: str, net: int, provider: TaxProfile, station: TaxProfile | None, fee: int, station_gross: int,
    provider_gross: int, kept: int, vat_due: int,
) -> None:  # fmt: skip
    """Every party gets the figure that the trade rules work out."""
    parts = of(net, provider, station)
    assert parts.fee == fee, vector
    assert parts.station_share + parts.station_tax == station_gross
    assert parts.provider_net + parts.provider_tax == provider_gross
    assert parts.kept == kept
    assert parts.vat_due(share(net, 600)) == vat_due


def test_no_station_earns_nothing() -> None:
    """Without a station the whole fee stays with the company, whatever share the plan promises."""
    parts = of(100_000, SPECIAL_6, None)
    assert (parts.station_share, parts.station_tax, parts.kept) == (0, 0, 10_000)


def test_half_a_cent_goes_up() -> None:
    """A share of exactly half a minor unit is rounded up, once, and the rest follows by difference."""
    parts = split(5, fee_bps=1_000, station_bps=5_000, provider_tax=SPECIAL_6, station_tax=SPECIAL_6)
    assert (parts.fee, parts.provider_net, parts.station_share, parts.kept) == (1, 4, 1, 0)


def test_a_negative_net_is_a_mistake() -> None:
    """What is left after a refund is zero or more; less than that is a bug of the caller."""
    with pytest.raises(ValueError, match="zero or more"):
        of(-1, SPECIAL_6, None)
