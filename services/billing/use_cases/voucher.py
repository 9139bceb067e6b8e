"""Vouchers: granted to a holder, approved by a second person, revoked, expired."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.billing.domain.programme import WrongSide, kind_fits
from services.billing.domain.voucher import (
    EXPIRY_GRACE,
    LIFECYCLE,
    HolderKindContradicts,
    OtherCurrency,
    Voucher,
    VoucherUse,
)
from services.billing.use_cases import programme as programmes
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.voucher_use import return_reserved, use_view
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.voucher import (
    ApproveVoucher,
    GrantVoucher,
    RevokeVoucher,
    VoucherExpired,
    VoucherGranted,
    VoucherRevoked,
    VoucherView,
)

EXPIRE_TIMER = "expire_voucher"


def grant_voucher(command: GrantVoucher, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> VoucherView:
    """
    Give a holder a voucher; above the programme's limit a second person approves it.

    More may be granted than the budget holds: what is reserved first counts.

    Raises:
        WrongSide, NotInForce, OtherCurrency, HolderKindContradicts: It cannot be granted.
        NotFound: The programme, or the holder, is not known here.
    """
    programme = uow.programmes.find(command.programme_id)
    require(actor, command.grants, {"authority": programme.authority_id if programme is not None else None})
    programme, version = programmes.in_force(command.programme_id, uow=uow, now=now)
    if programme.side != "customer":
        raise WrongSide
    if command.amount.currency != programme.currency:
        raise OtherCurrency
    holder = uow.organisations.find(command.holder_id)
    if holder is None:
        raise NotFound
    if not kind_fits(command.holder_kind, holder.unified_social_credit_code):
        raise HolderKindContradicts
    second = command.amount.amount > version.rules.four_eyes_above
    voucher = Voucher(
        voucher_id=new_id(),
        number="",
        state="proposed" if second else "granted",
        programme_id=programme.programme_id,
        holder_id=holder.organisation_id,
        holder_kind=command.holder_kind,
        currency=programme.currency,
        granted=command.amount.amount,
        reserved=0,
        spent=0,
        valid_until=command.valid_until,
        proposed_at=now,
        proposed_by=hand_of(actor),
        approved_at=None if second else now,
    )
    uow.vouchers.add(voucher)
    uow.set_timer(EXPIRE_TIMER, voucher.voucher_id, voucher.valid_until + EXPIRY_GRACE)
    if not second:
        _tell_granted(voucher, uow)
    return view(voucher)


def approve_voucher(command: ApproveVoucher, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> VoucherView:
    """
    A second person grants it.

    Raises:
        WrongState, SameHands: See Voucher.approve.
    """
    voucher = _managed(command, actor, uow)
    voucher.approve(hand_of(actor), now)
    uow.vouchers.save(voucher)
    _tell_granted(voucher, uow)
    return view(voucher)


def revoke_voucher(command: RevokeVoucher, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> VoucherView:
    """Take it back with what is reserved; contracts that were signed with it stand. Raises WrongState."""
    _lock_orders_of(command.voucher_id, uow)
    voucher = _managed(command, actor, uow)
    voucher.revoke(command.reason)
    return_reserved(voucher, "revoked", uow, now)
    uow.vouchers.save(voucher)
    uow.cancel_timer(EXPIRE_TIMER, voucher.voucher_id)
    uow.publish(VoucherRevoked(**_named(voucher), reason=voucher.reason, left=Money(voucher.left, voucher.currency)))
    return view(voucher)


def expire_voucher(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: its time is over. What is reserved for orders that nobody has signed comes back and is lost with it."""
    voucher_id = UUID(subject)
    _lock_orders_of(voucher_id, uow)
    voucher = uow.vouchers.find(voucher_id, lock=True)
    if voucher is None or not LIFECYCLE.allows("expire", voucher.state):
        return
    voucher.expire()
    return_reserved(voucher, "expired", uow, now)
    uow.vouchers.save(voucher)
    uow.publish(VoucherExpired(**_named(voucher), left=Money(voucher.left, voucher.currency)))


def _managed(command: ApproveVoucher | RevokeVoucher, actor: Actor, uow: BillingUnitOfWork) -> Voucher:
    voucher = uow.vouchers.find(command.voucher_id, lock=True)
    programme = uow.programmes.find(voucher.programme_id) if voucher is not None else None
    require(actor, command.grants, {"authority": programme.authority_id if programme is not None else None})
    if voucher is None:
        raise NotFound
    return voucher


def _lock_orders_of(voucher_id: UUID, uow: BillingUnitOfWork) -> None:
    for order_id in uow.vouchers.orders_reserving(voucher_id):
        uow.placed_orders.find(order_id)


def _tell_granted(voucher: Voucher, uow: BillingUnitOfWork) -> None:
    uow.publish(
        VoucherGranted(
            **_named(voucher), amount=Money(voucher.granted, voucher.currency), valid_until=voucher.valid_until
        )
    )


def _named(voucher: Voucher) -> dict[str, Any]:
    return {
        "voucher_id": voucher.voucher_id,
        "number": voucher.number,
        "programme_id": voucher.programme_id,
        "customer_id": voucher.holder_id,
    }


def view(voucher: Voucher, uses: Iterable[VoucherUse] = ()) -> VoucherView:
    def money(amount: int) -> Money:
        return Money(amount, voucher.currency)

    return VoucherView(
        voucher_id=voucher.voucher_id,
        number=voucher.number,
        state=voucher.state,
        programme_id=voucher.programme_id,
        holder_id=voucher.holder_id,
        holder_kind=voucher.holder_kind,
        granted=money(voucher.granted),
        reserved=money(voucher.reserved),
        spent=money(voucher.spent),
        left=money(voucher.left),
        valid_until=voucher.valid_until,
        proposed_at=voucher.proposed_at,
        approved_at=voucher.approved_at,
        reason=voucher.reason,
        uses=tuple(use_view(use) for use in uses),
    )
