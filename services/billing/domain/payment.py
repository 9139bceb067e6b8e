"""A payment: what a customer is to pay for an order, and what has come in for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.shared.kernel.errors import Conflict
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money, allocate
from services.shared.kernel.payment_schedule import WHOLE_BPS, Due, PaymentSchedule

PaymentState = Literal["created", "pending", "succeeded", "failed", "cancelled", "unknown"]
PaymentMethod = Literal["card", "bank_transfer", "platform_channel", "direct_transfer"]

LIFECYCLE: Lifecycle[PaymentState] = Lifecycle(
    "payment",
    {
        # the payment institution knows it and waits for the customer
        "await_money": {"created": "pending"},
        # a refused card may be followed by one that works
        "succeed": {"created": "succeeded", "pending": "succeeded", "failed": "succeeded"},
        "fail": {"created": "failed", "pending": "failed", "failed": "failed"},
        # what was paid is not what was asked: only a person can say what it is
        "doubt": {"created": "unknown", "pending": "unknown", "failed": "unknown"},
        "give_back": {"pending": "pending"},
        "cancel": {"created": "cancelled", "pending": "cancelled", "failed": "cancelled"},
    },
)

# When a card payment is looked up although nobody told us anything: a webhook may be lost for ever.
CHECK_DELAYS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1), *[timedelta(days=1)] * 5)


class NotPayableByCard(Conflict):
    """Nobody waits for this payment by card: it is paid, cancelled, or to come by bank transfer."""

    code = "billing.payment_not_payable"


@dataclass(frozen=True)
class Instructions:
    """The company's own account, as it stood when the payment was opened."""

    account_name: str
    account_number: str
    bank_name: str


@dataclass(frozen=True)
class BalanceTransaction:
    """What the payment institution booked for a charge; *fee* without VAT, minor units of *currency*."""

    balance_transaction_id: str
    currency: str
    fee: int
    fee_vat: int


@dataclass(frozen=True)
class CardFacts:
    """
    How a payment intent stands at the payment institution, fetched just now.

    Attributes:
        status: *succeeded*, *refused* (the last card was), *action_required* (the card's bank asks the customer,
            3-D Secure), *cancelled* or *open*.
        received: What was really paid; currency as it was charged.
        charge_id: Of the attempt that succeeded or was refused last; empty when there was none.
        balance: None while the institution has not booked it yet.
        failure: Code of the refusal.
    """

    intent_id: str
    client_secret: str
    status: Literal["open", "action_required", "succeeded", "refused", "cancelled"]
    received: Money
    charge_id: str
    balance: BalanceTransaction | None
    failure: str
    checkout_id: UUID | None = None
    """Of the page it was paid on; none for the payment's own intent."""


@dataclass
class Payment:
    """
    Amounts in minor units of *currency*.

    Attributes:
        received: Towards *amount*, never above it; what is over belongs to the customer's credit.
        refunded: Of *received*, what goes back or has gone.
        client_secret: With what the customer pays: of a payment intent, or the code of the splitting channel's order.
        charge_id: The charge that paid it, or the one refused last.
        fee_booked: The institution's fee stands in the ledger; card only.
        checks: How often the janitor has looked.
        part: Which payment of its order it is, from 1.
        receivable_id: What it pays once the work is accepted; none: it is held until then.
        action_required: The card's bank waits for the customer (3-D Secure); the client secret leads there.
    """

    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    method: PaymentMethod
    state: PaymentState
    currency: str
    amount: int
    opened_at: datetime
    received: int = 0
    refunded: int = 0
    intent_id: str | None = None
    client_secret: str | None = None
    charge_id: str = ""
    fee_booked: bool = False
    reference: str | None = None
    account_name: str | None = None
    account_number: str | None = None
    bank_name: str | None = None
    failure: str = ""
    succeeded_at: datetime | None = None
    checks: int = 0
    part: int = 1
    receivable_id: UUID | None = None
    action_required: bool = False
    version: int = 0

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def missing(self) -> int:
        """What the order still waits for; 0 once nothing more is expected."""
        return self.amount - self.received if LIFECYCLE.allows("succeed", self.state) else 0

    def known_to_institution(self, intent_id: str, client_secret: str) -> None:
        """The payment institution has made the intent with which the customer's browser pays."""
        self.intent_id = intent_id
        self.client_secret = client_secret
        if self.state == "created":
            self.state = LIFECYCLE.after("await_money", self.state)

    def receive(self, amount: int, charge_id: str, now: datetime) -> int:
        """
        Take *amount* (minor units, above zero) towards what is missing.

        Returns:
            How much of it the order takes; the rest is the customer's. The payment succeeds when nothing
            is missing any more.
        """
        taken = min(amount, self.missing)
        if taken:
            self.received += taken
            if self.received == self.amount:
                self.succeed(charge_id, now)
        return taken

    def lower(self, missing: int, now: datetime) -> None:
        """Only *missing* (minor units) is waited for any more. Raises WrongState: It has ended."""
        self.amount = self.received + missing
        if missing:
            return
        if self.received:
            self.succeed(self.charge_id, now)
        else:
            self.cancel()

    def give_back(self, amount: int) -> None:
        """
        *amount* (minor units) was never for it.

        Raises:
            WrongState: It has ended: what was released on it is undone by a refund.
        """
        self.state = LIFECYCLE.after("give_back", self.state)
        self.received -= amount

    def succeed(self, charge_id: str, now: datetime) -> None:
        """Raises WrongState: It has ended already."""
        self.state = LIFECYCLE.after("succeed", self.state)
        self.charge_id = charge_id
        self.failure = ""
        self.succeeded_at = now

    def refuse(self, failure: str, charge_id: str) -> None:
        """The card was refused; the customer may try another. Raises WrongState."""
        self.state = LIFECYCLE.after("fail", self.state)
        self.failure = failure
        self.charge_id = charge_id

    def doubt(self, why: str) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("doubt", self.state)
        self.failure = why

    def cancel(self) -> None:
        """Nobody waits for it any more. Raises WrongState."""
        self.state = LIFECYCLE.after("cancel", self.state)

    @property
    def payable_by_card(self) -> bool:
        return self.method == "card" and LIFECYCLE.allows("succeed", self.state)

    @property
    def worth_checking(self) -> bool:
        """The payment institution may know something that we do not."""
        return self.payable_by_card or (self.method == "card" and not self.fee_booked)


