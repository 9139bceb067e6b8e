"""Refusals in the shape of Stripe's error bodies."""

from typing import Any


class StripeError(Exception):
    """
    A refusal that the caller receives as JSON.

    Args:
        status: HTTP status.
        error_type: Stripe's `error.type`.
        code: Stripe's `error.code`, where it has one.
        param: The parameter at fault.
        facts: Further members of the `error` object (`decline_code`, `payment_intent`).
        stored: Whether the answer is kept under the idempotency key. False for what is refused before work starts.
        keeps_effect: Whether what was written so far stays (a declined card leaves a failed charge behind).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        error_type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        facts: dict[str, Any] | None = None,
        stored: bool = True,
        keeps_effect: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.error_type = error_type
        self.code = code
        self.param = param
        self.facts = facts or {}
        self.stored = stored
        self.keeps_effect = keeps_effect

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.error_type}
        if self.code:
            error["code"] = self.code
        if self.param:
            error["param"] = self.param
        return {"error": error | self.facts}


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """A parameter fails validation: refused before work starts, so never stored under an idempotency key."""
    return StripeError(message, param=param, code=code, stored=False)


def refused(message: str, *, param: str | None = None, code: str | None = None, **facts: Any) -> StripeError:
    """The parameters are well-formed and the state does not allow it: stored under the idempotency key."""
    return StripeError(message, param=param, code=code, facts=facts)


def missing(kind: str, ident: str, *, param: str = "id", status: int = 404) -> StripeError:
    return StripeError(f"No such {kind}: '{ident}'", status=status, code="resource_missing", param=param)
