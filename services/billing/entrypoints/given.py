"""What use cases of billing are given of the settings, beside the command."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar

from services.billing.adapters.channel_notices import ChannelNotices
from services.billing.adapters.stripe_events import StripeWebhooks, secrets_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.config import BillingSettings, settings
from services.billing.domain.payment import Instructions
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.actor import Actor
from services.shared.messages.base import Command, Query

T = TypeVar("T")


@cache
def store() -> ObjectStore:
    own = settings()
    return ObjectStore(str(own.object_store_url), own.bucket, own.records_bucket)


def webhooks(own: BillingSettings) -> StripeWebhooks:
    return StripeWebhooks(secrets_of(own.stripe_webhook_secret), SystemClock(), live=own.stripe_live)


def notices(own: BillingSettings) -> ChannelNotices:
    return ChannelNotices(secrets_of(own.channel_webhook_secret))


def instructions(own: BillingSettings) -> Instructions:
    return Instructions(own.bank_account_name, own.bank_account_number, own.bank_name)


def given(use_case: Callable[..., T], **wants: Callable[[BillingSettings], object]) -> Callable[..., T]:
    """*use_case* with what it *wants* of the settings, which are read when it is called."""

    def asked(wanted: Command | Query, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> T:
        own = settings()
        return use_case(wanted, actor=actor, uow=uow, now=now, **{name: of(own) for name, of in wants.items()})

    return asked


OWN_ACCOUNT = {"own_account": lambda own: own.bank_account_number}
STATEMENT = {**OWN_ACCOUNT, "psp_names": lambda own: own.psp_names}
COOLING_OFF = {"cooling_off": lambda own: timedelta(days=own.payout_cooling_off_days)}
PAYMENT_DAYS = {
    "payment_days": lambda own: own.small_enterprise_payment_days,
    "notice_days": lambda own: own.small_enterprise_notice_days,
}
CREDIT_TERMS = {"block_overdue_days": lambda own: own.credit_block_overdue_days}
OVERDUE = {"overdue_after": lambda own: timedelta(days=own.reconciliation_overdue_days)}
DOWNLOADS = {"download_url": lambda _: store().download_url}
