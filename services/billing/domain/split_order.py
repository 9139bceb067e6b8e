"""
A split order (分账单): how the splitting channel shares out what a customer paid; and its return.

The company's commission is the only part that becomes its own money; the rest goes to the provider with it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.channel_order import paid_out
from services.shared.kernel.errors import Conflict
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

SplitState = Literal["requested", "processing", "finished", "failed"]
ReturnState = Literal["processing", "success", "failed"]

LIFECYCLE: Lifecycle[SplitState] = Lifecycle(
    "split order",
    {
        "process": {"requested": "processing", "processing": "processing"},
        "finish": {"requested": "finished", "processing": "finished"},
        "fail": {"requested": "failed", "processing": "failed"},
    },
)
RETURN_LIFECYCLE: Lifecycle[ReturnState] = Lifecycle(
    "split return",
    {
        "succeed": {"processing": "success"},
        "fail": {"processing": "failed"},
        # once the company's balance at the channel is enough
        "retry": {"failed": "processing"},
    },
)

TOO_LATE = "after_days"
"""The channel's code: what was asked for was possible once (`PLATFORM.split_return_days`), and never will be again."""


class SplitOtherwise(Conflict):
    """This order is split, or this refund returned, with another amount already."""

    code = "billing.split_otherwise"


class ReturnExceedsSplit(Conflict):
    """More would be returned than was split."""

    code = "billing.return_exceeds_split"


@dataclass(frozen=True)
class SplitFacts:
    """
    How a split stands at the channel, fetched just now.

    Attributes:
        commission: What of it the company has.
        rest: What the provider has of what was held for the order.
        failure: The channel's code.
    """

    status: Literal["processing", "finished", "failed"]
    commission: Money
    rest: Money
    failure: str


@dataclass(frozen=True)
class ReturnFacts:
    """How a return stands at the channel, fetched just now. *failure* is its code."""

    status: Literal["processing", "success", "failed"]
    amount: Money
    failure: str


@dataclass
class SplitOrder:
    """
    One for each order, whose id is our number of it at the channel too.

    Attributes:
        payment_id: What is split.
        provider_id: The payee.
        amount: The company's commission with its VAT, minor units of *currency*; may be 0: all is the provider's.
        failure: The channel's code, or ours.
        checks: How often the janitor has looked.
    """

    order_id: UUID
    order_number: str
    payment_id: UUID
    provider_id: UUID
    currency: str
    amount: int
    state: SplitState
    requested_at: datetime
    finished_at: datetime | None = None
    failure: str = ""
    checks: int = 0
    version: int = 0

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    def process(self) -> None:
        """The channel has taken it. Raises WrongState."""
        self.state = LIFECYCLE.after("process", self.state)

    def finish(self, now: datetime) -> None:
        """Raises WrongState."""
        self.state, self.finished_at, self.failure = LIFECYCLE.after("finish", self.state), now, ""

    def fail(self, failure: str) -> None:
        """Raises WrongState."""
        self.state, self.failure = LIFECYCLE.after("fail", self.state), failure


@dataclass
class SplitReturn:
    """
    What of its commission the company gives back to the provider, because of a refund; one for each.

    Attributes:
        n: Which try it is, from 1: each is a return of its own at the channel.
        amount: Minor units of *currency*.
        netted: All of it, where the channel cannot return it (any more) and it is settled with the provider; else 0.
        sent: The channel was asked; it is not before the split is finished.
    """

    refund_id: UUID
    order_id: UUID
    order_number: str
    provider_id: UUID
    currency: str
    amount: int
    state: ReturnState
    requested_at: datetime
    n: int = 1
    netted: int = 0
    sent: bool = False
    failure: str = ""
    succeeded_at: datetime | None = None
    checks: int = 0
    version: int = 0

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def number(self) -> str:
        """Ours of this try, at the channel."""
        return f"{self.refund_id}/{self.n}"

    def succeed(self, now: datetime) -> None:
        """Raises WrongState."""
        self.state, self.succeeded_at, self.failure = RETURN_LIFECYCLE.after("succeed", self.state), now, ""

    def fail(self, failure: str) -> None:
        """Raises WrongState."""
        self.state, self.failure = RETURN_LIFECYCLE.after("fail", self.state), failure

    def net(self, now: datetime) -> None:
        """It is not the channel that returns it. Raises WrongState."""
        self.succeed(now)
        self.netted = self.amount

    def retry(self) -> None:
        """Raises WrongState."""
        self.state = RETURN_LIFECYCLE.after("retry", self.state)
        self.n, self.sent, self.checks = self.n + 1, False, 0


def commission_split(order_id: UUID, provider_id: UUID, commission: Money, rest: Money) -> tuple[ledger.Entry, ...]:
    """The channel has shared out what it held: *commission* is on our balance there, *rest* is the provider's."""
    ours = ledger.entries(
        ("D", ledger.CHANNEL, commission), ("C", ledger.receivable("provider", provider_id), commission)
    )
    return ours + paid_out(order_id, commission + rest)


def commission_returned(provider_id: UUID, amount: Money, source: str = ledger.CHANNEL) -> tuple[ledger.Entry, ...]:
    """The provider has back what it was credited: at the channel, or it is owed it (*source*) on its statement."""
    return ledger.entries(("D", ledger.receivable("provider", provider_id), amount), ("C", source, amount))
