"""
A voucher on an order: reserved, spent when it is signed, returned when nothing becomes of it, earned with acceptance.

Locks are taken in one order everywhere: the order, its use, the voucher, the programme, the holder's year.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.billing.domain.funding import VoucherNotWithProject
from services.billing.domain.ledger import owed
from services.billing.domain.order import PlacedOrder, compensation
from services.billing.domain.payment import due_from_customer
from services.billing.domain.refund import Refund
from services.billing.domain.related_party import Finding, PricedLine
from services.billing.domain.voucher import (
    LIFECYCLE,
    USE_LIFECYCLE,
    OrderAlreadyClaimed,
    OrderNotOpen,
    OtherCurrency,
    ReturnReason,
    SoldByProvider,
    Voucher,
    VoucherAlreadyOnOrder,
    VoucherNotApplicable,
    VoucherUse,
    after_refund,
    programme_share_of_refund,
    voucher_earned,
    voucher_returned,
    voucher_used,
)
from services.billing.use_cases import clawback
from services.billing.use_cases import programme as programmes
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.collection import is_agent
from services.shared.kernel.errors import NotFound, NotYet
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.kernel.payment_schedule import ALL_BEFORE_WORK
from services.shared.kernel.times import business_date
from services.shared.messages.billing import voucher as messages
from services.shared.messages.billing.programme import RuleResult
from services.shared.messages.billing.voucher import (
    EstimateVoucher,
    ReserveVoucher,
    VoucherEstimate,
    VoucherRedeemed,
    VoucherReduced,
    VoucherReserved,
    VoucherReturned,
    VoucherUsed,
    VoucherUseView,
    WithdrawVoucher,
)

E = TypeVar("E", VoucherReserved, VoucherUsed, VoucherReturned, VoucherReduced, VoucherRedeemed)

LAPSE_TIMER = "lapse_voucher_use"


def estimate_voucher(query: EstimateVoucher, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> VoucherEstimate:
    """What the voucher would pay if the order were placed now; nothing is reserved."""
    voucher = uow.vouchers.find(query.voucher_id)
    require(actor, query.grants, {"customer": voucher.holder_id if voucher is not None else None})
    if voucher is None:
        raise NotFound
    if {query.net.currency, query.gross.currency} != {voucher.currency}:
        raise OtherCurrency
    programme, version = programmes.in_force(voucher.programme_id, uow=uow, now=now)
    lines = tuple(PricedLine(offering_id, 0, voucher.currency, False) for offering_id in query.offering_ids)
    left = programmes.left_for(programme, version.rules, voucher, business_date(now).year, uow)
    applied, found = programmes.apply(
        voucher, version.rules, left, query.provider_id, lines, (query.net.amount, query.gross.amount), now, uow,
        listed_at=now,
    )  # fmt: skip
    pays_instead = version.rules.redeem_to != "customer"
    net, tax = query.net, query.gross - query.net
    covered = applied.amount if pays_instead else 0
    due = due_from_customer(net.amount, tax.amount, ALL_BEFORE_WORK, "before_work", covered=covered)
    return VoucherEstimate(
        amount=Money(applied.amount, voucher.currency),
        due=Money(due, voucher.currency),
        redeem_to=version.rules.redeem_to,
        results=results_message(applied.results),
        findings=findings_message(found),
    )


def reserve_voucher(command: ReserveVoucher, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> VoucherUseView:
    """
    Put a voucher on an order that is placed and not signed.

    Raises:
        NotFound: The order or the voucher is not the asker's, or not known here.
        VoucherAlreadyOnOrder, OrderAlreadyClaimed: Another one is on it.
        OrderNotOpen: It is signed or cancelled.
        VoucherNotWithProject: Project funds pay it.
        VoucherExpired, WrongState: The voucher may not be used.
        VoucherNotApplicable: Rules fail; the facts name them.
        SoldByProvider: The programme pays the company or the provider, and the provider sells.
    """
    order = _own_order(command, actor, uow)
    _check_free(order, command.voucher_id, uow)
    if order.state != "placed":
        raise OrderNotOpen(state=order.state)
    if order.internal:
        raise VoucherNotWithProject
    voucher = uow.vouchers.find(command.voucher_id, lock=True)
    if voucher is None or voucher.holder_id != order.customer_id:
        raise NotFound
    if voucher.currency != order.currency:
        raise OtherCurrency
    LIFECYCLE.after("reserve", voucher.state)
    programme, version = programmes.in_force(voucher.programme_id, uow=uow, now=now, lock=True)
    rules, year = version.rules, business_date(now).year
    if is_agent(order.collection_model) and rules.redeem_to != "customer":
        raise SoldByProvider
    left = programmes.left_for(programme, rules, voucher, year, uow, lock=True)
    applied, found = programmes.apply(
        voucher, rules, left, order.provider_id, order.lines, (order.net, order.gross), now, uow,
        listed_at=order.placed_at,
    )  # fmt: skip
    if applied.failed:
        raise VoucherNotApplicable(rules=applied.failed)
    voucher.reserve(applied.amount, now)
    use = VoucherUse(
        use_id=new_id(),
        voucher_id=voucher.voucher_id,
        programme_id=programme.programme_id,
        programme_version_id=version.programme_version_id,
        order_id=order.order_id,
        order_number=order.number,
        holder_id=voucher.holder_id,
        provider_id=order.provider_id,
        state="reserved",
        currency=order.currency,
        amount=applied.amount,
        net=order.net,
        gross=order.gross,
        year=year,
        redeem_to=rules.redeem_to,
        shortfall_payer=rules.shortfall_payer,
        left=left,
        results=applied.results,
        findings=found,
        reserved_at=now,
    )
    uow.vouchers.save(voucher)
    programmes.commit(programme, voucher.holder_id, year, applied.amount, uow)
    uow.vouchers.add_use(use)
    uow.publish(
        _event(VoucherReserved, use, programme_version_id=use.programme_version_id,
               cover=Money(use.cover, use.currency))
    )  # fmt: skip
    return use_view(use)


def withdraw_voucher(
    command: WithdrawVoucher, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> VoucherUseView:
    """Take it off an order that is not signed. Raises NotFound, OrderNotOpen."""
    order = _own_order(command, actor, uow)
    use = uow.vouchers.use_on(order.order_id)
    if use is None or use.voucher_id != command.voucher_id:
        raise NotFound
    if use.state != "reserved":
        raise OrderNotOpen(state=order.state)
    _give_back(use, "withdrawn", uow, now)
    return use_view(use)


def use_on_contract(order_id: UUID, signed_at: datetime, *, uow: BillingUnitOfWork, now: datetime) -> int:
    """
    An order's contract is signed: what is reserved for it is spent, unless the voucher's time was over by then.

    Returns:
        What the customer is not asked for, minor units; 0 without a voucher.
    """
    order = uow.placed_orders.find(order_id)
    if order is None or order.state == "cancelled":
        return 0
    order.state = "contracted"
    uow.placed_orders.save(order)
    use = uow.vouchers.use_on(order_id)
    if use is None:
        return 0
    if use.state != "reserved":
        return use.cover
    voucher = _voucher_of(use, uow)
    rules = uow.programmes.version(use.programme_version_id).rules
    late = rules.use_until is not None and business_date(signed_at) > rules.use_until
    if late or signed_at >= voucher.valid_until:
        _give_back(use, "expired", uow, now, voucher=voucher)
        return 0
    voucher.spend(use.amount)
    uow.vouchers.save(voucher)
    use.use(signed_at)
    uow.vouchers.save_use(use)
    post(use, "used", voucher_used(use), signed_at, uow, now)
    uow.publish(_event(VoucherUsed, use))
    return use.cover


def give_back_on_cancellation(order_id: UUID, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The order is cancelled: its voucher is the holder's again. A second time does nothing."""
    order = uow.placed_orders.find(order_id)
    if order is not None:
        order.state = "cancelled"
        uow.placed_orders.save(order)
    use = uow.vouchers.use_on(order_id)
    if use is not None and USE_LIFECYCLE.allows("return", use.state):
        _give_back(use, "order_cancelled", uow, now)


