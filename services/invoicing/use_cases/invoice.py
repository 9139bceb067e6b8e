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

from services.invoicing.domain.failed_document import TELL_EVERY, TELL_TIMER, subject_of
from services.invoicing.domain.invoice import (
    SERIES,
    Contents,
    Invoice,
    KeptFile,
    OrderShare,
    invoice_number,
    problem_text,
)
from services.invoicing.domain.order import OrderCopy
from services.invoicing.domain.tax_point import TaxPoint
from services.invoicing.use_cases import collective_invoice, red_letter
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date
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
    reach_tax_point(order, event.net, event.tax, event.accepted_at, uow)
    if collective_invoice.waits(event, uow=uow):
        return
    number_invoice(
        order, event.customer_id, accepted_at=event.accepted_at, net=event.net, tax=event.tax,
        on_credit=event.on_credit, net_days=event.net_days, uow=uow, now=now,
    )  # fmt: skip


def number_invoice(
    order: OrderCopy, buyer_id: UUID, *, net: Money, tax: Money, accepted_at: datetime, on_credit: Money, net_days: int,
    uow: InvoicingUnitOfWork, now: datetime, invoice_id: UUID | None = None, orders: tuple[OrderShare, ...] = (),
    refund_id: UUID | None = None,
) -> Invoice:  # fmt: skip
    """
    An invoice over *net* to *buyer_id* has its number, and its documents are asked for.

    Args:
        order: What it is over; of *orders*, where it is over several, their lines and sums.
        buyer_id: Whose invoice it is.
        net: What was recognised.
        tax: On it, likewise.
        accepted_at: The last of the acceptances.
        on_credit: What of the gross is owed.
        net_days: From the issue date until that is due.
        uow: The transaction.
        now: When.
        invoice_id: None: the order's own.
        orders: See Contents.
        refund_id: See Invoice.

    Raises:
        NotYet: A party is not known here yet.
    """
    seller, buyer = uow.organisations.parties(buyer_id)
    if seller is None or buyer is None:
        raise NotYet("a party is not known here yet")
    invoice = Invoice(invoice_id or derived_id("invoice", order.order_id), order.order_id, buyer_id, refund_id)
    year = business_date(now).year
    # Taken last: whoever waits for the series then waits for as little as may be.
    number = invoice_number(SERIES, year, uow.number_series.take(SERIES, year))
    invoice.take_number(
        number, order=order, seller=seller, buyer=buyer, accepted_at=accepted_at, now=now, net=net, tax=tax,
        on_credit=on_credit, net_days=net_days, orders=orders,
    )  # fmt: skip
    uow.invoices.add(invoice)
    ask_for_documents(invoice, uow)
    return invoice


def ask_for_documents(invoice: Invoice, uow: InvoicingUnitOfWork, *, again: bool = False) -> None:
    """*again*: they failed, and are made once more; a version of the invoice has them made once."""
    key = f"{ISSUE_INVOICE}:{invoice.invoice_id}" + (f":{invoice.version}" if again else "")
    uow.call_outside(ISSUE_INVOICE, key, issue_payload(invoice))


def reach_tax_point(order: OrderCopy, net: Money, tax: Money, reached_at: datetime, uow: InvoicingUnitOfWork) -> None:
    """VAT is due on *net*, whenever it is invoiced."""
    tax_point = TaxPoint(
        tax_point_id=derived_id("tax_point", order.order_id, "acceptance"),
        order_id=order.order_id,
        cause="acceptance",
        net=net,
        tax=tax,
        tax_rate_bps=order.tax_rate_bps,
        reached_at=reached_at,
    )
    if uow.tax_points.add(tax_point):
        uow.publish(TaxPointReached(**vars(tax_point)))


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
    invoice = uow.invoices.get(UUID(payload["invoice_id"]))
    if invoice.state != "issuing":  # recorded before; the same call again made the same files
        return
    contents = invoice.frozen
    if outcome["findings"]:
        invoice.fail(problem_text(outcome["findings"]), now)
        uow.invoices.save(invoice)
        uow.publish(failed_event(invoice))
        uow.set_timer(TELL_TIMER, subject_of("invoice", invoice.invoice_id), now + TELL_EVERY)
        return
    pdf, xml = KeptFile(**outcome["pdf"]), KeptFile(**outcome["xml"])
    invoice.issue(pdf, xml)
    uow.invoices.save(invoice)
    # One over several is told for each, in the order's own stream; people are told of it once.
    shares = contents.orders or (OrderShare(invoice.order_id, contents.order_number, contents.net, contents.tax),)
    for place, share in enumerate(shares):
        uow.publish(
            InvoiceIssued(
                invoice_id=invoice.invoice_id,
                number=contents.number,
                order_id=share.order_id,
                order_number=share.number,
                customer_id=invoice.customer_id,
                net=share.net,
                tax=share.tax,
                gross=share.net + share.tax,
                tax_rate_bps=contents.tax_rate_bps,
                issued_at=contents.dated_at,
                pdf_sha256=pdf.sha256,
                xml_sha256=xml.sha256,
                refund_id=invoice.refund_id,
                due_on=contents.due_on,
                orders=len(shares),
                first=place == 0,
                total=contents.gross,
            )
        )
    red_letter.invoice_issued(invoice, uow=uow, platform=platform)


def failed_event(invoice: Invoice, days: int = 0) -> InvoiceFailed:
    """*days*: for so long it has been told."""
    return InvoiceFailed(
        invoice_id=invoice.invoice_id,
        number=invoice.number,
        order_id=invoice.order_id,
        problem=invoice.problem,
        days=days,
    )
