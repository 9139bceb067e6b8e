"""The split and what refunds take from it, by the worked figures of the trade rules."""

from typing import Any

import pytest

from services.billing.domain.commission import (
    Left,
    MoreThanLeft,
    RefundExceedsCommission,
    Split,
    SplitTerms,
    net_of_chargeback,
    refund,
    split,
    whole,
)
from services.shared.kernel.fee import Fee, FeeComponent, Minimum, Percentage, Tier, Tiers
from services.shared.kernel.rate import share
from services.shared.kernel.tax import TaxProfile

SPECIAL_6 = TaxProfile("general_6", can_issue_special=True)
ORDINARY_6 = TaxProfile("general_6", can_issue_special=False)
SPECIAL_3 = TaxProfile("general_simplified_3", can_issue_special=True)
SPECIAL_1 = TaxProfile("small_scale_3_reduced_1", can_issue_special=True)
ORDINARY_1 = TaxProfile("small_scale_3_reduced_1", can_issue_special=False)


def terms(
    net: int, provider: TaxProfile = SPECIAL_6, station: TaxProfile | None = SPECIAL_6,
    fee: tuple[FeeComponent, ...] = (Percentage(1_000),), **changes: Any,
) -> SplitTerms:  # fmt: skip
    """10 %, station 70 % of it, VAT 6 %."""
    figures: dict[str, Any] = {
        "tax": share(net - changes.get("discount", 0), 600),
        "tax_rate_bps": 600,
        "station_bps": 7_000,
        **changes,
    }
    return SplitTerms(net=net, fee=Fee(fee), provider_tax=provider, station_tax=station, **figures)


def provider_gross(parts: Split) -> int:
    return parts.provider_net + parts.provider_tax


def station_gross(parts: Split) -> int:
    return parts.station_share + parts.station_tax


def figures(parts: Split) -> tuple[int, int, int, int, int]:
    """What the customer, the provider and the station have, what is kept, and VAT."""
    assert provider_gross(parts) + station_gross(parts) + parts.kept + parts.vat_due == parts.gross
    return parts.gross, provider_gross(parts), station_gross(parts), parts.kept, parts.vat_due


@pytest.mark.parametrize(
    ("agreed", "fee", "found"),
    [
        pytest.param(terms(100_000), 10_000, (106_000, 95_400, 7_420, 3_000, 180), id="TV01"),
        pytest.param(terms(100_000, station=ORDINARY_6), 10_000, (106_000, 95_400, 7_000, 3_000, 600), id="TV02"),
        pytest.param(terms(100_000, SPECIAL_1, None), 10_000, (106_000, 90_900, 0, 10_000, 5_100), id="TV03a"),
        pytest.param(terms(100_000, ORDINARY_1, None), 10_000, (106_000, 90_000, 0, 10_000, 6_000), id="TV03b"),
        pytest.param(terms(100_000, SPECIAL_3, None), 10_000, (106_000, 92_700, 0, 10_000, 3_300), id="TV03c"),
        pytest.param(terms(316_800), 31_680, (335_808, 302_227, 23_507, 9_504, 570), id="TV14"),
        pytest.param(terms(9_426, station=None, tax=564), 943, (9_990, 8_992, 0, 943, 55), id="TV16"),
        pytest.param(terms(252_500, station=None), 25_250, (267_650, 240_885, 0, 25_250, 1_515), id="TV17"),
        pytest.param(terms(100_000, station=None, discount=5_000), 10_000, (100_700, 95_400, 0, 5_000, 300), id="TV21"),
        pytest.param(terms(500_000, SPECIAL_3, buy_net=380_000), 50_000, (530_000, 391_400, 37_100, 85_000, 16_500),
                     id="TV24"),
        pytest.param(terms(500_000, SPECIAL_3, buy_net=380_000, station_base="margin"), 50_000,
                     (530_000, 391_400, 89_040, 36_000, 13_560), id="TV24 of the margin"),
    ],
)  # fmt: skip
def test_vectors(agreed: SplitTerms, fee: int, found: tuple[int, ...]) -> None:
    """Every party gets the figure that the trade rules work out."""
    parts = split(agreed)
    assert parts.fee == fee
    assert figures(parts) == found


def test_no_station_earns_nothing() -> None:
    """Without a station the whole fee stays with the company, whatever share the plan promises."""
    parts = split(terms(100_000, station=None))
    assert (parts.station_share, parts.station_tax, parts.kept) == (0, 0, 10_000)


def test_half_a_cent_goes_up() -> None:
    """A share of exactly half a minor unit is rounded up, once, and the rest follows by difference."""
    parts = split(terms(5, station_bps=5_000))
    assert (parts.fee, parts.provider_net, parts.station_share, parts.kept) == (1, 4, 1, 0)


def refunds(agreed: SplitTerms, *nets: int) -> list[Split]:
    left, found = whole(agreed), []
    for net in nets:
        left, taken = refund(agreed, left, net)
        found.append(taken)
    return found


def test_tv10_thirds() -> None:
    """Three thirds of an order take from everybody exactly what it got, though no third is a round figure."""
    taken = refunds(terms(100_000), 33_333, 33_333, 33_334)
    assert [figures(each) for each in taken] == [
        (35_333, 31_800, 2_473, 1_000, 60),
        (35_333, 31_799, 2_474, 1_000, 60),
        (35_334, 31_801, 2_473, 1_000, 60),
    ]


