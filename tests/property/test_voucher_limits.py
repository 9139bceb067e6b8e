"""A programme never pays more than any of its limits, whatever its rules, and never less for more where rates rise."""

from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.programme import Left, Rules, Tier, amount_by_rate, amount_on
from services.shared.kernel.rate import share

amounts = st.integers(0, 10**12)
limits = st.none() | st.integers(0, 10**10)
rates = st.integers(0, 10_000)


@st.composite
def some_rules(draw: st.DrawFn) -> Rules:
    ends = sorted(draw(st.sets(st.integers(1, 10**10), max_size=4)))
    return Rules(
        base=draw(st.sampled_from(["net", "gross"])),
        tiers=tuple(Tier(end, draw(rates)) for end in [*ends, None]),
        tier_mode=draw(st.sampled_from(["marginal", "whole"])),
        redeem_to="company",
        shortfall_payer="company",
        holder_kinds=("enterprise",),
        cap_order=draw(limits),
        min_own_payment=draw(st.integers(0, 10**8)),
        min_own_payment_bps=draw(rates),
        rounding=draw(st.sampled_from(["half_up", "down"])),
        rounding_unit=draw(st.sampled_from([1, 10, 100, 10_000])),
    )


lefts = st.builds(Left, budget=st.integers(0, 10**10), year=limits, voucher=limits)


@given(rules=some_rules(), net=amounts, tax=st.integers(0, 10**11), left=lefts)
def test_never_above_a_limit(rules: Rules, net: int, tax: int, left: Left) -> None:
    """Cap, year, budget, voucher, own payment; a multiple of the unit; never negative, never above the gross."""
    gross = net + tax
    amount, results = amount_on(rules, net, gross, left)
    own = max(rules.min_own_payment, share(gross, rules.min_own_payment_bps))
    for limit in (rules.cap_order, left.year, left.budget, left.voucher, max(0, gross - own), gross):
        assert limit is None or 0 <= amount <= limit
    assert amount % rules.rounding_unit == 0
    limited = [result for result in results if result.outcome == "limited"]
    assert limited or amount == amount_by_rate(rules, net if rules.base == "net" else gross)


@given(rules=some_rules(), net=amounts, tax=st.integers(0, 10**11), left=lefts, more=st.integers(0, 10**10))
def test_more_for_more(rules: Rules, net: int, tax: int, left: Left, more: int) -> None:
    """Marginal tiers: a larger order never gets less; so a refund never raises what stands."""
    marginal = Rules(**{**vars(rules), "tier_mode": "marginal"})
    before, _ = amount_on(marginal, net, net + tax, left)
    after, _ = amount_on(marginal, net + more, net + tax + more, left)
    assert before <= after


@given(rules=some_rules(), base=amounts)
def test_rounded_once(rules: Rules, base: int) -> None:
    """Within one unit of the exact amount, never by a unit for each tier."""
    exact = 0
    below = 0
    for tier in rules.tiers:
        end = base if tier.up_to is None else min(base, tier.up_to)
        exact += max(0, end - below) * tier.rate_bps
        below = max(below, end)
    marginal = Rules(**{**vars(rules), "tier_mode": "marginal"})
    assert abs(amount_by_rate(marginal, base) * 10_000 - exact) < rules.rounding_unit * 10_000
