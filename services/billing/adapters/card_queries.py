"""Reads of what happens at the payment institution."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.billing.adapters import card_tables, tables
from services.billing.adapters.card_repositories import chargeback_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.chargeback import Chargeback
from services.billing.domain.checkout import Checkout
from services.billing.domain.payout_channel import PayoutChannel
from services.billing.use_cases import chargeback, checkout, payout_channel
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.chargeback import (
    ChargebackPage,
    ChargebackView,
    GetChargeback,
    GetChargebackFile,
    ListChargebacks,
)
from services.shared.messages.billing.checkout import CheckoutView, GetCheckout
from services.shared.messages.billing.payout_channel import ListPayoutChannels, PayoutChannelPage
from services.shared.messages.billing.referral import EvidenceDocument


def get_checkout(query: GetCheckout, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> CheckoutView:
    del now
    pages, payments = card_tables.checkout, tables.payment
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


def get_chargeback(query: GetChargeback, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ChargebackView:
    del now
    require(actor, query.grants, {})
    return chargeback.view(_chargeback(query.chargeback_id, uow))


def get_chargeback_file(
    query: GetChargebackFile, *, actor: Actor, uow: BillingUnitOfWork, now: datetime,
    download_url: Callable[[str, str], str],
) -> EvidenceDocument:  # fmt: skip
    """*download_url*: key and file name → where the holder may fetch it."""
    del now
    require(actor, query.grants, {})
    file = _chargeback(query.chargeback_id, uow).files.get(query.name)
    if file is None or file.key is None:
        raise NotFound
    return EvidenceDocument(url=download_url(file.key, file.filename), sha256=file.sha256, size_bytes=file.size_bytes)


def _chargeback(chargeback_id: UUID, uow: BillingUnitOfWork) -> Chargeback:
    """Not locked. Raises NotFound."""
    table = card_tables.chargeback
    row = uow.connection.execute(select(table).where(table.c.chargeback_id == chargeback_id)).one_or_none()
    if row is None:
        raise NotFound
    return chargeback_of(row)


def list_chargebacks(query: ListChargebacks, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ChargebackPage:
    del now
    require(actor, query.grants, {})
    table = card_tables.chargeback
    statement = select(table)
    if query.undecided:
        statement = statement.where(table.c.state.in_(["inquiry", "needs_response", "under_review"]))
    rows, cursor = page(
        uow.connection, statement, (table.c.opened_at, table.c.chargeback_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return ChargebackPage(items=tuple(chargeback.view(chargeback_of(row)) for row in rows), next_cursor=cursor)


def list_payout_channels(
    query: ListPayoutChannels, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PayoutChannelPage:
    del now
    relation = require(actor, query.grants, {} if actor.operator else {"self": actor.organisation_id})
    table = card_tables.payout_channel
    statement = select(table)
    if relation == "self":
        statement = statement.where(table.c.party_id == actor.organisation_id)
    if query.party_id is not None:
        statement = statement.where(table.c.party_id == query.party_id)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (table.c.proposed_at, table.c.payout_channel_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return PayoutChannelPage(
        items=tuple(payout_channel.view(PayoutChannel(**row._mapping)) for row in rows), next_cursor=cursor
    )
