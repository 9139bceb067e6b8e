"""Stripe's books beside ours: what is lost, made by hand, changed or too much on either side is found (M3)."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import stripe

from services.billing.adapters import reconciliation_queries
from services.billing.domain import ledger
from services.billing.use_cases import reconciliation
from services.billing.use_cases.ledger import post_transaction, reverse_transaction
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.times import business_date
from services.shared.messages.base import Query
from services.shared.messages.billing.reconciliation import (
    GetReconciliation,
    ListReconciliationItems,
    ListReconciliations,
    ReconciliationItem,
    ReconciliationItemPage,
    ReconciliationPage,
    ReconciliationView,
    StartReconciliation,
)
from services.shared.messages.billing.refund import RefundView
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, ask, card_says
from tests.integration.billing.test_stripe_chargeback import paid
from tests.kit.fakes_billing import DISPUTE_OPERATOR, FINANCE, NOW, REQUESTER, cny
from tests.kit.real_service import together
from tests.kit.stripe_control import FaultKind, StripeControl, StripeStandIn
from tests.kit.stripe_sdk import charge_of, pay, sdk

pytestmark = pytest.mark.usefixtures("stripe_control")

# The stand-in books by the machine's clock.
TOMORROW = datetime.now(UTC) + timedelta(days=1)
AGE = timedelta(days=3)


@pytest.fixture
def client(stand_in: StripeStandIn) -> Iterator[stripe.StripeClient]:
    with sdk(stand_in.url, stand_in.api_key) as made:
        yield made


def start(billing: Billing, day: date | None = None, now: datetime = TOMORROW, **how: object) -> ReconciliationView:
    command = StartReconciliation.model_validate({"source": "stripe", "day": day or business_date(now), **how})
    return billing.within(
        lambda uow: reconciliation.start_reconciliation(
            command, actor=FINANCE, uow=uow, now=now, overdue_after=AGE
        ),
        now,
    )  # fmt: skip


def reconcile(billing: Billing, now: datetime = TOMORROW, **how: object) -> ReconciliationView:
    """A run to its end, as it stands then."""
    run = start(billing, now=now, **how)  # type: ignore[arg-type]
    billing.do_outside(now)
    return the_run(billing, run.run_id)


def the_run(billing: Billing, run_id: UUID) -> ReconciliationView:
    page: ReconciliationPage = billing.run(reconciliation_queries.list_reconciliations, ListReconciliations())
    return next(each for each in page.items if each.run_id == run_id)


def items(billing: Billing, run: ReconciliationView) -> list[ReconciliationItem]:
    page: ReconciliationItemPage = billing.run(
        reconciliation_queries.list_reconciliation_items, ListReconciliationItems(run_id=run.run_id), now=TOMORROW
    )
    return list(page.items)


def states(billing: Billing, run: ReconciliationView) -> list[tuple[str, str, int | None, int | None]]:
    return [(each.kind, each.state, each.ours, each.theirs) for each in items(billing, run)]


def test_all_that_is_known_on_both_sides_is_in_order(billing: Billing, stripe_control: StripeControl) -> None:
    """Charge and fee, a chargeback with its fee, won: nothing is left over, and both balances are the same."""
    charge = paid(billing, stripe_control)
    dispute = stripe_control.open_dispute(charge)
    facts = {"object": "dispute", "id": dispute["id"]}
    billing.within(lambda uow: uow.call_outside("fetch_stripe_object", "a", facts))
    billing.do_outside()
    stripe_control.close_dispute(dispute["id"], "won")
    billing.within(lambda uow: uow.call_outside("fetch_stripe_object", "b", facts))
    billing.do_outside()
    run = reconcile(billing)
    assert states(billing, run) == []
    assert (run.state, run.matched, run.overdue) == ("done", 3, 0)
    ((balance),) = run.balances
    assert (balance.theirs, balance.ours) == (106_000 - 674 - 1_500, 106_000 - 674 - 1_500)
    assert billing.violations() == ()


def test_a_webhook_lost_for_ever_is_found_and_the_janitor_makes_it_good(
    billing: Billing, stripe_control: StripeControl
) -> None:
    """M3: paid and told to nobody; a run says so, the janitor asks and books, the next run has it in order."""
    billing.contracted()
    billing.do_outside()
    ((secret,),) = billing.rows("SELECT client_secret FROM payment")
    stripe_control.confirm_payment(secret)
    lost = reconcile(billing)
    assert states(billing, lost) == [("movement", "theirs_only", None, 106_000 - 674)]
    assert billing.balance(ledger.PSP) == 0, "a run mends nothing"
    billing.run_timers(NOW + timedelta(minutes=2))
    billing.do_outside(NOW + timedelta(minutes=2))
    found = reconcile(billing, TOMORROW + timedelta(days=1))
    assert (states(billing, found), found.matched) == ([], 1)
    assert len(items(billing, lost)) == 1, "what a run found stays with it"
    assert billing.rows("SELECT count(*) FROM reconciliation_item WHERE resolved_at IS NULL") == [(0,)]


def test_a_charge_that_we_know_nothing_of(billing: Billing, client: stripe.StripeClient) -> None:
    charge = charge_of(pay(client, 5_000))
    run = reconcile(billing)
    (item,) = items(billing, run)
    assert (item.state, item.ours, item.detail) == ("theirs_only", None, f"charge {charge}")


def test_a_refund_made_by_hand_at_stripe(
    billing: Billing, stripe_control: StripeControl, client: stripe.StripeClient
) -> None:
    charge = paid(billing, stripe_control)
    refund = client.v1.refunds.create({"charge": charge, "amount": 1_000})
    run = reconcile(billing)
    (item,) = items(billing, run)
    assert (item.state, item.theirs, item.detail) == ("theirs_only", -1_000, f"refund {refund.id}")
    assert (run.balances[0].theirs, run.balances[0].ours) == (106_000 - 674 - 1_000, 106_000 - 674)


def test_a_fee_that_changed_afterwards(billing: Billing, stripe_control: StripeControl) -> None:
    """Found in the days behind the newest movement that are asked for again, and anywhere when all is asked for."""
    paid(billing, stripe_control)
    assert reconcile(billing).matched == 1
    (booked,) = stripe_control.objects("balance_transaction")
    stripe_control.change_fee(booked["id"], 700)
    run = reconcile(billing)
    assert states(billing, run) == [("movement", "amount_differs", 106_000 - 674, 106_000 - 700)]
    stripe_control.change_fee(booked["id"], 674)
    assert states(billing, reconcile(billing, since_ever=True)) == []


def test_an_entry_too_many_in_ours(billing: Billing, stripe_control: StripeControl) -> None:
    """Booked once more than Stripe knows; its reversal puts both sides in order, the item goes with the next run."""
    paid(billing, stripe_control)
    account = ledger.customer_credit(derived_id("organisation", "customer"))
    entries = ledger.entries(("D", ledger.PSP, cny(500)), ("C", account, cny(500)))
    billing.within(
        lambda uow: post_transaction(
            uow, key="stripe:ch_nobody", kind="surplus_card", entries=entries, effective_at=NOW, now=NOW
        )
    )
    run = reconcile(billing)
    (item,) = items(billing, run)
    assert (item.state, item.ours, item.theirs) == ("ours_only", 500, None)
    assert (item.reference, item.overdue, run.overdue) == ("stripe:ch_nobody", True, 1)
    assert any(each.startswith("I9") for each in billing.violations())
    transaction_id = derived_id("ledger_tx", "stripe:ch_nobody")
    billing.within(lambda uow: reverse_transaction(uow, transaction_id, effective_at=NOW, now=NOW))
    assert states(billing, reconcile(billing)) == []
    assert billing.violations() == ()


def test_what_stripe_lists_is_kept_once(billing: Billing, client: stripe.StripeClient) -> None:
    """As movements, and not as the answer to the call too, which nobody reads again."""
    pay(client, 5_000)
    assert reconcile(billing).theirs_only == 1
    assert billing.rows("SELECT status, outcome FROM outside_call WHERE kind = 'list_stripe_movements'") == [
        ("succeeded", {})
    ]
    assert billing.rows("SELECT count(*) FROM stripe_movement") == [(1,)]


def test_an_item_keeps_when_it_was_first_seen(billing: Billing, client: stripe.StripeClient) -> None:
    """Over runs, also over one of an earlier day that does not see it; the old run stays as it was."""
    pay(client, 5_000)
    first = reconcile(billing, TOMORROW)
    earlier = reconcile(billing, TOMORROW + timedelta(days=1), day=business_date(NOW) - timedelta(days=30))
    third = reconcile(billing, TOMORROW + timedelta(days=5))
    (seen,), (carried,) = items(billing, first), items(billing, third)
    assert items(billing, earlier) == []
    assert (carried.item_id, carried.first_seen_at) == (seen.item_id, seen.first_seen_at)
    assert (seen.overdue, carried.overdue, carried.age_days) == (False, True, 5)
    assert first.run_id != third.run_id


def test_runs_at_once_find_the_same(billing: Billing, client: stripe.StripeClient) -> None:
    """Five runs of one day, their calls made by five callers: each is whole, and an item is one item."""
    pay(client, 5_000)
    runs = [start(billing) for _ in range(5)]
    together([lambda: billing.do_outside(TOMORROW)] * 5)
    found = [items(billing, run) for run in runs]
    assert [len(each) for each in found] == [1] * 5
    assert len({each[0].item_id for each in found}) == 1
    assert {the_run(billing, run.run_id).state for run in runs} == {"done"}


@pytest.mark.parametrize("fault", ["timeout_before_effect", "timeout_after_effect", "error_after_effect", "rate_limit"])
def test_a_list_that_breaks_off_is_asked_again(
    billing: Billing, stripe_control: StripeControl, client: stripe.StripeClient, fault: FaultKind
) -> None:
    pay(client, 5_000)
    run = start(billing)
    stripe_control.fail_next(fault, method="GET", path="/v1/balance*")
    billing.do_outside(TOMORROW)
    assert the_run(billing, run.run_id).state == "running"
    billing.do_outside(TOMORROW + timedelta(hours=1))
    assert the_run(billing, run.run_id).theirs_only == 1


def test_what_stripe_states_and_does_not_list(billing: Billing, stripe_control: StripeControl) -> None:
    """I9: a list that is not whole does not make the balance that is stated; it grows old as other items do."""

    def misses_all(now: datetime) -> ReconciliationItem:
        run = start(billing, now=now)
        billing.database.change("UPDATE outside_call SET payload = jsonb_set(payload::jsonb, '{since}', '4000000000')"
                                " WHERE status = 'ready'")  # fmt: skip
        billing.do_outside(now)
        assert ("balance", "amount_differs", 0, 106_000 - 674) in states(billing, the_run(billing, run.run_id))
        (found,) = [item for item in items(billing, run) if item.kind == "balance"]
        return found

    paid(billing, stripe_control)
    reconcile(billing)
    billing.database.change("DELETE FROM stripe_movement")
    first, later = misses_all(TOMORROW), misses_all(TOMORROW + timedelta(days=5))
    assert (first.overdue, later.overdue, later.age_days) == (False, True, 5)
    assert later.first_seen_at == first.first_seen_at


def test_only_finance_sees_it(billing: Billing) -> None:
    run = reconcile(billing)
    queries: list[tuple[Callable[..., Any], Query]] = [
        (reconciliation_queries.list_reconciliations, ListReconciliations()),
        (reconciliation_queries.get_reconciliation, GetReconciliation(run_id=run.run_id)),
        (reconciliation_queries.list_reconciliation_items, ListReconciliationItems(run_id=run.run_id)),
    ]
    for query, wanted in queries:
        with pytest.raises(NotAllowed):
            billing.run(query, wanted, actor=DISPUTE_OPERATOR)
        with pytest.raises(NotFound):
            billing.run(query, wanted, actor=REQUESTER)


def test_what_is_old_is_told_once_a_day(billing: Billing, client: stripe.StripeClient) -> None:
    """The timer of every day compares all sources; an hour later the alarm; nothing where nothing is old."""
    pay(client, 5_000)
    billing.within(lambda uow: uow.set_timer(reconciliation.DAILY_TIMER, "daily", TOMORROW))
    for day, told in ((0, 0), (1, 0), (5, 1), (6, 2)):
        now = TOMORROW + timedelta(days=day)
        billing.run_timers(now)
        billing.do_outside(now)
        billing.run_timers(now + timedelta(hours=2))
        ((events,),) = billing.rows("SELECT count(*) FROM outbox WHERE type = 'reconciliation.overdue.v1'")
        assert events == told, day


def test_a_refund_of_ours_and_its_failure(
    billing: Billing, stripe_control: StripeControl, client: stripe.StripeClient
) -> None:
    """Found by what we wrote on it, whichever of its movements; what is not booked yet shows until it is."""
    charge = paid(billing, stripe_control)
    made = client.v1.refunds.create(
        {"charge": charge, "amount": 1_000, "metadata": {"refund_id": f"{UUID(int=1)}/{UUID(int=2)}"}}
    )
    entries = ledger.entries(("D", ledger.PSP_FEE, cny(1_000)), ("C", ledger.PSP, cny(1_000)))
    billing.within(
        lambda uow: post_transaction(
            uow, key=f"refund:{UUID(int=1)}:paid:{UUID(int=2)}:card", kind="refund_paid", entries=entries,
            effective_at=NOW, now=NOW,
        )
    )  # fmt: skip
    assert states(billing, reconcile(billing)) == []
    stripe_control.settle_refund(made.id, "failed")
    assert states(billing, reconcile(billing)) == [("movement", "theirs_only", None, 1_000)]
    back = ledger.mirrored(entries)
    billing.within(
        lambda uow: post_transaction(
            uow, key=f"refund:{UUID(int=1)}:returned:{UUID(int=2)}", kind="refund_returned", entries=back,
            effective_at=NOW, now=NOW,
        )
    )  # fmt: skip
    run = reconcile(billing)
    assert (states(billing, run), run.matched) == ([], 3)


@pytest.fixture
def pending(billing: Billing, stripe_control: StripeControl) -> tuple[RefundView, str]:
    """A refund of ours that the institution has taken and the card's bank has not: 530.00. And its name there."""
    billing.contracted()
    billing.do_outside()
    ((secret,),) = billing.rows("SELECT client_secret FROM payment")
    stripe_control.confirm_payment(secret, "pm_card_pendingRefund")
    billing.run_timers(NOW + timedelta(minutes=2))
    billing.do_outside(NOW + timedelta(minutes=2))
    made = approve(billing, ask(billing, 50_000))
    billing.do_outside(NOW + timedelta(minutes=2))
    (at_stripe,) = stripe_control.objects("refund")
    return made, at_stripe["id"]


