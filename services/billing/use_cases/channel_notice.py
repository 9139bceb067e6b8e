"""Notices of the splitting channel: stored and swept beside Stripe's webhooks; what they are about is fetched anew."""

from collections.abc import Callable
from datetime import datetime

from services.billing.use_cases.ports import BillingUnitOfWork, VerifiedEvent
from services.billing.use_cases.stripe_event import store
from services.shared.kernel.actor import Actor, require
from services.shared.messages.billing.payment import StripeEventReceipt
from services.shared.messages.billing.split_order import RecordChannelNotice

VerifyNotice = Callable[[RecordChannelNotice], VerifiedEvent]
"""Raises NoticeInvalid."""


def record_channel_notice(
    command: RecordChannelNotice, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, verify: VerifyNotice
) -> StripeEventReceipt:
    """
    Store a notice and ask for what it is about to be fetched, in one transaction: none is stored and forgotten.

    Raises:
        NoticeInvalid: It did not come from the channel, or not just now.
    """
    require(actor, command.grants, {})
    return store(verify(command), command.body, uow=uow, now=now)
