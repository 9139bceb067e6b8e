"""Direct payments: what the provider, or a bank's custody, says of money that never was ours."""

from datetime import datetime

from services.billing.domain.direct_payment import (
    ConfirmedAlready,
    DirectMovement,
    MoreThanAsked,
    NotPaidDirectly,
    check_day,
    into_custody,
)
from services.billing.domain.order import OrderCopy
from services.billing.domain.payment import Payment
from services.billing.use_cases.custody import leave_custody
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.payment import announce_success
from services.billing.use_cases.payment import view as payment_view
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.refund import view as refund_view
from services.billing.use_cases.refund_payment import given_back_by_provider
from services.shared.kernel.actor import Actor, Grants, hand_of, require
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.direct_payment import ConfirmDirectPayment, ConfirmDirectRefund
from services.shared.messages.billing.payment import PaymentView
from services.shared.messages.billing.refund import RefundView


def confirm_direct_payment(
    command: ConfirmDirectPayment, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PaymentView:
    """
    The customer's money is there.

    Raises:
        NotFound: The order is none of the asker's.
        NotAllowed: Somebody else has the money.
        NotPaidDirectly, ConfirmedAlready, MoreThanAsked, CurrencyMismatch
        MovedOutOfTime: See `check_day`.
    """
    order = uow.orders.find(command.order_id)
    _check_holder(actor, command.grants, order)
    if order is None:
        raise NotFound
    check_day(command.received_on, order.contracted_at, now)
    payment = _payment(order, uow)
    if payment is None or not payment.missing:
        raise NotPaidDirectly
    left = Money(payment.missing, payment.currency) - command.amount  # refuses another currency
    if left.amount < 0:
        raise MoreThanAsked(missing=payment.missing)
    movement = DirectMovement(
        movement_id=new_id(), payment_id=payment.payment_id, order_id=order.order_id, direction="in",
        amount=command.amount.amount, currency=payment.currency, reference=command.reference,
        moved_on=command.received_on, confirmed_by=hand_of(actor), confirmed_at=now,
    )  # fmt: skip
    if not uow.direct_movements.add(movement):
        raise ConfirmedAlready
    payment.receive(command.amount.amount, command.reference, now)
    uow.payments.save(payment)
    if order.split_terms.collection_model == "agent_bank_custody":
        post_transaction(
            uow,
            key=f"custody:{movement.movement_id}",
            kind="custody_paid",
            entries=into_custody(order.order_id, command.amount),
            effective_at=now,
            now=now,
            order=(order.order_id, order.number),
        )
    if payment.state == "succeeded":
        announce_success(payment, command.reference, uow=uow, now=now)
    return payment_view(payment, for_customer=False)


def confirm_direct_refund(
    command: ConfirmDirectRefund, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> RefundView:
    """
    The customer has its money back.

    Raises:
        NotFound: The refund is of no order of the asker's.
        NotAllowed: Somebody else has the money.
        NotPaidDirectly: Nothing of it waits for that.
        ConfirmedAlready
        MovedOutOfTime: See `check_day`.
    """
    order = uow.orders.of_refund(command.refund_id)
    _check_holder(actor, command.grants, order)
    check_day(command.paid_on, order.contracted_at, now)
    uow.payments.of_order(order.order_id)
    made = uow.refunds.get(command.refund_id)
    part = next((each for each in made.parts if (each.route, each.state) == ("direct_transfer", "sent")), None)
    if part is None:
        raise NotPaidDirectly
    movement = DirectMovement(
        movement_id=new_id(), payment_id=part.payment_id, order_id=order.order_id, direction="out", amount=part.amount,
        currency=made.currency, reference=command.reference, moved_on=command.paid_on, confirmed_by=hand_of(actor),
        confirmed_at=now,
    )  # fmt: skip
    if not uow.direct_movements.add(movement):
        raise ConfirmedAlready
    given_back_by_provider(made, part, command.reference, uow=uow, now=now)
    uow.refunds.save(made)
    leave_custody(order, made.money(part.amount), f"custody:{movement.movement_id}", uow=uow, now=now)
    return refund_view(made)


def _check_holder(actor: Actor, grants: Grants, order: OrderCopy | None) -> None:
    """What the provider has only the provider confirms; what custody has the company does, by the bank's word."""
    relation = require(actor, grants, {"provider": order.provider_id if order is not None else None})
    in_custody = order is not None and order.split_terms.collection_model == "agent_bank_custody"
    if relation != ("operator" if in_custody else "provider"):
        raise NotAllowed


def _payment(order: OrderCopy, uow: BillingUnitOfWork) -> Payment | None:
    return next((each for each in uow.payments.of_order(order.order_id) if each.method == "direct_transfer"), None)
