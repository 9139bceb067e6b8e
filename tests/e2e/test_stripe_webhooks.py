"""Webhooks that the payment institution did not send, or not now: refused over HTTP, and nothing is stored."""

import json
import time
from collections.abc import Callable

import psycopg2
import pytest
import requests

from services.shared.kernel.ids import new_id
from tests.kit.journey import Stage
from tests.kit.stripe_simulator.webhooks import signature

HOUR_S = 3_600


def body(event_id: str) -> str:
    about = {"id": f"pi_{event_id}", "object": "payment_intent"}
    kind = "payment_intent.created"
    event = {"id": event_id, "object": "event", "type": kind, "livemode": False, "data": {"object": about}}
    return json.dumps(event, indent=2)


def send(stage: Stage, text: str, signed: str | None) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Content-Type": "application/json", **({"Stripe-Signature": signed} if signed is not None else {})}
        url = f"{stage.platform.base_url}/v1/webhooks/stripe"
        return session.post(url, data=text.encode(), headers=headers, timeout=30)


def stored(stage: Stage, event_id: str) -> int:
    with psycopg2.connect(stage.platform.environment["YIQI_BILLING_DATABASE_URL"]) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM stripe_event WHERE event_id = %s", (event_id,))
        row = cursor.fetchone()
    connection.close()
    assert row is not None
    return int(row[0])


def secret(stage: Stage) -> str:
    return stage.platform.environment["YIQI_STRIPE_WEBHOOK_SECRET"]


def now() -> int:
    return int(time.time())


FORGED: dict[str, Callable[[str, str], tuple[str, str | None]]] = {
    "no signature": lambda text, _: (text, None),
    "an empty signature": lambda text, _: (text, ""),
    "nonsense": lambda text, _: (text, "t=now,v1=yes"),
    "another secret": lambda text, _: (text, signature(text, "whsec_of_somebody_else", now())),
    "an empty secret": lambda text, _: (text, signature(text, "", now())),
    "an altered body": lambda text, key: (f"{text} ", signature(text, key, now())),
    "an hour old": lambda text, key: (text, signature(text, key, now() - HOUR_S)),
    "an hour ahead": lambda text, key: (text, signature(text, key, now() + HOUR_S)),
    "a fresh time put to an old signature": lambda text, key: (
        text, f"t={now()},{signature(text, key, now() - HOUR_S).partition(',')[2]}"
    ),
    "two times": lambda text, key: (text, f"t={now()},{signature(text, key, now() - HOUR_S)}"),
    "an older scheme": lambda text, key: (text, signature(text, key, now()).replace("v1=", "v0=")),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_is_refused_and_not_stored(stage: Stage, name: str) -> None:
    """422 without a reason that would help a forger; no row, no call to the payment institution."""
    event_id = f"evt_{new_id().hex}"
    text, signed = FORGED[name](body(event_id), secret(stage))
    answer = send(stage, text, signed)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in {"billing.stripe_signature_invalid", "webhook_malformed"}
    assert stored(stage, event_id) == 0


def test_a_genuine_one_counts_once_however_often_it_is_replayed(stage: Stage) -> None:
    """Signed anew for each attempt, as the institution does, or byte for byte the same, as a thief would."""
    event_id = f"evt_{new_id().hex}"
    text = body(event_id)
    first = signature(text, secret(stage), now())
    answers = [send(stage, text, signed) for signed in (first, first, signature(text, secret(stage), now() - 60))]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert stored(stage, event_id) == 1
