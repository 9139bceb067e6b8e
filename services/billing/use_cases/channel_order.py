"""
Payment by the splitting channel: its order is made, paid, closed, and let go by the channel when its time is over.

What the channel holds is never ours: it stands in memo accounts, and the payment's state is all that the order sees.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.billing.domain import ledger
from services.billing.domain.channel_order import LIFECYCLE, ChannelOrder, ChannelOrderFacts, paid_in, paid_out
from services.billing.domain.payment import CHECK_DELAYS, Payment
from services.billing.use_cases import janitor
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.money import Money
from services.shared.messages.billing.channel_order import ChannelOrderReleased, ChannelOrderReleaseDue

log = structlog.get_logger("channel_order")

CHECK_TIMER = "check_channel_order"
RELEASE_TIMER = "channel_order_release"
WARN_BEFORE = timedelta(days=14)


def make(payment: Payment, payee_id: UUID, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The channel is asked for an order on which the customer can pay *payment*, which was stored just now."""
    made = ChannelOrder(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        order_number=payment.order_number,
        payee_id=payee_id,
        currency=payment.currency,
        amount=payment.amount,
        state="created",
        opened_at=now,
    )
    if not uow.channel_orders.add(made):
        return
    uow.call_outside(
        "create_channel_order",
        f"channel_order:{payment.payment_id}",
        {
            "payment_id": str(payment.payment_id),
            "payee": str(payee_id),
            "amount": payment.amount,
            "currency": payment.currency,
            "description": payment.order_number,
        },
    )
    janitor.look_later(CHECK_TIMER, payment.payment_id, 0, uow=uow, now=now)


def close(payment_id: UUID, *, uow: BillingUnitOfWork) -> None:
    """Nobody is to pay it any more."""
    made = uow.channel_orders.find(payment_id)
    if made is None or not LIFECYCLE.allows("close", made.state):
        return
    made.close()
    uow.channel_orders.save(made)
    _close_there(made, "", uow)


def opened(payment: Payment, facts: ChannelOrderFacts, *, uow: BillingUnitOfWork) -> str:
    """The channel knows it. Where it was closed here meanwhile, it is closed there too."""
    made = uow.channel_orders.find(payment.payment_id)
    if made is None:
        return "not_ours"
    if LIFECYCLE.allows("open", made.state):
        made.open(facts.code_url)
        uow.channel_orders.save(made)
        payment.known_to_institution(str(payment.payment_id), facts.code_url)
        return "open"
    if made.state == "closed":
        _close_there(made, ":late", uow)
    return made.state


def closed(payment_id: UUID, *, uow: BillingUnitOfWork) -> str:
    """It is closed there."""
    made = uow.channel_orders.find(payment_id)
    if made is not None and LIFECYCLE.allows("close", made.state):
        made.close()
        uow.channel_orders.save(made)
    return "closed"


def refused(payment_id: UUID, code: str, *, uow: BillingUnitOfWork) -> None:
    """The channel will not make it."""
    made = uow.channel_orders.find(payment_id)
    if made is not None and LIFECYCLE.allows("fail", made.state):
        made.fail(code)
        uow.channel_orders.save(made)


def paid(payment: Payment, facts: ChannelOrderFacts, *, uow: BillingUnitOfWork, now: datetime) -> bool:
    """
    It is paid, exactly. Where nobody waits for the money any more, all of it goes back.

    Returns:
        Whether that is news and *payment* was waiting for it.
    """
    made = uow.channel_orders.find(payment.payment_id)
    if made is None or not LIFECYCLE.allows("pay", made.state):
        return False
    made.pay(facts.transaction_id, facts.paid_at or now)
    made.late = made.late or payment.state == "cancelled"
    uow.channel_orders.save(made)
    _post(made, f"channel:{facts.transaction_id}", "channel_paid", paid_in(made.order_id, made.money), uow, now)
    if made.late:
        log.warning("paid after it was given up; it goes back", order=made.order_number)
        uow.call_outside("create_channel_refund", f"channel_refund:late:{made.payment_id}", _late_refund(made))
        uow.set_timer(RELEASE_TIMER, f"{made.payment_id}/late", now + CHECK_DELAYS[0])
        return False
    if made.released_at is not None:
        uow.set_timer(RELEASE_TIMER, f"{made.payment_id}/warn", made.released_at - WARN_BEFORE)
        uow.set_timer(RELEASE_TIMER, f"{made.payment_id}/over", made.released_at + timedelta(minutes=5))
    return True


def released(
    payment_id: UUID, still_held: Money, under_way: Money, *, uow: BillingUnitOfWork, now: datetime
) -> str:  # fmt: skip
    """
    The channel gave the provider all that was not split by the end of its time, but what refunds under way take
    (*still_held*). What was our share is owed.

    Where they take another sum as we know them (*under_way*), one has come to an end there that is to be learned first,
    or has here since the channel was asked: what it took would be booked as the provider's, or as held for ever.
    """
    made = uow.channel_orders.find(payment_id)
    if made is None or not LIFECYCLE.allows("release", made.state):
        return "nothing_new"
    if under_way != still_held:
        uow.set_timer(RELEASE_TIMER, f"{payment_id}/over", now + CHECK_DELAYS[2])
        return "refund_unclear"
    made.release()
    uow.channel_orders.save(made)
    given = standing(made.order_id, made.currency, uow) - still_held
    _post(made, f"channel:{made.transaction_id}:released", "channel_released", paid_out(made.order_id, given), uow, now)
    log.error("the channel let unsplit money go to the provider", order=made.order_number, amount=str(given))
    uow.publish(
        ChannelOrderReleased(
            order_id=made.order_id, order_number=made.order_number, payment_id=made.payment_id,
            provider_id=made.payee_id, amount=given, released_at=now,
        )
    )  # fmt: skip
    return "released"


