"""What happens between contract and acceptance: contracts, shipments, samples, analyses, reports."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from starlette.concurrency import run_in_threadpool

from gateway import problems
from gateway.answers import accepted, created, ok
from gateway.calls import Anyone, Caller, JsonBody, Signed
from gateway.routes.order import PAPERS, papers_of
from gateway.schemas.work import (
    Analysis,
    AnalysisResult,
    AnalysisToStart,
    Contract,
    CustomerReport,
    DocumentLink,
    ProviderReport,
    ReportCheck,
    ReportToDraft,
    Sample,
    SampleReceipt,
    SampleRejection,
    Shipment,
    ShipmentToDispatch,
    SignatureToGive,
)
from services.shared.kernel.errors import NotFound
from services.shared.messages.orders import analysis as analyses
from services.shared.messages.orders import contract as contracts
from services.shared.messages.orders import report as reports
from services.shared.messages.orders import sample as samples

router = APIRouter(prefix="/v1", tags=["orders"])

REPORT_POLL_S = 0.25


def _papers(caller: Caller, view: contracts.ContractView) -> frozenset[contracts.Paper]:
    if caller.actor.operator:
        return PAPERS["operator"]
    if caller.actor.organisation_id == view.customer_id:
        return PAPERS["customer"]
    if caller.actor.organisation_id == view.provider_id:
        return papers_of("provider", view.documents)
    raise NotFound


def _contract(caller: Caller, view: contracts.ContractView) -> Contract:
    papers = _papers(caller, view)
    own = view.model_copy(
        update={
            "documents": tuple(each for each in view.documents if each.paper in papers),
            "signatures": tuple(each for each in view.signatures if each.paper in papers),
        }
    )
    return Contract.of(own)


@router.get("/contracts/{contract_id}", response_model=Contract)
def get_contract(caller: Signed, contract_id: UUID) -> Response:
    return ok(_contract(caller, caller.ask(contracts.GetContract(contract_id=contract_id), contracts.ContractView)))


@router.post("/contracts/{contract_id}/sign", response_model=Contract)
def sign_contract(
    caller: Signed, contract_id: UUID, body: Annotated[SignatureToGive, Depends(JsonBody(SignatureToGive))]
) -> Response:
    """Customer and company sign the contract, the provider its own paper or that one; by the hash of what was read."""
    command = contracts.SignContract(contract_id=contract_id, **dict(body))
    return ok(_contract(caller, caller.ask(command, contracts.ContractView)))


@router.get("/contracts/{contract_id}/documents/{paper}", response_model=DocumentLink)
def get_contract_document(caller: Signed, contract_id: UUID, paper: contracts.Paper) -> Response:
    asked = contracts.GetContractDocument(contract_id=contract_id, paper=paper)
    return ok(DocumentLink.of(caller.ask(asked, contracts.DocumentLink)))


@router.post("/shipments", status_code=problems.CREATED, response_model=Shipment)
def dispatch_shipment(
    caller: Signed, body: Annotated[ShipmentToDispatch, Depends(JsonBody(ShipmentToDispatch))]
) -> Response:
    """The customer has handed samples to a carrier."""
    view = caller.ask(samples.DispatchShipment(**dict(body)), samples.ShipmentView)
    return created(Shipment.of(view), f"/v1/orders/{view.order_id}")


@router.post("/samples/{sample_id}/receive", response_model=Sample)
def receive_sample(
    caller: Signed, sample_id: UUID, body: Annotated[SampleReceipt, Depends(JsonBody(SampleReceipt))]
) -> Response:
    """The provider has it in hand, and says in what condition."""
    command = samples.ReceiveSample(sample_id=sample_id, **dict(body))
    return ok(Sample.of(caller.ask(command, samples.SampleView)))


@router.post("/samples/{sample_id}/reject", response_model=Sample)
def reject_sample(
    caller: Signed, sample_id: UUID, body: Annotated[SampleRejection, Depends(JsonBody(SampleRejection))]
) -> Response:
    """It cannot be tested; the reason tells the customer what to do."""
    command = samples.RejectSample(sample_id=sample_id, reason=body.reason)
    return ok(Sample.of(caller.ask(command, samples.SampleView)))


@router.post("/analyses", status_code=problems.CREATED, response_model=Analysis)
def start_analysis(caller: Signed, body: Annotated[AnalysisToStart, Depends(JsonBody(AnalysisToStart))]) -> Response:
    """Work on one line of an order begins."""
    view = caller.ask(analyses.StartAnalysis(**dict(body)), analyses.AnalysisView)
    return created(Analysis.of(view), f"/v1/orders/{view.order_id}")


@router.post("/analyses/{analysis_id}/finish", response_model=Analysis)
def finish_analysis(
    caller: Signed, analysis_id: UUID, body: Annotated[AnalysisResult, Depends(JsonBody(AnalysisResult))]
) -> Response:
    command = analyses.FinishAnalysis(analysis_id=analysis_id, **dict(body))
    return ok(Analysis.of(caller.ask(command, analyses.AnalysisView)))


def _report(caller: Caller, view: reports.ReportView) -> ProviderReport | CustomerReport:
    """Orders gives *upload_url* and *problem* to the provider only; we show them to whoever works for one."""
    lab = caller.actor.operator or bool(caller.actor.roles & {"lab_manager", "technician"})
    return ProviderReport.of(view) if lab else CustomerReport.of(view)


@router.post("/reports", status_code=problems.CREATED, response_model=ProviderReport)
def draft_report(caller: Signed, body: Annotated[ReportToDraft, Depends(JsonBody(ReportToDraft))]) -> Response:
    """Declare the file that will be uploaded; PUT it to *upload_url* within 15 minutes, then issue the report."""
    view = caller.ask(reports.DraftReport(**dict(body)), reports.ReportView)
    return created(ProviderReport.of(view), f"/v1/reports/{view.report_id}")


@router.get("/reports/{report_id}", response_model=ProviderReport | CustomerReport)
def get_report(caller: Signed, report_id: UUID) -> Response:
    return ok(_report(caller, caller.ask(reports.GetReport(report_id=report_id), reports.ReportView)))


@router.post("/reports/{report_id}/issue", response_model=ProviderReport)
async def issue_report(caller: Signed, report_id: UUID) -> Response:
    """
    The file is uploaded: check it and issue the report.

    200 when it is issued, 422 with the code of what is wrong with the file, 202 when the check takes
    longer than ten seconds: then ask for the report until its state is no longer *checking*.
    """
    view = await run_in_threadpool(caller.ask, reports.IssueReport(report_id=report_id), reports.ReportView)
    loop = asyncio.get_running_loop()
    until = loop.time() + caller.gateway.settings.report_check_wait_s
    # The command's answer may be the one kept under its key from before: what is true now is asked for.
    while True:
        view = await run_in_threadpool(caller.ask, reports.GetReport(report_id=report_id), reports.ReportView)
        if view.state != "checking" or loop.time() > until:
            break
        await asyncio.sleep(REPORT_POLL_S)
    if view.state == "checking":
        return accepted(ProviderReport.of(view))
    if view.problem:
        return problems.document(caller.asked, view.problem, facts={"report_id": str(report_id)})
    return ok(ProviderReport.of(view))


@router.get("/reports/{report_id}/document", response_model=DocumentLink)
def get_report_document(caller: Signed, report_id: UUID) -> Response:
    asked = reports.GetReportDocument(report_id=report_id)
    return ok(DocumentLink.of(caller.ask(asked, contracts.DocumentLink)))


@router.get("/report-checks/{code}", response_model=ReportCheck)
def check_report(caller: Anyone, code: str) -> Response:
    """Is there a report with this code, and what is its file's SHA-256? Public; says nothing of the customer."""
    return ok(ReportCheck.of(caller.ask(reports.CheckReport(code=code), reports.ReportCheck)))
