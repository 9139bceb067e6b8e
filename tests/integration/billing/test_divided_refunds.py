"""
A lost chargeback that is smaller than a refund to the card that was agreed and not paid pays of it as far as it goes:
the rest is paid once the bank has decided; on real PostgreSQL.
"""

from itertools import permutations
from typing import Literal

import pytest

from services.billing.adapters import card_queries, refund_queries
from services.billing.domain.chargeback import ChargebackFacts, ChargebackState, Movement
from services.billing.domain.ledger import contract, dispute
from services.billing.domain.ledger import refund as refund_account
from services.billing.domain.refund import SameHands
from services.billing.use_cases import chargeback, refund
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.chargeback import ListChargebacks
from services.shared.messages.billing.refund import (
    ApproveRefund,
    CancelRefund,
    FailRefund,
    GetRefund,
    ListRefunds,
    RefundView,
    RerouteRefund,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, approve_refund, ask, card_says, paid, red_letter
from tests.integration.billing.test_stripe_chargeback import SOON, of_disputes, tell
from tests.integration.billing.test_stripe_chargeback import paid as paid_there
from tests.kit.fakes_billing import NOW, ORDER_ID, OTHER_FINANCE, REQUESTER, cny
from tests.kit.stripe_control import StripeControl, StripeStandIn

REFUND = "refund.succeeded.v1"


def learn(billing: Billing, state: ChargebackState, gross: int, dispute_id: str = "dp_1") -> None:
    """The institution has taken *gross* (minor units) of the order's charge, and says how that stands."""
    facts = ChargebackFacts(
        dispute_id, f"ch_{ORDER_ID}", state, "fraudulent", cny(gross), SOON, 0,
        (Movement(f"txn_{dispute_id}", -gross, 0, 0, "CNY"),),
    )  # fmt: skip
    billing.within(lambda uow: chargeback.learn(payment_id_of(ORDER_ID), ORDER_ID, facts, uow=uow, now=NOW))


def parts(billing: Billing, made: RefundView) -> list[tuple[str, str, int]]:
    read: RefundView = billing.run(refund_queries.get_refund, GetRefund(refund_id=made.refund_id), REQUESTER)
    assert sum(part.amount.amount for part in read.parts) == read.paid_back.amount
    assert {part.payment_id for part in read.parts} == {payment_id_of(ORDER_ID)}
    return [(part.route, part.state, part.amount.amount) for part in read.parts]


def state(billing: Billing, made: RefundView) -> str:
    return billing.run(refund_queries.get_refund, GetRefund(refund_id=made.refund_id)).state


def nothing_beside(billing: Billing, *agreed: RefundView) -> None:
    """No further refund, no bad debt: nothing of the chargeback was more than what was agreed."""
    found = billing.run(refund_queries.list_refunds, ListRefunds(order_id=ORDER_ID)).items
    assert {each.refund_id for each in found} == {each.refund_id for each in agreed}
    assert [each.bad_debt for each in billing.run(card_queries.list_chargebacks, ListChargebacks()).items] == [cny(0)]
    assert billing.balance("E:bad_debt") == 0


def to_credit(billing: Billing, made: RefundView) -> None:
    billing.run(refund.reroute_refund, RerouteRefund(refund_id=made.refund_id, route="customer_credit"))
    approve(billing, made)


@pytest.mark.parametrize("invoiced", ["not", "before", "after"])
def test_the_rest_goes_to_the_card(billing: Billing, invoiced: Literal["not", "before", "after"]) -> None:
    """Before acceptance, and after it with the red letter before or after the loss; told twice, paid once."""
    paid(billing)
    if invoiced != "not":
        billing.accepted()
    learn(billing, "needs_response", 50_000)
    made = approve(billing, ask(billing, 60_000))
    if invoiced == "before":
        red_letter(billing, made)
    billing.do_outside()
    assert parts(billing, made) == [("card", "waiting", 63_600)]
    for _ in range(2):
        learn(billing, "lost", 50_000)
    if invoiced == "after":
        assert parts(billing, made) == [("card", "waiting", 13_600), ("chargeback", "waiting", 50_000)]
        assert billing.violations() == ()
        red_letter(billing, made)
    assert parts(billing, made) == [("card", "sent", 13_600), ("chargeback", "succeeded", 50_000)]
    assert billing.balance(refund_account(made.refund_id)) == 13_600
    assert billing.violations() == ()
    ((asked,),) = billing.rows("SELECT payload FROM outside_call WHERE kind = 'create_stripe_refund'")
    assert asked["amount"] == 13_600
    for _ in range(2):
        card_says(billing, made)
    assert (state(billing, made), billing.told.count(REFUND)) == ("succeeded", 1)
    nothing_beside(billing, made)
    assert billing.balance(refund_account(made.refund_id)) == 0
    assert billing.balance(dispute(derived_id("chargeback", "dp_1"))) == 0
    assert billing.balance(contract(ORDER_ID)) == (106_000 - 63_600 if invoiced == "not" else 0)
    assert billing.violations() == ()


def test_refunds_are_paid_in_their_order(billing: Billing) -> None:
    """Of two the first is paid wholly, the second in part; the rest of that goes to the card."""
    paid(billing)
    learn(billing, "needs_response", 50_001)
    first, second = (approve(billing, ask(billing, 30_000)) for _ in range(2))
    learn(billing, "lost", 50_001)
    assert parts(billing, first) == [("chargeback", "succeeded", 31_800)]
    assert parts(billing, second) == [("card", "sent", 31_800 - 18_201), ("chargeback", "succeeded", 18_201)]
    card_says(billing, second)
    assert {state(billing, each) for each in (first, second)} == {"succeeded"}
    nothing_beside(billing, first, second)
    ((lost,),) = billing.rows("SELECT data::jsonb FROM outbox WHERE type = 'chargeback.lost.v1'")
    assert lost["at_work"] is False, "it is the refunds by which the order is less"
    assert billing.violations() == ()


@pytest.mark.parametrize("gross", [50_000, 105_999], ids=["a half", "all but a fen"])
def test_the_rest_of_what_the_institution_refused_goes_another_way(billing: Billing, gross: int) -> None:
    paid(billing)
    made = approve(billing, ask(billing, 100_000))
    card_says(billing, made, succeeded=False)
    learn(billing, "needs_response", gross)
    learn(billing, "lost", gross)
    assert parts(billing, made) == [("card", "failed", 106_000 - gross), ("chargeback", "succeeded", gross)]
    assert (state(billing, made), billing.violations()) == ("failed", ())
    to_credit(billing, made)
    assert parts(billing, made) == [
        ("customer_credit", "succeeded", 106_000 - gross), ("chargeback", "succeeded", gross),
    ]  # fmt: skip
    nothing_beside(billing, made)
    assert billing.told.count("refund.failed.v1") == 1
    assert billing.violations() == ()


@pytest.mark.parametrize("gross", [50_000, 106_000], ids=["a half", "all"])
@pytest.mark.parametrize("route", ["customer_credit", "bank_transfer", "failed there"])
def test_what_waits_to_go_another_way_is_taken_too(billing: Billing, route: str, gross: int) -> None:
    """The institution had refused it: the customer does not have it twice, and no second pair of eyes is spared."""
    paid(billing)
    made = approve(billing, ask(billing, 100_000))
    card_says(billing, made, succeeded=False)
    way = "customer_credit" if route == "customer_credit" else "bank_transfer"
    billing.run(refund.reroute_refund, RerouteRefund.model_validate({"refund_id": made.refund_id, "route": way}))
    if route == "failed there":
        approve(billing, made)
        billing.run(refund.fail_refund, FailRefund(refund_id=made.refund_id, reason="account closed"))
    learn(billing, "needs_response", gross)
    for _ in range(2):
        learn(billing, "lost", gross)
    rest = [(way, "failed" if route == "failed there" else "waiting", 106_000 - gross)] if gross < 106_000 else []
    assert parts(billing, made) == [*rest, ("chargeback", "succeeded", gross)]
    nothing_beside(billing, made)
    assert billing.balance(refund_account(made.refund_id)) == 106_000 - gross
    if rest:
        to_credit(billing, made)
    assert (state(billing, made), billing.balance(refund_account(made.refund_id))) == ("succeeded", 0)
    assert billing.violations() == ()


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_credit_that_nobody_has_approved_is_not_given_because_a_bank_decides(
    billing: Billing, outcome: Literal["won", "lost"]
) -> None:
    paid(billing)
    made = approve(billing, ask(billing, 60_000))
    card_says(billing, made, succeeded=False)
    learn(billing, "needs_response", 10_000)
    billing.run(refund.reroute_refund, RerouteRefund(refund_id=made.refund_id, route="customer_credit"))
    learn(billing, outcome, 10_000)
    assert parts(billing, made)[0] == ("customer_credit", "waiting", 53_600 if outcome == "lost" else 63_600)
    with pytest.raises(SameHands):
        billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id))


