"""
Invoicing what was recognised of an order: number, documents, outcome.

    revenue.recognised → tax_point.reached; an invoice with its number, state issuing
                   → outside call issue_invoice: documents, official rules, records bucket
                   → issued + invoice.issued, or failed + invoice.failed
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from services.invoicing.domain.invoice import SERIES, Contents, Invoice, KeptFile, invoice_number, problem_text
from services.invoicing.domain.order import OrderCopy, commission_of
from services.invoicing.domain.tax_point import TaxPoint
from services.invoicing.use_cases import red_letter, seller_invoice
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date
from services.shared.messages.billing.commission import CommissionEarned
from services.shared.messages.billing.revenue import RevenueRecognised
from services.shared.messages.invoicing.invoice import InvoiceFailed, InvoiceIssued, TaxPointReached

ISSUE_INVOICE = "issue_invoice"

_CONTENTS = TypeAdapter(Contents)


def invoice_order(event: RevenueRecognised, *, uow: InvoicingUnitOfWork, now: datetime) -> None:
    """
    The performance is accepted: VAT is due on what was booked, and the customer gets its invoice. Once for each order.

    By billing's word and not the order's own, since only billing knows what was given back before.
    """
    if not event.net.amount:  # all of it was given back before
        return
    order = uow.orders.find(event.order_id)
    if order is None:
        raise NotYet("the order is not known here yet")
    if uow.invoices.exists_for(event.order_id):
        return
    _number(
        order, event.customer_id, accepted_at=event.accepted_at, net=event.net, tax=event.tax,
        on_credit=event.on_credit, net_days=event.net_days, uow=uow, now=now,
    )  # fmt: skip


def invoice_commission(event: CommissionEarned, *, uow: InvoicingUnitOfWork, now: datetime) -> None:
    """
    The provider sold, and invoices the customer itself: it gets the company's invoice over the commission. Once.

    Nothing is to be transferred: the payment institution split it off, or it is netted with what the provider is paid.
    """
    seller_invoice.fall_due(event, uow=uow, now=now)
    if not event.net.amount:
        return
    order = uow.orders.find(event.order_id)
    if order is None:
        raise NotYet("the order is not known here yet")
    if uow.invoices.exists_for(event.order_id):
        return
    commission = commission_of(order, event.provider_id, event.net, event.tax, event.tax_rate_bps)
    _number(
        commission, event.provider_id, accepted_at=event.accepted_at, net=event.net, tax=event.tax,
        on_credit=Money(0, event.net.currency) if event.split else event.gross, net_days=0, uow=uow, now=now,
    )  # fmt: skip


def _number(
    order: OrderCopy, buyer_id: UUID, *, net: Money, tax: Money, accepted_at: datetime, on_credit: Money, net_days: int,
    uow: InvoicingUnitOfWork, now: datetime,
) -> None:  # fmt: skip
    """VAT is due on *net*; an invoice over it to *buyer_id* has its number, and its documents are asked for."""
    seller, buyer = uow.organisations.parties(buyer_id)
    if seller is None or buyer is None:
        raise NotYet("a party is not known here yet")
    tax_point = TaxPoint(
        tax_point_id=derived_id("tax_point", order.order_id, "acceptance"),
        order_id=order.order_id,
        cause="acceptance",
        net=net,
        tax=tax,
        tax_rate_bps=order.tax_rate_bps,
        reached_at=accepted_at,
    )
    if uow.tax_points.add(tax_point):
        uow.publish(TaxPointReached(**vars(tax_point)))
    invoice = Invoice(derived_id("invoice", order.order_id), order.order_id, buyer_id)
    year = business_date(now).year
    # Taken last: whoever waits for the series then waits for as little as may be.
    number = invoice_number(SERIES, year, uow.number_series.take(SERIES, year))
    invoice.take_number(
        number, order=order, seller=seller, buyer=buyer, accepted_at=accepted_at, now=now, net=net, tax=tax,
        on_credit=on_credit, net_days=net_days,
    )  # fmt: skip
    uow.invoices.add(invoice)
    uow.call_outside(ISSUE_INVOICE, f"{ISSUE_INVOICE}:{invoice.invoice_id}", issue_payload(invoice))


def issue_payload(invoice: Invoice) -> dict[str, Any]:
    """What making the documents of *invoice* needs: what is stored, and nothing else."""
    return {
        "invoice_id": str(invoice.invoice_id),
        "contents": _CONTENTS.dump_python(invoice.frozen, mode="json"),
    }


def record_documents(
    payload: Mapping[str, Any], outcome: Mapping[str, Any], *, uow: InvoicingUnitOfWork, now: datetime,
    platform: bool = False,
) -> None:  # fmt: skip
    """
    What became of `issue_invoice`: *outcome* holds *findings*, or the kept files *pdf* and *xml*.

    *platform*: a tax platform is asked for the form of what is to be taken back of it already.
    """
    del now
    invoice = uow.invoices.get(UUID(payload["invoice_id"]))
    if invoice.state != "issuing":  # recorded before; the same call again made the same files
        return
    contents = invoice.frozen
    if outcome["findings"]:
        invoice.fail(problem_text(outcome["findings"]))
        uow.invoices.save(invoice)
        uow.publish(
            InvoiceFailed(
                invoice_id=invoice.invoice_id,
                number=contents.number,
                order_id=invoice.order_id,
                problem=invoice.problem,
            )
        )
        return
    pdf, xml = KeptFile(**outcome["pdf"]), KeptFile(**outcome["xml"])
    invoice.issue(pdf, xml)
    uow.invoices.save(invoice)
    uow.publish(
        InvoiceIssued(
            invoice_id=invoice.invoice_id,
            number=contents.number,
            order_id=invoice.order_id,
            order_number=contents.order_number,
            customer_id=invoice.customer_id,
            net=contents.net,
            tax=contents.tax,
            gross=contents.gross,
            tax_rate_bps=contents.tax_rate_bps,
            issued_at=contents.dated_at,
            pdf_sha256=pdf.sha256,
            xml_sha256=xml.sha256,
        )
    )
    red_letter.invoice_issued(invoice, uow=uow, platform=platform)
