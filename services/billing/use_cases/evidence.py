"""Evidence for claims: every paper of an order is written down by reference when its fact is told."""

from datetime import datetime

from services.billing.domain.claim import Evidence
from services.billing.use_cases import claim
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.messages.invoicing.invoice import InvoiceIssued
from services.shared.messages.orders.contract import ContractSigned
from services.shared.messages.orders.report import ReportIssued


def contract_signed(event: ContractSigned, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The paper that the customer signed; the order sheet to the provider is no authority's to read."""
    del now
    for signature in event.signatures:
        if signature.paper == "contract":
            found = Evidence("contract", event.contract_id, event.number, signature.sha256, signature.signed_at)
            uow.evidence.add(event.order_id, found)


def report_issued(event: ReportIssued, *, uow: BillingUnitOfWork, now: datetime) -> None:
    del now
    found = Evidence("report", event.report_id, event.number, event.sha256, event.issued_at)
    uow.evidence.add(event.order_id, found)


def invoice_issued(event: InvoiceIssued, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """With it the papers may be complete: a programme that wants no person is asked at once."""
    order = uow.orders.find(event.order_id)
    if order is not None and order.customer_id != event.customer_id:
        return  # the commission: an affair between the company and the provider, which invoices the customer itself
    found = Evidence("invoice", event.invoice_id, event.number, event.pdf_sha256, event.issued_at)
    uow.evidence.add(event.order_id, found)
    claim.submit_by_itself(event.order_id, uow=uow, now=now)
