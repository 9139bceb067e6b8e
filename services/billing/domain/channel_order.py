"""
An order at the splitting channel: what the customer pays on, and what the channel still holds of it.

The channel's payee is the provider: the money is never the company's, and stands in memo accounts only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.shared.kernel.channel import PLATFORM
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

ChannelOrderState = Literal["created", "open", "paid", "settled", "released", "closed", "failed"]

LIFECYCLE: Lifecycle[ChannelOrderState] = Lifecycle(
    "channel order",
    {
        "open": {"created": "open", "open": "open"},
        # the customer may be quicker than our closing it
        "pay": {"created": "paid", "open": "paid", "closed": "paid"},
        # split and the rest let go to the provider, or all of it given back
        "settle": {"paid": "settled"},
        # by the channel itself, because nobody split it in time
        "release": {"paid": "released"},
        "close": {"created": "closed", "open": "closed"},
        "fail": {"created": "failed"},
    },
)


@dataclass(frozen=True)
class ChannelOrderFacts:
    """
    How an order stands at the channel, fetched just now.

    Attributes:
        status: *released*: paid, and given to the payee by the channel because its time was over.
        code_url: What the customer's phone scans to pay it; empty once it is paid or closed.
        transaction_id: The channel's payment; empty before.
        paid: What was paid.
        held: What of that the channel still has: neither split, released nor given back.
        paid_at: When; none before.
    """

    status: Literal["open", "paid", "released", "closed"]
    code_url: str
    transaction_id: str
    paid: Money
    held: Money
    paid_at: datetime | None


@dataclass
class ChannelOrder:
    """
    Amounts in minor units of *currency*.

    Attributes:
        payment_id: Which it serves; our number of it at the channel too.
        payee_id: The provider.
        transaction_id: The channel's payment.
        paid_at: The channel holds the money for `PLATFORM.hold_days` from then on.
        late: It was paid after it was closed: nobody waited for it, it goes back.
        checks: How often the janitor has looked.
    """

    payment_id: UUID
    order_id: UUID
    order_number: str
    payee_id: UUID
    currency: str
    amount: int
    state: ChannelOrderState
    opened_at: datetime
    code_url: str = ""
    transaction_id: str = ""
    paid_at: datetime | None = None
    late: bool = False
    failure: str = ""
    checks: int = 0
    version: int = 0

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def released_at(self) -> datetime | None:
        """When the channel lets the provider have what is not split by then; none before it is paid."""
        return self.paid_at + timedelta(days=PLATFORM.hold_days or 0) if self.paid_at is not None else None

    @property
    def refundable_until(self) -> datetime | None:
        """Until when the channel gives it back to who paid; none before it is paid."""
        return self.paid_at + timedelta(days=PLATFORM.refund_days or 0) if self.paid_at is not None else None

    def open(self, code_url: str) -> None:
        """The channel knows it. Raises WrongState."""
        self.state, self.code_url = LIFECYCLE.after("open", self.state), code_url

    def pay(self, transaction_id: str, paid_at: datetime) -> None:
        """Raises WrongState."""
        self.late = self.state == "closed"
        self.state = LIFECYCLE.after("pay", self.state)
        self.transaction_id, self.paid_at, self.code_url = transaction_id, paid_at, ""

    def settle(self) -> None:
        """Nothing of it is held any more. Raises WrongState."""
        self.state = LIFECYCLE.after("settle", self.state)

    def release(self) -> None:
        """The channel gave all of it to the provider. Raises WrongState."""
        self.state = LIFECYCLE.after("release", self.state)

    def close(self) -> None:
        """Nobody is to pay it any more. Raises WrongState."""
        self.state, self.code_url = LIFECYCLE.after("close", self.state), ""

    def fail(self, failure: str) -> None:
        """The channel will not take it. Raises WrongState."""
        self.state, self.failure = LIFECYCLE.after("fail", self.state), failure


def paid_in(order_id: UUID, money: Money) -> tuple[ledger.Entry, ...]:
    """The channel holds *money* for an order."""
    return ledger.entries(("D", ledger.CHANNEL_HOLDS, money), ("C", ledger.held_for(order_id), money))


def paid_out(order_id: UUID, money: Money) -> tuple[ledger.Entry, ...]:
    """It does not any more: to whomever *money* went, ours is booked beside."""
    return ledger.entries(("D", ledger.held_for(order_id), money), ("C", ledger.CHANNEL_HOLDS, money))


def advanced(refund_id: UUID, provider_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """What the channel could not take from the provider's balance, the company pays for it; the provider owes it."""
    return ledger.entries(
        ("D", ledger.receivable("provider", provider_id), amount), ("C", ledger.refund(refund_id), amount)
    )