def late_refund_settled(
    payment_id: UUID, *, failure: str, from_held: int, uow: BillingUnitOfWork, now: datetime
) -> str:  # fmt: skip
    """What was paid too late has gone back, or cannot (*failure*): then a person must look."""
    made = uow.channel_orders.find(payment_id)
    if made is None or not made.late or made.state != "paid":
        return "nothing_new"
    if failure:
        log.error("what was paid too late does not go back", order=made.order_number, failure=failure)
        made.failure = failure
        uow.channel_orders.save(made)
        return "failed"
    made.settle()
    uow.channel_orders.save(made)
    out = paid_out(made.order_id, Money(from_held, made.currency))
    _post(made, f"channel:{made.transaction_id}:late_refund", "channel_refund", out, uow, now)
    return "refunded"


def gone_back(order_id: UUID, amount: Money, key: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """A refund has taken *amount* out of what the channel held for an order."""
    made = uow.channel_orders.of_order(order_id)
    if made is None:
        return
    _post(made, key, "channel_refund", paid_out(order_id, amount), uow, now)
    settle_if_empty(order_id, uow=uow)


def settle_if_empty(order_id: UUID, *, uow: BillingUnitOfWork) -> None:
    """It is settled with the last fen: what a refund under way takes is held until then, whatever was split."""
    made = uow.channel_orders.of_order(order_id)
    if made is not None and made.state == "paid" and not standing(order_id, made.currency, uow).amount:
        made.settle()
        uow.channel_orders.save(made)


def check_channel_order(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: ask the channel about a payment that has not come to an end here."""
    made = uow.channel_orders.find(UUID(subject))
    if made is None or made.state not in {"created", "open", "closed"} or made.checks > len(CHECK_DELAYS):
        return  # the customer has not paid, which is no fault of anybody's
    made.checks += 1
    uow.channel_orders.save(made)
    if made.checks <= len(CHECK_DELAYS):
        _look(CHECK_TIMER, made, f"{made.checks}", uow)
        janitor.look_later(CHECK_TIMER, subject, made.checks, uow=uow, now=now)


def check_release(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: the channel's time to hold an order's money is nearly over, or over."""
    payment_id, _, what = subject.partition("/")
    made = uow.channel_orders.find(UUID(payment_id))
    if made is None or made.state != "paid" or made.released_at is None:
        return
    if what == "over":
        _look(RELEASE_TIMER, made, f"over:{now.isoformat()}", uow)
        return
    if what == "late":
        if not made.failure:
            asked = {"object": "channel_refund", "id": f"late/{made.payment_id}"}
            uow.call_outside(janitor.FETCH_CHANNEL, f"late_refund:{made.payment_id}:{now.isoformat()}", asked)
            uow.set_timer(RELEASE_TIMER, subject, now + CHECK_DELAYS[-1])
        return
    log.error("the channel will let unsplit money go", order=made.order_number, at=made.released_at.isoformat())
    uow.publish(
        ChannelOrderReleaseDue(
            order_id=made.order_id, order_number=made.order_number, payment_id=made.payment_id,
            provider_id=made.payee_id, amount=standing(made.order_id, made.currency, uow),
            released_at=made.released_at,
        )
    )  # fmt: skip


def standing(order_id: UUID, currency: str, uow: BillingUnitOfWork) -> Money:
    """What the channel holds for an order."""
    return Money(uow.ledger.standing(ledger.held_for(order_id), currency), currency)


def _look(timer: str, made: ChannelOrder, turn: str, uow: BillingUnitOfWork) -> None:
    asked = {"object": "channel_order", "id": str(made.payment_id)}
    uow.call_outside(janitor.FETCH_CHANNEL, f"{timer}:{made.payment_id}:{turn}", asked)


def _close_there(made: ChannelOrder, turn: str, uow: BillingUnitOfWork) -> None:
    payload = {"payment_id": str(made.payment_id)}
    uow.call_outside("close_channel_order", f"close_channel_order:{made.payment_id}{turn}", payload)


def _late_refund(made: ChannelOrder) -> dict[str, object]:
    return {
        "number": f"late/{made.payment_id}",
        "payment_id": str(made.payment_id),
        "amount": made.amount,
        "currency": made.currency,
    }


def _post(made: ChannelOrder, key: str, kind: str, entries: tuple[ledger.Entry, ...], uow: BillingUnitOfWork,
          now: datetime) -> None:  # fmt: skip
    order = (made.order_id, made.order_number)
    post_transaction(uow, key=key, kind=kind, entries=entries, effective_at=now, now=now, order=order)
