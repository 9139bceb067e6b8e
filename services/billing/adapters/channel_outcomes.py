"""What comes of calls to the splitting channel: its words, typed, to the use case of their noun."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.channel_order import ChannelOrderFacts
from services.billing.domain.reconciliation import ChannelBill, ChannelMovement, StatedBalance
from services.billing.domain.split_order import ReturnFacts, SplitFacts
from services.billing.use_cases import channel_order, channel_payment, reconciliation, refund_payment, split_order
from services.shared.kernel.money import Money

Learner = Callable[[Mapping[str, Any], BillingUnitOfWork, datetime], str]


def _order(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    payment_id = UUID(result["number"])
    if result["status"] == "refused":
        channel_payment.not_made(payment_id, result["failure"], uow=uow)
        return "refused"
    paid_at = result["paid_at"]
    facts = ChannelOrderFacts(
        status=result["status"],
        code_url=result["code_url"],
        transaction_id=result["transaction_id"],
        paid=Money(result["paid"], result["currency"]),
        held=Money(result["held"], result["currency"]),
        paid_at=datetime.fromisoformat(paid_at) if paid_at is not None else None,
    )
    return channel_payment.learn(payment_id, facts, uow=uow, now=now)


def _split(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    order_id = UUID(result["number"])
    if result["status"] == "refused":
        split_order.split_refused(order_id, result["failure"], uow=uow, now=now)
        return "refused"
    currency = result["currency"]
    facts = SplitFacts(
        result["status"], Money(result["commission"], currency), Money(result["rest"], currency), result["failure"]
    )
    return split_order.learn_split(order_id, facts, uow=uow, now=now)


def _return(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    refund_id, _, n = result["number"].partition("/")
    facts = ReturnFacts(
        "failed" if result["status"] == "refused" else result["status"],
        Money(result["amount"], result["currency"]),
        result["failure"],
    )
    return split_order.learn_return(UUID(refund_id), int(n), facts, uow=uow, now=now)


def _refund(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    """Numbers are ours: `late/{payment}` of what was paid too late, else `{refund}/{payment}/{turn}`."""
    whose, *of = result["number"].split("/")
    if result["status"] == "processing":
        return "nothing_new"
    failure = result["failure"] or "failed" if result["status"] != "success" else ""
    if whose == "late":
        return channel_order.late_refund_settled(
            UUID(of[0]), failure=failure, from_held=result.get("from_held", 0), uow=uow, now=now
        )
    payment_id, turn = of
    return refund_payment.channel_refund_settled(
        UUID(whose), UUID(payment_id), int(turn), Money(result["amount"], result["currency"]), failure=failure,
        from_held=result.get("from_held", 0), uow=uow, now=now,
    )  # fmt: skip


def bill_listed(
    payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime,
    overdue_after: timedelta,
) -> None:  # fmt: skip
    bill = _bill(date.fromisoformat(payload["days"][0]), result) if result else None
    reconciliation.bill_listed(payload, bill, uow=uow, now=now, overdue_after=overdue_after)


def _bill(day: date, result: Mapping[str, Any]) -> ChannelBill:
    return ChannelBill(
        day,
        tuple(
            ChannelMovement(each["kind"], each["number"], each["currency"], each["balance"], each["held"],
                            datetime.fromtimestamp(each["at"], UTC))
            for each in result["lines"]
        ),
        tuple(StatedBalance(day, each["currency"], each["opening"], each["closing"]) for each in result["balances"]),
    )  # fmt: skip


CHANNEL_LEARNERS: Mapping[str, Learner] = {
    "channel_order": _order,
    "channel_split": _split,
    "channel_return": _return,
    "channel_refund": _refund,
}
