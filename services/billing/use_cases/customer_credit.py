"""A customer's credit: used for another order of the same customer."""

from datetime import datetime

from services.billing.domain.customer_credit import CreditDiffers
from services.billing.domain.ledger import customer_credit
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.payment import announce_success, take
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.customer_credit import ApplyCustomerCredit, CreditApplied


def apply_customer_credit(
    command: ApplyCustomerCredit, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> CreditApplied:
    """
    Pay for an order with what its customer has left over.

    Raises:
        NotFound: The payment is none of this customer's.
        CreditDiffers: It waits for less, in another currency, or is a card's, which its institution collects.
        AccountOverdrawn: There is less credit.
    """
    require(actor, command.grants, {})
    payment = uow.payments.find(command.payment_id)
    if payment is None or payment.customer_id != command.customer_id:
        raise NotFound
    fits = payment.currency == command.amount.currency and command.amount.amount <= payment.missing
    if not fits or payment.method != "bank_transfer":
        raise CreditDiffers
    source = f"credit/{new_id()}"
    _, entries = take(payment, command.amount, source, customer_credit(payment.customer_id), uow=uow, now=now)
    uow.payments.save(payment)
    post_transaction(
        uow,
        key=source,
        kind="credit_applied",
        entries=entries,
        effective_at=now,
        now=now,
        order=(payment.order_id, payment.order_number),
    )
    if payment.state == "succeeded":
        announce_success(payment, source, uow=uow, now=now)
    return CreditApplied(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        order_number=payment.order_number,
        amount=command.amount,
        missing=Money(payment.missing, payment.currency),
    )
