"""
The client of the Stripe stand-in's control interface, and the way to start one, for tests and the demonstration.

Amounts are minor units of the charge's currency; times are seconds.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import requests

FaultKind = Literal[
    "timeout_before_effect",
    "timeout_after_effect",
    "conflict",
    "rate_limit",
    "error_before_effect",
    "error_after_effect",
    "delay",
]
WebhookAction = Literal["duplicate", "hold", "delay", "drop", "wrong_signature", "timestamp_offset"]
CALL_TIMEOUT_S = 10


class ControlRefused(RuntimeError):
    """The stand-in did not do what it was told: its status and words are in the text."""


@dataclass(frozen=True)
class State:
    """
    What the stand-in holds: the oracle of tests ("exactly one charge").

    Args:
        now: The stand-in's clock, Unix seconds.
        objects: Number of objects by type, `{"charge": 1}`.
        statuses: Number of objects by type and status, `{"charge": {"succeeded": 1}}`.
        events: Number of events by type.
        deliveries: Webhook deliveries by state: waiting, held, dropped, delivered, given_up.
        deliveries_due_s: Until the next waiting delivery is tried; None when none waits.
    """

    now: int
    objects: dict[str, int]
    statuses: dict[str, dict[str, int]]
    events: dict[str, int]
    deliveries: dict[str, int]
    deliveries_due_s: float | None
    idempotency_keys: int
    faults_left: int
    webhook_scripts_left: int


@dataclass
class StripeControl:
    """
    Args:
        url: Base address of the stand-in, without a slash at the end.
    """

    url: str
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        self._session.trust_env = False  # a proxy of the environment has no business with loopback

    def close(self) -> None:
        self._session.close()

    def _post(self, path: str, /, **body: Any) -> dict[str, Any]:
        given = {name: value for name, value in body.items() if value is not None}
        response = self._session.post(f"{self.url}/_control/{path}", json=given, timeout=CALL_TIMEOUT_S)
        if response.status_code != 200:
            raise ControlRefused(f"{path}: {response.status_code} {response.text}")
        answer: dict[str, Any] = response.json()
        return answer

    def fail_next(
        self,
        kind: FaultKind,
        *,
        method: str = "POST",
        path: str = "*",
        count: int = 1,
        delay_s: float = 0,
        hold_s: float = 0,
    ) -> None:
        """
        What happens to the next *count* requests that match; replays of an idempotency key match too.

        Args:
            method: An HTTP method, or `*`.
            path: A shell pattern over the whole path, as `/v1/payment_intents/*/confirm`.
            delay_s: Waited before the work, while the idempotency key is taken; goes with every kind.
            hold_s: How long a timeout keeps the connection open before it closes it without an answer.
        """
        self._post("faults", kind=kind, method=method, path=path, count=count, delay_s=delay_s, hold_s=hold_s)

    def clear_faults(self) -> None:
        self._post("faults/clear")

    def script_webhooks(
        self, action: WebhookAction, *, event_type: str = "*", count: int = 1, value: float = 0
    ) -> None:
        """
        What happens to the deliveries of the next *count* events that match, at every attempt.

        Args:
            event_type: A shell pattern, as `charge.*`.
            value: `duplicate`: copies beside the first; `delay`: seconds; `timestamp_offset`: seconds added to the time
                of signing, negative for old. Nothing for the others.
        """
        self._post("webhooks/script", type=event_type, action=action, count=count, value=value)

    def clear_webhook_scripts(self) -> None:
        self._post("webhooks/clear")

    def release_webhooks(self, *, reverse: bool = True) -> int:
        """Send what `hold` kept, newest first unless *reverse* is False; returns how many deliveries."""
        return int(self._post("webhooks/release", reverse=reverse)["released"])

    def resend_event(self, event: str, *, account: str = "") -> None:
        """Queue one more delivery of the event with this id."""
        self._post("webhooks/resend", event=event, account=account)

    def confirm_payment(self, client_secret: str, payment_method: str = "pm_card_visa") -> dict[str, Any]:
        """The payment intent after the customer's browser tried to pay; a decline raises nothing, see its status."""
        return self._post("payment_intents/confirm", client_secret=client_secret, payment_method=payment_method)

    def authenticate_payment(self, payment_intent: str, *, passed: bool = True) -> dict[str, Any]:
        """The customer's bank has answered for a payment intent that requires action."""
        return self._post("payment_intents/authenticate", payment_intent=payment_intent, passed=passed)

    def pay_checkout(self, session: str, payment_method: str = "pm_card_visa") -> dict[str, Any]:
        """Press the button of the hosted page. Raises ControlRefused when the card is declined."""
        return self._post("checkout/pay", session=session, payment_method=payment_method)

    def open_dispute(
        self, charge: str, *, amount_minor: int | None = None, reason: str = "fraudulent"
    ) -> dict[str, Any]:
        return self._post("disputes/open", charge=charge, amount=amount_minor, reason=reason)

    def close_dispute(self, dispute: str, outcome: Literal["won", "lost"]) -> dict[str, Any]:
        return self._post("disputes/close", dispute=dispute, outcome=outcome)

    def change_fee(self, balance_transaction: str, fee_minor: int) -> None:
        """The fee of a movement in the books is another one afterwards."""
        self._post("balance_transactions/fee", id=balance_transaction, fee=fee_minor)

    def settle_refund(self, refund: str, status: Literal["succeeded", "failed"]) -> dict[str, Any]:
        """The card's bank has answered a refund; one that succeeded may still fail."""
        return self._post("refunds/settle", refund=refund, status=status)

    def settle_payout(
        self, payout: str, status: Literal["in_transit", "paid", "failed"], *, account: str = ""
    ) -> dict[str, Any]:
        """The bank has answered a payout; one that was paid may still fail. *account* for a connected account's."""
        return self._post("payouts/settle", payout=payout, status=status, account=account)

    def pay_out_automatically(self, currency: str, *, account: str = "") -> dict[str, Any]:
        """Stripe's own schedule pays out all that is available, as one payout whose transactions can be listed."""
        return self._post("payouts/automatic", currency=currency, account=account)

    def set_transfers(self, account: str, *, active: bool) -> None:
        """The institution lets a connected account receive transfers, or not any more."""
        self._post("accounts/transfers", account=account, active=int(active))

    def settle_charges(self) -> int:
        """Book charges that `late_balance_transaction` left without a balance transaction; returns how many."""
        return int(self._post("charges/settle")["settled"])

    def set_late_balance_transaction(self, *, on: bool) -> None:
        """Whether charges get their balance transaction only later, as with Stripe's asynchronous capture."""
        self._post("settings", late_balance_transaction=int(on))

    def set_search_lag(self, lag_s: float) -> None:
        """How long a new payment intent stays invisible to search; up to a minute at Stripe."""
        self._post("settings", search_lag_s=lag_s)

    def advance_clock(self, seconds: float) -> int:
        """Move the stand-in's clock on (signatures keep real time) and let what is due happen; returns its time."""
        return int(self._post("clock/advance", seconds=seconds)["now"])

    def reset(self) -> None:
        """Forget all objects, keys, deliveries and scripts, and set the clock right."""
        self._post("reset")

    def state(self) -> State:
        return State(**self._post("state"))

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a type (`charge`, `checkout.session`), oldest first, of all accounts."""
        found: list[dict[str, Any]] = self._post("objects", type=kind)["data"]
        return found

    def wait_until_delivered(self, *, timeout_s: float = 10) -> State:
        """
        Wait until no delivery is waiting.

        Raises:
            TimeoutError: Some still are.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            state = self.state()
            if not state.deliveries.get("waiting"):
                return state
            if time.monotonic() > deadline:
                raise TimeoutError(f"webhook deliveries still waiting: {state.deliveries}")
            time.sleep(0.05)


