"""
Documents that failed: told to finance every day, and made again by a person, under the number they have.

    invoice.failed, red_letter.failed → each day again, until they are issued
    make_document_again → outside call issue_invoice or issue_red_letter → as the first time
"""

from datetime import datetime
from typing import assert_never
from uuid import UUID

import structlog

from services.invoicing.domain.failed_document import TELL_EVERY, TELL_TIMER, DocumentKind, days_failed
from services.invoicing.domain.invoice import Invoice
from services.invoicing.domain.red_letter import RedLetter
from services.invoicing.use_cases import invoice, red_letter
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotYet
from services.shared.messages.invoicing.failed_document import DocumentMadeAgain, FailedDocument, MakeDocumentAgain

log = structlog.get_logger("failed_documents")


def make_document_again(
    command: MakeDocumentAgain, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> FailedDocument:
    """
    Raises:
        NotFound
        WrongState: It has not failed, or is being made.
    """
    require(actor, command.grants, {})
    failed = _get(command.kind, command.document_id, uow)
    problem = failed.problem
    if isinstance(failed, Invoice):
        _make_invoice(failed, uow, now)
    else:
        failed.make_again(now)
        uow.red_letters.save(failed)
        red_letter.ask_for_documents(failed, uow, again=True)
    made = view(failed, now)
    uow.publish(
        DocumentMadeAgain(
            kind=made.kind,
            document_id=made.document_id,
            number=made.number,
            order_id=made.order_id,
            order_number=made.order_number,
            by=hand_of(actor),
            problem=problem,
        )
    )
    return made


def tell_failed(subject: str, *, uow: InvoicingUnitOfWork, now: datetime) -> None:
    """Timer, once a day: what still cannot be made is told anew."""
    kind, _, document_id = subject.partition("/")
    failed = _get("invoice" if kind == "invoice" else "red_letter", UUID(document_id), uow)
    if failed.failed_at is None:
        return
    uow.set_timer(TELL_TIMER, subject, now + TELL_EVERY)
    if failed.state != "failed":  # being made again
        return
    days = days_failed(failed.failed_at, now)
    log.error("an invoice cannot be made", number=failed.number, days=days, problem=failed.problem)
    if isinstance(failed, Invoice):
        uow.publish(invoice.failed_event(failed, days))
    else:
        uow.publish(red_letter.failed_event(failed, days))


def _get(kind: DocumentKind, document_id: UUID, uow: InvoicingUnitOfWork) -> Invoice | RedLetter:
    """Locked. Raises NotFound."""
    if kind == "invoice":
        return uow.invoices.get(document_id)
    if kind == "red_letter":
        return uow.red_letters.get(document_id)
    assert_never(kind)


def _make_invoice(failed: Invoice, uow: InvoicingUnitOfWork, now: datetime) -> None:
    seller, buyer = uow.organisations.parties(failed.customer_id)
    if seller is None or buyer is None:
        raise NotYet("a party is not known here yet")
    failed.make_again(seller, buyer, now)
    uow.invoices.save(failed)
    invoice.ask_for_documents(failed, uow, again=True)


def view(failed: Invoice | RedLetter, now: datetime) -> FailedDocument:
    """Raises RuntimeError (a bug): It has not failed."""
    if failed.failed_at is None:
        raise RuntimeError("it has not failed")
    contents, is_invoice = failed.frozen, isinstance(failed, Invoice)
    return FailedDocument(
        kind="invoice" if is_invoice else "red_letter",
        document_id=failed.invoice_id if isinstance(failed, Invoice) else failed.red_letter_id,
        number=contents.number,
        order_id=failed.order_id,
        order_number=contents.order_number,
        customer_id=failed.customer_id,
        state="failed" if failed.state == "failed" else "issuing",
        gross=contents.gross if is_invoice else -contents.gross,
        failed_at=failed.failed_at,
        days=days_failed(failed.failed_at, now),
        problem=failed.problem,
    )
