"""Chargebacks against the stand-in: opened, answered, won, lost, with webhooks reversed and doubled."""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import permutations
from random import Random
from typing import Any, Literal
from uuid import UUID

import pytest

from services.billing.adapters import card_queries, refund_queries
from services.billing.adapters.outside_calls import LEARNERS
from services.billing.adapters.stripe_access import StripeAccess
from services.billing.adapters.stripe_events import StripeWebhooks
from services.billing.adapters.stripe_gateway import StripeGateway
from services.billing.domain.ledger import contract, dispute
from services.billing.domain.ledger import refund as refund_account
from services.billing.domain.refund import NothingWaits
from services.billing.use_cases import order
from services.billing.use_cases.chargeback import submit_evidence
from services.billing.use_cases.payment import payment_id_of
from services.billing.use_cases.refund import red_letter_confirmed
from services.billing.use_cases.stripe_event import record_stripe_event
from services.shared.chassis.clock import SystemClock
from services.shared.kernel.actor import PUBLIC
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.chargeback import (
    ChargebackPage,
    ChargebackView,
    Evidence,
    GetChargeback,
    ListChargebacks,
    SubmitChargebackEvidence,
)
from services.shared.messages.billing.payment import RecordStripeEvent
from services.shared.messages.billing.refund import GetRefund
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, ask, card_says
from tests.integration.billing.test_bank_lines import refusals
from tests.kit.fakes_billing import COOLING_OFF, DISPUTE_OPERATOR, NOW, ORDER_ID, PROVIDER_FINANCE, cny, order_accepted
from tests.kit.real_service import together
from tests.kit.stripe_control import FaultKind, StripeControl, StripeStandIn
from tests.kit.stripe_simulator.webhooks import signature

pytestmark = pytest.mark.usefixtures("stripe_control")

SOON = NOW + timedelta(hours=1)
PAID = 106_000 - 674
DISPUTE_FEE = 1_500


def paid(billing: Billing, stripe_control: StripeControl, *, accepted: bool = False) -> str:
    """An order paid by card. Returns the charge."""
    billing.contracted()
    billing.do_outside()
    ((secret,),) = billing.rows("SELECT client_secret FROM payment")
    stripe_control.confirm_payment(secret)
    billing.run_timers(NOW + timedelta(minutes=2))
    billing.do_outside(SOON)
    if accepted:
        billing.handle(order.accepted, order_accepted())
    ((charge,),) = billing.rows("SELECT charge_id FROM payment")
    return str(charge)


def tell(billing: Billing, stand_in: StripeStandIn, events: list[dict[str, object]]) -> None:
    """Webhooks as they are delivered; what they lead to is done after each."""
    verify = StripeWebhooks([stand_in.webhook_secret], SystemClock()).verify
    for event in events:
        body = json.dumps(event)
        wanted = RecordStripeEvent(body=body, signature=signature(body, stand_in.webhook_secret, int(time.time())))
        with billing.transaction() as uow:
            record_stripe_event(wanted, actor=PUBLIC, uow=uow, now=NOW, verify=verify)
        billing.do_outside(SOON)


def of_disputes(stripe_control: StripeControl) -> list[dict[str, object]]:
    return [event for event in stripe_control.objects("event") if event["type"].startswith("charge.dispute.")]


def the_only(billing: Billing) -> ChargebackView:
    page: ChargebackPage = billing.run(card_queries.list_chargebacks, ListChargebacks())
    (found,) = page.items
    return found


