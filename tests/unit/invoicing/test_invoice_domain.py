"""An invoice's states, and what is frozen when it gets its number."""

from datetime import timedelta

import pytest

from services.invoicing.domain.invoice import (
    LIFECYCLE,
    Invoice,
    KeptFile,
    NotIssued,
    invoice_number,
    problem_text,
)
from services.invoicing.use_cases import order, organisation
from services.shared.kernel.lifecycle import WrongState
from tests.kit.fakes_invoicing import (
    CUSTOMER_ID,
    NOW,
    OPERATOR_ID,
    ORDER_ID,
    FakeInvoicing,
    cny,
    contracted,
    registered,
)

PDF = KeptFile("a.pdf", "a" * 64, 10)
XML = KeptFile("a.xml", "b" * 64, 20)


def a_numbered_invoice(net: int = 100_000, tax: int = 6_000, on_credit: int = 0) -> Invoice:
    uow = FakeInvoicing()
    order.keep_copy(contracted(), uow=uow, now=NOW)
    for kind, organisation_id in (("operator", OPERATOR_ID), ("customer", CUSTOMER_ID)):
        organisation.keep_copy(registered(kind, organisation_id), uow=uow, now=NOW)  # type: ignore[arg-type]
    seller, buyer = uow.organisations.rows[OPERATOR_ID], uow.organisations.rows[CUSTOMER_ID]
    invoice = Invoice(ORDER_ID, ORDER_ID, CUSTOMER_ID)
    invoice.take_number(
        "INV-2026-000001",
        order=uow.orders.rows[ORDER_ID],
        seller=seller,
        buyer=buyer,
        net=cny(net),
        tax=cny(tax),
        on_credit=cny(on_credit),
        net_days=0,
        accepted_at=NOW - timedelta(days=1),
        now=NOW,
    )
    return invoice


def test_numbers_are_readable_and_sort() -> None:
    """Six digits, of the series and the business year."""
    assert invoice_number("INV", 2026, 1) == "INV-2026-000001"
    assert invoice_number("INV", 2026, 9) < invoice_number("INV", 2026, 10)


def test_a_numbered_invoice_is_paid_and_dated() -> None:
    """Amounts are the order's; it was paid before work began; the buyer's bank account is nobody's business."""
    contents = a_numbered_invoice().frozen
    assert (contents.net, contents.tax, contents.gross, contents.paid) == (
        cny(100_000), cny(6_000), cny(106_000), cny(106_000),
    )  # fmt: skip
    assert contents.dated_at == NOW
    assert contents.seller.account_number == "1239065188101010"
    assert contents.buyer.account_number == ""


def test_less_than_the_order_is_said_to_be_less() -> None:
    """What was given back before acceptance is neither invoiced nor paid."""
    contents = a_numbered_invoice(66_667, 4_000, on_credit=10_000).frozen
    assert (contents.gross, contents.paid, contents.reduced) == (cny(70_667), cny(60_667), cny(33_333))
    assert a_numbered_invoice().frozen.reduced is None


@pytest.mark.parametrize(("net", "tax"), [(100_001, 6_000), (100_000, 6_001)])
def test_more_than_the_order_is_never_invoiced(net: int, tax: int) -> None:
    """It can only be a bug, and must be seen."""
    with pytest.raises(ValueError, match="more was recognised"):
        a_numbered_invoice(net, tax)


def test_an_issued_invoice_bears_the_date_of_its_documents() -> None:
    """However late the documents were made, they say the instant of the number."""
    invoice = a_numbered_invoice()
    invoice.issue(PDF, XML)
    assert (invoice.state, invoice.issued_at) == ("issued", NOW)
    assert (invoice.file("pdf"), invoice.file("xml")) == (PDF, XML)


def test_there_is_no_document_before_it_is_issued() -> None:
    """Nobody is shown a half-made invoice, nor a failed one."""
    invoice = a_numbered_invoice()
    with pytest.raises(NotIssued):
        invoice.file("pdf")
    invoice.fail("BR-CO-15: sums", NOW)
    with pytest.raises(NotIssued):
        invoice.file("xml")


@pytest.mark.parametrize("verb", ["number", "issue", "fail"])
@pytest.mark.parametrize("state", ["issued", "failed", "delivered"])
def test_nothing_happens_to_an_invoice_twice(verb: str, state: str) -> None:
    """An issued or failed invoice is neither numbered, issued nor failed again."""
    with pytest.raises(WrongState):
        LIFECYCLE.after(verb, state)  # type: ignore[arg-type]


def test_an_issued_invoice_cannot_fail() -> None:
    """What left the house stands."""
    invoice = a_numbered_invoice()
    invoice.issue(PDF, XML)
    with pytest.raises(WrongState):
        invoice.fail("too late", NOW)


def test_a_problem_is_kept_short() -> None:
    """A broken total breaks many rules; the first ones tell it."""
    assert problem_text(["BR-1: a", "BR-2: b"]) == "BR-1: a; BR-2: b"
    assert len(problem_text(["x" * 500] * 9)) == 2_000
