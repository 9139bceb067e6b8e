"""Commission that a provider owes: when it is due, and reminding it, until a transfer or a statement has paid."""

from datetime import date, datetime
from uuid import UUID

from services.billing.domain.commission_debt import REMINDERS_MAX, commission_key, internal_key, risen_key, split_key
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.payment_reference import commission_reference_of
from services.shared.kernel.times import business_date
from services.shared.messages.billing.commission_debt import CommissionReminded
from services.shared.messages.invoicing.invoice import InvoiceIssued

REMIND_TIMER = "remind_of_commission"


def invoiced(event: InvoiceIssued, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The invoice over commission that is owed is there: from its day on the time to pay runs. Again does nothing."""
    del now
    if event.due_on is None:
        return
    of_order = (commission_key(event.order_id), internal_key(event.order_id))
    for key in of_order if event.refund_id is None else (risen_key(event.refund_id),):
        fall_due(key, event.due_on, uow=uow)


def split_failed(order_id: UUID, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The channel did not split it, and the provider has the money: it is due at once."""
    fall_due(split_key(order_id), business_date(now), uow=uow)


def fall_due(key: str, due_on: date, *, uow: BillingUnitOfWork) -> None:
    """What is owed under *key*, if anything is, is due on *due_on*. Once."""
    opened = uow.commission_debts.open(key, due_on)
    due_at = opened.next_reminder() if opened is not None else None
    if opened is not None and due_at is not None:
        uow.set_timer(REMIND_TIMER, opened.clawback_id, due_at)


def remind(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: the provider's finance is reminded, unless it is paid."""
    debt = uow.commission_debts.find(UUID(subject))
    today = business_date(now)
    if debt is None or not debt.remind(now, today):
        return
    uow.commission_debts.save(debt)
    uow.publish(
        CommissionReminded(
            clawback_id=debt.clawback_id,
            order_id=debt.order_id,
            order_number=debt.order_number,
            provider_id=debt.provider_id,
            amount=debt.left,
            invoice_number=debt.invoice_number,
            due_on=debt.due_on,
            days_overdue=debt.days_overdue(today),
            reminder=debt.reminders,
            last=debt.reminders == REMINDERS_MAX,
            reference=commission_reference_of(debt.order_number),
        )
    )
    due_at = debt.next_reminder()
    if due_at is not None:
        uow.set_timer(REMIND_TIMER, debt.clawback_id, due_at)
