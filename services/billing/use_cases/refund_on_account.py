"""What a refund takes from money that the customer had not paid: less is owed, and nothing of it goes back."""

from datetime import datetime
from uuid import UUID

from services.billing.domain.order import OrderCopy
from services.billing.domain.refund import Refund
from services.billing.use_cases.payment import announce_success, withdraw
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.receivable import receivable_id_of


def on_account(order: OrderCopy, to_customer: int, *, uow: BillingUnitOfWork) -> int:
    """
    What of *to_customer* (minor units) *order*'s customer owes or will owe: what is on credit comes down first.

    What other refunds of it have taken, and waits for their red letters, is not there a second time.
    """
    if order.accepted_at is None:
        credit = uow.credit.of_order(order.order_id)
        return min(to_customer, credit.amount) if credit is not None and credit.state == "granted" else 0
    waiting = sum(
        other.on_account for other in uow.refunds.of_order(order.order_id) if other.state == "awaiting_red_letter"
    )
    receivable = uow.receivables.find(receivable_id_of(order.order_id, "acceptance"))
    return min(to_customer, max(0, receivable.takes - waiting)) if receivable is not None else 0


def lower_credit(order_id: UUID, amount: int, *, uow: BillingUnitOfWork) -> None:
    """Before acceptance: so much less is granted to the order, and free for others."""
    credit = uow.credit.of_order(order_id)
    if amount and credit is not None:
        credit.lower(amount)
        uow.credit.save(credit)


def lower_receivable(made: Refund, *, uow: BillingUnitOfWork, now: datetime) -> tuple[str, int]:
    """
    After acceptance: so much less is owed and asked for. The order and its payments are locked.

    Returns:
        Where it was owed, and how much less it is: less than the part on account where the customer has paid since.
    """
    if not made.on_account:
        return "", 0
    receivable = uow.receivables.get(receivable_id_of(made.order_id, "acceptance"))
    lowered, owed_on = min(made.on_account, receivable.takes), receivable.account
    receivable.lower(lowered)
    uow.receivables.save(receivable)
    for payment in uow.payments.of_order(made.order_id):
        if payment.receivable_id != receivable.receivable_id or not payment.missing:
            continue
        if payment.method == "card":
            withdraw(payment, uow)  # the institution was told another amount; the customer may open another
            continue
        payment.lower(receivable.takes, now)
        uow.payments.save(payment)
        if payment.state == "succeeded":
            announce_success(payment, payment.charge_id, uow=uow, now=now)
    return owed_on, lowered
