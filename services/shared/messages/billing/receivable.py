"""Receivables: what customers owe for accepted work, by invoice, with a due date, reminders and an end."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Message, MoneyOrZero, Name, Page, PositiveMoney, Query, View
from services.shared.messages.billing.commission_plan import FINANCE

ReceivableState = Literal["uninvoiced", "open", "paid", "written_off"]
ReceivableCause = Literal["acceptance", "voucher_claim"]

_READERS: Grants = {"customer": frozenset(), **FINANCE}


class ReceivableView(View):
    """
    Attributes:
        cause: Work that was accepted, or a voucher claim that the programme did not pay.
        amount: With VAT, as on the invoice.
        open: What is still to be paid.
        due_on: The last day on which it is paid in time (Asia/Shanghai); none before it is invoiced.
        days_overdue: 0 while it is not.
        reminders: How many were sent.
        write_off_reason: Why finance wants to give it up, or has; empty else.
    """

    receivable_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    cause: ReceivableCause
    state: ReceivableState
    amount: Money
    paid: Money
    written_off: Money
    open: Money
    invoice_number: str
    due_on: date | None
    days_overdue: int
    reminders: int
    write_off_reason: str


class GetReceivable(Query):
    """→ ReceivableView"""

    wire_name: ClassVar = "billing.get_receivable"
    grants: ClassVar[Grants] = _READERS

    receivable_id: UUID


class ListReceivables(Query):
    """A customer's own; all for the operating company's finance, newest first. → ReceivablePage"""

    wire_name: ClassVar = "billing.list_receivables"
    grants: ClassVar[Grants] = {"self": frozenset(), **FINANCE}

    customer_id: UUID | None = None
    state: ReceivableState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ReceivablePage(Page):
    items: tuple[ReceivableView, ...]


class GetStatementOfAccount(Query):
    """What a customer owes and what we hold for it, now. → StatementOfAccount"""

    wire_name: ClassVar = "billing.get_statement_of_account"
    grants: ClassVar[Grants] = {"self": frozenset(), **FINANCE}

    customer_id: UUID


class Position(Message):
    """Of one currency. *credit*: what the customer has paid and no order or receivable has taken."""

    open: Money
    overdue: Money
    credit: Money


class StatementOfAccount(View):
    """*items*: every receivable that is not paid, the earliest due first; at most a thousand."""

    customer_id: UUID
    customer_name: str
    as_of: date
    positions: tuple[Position, ...]
    items: tuple[ReceivableView, ...]


class GetAgeing(Query):
    """How old what customers owe is, per customer and currency, the largest first. → Ageing"""

    wire_name: ClassVar = "billing.get_ageing"
    grants: ClassVar[Grants] = FINANCE


class AgeingRow(Message):
    """*current*: not due yet, or not invoiced; the others by days since the due date."""

    customer_id: UUID
    customer_name: str
    open: Money
    current: Money
    days_1_30: Money
    days_31_60: Money
    days_61_90: Money
    days_over_90: Money


class Ageing(View):
    """At most a thousand customers."""

    as_of: date
    rows: tuple[AgeingRow, ...]


class PayReceivable(Command):
    """By card, besides the bank transfer that is asked for anyway. → PaymentView, without the secret to pay with yet"""

    wire_name: ClassVar = "billing.pay_receivable"
    grants: ClassVar[Grants] = {"customer": frozenset({"requester", "approver", "customer_finance"})}

    receivable_id: UUID


class ProposeWriteOff(Command):
    """Finance thinks that this will not be paid. → ReceivableView"""

    wire_name: ClassVar = "billing.propose_write_off"
    grants: ClassVar[Grants] = FINANCE

    receivable_id: UUID
    reason: Name


class ApproveWriteOff(Command):
    """
    By somebody else than who proposed it. → ReceivableView

    Attributes:
        amount: What was looked at: if more or less is open by now, nothing is written off.
    """

    wire_name: ClassVar = "billing.approve_write_off"
    grants: ClassVar[Grants] = FINANCE

    receivable_id: UUID
    amount: PositiveMoney


class _ReceivableEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    receivable_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    amount: MoneyOrZero


class ReceivableReminded(_ReceivableEvent):
    """
    *amount* is still open and its day is over.

    Attributes:
        reminder: The first is 1.
        last: With it new credit has ended, until finance approves the line anew.
        reference: What the payer is to state.
    """

    wire_name: ClassVar = "receivable.reminded.v1"

    invoice_number: str
    due_on: date
    days_overdue: int
    reminder: int
    last: bool
    reference: str


class ReceivableWrittenOff(_ReceivableEvent):
    """*amount* will not be paid: it is a loss."""

    wire_name: ClassVar = "receivable.written_off.v1"

    reason: Name
