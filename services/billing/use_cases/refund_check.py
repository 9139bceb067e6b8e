"""Asking the payment institution about refunds that it took and has not settled."""

from datetime import datetime
from uuid import UUID

from services.billing.use_cases import janitor
from services.billing.use_cases.ports import BillingUnitOfWork

CHECK_TIMER = "check_card_refund"
CHANNEL_TIMER = "check_channel_refund"


def watch_card_refund(refund_id: UUID, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The institution says that a part of it is pending."""
    janitor.look_later(CHECK_TIMER, f"{refund_id}/0", 0, uow=uow, now=now)


def watch_channel_refund(number: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The splitting channel is asked for it, *number* being ours."""
    janitor.look_later(CHANNEL_TIMER, f"{number}/0", 0, uow=uow, now=now)


def check_channel_refund(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer, its subject our number and how often it was looked at: ask the channel about it while it is under way."""
    number, _, checks = subject.rpartition("/")
    refund_id, payment_id, turn = number.split("/")
    part = uow.refunds.get(UUID(refund_id)).part(UUID(payment_id))
    if part is not None and (part.route, part.state, part.turn) == ("platform_channel", "sent", int(turn)):
        asked = [{"object": "channel_refund", "id": number}]
        janitor.look(CHANNEL_TIMER, f"{number}/{int(checks) + 1}", int(checks) + 1, asked, uow=uow, now=now,
                     call=janitor.FETCH_CHANNEL)  # fmt: skip


def check_card_refund(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer, its subject the refund and how often it was looked at: ask about every part that is under way."""
    refund_id, _, checks = subject.partition("/")
    made = uow.refunds.get(UUID(refund_id))
    waiting = sorted({part.charge_id for part in made.parts if part.route == "card" and part.state == "sent"})
    if waiting:
        asked = [{"object": "charge", "id": charge_id} for charge_id in waiting]
        after = f"{refund_id}/{int(checks) + 1}"
        janitor.look(CHECK_TIMER, after, int(checks) + 1, asked, uow=uow, now=now)
