"""What is stored comes back, twice is once, and queries show each their own."""

from datetime import date
from functools import partial

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.invoicing.adapters import queries, tables
from services.invoicing.adapters.repositories import over_order
from services.invoicing.adapters.unit_of_work import InvoicingUnitOfWork
from services.invoicing.domain.invoice import NotIssued
from services.invoicing.domain.received_invoice import AlreadyRecorded, SettlementAlreadyMatched
from services.invoicing.use_cases import settlement
from services.invoicing.use_cases.invoice import invoice_order, record_documents
from services.invoicing.use_cases.received_invoice import record_received_invoice
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.messages.invoicing.invoice import GetInvoice, GetInvoiceDocument, ListInvoices
from services.shared.messages.invoicing.received_invoice import (
    ListReceivedInvoices,
    ReceivedInvoiceView,
    RecordReceivedInvoice,
)
from tests.integration.invoicing.database import ServiceDatabases, fill, transaction
from tests.kit.fakes_invoicing import (
    CATALOGUE_OPERATOR,
    CUSTOMER_FINANCE,
    CUSTOMER_ID,
    FINANCE_OPERATOR,
    NOW,
    ORDER_ID,
    OTHER_CUSTOMER_ID,
    OTHER_PROVIDER_FINANCE,
    PROVIDER_FINANCE,
    REQUESTER,
    an_actor,
    cny,
    contracted,
    recognised,
    settlement_closed,
)
from tests.kit.real_service import together

INVOICE_ID = derived_id("invoice", ORDER_ID)
STRANGER = an_actor(OTHER_CUSTOMER_ID, "customer_finance")
MADE = {
    "findings": [],
    "pdf": {"key": "k.pdf", "sha256": "a" * 64, "size_bytes": 10},
    "xml": {"key": "k.xml", "sha256": "b" * 64, "size_bytes": 20},
}


def a_store() -> ObjectStore:
    return ObjectStore("http://key:secret@127.0.0.1:9", "uploads", "records")


@pytest.fixture
def engine(service_database: ServiceDatabases) -> Engine:
    return service_database("invoicing").engine()


def invoiced(engine: Engine) -> None:
    fill(engine, contracted())
    with transaction(engine) as uow:
        invoice_order(recognised(contracted()), uow=uow, now=NOW)


def test_an_invoice_comes_back_as_it_was_frozen(engine: Engine) -> None:
    invoiced(engine)
    with transaction(engine) as uow:
        contents = uow.invoices.get(INVOICE_ID).frozen
    assert (contents.dated_at, contents.gross, contents.lines[0].title_zh) == (
        NOW,
        cny(106_000),
        "SEM–EDS 扫描电镜能谱面扫",
    )
    with pytest.raises(NotFound), transaction(engine) as uow:
        uow.invoices.get(ORDER_ID)


def test_documents_are_linked_for_the_customer_and_the_companys_finance_only(engine: Engine) -> None:
    """Each other organisation and role is refused by every way to the invoice."""
    invoiced(engine)
    wanted = GetInvoiceDocument(invoice_id=INVOICE_ID, form="xml")
    with pytest.raises(NotIssued), transaction(engine) as uow:
        queries.get_invoice_document(wanted, actor=REQUESTER, uow=uow, now=NOW, store=a_store)
    with transaction(engine) as uow:
        record_documents({"invoice_id": str(INVOICE_ID)}, MADE, uow=uow, now=NOW)
    for actor in (REQUESTER, CUSTOMER_FINANCE, FINANCE_OPERATOR):
        with transaction(engine) as uow:
            assert (
                queries.get_invoice(GetInvoice(invoice_id=INVOICE_ID), actor=actor, uow=uow, now=NOW).state == "issued"
            )
            link = queries.get_invoice_document(wanted, actor=actor, uow=uow, now=NOW, store=a_store)
        assert (link.filename, link.sha256, link.size_bytes) == ("INV-2026-000001.xml", "b" * 64, 20)
        assert link.url.startswith("http://127.0.0.1:9/records/k.xml?")
    for actor, refusal in ((STRANGER, NotFound), (PROVIDER_FINANCE, NotFound), (CATALOGUE_OPERATOR, NotAllowed)):
        with transaction(engine) as uow:
            with pytest.raises(refusal):
                queries.get_invoice(GetInvoice(invoice_id=INVOICE_ID), actor=actor, uow=uow, now=NOW)
            with pytest.raises(refusal):
                queries.get_invoice_document(wanted, actor=actor, uow=uow, now=NOW, store=a_store)