def test_opened_answered_and_won(billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn) -> None:
    """The money leaves and comes back; the fee does not; our account at Stripe is what Stripe says it is (I9)."""
    charge = paid(billing, stripe_control)
    opened = stripe_control.open_dispute(charge)
    tell(billing, stand_in, of_disputes(stripe_control))
    found = the_only(billing)
    assert (found.state, found.amount.amount, found.withdrawn.amount) == ("needs_response", 106_000, 106_000)
    assert found.evidence_due_at is not None
    assert billing.balance(dispute(found.chargeback_id)) == -106_000
    assert billing.balance("A:psp:stripe") == -(PAID - 106_000 - DISPUTE_FEE)
    assert billing.rows("SELECT reason FROM order_hold") == [(f"chargeback:{found.chargeback_id}",)]
    wanted = SubmitChargebackEvidence(
        chargeback_id=found.chargeback_id,
        evidence=(Evidence(name="uncategorized_text", text="Report issued and accepted"),),
        submit=True,
    )
    billing.run(submit_evidence, wanted, DISPUTE_OPERATOR)
    billing.do_outside(SOON)
    (at_stripe,) = stripe_control.objects("dispute")
    assert at_stripe["evidence"] == {"uncategorized_text": "Report issued and accepted"}
    assert (the_only(billing).state, the_only(billing).submissions) == ("under_review", 1)
    stripe_control.close_dispute(opened["id"], "won")
    tell(billing, stand_in, of_disputes(stripe_control))
    assert the_only(billing).state == "won"
    assert billing.balance("A:psp:stripe") == -(PAID - DISPUTE_FEE)
    assert billing.balance("A:psp:stripe") == -sum(
        booked["net"] for booked in stripe_control.objects("balance_transaction")
    )
    assert billing.rows("SELECT count(*) FROM order_hold") == [(0,)]
    assert billing.violations() == ()


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_refund_waits_for_the_decision(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn, outcome: str
) -> None:
    """The institution would refuse it: it is sent once when the bank gives the money back, or is paid by the loss."""
    opened = stripe_control.open_dispute(paid(billing, stripe_control))
    tell(billing, stand_in, of_disputes(stripe_control))
    made = approve(billing, ask(billing, 50_000))
    billing.do_outside(SOON)
    assert (made.state, made.parts[0].state) == ("pending", "waiting")
    assert stripe_control.objects("refund") == []
    with pytest.raises(NothingWaits):
        approve(billing, made)
    stripe_control.close_dispute(opened["id"], "won" if outcome == "won" else "lost")
    tell(billing, stand_in, [*of_disputes(stripe_control), *of_disputes(stripe_control)])
    assert [each["amount"] for each in stripe_control.objects("refund")] == ([53_000] if outcome == "won" else [])
    (part,) = billing.run(refund_queries.get_refund, GetRefund(refund_id=made.refund_id)).parts
    assert (part.route, part.state) == ("card" if outcome == "won" else "chargeback", "succeeded")
    assert billing.violations() == ()


@pytest.mark.parametrize("accepted", [False, True])
def test_webhooks_of_a_lost_one_in_every_order(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn, *, accepted: bool
) -> None:
    """M2: closed before created, funds before either, each twice: one loss, and the books balance."""
    charge = paid(billing, stripe_control, accepted=accepted)
    opened = stripe_control.open_dispute(charge)
    stripe_control.close_dispute(opened["id"], "lost")
    events = of_disputes(stripe_control)
    order_of_news = list(permutations(events))[-1]
    tell(billing, stand_in, [*order_of_news, *order_of_news])
    for (refund_id,) in billing.rows("SELECT refund_id FROM refund WHERE state = 'awaiting_red_letter'"):
        with billing.transaction() as uow:
            red_letter_confirmed(UUID(str(refund_id)), uow=uow, now=NOW, cooling_off=COOLING_OFF)
    found = the_only(billing)
    assert (found.state, found.bad_debt.amount) == ("lost", 0)
    assert billing.balance(dispute(found.chargeback_id)) == 0
    assert billing.balance(contract(ORDER_ID)) == 0
    assert billing.balance("R:service") == 0
    assert billing.balance("A:psp:stripe") == -(PAID - 106_000 - DISPUTE_FEE)
    assert billing.violations() == ()