def test_a_refund_that_was_pending_and_failed(
    billing: Billing, stripe_control: StripeControl, pending: tuple[RefundView, str]
) -> None:
    """It moved there and back and was never booked: each alone shows, both together are in order, and stay so."""
    made, name = pending
    run = reconcile(billing)
    assert states(billing, run) == [("movement", "theirs_only", None, -53_000)]
    stripe_control.settle_refund(name, "failed")
    card_says(billing, made, succeeded=False)
    run = reconcile(billing, TOMORROW + timedelta(days=5))
    assert (states(billing, run), run.matched, run.overdue) == ([], 3, 0)
    assert run.balances[0].theirs == run.balances[0].ours
    assert billing.rows("SELECT count(*) FROM reconciliation_item WHERE resolved_at IS NULL") == [(0,)]
    assert billing.violations() == ()


@pytest.mark.parametrize("what", ["paid", "returned"])
def test_one_side_of_it_is_booked(
    billing: Billing, stripe_control: StripeControl, pending: tuple[RefundView, str], what: str
) -> None:
    """By mistake, or because the other side was lost: what is not booked of it shows."""
    made, name = pending
    stripe_control.settle_refund(name, "failed")
    entries = ledger.entries(("D", ledger.PSP_FEE, cny(53_000)), ("C", ledger.PSP, cny(53_000)))
    key = f"refund:{made.refund_id}:{what}:{made.parts[0].payment_id}" + (":card" if what == "paid" else "")
    billing.within(
        lambda uow: post_transaction(
            uow, key=key, kind="refund_paid", entries=entries if what == "paid" else ledger.mirrored(entries),
            effective_at=NOW, now=NOW,
        )
    )  # fmt: skip
    shown = 53_000 if what == "paid" else -53_000
    assert states(billing, reconcile(billing)) == [("movement", "theirs_only", None, shown)]


def test_what_only_looks_like_it(
    billing: Billing, stripe_control: StripeControl, client: stripe.StripeClient, pending: tuple[RefundView, str]
) -> None:
    """Made there by hand, named like ours or not at all, or given back less: nobody but a person knows what it is."""
    _, name = pending
    charge = client.v1.refunds.retrieve(name).charge
    for metadata in ({}, {"refund_id": f"{UUID(int=1)}/{UUID(int=2)}"}):
        by_hand = client.v1.refunds.create({"charge": str(charge), "amount": 1_000, "metadata": metadata})
        stripe_control.settle_refund(by_hand.id, "failed")
    stripe_control.settle_refund(name, "failed")
    (failure,) = (
        each for each in stripe_control.objects("balance_transaction")
        if (each["source"], each["type"]) == (name, "refund_failure")
    )  # fmt: skip
    stripe_control.change_fee(failure["id"], 1)
    found = sorted(theirs or 0 for *_, theirs in states(billing, reconcile(billing)))
    assert found == [-53_000, -1_000, -1_000, 1_000, 1_000, 52_999]
