"""Checkouts: sending a customer to the institution's page, and learning what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import structlog

from services.billing.domain.checkout import LIFECYCLE, Checkout, check_return_address
from services.billing.domain.payment import NotPayableByCard, Payment
from services.billing.use_cases import janitor
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.checkout import CheckoutView, OpenCheckout

log = structlog.get_logger("checkout")

CHECK_TIMER = "check_checkout"


@dataclass(frozen=True)
class SessionFacts:
    """
    How a checkout session stands at the institution, fetched just now.

    Attributes:
        intent_id: Of the payment intent that was paid on it; empty before.
    """

    session_id: str
    status: Literal["open", "complete", "expired"]
    url: str
    expires_at: datetime
    intent_id: str


def open_checkout(
    command: OpenCheckout, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, portal: str
) -> CheckoutView:
    """
    A page to pay on; the one that is open already where it serves.

    Raises:
        ReturnAddressForeign: The customer would come back to another site.
        NotPayableByCard: It is paid, cancelled, or not paid by card.
    """
    payment = uow.payments.find(command.payment_id)
    if payment is None:
        raise NotFound
    require(actor, command.grants, {"customer": payment.customer_id})
    check_return_address(command.success_url, portal)
    check_return_address(command.cancel_url, portal)
    if not payment.payable_by_card:
        raise NotPayableByCard
    former = uow.checkouts.current(payment.payment_id)
    if former is not None and former.serves(command.success_url, command.cancel_url, now):
        return view(former)
    if former is not None:
        former.expire()
        uow.checkouts.save(former)
    checkout = Checkout(new_id(), payment.payment_id, "created", command.success_url, command.cancel_url, now)
    uow.checkouts.add(checkout)
    _make(checkout, former, payment, uow)
    janitor.look_later(CHECK_TIMER, checkout.checkout_id, 0, uow=uow, now=now)
    return view(checkout)


def learn(checkout_id: UUID | None, payment_id: UUID | None, facts: SessionFacts, *, uow: BillingUnitOfWork) -> str:
    """
    Apply how a session stands, in whatever order such news come. What was paid on it is told by its payment intent.

    Returns:
        What came of it, a word for the record.
    """
    payment = uow.payments.find(payment_id) if payment_id is not None else None
    checkout = uow.checkouts.find(checkout_id) if checkout_id is not None else None
    if payment is None or checkout is None or checkout.payment_id != payment.payment_id:
        log.error("checkout session belongs to no checkout", session=facts.session_id)
        return "not_ours"
    if facts.status == "complete":
        if LIFECYCLE.allows("complete", checkout.state):
            checkout.complete(facts.session_id)
        if facts.intent_id:
            uow.call_outside(
                "fetch_stripe_object",
                f"checkout:{checkout.checkout_id}:paid",
                {"object": "payment_intent", "id": facts.intent_id},
            )
    elif facts.status == "expired" and LIFECYCLE.allows("expire", checkout.state):
        checkout.expire()
    elif facts.status == "open" and LIFECYCLE.allows("open", checkout.state) and payment.payable_by_card:
        checkout.open(facts.session_id, facts.url, facts.expires_at)
    elif facts.status == "open":
        # It was made too late: given up meanwhile, or the payment has come to its end on another way.
        checkout.session_id = facts.session_id
        _close(checkout, uow)
    uow.checkouts.save(checkout)
    return checkout.state


def not_made(checkout_id: UUID, failure: str, *, uow: BillingUnitOfWork) -> None:
    """The institution will not make the page, or the payment was paid on the one before."""
    checkout = uow.checkouts.find(checkout_id)
    if checkout is not None and LIFECYCLE.allows("fail", checkout.state):
        checkout.fail(failure)
        uow.checkouts.save(checkout)


def close_open(payment_id: UUID, *, uow: BillingUnitOfWork, paid_on: UUID | None = None) -> None:
    """The payment has come to its end: nobody is to pay on its page any more, unless it was paid just there."""
    checkout = uow.checkouts.current(payment_id)
    if checkout is not None and checkout.checkout_id != paid_on:
        _close(checkout, uow)
        uow.checkouts.save(checkout)


def check_checkout(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: ask the institution about a page that we were told nothing of."""
    checkout = uow.checkouts.find(UUID(subject))
    if checkout is None or checkout.over:
        return
    checkout.checks += 1
    uow.checkouts.save(checkout)
    asked = [{"object": "checkout.session", "id": checkout.session_id}] if checkout.session_id is not None else []
    janitor.look(CHECK_TIMER, checkout.checkout_id, checkout.checks, asked, uow=uow, now=now)


def view(checkout: Checkout) -> CheckoutView:
    return CheckoutView(
        checkout_id=checkout.checkout_id,
        payment_id=checkout.payment_id,
        state=checkout.state,
        url=checkout.url,
        expires_at=checkout.expires_at,
        failure=checkout.failure,
    )


def _make(checkout: Checkout, former: Checkout | None, payment: Payment, uow: BillingUnitOfWork) -> None:
    uow.call_outside(
        "create_checkout_session",
        f"checkout_session:{checkout.checkout_id}",
        {
            "checkout_id": str(checkout.checkout_id),
            "former_session_id": former.session_id if former is not None else None,
            "payment_id": str(payment.payment_id),
            "order_id": str(payment.order_id),
            "order_number": payment.order_number,
            "amount": payment.amount,
            "currency": payment.currency,
            "success_url": checkout.success_url,
            "cancel_url": checkout.cancel_url,
        },
    )


def _close(checkout: Checkout, uow: BillingUnitOfWork) -> None:
    if LIFECYCLE.allows("expire", checkout.state):
        checkout.expire()
    if checkout.session_id is not None:
        uow.call_outside(
            "expire_checkout_session",
            f"expire_checkout_session:{checkout.checkout_id}",
            {"checkout_id": str(checkout.checkout_id), "session_id": checkout.session_id},
        )
