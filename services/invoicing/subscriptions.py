"""What invoicing listens to, what it does then, and what it does outside."""

from services.invoicing.adapters.issuing import IssueInvoice
from services.invoicing.config import InvoicingSettings
from services.invoicing.use_cases import invoice, order, organisation, settlement
from services.shared.chassis.definition import OutsideCall, Work, on
from services.shared.chassis.object_store import ObjectStore
from services.shared.messages.billing.revenue import RevenueRecognised
from services.shared.messages.billing.settlement import SettlementClosed
from services.shared.messages.identity.organisation import (
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationVerified,
)
from services.shared.messages.orders.order import OrderContracted


def work(settings: InvoicingSettings) -> Work:
    """What `work` runs for invoicing."""
    store = ObjectStore(str(settings.object_store_url), settings.bucket, settings.records_bucket)
    return Work(
        subscriptions=(
            on(OrganisationRegistered, organisation.keep_copy),
            on(OrganisationVerified, organisation.keep_copy),
            on(OrganisationChanged, organisation.keep_copy),
            on(OrderContracted, order.keep_copy),
            on(RevenueRecognised, invoice.invoice_order),
            on(SettlementClosed, settlement.keep_copy),
        ),
        outside_calls=(
            # Saxon compiles the rules on its first call: half a minute on a busy machine is no dead caller.
            OutsideCall(invoice.ISSUE_INVOICE, IssueInvoice(store), invoice.record_documents, lease_s=120.0),
        ),
    )
