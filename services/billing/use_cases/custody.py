"""Custody: a bank keeps the customer's money until the provider, which sold, or the customer again has it."""

from datetime import datetime

from services.billing.domain.direct_payment import out_of_custody
from services.billing.domain.ledger import held_for
from services.billing.domain.order import OrderCopy
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.money import Money


def leave_custody(order: OrderCopy, at_most: Money, key: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """What custody still holds of *at_most* is not there any more. After acceptance the provider has it all."""
    if order.split_terms.collection_model != "agent_bank_custody":
        return
    held = uow.ledger.standing(held_for(order.order_id), order.currency)
    post_transaction(
        uow,
        key=key,
        kind="custody_left",
        entries=out_of_custody(order.order_id, Money(min(at_most.amount, held), order.currency)),
        effective_at=now,
        now=now,
        order=(order.order_id, order.number),
    )
