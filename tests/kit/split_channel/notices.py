"""Notices to the platform: signed (Standard Webhooks), at least once, in no promised order, mangled by script."""

import json
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import requests
from standardwebhooks import Webhook

ACTIONS = ("duplicate", "hold", "drop", "wrong_signature", "timestamp_offset")
ATTEMPTS_MAX = 10
WRONG_SECRET = "whsec_b2Ygc29tZWJvZHkgZWxzZSBub3Qgb2YgdXMgYXQgYWxs"


@dataclass
class Notice:
    """*offset_s*: added to the time of signing. *state*: waiting, held, dropped, delivered, given_up."""

    ident: str
    body: str
    state: str = "waiting"
    due_at: float = 0
    offset_s: int = 0
    wrong: bool = False
    attempts: int = 0
    answer: int | None = None


class Notices(threading.Thread):
    """Sends what is due, one at a time."""

    def __init__(self, url: str, secret: str) -> None:
        super().__init__(name="notices", daemon=True)
        self.url = url
        self.secret = secret
        self.lock = threading.RLock()
        self.kept: list[Notice] = []
        self.scripts: list[tuple[str, int]] = []

    def tell(self, kind: str, thing: str, number: str) -> None:
        """Queue a notice, as the next script says."""
        with self.lock:
            action, value = self.scripts.pop(0) if self.scripts else ("", 0)
            ident = f"note_{len(self.kept):06d}_{int(time.time() * 1000)}"
            body = json.dumps({"id": ident, "type": kind, "about": {"kind": thing, "number": number}})
            state = {"hold": "held", "drop": "dropped"}.get(action, "waiting")
            offset_s = value if action == "timestamp_offset" else 0
            for _ in range(1 + value if action == "duplicate" else 1):
                self.kept.append(Notice(ident, body, state, 0, offset_s, action == "wrong_signature"))

    def release(self) -> int:
        """Let the held ones go, the newest first."""
        with self.lock:
            held = [each for each in self.kept if each.state == "held"]
            for place, each in enumerate(reversed(held)):
                each.state, each.due_at = "waiting", place / 1000
            return len(held)

    def headers(self, notice: Notice) -> dict[str, str]:
        at = datetime.fromtimestamp(int(time.time()) + notice.offset_s, UTC)
        signature = Webhook(WRONG_SECRET if notice.wrong else self.secret).sign(notice.ident, at, notice.body)
        return {"Content-Type": "application/json", "webhook-id": notice.ident,
                "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}  # fmt: skip

    def run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while True:
                if not self.url or not self.send_next(session):
                    time.sleep(0.02)

    def send_next(self, session: requests.Session) -> bool:
        with self.lock:
            due = [each for each in self.kept if each.state == "waiting" and each.due_at <= time.time()]
        if not due:
            return False
        notice = min(due, key=lambda each: each.due_at)
        try:
            notice.answer = session.post(
                self.url, data=notice.body.encode(), headers=self.headers(notice), timeout=10
            ).status_code
        except requests.RequestException:
            notice.answer = None
        notice.attempts += 1
        notice.due_at = time.time() + min(0.2 * 2**notice.attempts, 60)
        if notice.answer is not None and 200 <= notice.answer < 300:
            notice.state = "delivered"
        elif notice.attempts >= ATTEMPTS_MAX:
            notice.state = "given_up"
        return True
