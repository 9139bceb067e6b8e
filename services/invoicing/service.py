"""Every way into invoicing by RPC."""

from datetime import datetime
from functools import cache, partial

from services.invoicing.adapters import (
    failed_document_queries,
    queries,
    red_letter_queries,
    seller_invoices,
    uninvoiced_repository,
)
from services.invoicing.config import settings
from services.invoicing.use_cases import (
    collective_invoice,
    failed_document,
    invoice,
    received_invoice,
    red_form,
    seller_invoice,
)
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.chassis.entrypoints import ServiceBase, command, query
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.actor import Actor
from services.shared.messages.invoicing.collective_invoice import (
    GetInvoiceTerms,
    InvoiceUninvoiced,
    SetInvoiceTerms,
    UninvoicedInvoiced,
)
from services.shared.messages.invoicing.failed_document import ListFailedDocuments, MakeDocumentAgain
from services.shared.messages.invoicing.invoice import GetInvoice, GetInvoiceDocument, ListInvoices
from services.shared.messages.invoicing.received_invoice import ListReceivedInvoices, RecordReceivedInvoice
from services.shared.messages.invoicing.red_letter import (
    ConfirmRedForm,
    GetRedLetter,
    GetRedLetterDocument,
    ListRedLetters,
    RecordRedForm,
    RedLetterView,
    RefuseRedForm,
    RequestRedForm,
)
from services.shared.messages.invoicing.seller_invoice import (
    DecideRegistration,
    GetSellerInvoice,
    RecordSellerInvoice,
    SubmitRegistration,
)


@cache
def _store() -> ObjectStore:
    own = settings()
    return ObjectStore(str(own.object_store_url), own.bucket, own.records_bucket)


def _request_red_form(
    wanted: RequestRedForm, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> RedLetterView:
    return red_form.request_red_form(wanted, actor=actor, uow=uow, now=now, platform=settings().has_tax_platform)


def _invoice_uninvoiced(
    wanted: InvoiceUninvoiced, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> UninvoicedInvoiced:
    return collective_invoice.invoice_uninvoiced(wanted, actor=actor, uow=uow, now=now, number=invoice.number_invoice)


class InvoicingService(ServiceBase):
    name = "invoicing"

    record_received_invoice = command(RecordReceivedInvoice, received_invoice.record_received_invoice)
    list_received_invoices = query(ListReceivedInvoices, queries.list_received_invoices)
    submit_registration = command(SubmitRegistration, seller_invoice.submit_registration)
    decide_registration = command(DecideRegistration, seller_invoice.decide_registration)
    record_seller_invoice = command(RecordSellerInvoice, seller_invoice.record_seller_invoice)
    get_seller_invoice = query(GetSellerInvoice, seller_invoices.get_seller_invoice)
    set_invoice_terms = command(SetInvoiceTerms, collective_invoice.set_invoice_terms)
    get_invoice_terms = query(GetInvoiceTerms, uninvoiced_repository.get_invoice_terms)
    invoice_uninvoiced = command(InvoiceUninvoiced, _invoice_uninvoiced)
    get_invoice = query(GetInvoice, queries.get_invoice)
    list_invoices = query(ListInvoices, queries.list_invoices)
    get_invoice_document = query(GetInvoiceDocument, partial(queries.get_invoice_document, store=_store))
    make_document_again = command(MakeDocumentAgain, failed_document.make_document_again)
    list_failed_documents = query(ListFailedDocuments, failed_document_queries.list_failed_documents)
    record_red_form = command(RecordRedForm, red_form.record_red_form)
    confirm_red_form = command(ConfirmRedForm, red_form.confirm_red_form)
    refuse_red_form = command(RefuseRedForm, red_form.refuse_red_form)
    request_red_form = command(RequestRedForm, _request_red_form)
    get_red_letter = query(GetRedLetter, red_letter_queries.get_red_letter)
    list_red_letters = query(ListRedLetters, red_letter_queries.list_red_letters)
    get_red_letter_document = query(
        GetRedLetterDocument, partial(red_letter_queries.get_red_letter_document, store=_store)
    )
