"""Transfers of refunds: to which account, and the order to the bank."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.billing.domain.payer_agreement import Payer
from services.billing.domain.refund import Refund
from services.billing.domain.refund_account import account_to_refund
from services.billing.domain.refund_part import RefundPart
from services.billing.use_cases.ports import BillingUnitOfWork


def account_of(
    made: Refund, part: RefundPart, now: datetime, cooling_off: timedelta, *, uow: BillingUnitOfWork
) -> tuple[str, str, str]:
    """Bank, holder and number of whom *part* goes to. Raises NOT_PAYABLE: See account_to_refund."""
    senders = uow.bank_lines.senders_of(part.payment_id)
    payer = uow.payers.of({made.customer_id}).get(made.customer_id, Payer()) if senders else Payer()
    return account_to_refund(uow.organisations.find(made.customer_id), payer, senders, now, cooling_off)


def order(
    made: Refund, part: RefundPart, account: tuple[str, str, str], *, uow: BillingUnitOfWork, now: datetime
) -> None:  # fmt: skip
    """The file by which the bank is told is written next."""
    bank_name, account_name, account_number = account
    sent = replace(part, state="sent", failure="", bank_name=bank_name, account_name=account_name)
    made.move(replace(sent, account_number=account_number), now)
    uow.call_outside(
        "write_refund_order",
        f"refund_order:{made.refund_id}:{part.payment_id}" + (f":{part.turn}" if part.turn else ""),
        {
            "refund_id": str(made.refund_id),
            "payment_id": str(part.payment_id),
            "number": made.number,
            "order_number": made.order_name(part),
            "ordered_at": now.isoformat(),
            "amount": part.amount,
            "currency": made.currency,
            "bank_name": bank_name,
            "account_name": account_name,
            "account_number": account_number,
        },
    )
