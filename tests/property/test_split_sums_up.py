"""The split shares out exactly what the customer pays, for all prices, fees, rates, profiles and refunds."""

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.commission import (
    Burden,
    Left,
    Split,
    SplitTerms,
    net_of_chargeback,
    refund,
    split,
    whole,
)
from services.billing.domain.ledger import check_balanced
from services.billing.domain.order import acceptance_principal
from services.shared.kernel.fee import Fee, FeeComponent, Fixed, Maximum, Minimum, Percentage, Tier, Tiers, check_fee
from services.shared.kernel.ids import new_id
from services.shared.kernel.rate import share
from services.shared.kernel.tax import RATE_BPS, TaxProfile

profiles = st.builds(TaxProfile, st.sampled_from(sorted(RATE_BPS)), st.booleans())
amounts = st.integers(0, 10**12)
bps = st.integers(0, 3_000)


@st.composite
def fees(draw: st.DrawFn) -> Fee:
    """A rule with any components in any order."""
    bounds = sorted(draw(st.sets(st.integers(1, 10**12), max_size=4)))
    tiers = tuple(Tier(bound, draw(bps)) for bound in [0, *bounds])
    least = draw(amounts)
    all_kinds: list[FeeComponent] = [
        Percentage(draw(bps)), Fixed(draw(amounts)), Minimum(least), Maximum(least + draw(amounts)),
        Tiers(tiers, draw(st.sampled_from(["marginal", "whole"])), draw(st.sampled_from(["order", "year"]))),
    ]  # fmt: skip
    components = draw(st.permutations(all_kinds))[: draw(st.integers(1, 5))]
    check_fee(components)
    return Fee(tuple(components), draw(amounts))


@st.composite
def agreements(draw: st.DrawFn, net_max: int = 10**13) -> SplitTerms:
    """Any order; one in four with prices that include tax, whose tax is no share of the net."""
    net = draw(st.integers(0, net_max))
    discount = draw(st.just(0) | st.integers(0, net))
    rate_bps = draw(st.sampled_from(sorted({*RATE_BPS.values(), 1_300})))
    tax = share(net - discount, rate_bps) + draw(st.sampled_from([0, 0, 0, 1 if rate_bps and net > discount else 0]))
    return SplitTerms(
        net=net, tax=tax, tax_rate_bps=rate_bps, fee=draw(fees()), station_bps=draw(st.integers(0, 10_000)),
        provider_tax=draw(profiles), station_tax=draw(st.none() | profiles), discount=discount,
        buy_net=draw(st.none() | st.integers(0, net)), station_base=draw(st.sampled_from(["fee", "margin"])),
    )  # fmt: skip


def check(parts: Split, terms: SplitTerms, left: Left) -> None:
    """§3 of the trade rules, and nobody but the company ever below zero."""
    to_provider, to_station = parts.provider_net + parts.provider_tax, parts.station_share + parts.station_tax
    assert to_provider + to_station + parts.kept + parts.vat_due == parts.net + parts.tax
    assert parts.net == left.customer - parts.discount
    assert min(parts.net, parts.tax, parts.discount, parts.fee, *(to_provider, to_station)) >= 0
    assert parts.provider_net <= left.provider
    assert parts.provider_tax == share(parts.provider_net, terms.provider_tax.deductible_bps)
    if terms.buy_net is None and left == Left(left.customer, left.customer, left.customer):
        assert parts.kept == parts.fee - parts.station_share - parts.discount


@given(agreements())
def test_identity(terms: SplitTerms) -> None:
    """(N_p + T_p) + (S + T_s) + K + (T - T_p - T_s) == (N - D) + T; the entries of acceptance balance."""
    parts = split(terms)
    check(parts, terms, whole(terms))
    assert parts.tax == terms.tax
    if parts.net:
        station_id = new_id() if terms.station_tax is not None else None
        check_balanced(acceptance_principal(new_id(), new_id(), station_id, "CNY", parts))


@given(st.data(), agreements())
def test_refunds_sum_to_the_original(data: st.DataObject, terms: SplitTerms) -> None:
    """Whatever is refunded, in whatever steps and at whose expense, the parts taken and the parts left sum up."""
    left, stands = whole(terms), split(terms)
    taken: list[Split] = []
    while left.customer and len(taken) < 6:
        net = data.draw(st.integers(1, left.customer) | st.just(left.customer))
        burden: Burden = data.draw(st.sampled_from(["provider", "company"]))
        after, difference = refund(terms, left, net, burden, data.draw(st.sampled_from(["remaining", "original"])))
        assert difference.gross >= 0
        assert burden == "provider" or (difference.provider_net, difference.provider_tax) == (0, 0)
        stands, left = stands - difference, after
        taken.append(difference)
        check(stands, terms, left)
        assert stands == split(terms, left)
    for each in fields(Split):
        parts = [getattr(difference, each.name) for difference in taken]
        assert sum(parts) + getattr(stands, each.name) == getattr(split(terms), each.name)
    if not left.customer:
        assert stands.gross == 0


@given(agreements(net_max=10**6), st.integers(0, 2 * 10**6))
def test_a_chargeback_takes_the_largest_net_that_fits(terms: SplitTerms, gross: int) -> None:
    """Its gross is at most the chargeback, and one minor unit of net more would be too much."""
    net = net_of_chargeback(terms, whole(terms), gross)

    def refunded(wanted: int) -> int:
        return refund(terms, whole(terms), wanted)[1].gross if wanted else 0

    assert refunded(net) <= gross
    assert net == terms.net or refunded(net + 1) > gross


GENERAL_6 = TaxProfile("general_6", can_issue_special=True)


@given(agreements(), st.data())
def test_the_mode_changes_documents_not_margin(terms: SplitTerms, data: st.DataObject) -> None:
    """
    Everybody at 6 %: as agent the company keeps what it keeps as principal, to the fen, also after a refund; the
    provider and the tax office differ by no more than the fen that lies between one tax on a sum and two on its parts.
    """
    as_principal = replace(
        terms, tax=share(terms.net - terms.discount, 600), tax_rate_bps=600, provider_tax=GENERAL_6, buy_net=None,
        discount=min(terms.discount, terms.fee.of(terms.net)),
    )  # fmt: skip
    as_principal = replace(as_principal, tax=share(as_principal.net - as_principal.discount, 600))
    as_agent = replace(as_principal, commission_rate_bps=600)
    left = whole(terms)
    if terms.net and not as_principal.discount:
        left = left.after(data.draw(st.integers(1, terms.net)))
    one, other = split(as_principal, left), split(as_agent, left)
    assert (other.net, other.tax, other.fee, other.kept) == (one.net, one.tax, one.fee, one.kept)
    assert (other.station_share, other.station_tax, other.provider_net) == (
        one.station_share, one.station_tax, one.provider_net,
    )  # fmt: skip
    assert abs(other.provider_tax - one.provider_tax) <= 1
    assert abs(other.vat_due - one.vat_due) <= 1
    assert other.provider_net + other.provider_tax + other.commission_gross == other.gross
    assert other.commission == other.fee - other.discount
