"""How a provider divides its income, on real PostgreSQL: whose the lines of its statements are."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters.income_allocation_queries import list_allocated_income, list_income_allocations
from services.billing.domain.income_allocation import SharesNotWhole
from services.billing.use_cases import order
from services.billing.use_cases.income_allocation import set_income_allocation
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.income_allocation import (
    AllocatedIncomePage,
    AllocatedPart,
    IncomeAllocationView,
    ListAllocatedIncome,
    ListIncomeAllocations,
    SetIncomeAllocation,
)
from services.shared.messages.billing.settlement import SettlementView
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, ask, red_letter
from tests.integration.billing.test_settlements import close
from tests.kit.fakes_billing import (
    FINANCE,
    NOW,
    ORDER_ID,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_MANAGER,
    an_actor,
    cny,
    order_placed,
)
from tests.kit.fakes_voucher import OFFERING_ID, an_offering

SINCE = date(2026, 1, 1)
STRANGER = an_actor(derived_id("organisation", 77), "provider_finance")
SECOND = derived_id("order", 2)


def a_line(n: int, offering_id: UUID | None, net: int) -> dict[str, Any]:
    return {
        "line": n, "offering_id": offering_id, "title_zh": "拉伸试验", "title_en": "Tensile test", "unit": "sample",
        "quantity": 1, "unit_price": cny(net), "includes_tax": False, "discount_bps": 0,
        "discount": cny(0), "net": cny(net), "tax": cny(0),
    }  # fmt: skip


def set_rule(
    billing: Billing, *shares: tuple[str, str, int], offering_id: UUID | None = None, since: date = SINCE,
    actor: Actor = PROVIDER_FINANCE,
) -> IncomeAllocationView:  # fmt: skip
    wanted = SetIncomeAllocation.model_validate(
        {
            "offering_id": offering_id,
            "since": since,
            "shares": tuple({"college": college, "team": team, "bps": bps} for college, team, bps in shares),
        }
    )
    return billing.run(set_income_allocation, wanted, actor)


def of(billing: Billing, stated: SettlementView, actor: Actor = PROVIDER_FINANCE, **how: Any) -> AllocatedIncomePage:
    wanted = ListAllocatedIncome(settlement_id=stated.settlement_id, **how)
    return billing.run(list_allocated_income, wanted, actor)


def said(parts: tuple[AllocatedPart, ...]) -> list[tuple[str, str, int, int]]:
    return [(part.college, part.team, part.net.amount, part.tax.amount) for part in parts]


def stated_to_provider(billing: Billing, until: date = date(2026, 11, 23)) -> SettlementView:
    (found,) = [each for each in close(billing, until).items if each.party_kind == "provider"]
    return found


@pytest.fixture
def placed(billing: Billing) -> None:
    """Three quarters of the order's price are a line with an offering, the rest is a free one."""
    billing.within(lambda uow: uow.offerings.put(an_offering()))
    billing.handle(order.placed, order_placed(lines=[a_line(1, OFFERING_ID, 75_000), a_line(2, None, 25_000)]))


@pytest.mark.usefixtures("placed")
def test_a_statement_is_divided_to_the_fen(billing: Billing) -> None:
    """TV01's 900.00 and 54.00: of the offering 70 % to the team, what no other rule is for to chemistry."""
    set_rule(billing, ("材料学院", "", 3_000), ("材料学院", "电镜室", 7_000), offering_id=OFFERING_ID)
    set_rule(billing, ("化学学院", "", 10_000))
    billing.accepted()
    stated = stated_to_provider(billing)
    found = of(billing, stated)
    assert said(found.totals) == [
        ("化学学院", "", 22_500, 1_350), ("材料学院", "", 20_250, 1_215), ("材料学院", "电镜室", 47_250, 2_835),
    ]  # fmt: skip
    (line,) = found.items
    assert (line.parts, line.kind) == (found.totals, "acceptance")


@pytest.mark.usefixtures("placed")
def test_what_was_set_afterwards_divides_what_stands_and_the_newest_word_counts(billing: Billing) -> None:
    billing.accepted()
    stated = stated_to_provider(billing)
    assert said(of(billing, stated).totals) == [("", "", 90_000, 5_400)]
    set_rule(billing, ("化学学院", "", 10_000))
    set_rule(billing, ("物理学院", "", 10_000), since=date(2026, 11, 24))
    assert said(of(billing, stated).totals) == [("化学学院", "", 90_000, 5_400)], "not yet in force on the acceptance"