def test_a_refund_under_way_that_is_more_than_was_lost(billing: Billing) -> None:
    """The institution refuses it after the loss: as far as that was a bad debt it is recovered, the rest has failed."""
    paid(billing)
    made = approve(billing, ask(billing, 100_000))
    learn(billing, "lost", 50_000)
    assert billing.balance("E:bad_debt") == -50_000
    for _ in range(3):
        card_says(billing, made, succeeded=False)
    assert parts(billing, made) == [("card", "failed", 56_000), ("chargeback", "succeeded", 50_000)]
    assert billing.told.count("refund.failed.v1") == 1
    nothing_beside(billing, made)
    assert billing.violations() == ()
    to_credit(billing, made)
    assert (state(billing, made), billing.told.count(REFUND)) == ("succeeded", 1)
    assert billing.violations() == ()


@pytest.mark.parametrize("order_of_news", list(permutations(["dp_1", "dp_2"])))
def test_two_chargebacks_of_one_charge_take_a_piece_each(billing: Billing, order_of_news: tuple[str, ...]) -> None:
    """What neither takes waits for both."""
    gross = {"dp_1": 10_000, "dp_2": 20_000}
    paid(billing)
    for each in order_of_news:
        learn(billing, "needs_response", gross[each], each)
    made = approve(billing, ask(billing, 60_000))
    first, last = order_of_news
    learn(billing, "lost", gross[first], first)
    rest = 63_600 - gross[first]
    assert parts(billing, made) == [("card", "waiting", rest), ("chargeback", "succeeded", gross[first])]
    learn(billing, "lost", gross[last], last)
    pieces = [("chargeback", "succeeded", gross[each]) for each in order_of_news]
    assert parts(billing, made) == [("card", "sent", 33_600), *pieces]
    card_says(billing, made)
    assert (state(billing, made), billing.balance("E:bad_debt")) == ("succeeded", 0)
    assert billing.violations() == ()


