"""From what is frozen to the two kept files: real rules, real renderer, real store."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from pydantic import TypeAdapter
from pypdf import PdfReader

from services.invoicing.adapters.issuing import IssueInvoice, document
from services.invoicing.domain.invoice import Contents, OrderShare
from services.invoicing.domain.red_letter import RedLetter
from services.invoicing.use_cases import order, organisation
from services.invoicing.use_cases.invoice import invoice_order
from services.shared.chassis.document_text import figure
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.ids import derived_id
from services.shared.kernel.payment_reference import reference_of
from services.shared.messages.orders.order import OrderContracted
from services.shared.messages.orders.quotation import Amounts
from tests.integration.documents.reading import text_of
from tests.kit.fakes_invoicing import (
    CUSTOMER_ID,
    NOW,
    OPERATOR_ID,
    ORDER_ID,
    FakeInvoicing,
    a_line,
    cny,
    contracted,
    recognised,
    registered,
)

_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


@pytest.fixture
def store(stack: Mapping[str, str]) -> ObjectStore:
    return ObjectStore(
        stack["YIQI_INVOICING_OBJECT_STORE_URL"], stack["YIQI_INVOICING_BUCKET"], stack["YIQI_INVOICING_RECORDS_BUCKET"]
    )


def payload(event: OrderContracted, **changes: Any) -> dict[str, Any]:
    """What `issue_invoice` is given for *event*'s order, recognised wholly but for *changes*."""
    uow = FakeInvoicing()
    organisation.keep_copy(registered("operator", OPERATOR_ID), uow=uow, now=NOW)
    organisation.keep_copy(registered("customer", CUSTOMER_ID), uow=uow, now=NOW)
    order.keep_copy(event, uow=uow, now=NOW)
    invoice_order(recognised(event, **changes), uow=uow, now=NOW)
    return uow.calls[0][2]


def total(xml: bytes, name: str) -> str | None:
    found: str | None = etree.fromstring(xml).findtext(f".//{_CBC}{name}")
    return found


def test_both_files_are_kept_under_their_hashes_and_the_pdf_carries_the_xml(store: ObjectStore) -> None:
    """Nothing is due, because it was paid before; the same call again keeps and answers the same."""
    asked = payload(contracted())
    issue = IssueInvoice(store)
    made = issue(asked, "key")
    assert made["findings"] == []
    pdf, xml = store.fetch(made["pdf"]["key"]), store.fetch(made["xml"]["key"])
    for body, kept in ((pdf, made["pdf"]), (xml, made["xml"])):
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (kept["sha256"], kept["size_bytes"])
    assert PdfReader(io.BytesIO(pdf)).attachments == {"invoice.xml": [xml]}
    assert [total(xml, name) for name in ("TaxInclusiveAmount", "PrepaidAmount", "PayableAmount")] == [
        "1060.00", "1060.00", "0.00",
    ]  # fmt: skip
    text = text_of(pdf)
    for said in ("INV-2026-000001", "OR-2026-000001", "CT-2026-000001", "1,060.00", "不是发票", "款项已结清"):
        assert said in text, said
    assert issue(asked, "key") == made


@pytest.mark.parametrize("method", ["card", "bank_transfer"])
def test_however_it_was_paid_the_rules_find_nothing(store: ObjectStore, method: str) -> None:
    made = IssueInvoice(store)(payload(contracted(derived_id("order", method), method=method)), "key")
    assert made["findings"] == []


@pytest.mark.parametrize(
    ("on_credit", "net_days", "due", "said"),
    [
        (106_000, 30, "2026-12-23", "30日内支付"),
        (74_200, 30, "2026-12-23", "30日内支付"),
        (1, 0, "2026-11-23", "收到"),
    ],
)
def test_what_went_on_credit_is_due_after_the_invoice(
    store: ObjectStore, on_credit: int, net_days: int, due: str, said: str
) -> None:
    """With the reference by which the transfer finds its order."""
    event = contracted(derived_id("order", on_credit), method="credit")
    event = event.model_copy(update={"terms": event.terms.model_copy(update={"net_days": net_days})})
    made = IssueInvoice(store)(payload(event, on_credit=cny(on_credit)), "key")
    assert made["findings"] == []
    xml = store.fetch(made["xml"]["key"])
    assert total(xml, "PayableAmount") == f"{on_credit // 100}.{on_credit % 100:02d}"
    assert total(xml, "DueDate") == due
    assert total(xml, "PaymentID") == reference_of(event.number)
    text = text_of(store.fetch(made["pdf"]["key"]))
    assert reference_of(event.number) in text
    assert said in text


