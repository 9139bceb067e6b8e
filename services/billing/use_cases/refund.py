"""
Refunds: agreed once for each thing they follow from, paid by the way the money came.

In which order locks are taken stands in `services/billing/README.md`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import structlog

from services.billing.domain.commission import Burden, StationBase, net_of_chargeback, refund, split
from services.billing.domain.ledger import contract
from services.billing.domain.order import OrderCopy
from services.billing.domain.payment import Payment
from services.billing.domain.refund import (
    NothingWaits,
    Refund,
    RefundCause,
    parts_of,
)
from services.billing.use_cases import commission, internal_order, subsidy, voucher_use
from services.billing.use_cases.clawback import take_back
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.refund_on_account import lower_credit, on_account
from services.billing.use_cases.refund_payment import event, let_go, not_transferred, post, send
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import Refused
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.refund import (
    ApproveRefund,
    CancelRefund,
    FailRefund,
    RefundAgreed,
    RefundFailed,
    RefundSucceeded,
    RefundView,
    RequestRefund,
    RerouteRefund,
    WaiveRedLetter,
)
from services.shared.messages.billing.refund import RefundPart as RefundPartMessage
from services.shared.messages.invoicing.collective_invoice import InvoiceReduced
from services.shared.messages.invoicing.red_letter import RedLetterIssued

log = structlog.get_logger("refund")

E = TypeVar("E", RefundAgreed, RefundSucceeded, RefundFailed)


def request_refund(command: RequestRefund, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> RefundView:
    """
    Ask for a refund that nothing else leads to; nothing is booked before somebody else approves it.

    Raises:
        NotFound: No such order is contracted.
        CurrencyMismatch: It is in another currency.
        MoreThanLeft, RefundExceedsPaid: As the order stands now; it is looked at again when it is approved.
    """
    require(actor, command.grants, {})
    order = uow.orders.get(command.order_id)
    Money(order.net, order.currency) - command.net  # refuses another currency
    made = _new(order, "manual", new_id(), now, by=hand_of(actor), reason=command.reason, burden=command.burden,
                station_base=command.station_base)  # fmt: skip
    made.asked = command.net.amount
    _look_whether_left(made, order, uow)
    uow.refunds.add(made)
    return view(made)


def approve_refund(
    command: ApproveRefund, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta
) -> RefundView:  # fmt: skip
    """
    The second pair of eyes: a request is agreed; what waits to be transferred is transferred.

    Raises:
        SameHands: The first pair is theirs.
        NothingWaits: It needs nobody's approval.
        MoreThanLeft, RefundExceedsPaid: See there.
        NOT_PAYABLE: See `account_to_refund`.
    """
    require(actor, command.grants, {})
    order = uow.orders.of_refund(command.refund_id)
    payments = uow.payments.of_order(order.order_id)
    made = uow.refunds.get(command.refund_id)
    waits = made.waits_for_approval
    if made.state != "requested" and not waits:
        raise NothingWaits
    made.approve(hand_of(actor))
    if waits:
        send(made, uow, now, cooling_off=cooling_off)
    else:
        _agree(made, order, payments, uow, now, cooling_off=cooling_off)
    uow.refunds.save(made)
    return view(made)


def cancel_refund(command: CancelRefund, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> RefundView:
    """Raises WrongState: It is approved already."""
    del now
    require(actor, command.grants, {})
    made = uow.refunds.get(command.refund_id)
    made.cancel()
    uow.refunds.save(made)
    return view(made)


def reroute_refund(command: RerouteRefund, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> RefundView:
    """
    What failed, or waits to be let go, goes another way.

    Raises: WrongState, ProvidersMoney: See Refund.reroute.
    """
    del now
    require(actor, command.grants, {})
    made = uow.refunds.get(command.refund_id)
    made.reroute(command.route, hand_of(actor))
    uow.refunds.save(made)
    return view(made)


def fail_refund(command: FailRefund, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> RefundView:
    """
    The bank did not make the transfer, says somebody else than who let it go.

    Raises: WrongState, SameHands.
    """
    require(actor, command.grants, {})
    made = uow.refunds.get(command.refund_id)
    parts = made.transfers_to_fail(command.payment_id, hand_of(actor))
    not_transferred(made, parts, command.reason, uow=uow, now=now)
    return view(made)


def waive_red_letter(
    command: WaiveRedLetter, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta
) -> RefundView:  # fmt: skip
    """
    Raises:
        WrongState, SameHands: See Refund.waive_red_letter.
        NOT_PAYABLE: See `account_to_refund`.
    """
    require(actor, command.grants, {})
    made = _locked(command.refund_id, uow)
    if made.waive_red_letter(hand_of(actor)):
        made.pay()
        let_go(made, uow, now, cooling_off=cooling_off)
    uow.refunds.save(made)
    return view(made)


def refund_for_dispute(
    order: OrderCopy, dispute_id: UUID, net: Money, burden: Burden, station_base: StationBase, *, decided_by: str,
    uow: BillingUnitOfWork, now: datetime,
) -> None:  # fmt: skip
    """
    A dispute was decided so. A second time does nothing.

    What was decided and cannot be given back as the order stands (another refund was agreed meanwhile, an agent would
    bear more than its commission) is told to finance and stays requested: they cancel it and agree another one.
    """
    made = _new(order, "dispute", dispute_id, now, by=decided_by, burden=burden, station_base=station_base)
    made.asked, made.net, made.dispute_id = net.amount, net.amount, dispute_id
    try:
        _look_whether_left(made, order, uow)
    except Refused as error:
        if uow.refunds.add(made):
            log.error("a dispute was decided for what cannot be given back", order=order.number, why=error.code)
            uow.publish(event(RefundFailed, made, failure=error.code))
        return
    if not uow.refunds.add(made):
        return
    _agree(made, order, uow.payments.of_order(order.order_id), uow, now)
    uow.refunds.save(made)


def refund_for_chargeback(
    order: OrderCopy, payment: Payment, chargeback_id: UUID, gross: int, *, uow: BillingUnitOfWork, now: datetime
) -> int:
    """
    Its bank gave the customer *gross*: what was to go back to the card anyway has gone, and the order comes down by
    the net that the rest covers. Returns what of it is recovered so; the rest nobody owes us.
    """
    taken = _already_agreed(payment, chargeback_id, gross, uow, now)
    within = min(gross - taken, payment.received - payment.refunded)
    if order.accepted_at is None:  # of a cancelled order perhaps nothing stands there any more
        within = min(within, uow.ledger.standing(contract(order.order_id), order.currency))
    made = _new(order, "chargeback", chargeback_id, now, by="payment institution")
    to_programme = voucher_use.programmes_part(order.order_id, uow=uow)
    made.asked = net_of_chargeback(order.split_terms, order.left, max(within, 0), to_programme)
    if made.asked and uow.refunds.add(made):  # a chargeback is lost once
        _agree(made, order, [payment], uow, now, taken_by=chargeback_id)
        uow.refunds.save(made)
    return taken + made.to_payer


def _already_agreed(payment: Payment, chargeback_id: UUID, gross: int, uow: BillingUnitOfWork, now: datetime) -> int:
    """
    Refunds to the card that the institution does not make while it is disputed: by the chargeback they are made. So is
    what it did not make and is still to go another way; else the customer would have it twice.

    In the order in which they were asked for, as far as it goes; returns what of it went so. What is left of the last
    one waits, or has failed, as before.
    """
    left = gross
    for made in sorted(uow.refunds.of_order(payment.order_id), key=lambda each: each.n):
        part = made.part(payment.payment_id)
        if left <= 0 or part is None or not part.chargeable:
            continue
        left -= made.take_by_chargeback(part, chargeback_id, left).amount
        if made.state == "pending":
            send(made, uow, now, without_account="wait")
        uow.refunds.save(made)
    return gross - left


def send_after_chargeback(order_id: UUID, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The bank has decided over a charge of this order: what waited for that, and it did not take, goes to its card."""
    for made in uow.refunds.of_order(order_id):
        if made.state == "pending":
            send(made, uow, now, without_account="wait")
            uow.refunds.save(made)


