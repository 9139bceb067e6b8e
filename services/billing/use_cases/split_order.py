"""
Split orders (分账单): the splitting channel is told what of a payment is ours, and what of it goes back.

Whoever calls books what the provider owes by it in the same transaction: `A:ar:provider` is debited with the
commission at acceptance and credited with a return at a refund; what the channel does then settles that.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from services.billing.domain import ledger
from services.billing.domain.channel_order import ChannelOrder
from services.billing.domain.commission_debt import split_key
from services.billing.domain.order import OrderCopy, compensation
from services.billing.domain.split_order import (
    LIFECYCLE,
    TOO_LATE,
    ReturnExceedsSplit,
    ReturnFacts,
    SplitFacts,
    SplitOrder,
    SplitOtherwise,
    SplitReturn,
    commission_returned,
    commission_split,
)
from services.billing.use_cases import channel_order, commission_debt, janitor, refund_payment
from services.billing.use_cases.clawback import owe
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.channel import check_split
from services.shared.kernel.errors import NotFound, Refused
from services.shared.kernel.money import Money
from services.shared.messages.billing.commission import SellerPaid
from services.shared.messages.billing.split_order import (
    RetrySplitReturn,
    SplitFailed,
    SplitFinished,
    SplitReturnFailed,
    SplitReturnView,
)

log = structlog.get_logger("split_order")

CHECK_TIMER = "check_split_order"
CHECK_RETURN_TIMER = "check_split_return"


class NotPaidThere(Exception):
    """The channel holds nothing of an order that is to be split: somebody must look before its commission is booked."""


def request_split(order: OrderCopy, *, commission: Money, uow: BillingUnitOfWork, now: datetime) -> SplitOrder:
    """
    The work of *order* is accepted: *commission* (C + T_c, may be nothing) is ours of what the channel holds, the rest
    goes to the provider. Once for each order; a second time does nothing.

    Where the channel cannot do it (it has let the money go to the provider, or the commission is above its limit) the
    split has failed at once, and the provider owes the commission: what it is owed next is netted against it.

    Args:
        order: Locked.
        commission: In the order's currency. The caller debits `A:ar:provider` with it, in this transaction.
        uow: That transaction.
        now: When it is accepted.

    Raises:
        SplitOtherwise: It is split already, with another commission.
        NotPaidThere: The channel holds nothing for it: a bug, or an order that was released unpaid.
    """
    held = uow.channel_orders.of_order(order.order_id)
    if held is None or held.paid_at is None or held.late:
        raise NotPaidThere(order.number)
    made = SplitOrder(
        order_id=order.order_id, order_number=order.number, payment_id=held.payment_id, provider_id=held.payee_id,
        currency=order.currency, amount=commission.amount, state="requested", requested_at=now,
    )  # fmt: skip
    if not uow.split_orders.add(made):
        return _same(order.order_id, commission, uow)
    reason = _impossible(held, commission)
    if reason:
        _fail(made, reason, uow, now)
        uow.split_orders.save(made)
        return made
    uow.call_outside(
        "create_channel_split",
        f"channel_split:{order.order_id}",
        {
            "order_id": str(order.order_id),
            "payment_id": str(held.payment_id),
            "transaction_id": held.transaction_id,
            "amount": commission.amount,
            "currency": commission.currency,
        },
    )
    janitor.look_later(CHECK_TIMER, order.order_id, 0, uow=uow, now=now)
    return made


def request_return(
    order: OrderCopy, *, amount: Money, refund_id: UUID, uow: BillingUnitOfWork, now: datetime
) -> SplitReturn:
    """
    A refund takes *amount* of the commission: it goes back from our balance at the channel to the provider's. Once for
    each refund; a second time does nothing. Before the split is finished it waits for that.

    That our balance is too low, because we have withdrawn it, is a normal outcome: it has failed then, the provider is
    owed it, and finance tries again. Where it is too long ago, the provider's next statement pays it. Where the split
    had failed it is `netted`: the caller takes it off what the provider owes.

    Args:
        order: Locked.
        amount: C + T_c that the refund takes, above zero. The caller credits `A:ar:provider` with it.
        refund_id: Because of which.
        uow: The transaction in which the caller posts.
        now: When.

    Raises:
        SplitOtherwise: The refund is returned already, with another amount.
        ReturnExceedsSplit: More than is left of the split.
        NotPaidThere: The order was never split: a bug.
    """
    split = uow.split_orders.find(order.order_id)
    if split is None:
        raise NotPaidThere(order.number)
    Money(split.amount, split.currency) - amount  # refuses another currency
    earlier = uow.split_orders.returns_of(order.order_id)
    same = next((each for each in earlier if each.refund_id == refund_id), None)
    if same is not None:
        if same.money != amount:
            raise SplitOtherwise
        return same
    left = split.amount - sum(each.amount for each in earlier)
    if amount.amount > left:
        raise ReturnExceedsSplit(left=left)
    made = SplitReturn(
        refund_id=refund_id, order_id=order.order_id, order_number=order.number, provider_id=split.provider_id,
        currency=split.currency, amount=amount.amount, state="processing", requested_at=now,
    )  # fmt: skip
    uow.split_orders.add_return(made)
    if split.state == "finished":
        _send_return(made, uow, now)
    elif split.state == "failed":
        made.net(now)
    uow.split_orders.save_return(made)
    return made


def learn_split(order_id: UUID, facts: SplitFacts, *, uow: BillingUnitOfWork, now: datetime) -> str:
    """
    Apply how a split stands at the channel, in whatever order such news come.

    Returns:
        What came of it, a word for the record.
    """
    _lock(order_id, uow)
    made = uow.split_orders.find(order_id)
    if made is None:
        log.error("a split that we did not ask for", order_id=str(order_id))
        return "not_ours"
    if made.state in {"finished", "failed"}:
        return "nothing_new"
    if facts.status == "processing":
        made.process()
        outcome = "processing"
    elif facts.status == "failed":
        _fail(made, facts.failure, uow, now)
        outcome = "failed"
    elif facts.commission != made.money:
        log.error("split otherwise than asked", order=made.order_number, asked=str(made.money),
                  split=str(facts.commission))  # fmt: skip
        return "in_doubt"
    else:
        _finish(made, facts, uow, now)
        outcome = "finished"
    uow.split_orders.save(made)
    return outcome


def split_refused(order_id: UUID, code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The channel will never make this split."""
    _lock(order_id, uow)
    made = uow.split_orders.find(order_id)
    if made is not None and LIFECYCLE.allows("fail", made.state):
        _fail(made, code, uow, now)
        uow.split_orders.save(made)


