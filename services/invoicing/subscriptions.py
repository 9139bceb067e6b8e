"""What invoicing listens to, what it does then, and what it does outside."""

from functools import partial

from services.invoicing.adapters.issuing import IssueInvoice
from services.invoicing.adapters.tax_platform import AskForm, HttpTaxPlatform, SubmitForm
from services.invoicing.config import InvoicingSettings
from services.invoicing.domain.failed_document import TELL_TIMER
from services.invoicing.use_cases import (
    collective_invoice,
    commission,
    failed_document,
    invoice,
    order,
    organisation,
    red_letter,
    settlement,
)
from services.shared.chassis.definition import OutsideCall, Work, on
from services.shared.chassis.object_store import ObjectStore
from services.shared.messages.billing.commission import CommissionEarned, CommissionReduced
from services.shared.messages.billing.refund import RefundAgreed
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
    platform = HttpTaxPlatform(settings.tax_platform_url.rstrip("/"), settings.tax_platform_token.get_secret_value())
    asked = settings.has_tax_platform
    return Work(
        subscriptions=(
            on(OrganisationRegistered, organisation.keep_copy),
            on(OrganisationVerified, organisation.keep_copy),
            on(OrganisationChanged, organisation.keep_copy),
            on(OrderContracted, order.keep_copy),
            on(RevenueRecognised, invoice.invoice_order),
            on(CommissionEarned, partial(commission.invoice_commission, net_days=settings.commission_net_days)),
            on(
                CommissionReduced,
                partial(commission.commission_reduced, platform=asked, net_days=settings.commission_net_days),
            ),
            on(RefundAgreed, partial(red_letter.refund_agreed, platform=asked)),
            on(SettlementClosed, settlement.keep_copy),
        ),
        outside_calls=(
            # Saxon compiles the rules on its first call: half a minute on a busy machine is no dead caller.
            OutsideCall(
                invoice.ISSUE_INVOICE, IssueInvoice(store), partial(invoice.record_documents, platform=asked),
                lease_s=120.0,
            ),
            OutsideCall(
                red_letter.ISSUE_RED_LETTER, IssueInvoice(store, "red_letter_id", "red_letters"),
                red_letter.record_documents, lease_s=120.0,
            ),
            OutsideCall(red_letter.SUBMIT_FORM, SubmitForm(platform), red_letter.note_form),
            OutsideCall(red_letter.ASK_FORM, AskForm(platform), red_letter.note_form),
        ),
        timers={
            red_letter.CHECK_TIMER: red_letter.check_form,
            TELL_TIMER: failed_document.tell_failed,
            collective_invoice.COLLECT_TIMER: partial(collective_invoice.invoice_month, number=invoice.number_invoice),
        },
    )  # fmt: skip
