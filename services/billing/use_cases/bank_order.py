"""Telling the bank to pay released payouts by one file, and taking in what it answers."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.billing.domain.bank_order import (
    NOT_PAID,
    SETTLED,
    BankOrder,
    BankOrderFormat,
    PaymentStatus,
    StatusReport,
    StatusReportUnknown,
    StatusReportUnreadable,
    said_of,
    said_of_one,
    total_of,
)
from services.billing.domain.bank_statement import numbers_in
from services.billing.domain.credit_payback import CreditPayback
from services.billing.domain.payout import Payout
from services.billing.domain.refund import Refund
from services.billing.domain.refund_part import RefundPart
from services.billing.use_cases import credit_payback, refund_payment
from services.billing.use_cases import payout as payouts
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.bank_order import (
    BankOrderView,
    MakeBankOrder,
    OrderedPayment,
    ReadStatusReport,
    StatusReportView,
)

Outcome = Literal["noted", "failed", "known", "contradicts"]


def make_bank_order(
    command: MakeBankOrder, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, file_format: BankOrderFormat
) -> BankOrderView:
    """
    Tell the bank to pay released payouts, all of them or none.

    Raises:
        NotFound: One is unknown.
        WrongState: One is not released.
        OrderHeld: An order of one's settlement is in dispute.
        CurrenciesDiffer: See there.
    """
    require(actor, command.grants, {})
    ordered = uow.payouts.get_all(command.payout_ids)
    total = total_of(ordered)
    order = BankOrder(
        bank_order_id=new_id(),
        number="",
        format=file_format,
        currency=total.currency,
        count=len(ordered),
        total=total.amount,
        ordered_at=now,
        ordered_by=hand_of(actor),
    )
    uow.bank_orders.add(order)
    for payout in ordered:
        payouts.order(payout, order.bank_order_id, uow=uow, now=now)
    uow.call_outside("write_bank_order", f"bank_order:{order.bank_order_id}", _file(order, ordered))
    return view(order)


def bank_order_kept(bank_order_id: UUID, key: str, sha256: str, size: int, *, uow: BillingUnitOfWork) -> None:
    """The file is written and kept."""
    order = uow.bank_orders.get(bank_order_id)
    order.keep(key, sha256, size)
    uow.bank_orders.save(order)


def read_status_report(
    command: ReadStatusReport, *, actor: Actor, uow: BillingUnitOfWork, now: datetime,
    read: Callable[[bytes], StatusReport],
) -> StatusReportView:  # fmt: skip
    """
    Take in what the bank answers to a bank order; the same answer a second time changes nothing.

    Raises:
        StatusReportUnreadable, StatusReportUnknown, StatusReportContradicts: Nothing of it is taken.
    """
    require(actor, command.grants, {})
    try:
        content = base64.b64decode(command.content, validate=True)
    except (binascii.Error, ValueError):
        raise StatusReportUnreadable("the content is no base64", line=1, problem="base64") from None
    report = read(content)
    order = uow.bank_orders.find(report.order_number)
    if order is None:
        return _of_refund(report, uow, now)
    answered = list(said_of(report, uow.payouts.of_bank_order(order.bank_order_id)))
    return StatusReportView(
        bank_order_id=order.bank_order_id,
        number=order.number,
        payments=tuple(
            OrderedPayment(
                payout_id=payout.payout_id, number=payout.number, status=said.status, reason=said.reason,
                outcome=_take(payout, said, uow, now),
            )
            for payout, said in answered
        ),
    )  # fmt: skip


def _of_refund(report: StatusReport, uow: BillingUnitOfWork, now: datetime) -> StatusReportView:
    """
    What the bank answers to the order of a refund's transfer.

    Raises:
        StatusReportUnknown: It is none of ours.
        StatusReportContradicts: See there.
    """
    for made in uow.refunds.by_numbers(numbers_in(report.order_number, "RF")).values():
        part = next((each for each in made.parts if made.order_name(each) == report.order_number), None)
        if part is None:
            continue
        said = said_of_one(report, made.number, made.money(part.amount))
        told = () if said is None else (
            OrderedPayment(
                payout_id=None, refund_id=made.refund_id, number=made.number, status=said.status, reason=said.reason,
                outcome=_take_refund(made, part, said, uow, now),
            ),
        )  # fmt: skip
        return StatusReportView(bank_order_id=None, number=report.order_number, payments=told)
    return _of_payback(report, uow, now)


def _of_payback(report: StatusReport, uow: BillingUnitOfWork, now: datetime) -> StatusReportView:
    """
    What the bank answers to the order of a credit payback.

    Raises:
        StatusReportUnknown: It is none of ours.
        StatusReportContradicts: See there.
    """
    payback = uow.credit_paybacks.by_numbers([report.order_number]).get(report.order_number)
    if payback is None or payback.approved_at is None:
        raise StatusReportUnknown(number=report.order_number)
    said = said_of_one(report, payback.number, payback.money)
    told = () if said is None else (
        OrderedPayment(
            payout_id=None, credit_payback_id=payback.credit_payback_id, number=payback.number, status=said.status,
            reason=said.reason, outcome=_take_payback(payback, said, uow, now),
        ),
    )  # fmt: skip
    return StatusReportView(bank_order_id=None, number=report.order_number, payments=told)


def _take_payback(payback: CreditPayback, said: PaymentStatus, uow: BillingUnitOfWork, now: datetime) -> Outcome:
    if payback.state != "ordered":
        return _late(said, paid=payback.state == "paid", failed=payback.state == "failed")
    if said.status not in NOT_PAID:
        return "noted"
    credit_payback.refused_by_bank(payback, said.reason, uow=uow, now=now)
    return "failed"


def _late(said: PaymentStatus, *, paid: bool, failed: bool) -> Outcome:
    """After it is decided; once the money has left, only the bank's statement can say that it came back."""
    return "contradicts" if (paid and said.status in NOT_PAID) or (failed and said.status in SETTLED) else "known"