@pytest.mark.parametrize("count", [1, 8, 9])
def test_a_transfer_for_several_orders_names_each_or_the_invoice(count: int) -> None:
    """The text of a transfer holds eight references for sure; with more, the invoice's number."""
    numbers = [f"OR-2026-{n:06d}" for n in range(1, count + 1)]
    asked = payload(contracted(method="credit"), on_credit=cny(106_000))
    one = TypeAdapter(Contents).validate_python(asked["contents"])
    shares = tuple(OrderShare(derived_id("order", number), number, cny(1), cny(0)) for number in numbers)
    said = document(replace(one, order_number="", orders=shares)).payment.reference
    assert len(said) <= 140
    assert said == ("INV-2026-000001" if count > 8 else " ".join(reference_of(number) for number in numbers))


def test_tax_is_repeated_as_frozen(store: ObjectStore) -> None:
    """Three lines of net 10.09 with 0.61 each are 1.83 (TV15), although 6 % of the sum is 1.82."""
    lines = [a_line(n, net=1_009, quantity=1) for n in (1, 2, 3)]
    made = IssueInvoice(store)(payload(contracted(ORDER_ID, *lines)), "key")
    xml = store.fetch(made["xml"]["key"])
    assert (total(xml, "TaxInclusiveAmount"), total(xml, "PayableAmount")) == ("32.10", "0.00")


def test_prices_with_tax_in_them_are_stated_as_one_line_in_words(store: ObjectStore) -> None:
    """3 x 33.30 with VAT has no exact net price for one: the line says its net, and the price as agreed."""
    line = a_line(1, net=9_425, quantity=3, unit_price=cny(3_330), includes_tax=True, tax=cny(565))
    made = IssueInvoice(store)(payload(contracted(ORDER_ID, line)), "key")
    assert made["findings"] == []
    text = text_of(store.fetch(made["pdf"]["key"]))
    assert "3×33.30样/sample含税incl.VAT" in text
    assert "99.90" in text


def test_a_discount_over_the_whole_order_is_stated_as_such(store: ObjectStore) -> None:
    event = contracted()
    less = Amounts(discount=cny(10_000), net=cny(90_000), tax=cny(5_400), gross=cny(95_400), tax_rate_bps=600)
    made = IssueInvoice(store)(payload(event.model_copy(update={"amounts": less})), "key")
    assert made["findings"] == []
    xml = store.fetch(made["xml"]["key"])
    assert (total(xml, "AllowanceTotalAmount"), total(xml, "TaxExclusiveAmount")) == ("100.00", "900.00")


@pytest.mark.parametrize(("net", "tax"), [(66_667, 4_000), (1, 0), (58_201, 3_492)])
def test_what_was_given_back_before_acceptance_is_a_reduction(store: ObjectStore, net: int, tax: int) -> None:
    """Beside a discount over the whole order: each by its own name, and the sums hold by the official rules."""
    less = Amounts(discount=cny(10_000), net=cny(90_000), tax=cny(5_400), gross=cny(95_400), tax_rate_bps=600)
    event = contracted().model_copy(update={"amounts": less})
    made = IssueInvoice(store)(payload(event, net=cny(net), tax=cny(tax)), "key")
    assert made["findings"] == []
    xml = store.fetch(made["xml"]["key"])
    allowances = etree.fromstring(xml).findall(".//{*}AllowanceCharge")
    assert [(each.findtext("{*}AllowanceChargeReasonCode"), each.findtext("{*}Amount")) for each in allowances] == [
        ("95", "100.00"), ("64", f"{(90_000 - net) / 100:.2f}"),
    ]  # fmt: skip
    assert total(xml, "TaxExclusiveAmount") == f"{net / 100:.2f}"
    assert total(xml, "PayableAmount") == "0.00"
    text = text_of(store.fetch(made["pdf"]["key"]))
    for said in ("开票前退款", "Refundsagreedbeforethisinvoice", figure(cny(net + tax)), "款项已结清"):
        assert said in text, said