def test_lists_hold_ones_own_and_turn_pages(engine: Engine) -> None:
    """The company's finance sees all, a customer its own, nobody else's; newest first."""
    orders = [contracted(derived_id("order", n), number=f"OR-2026-{n:06d}") for n in range(5)]
    fill(engine, *orders)
    for order in orders:
        with transaction(engine) as uow:
            invoice_order(recognised(order), uow=uow, now=NOW)

    def all_of(uow: InvoicingUnitOfWork) -> list[str]:
        numbers: list[str] = []
        after = None
        while True:
            found = queries.list_invoices(ListInvoices(limit=2, after=after), actor=CUSTOMER_FINANCE, uow=uow, now=NOW)
            numbers += [view.number for view in found.items]
            after = found.next_cursor
            if after is None:
                return numbers

    with transaction(engine) as uow:
        assert sorted(all_of(uow)) == [f"INV-2026-{n:06d}" for n in range(1, 6)]
        assert len(queries.list_invoices(ListInvoices(), actor=FINANCE_OPERATOR, uow=uow, now=NOW).items) == 5
        assert queries.list_invoices(ListInvoices(), actor=STRANGER, uow=uow, now=NOW).items == ()
        one = ListInvoices(order_id=orders[3].order_id)
        assert len(queries.list_invoices(one, actor=CUSTOMER_FINANCE, uow=uow, now=NOW).items) == 1
        with pytest.raises(NotAllowed):
            queries.list_invoices(ListInvoices(), actor=CATALOGUE_OPERATOR, uow=uow, now=NOW)


def test_a_problem_is_for_the_operating_company(engine: Engine) -> None:
    """A customer learns that it failed, and no more."""
    invoiced(engine)
    with transaction(engine) as uow:
        record_documents({"invoice_id": str(INVOICE_ID)}, {"findings": ["BR-1: x"]}, uow=uow, now=NOW)
    with transaction(engine) as uow:
        wanted = GetInvoice(invoice_id=INVOICE_ID)
        assert queries.get_invoice(wanted, actor=FINANCE_OPERATOR, uow=uow, now=NOW).problem == "BR-1: x"
        seen = queries.get_invoice(wanted, actor=REQUESTER, uow=uow, now=NOW)
        assert (seen.state, seen.problem) == ("failed", "")


def record(
    engine: Engine, number: str, net: int = 90_000, settlement_number: str = "ST-2026-000001"
) -> ReceivedInvoiceView:
    command = RecordReceivedInvoice(
        settlement_number=settlement_number, number=number, kind="special", net=cny(net), tax=cny(5_400),
        issued_on=date(2026, 11, 23),
    )  # fmt: skip
    with transaction(engine) as uow:
        return record_received_invoice(command, actor=PROVIDER_FINANCE, uow=uow, now=NOW)


