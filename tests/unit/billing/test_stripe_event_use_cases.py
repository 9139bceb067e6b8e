"""Webhooks: the signature decides, the content only says what to fetch."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from structlog.testing import capture_logs

from services.billing.adapters.stripe_events import ModeMismatch, SignatureInvalid, StripeWebhooks, secrets_of
from services.billing.use_cases.stripe_event import (
    SWEEP_EVERY,
    SWEEP_TIMER,
    SWEEPS_MAX,
    UNHANDLED_AFTER,
    record_stripe_event,
    sweep_stripe_events,
)
from services.shared.kernel.actor import PUBLIC
from services.shared.messages.billing.payment import RecordStripeEvent
from tests.kit.fakes_billing import NOW, FakeBillingUnitOfWork

SECRET = "whsec_test"


class Wall:
    def __init__(self, off: timedelta = timedelta()) -> None:
        self.off = off

    def wall(self) -> datetime:
        return datetime.now(UTC) + self.off

    def monotonic(self) -> float:
        return 0.0


def body(event_id: str = "evt_1", kind: str = "payment_intent.succeeded", **about: object) -> str:
    about = about or {"id": "pi_1", "object": "payment_intent"}
    event = {"id": event_id, "object": "event", "type": kind, "livemode": False, "data": {"object": about}}
    return json.dumps(event, indent=2)


def signed(text: str, *, offset: timedelta = timedelta(), secret: str = SECRET) -> str:
    timestamp = int((datetime.now(UTC) + offset).timestamp())
    mac = hmac.new(secret.encode(), f"{timestamp}.{text}".encode(), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={mac}"


def record(uow: FakeBillingUnitOfWork, text: str, signature: str, secret: str = SECRET) -> bool:
    verify = StripeWebhooks(secrets_of(secret), Wall()).verify
    return partial(record_stripe_event, actor=PUBLIC, uow=uow, now=NOW, verify=verify)(
        RecordStripeEvent(body=text, signature=signature)
    ).seen_before


def test_stored_and_fetched_once() -> None:
    """A genuine webhook is stored as it came and asks for its intent once, however often it comes."""
    uow = FakeBillingUnitOfWork()
    text = body()
    assert [record(uow, text, signed(text)) for _ in range(3)] == [False, True, True]
    assert uow.stripe_events.held == {"evt_1": text}
    assert uow.outside == {
        "stripe_event:evt_1": (
            "fetch_stripe_object",
            {"object": "payment_intent", "id": "pi_1", "stripe_event_id": "evt_1"},
        )
    }


def test_charge_leads_to_its_intent() -> None:
    """What is said of a charge asks for the payment intent it belongs to."""
    uow = FakeBillingUnitOfWork()
    text = body("evt_2", "charge.succeeded", id="ch_1", object="charge", payment_intent="pi_7")
    record(uow, text, signed(text))
    assert [call["id"] for call in uow.calls("fetch_stripe_object")] == ["pi_7"]


def test_other_things_are_stored_only() -> None:
    """A webhook about something else is evidence and leads to nothing."""
    uow = FakeBillingUnitOfWork()
    text = body("evt_3", "customer.created", id="cus_1", object="customer")
    assert record(uow, text, signed(text)) is False
    assert "evt_3" in uow.stripe_events.held
    assert uow.stripe_events.outcomes == {"evt_3": "not_ours"}
    assert not uow.outside


@pytest.mark.parametrize(
    ("change", "offset", "secret"),
    [
        (" ", timedelta(), SECRET),
        ("", timedelta(), "whsec_of_another"),
        ("", timedelta(seconds=-400), SECRET),
        ("", timedelta(seconds=400), SECRET),
    ],
    ids=["altered body", "other secret", "old", "of the future"],
)
def test_forged_is_refused(change: str, offset: timedelta, secret: str) -> None:
    """Altered, signed by another, too old or of the future: refused, and nothing is stored."""
    uow = FakeBillingUnitOfWork()
    text = body()
    with pytest.raises(SignatureInvalid):
        record(uow, text + change, signed(text, offset=offset, secret=secret))
    assert not uow.stripe_events.held
    assert not uow.outside


@pytest.mark.parametrize("signature", ["", "nonsense", "t=,v1=", "t=abc,v1=00", "v1=00"])
def test_nonsense_is_refused(signature: str) -> None:
    """A header that is none is refused like a wrong one."""
    with pytest.raises(SignatureInvalid):
        record(FakeBillingUnitOfWork(), body(), signature)


def test_an_empty_secret_refuses_everything() -> None:
    """Where no secret is set even a signature made with the empty one does not get in."""
    text = body()
    with pytest.raises(SignatureInvalid):
        record(FakeBillingUnitOfWork(), text, signed(text, secret=""), secret="")


def test_a_near_future_time_is_clock_skew() -> None:
    """A minute ahead is another clock, not an attack."""
    uow = FakeBillingUnitOfWork()
    text = body()
    record(uow, text, signed(text, offset=timedelta(seconds=60)))
    assert "evt_1" in uow.stripe_events.held


@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_jumped_refuses_and_says_by_how_much(off: timedelta) -> None:
    """Our own clock an hour off: genuine webhooks are refused, the log says so, and the sender comes again."""
    text = body()
    with capture_logs() as told, pytest.raises(SignatureInvalid):
        StripeWebhooks([SECRET], Wall(off)).verify(text, signed(text))
    (line,) = told
    assert line["log_level"] == "warning"
    assert abs(line["ahead_s"] + off.total_seconds()) <= 2
    assert StripeWebhooks([SECRET], Wall()).verify(text, signed(text)).event_id == "evt_1"


@pytest.mark.parametrize("secret", ["whsec_old", "whsec_new"])
def test_two_secrets_while_one_is_replaced(secret: str) -> None:
    """What either signed gets in; a third does not."""
    text = body()
    uow = FakeBillingUnitOfWork()
    record(uow, text, signed(text, secret=secret), secret=" whsec_old, whsec_new,")
    assert "evt_1" in uow.stripe_events.held
    with pytest.raises(SignatureInvalid):
        record(uow, text, signed(text, secret=""), secret=" whsec_old, whsec_new,")


@pytest.mark.parametrize("live", [True, False])
def test_the_other_mode_is_refused(*, live: bool) -> None:
    """A genuine event of test mode moves nothing where we are live, and the other way round."""
    text = body().replace('"livemode": false', f'"livemode": {str(not live).lower()}')
    with pytest.raises(ModeMismatch):
        StripeWebhooks([SECRET], Wall(), live=live).verify(text, signed(text))
    own = body().replace('"livemode": false', f'"livemode": {str(live).lower()}')
    assert StripeWebhooks([SECRET], Wall(), live=live).verify(own, signed(own)).event_id == "evt_1"


def test_a_connected_accounts_payment_is_not_ours() -> None:
    """It bears the same names as ours; only the account tells."""
    uow = FakeBillingUnitOfWork()
    text = body().replace('"object": "event"', '"object": "event", "account": "acct_1"')
    record(uow, text, signed(text))
    assert uow.stripe_events.outcomes == {"evt_1": "not_ours"}
    assert not uow.outside


def test_sweeper_fetches_what_nothing_came_of_and_gives_up_loudly() -> None:
    """Each time under another key; after the last one the alarm rings once, and what was handled is left alone."""
    uow = FakeBillingUnitOfWork()
    for event_id in ("evt_1", "evt_2"):
        text = body(event_id)
        record(uow, text, signed(text))
    uow.stripe_events.handled("evt_2", "paid", NOW)
    asked = len(uow.outside)
    sweep_stripe_events("stripe", uow=uow, now=NOW + UNHANDLED_AFTER)
    assert len(uow.outside) == asked
    with capture_logs() as told:
        for turn in range(1, SWEEPS_MAX + 3):
            sweep_stripe_events("stripe", uow=uow, now=NOW + UNHANDLED_AFTER + turn * SWEEP_EVERY)
    assert [call["stripe_event_id"] for call in uow.calls("fetch_stripe_object")[asked:]] == ["evt_1"] * SWEEPS_MAX
    assert [line["stripe_event"] for line in told] == ["evt_1"]
    assert uow.timers[SWEEP_TIMER, "stripe"] > NOW