def _take_refund(made: Refund, part: RefundPart, said: PaymentStatus, uow: BillingUnitOfWork, now: datetime) -> Outcome:
    if part.state != "sent":
        return _late(said, paid=part.state == "succeeded", failed=part.state == "failed")
    if said.status not in NOT_PAID:
        return "noted"
    refund_payment.not_transferred(made, [part], said.reason, uow=uow, now=now)
    return "failed"


def _take(payout: Payout, said: PaymentStatus, uow: BillingUnitOfWork, now: datetime) -> Outcome:
    if payout.state != "in_transit":
        return _late(said, paid=payout.state == "paid", failed=payout.state == "failed")
    if payout.bank_status == said.status:
        return "known"
    if payout.bank_status in SETTLED and said.status not in SETTLED:
        # It said that the money has left: no later word makes it payable again, or it would be paid twice.
        return "contradicts" if said.status in NOT_PAID else "known"
    payout.bank_status = said.status
    if said.status in NOT_PAID:
        payouts.fail(payout, said.reason, uow=uow, now=now)
        return "failed"
    uow.payouts.save(payout)
    return "noted"


def _file(order: BankOrder, ordered: Sequence[Payout]) -> dict[str, Any]:
    """Everything the file says, as JSON values: who writes it has no database."""
    return {
        "bank_order_id": str(order.bank_order_id),
        "number": order.number,
        "format": order.format,
        "currency": order.currency,
        "ordered_at": order.ordered_at.isoformat(),
        "payments": [
            {
                "number": payout.number,
                "amount": payout.amount,
                "bank_name": payout.bank_name,
                "account_name": payout.account_name,
                "account_number": payout.account_number,
            }
            for payout in ordered
        ],
    }


def view(order: BankOrder) -> BankOrderView:
    return BankOrderView(
        bank_order_id=order.bank_order_id,
        number=order.number,
        format=order.format,
        count=order.count,
        total=Money(order.total, order.currency),
        ordered_at=order.ordered_at,
        written=order.document_key is not None,
    )
