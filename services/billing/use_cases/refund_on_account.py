"""What a refund takes from money that the customer had not paid: less is owed, and nothing of it goes back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.billing.domain.order import OrderCopy
from services.billing.domain.receivable import Receivable, ReceivableCause
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
    owed = sum(each.takes for each in _owed(order.order_id, uow))
    return min(to_customer, max(0, owed - waiting))


def lower_credit(order_id: UUID, amount: int, *, uow: BillingUnitOfWork) -> None:
    """Before acceptance: so much less is granted to the order, and free for others."""
    credit = uow.credit.of_order(order_id)
    if amount and credit is not None:
        credit.lower(amount)
        uow.credit.save(credit)


def lower_receivables(made: Refund, *, uow: BillingUnitOfWork, now: datetime) -> Sequence[tuple[str, int]]:
    """
    After acceptance: so much less is owed and asked for. The order and its payments are locked.

    Returns:
        On which accounts how much less is owed; together less than the part on account where the customer has paid
        since.
    """
    lowered, left = [], made.on_account
    for receivable in _owed(made.order_id, uow) if left else ():
        amount = min(left, receivable.takes)
        if amount:
            left -= amount
            lowered.append((receivable.account, amount))
            receivable.lower(amount)
            uow.receivables.save(receivable)
            _ask_for_less(receivable, uow, now)
    return lowered


def _owed(order_id: UUID, uow: BillingUnitOfWork) -> Sequence[Receivable]:
    """What the customer owes for the order, and for a voucher's claim that failed."""
    causes: tuple[ReceivableCause, ...] = ("acceptance", "voucher_claim")
    found = (uow.receivables.find(receivable_id_of(order_id, cause)) for cause in causes)
    return [each for each in found if each is not None]


def _ask_for_less(receivable: Receivable, uow: BillingUnitOfWork, now: datetime) -> None:
    for payment in uow.payments.of_order(receivable.order_id):
        if payment.receivable_id != receivable.receivable_id or not payment.missing:
            continue
        if payment.method == "card":
            withdraw(payment, uow)  # the institution was told another amount; the customer may open another
            continue
        payment.lower(receivable.takes, now)
        uow.payments.save(payment)
        if payment.state == "succeeded":
            announce_success(payment, payment.charge_id, uow=uow, now=now)
