"""Internal orders: what their acceptance and their refunds come to. Their money is asked for in `funding.py`."""

from dataclasses import replace
from datetime import datetime

from services.billing.domain.commission import Split, split
from services.billing.domain.commission_debt import internal_key
from services.billing.domain.funding import Funding
from services.billing.domain.internal_order import acceptance_internal, fee_given_back, fee_tax
from services.billing.domain.order import OrderCopy, accruals, compensation
from services.billing.domain.refund import Refund, RefundExceedsPaid
from services.billing.domain.refund_part import RefundPart
from services.billing.use_cases import clawback, funding
from services.billing.use_cases.commission import tell_reduced
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.refund_payment import event, post, transferred_to_project
from services.shared.kernel.money import Money
from services.shared.messages.billing.commission import CommissionEarned
from services.shared.messages.billing.refund import RefundAgreed
from services.shared.messages.orders.order import OrderAccepted


def accept(order: OrderCopy, told: OrderAccepted, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    The university transfers within itself; it owes the agreed fee, of which the station has its share.

    The laboratory is invoiced the fee; what it is paid next for other orders is netted against it, as a claw-back.
    """
    parts = split(order.split_terms, order.left)
    earned = [
        each
        for each in accruals(order, parts, accepted_at=told.accepted_at, hold_days=told.terms.hold_days)
        if each.party_kind == "station"
    ]
    uow.orders.accept(order.order_id, told.accepted_at, parts, earned)
    order.accepted_at, order.split = told.accepted_at, parts
    fee = Money(parts.fee, order.currency)
    tax = Money(fee_tax(parts.fee, _agreed(order, uow).fee_tax_bps), order.currency)
    named = (order.order_id, order.number)
    post_transaction(
        uow,
        key=f"accept:{order.order_id}",
        kind="acceptance_internal",
        entries=acceptance_internal(
            order.provider_id, order.station_id, fee, tax, Money(parts.station_share, order.currency)
        ),
        effective_at=told.accepted_at,
        now=now,
        order=named,
    )
    if fee.amount:
        clawback.owe(
            "provider", order.provider_id, fee + tax, named, key=internal_key(order.order_id), uow=uow, now=now
        )
        uow.publish(
            CommissionEarned(
                order_id=order.order_id,
                order_number=order.number,
                provider_id=order.provider_id,
                net=fee,
                tax=tax,
                gross=fee + tax,
                tax_rate_bps=_agreed(order, uow).fee_tax_bps,
                split=False,
                accepted_at=told.accepted_at,
            )
        )
    funding.execute(order, parts.gross, uow=uow)


def agree(made: Refund, order: OrderCopy, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    Of an internal order *made* is agreed; what is left of the order is lowered already.

    Before acceptance less will be transferred, and nothing has to go back. After it the university transfers back, and
    the fee is of less.

    Raises:
        RefundExceedsPaid: More than was, or will be, transferred.
    """
    if order.accepted_at is None:
        last = uow.fundings.of_order(order.order_id)[-1]
        part = RefundPart(last.funding_id, "project_funds", made.to_payer, state="sent")
        made.agree((part,), now, performed=False, invoiced=False)
        uow.publish(event(RefundAgreed, made, invoiced=False))
        transferred_to_project(made, part, uow=uow, now=now)
        return
    ways = funding.give_back(order, made.to_payer, uow=uow)
    if sum(amount for _, amount in ways) != made.to_payer:
        raise RefundExceedsPaid(left=sum(amount for _, amount in ways))
    parts = [RefundPart(funding_id, "project_funds", amount, state="sent") for funding_id, amount in ways]
    made.agree(parts, now, performed=True, invoiced=False)
    uow.publish(event(RefundAgreed, made, invoiced=False))
    if made.takes is not None:
        _fee_is_less(made, made.takes, order, uow, now)


def _fee_is_less(made: Refund, takes: Split, order: OrderCopy, uow: BillingUnitOfWork, now: datetime) -> None:
    bps = _agreed(order, uow).fee_tax_bps
    left = split(order.split_terms, order.left).fee
    fee = Money(takes.fee, order.currency)
    tax = Money(fee_tax(left + takes.fee, bps) - fee_tax(left, bps), order.currency)
    # The party before its claw-backs, like everywhere.
    uow.organisations.find(order.provider_id, lock=True)
    from_owed = clawback.owe_less(internal_key(order.order_id), fee + tax, uow=uow)
    rest = fee + tax - from_owed
    if rest.amount:
        key = f"refund:{made.refund_id}:fee"
        uow.accruals.add(replace(compensation(order, rest.amount, now=now), key=key))
    stations = clawback.take_back(
        order, replace(takes, provider_net=0, provider_tax=0), key=f"refund:{made.refund_id}", uow=uow, now=now
    )
    entries = fee_given_back(order.provider_id, fee, tax, from_owed) + stations
    post(made, "shares", "refund_shares", entries, uow, now)
    if fee.amount:
        tell_reduced(made, order, fee, tax, bps, uow=uow)


def _agreed(order: OrderCopy, uow: BillingUnitOfWork) -> Funding:
    """Where the agreement with the university was frozen when the contract was signed."""
    return uow.fundings.of_order(order.order_id)[0]