def test_tv10b() -> None:
    """A part of no round figure."""
    assert [figures(each) for each in refunds(terms(100_000), 12_345)] == [(13_086, 11_778, 916, 370, 22)]


def test_tv13_who_bears_it() -> None:
    """Where the company bears a refund the provider keeps everything; the station's part follows what is left."""
    agreed = terms(5_000_000)
    left, _ = refund(agreed, whole(agreed), 2_500_000, "provider")
    assert figures(split(agreed, left)) == (2_650_000, 2_385_000, 185_500, 75_000, 4_500)
    left, taken = refund(agreed, whole(agreed), 2_500_000, "company")
    assert figures(split(agreed, left)) == (2_650_000, 4_770_000, 185_500, -2_175_000, -130_500)
    assert provider_gross(taken) == 0
    left, taken = refund(agreed, whole(agreed), 2_500_000, "company", "original")
    assert figures(split(agreed, left))[2] == 371_000
    assert station_gross(taken) == 0


def test_a_minimum_holds_for_what_is_left() -> None:
    """The fee does not sink below the plan's minimum until less than that is left."""
    agreed = terms(100_000, station=None, fee=(Percentage(1_000), Minimum(8_000)))
    assert [each.fee for each in refunds(agreed, 10_000, 20_000, 65_000, 5_000)] == [1_000, 1_000, 3_000, 5_000]


def test_tiers_hold_for_what_is_left() -> None:
    """An order that shrinks below a bound pays the rate it then deserves: a refund may even raise the fee."""
    agreed = terms(100_000, station=None, fee=(Tiers((Tier(0, 1_000), Tier(100_000, 500)), reach="whole"),))
    first, rest = refunds(agreed, 10_000, 90_000)
    assert (first.fee, first.provider_net) == (-4_000, 14_000)
    assert (rest.fee, rest.provider_net) == (9_000, 81_000)


def test_no_more_than_is_left() -> None:
    """What was refunded is not refunded again; nothing is no refund."""
    agreed = terms(100_000)
    left, _ = refund(agreed, whole(agreed), 60_000, "company")
    with pytest.raises(MoreThanLeft):
        refund(agreed, left, 40_001)
    assert left == Left(40_000, 100_000, 40_000)
    with pytest.raises(ValueError, match="more than nothing"):
        refund(agreed, left, 0)


def test_tax_of_prices_that_include_it() -> None:
    """T of TV16 is a sum of lines; refunding one of the three lines takes that line's tax."""
    taken = refunds(terms(9_426, station=None, tax=564), 3_142, 3_142, 3_142)
    assert [(each.net, each.tax) for each in taken] == [(3_142, 188)] * 3


@pytest.mark.parametrize(
    ("gross", "net"), [(106_000, 100_000), (105_999, 99_999), (35_333, 33_333), (106_001, 100_000), (1, 1), (0, 0)]
)
def test_chargeback(gross: int, net: int) -> None:
    """The largest net whose gross is at most what was charged back; the rest is no refund."""
    assert net_of_chargeback(terms(100_000), whole(terms(100_000)), gross) == net


def test_a_negative_net_is_a_mistake() -> None:
    """What is left after a refund is zero or more; less than that is a bug of the caller."""
    with pytest.raises(ValueError, match="zero or more"):
        split(terms(0), Left(-1, -1, -1))


def agent(net: int, rate_bps: int = 600, **changes: Any) -> SplitTerms:
    """The provider sells at *rate_bps*; the company invoices its commission at 6 %."""
    return terms(net, tax=share(net, rate_bps), tax_rate_bps=rate_bps, commission_rate_bps=600, **changes)


@pytest.mark.parametrize(
    ("agreed", "to_company", "found"),
    [
        pytest.param(agent(100_000), 10_600, (106_000, 95_400, 7_420, 3_000, 180), id="TV04"),
        pytest.param(agent(100_000, 100, station=None), 10_600, (101_000, 90_400, 0, 10_000, 600), id="TV05"),
        pytest.param(agent(20_000_000, 0, station=None), 2_120_000,
                     (20_000_000, 17_880_000, 0, 2_000_000, 120_000), id="TV20"),
    ],
)  # fmt: skip
def test_agent(agreed: SplitTerms, to_company: int, found: tuple[int, ...]) -> None:
    """The customer pays the provider's rate; the company is paid its commission with its own VAT; margins stand."""
    parts = split(agreed)
    assert figures(parts) == found
    assert parts.commission_gross == to_company
    assert parts.gross == provider_gross(parts) + to_company


def test_an_agents_refund_takes_from_commission_what_it_takes_from_the_provider() -> None:
    """TV10's first step as agent: 353.33 back, of it 35.33 of the commission invoice."""
    _, takes = refund(agent(100_000), whole(agent(100_000)), 33_333)
    assert (takes.gross, takes.commission, takes.commission_tax) == (35_333, 3_333, 200)
    assert provider_gross(takes) == 35_333 - 3_533


def test_an_agent_bears_at_most_its_commission() -> None:
    """It never had the rest: the whole commission of 100.00 may be left to the customer, and no fen more."""
    agreed = agent(100_000)
    after, takes = refund(agreed, whole(agreed), 10_000, "company")
    assert (takes.commission, takes.provider_net, split(agreed, after).commission) == (10_000, 0, 0)
    with pytest.raises(RefundExceedsCommission):
        refund(agreed, whole(agreed), 10_001, "company")