def earn_on_acceptance(order_id: UUID, accepted_at: datetime, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The work is accepted: the programme's part is owed and may be claimed; a pre-funded one is redeemed."""
    use = uow.vouchers.use_on(order_id)
    if use is None or use.accepted_at is not None:
        return
    use.accept(uow.programmes.version(use.programme_version_id).rules, accepted_at)
    uow.vouchers.save_use(use)
    post(use, "earned", voucher_earned(use), accepted_at, uow, now)
    if use.state == "used" and use.claim_until is not None:
        uow.set_timer(LAPSE_TIMER, use.use_id, use.claim_until)
    if use.redeem_to == "provider":
        provider_owes(use, use.money, f"voucher:{use.use_id}", uow=uow, now=now)
    if use.state == "redeemed":
        tell_redeemed(use, uow)


def programmes_part(order_id: UUID, *, uow: BillingUnitOfWork) -> Callable[[int, int], int]:
    """
    Says what would go back to the programme, and not to the payer, if so much net and gross (minor units) remained.

    Nothing without a voucher, and where the programme pays the customer itself: then it paid everything.
    """
    use = uow.vouchers.use_on(order_id)
    if use is None or use.redeem_to == "customer" or not use.takes_part_in_refund:
        return lambda _net, _gross: 0
    rules = uow.programmes.version(use.programme_version_id).rules
    return lambda net, gross: use.amount - after_refund(use, rules, net, gross)


def reduce_for_refund(order_id: UUID, net: int, gross: int, *, uow: BillingUnitOfWork) -> tuple[int, str]:
    """
    An order is partly refunded: run its programme again on what remains, and give the difference back to it.

    Args:
        order_id: The order.
        net: N', what remains of its price without VAT, minor units.
        gross: Likewise with VAT.
        uow: The transaction in which the refund is agreed.

    Returns:
        What goes back to the programme and not to the payer, minor units; and the account that the refund credits
        with it: a fund that paid in, a programme that owes less, or the claw-back of one that has paid. No account:
        nothing of it stands in the ledger yet.
    """
    use = uow.vouchers.use_on(order_id)
    if use is None or not use.takes_part_in_refund:
        return 0, ""
    returned = use.reduce(uow.programmes.version(use.programme_version_id).rules, net, gross)
    uow.vouchers.save_use(use)
    if returned and use.state != "rejected":  # what was rejected is promised to nobody any more
        voucher = _voucher_of(use, uow)
        voucher.give_back(returned, use.state)
        uow.vouchers.save(voucher)
        programmes.commit(programmes.locked(use.programme_id, uow), use.holder_id, use.year, -returned, uow)
        uow.publish(_event(VoucherReduced, use, returned=Money(returned, use.currency)))
    return (0, "") if use.redeem_to == "customer" else (returned, programme_share_of_refund(use))


def credit_bearer(made: Refund, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Where the provider stood in for the programme, its next statement gives it the part of *made* back."""
    order = uow.orders.get(made.order_id)
    if made.to_programme and made.programme_account == owed("provider", order.provider_id, "accrued"):
        credited = compensation(order, made.to_programme, now=now)
        uow.accruals.add(replace(credited, key=f"refund:{made.refund_id}:borne"))


def provider_owes(use: VoucherUse, amount: Money, key: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The provider's statements are netted with *amount*, which the caller posts. Once for each *key*."""
    clawback.owe("provider", use.provider_id, amount, (use.order_id, use.order_number), key=key, uow=uow, now=now)


def give_up(use: VoucherUse, uow: BillingUnitOfWork) -> None:
    """The programme will not pay for *use*: what it promised is the holder's and the programme's again."""
    voucher = _voucher_of(use, uow)
    voucher.give_back(use.amount, "used")
    uow.vouchers.save(voucher)
    programmes.commit(programmes.locked(use.programme_id, uow), use.holder_id, use.year, -use.amount, uow)


def tell_redeemed(use: VoucherUse, uow: BillingUnitOfWork) -> None:
    uow.publish(_event(VoucherRedeemed, use))


def _check_free(order: PlacedOrder, voucher_id: UUID, uow: BillingUnitOfWork) -> None:
    use = uow.vouchers.use_on(order.order_id)
    if use is None:
        return
    if use.voucher_id != voucher_id and use.state in {"claimed", "redeemed", "rejected"}:
        raise OrderAlreadyClaimed
    raise VoucherAlreadyOnOrder


def _give_back(
    use: VoucherUse, reason: ReturnReason, uow: BillingUnitOfWork, now: datetime, *, voucher: Voucher | None = None
) -> None:
    voucher = voucher or _voucher_of(use, uow)
    was = use.give_back()
    uow.vouchers.save_use(use)
    voucher.give_back(use.amount, was)
    uow.vouchers.save(voucher)
    programmes.commit(programmes.locked(use.programme_id, uow), use.holder_id, use.year, -use.amount, uow)
    if was == "used":
        post(use, "returned", voucher_returned(use), now, uow, now)
    uow.publish(_event(VoucherReturned, use, reason=reason))


def return_reserved(voucher: Voucher, reason: ReturnReason, uow: BillingUnitOfWork, now: datetime) -> None:
    for order_id in uow.vouchers.orders_reserving(voucher.voucher_id):
        use = uow.vouchers.use_on(order_id)
        if use is not None and use.voucher_id == voucher.voucher_id and use.state == "reserved":
            _give_back(use, reason, uow, now, voucher=voucher)


def post(use: VoucherUse, what: str, entries: Any, at: datetime, uow: BillingUnitOfWork, now: datetime) -> None:
    post_transaction(
        uow, key=f"voucher:{use.use_id}:{what}", kind=f"voucher_{what}", entries=entries, effective_at=at, now=now,
        order=(use.order_id, use.order_number),
    )  # fmt: skip


def _own_order(
    command: ReserveVoucher | WithdrawVoucher, actor: Actor, uow: BillingUnitOfWork
) -> PlacedOrder:  # fmt: skip
    order = uow.placed_orders.find(command.order_id)
    require(actor, command.grants, {"customer": order.customer_id if order is not None else None})
    if order is None:
        raise NotFound
    return order


def _voucher_of(use: VoucherUse, uow: BillingUnitOfWork) -> Voucher:
    voucher = uow.vouchers.find(use.voucher_id, lock=True)
    if voucher is None:
        raise NotYet("the voucher is not known here")
    return voucher


def _event(kind: type[E], use: VoucherUse, **more: Any) -> E:
    return kind(
        use_id=use.use_id,
        voucher_id=use.voucher_id,
        programme_id=use.programme_id,
        order_id=use.order_id,
        order_number=use.order_number,
        customer_id=use.holder_id,
        amount=use.money,
        redeem_to=use.redeem_to,
        **more,
    )


def results_message(results: Sequence[Any]) -> tuple[RuleResult, ...]:
    return tuple(RuleResult(rule=each.rule, outcome=each.outcome, figures=each.figures) for each in results)


def findings_message(found: Sequence[Finding]) -> tuple[messages.Finding, ...]:
    return tuple(messages.Finding(**vars(each)) for each in found)


def use_view(use: VoucherUse) -> VoucherUseView:
    return VoucherUseView(
        use_id=use.use_id,
        voucher_id=use.voucher_id,
        programme_id=use.programme_id,
        programme_version_id=use.programme_version_id,
        order_id=use.order_id,
        order_number=use.order_number,
        state=use.state,
        amount=use.money,
        redeem_to=use.redeem_to,
        shortfall_payer=use.shortfall_payer,
        results=results_message(use.results),
        findings=findings_message(use.findings),
        reserved_at=use.reserved_at,
        claim_until=use.claim_until,
    )
