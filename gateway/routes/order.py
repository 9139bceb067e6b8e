"""Orders: placing, reading, accepting, cancelling, and what hangs on one."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.schemas.order import (
    CustomerOrder,
    OperatorOrder,
    OrderCancellation,
    OrderDocument,
    OrderDocuments,
    OrderPage,
    OrderReceipt,
    OrdersListed,
    OrderToPlace,
    PartyName,
    ProviderOrder,
    ShownOrder,
    StationOrder,
    Step,
    Timeline,
)
from gateway.schemas.work import DocumentLink
from services.shared.kernel.errors import NotAllowed
from services.shared.messages.invoicing.invoice import InvoicePage, ListInvoices
from services.shared.messages.orders import order as messages
from services.shared.messages.orders.contract import Document, Paper
from services.shared.messages.orders.contract import DocumentLink as LinkView
from services.shared.messages.orders.sample import GetPackingSheet

router = APIRouter(prefix="/v1", tags=["orders"])

PAPERS: dict[str, frozenset[Paper]] = {
    "customer": frozenset({"contract"}),
    "provider": frozenset({"order_sheet"}),
    "operator": frozenset({"contract", "order_sheet"}),
}
"""Which papers a party sees: what the company pays a provider is not the customer's to read, nor the other way."""


def papers_of(side: str, documents: Iterable[Document]) -> frozenset[Paper]:
    """Of *documents* those that *side* sees. Where there is no order sheet all three sign the one contract."""
    if side == "provider" and {each.paper for each in documents} == PAPERS["customer"]:
        return PAPERS["customer"]
    return PAPERS[side]


def shown(view: messages.OrderView) -> ShownOrder:
    """The side of the order that the asker may see."""
    if view.seen_as == "operator":
        return OperatorOrder.of(view)
    if view.seen_as == "station":
        return StationOrder.of(view)
    own = _own_papers(view)
    return ProviderOrder.of(own) if view.seen_as == "provider" else CustomerOrder.of(own)


def _own_papers(view: messages.OrderView) -> messages.OrderView:
    contract = view.contract
    if contract is None:
        return view
    papers = papers_of("provider" if view.seen_as == "provider" else "customer", contract.documents)
    own = contract.model_copy(
        update={
            "documents": tuple(each for each in contract.documents if each.paper in papers),
            "signatures": tuple(each for each in contract.signatures if each.paper in papers),
        }
    )
    return view.model_copy(update={"contract": own})


def timeline(view: messages.OrderView) -> Timeline:
    """What happened, by which party. Who in person did it stays within that party."""
    return Timeline(items=tuple(Step(what=step.what, at=step.at, by=_party(step.by, view)) for step in view.timeline))


def _party(by: str, view: messages.OrderView) -> PartyName:
    if not by:
        return "platform"
    if str(view.customer_id) in by:
        return "customer"
    if str(view.provider_id) in by:
        return "provider"
    return "operator"


def load(caller: Caller, order_id: UUID) -> messages.OrderView:
    return caller.ask(messages.GetOrder(order_id=order_id), messages.OrderView)


@router.post("/orders", status_code=problems.CREATED, response_model=OrderReceipt)
def place_order(caller: Signed, body: Annotated[OrderToPlace, Depends(JsonBody(OrderToPlace))]) -> Response:
    """Order at the published price; all offerings of one provider."""
    receipt = caller.ask(messages.PlaceOrder(**dict(body)), messages.OrderReceipt)
    return created(OrderReceipt.of(receipt), f"/v1/orders/{receipt.order_id}")


@router.get("/orders", response_model=OrderPage)
def list_orders(caller: Signed, listed: Annotated[OrdersListed, Query()]) -> Response:
    """Those the organisation is a party to, newest first."""
    return ok(OrderPage.of(caller.ask(messages.ListOrders(**dict(listed)), messages.OrderPage)))


@router.get("/orders/{order_id}", response_model=ShownOrder)
def get_order(caller: Signed, order_id: UUID) -> Response:
    """The order as the asker's side sees it."""
    return ok(shown(load(caller, order_id)))


