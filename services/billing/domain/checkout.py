"""A checkout: a page of the payment institution's own on which a customer pays a payment by card."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import Invalid
from services.shared.kernel.lifecycle import Lifecycle

CheckoutState = Literal["created", "open", "complete", "expired", "failed"]

LIFECYCLE: Lifecycle[CheckoutState] = Lifecycle(
    "checkout",
    {
        "open": {"created": "open", "open": "open"},
        # what was paid on it counts, also where we had given it up
        "complete": {"created": "complete", "open": "complete", "expired": "complete"},
        "expire": {"created": "expired", "open": "expired"},
        "fail": {"created": "failed"},
    },
)


class ReturnAddressForeign(Invalid):
    """The customer comes back to a page of ours only."""

    code = "billing.return_address_foreign"


@dataclass
class Checkout:
    """
    Attributes:
        success_url, cancel_url: Pages of ours that the customer comes back to.
        session_id, url: The institution's session and its page, once it is made.
        expires_at: When the institution closes the page by itself.
        failure: Code, where it was never made.
        checks: How often the janitor has looked.
    """

    checkout_id: UUID
    payment_id: UUID
    state: CheckoutState
    success_url: str
    cancel_url: str
    opened_at: datetime
    session_id: str | None = None
    url: str | None = None
    expires_at: datetime | None = None
    failure: str = ""
    checks: int = 0
    version: int = 0

    @property
    def over(self) -> bool:
        return self.state not in {"created", "open"}

    def serves(self, success_url: str, cancel_url: str, now: datetime) -> bool:
        """Whether who asks for a page with these addresses is sent to this one."""
        fresh = self.expires_at is None or now < self.expires_at
        return not self.over and fresh and (self.success_url, self.cancel_url) == (success_url, cancel_url)

    def open(self, session_id: str, url: str, expires_at: datetime) -> None:
        """The page is there. Raises WrongState."""
        self.state = LIFECYCLE.after("open", self.state)
        self.session_id, self.url, self.expires_at = session_id, url, expires_at

    def complete(self, session_id: str) -> None:
        """The customer has paid on it. Raises WrongState."""
        self.state = LIFECYCLE.after("complete", self.state)
        self.session_id, self.url = session_id, None

    def expire(self) -> None:
        """Nobody is to pay on it any more. Raises WrongState."""
        self.state = LIFECYCLE.after("expire", self.state)
        self.url = None

    def fail(self, failure: str) -> None:
        """The institution will not make it. Raises WrongState."""
        self.state = LIFECYCLE.after("fail", self.state)
        self.failure = failure


def check_return_address(address: str, portal: str) -> None:
    """
    Args:
        address: Where the customer is to come back to.
        portal: Our own origin, without a slash at the end.

    Raises:
        ReturnAddressForeign: It is not below *portal*, or written so that a browser might read another host in it.
    """
    plain = address.isascii() and address.isprintable() and not set(address) & {" ", "\\"}
    if not plain or not address.startswith(f"{portal}/"):
        raise ReturnAddressForeign