def test_a_second_chargeback_takes_all_of_the_rest(billing: Billing) -> None:
    """And what is more than the rest lowers the order."""
    paid(billing)
    for each in ("dp_1", "dp_2"):
        learn(billing, "needs_response", 40_000, each)
    made = approve(billing, ask(billing, 60_000))
    for each in ("dp_1", "dp_2"):
        learn(billing, "lost", 40_000, each)
    assert parts(billing, made) == [("chargeback", "succeeded", 23_600), ("chargeback", "succeeded", 40_000)]
    assert billing.balance(contract(ORDER_ID)) == 106_000 - 80_000
    assert billing.balance("E:bad_debt") == 0
    assert billing.violations() == ()


def test_a_rest_that_the_institution_refuses_goes_another_way(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """It gives nothing back of a charge of which the bank has kept a part: people are told, and it goes another way."""
    opened = stripe_control.open_dispute(paid_there(billing, stripe_control), amount_minor=50_000)
    tell(billing, stand_in, of_disputes(stripe_control))
    made = approve(billing, ask(billing, 60_000))
    stripe_control.close_dispute(opened["id"], "lost")
    tell(billing, stand_in, [*of_disputes(stripe_control), *of_disputes(stripe_control)])
    assert stripe_control.objects("refund") == []
    assert parts(billing, made) == [("card", "failed", 13_600), ("chargeback", "succeeded", 50_000)]
    assert billing.rows("SELECT count(*) FROM outbox WHERE type = 'refund.failed.v1'") == [(1,)]
    with pytest.raises(WrongState):
        billing.run(refund.cancel_refund, CancelRefund(refund_id=made.refund_id), OTHER_FINANCE)
    to_credit(billing, made)
    assert state(billing, made) == "succeeded"
    nothing_beside(billing, made)
    assert billing.violations() == ()
