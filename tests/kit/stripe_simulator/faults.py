"""Failures by script: what happens to the next n requests that match."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.kit.stripe_simulator.errors import StripeError
from tests.kit.stripe_simulator.store import Store

KINDS = (
    "timeout_before_effect",
    "timeout_after_effect",
    "conflict",
    "rate_limit",
    "error_before_effect",
    "error_after_effect",
    "delay",
)


@dataclass(frozen=True)
class Fault:
    """
    Args:
        kind: One of `KINDS`, empty for none.
        delay_s: Waited before the work, with the idempotency key taken.
        hold_s: How long a timeout keeps the connection open without a word before it closes it.
    """

    kind: str = ""
    delay_s: float = 0
    hold_s: float = 0


def take(store: Store, method: str, path: str) -> Fault:
    """The first script that matches, used up by one."""
    with store.lock:
        rows = store.read("SELECT id, method, path, kind, delay_s, hold_s FROM fault WHERE remaining > 0 ORDER BY id")
        for ident, wanted, pattern, kind, delay_s, hold_s in rows:
            if wanted in {"*", method} and fnmatchcase(path, pattern):
                store.write("UPDATE fault SET remaining = remaining - 1 WHERE id = ?", (ident,))
                return Fault(kind, delay_s, hold_s)
    return Fault()


def server_error() -> StripeError:
    return StripeError("An unknown error occurred.", status=500, error_type="api_error")


def raise_before_start(fault: Fault) -> None:
    """The answers that Stripe gives before an endpoint starts: nothing done, nothing stored."""
    if fault.kind == "conflict":
        raise key_in_use()
    if fault.kind == "rate_limit":
        raise StripeError("Request rate limit exceeded.", status=429, code="rate_limit", stored=False)


def key_in_use() -> StripeError:
    return StripeError(
        "There is currently another in-progress request using this Stripe Idempotency-Key. Please try again later.",
        status=409,
        error_type="idempotency_error",
        code="idempotency_key_in_use",
        stored=False,
    )
