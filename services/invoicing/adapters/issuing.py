"""
The outside calls `issue_invoice` and `issue_red_letter`: from what is frozen to two files kept in the records bucket.

    contents → UBL XML → official EN 16931 rules → PDF/A-3 with the XML inside → both kept

The same contents give the same bytes and are kept under their own hash, so a call that is made again
after a crash finds its files there and answers the same.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter

from services.invoicing.adapters.einvoice_rules import RulesFailed, validate
from services.invoicing.adapters.einvoice_xml import invoice_xml
from services.invoicing.adapters.invoice_document import (
    Discount,
    Invoice,
    InvoiceInconsistent,
    Line,
    Party,
    PaymentMeans,
    Preceding,
    Vat,
    VatSubtotal,
)
from services.invoicing.adapters.pdf import invoice_pdf
from services.invoicing.domain.invoice import Contents, PartyOnInvoice
from services.invoicing.domain.order import OrderLine
from services.shared.chassis.document_text import figure
from services.shared.chassis.logs import logger
from services.shared.chassis.object_store import ObjectStore, Stored
from services.shared.chassis.render import RenderFailed
from services.shared.kernel.money import Money, total
from services.shared.kernel.payment_reference import commission_reference_of, reference_of
from services.shared.kernel.times import business_date

log = logger("issuing")

_CONTENTS = TypeAdapter(Contents)

# Unit → UN/ECE Recommendation 20 (C62: one of whatever it is) and as printed.
_UNITS: Mapping[str, tuple[str, str]] = {
    "sample": ("C62", "样 / sample"),
    "hour": ("HUR", "小时 / hour"),
    "half_hour": ("C62", "半小时 / half hour"),
    "day": ("DAY", "天 / day"),
    "element": ("C62", "元素 / element"),
    "component": ("C62", "组分 / component"),
    "scan": ("C62", "次扫描 / scan"),
    "block": ("C62", "块 / block"),
    "set": ("SET", "套 / set"),
    "batch": ("C62", "批 / batch"),
    "item": ("C62", "项 / item"),
}
_ONE_LINE = ("C62", "项 / item")

_NAMED_MAX = 8
"""References of 14 characters that a transfer's remittance text surely holds: 140 in ISO 20022."""


