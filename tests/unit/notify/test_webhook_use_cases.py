"""Registering endpoints, and sending one thing after the other."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify.domain.feed import OPERATOR_VIEW
from services.notify.domain.webhook_address import WebhookAddressRefused
from services.notify.use_cases.feed import append
from services.notify.use_cases.webhook_endpoint import (
    DELIVER_WEBHOOK,
    RETRY_WEBHOOKS,
    SEND_WEBHOOKS,
    TypeUnknown,
    disable_webhook_endpoint,
    record_answer,
    register_webhook_endpoint,
    send_again,
    send_new,
)
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.messages.notify.webhook_endpoint import (
    DisableWebhookEndpoint,
    RegisterWebhookEndpoint,
    WebhookEndpointDisabled,
    WebhookEndpointView,
)
from tests.kit.fakes_invoicing import (
    CATALOGUE_OPERATOR,
    CUSTOMER_FINANCE,
    CUSTOMER_ID,
    FINANCE_OPERATOR,
    NOW,
    PROVIDER_FINANCE,
    REQUESTER,
    TECHNICIAN,
)
from tests.kit.fakes_notify import CUSTOMER_VIEW, FakeNotify, an_endpoint
from tests.kit.notify_events import an_event

ENDPOINT = an_endpoint().webhook_endpoint_id
OK = {"status": 200, "problem": "", "retry_after_s": 0}
DOWN = {"status": None, "problem": "TimeoutError", "retry_after_s": 0}


def register(uow: FakeNotify, actor: Actor = CUSTOMER_FINANCE, **changes: Any) -> WebhookEndpointView:
    command = RegisterWebhookEndpoint(**{"url": "https://erp.example.org/hook", **changes})
    return register_webhook_endpoint(command, actor=actor, uow=uow, now=NOW, allow_insecure=False)


def test_the_secret_is_shown_once() -> None:
    """It is in the answer to the registration and in no later view."""
    uow = FakeNotify()
    view = register(uow, types=("io.yiqi.invoice.issued.v1", "invoice.issued.v1"))
    assert view.secret is not None
    assert view.types == ("invoice.issued.v1",)
    stored = uow.webhook_endpoints.rows[view.webhook_endpoint_id]
    assert (stored.secret, stored.view, stored.organisation_id) == (view.secret, CUSTOMER_VIEW, CUSTOMER_ID)
    gone = DisableWebhookEndpoint(webhook_endpoint_id=view.webhook_endpoint_id)
    assert disable_webhook_endpoint(gone, actor=CUSTOMER_FINANCE, uow=uow, now=NOW).secret is None


def test_the_operating_company_gets_the_ledgers_view() -> None:
    uow = FakeNotify()
    view = register(uow, FINANCE_OPERATOR)
    assert uow.webhook_endpoints.rows[view.webhook_endpoint_id].view == OPERATOR_VIEW


@pytest.mark.parametrize("actor", [REQUESTER, TECHNICIAN, CATALOGUE_OPERATOR])
def test_endpoints_are_for_finance(actor: Actor) -> None:
    with pytest.raises(NotAllowed):
        register(FakeNotify(), actor)


def test_bad_addresses_and_types_are_refused() -> None:
    with pytest.raises(WebhookAddressRefused):
        register(FakeNotify(), url="https://169.254.169.254/")
    with pytest.raises(TypeUnknown):
        register(FakeNotify(), types=("invoice.issude.v1",))


def test_anothers_endpoint_does_not_exist() -> None:
    uow = sending(0)
    with pytest.raises(NotFound):
        disable_webhook_endpoint(
            DisableWebhookEndpoint(webhook_endpoint_id=ENDPOINT), actor=PROVIDER_FINANCE, uow=uow, now=NOW
        )
    assert uow.webhook_endpoints.rows[ENDPOINT].state == "enabled"


def sending(count: int, **changes: Any) -> FakeNotify:
    """An endpoint with *count* entries to be sent, the first of them on its way."""
    uow = FakeNotify()
    uow.webhook_endpoints.add(an_endpoint(**changes))
    for _ in range(count):
        append(an_event("order.released.v1"), uow=uow.as_event(), now=NOW)
    send_new(str(ENDPOINT), uow=uow, now=NOW)
    return uow


def asked(uow: FakeNotify) -> list[tuple[int, int]]:
    """Sequence and attempt of what was asked to be sent, in order."""
    found = []
    for key, (kind, payload) in uow.calls.items():
        assert kind == DELIVER_WEBHOOK
        found.append((uow.webhook_deliveries.rows[UUID(payload["delivery_id"])].sequence, int(key.rpartition(":")[2])))
    return found


def answer(uow: FakeNotify, outcome: dict[str, Any], now: datetime = NOW) -> None:
    """The last call that was made comes to *outcome*."""
    record_answer(list(uow.calls.values())[-1][1], outcome, uow=uow, now=now)


def test_one_after_the_other_in_the_order_of_the_view() -> None:
    """The next goes when the one before has arrived, and not before; timers in between change nothing."""
    uow = sending(3)
    for _ in range(3):
        send_new(str(ENDPOINT), uow=uow, now=NOW)
        send_again(str(ENDPOINT), uow=uow, now=NOW)
    assert asked(uow) == [(1, 1)]
    for _ in range(3):
        answer(uow, OK)
    assert asked(uow) == [(1, 1), (2, 1), (3, 1)]
    assert {row.state for row in uow.webhook_deliveries.rows.values()} == {"succeeded"}
    assert uow.webhook_endpoints.rows[ENDPOINT].in_flight is None


def test_a_first_failure_is_tried_again_before_the_next() -> None:
    """A hiccup keeps the order: five seconds are waited for."""
    uow = sending(2)
    answer(uow, DOWN)
    due = uow.timers[RETRY_WEBHOOKS, str(ENDPOINT)]
    assert NOW + timedelta(seconds=5) <= due <= NOW + timedelta(seconds=6)
    send_new(str(ENDPOINT), uow=uow, now=NOW + timedelta(seconds=1))
    assert asked(uow) == [(1, 1)]
    send_again(str(ENDPOINT), uow=uow, now=due)
    answer(uow, OK, due)
    assert asked(uow) == [(1, 1), (1, 2), (2, 1)]


def test_one_failure_holds_later_ones_back_a_minute_at_most() -> None:
    """What fails twice waits five minutes for its third try; the next goes meanwhile."""
    uow, now = sending(2), NOW
    for _ in range(2):
        answer(uow, DOWN, now)
        now = uow.timers[RETRY_WEBHOOKS, str(ENDPOINT)]
        send_again(str(ENDPOINT), uow=uow, now=now)
    assert asked(uow) == [(1, 1), (1, 2), (2, 1)]
    assert now <= NOW + timedelta(seconds=60)
    answer(uow, OK, now)
    due = uow.timers[RETRY_WEBHOOKS, str(ENDPOINT)]
    assert due > now + timedelta(seconds=200)
    send_again(str(ENDPOINT), uow=uow, now=due)
    assert asked(uow)[-1] == (1, 3)


def test_a_timer_does_not_wait_for_whoever_holds_the_endpoint() -> None:
    """It comes back a second later, or two transactions would wait for each other."""
    uow = FakeNotify()
    uow.webhook_endpoints.add(an_endpoint())
    uow.webhook_endpoints.held.add(ENDPOINT)
    send_new(str(ENDPOINT), uow=uow, now=NOW)
    assert uow.timers == {(SEND_WEBHOOKS, str(ENDPOINT)): NOW + timedelta(seconds=1)}


def test_410_disables_the_endpoint() -> None:
    """Everything that waits is given up: it can still be pulled."""
    uow = sending(3)
    answer(uow, {"status": 410, "problem": "answered 410", "retry_after_s": 0})
    assert uow.webhook_endpoints.rows[ENDPOINT].state == "disabled"
    assert {row.state for row in uow.webhook_deliveries.rows.values()} == {"failed"}
    assert [type(event) for event in uow.published] == [WebhookEndpointDisabled]
    send_new(str(ENDPOINT), uow=uow, now=NOW)
    assert asked(uow) == [(1, 1)]


def test_three_days_without_one_success_disable_the_endpoint() -> None:
    uow, now = sending(1), NOW
    for attempt in range(1, 11):
        assert asked(uow)[-1] == (1, attempt)
        answer(uow, DOWN, now)
        if attempt < 10:
            now = uow.timers[RETRY_WEBHOOKS, str(ENDPOINT)]
            send_again(str(ENDPOINT), uow=uow, now=now)
    assert now - NOW > timedelta(days=3)
    endpoint = uow.webhook_endpoints.rows[ENDPOINT]
    assert (endpoint.state, endpoint.problem) == ("disabled", "failed too often: TimeoutError")


def test_an_answer_that_comes_after_disabling_changes_nothing() -> None:
    uow = sending(1)
    gone = DisableWebhookEndpoint(webhook_endpoint_id=ENDPOINT)
    disable_webhook_endpoint(gone, actor=CUSTOMER_FINANCE, uow=uow, now=NOW)
    answer(uow, OK)
    assert {row.state for row in uow.webhook_deliveries.rows.values()} == {"failed"}
