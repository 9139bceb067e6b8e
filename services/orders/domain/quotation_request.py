"""A request for quotation: what a customer wants, asked of one or several providers, who never see each other."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.orders.domain.sample import SampleDeclared
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle

QuotationRequestState = Literal["open", "closed", "expired", "withdrawn"]

LIFECYCLE: Lifecycle[QuotationRequestState] = Lifecycle(
    "quotation_request",
    {
        "quote": {"open": "open"},
        "close": {"open": "closed"},
        "expire": {"open": "expired"},
        "withdraw": {"open": "withdrawn"},
    },
)


class DeadlinePassed(Conflict):
    """The time to answer this request is over."""

    code = "orders.deadline_passed"


class DeadlineInPast(Invalid):
    """Providers need time to answer."""

    code = "orders.deadline_in_past"


class AlreadyAnswered(Conflict):
    """A provider has answered this request already."""

    code = "orders.request_already_answered"


@dataclass
class QuotationRequest:
    """
    Attributes:
        respond_by: First answers come before it; negotiation with those who answered may go on.
        priced_by_company: What providers quote goes to the operating company, which sets the customer's price.
    """

    quotation_request_id: UUID
    number: str
    state: QuotationRequestState
    customer_id: UUID
    provider_ids: tuple[UUID, ...]
    offering_id: UUID | None
    title: str
    requirements: str
    quantity: int
    samples: tuple[SampleDeclared, ...]
    respond_by: datetime
    opened_at: datetime
    priced_by_company: bool = False

    def provider(self, organisation_id: UUID) -> UUID | None:
        """*organisation_id* where it was asked, else none: for the permission rule."""
        return organisation_id if organisation_id in self.provider_ids else None

    def take_quotation(self, *, answered_before: bool, now: datetime) -> None:
        """
        Raises:
            WrongState: It is no longer open.
            DeadlinePassed: Too late for a first answer.
        """
        self.state = LIFECYCLE.after("quote", self.state)
        if now >= self.respond_by and not answered_before:
            raise DeadlinePassed

    def take_over_pricing(self, *, answered: bool) -> None:
        """Raises: WrongState; AlreadyAnswered: the customer has seen a provider's price."""
        self.state = LIFECYCLE.after("quote", self.state)
        if answered and not self.priced_by_company:
            raise AlreadyAnswered
        self.priced_by_company = True

    def close(self) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("close", self.state)

    def expire(self) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("expire", self.state)

    def withdraw(self) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("withdraw", self.state)


def checked_deadline(respond_by: datetime, now: datetime) -> datetime:
    """Raises: DeadlineInPast."""
    if respond_by <= now:
        raise DeadlineInPast
    return respond_by