class IssueInvoice:
    """*named*: field of the payload with the id of what is issued, by which its files lie in *folder*."""

    def __init__(self, store: ObjectStore, named: str = "invoice_id", folder: str = "invoices") -> None:
        self.store = store
        self.named = named
        self.folder = folder

    def __call__(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """
        *findings* (why it cannot be issued) or *pdf* and *xml* (key, sha256, size_bytes).

        Raises:
            Unavailable: The store, the rules or the renderer do not answer; the same call may be made again.
        """
        del key
        issued_id = payload[self.named]
        try:
            invoice = document(_CONTENTS.validate_python(payload["contents"]))
            xml = invoice_xml(invoice)
            findings = validate(xml)
            fatal = [f"{finding.rule}: {finding.text}" for finding in findings if finding.severity == "fatal"]
            if fatal:
                return {"findings": fatal}
            pdf = invoice_pdf(invoice, xml=xml)
        except (
            InvoiceInconsistent, RulesFailed, RenderFailed, ArithmeticError, LookupError, TypeError, ValueError,
        ) as error:  # fmt: skip
            # Nothing outside is at fault, so trying again cannot help: somebody must look at this invoice.
            log.exception("invoice cannot be made", **{self.named: issued_id})
            return {"findings": [f"{type(error).__name__}: {error}"]}
        return {
            "findings": [],
            "pdf": _kept(self._keep(issued_id, pdf, "pdf", "application/pdf")),
            "xml": _kept(self._keep(issued_id, xml, "xml", "application/xml")),
        }

    def _keep(self, issued_id: str, body: bytes, form: str, media_type: str) -> Stored:
        # The hash is in the key: other bytes, from a later version of the template, would be another file.
        return self.store.keep(f"{self.folder}/{issued_id}/{sha256(body).hexdigest()}.{form}", body, media_type)


def document(contents: Contents) -> Invoice:
    """What is frozen as the document that `pdf.py` prints and `einvoice_xml.py` writes. Taxes as frozen."""
    zero = Money(0, contents.net.currency)
    vat = (
        Vat("S", contents.tax_rate_bps)
        if contents.tax_rate_bps
        else Vat("E", 0, "免征增值税 Exempt from VAT")  # the only profile without a rate is the exempt one
    )
    lines = tuple(_line(line, vat, line.order_number or contents.order_number) for line in contents.lines)
    reduced = contents.reduced or zero
    over_all = total((line.net for line in lines), contents.net.currency) - contents.net - reduced
    if over_all.amount < 0:
        raise InvoiceInconsistent("the lines sum to less than the order")  # no rule forbids a discount below zero
    discounts = tuple(
        discount
        for discount in (
            Discount(over_all, "优惠 Discount", vat),
            Discount(reduced, "开票前退款 Refunds agreed before this invoice", vat, code="64"),
        )
        if discount.amount.amount
    )
    day, credited = business_date(contents.dated_at), contents.credits
    return Invoice(
        number=contents.number,
        issued_on=day,
        issued_at=contents.dated_at,
        due_on=None if credited else day + timedelta(days=contents.net_days),
        seller=_party(contents.seller),
        buyer=_party(contents.buyer),
        lines=lines,
        vat_subtotals=(VatSubtotal(vat, contents.net, contents.tax),),
        payment=_payment(contents),
        paid=contents.paid,
        rounding=zero,
        delivered_on=business_date(contents.accepted_at),
        discounts=discounts,
        contract_number=contents.contract_number,
        order_number=contents.order_number,
        payment_terms=_payment_terms(contents),
        credits=Preceding(credited.number, business_date(credited.dated_at)) if credited else None,
        credit_reason=credited.reason if credited else "",
        red_form_number=credited.form_number if credited else "",
    )


def _line(line: OrderLine, vat: Vat, order_number: str) -> Line:
    code, printed = _UNITS.get(line.unit, _ONE_LINE)
    if not line.includes_tax and line.unit_price * line.quantity - line.discount == line.net:
        return Line(
            name=line.title_zh,
            description=line.title_en,
            quantity=Decimal(line.quantity),
            unit_code=code,
            unit=printed,
            unit_price=line.unit_price,
            discount=line.discount,
            net=line.net,
            vat=vat,
            order_number=order_number,
        )
    # A price with VAT in it has no exact net price per unit: the line is stated as one, its price in words.
    words = f"{line.title_en}, {line.quantity} × {figure(line.unit_price)} {printed}"
    if line.includes_tax:
        words += " 含税 incl. VAT"
    if line.discount.amount:
        words += f", 优惠 discount {figure(line.discount)}"
    return Line(
        name=line.title_zh,
        description=words,
        quantity=Decimal(1),
        unit_code=_ONE_LINE[0],
        unit=_ONE_LINE[1],
        unit_price=line.net,
        discount=Money(0, line.net.currency),
        net=line.net,
        vat=vat,
        order_number=order_number,
    )


def _payment_terms(contents: Contents) -> str:
    if contents.credits is not None:
        return "已付款项予以退还，未付款项不再支付。 What was paid is given back, the rest is not owed."
    if contents.paid == contents.gross:
        return "款项已结清。 Nothing is left to pay."
    if not contents.net_days:
        return "请在收到发票后支付。 Payable on receipt."
    return f"请于开票后 {contents.net_days} 日内支付。 Payable within {contents.net_days} days of the invoice."


def _payment(contents: Contents) -> PaymentMeans:
    seller = contents.seller
    if contents.credits is not None:  # nothing is to be paid to anybody's account by who reads it
        return PaymentMeans("97", contents.order_number)
    if contents.payment_method in {"bank_transfer", "credit"} and seller.account_number:
        return PaymentMeans("30", _reference(contents), seller.account_number, seller.account_name, seller.bank_name)
    if contents.payment_method == "commission_owed" and seller.account_number:
        reference = commission_reference_of(contents.order_number)
        return PaymentMeans("30", reference, seller.account_number, seller.account_name, seller.bank_name)
    named = contents.order_number or contents.number
    return PaymentMeans("48" if contents.payment_method == "card" else "97", named)


def _reference(contents: Contents) -> str:
    """By which a transfer finds its orders, all of them; of too many the invoice's number."""
    numbers = [each.number for each in contents.orders] or [contents.order_number]
    return " ".join(map(reference_of, numbers)) if len(numbers) <= _NAMED_MAX else contents.number


def _party(party: PartyOnInvoice) -> Party:
    return Party(
        name=party.name,
        registration=party.registration,
        address=party.address,
        city="",
        country="CN",
        phone=party.phone,
        email=party.mail,
    )


def _kept(stored: Stored) -> dict[str, Any]:
    return {"key": stored.key, "sha256": stored.sha256, "size_bytes": stored.size}
