"""One order from the shelf to its end on real parts: papers are made, files are kept, states and history agree."""

import hashlib
from datetime import timedelta
from uuid import UUID

import pytest
import urllib3

from services.orders.adapters import document_queries, queries
from services.orders.use_cases import analysis, contract, order, report, sample
from services.shared.kernel.actor import PUBLIC, Actor
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.payment import PaymentSucceeded
from services.shared.messages.billing.settlement import SettlementOrdersPaid
from services.shared.messages.orders.analysis import FinishAnalysis, StartAnalysis
from services.shared.messages.orders.contract import GetContractDocument, SignContract
from services.shared.messages.orders.order import GetOrder, OrderReceipt, OrderView
from services.shared.messages.orders.report import CheckReport, DraftReport, GetReport, GetReportDocument, IssueReport
from services.shared.messages.orders.sample import DispatchShipment, GetPackingSheet, ReceiveSample
from tests.integration.orders.conftest import Orders
from tests.kit.fakes_orders import (
    CONTRACT_OPERATOR,
    CUSTOMER_ID,
    LAB_MANAGER,
    NOW,
    PROVIDER_ID,
    REQUESTER,
    TECHNICIAN,
    cny,
)

PDF = b"%PDF-1.7\n% a test report\n"


def get(url: str) -> bytes:
    answer = urllib3.request("GET", url)
    assert answer.status == 200
    return answer.data


def put(url: str, body: bytes) -> None:
    assert urllib3.request("PUT", url, body=body).status == 200


def see(orders: Orders, order_id: UUID, actor: Actor = REQUESTER) -> OrderView:
    return orders.run(queries.get_order, GetOrder(order_id=order_id), actor)


def sign_all(orders: Orders, order_id: UUID) -> None:
    for actor in (REQUESTER, LAB_MANAGER, CONTRACT_OPERATOR):
        summary = see(orders, order_id, actor).contract
        assert summary is not None
        paper = "order_sheet" if actor is LAB_MANAGER else "contract"
        (sha256,) = (each.sha256 for each in summary.documents if each.paper == paper)
        orders.run(
            contract.sign_contract,
            SignContract(contract_id=summary.contract_id, signatory="王敏", sha256=sha256),
            actor,
        )


def pay(orders: Orders, placed: OrderReceipt, amount: int, payment_id: UUID) -> None:
    orders.handle(
        order.take_payment,
        PaymentSucceeded(
            payment_id=payment_id,
            order_id=placed.order_id,
            order_number=placed.number,
            customer_id=CUSTOMER_ID,
            method="card",
            amount=cny(amount),
            channel_transaction_id="ch_1",
            succeeded_at=NOW,
        ),
    )


def released(orders: Orders) -> OrderReceipt:
    placed = orders.place()
    orders.do_outside()
    sign_all(orders, placed.order_id)
    pay(orders, placed, placed.amounts.gross.amount, new_id())
    orders.do_outside()
    return placed


def at_the_bench(orders: Orders) -> OrderReceipt:
    placed = released(orders)
    (expected,) = see(orders, placed.order_id).samples
    orders.run(
        sample.receive_sample,
        ReceiveSample(sample_id=expected.sample_id, condition="good", quantity=1, storage_place="A1"),
        TECHNICIAN,
    )
    started = orders.run(analysis.start_analysis, StartAnalysis(order_id=placed.order_id, line=1), TECHNICIAN)
    orders.run(
        analysis.finish_analysis, FinishAnalysis(analysis_id=started.analysis_id, machine_minutes=90), TECHNICIAN
    )
    return placed


def drafted(orders: Orders, order_id: UUID, body: bytes) -> tuple[UUID, str]:
    draft = orders.run(
        report.draft_report,
        DraftReport(
            order_id=order_id, lines=(1,), title="SEM", sha256=hashlib.sha256(body).hexdigest(), size_bytes=len(body)
        ),
        TECHNICIAN,
    )
    assert draft.upload_url is not None
    return draft.report_id, draft.upload_url


