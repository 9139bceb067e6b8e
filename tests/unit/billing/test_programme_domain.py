"""What a programme pays: every rule, its limits, and whether its rules make sense."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.billing.domain.claim import claim_results
from services.billing.domain.programme import (
    BudgetCommitted,
    Case,
    Left,
    NotInForce,
    ProgrammeContradicts,
    Rules,
    RulesContradict,
    Tier,
    amount_by_rate,
    amount_on,
    estimate,
    kind_fits,
    version_at,
    within,
)
from services.billing.domain.related_party import repeated_reports
from services.billing.domain.voucher import VoucherUse
from services.shared.kernel.ids import new_id
from tests.kit.fakes_voucher import AUTHORITY_ID, HANGZHOU_CODE, HEFEI_CODE, a_programme, a_version, some_rules

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
PLENTY = Left(budget=10**12, year=5_000_000, voucher=5_000_000)


def a_case(net: int = 8_000_000, **changes: Any) -> Case:
    given: dict[str, Any] = {
        "net": net, "gross": net + net * 6 // 100, "on": NOON, "holder_kind": "enterprise",
        "holder_code": HANGZHOU_CODE, "classes": ("050101",),
    }  # fmt: skip
    return Case(**{**given, **changes})


def outcomes(rules: Rules, case: Case, left: Left = PLENTY) -> dict[str, str]:
    return {result.rule: result.outcome for result in estimate(rules, case, left).results}


def test_tv06() -> None:
    """30 % of 80,000.00, at most 20,000.00; with 18,500.00 of the year left, that."""
    assert estimate(some_rules(), a_case(), PLENTY).amount == 2_000_000
    assert outcomes(some_rules(), a_case())["cap_order"] == "limited"
    less = Left(budget=10**12, year=1_850_000, voucher=5_000_000)
    assert estimate(some_rules(), a_case(), less).amount == 1_850_000


def test_all_of_it_below_ten_thousand() -> None:
    """The whole base up to 10,000.00 and 30 % of the rest, or the rate of the tier that it falls into."""
    tiers = (Tier(1_000_000, 10_000), Tier(None, 3_000))
    marginal = some_rules(tiers=tiers, cap_order=None)
    whole = some_rules(tiers=tiers, tier_mode="whole", cap_order=None)
    assert [amount_by_rate(marginal, base) for base in (0, 999_999, 1_000_000, 2_000_000)] == [
        0, 999_999, 1_000_000, 1_300_000,
    ]  # fmt: skip
    assert [amount_by_rate(whole, base) for base in (1_000_000, 1_000_001)] == [1_000_000, 300_000]


@pytest.mark.parametrize(
    ("rounding", "unit", "base", "amount"),
    [("half_up", 1, 5, 2), ("down", 1, 5, 1), ("half_up", 100, 50_000, 15_000), ("half_up", 100, 50_167, 15_100),
     ("down", 100, 50_167, 15_000)],
)  # fmt: skip
def test_rounding(rounding: Any, unit: int, base: int, amount: int) -> None:
    """30 % of 0.05 is 0.015; whole yuan where the programme pays whole yuan."""
    assert amount_by_rate(some_rules(rounding=rounding, rounding_unit=unit), base) == amount


def test_of_the_gross() -> None:
    """Where the programme reckons with VAT."""
    assert estimate(some_rules(base="gross"), a_case(1_000_000), PLENTY).amount == 318_000


def test_a_limit_is_not_rounded_up() -> None:
    """18,500.37 left in a programme of whole yuan are 18,500.00."""
    left = Left(budget=10**12, year=1_850_037, voucher=None)
    assert estimate(some_rules(rounding_unit=100), a_case(), left).amount == 1_850_000


def test_the_holder_pays_its_part() -> None:
    """At least an amount or a rate of the gross, whichever is more."""
    rules = some_rules(tiers=(Tier(None, 10_000),), cap_order=None, cap_holder_year=None, min_own_payment_bps=5_000)
    assert estimate(rules, a_case(100_000), Left(10**12)).amount == 53_000
    assert outcomes(rules, a_case(100_000), Left(10**12))["min_own_payment"] == "limited"
    more = some_rules(tiers=(Tier(None, 10_000),), cap_order=None, cap_holder_year=None, min_own_payment=100_000)
    assert estimate(more, a_case(100_000), Left(10**12)).amount == 6_000


@pytest.mark.parametrize(
    ("rules", "case", "rule"),
    [
        ({"use_until": date(2026, 11, 22)}, {}, "use_deadline"),
        ({"holder_kinds": ("university",)}, {}, "holder_kind"),
        ({"holder_kinds": ("university", "enterprise")}, {"holder_kind": "university"}, "holder_kind"),
        ({"regions": ("340000", "330200")}, {}, "region"),
        ({"offering_classes": ("02", "0502")}, {}, "offering_class"),
        ({"offering_classes": ("05",)}, {"classes": ("050101", "")}, "offering_class"),
        ({"offering_classes": ("05",)}, {"classes": ()}, "offering_class"),
        ({}, {"taken": True}, "no_stacking"),
        ({}, {"findings": (("same_credit_code", "block"),)}, "related_party"),
    ],
)
def test_a_rule_fails(rules: dict[str, Any], case: dict[str, Any], rule: str) -> None:
    """Then nothing is paid, the rule is named, and all others are answered too."""
    found = estimate(some_rules(**rules), a_case(**case), PLENTY)
    assert (found.amount, found.failed) == (0, [rule])
    assert len(found.results) >= 12


@pytest.mark.parametrize(
    ("rules", "case"),
    [
        ({"use_until": date(2026, 11, 23)}, {"on": datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC)}),
        ({"regions": ("330000",)}, {}), ({"regions": ("330100",)}, {}), ({"regions": ("330106",)}, {}),
        ({"offering_classes": ("0501",)}, {"classes": ("050101", "050199")}),
        ({}, {"findings": (("same_address", "review"),)}),
    ],
)  # fmt: skip
def test_a_rule_holds(rules: dict[str, Any], case: dict[str, Any]) -> None:
    """To the end of the last day in Shanghai; a province holds its cities; a finding for review stops nothing."""
    assert estimate(some_rules(**rules), a_case(**case), PLENTY).failed == []


def test_nothing_left_is_a_rule_of_its_own() -> None:
    """A voucher of nothing is none."""
    found = estimate(some_rules(), a_case(), Left(budget=0, year=10, voucher=10))
    assert (found.amount, found.failed) == (0, ["something_left"])


def test_divisions() -> None:
    """330106 lies in 330100 and in 330000, and not in 3301 of another province."""
    assert within("330106", "330000")
    assert within("330106", "330100")
    assert not within("330106", "330200")
    assert not within("130106", "330000")


def test_kinds_by_credit_code() -> None:
    """A code says enterprise, or public institution; which of the latter is a university it does not say."""
    assert kind_fits("enterprise", HEFEI_CODE)
    assert not kind_fits("university", HEFEI_CODE)
    assert kind_fits("university", "12330000470009001X")
    assert kind_fits("other", "51100000500000000X")


@pytest.mark.parametrize(
    "tiers",
    [
        (Tier(1, 1),),
        (Tier(None, 1), Tier(None, 1)),
        (Tier(2, 1), Tier(1, 1), Tier(None, 1)),
        (Tier(0, 1), Tier(None, 1)),
    ],
)
def test_tiers_that_make_no_sense(tiers: tuple[Tier, ...]) -> None:
    """They rise, and the last has no end."""
    with pytest.raises(RulesContradict):
        some_rules(tiers=tiers)


def test_a_check_named_twice() -> None:
    """Which of the two would count?"""
    with pytest.raises(RulesContradict):
        some_rules(checks=(("same_phone", "block"), ("same_phone", "ignore")))


def test_what_stays_of_a_programme() -> None:
    """Side, authority and currency; and a budget never falls below what is promised."""
    programme = a_programme(committed=5_000)
    with pytest.raises(ProgrammeContradicts):
        programme.publish("x", "x", AUTHORITY_ID, "provider", "CNY", 10_000)
    with pytest.raises(BudgetCommitted):
        programme.publish("x", "x", AUTHORITY_ID, "customer", "CNY", 4_999)
    programme.publish("x", "x", AUTHORITY_ID, "customer", "CNY", 5_000)
    assert programme.left(some_rules(), 500) == 0


def test_a_prefunded_programme_holds_what_came_in() -> None:
    """Its budget is a promise, its fund is money."""
    programme = a_programme(committed=5_000, funded=8_000)
    assert programme.left(some_rules(redeem_to="prefunded"), 0) == 3_000
    assert programme.left(some_rules(redeem_to="prefunded"), 500) == 2_500


def test_the_version_in_force() -> None:
    """The latest that has begun."""
    first, second = a_version(at=datetime(2026, 1, 1, tzinfo=UTC)), a_version(at=datetime(2026, 6, 1, tzinfo=UTC))
    assert version_at((second, first), datetime(2026, 5, 31, tzinfo=UTC)) == first
    assert version_at((first, second), datetime(2026, 6, 1, tzinfo=UTC)) == second
    with pytest.raises(NotInForce):
        version_at((first, second), datetime(2025, 12, 31, tzinfo=UTC))


def test_amounts_only_again() -> None:
    """The same figures come out of the part that is run again after a refund."""
    amount, results = amount_on(some_rules(), 6_000_000, 6_360_000, PLENTY)
    assert amount == 1_800_000
    assert results[0].rule == "rate"


def test_what_stands_is_held_against_what_the_rules_give() -> None:
    """A claim for more than they give of what is left is for a person; for less it is not."""
    rules = some_rules()
    given = 2_000_000
    for amount, outcome in ((given, "passed"), (given - 1, "passed"), (given + 1, "failed")):
        use = VoucherUse(
            use_id=new_id(), voucher_id=new_id(), programme_id=new_id(), programme_version_id=new_id(),
            order_id=new_id(), order_number="OR-1", holder_id=new_id(), provider_id=new_id(), state="claimed",
            currency="CNY", amount=amount, net=8_000_000, gross=8_480_000, year=2026, redeem_to="company",
            shortfall_payer="customer", left=PLENTY, results=(), findings=(), reserved_at=NOON,
        )  # fmt: skip
        found = repeated_reports((("ab", "OR-2"), ("ab", "OR-3")), rules)
        told = {each.rule: each for each in claim_results(use, rules, 8_480_000, (), found, NOON)}
        assert told["no_findings"].figures == {"findings": "repeated_report"}
        result = told["amount"]
        assert (result.outcome, result.figures["by_rules"]) == (outcome, given)
