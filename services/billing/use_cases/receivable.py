"""Receivables: from the accepted work over its invoice and the reminders to the money, or to giving it up."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.billing.domain.order import OrderCopy
from services.billing.domain.payment import Instructions, Payment, PaymentMethod
from services.billing.domain.receivable import NothingOpen, Receivable, ReceivableCause, written_off
from services.billing.use_cases import credit
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.payment import Ask, open_payment
from services.billing.use_cases.payment import view as payment_view
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.kernel.payment_reference import reference_of
from services.shared.kernel.times import business_date
from services.shared.messages.billing.payment import PaymentView
from services.shared.messages.billing.receivable import (
    ApproveWriteOff,
    PayReceivable,
    ProposeWriteOff,
    ReceivableReminded,
    ReceivableView,
    ReceivableWrittenOff,
)
from services.shared.messages.invoicing.invoice import InvoiceIssued

REMIND_TIMER = "remind_of_receivable"


def receivable_id_of(order_id: UUID, cause: ReceivableCause) -> UUID:
    """At most one of a *cause* for an order."""
    return derived_id("receivable", order_id, cause)


def add_receivable(
    order: OrderCopy, amount: int, cause: ReceivableCause, net_days: int, *, uow: BillingUnitOfWork, now: datetime
) -> Receivable:
    """The customer of *order* owes *amount* (minor units, with VAT) from now on; when, its invoice will say."""
    receivable = Receivable(
        receivable_id=receivable_id_of(order.order_id, cause),
        order_id=order.order_id,
        order_number=order.number,
        customer_id=order.customer_id,
        cause=cause,
        state="uninvoiced",
        currency=order.currency,
        amount=amount,
        net_days=net_days,
        opened_at=now,
    )
    uow.receivables.add(receivable)
    return receivable


def invoiced(
    event: InvoiceIssued,
    *,
    uow: BillingUnitOfWork,
    now: datetime,
    instructions: Instructions,
    reminder_days: Sequence[int],
) -> None:
    """
    The invoice is there: from its day on the time to pay runs, and the customer is asked for the money.

    Raises:
        NotYet: The order's acceptance is not known here.
    """
    order = uow.orders.find(event.order_id)
    if order is None or order.accepted_at is None:
        raise NotYet("the order's acceptance is not known here yet")
    receivable = uow.receivables.find(receivable_id_of(order.order_id, "acceptance"))
    if receivable is not None and receivable.state == "uninvoiced":
        call_for(receivable, order, event.number, business_date(event.issued_at), uow=uow, now=now,
                 instructions=instructions, reminder_days=reminder_days)  # fmt: skip


def call_for(
    receivable: Receivable,
    order: OrderCopy,
    invoice_number: str,
    on: date,
    *,
    uow: BillingUnitOfWork,
    now: datetime,
    instructions: Instructions,
    reminder_days: Sequence[int],
) -> None:
    """Set the day by which *receivable* is to be paid, counted from *on*; ask for it; see that it is not forgotten."""
    receivable.invoice(invoice_number, on)
    uow.receivables.save(receivable)
    _ask(receivable, order, "bank_transfer", uow, now, instructions)
    _set_reminder(receivable, reminder_days, uow)


def pay_receivable(
    command: PayReceivable, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, instructions: Instructions
) -> PaymentView:
    """
    Open a payment by card for what is open, besides the transfer that was asked for: whichever comes first counts.

    Raises:
        NothingOpen: It is not invoiced, or paid, or given up.
    """
    receivable = uow.receivables.get(command.receivable_id)
    require(actor, command.grants, {"customer": receivable.customer_id})
    order = uow.orders.find(receivable.order_id)
    if order is None or receivable.state != "open":
        raise NothingOpen
    for earlier in uow.payments.of_order(order.order_id):
        # A card payment that waits for as much already is the one: clicking twice must not charge twice.
        if earlier.method == "card" and earlier.missing == receivable.open.amount and not earlier.received:
            return payment_view(earlier, for_customer=True)
    return payment_view(_ask(receivable, order, "card", uow, now, instructions), for_customer=True)


def _ask(receivable: Receivable, order: OrderCopy, method: PaymentMethod, uow: BillingUnitOfWork, now: datetime,
         instructions: Instructions) -> Payment:  # fmt: skip
    part = 1 + max((payment.part for payment in uow.payments.of_order(order.order_id)), default=0)
    return open_payment(
        order, method, uow=uow, now=now, instructions=instructions, ask=Ask(receivable.open.amount, part, receivable)
    )


def remind(subject: str, *, uow: BillingUnitOfWork, now: datetime, reminder_days: Sequence[int]) -> None:
    """Timer: the next step of dunning, unless it is paid. With the last step new credit ends."""
    receivable = uow.receivables.find(UUID(subject))
    today = business_date(now)
    if receivable is None or receivable.due_on is None or not receivable.remind(today, reminder_days):
        return
    uow.receivables.save(receivable)
    last = receivable.reminders == len(reminder_days)
    uow.publish(
        ReceivableReminded(
            receivable_id=receivable.receivable_id,
            order_id=receivable.order_id,
            order_number=receivable.order_number,
            customer_id=receivable.customer_id,
            amount=receivable.open,
            invoice_number=receivable.invoice_number,
            due_on=receivable.due_on,
            days_overdue=receivable.days_overdue(today),
            reminder=receivable.reminders,
            last=last,
            reference=reference_of(receivable.order_number),
        )
    )
    if last:
        credit.suspend_overdue(receivable.customer_id, receivable.currency, uow=uow)
    _set_reminder(receivable, reminder_days, uow)


def _set_reminder(receivable: Receivable, reminder_days: Sequence[int], uow: BillingUnitOfWork) -> None:
    due_at = receivable.next_reminder(reminder_days)
    if due_at is not None:
        uow.set_timer(REMIND_TIMER, receivable.receivable_id, due_at)


def propose_write_off(
    command: ProposeWriteOff, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ReceivableView:
    """Raises WrongState: It is paid or given up."""
    require(actor, command.grants, {})
    receivable = uow.receivables.get(command.receivable_id)
    receivable.propose_write_off(hand_of(actor), command.reason)
    uow.receivables.save(receivable)
    return view(receivable, business_date(now))


def approve_write_off(
    command: ApproveWriteOff, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ReceivableView:
    """
    Give up what is open: it is a loss. Money that comes all the same makes it smaller again.

    Raises:
        NotProposed, SameHands, OpenAmountChanged, WrongState: See Receivable.write_off.
    """
    require(actor, command.grants, {})
    receivable = uow.receivables.get(command.receivable_id)
    lost = receivable.write_off(hand_of(actor), command.amount)
    uow.receivables.save(receivable)
    post_transaction(
        uow,
        key=f"write_off:{receivable.receivable_id}",
        kind="write_off",
        entries=written_off(receivable.customer_id, lost),
        effective_at=now,
        now=now,
        order=(receivable.order_id, receivable.order_number),
    )
    uow.publish(
        ReceivableWrittenOff(
            receivable_id=receivable.receivable_id,
            order_id=receivable.order_id,
            order_number=receivable.order_number,
            customer_id=receivable.customer_id,
            amount=lost,
            reason=receivable.write_off_reason,
        )
    )
    return view(receivable, business_date(now))


def view(receivable: Receivable, today: date) -> ReceivableView:
    def money(amount: int) -> Money:
        return Money(amount, receivable.currency)

    return ReceivableView(
        receivable_id=receivable.receivable_id,
        order_id=receivable.order_id,
        order_number=receivable.order_number,
        customer_id=receivable.customer_id,
        cause=receivable.cause,
        state=receivable.state,
        amount=money(receivable.amount),
        paid=money(receivable.paid),
        written_off=money(receivable.written_off),
        open=receivable.open,
        invoice_number=receivable.invoice_number,
        due_on=receivable.due_on,
        days_overdue=receivable.days_overdue(today),
        reminders=receivable.reminders,
        write_off_reason=receivable.write_off_reason,
    )
