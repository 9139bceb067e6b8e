"""A payment by the splitting channel: learning how its order there stands, in whatever order such news come."""

from datetime import datetime
from uuid import UUID

import structlog

from services.billing.domain.channel_order import ChannelOrderFacts
from services.billing.domain.payment import LIFECYCLE, Payment
from services.billing.use_cases import channel_order
from services.billing.use_cases.payment import announce_success, doubt, refuse
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.money import total

log = structlog.get_logger("channel_payment")


def learn(payment_id: UUID, facts: ChannelOrderFacts, *, uow: BillingUnitOfWork, now: datetime) -> str:
    """
    Apply how an order stands at the channel.

    Returns:
        What came of it, a word for the record.
    """
    payment = uow.payments.find(payment_id)
    if payment is None or payment.method != "platform_channel":
        log.error("an order at the channel belongs to no payment", payment_id=str(payment_id))
        return "not_ours"
    if facts.status == "open":
        outcome = channel_order.opened(payment, facts, uow=uow)
    elif facts.status == "closed":
        outcome = channel_order.closed(payment_id, uow=uow)
    elif facts.status == "released":
        outcome = _released(payment, facts, uow, now)
    else:
        outcome = _paid(payment, facts, uow, now)
    uow.payments.save(payment)
    return outcome


def not_made(payment_id: UUID, code: str, *, uow: BillingUnitOfWork) -> None:
    """The channel will not make the order on which it is paid."""
    channel_order.refused(payment_id, code, uow=uow)
    refuse(payment_id, code, "", uow=uow)


def _released(payment: Payment, facts: ChannelOrderFacts, uow: BillingUnitOfWork, now: datetime) -> str:
    # Refunds are locked before the order at the channel.
    refunds = [(made, made.part(payment.payment_id)) for made in uow.refunds.of_order(payment.order_id)]
    under_way = total(
        (made.money(part.amount) for made, part in refunds
         if part is not None and (part.route, part.state) == ("platform_channel", "sent")),
        payment.currency,
    )  # fmt: skip
    outcome = _paid(payment, facts, uow, now)
    if outcome == "in_doubt":
        return outcome
    return channel_order.released(payment.payment_id, facts.held, under_way, uow=uow, now=now)


def _paid(payment: Payment, facts: ChannelOrderFacts, uow: BillingUnitOfWork, now: datetime) -> str:
    if payment.state == "unknown":
        return "in_doubt"
    if facts.paid != payment.money:
        return doubt(payment, facts.paid, uow)
    if not channel_order.paid(payment, facts, uow=uow, now=now):
        return "nothing_new"
    payment.client_secret = None
    if LIFECYCLE.allows("succeed", payment.state):
        payment.receive(payment.missing, facts.transaction_id, now)
        announce_success(payment, facts.transaction_id, uow=uow, now=now)
    return "paid"
