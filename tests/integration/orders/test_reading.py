"""Who is shown what, in which order, and at what cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from sqlalchemy import event

from services.orders.adapters import document_queries, queries, quotation_queries
from services.orders.adapters.copies import SHELF
from services.orders.use_cases import quotation, quotation_request
from services.orders.use_cases.offering import keep_copy as keep_offering
from services.shared.chassis.paging import CursorInvalid
from services.shared.kernel.actor import PUBLIC, Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.catalog.offering import OfferingContent, OfferingHidden, OfferingPublished, Price
from services.shared.messages.orders.contract import GetContract, GetContractDocument
from services.shared.messages.orders.order import GetOrder, ListOrders
from services.shared.messages.orders.quotation import GetQuotation, LineWanted, ListQuotations, SendQuotation
from services.shared.messages.orders.quotation_request import (
    GetQuotationRequest,
    ListQuotationRequests,
    OpenQuotationRequest,
)
from services.shared.messages.orders.report import CheckReport, GetReport, GetReportDocument
from services.shared.messages.orders.sample import GetPackingSheet
from tests.integration.orders.conftest import Orders
from tests.integration.orders.test_order_journey import at_the_bench, drafted, see
from tests.kit.fakes_orders import (
    CONTRACT_OPERATOR,
    LAB_MANAGER,
    NOW,
    OFFERING_ID,
    OTHER_LAB_MANAGER,
    OTHER_PROVIDER_ID,
    OTHER_REQUESTER,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    STATION_MANAGER,
    a_provider,
    cny,
)

STRANGERS = (OTHER_REQUESTER, OTHER_LAB_MANAGER, STATION_MANAGER, PUBLIC)


def listed(orders: Orders, actor: Actor, **fields: Any) -> list[tuple[str, str]]:
    """(number, seen_as) of all pages."""
    found: list[tuple[str, str]] = []
    after = None
    while True:
        page = orders.run(queries.list_orders, ListOrders(after=after, **fields), actor)
        found += [(item.number, item.seen_as) for item in page.items]
        after = page.next_cursor
        if after is None:
            return found


@contextmanager
def statements(orders: Orders) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(orders.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(orders.engine, "before_cursor_execute", note)


def test_placing_an_order_costs_two_round_trips_of_its_own(orders: Orders) -> None:
    with statements(orders) as sent:
        orders.place()
    own = [statement for statement in sent if not statement.startswith(("BEGIN", "COMMIT"))]
    assert len(own) == 2, own
    assert own[0] == SHELF


def test_an_order_is_read_in_one_round_trip(orders: Orders) -> None:
    placed = orders.place()
    with statements(orders) as sent:
        see(orders, placed.order_id)
    assert len([statement for statement in sent if not statement.startswith(("BEGIN", "COMMIT"))]) == 1


def test_lists_are_newest_first_and_complete_over_pages(orders: Orders) -> None:
    numbers = [orders.place(now=NOW + timedelta(seconds=second // 3)).number for second in range(11)]
    for limit in (1, 4, 11, 200):
        pages = [number for number, _ in listed(orders, REQUESTER, limit=limit)]
        assert sorted(pages) == sorted(numbers)
    assert pages[0] in numbers[-2:]


def test_each_party_lists_its_own_and_a_stranger_nothing(orders: Orders) -> None:
    number = orders.place().number
    orders.database.change("UPDATE orders SET station_id = %s", (str(STATION_ID),))
    assert listed(orders, REQUESTER) == [(number, "customer")]
    assert listed(orders, LAB_MANAGER) == [(number, "provider")]
    assert listed(orders, STATION_MANAGER) == [(number, "station")]
    assert listed(orders, CONTRACT_OPERATOR) == [(number, "operator")]
    assert listed(orders, OTHER_REQUESTER) == []
    assert listed(orders, REQUESTER, state="closed") == []
    assert listed(orders, REQUESTER, state="placed") == [(number, "customer")]


def test_an_organisation_that_is_two_parties_lists_the_order_once(orders: Orders) -> None:
    orders.place()
    orders.database.change("UPDATE orders SET station_id = provider_id")
    assert [seen_as for _, seen_as in listed(orders, LAB_MANAGER)] == ["provider"]


def test_a_foreign_cursor_is_refused(orders: Orders) -> None:
    with pytest.raises(CursorInvalid):
        orders.run(queries.list_orders, ListOrders(after="bm9uc2Vuc2U="), REQUESTER)


def test_a_list_can_be_read_along_its_indexes_without_a_sort(orders: Orders) -> None:
    """With three rows the planner would rather sort them; forbidden to, it must find another way."""
    for _ in range(3):
        orders.place()
    plans: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "UNION ALL" in statement:
            cursor.execute("SET enable_sort = off; SET enable_seqscan = off; SET enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {statement}", parameters)
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
            cursor.execute("RESET ALL")

    event.listen(orders.engine, "before_cursor_execute", explain)
    assert len(listed(orders, REQUESTER, limit=2)) == 3
    event.remove(orders.engine, "before_cursor_execute", explain)
    assert len(plans) == 2
    for plan in plans:
        for index in ("orders_of_customer", "orders_of_provider", "orders_of_station"):
            assert f"Index Scan Backward using {index}" in plan, plan
        assert plan.count("Sort Key") <= 1, "only the pages' rows are sorted, when they are put together"
    assert "ROW(placed_at, order_id) <" in plans[1], "the cursor is a place in the index"


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_finds_nothing_of_an_order(orders: Orders, stranger: Actor) -> None:
    placed = at_the_bench(orders)
    report_id, _ = drafted(orders, placed.order_id, b"%PDF-1.7")
    summary = see(orders, placed.order_id).contract
    assert summary is not None
    contract_id = summary.contract_id
    for read, query in (
        (queries.get_order, GetOrder(order_id=placed.order_id)),
        (document_queries.get_contract, GetContract(contract_id=contract_id)),
        (document_queries.get_contract_document, GetContractDocument(contract_id=contract_id, paper="contract")),
        (document_queries.get_packing_sheet, GetPackingSheet(order_id=placed.order_id)),
        (document_queries.get_report, GetReport(report_id=report_id)),
        (document_queries.get_report_document, GetReportDocument(report_id=report_id)),
    ):
        with pytest.raises(NotFound):
            orders.run(read, query, stranger)


def test_what_does_not_exist_looks_like_what_is_foreign(orders: Orders) -> None:
    for read, query in (
        (queries.get_order, GetOrder(order_id=new_id())),
        (document_queries.get_contract, GetContract(contract_id=new_id())),
        (document_queries.get_packing_sheet, GetPackingSheet(order_id=new_id())),
        (document_queries.get_report, GetReport(report_id=new_id())),
        (document_queries.check_report, CheckReport(code="AAAA-AAAA-AAAA-AAAA")),
        (quotation_queries.get_quotation, GetQuotation(quotation_id=new_id())),
        (quotation_queries.get_quotation_request, GetQuotationRequest(quotation_request_id=new_id())),
    ):
        with pytest.raises(NotFound):
            orders.run(read, query, REQUESTER)


def test_a_station_sees_the_figures_and_nothing_of_the_work(orders: Orders) -> None:
    placed = at_the_bench(orders)
    orders.database.change("UPDATE orders SET station_id = %s", (str(STATION_ID),))
    view = see(orders, placed.order_id, STATION_MANAGER)
    assert (view.seen_as, view.amounts) == ("station", placed.amounts)
    assert (view.contract, view.samples, view.reports, view.samples_declared) == (None, (), (), ())
    with pytest.raises(NotAllowed):
        orders.run(document_queries.get_packing_sheet, GetPackingSheet(order_id=placed.order_id), STATION_MANAGER)


def test_a_draft_report_is_the_laboratorys_own_affair(orders: Orders) -> None:
    placed = at_the_bench(orders)
    report_id, _ = drafted(orders, placed.order_id, b"%PDF-1.7")
    assert see(orders, placed.order_id).reports == ()
    with pytest.raises(NotFound):
        orders.run(document_queries.get_report, GetReport(report_id=report_id), REQUESTER)
    assert orders.run(document_queries.get_report, GetReport(report_id=report_id), LAB_MANAGER).upload_url is not None
    assert orders.run(document_queries.get_report, GetReport(report_id=report_id), CONTRACT_OPERATOR).upload_url is None
    with pytest.raises(document_queries.DocumentNotReady):
        orders.run(document_queries.get_report_document, GetReportDocument(report_id=report_id), LAB_MANAGER)


def asked_of_both(orders: Orders) -> UUID:
    orders.within(lambda uow: uow.providers.put(a_provider(OTHER_PROVIDER_ID)))
    view = orders.run(
        quotation_request.open_quotation_request,
        OpenQuotationRequest(
            provider_ids=(PROVIDER_ID, OTHER_PROVIDER_ID), title="XRD", respond_by=NOW + timedelta(days=1)
        ),
        REQUESTER,
    )
    line = LineWanted(title_zh="x", title_en="x", unit="sample", quantity=1, unit_price=cny(100), reason="new")
    command = SendQuotation(quotation_request_id=view.quotation_request_id, lines=(line,), turnaround_days=1)
    orders.run(quotation.send_quotation, command, LAB_MANAGER)
    return view.quotation_request_id


def test_requests_are_sealed(orders: Orders) -> None:
    request_id = asked_of_both(orders)
    read = GetQuotationRequest(quotation_request_id=request_id)
    for actor, known in (
        (REQUESTER, {PROVIDER_ID, OTHER_PROVIDER_ID}),
        (CONTRACT_OPERATOR, {PROVIDER_ID, OTHER_PROVIDER_ID}),
        (LAB_MANAGER, {PROVIDER_ID}),
        (OTHER_LAB_MANAGER, {OTHER_PROVIDER_ID}),
    ):
        assert set(orders.run(quotation_queries.get_quotation_request, read, actor).provider_ids) == known
        (item,) = orders.run(quotation_queries.list_quotation_requests, ListQuotationRequests(), actor).items
        assert set(item.provider_ids) == known
    with pytest.raises(NotFound):
        orders.run(quotation_queries.get_quotation_request, read, OTHER_REQUESTER)
    assert orders.run(quotation_queries.list_quotation_requests, ListQuotationRequests(), OTHER_REQUESTER).items == ()


def test_a_provider_never_sees_anothers_quotation(orders: Orders) -> None:
    request_id = asked_of_both(orders)
    wanted = ListQuotations(quotation_request_id=request_id)
    (mine,) = orders.run(quotation_queries.list_quotations, wanted, LAB_MANAGER).items
    assert orders.run(quotation_queries.list_quotations, wanted, REQUESTER).items == (mine,)
    assert orders.run(quotation_queries.list_quotations, wanted, CONTRACT_OPERATOR).items == (mine,)
    assert orders.run(quotation_queries.list_quotations, wanted, OTHER_LAB_MANAGER).items == ()
    with pytest.raises(NotFound):
        orders.run(quotation_queries.get_quotation, GetQuotation(quotation_id=mine.quotation_id), OTHER_LAB_MANAGER)


def test_history_can_be_added_to_and_not_changed(orders: Orders) -> None:
    orders.place()
    for statement in ("UPDATE order_step SET what = 'x'", "DELETE FROM order_step"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            orders.rows(statement)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            orders.database.change(statement)


def test_an_offering_is_kept_as_catalog_last_told_it_however_often(orders: Orders) -> None:
    fields: dict[str, Any] = {
        "offering_id": OFFERING_ID,
        "number": "OF-1",
        "provider_id": PROVIDER_ID,
        "content": OfferingContent(
            title_zh="新", title_en="new", method_zh="m", method_en="m", unit="hour", turnaround_days=2
        ),
        "prices": (Price(valid_from=NOW, unit_price=cny(5_000), includes_tax=True, charge_basis="x"),),
    }
    for _ in range(2):
        orders.handle(keep_offering, OfferingPublished(**fields))
    kept = orders.within(lambda uow: uow.offerings.shelf([OFFERING_ID])).offerings[OFFERING_ID]
    assert (kept.title_en, kept.published, kept.provider_sells) == ("new", True, True)
    assert kept.prices[0].includes_tax
    orders.handle(keep_offering, OfferingHidden(**fields))
    assert not orders.within(lambda uow: uow.offerings.shelf([OFFERING_ID])).offerings[OFFERING_ID].published


def test_nothing_on_the_shelf_still_tells_the_companys_rate(orders: Orders) -> None:
    shelf = orders.within(lambda uow: uow.offerings.shelf([new_id()]))
    assert (dict(shelf.offerings), shelf.company_rate_bps) == ({}, 600)
