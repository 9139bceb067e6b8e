"""
Deliveries of events to the platform's webhook address: signed as Stripe signs, retried, and mangled by script.

Delivery is at least once and in no promised order; one sender thread works from the `delivery` table, so what was not
answered before a crash is sent after it.
"""

import hashlib
import hmac
import json
import threading
import time
from fnmatch import fnmatchcase

import requests

from tests.kit.stripe_simulator.books import Books, Obj
from tests.kit.stripe_simulator.config import Config
from tests.kit.stripe_simulator.store import Store

ACTIONS = ("duplicate", "hold", "delay", "drop", "wrong_signature", "timestamp_offset")
RETRY_S_MAX = 60.0


def queue(books: Books, event: Obj) -> None:
    """
    Queue the deliveries of an event, as the first script whose type pattern matches says.

    The value of a script: copies beside the first for `duplicate`, seconds for `delay`, seconds added to the
    signature's timestamp for `timestamp_offset` (negative is old). `hold` keeps deliveries until they are released.
    """
    if not books.config.webhook_url:
        return
    action, value = scripted(books, event["type"])
    due_at = time.time() + (value if action == "delay" else 0)
    status = {"hold": "held", "drop": "dropped"}.get(action, "waiting")
    offset_s = int(value) if action == "timestamp_offset" else 0
    for _ in range(1 + int(value) if action == "duplicate" else 1):
        books.connection.execute(
            "INSERT INTO delivery(event_id, type, payload, status, due_at, wrong_signature, timestamp_offset_s)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                event["id"],
                event["type"],
                json.dumps(event, indent=2),
                status,
                due_at,
                action == "wrong_signature",
                offset_s,
            ),
        )


def scripted(books: Books, event_type: str) -> tuple[str, float]:
    rows = books.connection.execute(
        "SELECT id, type, action, value FROM webhook_script WHERE remaining > 0 ORDER BY id"
    )
    for ident, pattern, action, value in rows.fetchall():
        if fnmatchcase(event_type, pattern):
            books.connection.execute("UPDATE webhook_script SET remaining = remaining - 1 WHERE id = ?", (ident,))
            return str(action), float(value)
    return "", 0.0


def release(books: Books, *, reverse: bool) -> int:
    """Let the held deliveries go, oldest first or newest first; returns how many."""
    rows = books.connection.execute(
        f"SELECT id FROM delivery WHERE status = 'held' ORDER BY id {'DESC' if reverse else 'ASC'}"
    )
    held = [ident for (ident,) in rows]
    start = time.time()
    for place, ident in enumerate(held):
        # The sender takes what is due longest, so the due times carry the order.
        due_at = start - 1 + place / max(len(held), 1)
        books.connection.execute("UPDATE delivery SET status = 'waiting', due_at = ? WHERE id = ?", (due_at, ident))
    return len(held)


def send_again(books: Books, event_id: str) -> bool:
    """One more delivery of an event, whatever became of the first, as `stripe events resend` does."""
    event = books.get("event", event_id)
    books.connection.execute(
        "INSERT INTO delivery(event_id, type, payload, status, due_at) VALUES (?, ?, ?, 'waiting', ?)",
        (event["id"], event["type"], json.dumps(event, indent=2), time.time()),
    )
    return True


def signature(payload: str, secret: str, timestamp: int) -> str:
    mac = hmac.new(secret.encode(), f"{timestamp}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={mac}"


class Sender(threading.Thread):
    """Sends what is due, one at a time; a delivery that is not answered 2xx comes back later with a growing pause."""

    def __init__(self, store: Store, config: Config) -> None:
        super().__init__(name="webhooks", daemon=True)
        self.store = store
        self.config = config

    def run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False  # a proxy set for the outside world must not see loopback traffic
            while True:
                if not self.send_next(session):
                    self.store.changed.wait(0.05)
                    self.store.changed.clear()

    def send_next(self, session: requests.Session) -> bool:
        with self.store.sending:
            return self.send_due(session)

    def send_due(self, session: requests.Session) -> bool:
        rows = self.store.read(
            "SELECT id, payload, attempts, wrong_signature, timestamp_offset_s FROM delivery"
            " WHERE status = 'waiting' AND due_at <= ? ORDER BY due_at, id LIMIT 1",
            (time.time(),),
        )
        if not rows:
            return False
        ident, payload, attempts, wrong, offset_s = rows[0]
        answer = self.post(session, payload, wrong_signature=bool(wrong), offset_s=offset_s)
        attempts += 1
        pause_s = min(self.config.webhook_retry_s * 2 ** (attempts - 1), RETRY_S_MAX)
        status = "waiting" if attempts < self.config.webhook_attempts_max else "given_up"
        if answer is not None and 200 <= answer < 300:
            status = "delivered"
        self.store.write(
            "UPDATE delivery SET status = ?, attempts = ?, last_status = ?, due_at = ? WHERE id = ?",
            (status, attempts, answer, time.time() + pause_s, ident),
        )
        return True

    def post(self, session: requests.Session, payload: str, *, wrong_signature: bool, offset_s: int) -> int | None:
        secret = "whsec_of_somebody_else" if wrong_signature else self.config.webhook_secret
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, secret, int(time.time()) + offset_s),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            response = session.post(
                self.config.webhook_url,
                data=payload.encode(),
                headers=headers,
                timeout=self.config.webhook_timeout_s,
                allow_redirects=False,
            )
        except requests.RequestException:
            return None
        return response.status_code
