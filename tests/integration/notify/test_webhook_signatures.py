"""What we send can be told from what somebody else sends in our name, by the standard's own library."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from standardwebhooks import Webhook, WebhookVerificationError

from services.notify.domain.webhook_endpoint import new_secret
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.definition import Work
from tests.integration.notify.database import happen, later, register, run_all
from tests.integration.notify.receiver import Receiver
from tests.kit.platform import ServiceDatabase

Came = tuple[bytes, dict[str, str]]


def _with(came: Came, **changed: str) -> Came:
    return came[0], {**came[1], **{f"webhook-{name}": value for name, value in changed.items()}}


def _at(came: Came, off: timedelta) -> str:
    return str(int(came[1]["webhook-timestamp"]) + int(off.total_seconds()))


FORGED: dict[str, Callable[[Came], Came]] = {
    "an altered body": lambda came: (came[0] + b" ", came[1]),
    "no signature": lambda came: _with(came, signature=""),
    "another signature": lambda came: _with(came, signature="v1," + base64.b64encode(b"x" * 32).decode()),
    "another id": lambda came: _with(came, id="msg_1"),
    "an old time": lambda came: _with(came, timestamp=_at(came, -timedelta(hours=1))),
    "a time ahead": lambda came: _with(came, timestamp=_at(came, timedelta(hours=1))),
    "a time that is near": lambda came: _with(came, timestamp=_at(came, timedelta(seconds=1))),
}


def test_nothing_of_a_delivery_can_be_changed(engine: Engine, work: Work, receiver: Receiver) -> None:
    """Body, id and time are under the signature; one endpoint's secret says nothing about another's."""
    register(engine, receiver)
    happen(engine, "order.placed.v1")
    run_all(engine, work)
    (came,) = receiver.came
    assert len(receiver.verified) == 1
    verifying = Webhook(receiver.secret)
    assert [name for name, forge in FORGED.items() if _is_good(verifying, forge(came))] == []
    assert not _is_good(Webhook(new_secret()), came)
    assert _is_good(verifying, came)


def _is_good(verifying: Webhook, came: Came) -> bool:
    try:
        verifying.verify(*came)
    except WebhookVerificationError:
        return False
    return True


@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_jumped_delays_and_loses_nothing(
    engine: Engine, made: ServiceDatabase, work: Work, receiver: Receiver, monkeypatch: pytest.MonkeyPatch,
    off: timedelta,
) -> None:  # fmt: skip
    """An hour off, our deliveries are refused as old or early; signed anew by the right clock they arrive, once."""
    register(engine, receiver)
    happen(engine, "order.placed.v1")
    with monkeypatch.context() as jumped:
        jumped.setattr(SystemClock, "wall", lambda _: datetime.now(UTC) + off)
        later(made, -off)  # business time is what the jump must not change here
        run_all(engine, work)
    assert (len(receiver.came), receiver.verified) == (1, [])
    later(made, off + timedelta(seconds=10))
    run_all(engine, work)
    assert (len(receiver.came), len(receiver.verified)) == (2, 1)
    assert receiver.came[0][1]["webhook-id"] == receiver.came[1][1]["webhook-id"]
