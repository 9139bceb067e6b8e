"""Every way into invoicing by RPC."""

from functools import cache, partial

from services.invoicing.adapters import queries
from services.invoicing.config import InvoicingSettings
from services.invoicing.use_cases import received_invoice
from services.shared.chassis.entrypoints import ServiceBase, command, query
from services.shared.chassis.object_store import ObjectStore
from services.shared.chassis.settings import load
from services.shared.messages.invoicing.invoice import GetInvoice, GetInvoiceDocument, ListInvoices
from services.shared.messages.invoicing.received_invoice import ListReceivedInvoices, RecordReceivedInvoice


@cache
def _store() -> ObjectStore:
    (settings,) = load(InvoicingSettings)
    return ObjectStore(str(settings.object_store_url), settings.bucket, settings.records_bucket)


class InvoicingService(ServiceBase):
    name = "invoicing"

    record_received_invoice = command(RecordReceivedInvoice, received_invoice.record_received_invoice)
    list_received_invoices = query(ListReceivedInvoices, queries.list_received_invoices)
    get_invoice = query(GetInvoice, queries.get_invoice)
    list_invoices = query(ListInvoices, queries.list_invoices)
    get_invoice_document = query(GetInvoiceDocument, partial(queries.get_invoice_document, store=_store))
