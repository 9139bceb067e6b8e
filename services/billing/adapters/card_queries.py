"""Reads of what happens at the payment institution."""

from datetime import datetime

from sqlalchemy import select

from services.billing.adapters import tables
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.checkout import Checkout
from services.billing.use_cases import checkout
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.checkout import CheckoutView, GetCheckout


def get_checkout(query: GetCheckout, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> CheckoutView:
    del now
    pages, payments = tables.checkout, tables.payment
    row = uow.connection.execute(
        select(pages, payments.c.customer_id)
        .join(payments, payments.c.payment_id == pages.c.payment_id)
        .where(pages.c.checkout_id == query.checkout_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    fields = dict(row._mapping)
    require(actor, query.grants, {"customer": fields.pop("customer_id")})
    return checkout.view(Checkout(**fields))
