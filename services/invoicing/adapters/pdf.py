"""An invoice or credit note as a bilingual page for people; the file for machines is `einvoice_xml.py`'s."""

from pathlib import Path

from services.invoicing.adapters.invoice_document import Invoice, Party, Vat
from services.shared.chassis.document_text import capitals, day, figure, percent
from services.shared.chassis.render import Attachment, render
from services.shared.kernel.money import Money

TEMPLATES = Path(__file__).with_name("templates")


def invoice_pdf(invoice: Invoice, *, xml: bytes | None = None) -> bytes:
    """
    *invoice* as PDF/A; with *xml* (the EN 16931 file) as PDF/A-3 that carries it as `invoice.xml`.

    Raises:
        RenderFailed: A bug.
        ChildUnavailable: Try again.
    """
    attached = []
    if xml is not None:
        attached.append(Attachment("invoice.xml", xml, "application/xml", description="EN 16931"))
    return render(TEMPLATES / "invoice.typ", _data(invoice), attachments=attached)


def _data(invoice: Invoice) -> dict[str, object]:
    # People read a red letter by its amounts below zero; the file of the standard says the same by its type.
    sign = -1 if invoice.credits is not None else 1

    def shown(amount: Money) -> str:
        return figure(amount if sign > 0 else -amount)

    return {
        "issued_at": invoice.issued_at.isoformat(),
        "is_credit_note": invoice.credits is not None,
        "number": invoice.number,
        "issued_on": day(invoice.issued_on),
        "delivered_on": day(invoice.delivered_on),
        "due_on": day(invoice.due_on),
        "contract_number": invoice.contract_number,
        "order_number": invoice.order_number,
        "fapiao_number": invoice.fapiao_number,
        "credited_number": invoice.credits.number if invoice.credits else "",
        "credited_on": day(invoice.credits.issued_on) if invoice.credits else "",
        "credit_reason": invoice.credit_reason,
        "red_form_number": invoice.red_form_number,
        "seller": _party(invoice.seller),
        "buyer": _party(invoice.buyer),
        "currency": invoice.currency,
        "lines": [
            {
                "name": line.name,
                "description": line.description,
                "order_number": line.order_number,
                "quantity": f"{line.quantity.normalize():f}",
                "unit": line.unit,
                "unit_price": shown(line.unit_price),
                "discount": shown(-line.discount) if line.discount.amount else "",
                "vat": _rate(line.vat),
                "net": shown(line.net),
            }
            for line in invoice.lines
        ],
        "discounts": [
            {"reason": each.reason, "vat": _rate(each.vat), "amount": shown(-each.amount)} for each in invoice.discounts
        ],
        "vat_subtotals": [
            {
                "vat": _rate(each.vat),
                "reason": each.vat.exemption_reason,
                "taxable": shown(each.taxable),
                "tax": shown(each.tax),
            }
            for each in invoice.vat_subtotals
        ],
        "lines_total": shown(invoice.lines_total),
        "net": shown(invoice.net),
        "tax": shown(invoice.tax),
        "gross": shown(invoice.gross),
        "gross_capitals": capitals(invoice.gross if sign > 0 else -invoice.gross),
        "paid": shown(-invoice.paid) if invoice.paid.amount else "",
        "rounding": shown(invoice.rounding) if invoice.rounding.amount else "",
        "due": shown(invoice.due),
        "is_paid": not invoice.due.amount,
        "payment": {
            "reference": invoice.payment.reference,
            "account": invoice.payment.account,
            "account_name": invoice.payment.account_name,
            "bank": invoice.payment.bank,
            "terms": invoice.payment_terms,
        },
        "note": invoice.note,
    }


def _rate(vat: Vat) -> str:
    return {"S": f"{percent(vat.rate_bps)}%", "Z": "0%", "E": "免税 exempt"}[vat.category]


def _party(party: Party) -> dict[str, str]:
    place = " ".join(part for part in (party.postcode, party.city, party.country) if part)
    return {
        "name": party.name,
        "registration": party.registration,
        "vat_id": party.vat_id,
        "address": party.address,
        "place": place,
        "contact": party.contact,
        "phone": party.phone,
        "email": party.email,
    }
