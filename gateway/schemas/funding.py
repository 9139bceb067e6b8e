"""Project funds that pay an order of the provider's own people, as its parties see them."""

from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, Name
from services.shared.messages.billing.funding import FundingState


class ProjectToName(Schema):
    """The project that is to pay instead, and who answers for its money."""

    project_number: Name
    responsible_person: Name


class ShownFunding(Shown):
    """
    A reservation at the university's finance system. *reason*: why it was refused; empty: it was not.

    *executed*: transferred within the university; *returned*: of that transferred back.
    """

    funding_id: UUID
    order_id: UUID
    order_number: str
    n: int
    customer_id: UUID
    provider_id: UUID
    project_number: str
    responsible_person: str
    cost_category: str
    state: FundingState
    amount: Money
    executed: Money
    returned: Money
    reason: str
    requested_at: Instant
    expires_at: Instant | None


class FundingPage(Shown):
    items: tuple[ShownFunding, ...]
    next_cursor: str | None


class FundingListed(Listed):
    """*state* unknown: the finance system has left something unclear."""

    state: FundingState | None = None
