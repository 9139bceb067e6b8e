"""What is stored of a red letter comes back; what the database itself refuses; who is shown what."""

from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from services.invoicing.adapters import queries, red_letter_queries
from services.invoicing.domain.invoice import NotIssued
from services.invoicing.use_cases import red_letter
from services.invoicing.use_cases.invoice import invoice_order, record_documents
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.messages.invoicing.invoice import GetInvoice, ListInvoices
from services.shared.messages.invoicing.red_letter import (
    GetRedLetter,
    GetRedLetterDocument,
    ListRedLetters,
    RedLetterState,
    RedLetterView,
)
from tests.integration.invoicing.database import ServiceDatabases, fill, transaction
from tests.integration.invoicing.test_repositories import INVOICE_ID, MADE, STRANGER
from tests.kit.fakes_invoicing import (
    CATALOGUE_OPERATOR,
    CUSTOMER_FINANCE,
    FINANCE_OPERATOR,
    NOW,
    PROVIDER_FINANCE,
    cny,
    contracted,
    recognised,
)
from tests.unit.invoicing.test_red_letter_use_cases import agreed, red_letter_id


@pytest.fixture
def engine(service_database: ServiceDatabases) -> Engine:
    made = service_database("invoicing").engine()
    fill(made, contracted())
    with transaction(made) as uow:
        invoice_order(recognised(contracted()), uow=uow, now=NOW)
    with transaction(made) as uow:
        record_documents({"invoice_id": str(INVOICE_ID)}, MADE, uow=uow, now=NOW)
    with transaction(made) as uow:
        red_letter.refund_agreed(agreed(33_333, 2_000), uow=uow, now=NOW, platform=True)
    return made


SECOND = """
INSERT INTO red_letter SELECT gen_random_uuid(), refund_id, invoice_id, invoice_number, order_id, order_number,
       customer_id, cause, currency, 1, 0, requested_at, state, forms, NULL, NULL, NULL, NULL, NULL, '', 1
  FROM red_letter
"""


def told(engine: Engine, state: str) -> None:
    payload = {"red_letter_id": str(red_letter_id()), "attempt": 1}
    outcome = {"number": "5000112611000123", "state": state, "entered_at": NOW.isoformat()}
    with transaction(engine) as uow:
        red_letter.note_form(payload, outcome, uow=uow, now=NOW)


def issued(engine: Engine) -> None:
    told(engine, "04")
    with transaction(engine) as uow:
        payload = {"invoice_id": str(INVOICE_ID), "red_letter_id": str(red_letter_id())}
        red_letter.record_documents(payload, MADE, uow=uow, now=NOW)


def get(engine: Engine, actor: Actor, wanted: UUID | None = None) -> RedLetterView:
    with transaction(engine) as uow:
        query = GetRedLetter(red_letter_id=wanted or red_letter_id())
        return red_letter_queries.get_red_letter(query, actor=actor, uow=uow, now=NOW)


def test_a_red_letter_comes_back_in_every_state(engine: Engine) -> None:
    assert get(engine, FINANCE_OPERATOR).state == "requested"
    told(engine, "02")
    seen = get(engine, FINANCE_OPERATOR)
    assert (seen.form_state, seen.form_number, seen.confirm_by is not None) == ("02", "5000112611000123", True)
    issued(engine)
    seen = get(engine, FINANCE_OPERATOR)
    assert (seen.state, seen.number, seen.gross, seen.pdf_sha256) == (
        "issued", "RED-2026-000001", cny(-35_333), "a" * 64,
    )  # fmt: skip


