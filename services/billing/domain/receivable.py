"""A receivable: what a customer owes for accepted work, by invoice, until it is paid or given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.shared.kernel.errors import Conflict, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money
from services.shared.kernel.times import end_of_business_day

ReceivableState = Literal["uninvoiced", "open", "paid", "written_off"]
ReceivableCause = Literal["acceptance", "voucher_claim"]

LIFECYCLE: Lifecycle[ReceivableState] = Lifecycle(
    "receivable",
    {
        "invoice": {"uninvoiced": "open"},
        "pay": {"uninvoiced": "paid", "open": "paid"},
        # what came in was somebody else's
        "give_back": {"uninvoiced": "uninvoiced", "open": "open"},
        "write_off": {"uninvoiced": "written_off", "open": "written_off"},
    },
)

# Days after the due date on which the customer is reminded; with the last one credit ends.
REMINDER_DAYS = (3, 15, 30)


class SameHands(NotAllowed):
    """Who proposed a write-off does not approve it."""

    code = "billing.write_off_four_eyes_required"


class NotProposed(Conflict):
    """Nobody has proposed to write this off."""

    code = "billing.write_off_not_proposed"


class OpenAmountChanged(Conflict):
    """Another amount is open by now; look at it again."""

    code = "billing.receivable_changed"


class NothingOpen(Conflict):
    """Nothing is open, or it is not invoiced yet."""

    code = "billing.receivable_not_open"


@dataclass
class Receivable:
    """
    Amounts in minor units of *currency*.

    Attributes:
        net_days: After the invoice, until it is due.
        due_on: The last day in time, Asia/Shanghai; none before it is invoiced.
        reminders: Steps of dunning that are over.
        write_off_by: Who proposed to give it up.
    """

    receivable_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    cause: ReceivableCause
    state: ReceivableState
    currency: str
    amount: int
    net_days: int
    opened_at: datetime
    paid: int = 0
    written_off: int = 0
    invoice_number: str = ""
    due_on: date | None = None
    reminders: int = 0
    write_off_by: str = ""
    write_off_reason: str = ""
    version: int = 0

    @property
    def open(self) -> Money:
        return Money(self.amount - self.paid - self.written_off, self.currency)

    @property
    def takes(self) -> int:
        """What money that comes may still pay: also what was given up, since it was owed all the same."""
        return self.amount - self.paid

    @property
    def account(self) -> str:
        """Where money for it is credited."""
        return ledger.BAD_DEBT if self.state == "written_off" else ledger.customer_receivable(self.customer_id)

    def invoice(self, number: str, on: date) -> date:
        """The invoice of *on* is there. Returns the last day to pay it. Raises WrongState."""
        self.state = LIFECYCLE.after("invoice", self.state)
        self.invoice_number = number
        due_on = on + timedelta(days=self.net_days)
        self.due_on = due_on
        return due_on

    def receive(self, amount: int) -> None:
        """*amount*, at most what it takes, has come in."""
        if not amount:
            return
        self.paid += amount
        if self.state == "written_off":
            self.written_off -= amount
        elif self.paid == self.amount:
            self.state = LIFECYCLE.after("pay", self.state)

    def lower(self, amount: int) -> None:
        """*amount*, at most what it takes, was refunded before it was paid: it is not owed any more."""
        self.amount -= amount
        if self.state == "written_off":
            self.written_off -= amount
        elif amount and self.paid == self.amount:
            self.state = LIFECYCLE.after("pay", self.state)

    def give_back(self, amount: int) -> None:
        """*amount* that had come in was not for it. Raises WrongState: It is paid, or written off."""
        self.state = LIFECYCLE.after("give_back", self.state)
        self.paid -= amount

    def days_overdue(self, today: date) -> int:
        if self.due_on is None or self.state != "open":
            return 0
        return max(0, (today - self.due_on).days)

    def next_reminder(self, days: Sequence[int]) -> datetime | None:
        """When the customer is to be reminded next; none: never, unless something changes."""
        if self.due_on is None or self.state != "open" or self.reminders >= len(days):
            return None
        # The day begins where the one before it ends.
        return end_of_business_day(self.due_on + timedelta(days=days[self.reminders] - 1))

    def remind(self, today: date, days: Sequence[int]) -> bool:
        """Take the steps whose day has come, as one: nobody is reminded twice at once. Returns whether there is one."""
        reached = sum(self.days_overdue(today) >= day for day in days)
        if reached <= self.reminders:
            return False
        self.reminders = reached
        return True

    def propose_write_off(self, by: str, reason: str) -> None:
        """Raises WrongState: It is paid or given up."""
        LIFECYCLE.after("write_off", self.state)
        self.write_off_by, self.write_off_reason = by, reason

    def write_off(self, by: str, seen: Money) -> Money:
        """
        Give up what is open.

        Raises:
            NotProposed, SameHands: It takes two.
            OpenAmountChanged: It is not *seen* any more.
            WrongState: It is paid or given up.
        """
        state = LIFECYCLE.after("write_off", self.state)
        if not self.write_off_by:
            raise NotProposed
        if by == self.write_off_by:
            raise SameHands
        lost = self.open
        if lost != seen:
            raise OpenAmountChanged
        self.state = state
        self.written_off = lost.amount
        return lost


def written_off(customer_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """It will not be paid. The VAT on it is owed to the state all the same."""
    return ledger.entries(("D", ledger.BAD_DEBT, amount), ("C", ledger.customer_receivable(customer_id), amount))