def give_back(order: OrderCopy, kept: int, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Of a cancelled *order*, of which nothing was performed: all that was paid but *kept* (minor units)."""
    payments = uow.payments.of_order(order.order_id)
    made = _new(order, "cancellation", order.order_id, now, by="platform")
    made.net = sum(payment.received - payment.refunded for payment in payments) - kept
    if made.net <= 0 or not uow.refunds.add(made):
        return
    _agree(made, order, payments, uow, now)
    uow.refunds.save(made)


def red_letter_issued(
    event: RedLetterIssued, *, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta
) -> None:  # fmt: skip
    """The invoice is taken back by as much."""
    red_letter_confirmed(event.refund_id, uow=uow, now=now, cooling_off=cooling_off)


def invoice_reduced(event: InvoiceReduced, *, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta) -> None:
    """It was not invoiced yet, and never will be: no red letter is needed."""
    red_letter_confirmed(event.refund_id, uow=uow, now=now, cooling_off=cooling_off)


def red_letter_confirmed(refund_id: UUID, *, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta) -> None:
    """
    The customer's side is booked and the money may leave; unless two people let it go before.

    A transfer that has no account to go to waits for somebody to approve it: nobody can be refused here.
    """
    made = _locked(refund_id, uow)
    if made.state == "awaiting_red_letter":
        made.pay()
        let_go(made, uow, now, cooling_off=cooling_off, without_account="wait")
        uow.refunds.save(made)


def _look_whether_left(made: Refund, order: OrderCopy, uow: BillingUnitOfWork) -> None:
    """Raises MoreThanLeft, RefundExceedsPaid, RefundExceedsCommission: As *order* stands now."""
    after, takes = refund(order.split_terms, order.left, made.asked, made.burden, made.station_base)
    payments = uow.payments.of_order(order.order_id)
    remains = split(order.split_terms, after)
    to_customer = takes.gross - voucher_use.programmes_part(order.order_id, uow=uow)(remains.net, remains.gross)
    if not uow.fundings.of_order(order.order_id):  # of an internal order nothing was paid, and all of it may go back
        parts_of(to_customer - on_account(order, to_customer, uow=uow), payments)
    made.net, made.tax = takes.net, takes.tax


def _locked(refund_id: UUID, uow: BillingUnitOfWork) -> Refund:
    """The refund, its order and payments locked before it: what was not paid yet comes down with it."""
    uow.payments.of_order(uow.orders.of_refund(refund_id).order_id)
    return uow.refunds.get(refund_id)


def _new(
    order: OrderCopy, cause: RefundCause, of: UUID, now: datetime, *, by: str, reason: str = "",
    burden: Burden = "provider", station_base: StationBase = "remaining",
) -> Refund:  # fmt: skip
    return Refund(
        refund_id=of if cause == "manual" else derived_id("refund", cause, of),
        number="",
        order_id=order.order_id,
        order_number=order.number,
        n=0,
        customer_id=order.customer_id,
        cause=cause,
        state="requested",
        currency=order.currency,
        burden=burden,
        station_base=station_base,
        reason=reason,
        requested_at=now,
        requested_by=by,
    )


def _agree(
    made: Refund, order: OrderCopy, payments: Sequence[Payment], uow: BillingUnitOfWork, now: datetime,
    *, taken_by: UUID | None = None, cooling_off: timedelta | None = None,
) -> None:  # fmt: skip
    """
    Fix what goes back and by which ways (*taken_by*: the chargeback by which the customer's bank has it already).

    The parties' sides are booked, the customer's as soon as may be.
    """
    if made.cause != "cancellation":
        order.remaining, made.takes = refund(order.split_terms, order.left, made.asked, made.burden, made.station_base)
        made.net, made.tax = made.takes.net, made.takes.tax
        uow.orders.keep_left(order)
        remains = split(order.split_terms, order.left)
        made.to_programme, made.programme_account = voucher_use.reduce_for_refund(
            order.order_id, remains.net, remains.gross, uow=uow
        )
        subsidy.lower_for_refund(order.order_id, remains.net, remains.gross, uow=uow)
    if uow.fundings.of_order(order.order_id):
        internal_order.agree(made, order, uow=uow, now=now)
        return
    performed = order.accepted_at is not None
    if made.cause in {"manual", "dispute"}:  # of a chargeback and a cancellation only money that came goes back
        made.on_account = on_account(order, made.to_payer, uow=uow)
    parts = parts_of(made.to_payer, payments)
    if taken_by is not None:
        parts = tuple(replace(part, route="chargeback", reference=str(taken_by)) for part in parts)
    # What the provider sold it invoices, and corrects, itself; what rounds to nothing takes nothing back of an invoice.
    invoiced = performed and made.gross > 0 and not order.split_terms.agent
    made.agree(parts, now, performed=performed, invoiced=invoiced)
    for payment in payments:
        part = made.part(payment.payment_id)
        if part is not None:
            payment.refunded += part.amount
            uow.payments.save(payment)
    if not performed:
        lower_credit(order.order_id, made.on_account, uow=uow)
    if performed and made.takes is not None and order.split_terms.agent:
        commission.reduce(made, order, made.takes, uow=uow, now=now)
    elif performed and made.takes is not None:
        taken = take_back(order, made.takes, key=f"refund:{made.refund_id}", uow=uow, now=now)
        post(made, "shares", "refund_shares", taken, uow, now)
    uow.publish(event(RefundAgreed, made, invoiced=invoiced))
    if made.state == "pending":
        let_go(made, uow, now, cooling_off=cooling_off)


def view(made: Refund) -> RefundView:
    return RefundView(
        refund_id=made.refund_id,
        number=made.number,
        order_id=made.order_id,
        order_number=made.order_number,
        customer_id=made.customer_id,
        state=made.state,
        cause=made.cause,
        net=made.money(made.net),
        tax=made.money(made.tax),
        gross=made.money(made.gross),
        on_account=made.money(made.on_account),
        paid_back=made.money(made.to_payer),
        burden=made.burden,
        station_base=made.station_base,
        reason=made.reason,
        parts=tuple(
            RefundPartMessage(
                payment_id=part.payment_id,
                route=part.route,
                amount=made.money(part.amount),
                state=part.state,
                account_name=part.account_name,
                account_number=part.account_number,
                bank_name=part.bank_name,
                failure=part.failure,
            )
            for part in made.parts
        ),
        requested_at=made.requested_at,
        succeeded_at=made.succeeded_at,
    )