@dataclass
class StripeStandIn:
    """
    A stand-in in a process of its own, stopped at the end of a `with`.

    Args:
        state_path: SQLite file; a second start with the same file goes on where the first was killed.
        port: 0 takes a free one on the first start and keeps it for later ones.
        options: Further command line options, as `--fee-bps 29`.
    """

    state_path: Path
    webhook_url: str = ""
    webhook_secret: str = "whsec_stand_in"
    api_key: str = "sk_test_stand_in"
    port: int = 0
    options: tuple[str, ...] = ()
    _process: "subprocess.Popen[str] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGTERM)

    def start(self) -> None:
        """Returns when requests are answered."""
        root = Path(__file__).resolve().parents[2]
        command = [sys.executable, "-m", "tests.kit.stripe_simulator", "--port", str(self.port)]
        command += ["--webhook-url", self.webhook_url, "--webhook-secret", self.webhook_secret]
        command += ["--api-key", self.api_key, "--state", str(self.state_path), *self.options]
        self._process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        if self._process.stdout is None:
            raise RuntimeError("no pipe to the stand-in")
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self.stop(signal.SIGKILL)
            raise RuntimeError("the stand-in did not start; its reason is on standard error")
        self.port = int(line.rsplit(":", 1)[1])

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End the process, by default as hard as a power cut does."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
