"""Project funds on real PostgreSQL and a finance system in a process of its own: set aside, transferred, given back."""

from functools import partial
from typing import Any

import pytest

from services.billing.adapters import funding_queries
from services.billing.domain.funding import (
    FundingFacts,
    FundingNotInDoubt,
    NotPaidFromProject,
    ProjectStillAsked,
    VoucherNotWithProject,
)
from services.billing.use_cases import funding, order, settlement, voucher_use
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.funding import (
    AskFundingAgain,
    FundingView,
    GetOrderFunding,
    ListFunding,
    NameProject,
)
from services.shared.messages.billing.settlement import CloseSettlements
from services.shared.messages.billing.voucher import ReserveVoucher
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_credit import told
from tests.integration.billing.on_project_funds import (
    AGREEMENT,
    ENTITY,
    PROJECT,
    accept,
    ask,
    contract,
    executed,
    finance,
    reserved,
    states,
    university,
)
from tests.integration.billing.refunding import approve, entries, settled
from tests.integration.billing.refunding import ask as ask_refund
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    NOW,
    ORDER_ID,
    OTHER_STATION_MANAGER,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    amounts,
    an_actor,
    order_cancelled,
    order_placed,
)
from tests.kit.finance_control import FinanceControl

__all__ = ["finance", "university"]

STRANGER = an_actor(STATION_ID, "requester", "approver", "customer_finance", "finance_operator")
MEMO = f"M:order:{ORDER_ID}"


def name(billing: Billing, project: str, person: str = "李明", *, known: bool = True) -> FundingView:
    use_case = partial(funding.name_project, agreements={ENTITY: AGREEMENT} if known else {})
    wanted = NameProject(order_id=ORDER_ID, project_number=project, responsible_person=person)
    return billing.run(use_case, wanted, REQUESTER)


def test_the_money_is_set_aside_transferred_and_never_ours(finance: FinanceControl, billing: Billing) -> None:
    """No payment is asked for, nothing is recognised as revenue of the service, nothing is owed to the provider."""
    reserved(billing)
    assert told(billing, "payment.opened.v1") == 0
    assert states(billing) == [(1, "reserved", 100_000, 0, 0, "")]
    assert finance.available() == 9_900_000
    accept(billing)
    ask(billing)
    assert states(billing) == [(1, "executed", 100_000, 100_000, 0, "")]
    ours = finance.reservations[f"funding:{ORDER_ID}:1"]
    assert (ours["status"], ours["executed"], ours["project"]) == ("executed", 100_000, PROJECT)
    assert told(billing, "revenue.recognised.v1") == 0
    invoiced = billing.rows("SELECT data::json #>> '{gross,amount}' FROM outbox WHERE type = 'commission.earned.v1'")
    assert invoiced == [("5300",)]
    assert entries(billing, f"accept:{ORDER_ID}") == [
        ("D", f"A:ar:provider:{PROVIDER_ID}", 5_300),
        ("D", "E:station_share", 3_500),
        ("C", f"L:station:{STATION_ID}:accrued", 3_500),
        ("C", "L:vat:output", 300),
        ("C", "R:commission", 5_000),
    ]
    assert entries(billing, "executed:100000") == [("D", f"M:funding:{CUSTOMER_ID}", 100_000), ("C", MEMO, 100_000)]
    assert billing.rows("SELECT party_kind, net FROM accrual") == [("station", 3_500)]
    assert billing.violations() == ()


def test_the_fee_is_netted_with_what_the_laboratory_is_paid_for_other_orders(
    finance: FinanceControl, billing: Billing
) -> None:
    """Of TV01's 954.00 it is paid 901.00."""

    executed(billing)
    other = derived_id("order", "sold")
    billing.accepted(other, "OR-2026-000124")
    stated = settled(billing)
    assert stated["provider"].net.amount == 90_000
    started = billing.start_payout(stated["provider"].settlement_id)
    assert started.amount.amount == 95_400 - 5_300
    assert billing.balance(f"A:ar:provider:{PROVIDER_ID}") == 0
    assert billing.violations() == ()


def test_every_message_twice_takes_effect_once(finance: FinanceControl, billing: Billing) -> None:
    """Contracted, accepted, and each answer of the finance system."""
    contract(billing)
    contract(billing)
    ask(billing)
    accept(billing)
    accept(billing)
    ask(billing)
    again = billing.rows("SELECT payload FROM outside_call WHERE kind = 'ask_finance_system' ORDER BY id")
    for (payload,) in again * 2:
        told_again = (payload, FundingFacts("executed", executed=100_000))
        billing.within(lambda uow, told=told_again: funding.learn(*told, uow=uow, now=NOW))  # type: ignore[misc]
    assert states(billing) == [(1, "executed", 100_000, 100_000, 0, "")]
    assert told(billing, "funding.reserved.v1") == told(billing, "funding.executed.v1") == 1
    assert billing.balance(MEMO) == 100_000
    assert billing.violations() == ()


