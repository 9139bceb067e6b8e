"""Small enterprises on real PostgreSQL: what they are owed is due by a day, whether or not the customer has paid."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from uuid import UUID

import pytest

from services.billing.adapters import queries
from services.billing.adapters.documents import Party
from services.billing.adapters.settlement_papers import statement_of
from services.billing.adapters.small_enterprise_repository import list_small_enterprises
from services.billing.use_cases import order, settlement
from services.billing.use_cases.small_enterprise import decide_small_enterprise, declare_small_enterprise
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, Refused
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.settlement import (
    CloseSettlements,
    GetSettlement,
    ListSettlements,
    SettlementPage,
    SettlementView,
)
from services.shared.messages.billing.small_enterprise import (
    DecideSmallEnterprise,
    DeclareSmallEnterprise,
    ListSmallEnterprises,
    SmallEnterpriseView,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_credit import INVOICED_ON, ON_CREDIT, TV18, a_line
from tests.integration.billing.test_settlements import bank_says, matched
from tests.kit.fakes_billing import (
    DISPUTE_OPERATOR,
    FINANCE,
    LATER,
    OTHER_STATION_MANAGER,
    PROVIDER_FINANCE,
    REQUESTER,
    STATION_MANAGER,
    amounts,
    cny,
    order_accepted,
)
from tests.kit.real_service import together
from tests.unit.billing.test_settlement_use_cases import on_day

SINCE = date(2026, 1, 1)


def declare(
    billing: Billing, actor: Actor = PROVIDER_FINANCE, *, is_small: bool = True, since: date = SINCE
) -> SmallEnterpriseView:
    return billing.run(declare_small_enterprise, DeclareSmallEnterprise(is_small=is_small, since=since), actor)


def decide(
    billing: Billing, declared: SmallEnterpriseView, actor: Actor = FINANCE, *, confirmed: bool = True
) -> SmallEnterpriseView:
    wanted = DecideSmallEnterprise(declaration_id=declared.declaration_id, confirmed=confirmed)
    return billing.run(decide_small_enterprise, wanted, actor)


def close(billing: Billing, until: date = date(2026, 12, 31)) -> SettlementPage:
    return billing.run(settlement.close_settlements, CloseSettlements(until=until), now=on_day(until))


def due_on(billing: Billing, stated: SettlementView) -> date | None:
    return billing.run(queries.get_settlement, GetSettlement(settlement_id=stated.settlement_id)).due_on


def due(billing: Billing, until: date, actor: Actor = FINANCE) -> list[str]:
    page = billing.run(queries.list_settlements, ListSettlements(due_until=until), actor)
    return [each.number for each in page.items]


def test_tv18(billing: Billing) -> None:
    """19,080.00 are due 60 days after acceptance, on 2027-02-03, though the customer has paid nothing."""
    decide(billing, declare(billing))
    a_line(billing)
    billing.contracted(money=TV18, station=False, **ON_CREDIT)
    billing.handle(order.accepted, order_accepted(money=TV18, station=False, at=INVOICED_ON, **ON_CREDIT))
    (stated,) = close(billing).items
    assert (stated.gross, stated.due_on) == (cny(1_908_000), date(2027, 2, 3))
    assert billing.rows("SELECT paid FROM receivable") in ([], [(0,)])
    with billing.engine.connect() as held:
        assert statement_of(held, stated.settlement_id, Party("x", "y")).due_on == date(2027, 2, 3)
    assert due(billing, date(2027, 2, 2)) == []
    assert due(billing, date(2027, 2, 3)) == due(billing, date(2027, 3, 1)) == [stated.number]
    assert due(billing, date(2027, 2, 3), PROVIDER_FINANCE) == [stated.number]
    assert due(billing, date(2027, 2, 3), OTHER_STATION_MANAGER) == []
    matched(billing, stated)
    late = datetime(2027, 1, 20, tzinfo=UTC)
    paid = billing.pay_out(stated.settlement_id, late)
    bank_says(billing, ("b1", "out", "19080.00", paid.number))
    assert due(billing, date(2027, 3, 1)) == [], "it is paid"
    assert billing.violations() == ()


def test_the_earliest_line_counts_by_the_day_in_shanghai(billing: Billing) -> None:
    """16:30 UTC is the next day there; a party that is not small has no such day."""
    decide(billing, declare(billing))
    billing.accepted(at=datetime(2026, 11, 20, 16, 30, tzinfo=UTC))
    billing.accepted(derived_id("order", 2), "OR-2026-000124", at=LATER, station=False)
    found = {each.party_kind: each.due_on for each in close(billing).items}
    assert found == {"provider": date(2027, 1, 20), "station": None}


def test_a_word_counts_from_its_day_on_once_it_is_confirmed(billing: Billing) -> None:
    """What is declared or refused has no effect; statements that are closed and not paid follow what is confirmed."""
    billing.accepted(at=datetime(2026, 11, 20, 2, tzinfo=UTC), station=False)
    first = declare(billing)
    (stated,) = close(billing).items
    assert stated.due_on is None
    decide(billing, declare(billing), confirmed=False)
    assert due_on(billing, stated) is None
    decide(billing, declare(billing, since=date(2026, 11, 21)))
    assert due_on(billing, stated) is None, "the order is older"
    decide(billing, first)
    assert due_on(billing, stated) == date(2027, 1, 19)
    with pytest.raises(WrongState):
        decide(billing, first)
    decide(billing, declare(billing, is_small=False, since=date(2026, 12, 1)))
    assert due_on(billing, stated) == date(2027, 1, 19), "it was small when the work was accepted"
    billing.accepted(derived_id("order", 2), "OR-2026-000124", at=LATER, station=False)
    (later,) = close(billing).items
    assert later.due_on is None
    assert len(billing.run(list_small_enterprises, ListSmallEnterprises(), PROVIDER_FINANCE).items) == 4
    assert billing.run(list_small_enterprises, ListSmallEnterprises(), STATION_MANAGER).items == ()


def test_finance_is_told_before_the_last_day_and_after_it(billing: Billing) -> None:
    """Due 2027-01-19: on the 12th in the morning, on the 20th, and never again; not at all where it is paid."""
    billing.accepted(at=datetime(2026, 11, 20, 2, tzinfo=UTC))
    provider, station = sorted(close(billing).items, key=lambda each: each.party_kind)
    decide(billing, declare(billing))
    decide(billing, declare(billing, STATION_MANAGER))

    def told() -> list[tuple[str, bool]]:
        return billing.rows(
            "SELECT data::json ->> 'settlement_id', (data::json ->> 'overdue')::boolean FROM outbox"
            " WHERE type = 'settlement.due.v1' ORDER BY 2, 1"
        )

    billing.run_timers(datetime(2027, 1, 12, 0, 59, tzinfo=UTC))
    assert told() == []
    billing.run_timers(datetime(2027, 1, 12, 1, tzinfo=UTC))
    both = sorted([(str(provider.settlement_id), False), (str(station.settlement_id), False)])
    assert told() == both
    matched(billing, station)
    paid = billing.pay_out(station.settlement_id, datetime(2027, 1, 13, tzinfo=UTC))
    bank_says(billing, ("b1", "out", "74.20", paid.number))
    for day in (19, 20, 21, 28):
        billing.run_timers(datetime(2027, 1, day, 1, tzinfo=UTC))
    assert told() == [*both, (str(provider.settlement_id), True)]


@pytest.mark.parametrize("round_", range(3))
def test_confirming_races_with_closing(billing: Billing, round_: int) -> None:
    """Whichever comes first, the statement has its last day."""
    del round_
    billing.accepted(at=datetime(2026, 11, 20, 2, tzinfo=UTC), money=amounts(), station=False)
    declared = declare(billing)
    deeds: list[Callable[[], object]] = [partial(close, billing), partial(decide, billing, declared)]
    answers = together(deeds)
    assert not any(isinstance(each, Refused) for each in answers)
    assert billing.rows("SELECT due_on FROM settlement") == [(date(2027, 1, 19),)]


@pytest.mark.parametrize(
    ("actor", "refusal"), [(PROVIDER_FINANCE, NotFound), (REQUESTER, NotFound), (DISPUTE_OPERATOR, NotAllowed)]
)
def test_nobody_confirms_itself(billing: Billing, actor: Actor, refusal: type[Refused]) -> None:
    """The company's finance does; a customer declares nothing."""
    declared = declare(billing)
    with pytest.raises(refusal):
        decide(billing, declared, actor)
    with pytest.raises(NotFound):
        billing.run(decide_small_enterprise, DecideSmallEnterprise(declaration_id=UUID(int=9), confirmed=True))
    with pytest.raises(Refused):
        declare(billing, REQUESTER)
