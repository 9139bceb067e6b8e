"""Documents that failed keep their number, are told each day, and are made again by finance: once for each failure."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.invoicing.domain.failed_document import TELL_TIMER
from services.invoicing.use_cases import failed_document, organisation, red_letter
from services.invoicing.use_cases.invoice import ISSUE_INVOICE, invoice_order, record_documents
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.invoicing.failed_document import DocumentMadeAgain, FailedDocument, MakeDocumentAgain
from services.shared.messages.invoicing.invoice import InvoiceFailed, InvoiceIssued
from services.shared.messages.invoicing.red_letter import RedLetterFailed, RedLetterIssued
from tests.kit.fakes_invoicing import (
    CATALOGUE_OPERATOR,
    CUSTOMER_FINANCE,
    CUSTOMER_ID,
    FINANCE_OPERATOR,
    NOW,
    PROVIDER_FINANCE,
    FakeInvoicing,
    contracted,
    recognised,
    registered,
)
from tests.unit.invoicing.test_invoice_use_cases import INVOICE_ID, MADE, ready
from tests.unit.invoicing.test_red_letter_use_cases import agreed, asked, made, red_letter_id, row, tell

FAILS: dict[str, Any] = {"findings": ["BR-07: a buyer has a name"]}
DAY = timedelta(days=1)


def failed() -> FakeInvoicing:
    uow = ready()
    invoice_order(recognised(contracted()), uow=uow, now=NOW)
    record_documents(uow.calls[0][2], FAILS, uow=uow, now=NOW)
    return uow


def again(
    uow: FakeInvoicing, kind: str = "invoice", document_id: UUID = INVOICE_ID, *, by: Actor = FINANCE_OPERATOR,
    now: Any = NOW + 3 * DAY,
) -> FailedDocument:  # fmt: skip
    wanted = MakeDocumentAgain.model_validate({"kind": kind, "document_id": document_id})
    return failed_document.make_document_again(wanted, actor=by, uow=uow, now=now)


def test_an_invoice_is_made_again_under_its_number() -> None:
    """Of the parties as they are by then, dated then; no number is taken, and who asked is stated."""
    uow = failed()
    organisation.keep_copy(registered("customer", CUSTOMER_ID, address="elsewhere"), uow=uow, now=NOW)
    seen = again(uow)
    assert (seen.number, seen.state, seen.days, seen.problem) == ("INV-2026-000001", "issuing", 3, "")
    (_, (kind, _, payload)) = uow.calls
    assert (kind, payload["contents"]["number"], payload["contents"]["buyer"]["address"]) == (
        ISSUE_INVOICE, "INV-2026-000001", "elsewhere",
    )  # fmt: skip
    (told,) = uow.events(DocumentMadeAgain)
    assert (told.by, told.problem) == (f"member/{FINANCE_OPERATOR.member_id}", FAILS["findings"][0])
    for _ in range(2):
        record_documents(payload, MADE, uow=uow, now=NOW + 3 * DAY)
    (issued,) = uow.events(InvoiceIssued)
    assert (issued.number, issued.issued_at) == ("INV-2026-000001", NOW + 3 * DAY)
    assert (uow.number_series.last, uow.invoices.rows[INVOICE_ID].failed_at) == ({("INV", 2026): 1}, None)


def test_twice_is_once_for_each_failure() -> None:
    """While it is made nobody has it made; when it fails anew they may, and its age goes on."""
    uow = failed()
    again(uow)
    with pytest.raises(WrongState):
        again(uow)
    assert len(uow.calls) == 2
    record_documents(uow.calls[1][2], FAILS, uow=uow, now=NOW + 3 * DAY)
    assert again(uow, now=NOW + 5 * DAY).days == 5
    assert len({key for _, key, _ in uow.calls}) == 3
    record_documents(uow.calls[2][2], MADE, uow=uow, now=NOW + 5 * DAY)
    with pytest.raises(WrongState):
        again(uow)


def test_what_waits_for_the_invoice_is_asked_for_when_it_is_there() -> None:
    """A refund was agreed while it had failed: its form is asked for with the documents, not before."""
    uow = failed()
    red_letter.refund_agreed(agreed(33_333, 2_000), uow=uow, now=NOW, platform=True)
    assert row(uow).state == "waiting"
    again(uow)
    record_documents(uow.calls[1][2], MADE, uow=uow, now=NOW + 3 * DAY, platform=True)
    assert (row(uow).state, uow.invoices.rows[INVOICE_ID].state) == ("requested", "red_pending")


def test_a_red_letter_is_made_again_under_its_number() -> None:
    uow = asked(agreed(33_333, 2_000))
    tell(uow, "04")
    made(uow, FAILS)
    seen = again(uow, "red_letter", red_letter_id())
    assert (seen.number, seen.state, seen.gross.amount, seen.days) == ("RED-2026-000001", "issuing", -35_333, 3)
    with pytest.raises(WrongState):
        again(uow, "red_letter", red_letter_id())
    for _ in range(2):
        made(uow)
    (issued,) = uow.events(RedLetterIssued)
    assert (issued.number, issued.issued_at) == ("RED-2026-000001", NOW + 3 * DAY)
    assert uow.number_series.last == {("INV", 2026): 1, ("RED", 2026): 1}


@pytest.mark.parametrize("kind", ["invoice", "red_letter"])
def test_finance_is_told_each_day_until_it_is_made(kind: str) -> None:
    """With the days since it failed first; not while it is being made, and never after it was."""
    uow = asked(agreed(33_333, 2_000))
    if kind == "invoice":
        uow = failed()
    else:
        tell(uow, "04")
        made(uow, FAILS)
    document_id = INVOICE_ID if kind == "invoice" else red_letter_id()
    subject = f"{kind}/{document_id}"

    def pass_day(days: int) -> list[int]:
        assert uow.timers[TELL_TIMER, subject] == NOW + days * DAY
        failed_document.tell_failed(subject, uow=uow, now=NOW + days * DAY)
        return [each.days for each in uow.events(InvoiceFailed)] + [each.days for each in uow.events(RedLetterFailed)]

    assert pass_day(1) == [0, 1]
    assert pass_day(2) == [0, 1, 2]
    again(uow, kind, document_id)
    assert pass_day(3) == [0, 1, 2]
    if kind == "invoice":
        record_documents(uow.calls[1][2], MADE, uow=uow, now=NOW + 3 * DAY)
    else:
        made(uow)
    assert pass_day(4) == [0, 1, 2]
    assert uow.timers[TELL_TIMER, subject] == NOW + 4 * DAY


def test_finance_alone() -> None:
    """Who is refused is refused before anything is looked up."""
    for document_id in (INVOICE_ID, red_letter_id()):
        for actor, refusal in ((CATALOGUE_OPERATOR, NotAllowed), (CUSTOMER_FINANCE, NotFound),
                               (PROVIDER_FINANCE, NotFound)):  # fmt: skip
            with pytest.raises(refusal):
                again(failed(), document_id=document_id, by=actor)
    for kind in ("invoice", "red_letter"):
        with pytest.raises(NotFound):
            again(failed(), kind, red_letter_id())


def test_without_a_party_it_waits() -> None:
    uow = failed()
    del uow.organisations.rows[CUSTOMER_ID]
    with pytest.raises(NotYet):
        again(uow)
    assert uow.invoices.rows[INVOICE_ID].state == "failed"
