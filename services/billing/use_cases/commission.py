"""
Commission: what the company earns as agent. It is due when the work is accepted, and comes down with each refund.

The splitting channel pays it at source. Where the customer paid the provider, or into custody, the provider owes it: it
transfers it, or what it is paid next is netted against it, like a claw-back.
"""

from dataclasses import replace
from datetime import datetime

from services.billing.domain.commission import Split, split
from services.billing.domain.commission_debt import commission_key, risen_key, split_key
from services.billing.domain.internal_order import acceptance_internal as fee_earned
from services.billing.domain.internal_order import fee_given_back
from services.billing.domain.order import OrderCopy, accruals, commission_is_more, compensation
from services.billing.domain.refund import Refund
from services.billing.use_cases import clawback, split_order, voucher_use
from services.billing.use_cases.custody import leave_custody
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.refund_payment import post
from services.shared.kernel.money import Money
from services.shared.messages.billing.commission import CommissionEarned, CommissionReduced, SellerPaid
from services.shared.messages.orders.order import OrderAccepted


def accept(order: OrderCopy, event: OrderAccepted, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    The customer accepted what the provider sold: the commission is earned, and the station's share of it.

    No revenue of the service, no cost, no contract liability: the customer's money was never ours.

    Raises:
        NotPaidThere: The splitting channel holds nothing for it.
    """
    parts = split(order.split_terms, order.left)
    earned = accruals(order, parts, accepted_at=event.accepted_at, hold_days=event.terms.hold_days)
    uow.orders.accept(order.order_id, event.accepted_at, parts, earned)
    voucher_use.earn_on_acceptance(order.order_id, event.accepted_at, uow=uow, now=now)
    due = Money(parts.commission_gross, order.currency)
    named = (order.order_id, order.number)
    post_transaction(
        uow,
        key=f"accept:{order.order_id}",
        kind="acceptance_agent",
        entries=fee_earned(
            order.provider_id,
            order.station_id,
            Money(parts.commission, order.currency),
            Money(parts.commission_tax, order.currency),
            Money(parts.station_share, order.currency),
        ),
        effective_at=event.accepted_at,
        now=now,
        order=named,
    )
    if order.split_terms.collection_model == "agent_psp_split":
        split_order.request_split(order, commission=due, uow=uow, now=now)
    else:
        leave_custody(
            order, Money(parts.gross, order.currency), f"custody:{order.order_id}:released", uow=uow, now=now
        )  # fmt: skip
        uow.publish(SellerPaid(order_id=order.order_id, order_number=order.number, provider_id=order.provider_id))
        clawback.owe("provider", order.provider_id, due, named, key=commission_key(order.order_id), uow=uow, now=now)
    uow.publish(
        CommissionEarned(
            order_id=order.order_id,
            order_number=order.number,
            provider_id=order.provider_id,
            net=Money(parts.commission, order.currency),
            tax=Money(parts.commission_tax, order.currency),
            gross=due,
            tax_rate_bps=order.split_terms.commission_rate_bps or 0,
            split=order.split_terms.collection_model == "agent_psp_split",
            accepted_at=event.accepted_at,
            sold_net=Money(parts.net, order.currency),
            sold_tax=Money(parts.tax, order.currency),
        )
    )


def reduce(made: Refund, order: OrderCopy, takes: Split, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    A refund of accepted work *takes* its part of the commission, and of the station's share. The customer's money comes
    from whoever has it. *order* is locked, and lowered already.

    With tiers that count for the whole order the commission of less may be more: then the provider owes the difference.
    """
    net, tax = Money(takes.commission, order.currency), Money(takes.commission_tax, order.currency)
    # The party before its claw-backs, like everywhere.
    uow.organisations.find(order.provider_id, lock=True)
    key = f"refund:{made.refund_id}"
    if takes.commission_gross < 0:
        owed = -(net + tax)
        named = (order.order_id, order.number)
        clawback.owe("provider", order.provider_id, owed, named, key=risen_key(made.refund_id), uow=uow, now=now)
        entries = commission_is_more(order.provider_id, -net, -tax)
    else:
        entries = fee_given_back(order.provider_id, net, tax, _give_back(made, order, net + tax, uow, now))
    stations = clawback.take_back(order, takes, key=key, uow=uow, now=now)
    post(made, "shares", "refund_shares", entries + stations, uow, now)
    tell_reduced(made, order, net, tax, order.split_terms.commission_rate_bps or 0, uow=uow)


def tell_reduced(
    made: Refund, order: OrderCopy, net: Money, tax: Money, tax_rate_bps: int, *, uow: BillingUnitOfWork
) -> None:
    """*made* takes *net* and *tax* from what the company has invoiced the provider, or will."""
    uow.publish(
        CommissionReduced(
            refund_id=made.refund_id,
            cause=made.cause,
            order_id=order.order_id,
            order_number=order.number,
            provider_id=order.provider_id,
            net=net,
            tax=tax,
            gross=net + tax,
            tax_rate_bps=tax_rate_bps,
            accepted_at=order.accepted_at,
        )
    )


def _give_back(made: Refund, order: OrderCopy, amount: Money, uow: BillingUnitOfWork, now: datetime) -> Money:
    """What of *amount* the provider owes the less, or has back from the channel; the rest its next statement pays."""
    if not amount.amount:
        return amount
    key = commission_key(order.order_id)
    if order.split_terms.collection_model == "agent_psp_split":
        returned = split_order.request_return(order, amount=amount, refund_id=made.refund_id, uow=uow, now=now)
        if not returned.netted:
            return amount
        key = split_key(order.order_id)
    off_debt = clawback.owe_less(key, amount, uow=uow)
    rest = amount - off_debt
    if rest.amount:
        credited = replace(compensation(order, rest.amount, now=now), key=f"refund:{made.refund_id}:commission")
        uow.accruals.add(credited)
    return off_debt