def test_an_undecided_one_is_found_decided_without_any_webhook(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """M3: the institution's last word is fetched by the daily look."""
    charge = paid(billing, stripe_control)
    opened = stripe_control.open_dispute(charge)
    tell(billing, stand_in, of_disputes(stripe_control)[:1])
    stripe_control.close_dispute(opened["id"], "won")
    billing.run_timers(NOW + timedelta(days=2))
    billing.do_outside(NOW + timedelta(days=2))
    assert the_only(billing).state == "won"


@pytest.mark.parametrize("fault", ["timeout_after_effect", "error_after_effect", "error_before_effect", "conflict"])
def test_evidence_is_sent_once_whatever_happens(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn, fault: FaultKind
) -> None:
    """Most banks look once."""
    stripe_control.open_dispute(paid(billing, stripe_control))
    tell(billing, stand_in, of_disputes(stripe_control))
    stripe_control.fail_next(fault, path="/v1/disputes/*")
    wanted = SubmitChargebackEvidence(
        chargeback_id=the_only(billing).chargeback_id,
        evidence=(Evidence(name="service_date", text="2026-11-20"),),
        submit=True,
    )
    billing.run(submit_evidence, wanted, DISPUTE_OPERATOR)
    billing.do_outside(SOON)
    billing.do_outside(SOON + timedelta(hours=1))
    (at_stripe,) = stripe_control.objects("dispute")
    assert at_stripe["evidence_details"]["submission_count"] == 1
    assert the_only(billing).submissions == 1


def test_lists_and_strangers(billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn) -> None:
    """Undecided ones apart; a provider does not learn that there is one."""
    opened = stripe_control.open_dispute(paid(billing, stripe_control))
    tell(billing, stand_in, of_disputes(stripe_control))
    undecided = ListChargebacks(undecided=True)
    assert len(billing.run(card_queries.list_chargebacks, undecided).items) == 1
    stripe_control.close_dispute(opened["id"], "won")
    tell(billing, stand_in, of_disputes(stripe_control))
    assert billing.run(card_queries.list_chargebacks, undecided).items == ()
    asked = GetChargeback(chargeback_id=the_only(billing).chargeback_id)
    assert billing.run(card_queries.get_chargeback, asked, DISPUTE_OPERATOR).payment_id == payment_id_of(ORDER_ID)
    for query, wanted in ((card_queries.get_chargeback, asked), (card_queries.list_chargebacks, undecided)):
        with pytest.raises(NotFound):
            billing.run(query, wanted, PROVIDER_FINANCE)
    with pytest.raises(NotFound):
        billing.run(card_queries.get_chargeback, GetChargeback(chargeback_id=UUID(int=7)))


def test_eight_workers_and_an_acceptance_at_once(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """M6: eight learn the same loss at once while the order is accepted: one loss, no deadlock, the books balance."""
    charge = paid(billing, stripe_control)
    opened = stripe_control.open_dispute(charge)
    stripe_control.close_dispute(opened["id"], "lost")
    gateway = StripeGateway(StripeAccess(stand_in.api_key, stand_in.url, "test", SystemClock()))
    result = gateway.fetch({"object": "dispute", "id": opened["id"]}, "")

    def lose(_: int) -> None:
        with billing.transaction() as uow:
            LEARNERS["dispute"](result, uow, NOW)

    def accept(_: int) -> None:
        billing.handle(order.accepted, order_accepted())

    with ThreadPoolExecutor(10) as pool:
        doing = [pool.submit(lose, n) for n in range(8)] + [pool.submit(accept, n) for n in range(2)]
        for each in doing:
            each.result()
    for (refund_id,) in billing.rows("SELECT refund_id FROM refund WHERE state = 'awaiting_red_letter'"):
        with billing.transaction() as uow:
            red_letter_confirmed(UUID(str(refund_id)), uow=uow, now=NOW, cooling_off=COOLING_OFF)
    found = the_only(billing)
    assert (found.state, found.bad_debt.amount) == ("lost", 0)
    assert billing.rows("SELECT count(*) FROM refund") == [(1,)]
    for account in (dispute(found.chargeback_id), contract(ORDER_ID), "R:service", "E:provider_service"):
        assert billing.balance(account) == 0
    assert billing.violations() == ()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_refund_beside_the_bank_s_decision(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn, outcome: Literal["won", "lost"], seed: int
) -> None:
    """
    Twenty at once, in any order: five approve the refund, five learn that it is charged back, five what the bank has
    decided, five do what there is to be done at the institution. The money goes back once.
    """
    opened = stripe_control.open_dispute(paid(billing, stripe_control))
    gateway = StripeGateway(StripeAccess(stand_in.api_key, stand_in.url, "test", SystemClock()))
    first = gateway.fetch({"object": "dispute", "id": opened["id"]}, "")
    stripe_control.close_dispute(opened["id"], outcome)
    last = gateway.fetch({"object": "dispute", "id": opened["id"]}, "")
    asked = ask(billing, 50_000)

    def learn(result: Mapping[str, Any]) -> None:
        billing.within(lambda uow: LEARNERS["dispute"](result, uow, NOW))

    deeds: list[Callable[[], object]] = [partial(approve, billing, asked), partial(learn, first), partial(learn, last),
                                         partial(billing.do_outside, SOON)] * 5  # fmt: skip
    Random(seed).shuffle(deeds)
    refused = refusals(together(deeds))
    # Where the loss is learned before anybody approves, nothing is left to go back.
    approved = set(refused) != {"MoreThanLeft"}
    assert approved or outcome == "lost"
    assert len(refused) == (4 if approved else 5)
    assert set(refused) <= {"WrongState", "NothingWaits", "MoreThanLeft"}
    learn(last)
    for later in range(3):
        billing.do_outside(SOON + timedelta(hours=later))
    tell(billing, stand_in, of_disputes(stripe_control))

    assert [each["amount"] for each in stripe_control.objects("refund")] == ([53_000] if outcome == "won" else [])
    made = billing.run(refund_queries.get_refund, GetRefund(refund_id=asked.refund_id))
    how = {(each.route, each.state) for each in made.parts}
    assert how == ({("card" if outcome == "won" else "chargeback", "succeeded")} if approved else set())
    assert the_only(billing).state == outcome
    assert billing.told.count(f"chargeback.{outcome}.v1") == 1
    assert billing.balance(refund_account(asked.refund_id)) == 0
    assert billing.violations() == ()


def lost_meanwhile(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn, charge: str, amount: int | None = None
) -> None:
    """The bank has kept all of it, or *amount*, before anybody heard of a dispute."""
    opened = stripe_control.open_dispute(charge, amount_minor=amount)
    stripe_control.close_dispute(opened["id"], "lost")
    gateway = StripeGateway(StripeAccess(stand_in.api_key, stand_in.url, "test", SystemClock()))
    result = gateway.fetch({"object": "dispute", "id": opened["id"]}, "")
    billing.within(lambda uow: LEARNERS["dispute"](result, uow, NOW))


def test_a_refund_that_was_sent_before_the_dispute_was_known(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """The institution refuses it after the loss: the customer has it by the chargeback, and the loss is less by it."""
    charge = paid(billing, stripe_control)
    made = approve(billing, ask(billing, 50_000))
    lost_meanwhile(billing, stripe_control, stand_in, charge)
    assert the_only(billing).bad_debt == cny(53_000)
    for later in range(2):
        billing.do_outside(SOON + timedelta(hours=later))
    assert stripe_control.objects("refund") == []
    (part,) = billing.run(refund_queries.get_refund, GetRefund(refund_id=made.refund_id)).parts
    assert (part.route, part.state) == ("chargeback", "succeeded")
    assert (the_only(billing).bad_debt, billing.balance("E:bad_debt")) == (cny(0), 0)
    assert billing.balance(refund_account(made.refund_id)) == 0
    assert billing.rows("SELECT 1 FROM outbox WHERE type = 'refund.failed.v1'") == []
    assert billing.violations() == ()


def test_a_refund_that_the_card_sent_back_after_the_loss(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """It had succeeded, so that the customer had it twice; told five times that it came back, it has it once."""
    charge = paid(billing, stripe_control)
    made = approve(billing, ask(billing, 50_000))
    card_says(billing, made)
    lost_meanwhile(billing, stripe_control, stand_in, charge)
    assert the_only(billing).bad_debt == cny(53_000)
    for _ in range(5):
        card_says(billing, made, succeeded=False)
    (part,) = billing.run(refund_queries.get_refund, GetRefund(refund_id=made.refund_id)).parts
    assert (part.route, part.state) == ("chargeback", "succeeded")
    assert (the_only(billing).bad_debt, billing.balance("E:bad_debt")) == (cny(0), 0)
    assert billing.violations() == ()


def test_a_refund_beside_a_smaller_loss_is_owed_all_the_same(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """The chargeback was recovered from the rest of the order: what is refused of the refund waits for a person."""
    charge = paid(billing, stripe_control)
    made = approve(billing, ask(billing, 50_000))
    lost_meanwhile(billing, stripe_control, stand_in, charge, 53_000)
    assert the_only(billing).bad_debt == cny(0)
    card_says(billing, made, succeeded=False)
    (part,) = billing.run(refund_queries.get_refund, GetRefund(refund_id=made.refund_id)).parts
    assert (part.route, part.state) == ("card", "failed")
    assert billing.balance(refund_account(made.refund_id)) == 53_000
    assert billing.violations() == ()