def learn_return(refund_id: UUID, n: int, facts: ReturnFacts, *, uow: BillingUnitOfWork, now: datetime) -> str:
    """Apply how the *n*th try of a return stands at the channel. Returns what came of it, a word for the record."""
    order_id = uow.split_orders.order_of_return(refund_id)
    if order_id is not None:
        _lock(order_id, uow)
    made = uow.split_orders.find_return(refund_id)
    if made is None:
        log.error("a split return that we did not ask for", refund_id=str(refund_id))
        return "not_ours"
    if made.n != n or facts.status == "processing" or made.state != "processing":
        return "nothing_new"
    if facts.amount != made.money:
        log.error("returned otherwise than asked", order=made.order_number, returned=str(facts.amount))
        return "in_doubt"
    if facts.status == "success":
        made.succeed(now)
        _post_return(made, commission_returned(made.provider_id, made.money), uow, now)
    elif facts.failure == TOO_LATE:
        _return_by_statement(made, uow, now)
    else:
        _fail_return(made, facts.failure, uow)
    uow.split_orders.save_return(made)
    _send_refund(made, uow, now)
    return made.state


def retry_split_return(
    command: RetrySplitReturn, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> SplitReturnView:  # fmt: skip
    """
    Our balance at the channel is enough now: try again what failed.

    Raises:
        NotFound: Nothing was to be returned because of this refund.
        WrongState: It has not failed.
    """
    require(actor, command.grants, {})
    made = uow.split_orders.find_return(command.refund_id)
    if made is None:
        raise NotFound
    made.retry()
    _send_return(made, uow, now)
    uow.split_orders.save_return(made)
    return SplitReturnView(
        refund_id=made.refund_id, order_id=made.order_id, order_number=made.order_number, amount=made.money,
        state=made.state, failure=made.failure,
    )  # fmt: skip


def check_split_order(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: ask the channel about a split that has not come to an end here."""
    made = uow.split_orders.find(UUID(subject))
    if made is None or made.state in {"finished", "failed"}:
        return
    made.checks += 1
    uow.split_orders.save(made)
    asked = [{"object": "channel_split", "id": subject}]
    janitor.look(CHECK_TIMER, subject, made.checks, asked, uow=uow, now=now, call=janitor.FETCH_CHANNEL)


def check_split_return(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: ask the channel about a return that has not come to an end here."""
    made = uow.split_orders.find_return(UUID(subject))
    if made is None or made.state != "processing" or not made.sent:
        return
    made.checks += 1
    uow.split_orders.save_return(made)
    asked = [{"object": "channel_return", "id": made.number}]
    janitor.look(CHECK_RETURN_TIMER, subject, made.checks, asked, uow=uow, now=now, call=janitor.FETCH_CHANNEL)


def _lock(order_id: UUID, uow: BillingUnitOfWork) -> None:
    """In the order of locks: what becomes of a split lets refunds go, and takes from what is held."""
    uow.orders.find(order_id)
    uow.refunds.of_order(order_id)
    uow.channel_orders.of_order(order_id)


def _same(order_id: UUID, commission: Money, uow: BillingUnitOfWork) -> SplitOrder:
    made = uow.split_orders.find(order_id)
    if made is None or made.money != commission:
        raise SplitOtherwise
    return made


def _impossible(held: ChannelOrder, commission: Money) -> str:
    if held.state != "paid":
        return f"channel_order_{held.state}"
    try:
        check_split("platform_channel", commission, held.money)
    except Refused as error:
        return error.code
    return ""


def _finish(made: SplitOrder, facts: SplitFacts, uow: BillingUnitOfWork, now: datetime) -> None:
    made.finish(now)
    post_transaction(
        uow,
        key=f"split:{made.order_id}",
        kind="split",
        entries=commission_split(made.order_id, made.provider_id, made.money, facts.rest),
        effective_at=now,
        now=now,
        order=(made.order_id, made.order_number),
    )
    channel_order.settle_if_empty(made.order_id, uow=uow)
    _tell_seller_paid(made, uow)
    uow.publish(
        SplitFinished(
            order_id=made.order_id, order_number=made.order_number, provider_id=made.provider_id,
            amount=made.money, rest=facts.rest, finished_at=now,
        )
    )  # fmt: skip
    for each in uow.split_orders.returns_of(made.order_id):
        _send_return(each, uow, now)
        uow.split_orders.save_return(each)


def _tell_seller_paid(made: SplitOrder, uow: BillingUnitOfWork) -> None:
    uow.publish(SellerPaid(order_id=made.order_id, order_number=made.order_number, provider_id=made.provider_id))


def _fail(made: SplitOrder, failure: str, uow: BillingUnitOfWork, now: datetime) -> None:
    """The provider has the whole of it, or will: it owes what was ours."""
    log.error("a split failed; the provider owes the commission", order=made.order_number, failure=failure)
    made.fail(failure)
    returns = uow.split_orders.returns_of(made.order_id)
    owed = Money(made.amount - sum(each.amount for each in returns), made.currency)
    if owed.amount:
        named = (made.order_id, made.order_number)
        owe("provider", made.provider_id, owed, named, key=split_key(made.order_id), uow=uow, now=now)
        commission_debt.split_failed(made.order_id, uow=uow, now=now)
    _tell_seller_paid(made, uow)
    uow.publish(
        SplitFailed(
            order_id=made.order_id, order_number=made.order_number, provider_id=made.provider_id,
            amount=made.money, failure=failure,
        )
    )  # fmt: skip
    for each in returns:
        each.net(now)
        uow.split_orders.save_return(each)
        _send_refund(each, uow, now)


def _send_return(made: SplitReturn, uow: BillingUnitOfWork, now: datetime) -> None:
    made.sent = True
    uow.call_outside(
        "create_channel_return",
        f"channel_return:{made.number}",
        {
            "number": made.number,
            "order_id": str(made.order_id),
            "amount": made.amount,
            "currency": made.currency,
        },
    )
    janitor.look_later(CHECK_RETURN_TIMER, made.refund_id, 0, uow=uow, now=now)


def _return_by_statement(made: SplitReturn, uow: BillingUnitOfWork, now: datetime) -> None:
    """However often it is tried, the channel would not return it any more."""
    made.net(now)
    order = uow.orders.get(made.order_id)
    accrued = replace(compensation(order, made.amount, now=now), key=f"refund:{made.refund_id}:commission")
    uow.accruals.add(accrued)
    owed = ledger.owed("provider", made.provider_id, "accrued")
    _post_return(made, commission_returned(made.provider_id, made.money, owed), uow, now)


def _post_return(made: SplitReturn, entries: tuple[ledger.Entry, ...], uow: BillingUnitOfWork, now: datetime) -> None:
    post_transaction(
        uow,
        key=f"split_return:{made.refund_id}",
        kind="split_return",
        entries=entries,
        effective_at=now,
        now=now,
        order=(made.order_id, made.order_number),
    )


def _fail_return(made: SplitReturn, failure: str, uow: BillingUnitOfWork) -> None:
    log.error("a split return failed; the provider is owed it", order=made.order_number, failure=failure)
    made.fail(failure)
    uow.publish(
        SplitReturnFailed(
            order_id=made.order_id, order_number=made.order_number, provider_id=made.provider_id,
            amount=made.money, refund_id=made.refund_id, failure=failure,
        )
    )  # fmt: skip


def _send_refund(made: SplitReturn, uow: BillingUnitOfWork, now: datetime) -> None:
    """What the customer gets back waited for the provider's balance to have this."""
    for refund in uow.refunds.of_order(made.order_id):
        if refund.refund_id == made.refund_id and refund.state == "pending":
            refund_payment.send(refund, uow, now)
            uow.refunds.save(refund)