@pytest.mark.usefixtures("placed")
def test_a_correction_takes_from_the_same(billing: Billing) -> None:
    """A third goes back before the statement: what is left of each is of what is left of the order."""
    set_rule(billing, ("材料学院", "", 5_000), ("化学学院", "", 5_000))
    billing.accepted()
    made = ask(billing, 33_333)
    approve(billing, made)
    red_letter(billing, made)
    stated = stated_to_provider(billing)
    found = of(billing, stated)
    assert [line.kind for line in found.items] == ["acceptance", "correction"]
    assert sum(part.net.amount for part in found.totals) == stated.net.amount == 60_000
    assert sum(part.tax.amount for part in found.totals) == stated.tax.amount
    assert said(found.items[1].parts) == [("化学学院", "", -15_000, -900), ("材料学院", "", -15_000, -900)]


@pytest.mark.usefixtures("placed")
def test_page_by_page_is_the_whole(billing: Billing) -> None:
    """The sums come with the first page, over all; what nothing is known of but its price is of no offering."""
    set_rule(billing, ("化学学院", "", 10_000))
    billing.accepted()
    billing.accepted(SECOND, "OR-2026-000124")
    stated = stated_to_provider(billing)
    first = of(billing, stated, limit=1)
    second = of(billing, stated, limit=1, after=first.next_cursor)
    assert said(first.totals) == [("化学学院", "", 180_000, 10_800)]
    assert (second.totals, second.next_cursor) == ((), None)
    assert {line.order_id for page in (first, second) for line in page.items} == {ORDER_ID, SECOND}
    assert of(billing, stated, totals=False).totals == ()


@pytest.mark.usefixtures("placed")
def test_nobody_else_sees_or_sets_it(billing: Billing) -> None:
    """Not the company's finance either: it is the provider's own affair. A stranger's rule changes nothing."""
    set_rule(billing, ("化学学院", "", 10_000))
    set_rule(billing, ("别家", "", 10_000), actor=STRANGER)
    set_rule(billing, ("别家", "", 10_000), offering_id=OFFERING_ID, actor=STRANGER)
    billing.accepted()
    provider, station = sorted(close(billing).items, key=lambda each: each.party_kind)
    assert said(of(billing, provider).totals) == [("化学学院", "", 90_000, 5_400)]
    for who in (STRANGER, REQUESTER, STATION_MANAGER, FINANCE):
        with pytest.raises((NotAllowed, NotFound)):
            of(billing, provider, who)
    with pytest.raises((NotAllowed, NotFound)):
        of(billing, station, STATION_MANAGER)
    for who in (REQUESTER, STATION_MANAGER, an_actor(PROVIDER_ID, "lab_manager")):
        with pytest.raises(NotAllowed):
            set_rule(billing, ("化学学院", "", 10_000), actor=who)
    mine = billing.run(list_income_allocations, ListIncomeAllocations(), PROVIDER_FINANCE)
    assert [share.college for rule in mine.items for share in rule.shares] == ["化学学院"]


def test_rubbish_is_refused(billing: Billing) -> None:
    with pytest.raises(NotFound):
        set_rule(billing, ("化学学院", "", 10_000), offering_id=OFFERING_ID)
    with pytest.raises(SharesNotWhole):
        set_rule(billing, ("化学学院", "", 5_000), ("化学学院", "", 5_000))
    with pytest.raises(SharesNotWhole):
        set_rule(billing, ("化学学院", "", 9_999))
    assert billing.rows("SELECT count(*) FROM income_allocation") == [(0,)]


@pytest.mark.usefixtures("placed")
def test_by_the_day_of_acceptance_in_shanghai(billing: Billing) -> None:
    """What is accepted at 16:30 UTC is accepted on the next day there."""
    set_rule(billing, ("化学学院", "", 10_000), since=NOW.date() + timedelta(days=1))
    billing.accepted(at=NOW.replace(hour=16, minute=30))
    stated = stated_to_provider(billing, date(2026, 12, 31))
    assert said(of(billing, stated).totals) == [("化学学院", "", 90_000, 5_400)]
