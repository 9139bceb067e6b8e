"""The printed invoice says what it is, what it is not, and the same figures as its XML."""

import io
import time
from dataclasses import replace
from datetime import date

import pytest
from pypdf import PdfReader

from services.billing.adapters.documents import (
    ExpectedInvoice,
    Sale,
    StatementInconsistent,
    settlement_statement_pdf,
)
from services.invoicing.adapters.einvoice_xml import invoice_xml
from services.invoicing.adapters.invoice_document import Discount
from services.invoicing.adapters.pdf import invoice_pdf
from services.shared.kernel.money import CurrencyMismatch, Money
from tests.integration.documents.invoices import EXEMPT, SIX, THIRTEEN, a_line, an_invoice
from tests.integration.documents.reading import pages_of, pdfa_claim, pdfa_violations, text_of
from tests.integration.documents.statements import a_statement


def test_an_invoice_shows_every_rate_discount_and_sum_and_says_it_is_no_fapiao() -> None:
    invoice = an_invoice(
        (a_line(0, 100_000), a_line(1, 33_333, THIRTEEN, discount=1_111), a_line(2, 5_000, EXEMPT)),
        discounts=(Discount(Money(777, "CNY"), "批量 Volume", SIX),),
        paid=50_000,
        rounding=-3,
    )
    text = text_of(invoice_pdf(invoice))
    for stated in (
        "不是发票",
        "notaChinesetaxinvoice(fapiao)",
        "344.44-11.1113%333.33",
        "992.2359.53",
        "333.3343.33",
        "50.000.00",
        "1,375.56",
        "102.86",
        "1,478.42",
        "-500.00",
        "-0.03",
        "978.39",
        "人民币壹仟肆佰柒拾捌元肆角贰分",
        "YQ-000321",
        "2026-12-23",
    ):
        assert stated in text, stated


def test_a_credit_note_names_the_invoice_it_corrects_and_asks_for_no_payment() -> None:
    text = text_of(invoice_pdf(an_invoice((a_line(0, 33_333),), credit=True)))
    assert "贷记通知单（红字）CreditNote(redletter)" in text
    assert "InvoicecorrectedINV-2026-000321" in text
    assert "5000112611000123" in text
    assert "YQ-000321" not in text


def test_the_pdf_carries_its_xml_unchanged_and_stays_archivable() -> None:
    invoice = an_invoice((a_line(0, 100_000),))
    xml = invoice_xml(invoice)
    pdf = invoice_pdf(invoice, xml=xml)
    assert PdfReader(io.BytesIO(pdf)).attachments == {"invoice.xml": [xml]}
    assert pdfa_claim(pdf) == ("3", "A")
    assert pdfa_violations(pdf) == []
    assert invoice_pdf(invoice, xml=xml) == pdf


@pytest.mark.parametrize(("currency", "stated"), [("JPY", "110,000"), ("KWD", "106.000"), ("USD", "1,060.00")])
def test_figures_have_as_many_decimals_as_the_currency(currency: str, stated: str) -> None:
    line = a_line(0, 110_000 if currency == "JPY" else 100_000, currency=currency)
    taxes = {SIX: 0} if currency == "JPY" else None
    text = text_of(invoice_pdf(an_invoice((line,), taxes=taxes)))
    assert stated in text
    assert "人民币" not in text
    assert (stated + ".00" in text) is False


def test_sixty_lines_repeat_their_header() -> None:
    pages = pages_of(invoice_pdf(an_invoice(tuple(a_line(index, 123_456) for index in range(60)))))
    with_lines = [page for page in pages if "OR-2026-0001" in page.replace("订单编号OrderOR-2026-000123", "")]
    assert len(with_lines) >= 2
    assert all("Unitprice,net" in page for page in with_lines)


def test_a_providers_statement_adds_up_and_says_which_invoice_is_expected() -> None:
    text = text_of(settlement_statement_pdf(a_statement(8, carried_over=-11_800)))
    for stated in (
        "6,296.16",
        "-629.61",
        "5,666.55",
        "340.00",
        "6,006.55",
        "-118.00",
        "5,888.55",
        "人民币伍仟捌佰捌拾捌元伍角伍分",
        "增值税专用发票",
        "LatestreceiptBy".removesuffix("By") + "2026-11-20",
        "退款refund",
        "-977.54",
    ):
        assert stated in text, stated


def test_a_provider_to_which_nothing_is_owed_reads_what_it_sold() -> None:
    """Split at source and paid directly; no invoice is asked of it."""
    sold = Sale("OR-2026-000123", date(2026, 10, 3), "BET", "agent_psp_split", Money(101_000, "CNY"),
                Money(10_600, "CNY"), Money(10_000, "CNY"), Money(600, "CNY"), "INV-2026-000017")  # fmt: skip
    direct = replace(sold, way="agent_direct", split_off=Money(0, "CNY"), invoice_number="")
    text = text_of(settlement_statement_pdf(replace(a_statement(1), lines=(), sales=(sold, direct))))
    for stated in ("1,010.00106.00100.006.00INV-2026-000017", "1,010.000.00100.006.00—", "2,020.00", "212.00"):
        assert stated in text, stated
    assert "无需开具发票" in text
    assert "应开发票" not in text
    assert "贵方直接销售" not in text_of(settlement_statement_pdf(a_statement(1)))


def test_a_station_sees_fees_but_no_price_of_an_order() -> None:
    text = text_of(settlement_statement_pdf(a_statement(2, "station")))
    assert "100.00-30.0070.004.2074.20" in text
    assert "1,000.00" not in text
    assert "Work,net" not in text


def test_a_statement_of_a_thousand_lines_is_quick_and_loses_none() -> None:
    statement = a_statement(1_000)
    settlement_statement_pdf(a_statement(1))  # the child and its fonts are there
    started = time.monotonic()
    pdf = settlement_statement_pdf(statement)
    # 1.1 s on two idle cores; the limit leaves room for a busy machine and none for a quadratic layout
    assert time.monotonic() - started < 8
    pages = pages_of(pdf)
    text = "".join(pages)
    assert [number for number in range(1, 1_001) if f"OR-2026-{number:06d}" not in text] == []
    assert all("Earned,net" in page for page in pages[:-1])
    assert pdfa_claim(pdf) == ("2", "A")


def test_a_statement_that_contradicts_itself_is_not_made() -> None:
    statement = a_statement(3)
    wrong = replace(statement.lines[0], net=Money(1, "CNY"))
    with pytest.raises(StatementInconsistent):
        settlement_statement_pdf(replace(statement, lines=(wrong,)))
    with pytest.raises(StatementInconsistent, match="special"):
        settlement_statement_pdf(
            replace(
                statement, expected_invoice=ExpectedInvoice(special=False, rate_bps=100, latest_on=date(2026, 1, 1))
            )
        )
    with pytest.raises(CurrencyMismatch):
        settlement_statement_pdf(replace(statement, carried_over=Money(0, "USD")))