REFUSALS: dict[str, dict[str, Any]] = {
    "project_unknown": {"number": "1"},
    "project_closed": {"status": "closed"},
    "project_frozen": {"status": "frozen"},
    "wrong_person": {"responsible": ["王芳"]},
    "category_not_allowed": {"cost_categories": ["travel"]},
    "currency_differs": {"currency": "USD"},
    "period_closed": {"open_until": "2025-12-31"},
    "over_budget": {"available": 99_999},
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_refusal_is_told_with_its_reason_and_another_project_may_be_named(
    finance: FinanceControl, billing: Billing, reason: str
) -> None:
    """Nothing is set aside by the first, all by the second."""
    finance.reset()
    finance.project(**{"number": PROJECT, **REFUSALS[reason]})
    finance.project("other")
    reserved(billing)
    assert states(billing) == [(1, "refused", 100_000, 0, 0, reason)]
    assert told(billing, "funding.refused.v1") == 1
    assert finance.reservations == {}
    named = name(billing, "other")
    assert (named.n, named.state) == (2, "requested")
    ask(billing)
    assert [row[1] for row in states(billing)] == ["refused", "reserved"]
    assert billing.violations() == ()


def test_what_only_the_system_itself_finds_is_a_refusal_too(finance: FinanceControl, billing: Billing) -> None:
    """Two orders see the same rest of a project; one gets it."""

    finance.project(PROJECT, available=150_000)
    contract(billing)
    other = derived_id("order", "other")
    contract(billing, other, "OR-2026-000124")
    ask(billing)
    assert sorted(row[1] for row in states(billing)) == ["refused", "reserved"]
    assert finance.available() == 50_000


def test_without_a_finance_system_nobody_is_asked(finance: FinanceControl, billing: Billing) -> None:
    """The requester is told so; once there is one it may be asked."""
    contract(billing, agreements={})
    ask(billing)
    assert states(billing) == [(1, "refused", 100_000, 0, 0, "no_finance_system")]
    assert finance.requests == []
    assert name(billing, PROJECT, known=False).reason == "no_finance_system"
    name(billing, PROJECT)
    ask(billing)
    assert states(billing)[-1][:2] == (3, "reserved")


def test_a_second_project_is_named_only_where_the_first_has_nothing(finance: FinanceControl, billing: Billing) -> None:
    """Else two projects could pay one order; nor for an order that somebody else pays, or that is cancelled."""
    contract(billing)
    with pytest.raises(ProjectStillAsked):
        name(billing, "other")
    ask(billing)
    with pytest.raises(ProjectStillAsked):
        name(billing, "other")
    billing.handle(order.cancelled, order_cancelled())
    ask(billing)
    with pytest.raises(NotPaidFromProject):
        name(billing, "other")


def test_a_cancelled_order_lets_go_of_the_money(finance: FinanceControl, billing: Billing) -> None:
    """Once, however often it is told; no fee is kept, for nothing was paid."""
    reserved(billing)
    for _ in range(2):
        billing.handle(order.cancelled, order_cancelled())
    ask(billing)
    assert states(billing) == [(1, "released", 100_000, 0, 0, "")]
    assert finance.available() == 10_000_000
    assert told(billing, "funding.released.v1") == 1
    assert billing.rows("SELECT count(*) FROM ledger_tx") == [(0,)]
    assert billing.violations() == ()


def test_cancelled_while_it_is_asked(finance: FinanceControl, billing: Billing) -> None:
    """The request that is under way is made, and then let go: nothing stays set aside, nobody was told that it was."""
    contract(billing)
    billing.handle(order.cancelled, order_cancelled())
    ask(billing)
    assert states(billing) == [(1, "released", 100_000, 0, 0, "")]
    assert finance.available() == 10_000_000
    assert told(billing, "funding.reserved.v1") == 0


def test_a_refund_before_acceptance_lowers_what_is_transferred(finance: FinanceControl, billing: Billing) -> None:
    """Nothing has to go back, and the fee is of what is left: 4 % less 1 of 5."""
    reserved(billing)
    made = approve(billing, ask_refund(billing, 20_000))
    assert made.state == "succeeded"
    assert [name for name in billing.told if name.startswith("refund.")] == ["refund.agreed.v1", "refund.succeeded.v1"]
    accept(billing)
    ask(billing)
    assert states(billing) == [(1, "executed", 100_000, 80_000, 0, "")]
    assert finance.available() == 9_920_000
    assert billing.balance("R:commission") == 4_000
    assert billing.violations() == ()


def test_a_refund_after_acceptance_is_transferred_back(finance: FinanceControl, billing: Billing) -> None:
    """Twice; the fee, its VAT and the station's share come down with each."""
    executed(billing)
    first = approve(billing, ask_refund(billing, 33_333))
    assert first.state == "pending"
    ask(billing)
    assert states(billing) == [(1, "executed", 100_000, 100_000, 33_333, "")]
    assert entries(billing, f"refund:{first.refund_id}:shares") == [
        ("D", f"L:station:{STATION_ID}:accrued", 1_167),
        ("D", "L:vat:output", 100),
        ("D", "R:commission", 1_667),
        ("C", f"A:ar:provider:{PROVIDER_ID}", 1_767),
        ("C", "E:station_share", 1_167),
    ]
    approve(billing, ask_refund(billing, 66_667))
    ask(billing)
    assert finance.available() == 10_000_000
    assert told(billing, "refund.succeeded.v1") == told(billing, "commission.reduced.v1") == 2
    assert [billing.balance(account) for account in (MEMO, "R:commission", "L:vat:output")] == [0, 0, 0]
    assert billing.violations() == ()


def test_a_fee_that_was_netted_already_is_paid_back_with_the_next_statement(
    finance: FinanceControl, billing: Billing
) -> None:
    """It is owed to the laboratory."""

    executed(billing)
    billing.accepted(derived_id("order", "sold"), "OR-2026-000124")
    settled(billing)
    approve(billing, ask_refund(billing, 100_000))
    assert billing.balance(f"L:provider:{PROVIDER_ID}:accrued") == 5_300
    assert billing.violations() == ()
    stated = billing.run(settlement.close_settlements, CloseSettlements(until=billing.now.date()))
    assert [(each.party_kind, each.net.amount) for each in stated.items] == [("provider", 5_300)]


def test_other_tenants_learn_nothing(finance: FinanceControl, billing: Billing) -> None:
    """Nor does a customer see anybody's list, or ask again; the laboratory of the same entity may look."""
    reserved(billing)
    wanted = GetOrderFunding(order_id=ORDER_ID)
    for actor in (STRANGER, OTHER_STATION_MANAGER):
        with pytest.raises(NotFound):
            billing.run(funding_queries.get_order_funding, wanted, actor)
    for actor in (REQUESTER, PROVIDER_FINANCE, FINANCE):
        (seen,) = billing.run(funding_queries.get_order_funding, wanted, actor).items
        assert (seen.state, seen.project_number) == ("reserved", PROJECT)
    other = NameProject(order_id=ORDER_ID, project_number="other", responsible_person="李明")
    for actor, error in ((STRANGER, NotFound), (PROVIDER_FINANCE, NotFound)):
        with pytest.raises((error, NotAllowed)):
            billing.run(partial(funding.name_project, agreements={}), other, actor)
    with pytest.raises((NotFound, NotAllowed)):
        billing.run(funding_queries.list_funding, ListFunding(), REQUESTER)
    with pytest.raises((NotFound, NotAllowed)):
        billing.run(funding.ask_funding_again, AskFundingAgain(funding_id=seen.funding_id), REQUESTER)
    with pytest.raises(FundingNotInDoubt):
        billing.run(funding.ask_funding_again, AskFundingAgain(funding_id=seen.funding_id))
    assert len(billing.run(funding_queries.list_funding, ListFunding(state="reserved")).items) == 1
    assert billing.run(funding_queries.list_funding, ListFunding(state="unknown")).items == ()


def test_no_voucher_pays_what_a_project_pays(finance: FinanceControl, billing: Billing) -> None:
    """Refused before it is looked whether it would apply."""
    billing.handle(order.placed, order_placed(payment_method="project_funds", money=amounts(100_000, 0)))
    with pytest.raises(VoucherNotWithProject):
        billing.run(voucher_use.reserve_voucher, ReserveVoucher(order_id=ORDER_ID, voucher_id=ORDER_ID), REQUESTER)


def test_an_order_that_is_paid_otherwise_has_no_funding(finance: FinanceControl, billing: Billing) -> None:
    """To its own parties neither."""
    billing.contracted()
    for actor, error in ((REQUESTER, NotPaidFromProject), (FINANCE, NotAllowed)):
        with pytest.raises(error):
            billing.run(partial(funding.name_project, agreements={}),
                        NameProject(order_id=ORDER_ID, project_number="1", responsible_person="x"), actor)  # fmt: skip
    with pytest.raises(NotFound):
        billing.run(funding_queries.get_order_funding, GetOrderFunding(order_id=ORDER_ID), REQUESTER)
    assert finance.requests == []
