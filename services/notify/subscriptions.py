"""
What notify listens to, what it does then, and what it does outside.

Which events people are told of stands in `domain/notification.AUDIENCES`, which ones go into the feed
in `domain/feed.FEED`: the lines for these are made from the tables, so that nothing is in one and not
in the other.
"""

from services.notify.adapters.mail import Mailer
from services.notify.adapters.webhook_sender import WebhookSender
from services.notify.config import NotifySettings
from services.notify.domain.feed import FEED
from services.notify.domain.notification import AUDIENCES
from services.notify.use_cases import feed, notification, organisation, reference, webhook_endpoint
from services.shared.chassis import database
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.definition import OutsideCall, Subscription, Work, on
from services.shared.messages.billing.settlement import SettlementClosed, SettlementPayable
from services.shared.messages.identity.member import MemberJoined, MemberRemoved
from services.shared.messages.identity.organisation import (
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationVerified,
)
from services.shared.messages.orders.order import OrderPlaced
from services.shared.messages.registry import events


def subscriptions() -> tuple[Subscription, ...]:
    """
    Copies first, because texts need them; then the feed; then people.

    Where an event is in the feed, a parked one holds its stream up: a view must not lack what a later
    entry builds on. Elsewhere later events pass.
    """
    known = events()
    return (
        on(OrganisationRegistered, organisation.keep_copy, pass_over_parked=True),
        on(OrganisationVerified, organisation.keep_copy, pass_over_parked=True),
        on(OrganisationChanged, organisation.keep_copy, pass_over_parked=True),
        on(MemberJoined, organisation.keep_member, pass_over_parked=True),
        on(MemberRemoved, organisation.forget_member, pass_over_parked=True),
        on(OrderPlaced, reference.keep_order),
        on(SettlementClosed, reference.keep_settlement),
        on(SettlementPayable, reference.keep_settlement),
        *(on(known[name], feed.append) for name in FEED),
        *(on(known[name], notification.tell, pass_over_parked=name not in FEED) for name in AUDIENCES),
    )


def work(settings: NotifySettings) -> Work:
    """What `work` runs for notify."""
    # What a call needs is read when it is made; one connection, because calls are made one after the other.
    engine = database.engine(settings.database_url, name="work notify outside", pool_size=1)
    mailer = Mailer(engine, settings.smtp_url, settings.mail_from, settings.public_url)
    sender = WebhookSender(engine, SystemClock(), allow_insecure=settings.allow_insecure_webhooks)
    return Work(
        subscriptions=subscriptions(),
        outside_calls=(
            OutsideCall(notification.SEND_MAIL, mailer),
            OutsideCall(webhook_endpoint.DELIVER_WEBHOOK, sender, webhook_endpoint.record_answer),
        ),
        timers={
            webhook_endpoint.SEND_WEBHOOKS: webhook_endpoint.send_new,
            webhook_endpoint.RETRY_WEBHOOKS: webhook_endpoint.send_again,
        },
    )