def test_it_is_shown_to_the_customer_and_the_companys_finance_only(engine: Engine) -> None:
    """By every way; the customer learns that it was refused, and not in whose words."""
    with transaction(engine) as uow:
        payload = {"red_letter_id": str(red_letter_id()), "attempt": 1}
        red_letter.note_form(payload, {"refused": "invoice_unknown: none"}, uow=uow, now=NOW)
    assert get(engine, FINANCE_OPERATOR).problem == "invoice_unknown: none"
    seen = get(engine, CUSTOMER_FINANCE)
    assert (seen.state, seen.problem) == ("refused", "")
    for actor, refusal in ((STRANGER, NotFound), (PROVIDER_FINANCE, NotFound), (CATALOGUE_OPERATOR, NotAllowed)):
        with pytest.raises(refusal):
            get(engine, actor)
    with pytest.raises(NotFound):
        get(engine, FINANCE_OPERATOR, INVOICE_ID)

    def numbers(actor: Actor, state: RedLetterState | None = None) -> int:
        with transaction(engine) as uow:
            query = ListRedLetters(state=state)
            return len(red_letter_queries.list_red_letters(query, actor=actor, uow=uow, now=NOW).items)

    assert (numbers(FINANCE_OPERATOR), numbers(CUSTOMER_FINANCE), numbers(STRANGER)) == (1, 1, 0)
    assert (numbers(FINANCE_OPERATOR, "refused"), numbers(FINANCE_OPERATOR, "unconfirmed")) == (1, 0)
    with pytest.raises(NotAllowed):
        numbers(CATALOGUE_OPERATOR)


def test_an_invoice_shows_what_takes_it_back(engine: Engine) -> None:
    """One and in a list; words that are not the customer's are not in either."""
    with transaction(engine) as uow:
        payload = {"red_letter_id": str(red_letter_id()), "attempt": 1}
        red_letter.note_form(payload, {"refused": "no"}, uow=uow, now=NOW)
    with transaction(engine) as uow:
        one = queries.get_invoice(GetInvoice(invoice_id=INVOICE_ID), actor=CUSTOMER_FINANCE, uow=uow, now=NOW)
        (listed,) = queries.list_invoices(ListInvoices(), actor=CUSTOMER_FINANCE, uow=uow, now=NOW).items
    assert one == listed
    assert (one.state, [(each.net, each.problem) for each in one.red_letters]) == (
        "red_pending", [(cny(-33_333), "")],
    )  # fmt: skip


def test_documents_are_linked_once_there_are_any(engine: Engine) -> None:
    def store() -> ObjectStore:
        return ObjectStore("http://key:secret@127.0.0.1:9", "uploads", "records")

    wanted = GetRedLetterDocument(red_letter_id=red_letter_id(), form="pdf")
    with transaction(engine) as uow, pytest.raises(NotIssued):
        red_letter_queries.get_red_letter_document(wanted, actor=CUSTOMER_FINANCE, uow=uow, now=NOW, store=store)
    issued(engine)
    with transaction(engine) as uow:
        link = red_letter_queries.get_red_letter_document(wanted, actor=CUSTOMER_FINANCE, uow=uow, now=NOW, store=store)
        assert (link.filename, link.sha256) == ("RED-2026-000001.pdf", "a" * 64)
        with pytest.raises(NotFound):
            red_letter_queries.get_red_letter_document(wanted, actor=STRANGER, uow=uow, now=NOW, store=store)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE invoice SET red_asked_net_minor = 100001",
        "UPDATE invoice SET red_asked_tax_minor = 6001",
        "UPDATE invoice SET red_issued_net_minor = 33334",
        "UPDATE invoice SET red_issued_net_minor = -1",
        "UPDATE red_letter SET net_minor = 0",
        "UPDATE red_letter SET state = 'issued'",
        "UPDATE red_letter SET number = 'RED-2026-000009'",
        SECOND,
    ],
)
def test_the_database_refuses_what_may_not_be(engine: Engine, change: str) -> None:
    """More taken back than is invoiced, more issued than asked for, a second one for a refund, one half issued."""
    with pytest.raises(DBAPIError, match=r"violates (check|unique) constraint"), transaction(engine) as uow:
        uow.connection.exec_driver_sql(change)
