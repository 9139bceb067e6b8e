"""
EN 16931 files: an invoice as UBL 2.1 or CII, by factur-x 7.8.

Such a file is a commercial invoice, never a 发票: that one the tax bureau issues. The library's
dictionary layout changes between versions; this is the only module that knows it.
"""

from typing import Any

from lxml import etree

from services.invoicing.adapters.invoice_document import Invoice, Line, Party, Vat
from services.shared.chassis.document_text import decimal, percent
from services.shared.kernel.money import Money

NOT_A_FAPIAO = "Commercial invoice under EN 16931. 本文件为商业发票，不是税务机关监制的发票。"

_CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def invoice_xml(invoice: Invoice) -> bytes:
    """
    *invoice* as UBL 2.1, UTF-8; a `CreditNote` document when it credits another.

    The bytes depend on *invoice* only. Check them with `einvoice_rules.validate` before they leave.
    EN 16931 allows two decimals at most (BR-DEC): amounts in KWD or BHD keep their three here and
    are reported by the rules.
    """
    from facturx import generate_ubl_xml

    xml: bytes = generate_ubl_xml(_terms(invoice), level="en16931", check_xsd=False, check_schematron=False)
    return _with_rounding_currency(xml, invoice.currency) if invoice.rounding.amount else xml


def invoice_cii_xml(invoice: Invoice) -> bytes:
    """*invoice* as UN/CEFACT CII (the XML inside Factur-X), UTF-8; type code 381 when it credits another."""
    from facturx import generate_cii_xml

    xml: bytes = generate_cii_xml(_terms(invoice), level="en16931", check_xsd=False, check_schematron=False)
    root = etree.fromstring(xml)
    for element in root.iter():
        # factur-x 7.8 marks an empty delivery group as nil, which its own XSD refuses
        element.attrib.pop(_NIL, None)
    return _serialised(root)


def _terms(invoice: Invoice) -> dict[str, Any]:
    """The invoice as business terms (BT) and groups (BG). The library edits what it gets: make it anew."""
    credits_another = invoice.credits is not None
    # The standard has no field for the bureau's form.
    form = f"红字信息确认单 Red-letter form {invoice.red_form_number}" if invoice.red_form_number else ""
    terms: dict[str, Any] = {
        "BT-1": invoice.number,
        "BT-2": invoice.issued_on,
        "BT-3": "381" if credits_another else "380",
        "BT-5": invoice.currency,
        "BT-9": invoice.due_on,
        "BT-12": invoice.contract_number,
        "BT-13": invoice.order_number,
        "BT-20": invoice.payment_terms,
        "BT-72": invoice.delivered_on,
        "BT-81": invoice.payment.code,
        "BT-83": invoice.payment.reference,
        "BT-106": decimal(invoice.lines_total),
        "BT-109": decimal(invoice.net),
        "BT-110": decimal(invoice.tax),
        "BT-112": decimal(invoice.gross),
        "BT-115": decimal(invoice.due),
        "BG-1": [{"BT-22": text} for text in (NOT_A_FAPIAO, invoice.note, invoice.credit_reason, form) if text],
        "BG-4": _party(invoice.seller, is_seller=True),
        "BG-7": _party(invoice.buyer, is_seller=False),
        "BG-20": [
            {"amount": decimal(each.amount), "reason": each.reason, "reason_code": each.code}
            | {"vat_category_code": each.vat.category, "vat_rate": percent(each.vat.rate_bps)}
            for each in invoice.discounts
        ],
        "BG-23": [
            {
                "BT-116": decimal(each.taxable),
                "BT-117": decimal(each.tax),
                "BT-118": each.vat.category,
                "BT-119": percent(each.vat.rate_bps),
            }
            | _exemption(each.vat)
            for each in invoice.vat_subtotals
        ],
        "BG-25": [_line(number, line) for number, line in enumerate(invoice.lines, 1)],
    }
    if invoice.credits is not None:
        terms["BG-3"] = [{"BT-25": invoice.credits.number, "BT-26": invoice.credits.issued_on}]
    if invoice.payment.account:
        terms["BT-84"] = invoice.payment.account
        terms["BT-85"] = invoice.payment.account_name
    for term, amount in (
        ("BT-107", invoice.discounts_total),
        ("BT-113", invoice.paid),
        ("BT-114", invoice.rounding),
    ):
        if amount.amount:
            terms[term] = decimal(amount)
    return {term: value for term, value in terms.items() if value not in ("", None, [])}


def _exemption(vat: Vat) -> dict[str, str]:
    return {"BT-120": vat.exemption_reason} if vat.exemption_reason else {}


def _party(party: Party, *, is_seller: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": party.name,
        "legal_identifier": party.registration,
        "vat_identifier": party.vat_id,
        "addr_l1": party.address,
        "city": party.city,
        "postcode": party.postcode,
        "country_code": party.country,
    }
    if is_seller and not party.vat_id:
        # In China the tax number is the unified social credit code. BT-31 would need a prefix that it
        # does not have; BT-32, the local tax registration, is what the rules take instead (BR-S-02).
        fields["tax_identifier"] = party.registration
    if party.contact or party.phone or party.email:
        fields["contacts"] = [{"name": party.contact, "phone": party.phone, "email": party.email}]
    return {name: value for name, value in fields.items() if value}


def _line(number: int, line: Line) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "BT-126": str(number),
        "BT-129": f"{line.quantity.normalize():f}",
        "BT-130": line.unit_code,
        "BT-131": decimal(line.net),
        "BT-146": decimal(line.unit_price),
        "BT-151": line.vat.category,
        "BT-152": percent(line.vat.rate_bps),
        "BT-153": line.name,
        "BT-154": line.description,
        "BT-133": line.order_number,
    }
    if line.discount.amount:
        before = Money(line.net.amount + line.discount.amount, line.net.currency)
        fields["BG-27"] = [
            {"amount": decimal(line.discount), "base_amount": decimal(before)}
            | {"reason": "Discount 优惠", "reason_code": "95"}
        ]
    return {term: value for term, value in fields.items() if value}


def _with_rounding_currency(xml: bytes, currency: str) -> bytes:
    """factur-x 7.8 writes EUR on PayableRoundingAmount, whatever the invoice's currency is."""
    root = etree.fromstring(xml)
    for element in root.iter(f"{{{_CBC}}}PayableRoundingAmount"):
        element.set("currencyID", currency)
    return _serialised(root)


def _serialised(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8"))
