"""Keeping the copies of the company's invoices, to be held beside the ledger (I12, I15, I16)."""

from datetime import datetime

from services.billing.domain.invoice import InvoiceCopy
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.messages.invoicing.collective_invoice import InvoiceReduced
from services.shared.messages.invoicing.invoice import InvoiceIssued
from services.shared.messages.invoicing.red_letter import RedLetterIssued


def keep_copy(event: InvoiceIssued, *, uow: BillingUnitOfWork, now: datetime) -> None:
    del now
    uow.invoices.keep(
        InvoiceCopy(
            invoice_id=event.invoice_id,
            kind="blue",
            number=event.number,
            order_id=event.order_id,
            refund_id=event.refund_id,
            buyer_id=event.customer_id,
            net=event.net.amount,
            tax=event.tax.amount,
            currency=event.net.currency,
            issued_at=event.issued_at,
        )
    )


def keep_red_letter(event: RedLetterIssued, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """In the transaction that books what it takes back: no check ever sees one without the other."""
    del now
    uow.invoices.keep(
        InvoiceCopy(
            invoice_id=event.red_letter_id,
            kind="red",
            number=event.number,
            order_id=event.order_id,
            refund_id=event.refund_id,
            buyer_id=event.customer_id,
            net=event.net.amount,
            tax=event.tax.amount,
            currency=event.net.currency,
            issued_at=event.issued_at,
            parts=event.parts,
        )
    )


def keep_reduction(event: InvoiceReduced, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Likewise; there is no paper of it."""
    uow.invoices.keep(
        InvoiceCopy(
            invoice_id=event.refund_id,
            kind="reduction",
            number="",
            order_id=event.order_id,
            refund_id=event.refund_id,
            buyer_id=event.customer_id,
            net=-event.net.amount,
            tax=-event.tax.amount,
            currency=event.net.currency,
            issued_at=now,
        )
    )
