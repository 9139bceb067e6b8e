"""The process that calls Stripe dies in the middle of a call: the next one takes it up at once, and it counts once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.billing.domain.ledger import contract
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import ORDER_ID
from tests.kit.stripe_control import StripeControl
from tests.kit.waiting import wait_until


@contextmanager
def caller(billing: Billing, failpoint: str = "") -> Iterator["subprocess.Popen[bytes]"]:
    environment = {
        **os.environ, "YIQI_BILLING_DATABASE_URL": billing.database.url, "YIQI_FAILPOINT": failpoint,
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "tests.kit.outside_caller", "billing"], env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


def statuses(billing: Billing) -> list[tuple[str, ...]]:
    return billing.rows("SELECT status FROM outside_call ORDER BY id")


@pytest.mark.parametrize("moment", ["outside_call_sent", "outside_call_done"])
def test_killed_over_a_call_it_is_taken_up_at_once(
    billing: Billing, stripe_control: StripeControl, moment: str
) -> None:
    """Before Stripe hears of it, and after it has answered: one intent, without waiting for a lease of two minutes."""
    billing.contracted()
    with caller(billing, f"{moment}:crash") as process:
        assert process.wait(timeout=30) == 137
    assert statuses(billing) == [("sent",)]
    assert stripe_control.state().objects.get("payment_intent", 0) == (moment == "outside_call_done")
    with caller(billing):
        wait_until(lambda: statuses(billing) == [("succeeded",)])
    assert billing.rows("SELECT attempts FROM outside_call") == [(2,)]
    assert stripe_control.state().objects["payment_intent"] == 1
    assert billing.rows("SELECT state FROM payment") == [("pending",)]


def test_killed_over_the_fetching_of_what_was_paid(billing: Billing, stripe_control: StripeControl) -> None:
    """M4: the webhook is stored, the process dies before anything came of it; the money is booked once."""
    billing.contracted()
    billing.do_outside()
    ((intent, secret),) = billing.rows("SELECT intent_id, client_secret FROM payment")
    stripe_control.confirm_payment(secret)
    billing.within(lambda uow: uow.call_outside("fetch_stripe_object", "k", {"object": "payment_intent", "id": intent}))
    for moment in ("outside_call_sent", "outside_call_done"):
        with caller(billing, f"{moment}:crash") as process:
            assert process.wait(timeout=30) == 137
        assert billing.balance(contract(ORDER_ID)) == 0
    with caller(billing):
        wait_until(lambda: billing.balance(contract(ORDER_ID)) == 106_000)
    assert billing.rows("SELECT count(*) FROM outbox WHERE type = 'payment.succeeded.v1'") == [(1,)]


def test_a_call_under_way_is_left_to_its_caller(billing: Billing, stripe_control: StripeControl) -> None:
    """Another process that starts meanwhile takes nothing away from one that lives."""
    billing.contracted()
    with caller(billing, "outside_call_sent:sleep=6"):
        wait_until(lambda: statuses(billing) == [("sent",)])
        with caller(billing):
            wait_until(lambda: statuses(billing) == [("succeeded",)])
    assert billing.rows("SELECT attempts FROM outside_call") == [(1,)]
    assert stripe_control.state().objects["payment_intent"] == 1