def test_an_order_goes_from_the_shelf_to_closed(orders: Orders) -> None:
    placed = orders.place()
    assert str(placed.amounts.gross) == "CNY 3,358.08"
    assert see(orders, placed.order_id).blocked_by == ("awaiting_papers",)

    assert orders.do_outside() == 1
    assert see(orders, placed.order_id).blocked_by == tuple(
        f"awaiting_signature_{party}" for party in ("customer", "operator", "provider")
    )
    sign_all(orders, placed.order_id)
    assert see(orders, placed.order_id).blocked_by == ("awaiting_payment",)

    pay(orders, placed, placed.amounts.gross.amount, new_id())
    orders.do_outside()
    sheet = orders.run(document_queries.get_packing_sheet, GetPackingSheet(order_id=placed.order_id), REQUESTER)
    assert hashlib.sha256(get(sheet.url)).hexdigest() == sheet.sha256
    assert see(orders, placed.order_id).blocked_by == ("awaiting_samples",)

    (expected,) = see(orders, placed.order_id).samples
    orders.run(
        sample.dispatch_shipment,
        DispatchShipment(
            order_id=placed.order_id, carrier="SF", tracking_number="SF123", sample_ids=(expected.sample_id,)
        ),
        REQUESTER,
    )
    orders.run(
        sample.receive_sample,
        ReceiveSample(sample_id=expected.sample_id, condition="good", quantity=1, storage_place="A1"),
        TECHNICIAN,
    )
    view = see(orders, placed.order_id)
    assert (view.state, view.blocked_by) == ("in_progress", ("awaiting_report",))
    assert [shipment.state for shipment in view.shipments] == ["delivered"]

    started = orders.run(analysis.start_analysis, StartAnalysis(order_id=placed.order_id, line=1), TECHNICIAN)
    orders.run(
        analysis.finish_analysis, FinishAnalysis(analysis_id=started.analysis_id, machine_minutes=90), TECHNICIAN
    )
    report_id, upload_url = drafted(orders, placed.order_id, PDF)
    put(upload_url, PDF)
    assert orders.run(report.issue_report, IssueReport(report_id=report_id), LAB_MANAGER).state == "checking"
    orders.do_outside()
    view = see(orders, placed.order_id)
    assert (view.state, view.blocked_by) == ("delivered", ("awaiting_acceptance",))
    link = orders.run(document_queries.get_report_document, GetReportDocument(report_id=report_id), REQUESTER)
    assert get(link.url) == PDF
    code = view.reports[0].check_code
    checked = orders.run(document_queries.check_report, CheckReport(code=code.lower()), PUBLIC)
    assert checked.sha256 == hashlib.sha256(PDF).hexdigest()

    assert orders.run_timers(NOW + timedelta(days=9, hours=23)) == 0
    assert orders.run_timers(NOW + timedelta(days=10, minutes=1)) == 1
    assert see(orders, placed.order_id).blocked_by == ("awaiting_settlement",)
    paid = SettlementOrdersPaid(settlement_id=new_id(), provider_id=PROVIDER_ID, order_ids=(placed.order_id,))
    for _ in range(2):
        orders.handle(order.close_settled, paid)
    view = see(orders, placed.order_id)
    assert (view.state, view.blocked_by) == ("closed", ())
    assert [step.what for step in view.timeline] == [
        "placed", "papers_made", "signed_customer", "signed_provider", "signed_operator", "contracted", "paid",
        "released", "packing_sheet_made", "samples_dispatched", "sample_received", "in_progress",
        "analysis_started", "analysis_finished", "report_submitted", "report_issued", "delivered", "accepted", "closed",
    ]  # fmt: skip
    assert view.timeline[0].by == f"organisation/{CUSTOMER_ID}"
    assert view.timeline[-2].by == "", "nobody accepted: time did"
    assert orders.told.count("order.closed.v1") == 1


