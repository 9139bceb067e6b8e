"""Our EN 16931 files under the official rules, and the rules under files that are wrong."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from services.invoicing.adapters.einvoice_rules import validate
from services.invoicing.adapters.einvoice_xml import invoice_cii_xml, invoice_xml
from services.invoicing.adapters.invoice_document import Discount, Invoice, InvoiceInconsistent, Vat
from services.shared.kernel.money import Money
from services.shared.kernel.rate import share
from tests.integration.documents.invoices import EXEMPT, SIX, THIRTEEN, a_line, an_invoice

_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"

VATS = (SIX, THIRTEEN, Vat("S", 300), Vat("S", 100), Vat("S", 1_050), Vat("Z", 0), EXEMPT)


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    currency = draw(st.sampled_from(["CNY", "EUR", "USD", "JPY"]))
    vats = draw(st.lists(st.sampled_from(VATS), min_size=1, max_size=4, unique=True))
    amounts = st.integers(min_value=0, max_value=10**11)
    lines = tuple(
        replace(
            a_line(index, draw(amounts), draw(st.sampled_from(vats)), discount=draw(amounts), currency=currency),
            quantity=draw(st.decimals("0.01", "9999", places=2)),
            name=draw(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)),
        )
        for index in range(draw(st.integers(1, 12)))
    )
    by_vat: dict[Vat, int] = {}
    for line in lines:
        by_vat[line.vat] = by_vat.get(line.vat, 0) + line.net.amount
    discounts = tuple(
        Discount(Money(draw(st.integers(1, amount)), currency), "批量 Volume", vat)
        for vat, amount in by_vat.items()
        if amount > 0 and draw(st.booleans())
    )
    # taxes as frozen on up to twelve orders, each rounded for itself: a few minor units away
    taxes: dict[Vat, int] = {}
    for vat, amount in by_vat.items():
        taxable = amount - sum(each.amount.amount for each in discounts if each.vat == vat)
        drift = draw(st.integers(0, 6)) if vat.category == "S" and currency != "JPY" else 0
        taxes[vat] = share(taxable, vat.rate_bps) + drift
    return an_invoice(
        lines,
        discounts=discounts,
        taxes=taxes,
        paid=draw(st.integers(0, 10**9)),
        rounding=draw(st.integers(-99, 99)),
        credit=draw(st.booleans()),
    )


@given(invoices())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_we_invoice_the_official_rules_have_nothing_to_say(invoice: Invoice) -> None:
    assert validate(invoice_xml(invoice)) == []
    assert validate(invoice_cii_xml(invoice)) == []


def changed(xml: bytes, element: str, text: str) -> bytes:
    """*xml* with the text of its one *element* replaced."""
    root = etree.fromstring(xml)
    (found,) = root.iter(_CBC + element)
    found.text = text
    return bytes(etree.tostring(root))


@pytest.mark.parametrize(
    ("element", "text", "rule"),
    [
        ("TaxInclusiveAmount", "1061.00", "BR-CO-15"),
        ("TaxExclusiveAmount", "999.00", "BR-CO-13"),
        ("PayableAmount", "1.00", "BR-CO-16"),
        ("DocumentCurrencyCode", "RMB", "BR-CL-04"),
        ("InvoiceTypeCode", "999", "BR-CL-01"),
        ("TaxableAmount", "900.00", "BR-S-08"),
    ],
)
def test_a_broken_file_is_reported_by_the_rule_it_breaks(element: str, text: str, rule: str) -> None:
    good = invoice_xml(an_invoice((a_line(0, 100_000),)))
    assert validate(good) == []
    findings = validate(changed(good, element, text))
    assert rule in {finding.rule for finding in findings}
    (broken,) = [finding for finding in findings if finding.rule == rule]
    assert broken.severity == "fatal"
    assert rule in broken.text
    assert broken.where


def test_a_broken_total_in_cii_is_reported_too() -> None:
    good = invoice_cii_xml(an_invoice((a_line(0, 100_000),)))
    bad = good.replace(b"<ram:GrandTotalAmount>1060.00", b"<ram:GrandTotalAmount>1061.00")
    assert bad != good
    assert "BR-CO-15" in {finding.rule for finding in validate(bad)}


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"not xml",
        b"<Invoice/>",
        b"\xff\xfe",
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><Invoice>&e;</Invoice>',
        b"<x>" * 300,
    ],
)
def test_what_is_no_invoice_is_reported_and_not_raised(hostile: bytes) -> None:
    findings = validate(hostile)
    assert findings
    assert {finding.rule for finding in findings} <= {"XML", "XSD"}


def test_the_collective_invoice_keeps_the_frozen_taxes() -> None:
    """Three orders of net 10.09 and tax 0.61: 30.27 + 1.83 = 32.10, although 6 % of the sum is 1.82."""
    invoice = an_invoice(tuple(a_line(index, 1_009) for index in range(3)), taxes={SIX: 183})
    xml = invoice_xml(invoice)
    assert (invoice.net.amount, invoice.tax.amount, invoice.gross.amount) == (3_027, 183, 3_210)
    assert b">32.10</cbc:PayableAmount>" in xml
    assert validate(xml) == []


def test_a_credit_note_is_its_own_document_and_names_the_invoice() -> None:
    root = etree.fromstring(invoice_xml(an_invoice((a_line(0, 33_333),), credit=True)))
    assert etree.QName(root).localname == "CreditNote"
    ids = [element.text for element in root.iter(_CBC + "ID")]
    assert "INV-2026-000321" in ids
    assert root.findtext(f"{_CBC}CreditNoteTypeCode") == "381"


def test_the_credit_code_is_legal_registration_and_sellers_tax_number() -> None:
    root = etree.fromstring(invoice_xml(an_invoice((a_line(0, 100_000),))))
    companies = [element.text for element in root.iter(_CBC + "CompanyID")]
    # seller: tax registration (BT-32) and legal registration (BT-30); buyer: legal registration (BT-47)
    assert companies == ["91500103MA60ABCD7X", "91500103MA60ABCD7X", "91500000MA5U6K3X2L"]


def test_rounding_is_in_the_invoices_own_currency() -> None:
    root = etree.fromstring(invoice_xml(an_invoice((a_line(0, 100_000),), rounding=-3)))
    (rounding,) = root.iter(_CBC + "PayableRoundingAmount")
    assert (rounding.text, rounding.get("currencyID")) == ("-0.03", "CNY")


def test_yen_have_no_decimals_and_dinar_three_which_the_standard_refuses() -> None:
    yen = invoice_xml(an_invoice((a_line(0, 100_000, currency="JPY"),)))
    assert b'currencyID="JPY">106000</cbc:PayableAmount>' in yen
    assert validate(yen) == []
    dinar = invoice_xml(an_invoice((a_line(0, 1_001, currency="KWD"),)))
    assert b'currencyID="KWD">1.061</cbc:PayableAmount>' in dinar
    assert "BR-DEC-18" in {finding.rule for finding in validate(dinar)}


def test_an_invoice_that_contradicts_itself_cannot_be_made() -> None:
    good = an_invoice((a_line(0, 100_000),))
    with pytest.raises(InvoiceInconsistent):
        replace(good, vat_subtotals=(replace(good.vat_subtotals[0], taxable=Money(1, "CNY")),))
    with pytest.raises(InvoiceInconsistent):
        replace(good, vat_subtotals=good.vat_subtotals * 2)
    with pytest.raises(InvoiceInconsistent):
        replace(good, lines=())
    with pytest.raises(InvoiceInconsistent):
        Vat("E", 0)
    with pytest.raises(InvoiceInconsistent):
        Vat("S", 0)


def test_the_same_invoice_gives_the_same_bytes() -> None:
    invoice = an_invoice((a_line(0, 100_000), a_line(1, 5, THIRTEEN)))
    assert invoice_xml(invoice) == invoice_xml(invoice)
    assert invoice_cii_xml(invoice) == invoice_cii_xml(invoice)


def test_many_threads_share_one_compiled_rule_set() -> None:
    good = invoice_xml(an_invoice((a_line(0, 100_000),)))
    bad = changed(good, "TaxInclusiveAmount", "1061.00")
    with ThreadPoolExecutor(6) as threads:
        counts = list(threads.map(lambda number: len(validate(bad if number % 2 else good)), range(60)))
    assert counts[::2] == [0] * 30
    assert all(counts[1::2])