def payments_by_reference(payments: Iterable[Payment]) -> dict[str, Payment]:
    """Of each reference the first payment that waits for money, else the last one: money with it is for that one."""
    found: dict[str, Payment] = {}
    for payment in sorted(payments, key=lambda each: each.part):
        if payment.reference is not None and not (payment.reference in found and found[payment.reference].missing):
            found[payment.reference] = payment
    return found


class ScheduleIncomplete(ValueError):
    """The parts of a payment schedule are not the whole: a bug of whoever froze it."""


@dataclass(frozen=True, slots=True)
class Instalment:
    """What one part of a payment schedule comes to; minor units of the order's currency."""

    due: Due
    net: int
    tax: int

    @property
    def gross(self) -> int:
        return self.net + self.tax


def instalments(net: int, tax: int, schedule: PaymentSchedule) -> tuple[Instalment, ...]:
    """
    Divide a price by its schedule: net and tax each by largest remainder, so that both sum up exactly.

    Raises:
        ScheduleIncomplete: The parts are not the whole.
    """
    weights = [part.bps for part in schedule]
    if sum(weights) != WHOLE_BPS or min(weights) <= 0:
        raise ScheduleIncomplete(str(weights))
    shares = zip(schedule, allocate(net, weights), allocate(tax, weights), strict=True)
    return tuple(Instalment(part.due, of_net, of_tax) for part, of_net, of_tax in shares)


def due_from_customer(net: int, tax: int, schedule: PaymentSchedule, when: Due, *, covered: int = 0) -> int:
    """
    What the customer is to pay at one moment of its order, with VAT; minor units.

    Args:
        net: What the customer is invoiced, without VAT.
        tax: On it.
        schedule: As frozen on the contract.
        when: Before work begins, or once it is accepted.
        covered: What somebody else pays of the whole price; it is taken off what is due first.
    """
    parts = instalments(net, tax, schedule)
    before = sum(part.gross for part in parts if part.due == "before_work")
    if when == "before_work":
        return max(0, before - covered)
    after = sum(part.gross for part in parts if part.due == "on_acceptance")
    return max(0, after - max(0, covered - before))


def surplus_card(customer_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """The payment institution has money of a customer that no order waits for."""
    return ledger.entries(("D", ledger.PSP, amount), ("C", ledger.customer_credit(customer_id), amount))


def receipt(into: str, owed_on: str, customer_id: UUID, to_it: Money, surplus: Money) -> tuple[ledger.Entry, ...]:
    """
    Money is *into* an account of ours: *to_it* is what was waited for on *owed_on*, *surplus* stays the customer's.
    """
    return ledger.entries(
        ("D", into, to_it + surplus), ("C", owed_on, to_it), ("C", ledger.customer_credit(customer_id), surplus)
    )


def psp_fee(fee: Money, vat: Money) -> tuple[ledger.Entry, ...]:
    """The payment institution kept *fee* and the *vat* on it."""
    return ledger.entries(
        ("D", ledger.PSP_FEE, fee), ("D", ledger.INPUT_VAT_PENDING, vat), ("C", ledger.PSP, fee + vat)
    )