def test_what_was_rejected_is_recorded_anew_and_what_matched_is_not(engine: Engine) -> None:
    """Both stay listed. Of ten who record one number for two statements at once, right or wrong, one has matched."""
    with transaction(engine) as uow:
        settlement.keep_copy(settlement_closed(), uow=uow, now=NOW)
        settlement.keep_copy(settlement_closed(settlement_id=new_id(), number="ST-2026-000002"), uow=uow, now=NOW)
    assert [record(engine, "A-001", net).state for net in (89_999, 1)] == ["rejected", "rejected"]
    numbers = ["ST-2026-000001", "ST-2026-000002"] * 5
    answers = together([partial(record, engine, "A-001", settlement_number=number) for number in numbers])
    assert [each.state for each in answers if isinstance(each, ReceivedInvoiceView)] == ["matched"]
    refused = {type(each) for each in answers if not isinstance(each, ReceivedInvoiceView)}
    assert refused <= {AlreadyRecorded, SettlementAlreadyMatched}
    assert AlreadyRecorded in refused
    for number in {*numbers}:
        with pytest.raises((AlreadyRecorded, SettlementAlreadyMatched)):
            record(engine, "A-001", 1, number)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT state FROM received_invoice WHERE number = 'A-001' ORDER BY state")
        assert [row.state for row in found] == ["matched", "rejected", "rejected"]


def test_received_invoices_are_matched_once_and_listed_to_their_party(engine: Engine) -> None:
    """The same number again is refused by the database itself, and so is a second match."""
    with transaction(engine) as uow:
        for _ in range(2):
            settlement.keep_copy(settlement_closed(), uow=uow, now=NOW)
    assert record(engine, "A-001", net=1).state == "rejected"
    assert record(engine, "A-002").state == "matched"
    with transaction(engine) as uow:
        listed = queries.list_received_invoices(ListReceivedInvoices(), actor=PROVIDER_FINANCE, uow=uow, now=NOW)
        assert {(view.number, view.state, view.reason) for view in listed.items} == {
            ("A-001", "rejected", "net_differs"), ("A-002", "matched", ""),
        }  # fmt: skip
        assert (
            len(queries.list_received_invoices(ListReceivedInvoices(), actor=FINANCE_OPERATOR, uow=uow, now=NOW).items)
            == 2
        )
        others = queries.list_received_invoices(ListReceivedInvoices(), actor=OTHER_PROVIDER_FINANCE, uow=uow, now=NOW)
        assert others.items == ()
        with pytest.raises(NotAllowed):
            queries.list_received_invoices(ListReceivedInvoices(), actor=REQUESTER, uow=uow, now=NOW)
    with pytest.raises(IntegrityError), transaction(engine) as uow:
        uow.connection.exec_driver_sql(
            "INSERT INTO received_invoice SELECT gen_random_uuid(), 'A-003', state, kind, settlement_id,"
            " settlement_number, party_id, currency, net_minor, tax_minor, issued_on, recorded_at, reason"
            " FROM received_invoice WHERE state = 'matched'"
        )


@pytest.mark.parametrize("table", ["tax_point", "received_invoice"])
def test_what_was_stated_cannot_be_changed(engine: Engine, table: str) -> None:
    """The run-time role may add to these tables and read them."""
    with pytest.raises(DBAPIError, match="permission denied"), transaction(engine) as uow:
        uow.connection.exec_driver_sql(f"DELETE FROM {table}")


def test_copies_are_kept_once(engine: Engine) -> None:
    """A copy that changes replaces the one before."""
    fill(engine, contracted())
    fill(engine, contracted())
    with transaction(engine) as uow:
        operator, customer = uow.organisations.parties(CUSTOMER_ID)
        assert (operator is not None, customer is not None) == (True, True)
        assert uow.organisations.parties(OTHER_CUSTOMER_ID)[1] is None


def test_the_invoice_over_an_order_is_found_along_indexes(engine: Engine) -> None:
    """With few rows the planner would rather read them all; told that this is dear, it must find another way."""
    wanted = select(tables.invoice).where(over_order(ORDER_ID)).compile(engine, compile_kwargs={"literal_binds": True})
    with engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        plan = "\n".join(connection.execute(text(f"EXPLAIN {wanted}")).scalars())
        connection.execute(text("RESET ALL"))
    for index in ("invoice_of_order", "invoice_pkey", "uninvoiced_order_pkey"):
        assert index in plan, plan
