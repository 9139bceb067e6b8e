"""How a provider's income is divided among its colleges and instrument teams."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.income_allocation import IncomeAllocation, Part, SharesNotWhole, Unit, in_force, parts
from services.shared.kernel.ids import derived_id
from tests.kit.fakes_billing import NOW, PROVIDER_ID

OFFERING, OTHER = derived_id("offering", 1), derived_id("offering", 2)
DAY = date(2026, 11, 20)
MATERIALS, MICROSCOPY = Unit("材料学院"), Unit("材料学院", "电镜室")
CHEMISTRY = Unit("化学学院")


def a_rule(
    *shares: tuple[Unit, int], offering_id: UUID | None = None, since: date = DAY, **how: Any
) -> IncomeAllocation:
    fields: dict[str, Any] = {"set_at": NOW, "set_by": "member/1", **how}
    return IncomeAllocation(derived_id("rule", 1), PROVIDER_ID, offering_id, since, shares, **fields)


ALL_CHEMISTRY = a_rule((CHEMISTRY, 10_000))
OF_OFFERING = a_rule((MATERIALS, 3_000), (MICROSCOPY, 7_000), offering_id=OFFERING)


@pytest.mark.parametrize(
    "shares",
    [
        (),
        ((MATERIALS, 9_999),),
        ((MATERIALS, 5_000), (CHEMISTRY, 5_001)),
        ((MATERIALS, 5_000), (MATERIALS, 5_000)),
    ],
    ids=["none", "less", "more", "twice"],
)
def test_shares_are_the_whole_and_each_unit_once(shares: tuple[tuple[Unit, int], ...]) -> None:
    with pytest.raises(SharesNotWhole):
        a_rule(*shares)


def test_an_offerings_own_rule_comes_before_that_of_all_work() -> None:
    """However much newer that is."""
    newer = a_rule((CHEMISTRY, 10_000), since=DAY + timedelta(days=1))
    assert in_force([OF_OFFERING, newer], OFFERING, DAY + timedelta(days=1)) == OF_OFFERING
    assert in_force([OF_OFFERING, newer], OTHER, DAY + timedelta(days=1)) == newer


def test_a_rule_holds_from_its_day_until_the_next() -> None:
    later = a_rule((MATERIALS, 10_000), since=DAY + timedelta(days=10))
    rules = [later, ALL_CHEMISTRY]
    assert in_force(rules, OTHER, DAY - timedelta(days=1)) is None
    assert in_force(rules, OTHER, DAY) == in_force(rules, OTHER, DAY + timedelta(days=9)) == ALL_CHEMISTRY
    assert in_force(rules, OTHER, DAY + timedelta(days=10)) == later


def test_of_two_from_one_day_the_last_word_counts() -> None:
    corrected = a_rule((MATERIALS, 10_000), set_at=NOW + timedelta(seconds=1))
    assert (
        in_force([corrected, ALL_CHEMISTRY], None, DAY) == in_force([ALL_CHEMISTRY, corrected], None, DAY) == corrected
    )


def test_an_order_of_two_offerings_is_divided_by_the_price_of_its_lines() -> None:
    """900.00 and 54.00 of an order of 750.00 and 250.00: 675.00 by the offering's rule, 225.00 by the other."""
    found = parts(90_000, 5_400, [(OFFERING, 75_000), (None, 25_000)], [ALL_CHEMISTRY, OF_OFFERING], DAY)
    assert set(found) == {
        Part(CHEMISTRY, 22_500, 1_350), Part(MATERIALS, 20_250, 1_215), Part(MICROSCOPY, 47_250, 2_835),
    }  # fmt: skip


def test_without_a_rule_it_is_nobodys() -> None:
    assert parts(90_000, 5_400, [(OFFERING, 100)], [], DAY) == (Part(Unit(), 90_000, 5_400),)
    assert parts(90_000, 5_400, [], [ALL_CHEMISTRY], DAY) == (Part(Unit(), 90_000, 5_400),)


units = st.builds(Unit, st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "x", "y"]))


@st.composite
def rules(draw: st.DrawFn) -> IncomeAllocation:
    named = draw(st.lists(units, min_size=1, max_size=6, unique=True))
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), min_size=len(named) - 1, max_size=len(named) - 1)))
    bps = [high - low for low, high in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    return a_rule(*zip(named, bps, strict=True), offering_id=draw(st.sampled_from([None, OFFERING, OTHER])))


@given(
    st.integers(-(10**13), 10**13), st.integers(-(10**12), 10**12),
    st.lists(st.tuples(st.sampled_from([None, OFFERING, OTHER]), st.integers(0, 10**12)), max_size=6),
    st.lists(rules(), max_size=4),
)  # fmt: skip
def test_the_parts_are_the_whole(
    net: int, tax: int, lines: list[tuple[UUID | None, int]], held: list[IncomeAllocation]
) -> None:
    """Of any amount, below zero too, by any prices and rules: exactly, each unit once, none the other way round."""
    found = parts(net, tax, lines, held, DAY)
    assert (sum(part.net for part in found), sum(part.tax for part in found)) == (net, tax)
    assert len({part.unit for part in found}) == len(found)
    assert all(part.net * net >= 0 and part.tax * tax >= 0 for part in found)