@router.post("/orders/{order_id}/accept", response_model=OrderReceipt)
def accept_order(caller: Signed, order_id: UUID) -> Response:
    """The customer takes the reports as the agreed performance."""
    return ok(OrderReceipt.of(caller.ask(messages.AcceptOrder(order_id=order_id), messages.OrderReceipt)))


@router.post("/orders/{order_id}/cancel", response_model=OrderReceipt)
def cancel_order(
    caller: Signed, order_id: UUID, body: Annotated[OrderCancellation, Depends(JsonBody(OrderCancellation))]
) -> Response:
    """Before work is released."""
    command = messages.CancelOrder(order_id=order_id, reason=body.reason)
    return ok(OrderReceipt.of(caller.ask(command, messages.OrderReceipt)))


@router.get("/orders/{order_id}/timeline", response_model=Timeline)
def get_timeline(caller: Signed, order_id: UUID) -> Response:
    view = load(caller, order_id)
    return ok(Timeline(items=()) if view.seen_as == "station" else timeline(view))


@router.get("/orders/{order_id}/documents", response_model=OrderDocuments)
def list_documents(caller: Signed, order_id: UUID) -> Response:
    """Everything that hangs on the order and that the asker may open."""
    found = caller.together(
        order=lambda: load(caller, order_id),
        invoices=lambda: invoices_of(caller, order_id),
    )
    # Without the order itself there is nothing to show: ask again, for its own error.
    view = found["order"] or load(caller, order_id)
    return ok(documents(view, found["invoices"]))


def invoices_of(caller: Caller, order_id: UUID) -> InvoicePage:
    """None for a party that receives none of ours."""
    try:
        return caller.ask(ListInvoices(order_id=order_id), InvoicePage)
    except NotAllowed:
        return InvoicePage(items=())


def documents(view: messages.OrderView, invoices: InvoicePage | None) -> OrderDocuments:
    items: list[OrderDocument] = []
    if view.seen_as != "station":
        if view.contract is not None:
            side = view.seen_as if view.seen_as in PAPERS else "customer"
            papers = papers_of(side, view.contract.documents)
            items += [
                OrderDocument(
                    kind=paper.paper,
                    # The order sheet has the contract's digits behind letters of its own, as it is printed.
                    number=view.contract.number if paper.paper == "contract" else f"OS{view.contract.number[2:]}",
                    href=f"/v1/contracts/{view.contract.contract_id}/documents/{paper.paper}",
                    sha256=paper.sha256,
                )
                for paper in view.contract.documents
                if paper.paper in papers
            ]
        if any(step.what == "packing_sheet_made" for step in view.timeline):
            href = f"/v1/orders/{view.order_id}/documents/packing-sheet"
            items.append(OrderDocument(kind="packing_sheet", number=view.number, href=href, sha256=""))
        items += [
            OrderDocument(
                kind="report",
                number=report.number,
                href=f"/v1/reports/{report.report_id}/document",
                sha256=report.sha256,
            )
            for report in view.reports
            if report.state in {"issued", "amended", "withdrawn"}
        ]
    # The provider, where it sold, is invoiced our commission, and the customer is not.
    buyers = {"customer": {view.customer_id}, "provider": {view.provider_id}}.get(view.seen_as, set())
    for invoice in invoices.items if invoices is not None else ():
        if invoice.issued_at is None or (view.seen_as != "operator" and invoice.customer_id not in buyers):
            continue
        href = f"/v1/invoices/{invoice.invoice_id}/documents"
        items += [
            OrderDocument(kind="invoice_pdf", number=invoice.number, href=f"{href}/pdf", sha256=invoice.pdf_sha256),
            OrderDocument(kind="invoice_xml", number=invoice.number, href=f"{href}/xml", sha256=invoice.xml_sha256),
        ]
    return OrderDocuments(items=tuple(items), missing=() if invoices is not None else ("invoicing",))


@router.get("/orders/{order_id}/documents/packing-sheet", response_model=DocumentLink)
def get_packing_sheet(caller: Signed, order_id: UUID) -> Response:
    """The sheet that goes into the parcel, with a QR label per sample."""
    return ok(DocumentLink.of(caller.ask(GetPackingSheet(order_id=order_id), LinkView)))