def test_the_papers_that_are_signed_are_the_papers_that_are_kept(orders: Orders) -> None:
    placed = orders.place()
    orders.do_outside()
    summary = see(orders, placed.order_id, CONTRACT_OPERATOR).contract
    assert summary is not None
    assert {document.paper for document in summary.documents} == {"contract", "order_sheet"}
    for document in summary.documents:
        link = orders.run(
            document_queries.get_contract_document,
            GetContractDocument(contract_id=summary.contract_id, paper=document.paper),
            CONTRACT_OPERATOR,
        )
        body = get(link.url)
        assert body.startswith(b"%PDF-")
        assert hashlib.sha256(body).hexdigest() == document.sha256 == link.sha256


def test_neither_customer_nor_provider_gets_the_others_paper(orders: Orders) -> None:
    placed = orders.place()
    orders.do_outside()
    summary = see(orders, placed.order_id).contract
    assert summary is not None
    assert [document.paper for document in summary.documents] == ["contract"]
    with pytest.raises(NotFound):
        orders.run(
            document_queries.get_contract_document,
            GetContractDocument(contract_id=summary.contract_id, paper="order_sheet"),
            REQUESTER,
        )
    with pytest.raises(NotFound):
        orders.run(
            document_queries.get_contract_document,
            GetContractDocument(contract_id=summary.contract_id, paper="contract"),
            LAB_MANAGER,
        )


def test_papers_wait_for_a_party_that_is_not_known_yet(orders: Orders) -> None:
    orders.database.change("DELETE FROM organisation WHERE kind = 'operator'")
    placed = orders.place()
    assert orders.do_outside() == 1
    assert see(orders, placed.order_id).blocked_by == ("awaiting_papers",)
    (status,) = orders.rows("SELECT status FROM outside_call")[0]
    assert status == "ready", "it will be tried again"


@pytest.mark.parametrize(
    ("uploaded", "problem"),
    [
        (None, "upload_missing"),
        (PDF + b"more", "upload_mismatch"),
        (PDF.replace(b"report", b"repork"), "upload_mismatch"),
    ],
)
def test_an_upload_that_is_not_what_was_declared_is_a_draft_again(
    orders: Orders, uploaded: bytes | None, problem: str
) -> None:
    placed = at_the_bench(orders)
    report_id, upload_url = drafted(orders, placed.order_id, PDF)
    if uploaded is not None:
        put(upload_url, uploaded)
    orders.run(report.issue_report, IssueReport(report_id=report_id), LAB_MANAGER)
    orders.do_outside()
    refused = orders.run(document_queries.get_report, GetReport(report_id=report_id), LAB_MANAGER)
    assert (refused.state, refused.problem) == ("draft", problem)
    with pytest.raises(NotFound):
        orders.run(document_queries.check_report, CheckReport(code=refused.check_code), PUBLIC)
    assert refused.upload_url is not None
    put(refused.upload_url, PDF)
    orders.run(report.issue_report, IssueReport(report_id=report_id), LAB_MANAGER)
    orders.do_outside()
    assert see(orders, placed.order_id).state == "delivered"


def test_a_file_that_is_no_pdf_is_never_issued(orders: Orders) -> None:
    placed = at_the_bench(orders)
    body = b"<html><script>alert(1)</script></html>"
    report_id, upload_url = drafted(orders, placed.order_id, body)
    put(upload_url, body)
    orders.run(report.issue_report, IssueReport(report_id=report_id), LAB_MANAGER)
    orders.do_outside()
    assert orders.run(document_queries.get_report, GetReport(report_id=report_id), LAB_MANAGER).state == "draft"
    assert see(orders, placed.order_id).state == "in_progress"


def test_exchanging_the_upload_after_the_check_changes_nothing(orders: Orders) -> None:
    placed = at_the_bench(orders)
    report_id, upload_url = drafted(orders, placed.order_id, PDF)
    put(upload_url, PDF)
    orders.run(report.issue_report, IssueReport(report_id=report_id), LAB_MANAGER)
    orders.do_outside()
    put(upload_url, b"%PDF- something else")
    link = orders.run(document_queries.get_report_document, GetReportDocument(report_id=report_id), REQUESTER)
    assert get(link.url) == PDF