@pytest.mark.parametrize(("net", "tax"), [(33_333, 2_000), (1, 0), (100_000, 6_000)])
@pytest.mark.parametrize("lines", [1, 3])
def test_a_red_letter_obeys_the_rules_and_names_what_it_takes_back(
    store: ObjectStore, net: int, tax: int, lines: int
) -> None:
    """Below zero for people; a file of type 381 for machines; nobody is shown an account to pay into."""
    event = contracted(derived_id("order", lines), *(a_line(n) for n in range(1, lines + 1)))
    uow = FakeInvoicing()
    organisation.keep_copy(registered("operator", OPERATOR_ID), uow=uow, now=NOW)
    organisation.keep_copy(registered("customer", CUSTOMER_ID), uow=uow, now=NOW)
    order.keep_copy(event, uow=uow, now=NOW)
    invoice_order(recognised(event), uow=uow, now=NOW)
    (blue,) = uow.invoices.rows.values()
    made = RedLetter(
        derived_id("red_letter", 1), derived_id("refund", 1), blue.invoice_id, blue.number, event.order_id,
        event.number, CUSTOMER_ID, "manual", cny(net), cny(tax), NOW,
    )  # fmt: skip
    made.request("platform").hear("5000112611000123", "04", NOW)
    contents = made.take_number("RED-2026-000001", blue.frozen, NOW)
    asked = {"red_letter_id": str(made.red_letter_id), "contents": TypeAdapter(Contents).dump_python(contents)}
    issued = IssueInvoice(store, "red_letter_id", "red_letters")(asked, "key")
    assert issued["findings"] == []
    assert issued["pdf"]["key"].startswith(f"red_letters/{made.red_letter_id}/")
    xml = store.fetch(issued["xml"]["key"])
    root = etree.fromstring(xml)
    assert total(xml, "CreditNoteTypeCode") == "381"
    assert root.findtext(".//{*}InvoiceDocumentReference/{*}ID") == "INV-2026-000001"
    assert (total(xml, "PayableAmount"), total(xml, "TaxAmount")) == (
        figure(cny(net + tax)).replace(",", ""),
        f"{tax / 100:.2f}",
    )
    assert any("5000112611000123" in (note.text or "") for note in root.iter(f"{_CBC}Note"))
    text = text_of(store.fetch(issued["pdf"]["key"]))
    for said in ("INV-2026-000001", "5000112611000123", figure(cny(-net - tax)), "人民币负", "已付款项予以退还"):
        assert said in text, said
    assert "1239065188101010" not in text


def test_what_the_rules_refuse_is_not_kept_and_says_why(store: ObjectStore) -> None:
    """A currency of three decimals: the standard allows two (BR-DEC). Trying again would not help."""
    asked = payload(contracted())
    asked["contents"] = json.loads(json.dumps(asked["contents"]).replace("CNY", "KWD"))
    made = IssueInvoice(store)(asked, "key")
    assert any(finding.startswith("BR-DEC") for finding in made["findings"])
    assert set(made) == {"findings"}


def test_an_invoice_that_contradicts_itself_is_a_finding_and_not_a_loop(store: ObjectStore) -> None:
    """Lines that sum to less than the order: no invoice, and no endless trying."""
    event = contracted()
    more = Amounts(discount=cny(0), net=cny(100_001), tax=cny(6_000), gross=cny(106_001), tax_rate_bps=600)
    made = IssueInvoice(store)(payload(event.model_copy(update={"amounts": more})), "key")
    assert made["findings"]
