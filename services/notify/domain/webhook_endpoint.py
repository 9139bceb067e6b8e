"""A webhook endpoint, its deliveries, and when which of them goes."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import Lifecycle

EndpointState = Literal["enabled", "disabled"]
DeliveryState = Literal["pending", "succeeded", "failed"]

ENDPOINT: Lifecycle[EndpointState] = Lifecycle("webhook_endpoint", {"disable": {"enabled": "disabled"}})
DELIVERY: Lifecycle[DeliveryState] = Lifecycle(
    "webhook_delivery",
    {
        "succeed": {"pending": "succeeded"},
        "retry": {"pending": "pending"},
        "give_up": {"pending": "failed"},
    },
)

SCHEDULE_S = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Wait before each attempt (Standard Webhooks): ten of them within about three days."""
HOLD_BACK = timedelta(seconds=60)
"""A failed delivery keeps later ones of its endpoint waiting at most so long."""
PAUSE_FIRST_S = 5
RETRY_AFTER_S_MAX = 86_400
GONE = 410


def new_secret() -> str:
    """*whsec_…*, 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class Answer:
    """
    What came of one attempt.

    Attributes:
        status: HTTP status; none when no answer came.
        problem: In words, empty where it succeeded.
        retry_after_s: What the other side asked us to wait, or 0.
    """

    status: int | None
    problem: str
    retry_after_s: int = 0

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass
class WebhookEndpoint:
    """
    Attributes:
        types: Wire names of events; empty: all of the view.
        in_flight: The delivery being sent; there is one at a time, which keeps them in order.
        failures: Attempts failed since one last succeeded.
        paused_until: No attempt before; a slow endpoint must not take the time of everything else.
    """

    webhook_endpoint_id: UUID
    organisation_id: UUID
    view: str
    url: str
    types: tuple[str, ...]
    secret: str
    registered_at: datetime
    state: EndpointState = "enabled"
    problem: str = ""
    in_flight: UUID | None = None
    failures: int = 0
    paused_until: datetime | None = None
    succeeded_at: datetime | None = None

    def disable(self, problem: str) -> None:
        self.state = ENDPOINT.after("disable", self.state)
        self.problem = problem
        self.in_flight = None

    def answered(self, answer: Answer, now: datetime) -> None:
        """Take note of an attempt's outcome."""
        self.in_flight = None
        if answer.succeeded:
            self.failures = 0
            self.paused_until = None
            self.succeeded_at = now
            return
        self.failures += 1
        pause_s = max(PAUSE_FIRST_S * 2 ** min(self.failures - 1, 8), answer.retry_after_s)
        self.paused_until = now + timedelta(seconds=min(pause_s, HOLD_BACK.seconds))


@dataclass
class Delivery:
    """One entry of the view on its way to one endpoint. *attempts*: made so far."""

    delivery_id: UUID
    webhook_endpoint_id: UUID
    view: str
    sequence: int
    event_id: UUID
    created_at: datetime
    state: DeliveryState = "pending"
    attempts: int = 0
    last_status: int | None = None
    last_problem: str = ""
    next_attempt_at: datetime | None = None

    def answered(self, answer: Answer, now: datetime) -> None:
        """Take note of an attempt's outcome and plan the next, or give up."""
        self.attempts += 1
        self.last_status = answer.status
        self.last_problem = answer.problem[:500]
        if answer.succeeded:
            self.state = DELIVERY.after("succeed", self.state)
            self.next_attempt_at = None
        elif answer.status == GONE or self.attempts >= len(SCHEDULE_S):
            self.give_up(self.last_problem)
        else:
            self.state = DELIVERY.after("retry", self.state)
            wait_s = max(self._wait_s(), min(answer.retry_after_s, RETRY_AFTER_S_MAX))
            self.next_attempt_at = now + timedelta(seconds=wait_s)

    def give_up(self, problem: str) -> None:
        self.state = DELIVERY.after("give_up", self.state)
        self.last_problem = problem
        self.next_attempt_at = None

    def _wait_s(self) -> float:
        # Up to a tenth more, the same each time it is computed: deliveries that failed together come back apart.
        jitter = derived_id("webhook_jitter", self.delivery_id, self.attempts).int % 1_000 / 10_000
        return SCHEDULE_S[self.attempts] * (1 + jitter)


def worn_out(endpoint: WebhookEndpoint, delivery: Delivery) -> bool:
    """Whether *delivery* failed for good and nothing has reached *endpoint* since it was first tried."""
    if delivery.state != "failed":
        return False
    return endpoint.succeeded_at is None or endpoint.succeeded_at < delivery.created_at


def ready_at(endpoint: WebhookEndpoint, delivery: Delivery, now: datetime) -> datetime:
    """When *delivery* may go; *now* where nothing holds it back."""
    return max(now, delivery.next_attempt_at or now, endpoint.paused_until or now)
