"""Quotation requests and quotations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.routes.order import shown as shown_order
from gateway.schemas.order import ShownOrder
from gateway.schemas.quotation import (
    CounterOffer,
    CustomerQuotation,
    CustomerQuotationRequest,
    OperatorQuotation,
    ProviderQuotation,
    ProviderQuotationRequest,
    QuotationAcceptance,
    QuotationPage,
    QuotationRequestPage,
    QuotationRequestsListed,
    QuotationRequestToOpen,
    QuotationsListed,
    QuotationToPrice,
    QuotationToSend,
    Reason,
    ShownQuotation,
)
from services.shared.kernel.errors import NotFound
from services.shared.messages.orders import quotation as quotations
from services.shared.messages.orders import quotation_request as requests
from services.shared.messages.orders.order import OrderView

router = APIRouter(prefix="/v1", tags=["orders"])


def _request(
    caller: Caller, view: requests.QuotationRequestView
) -> CustomerQuotationRequest | ProviderQuotationRequest:
    if caller.actor.operator or caller.actor.organisation_id == view.customer_id:
        return CustomerQuotationRequest.of(view)
    return ProviderQuotationRequest.of(view)


def _quotation(caller: Caller, view: quotations.QuotationView) -> ShownQuotation:
    """Sealed: orders answers nobody else, and neither do we if it ever should."""
    if caller.actor.operator:
        return OperatorQuotation.of(view)
    if caller.actor.organisation_id == view.customer_id:
        return CustomerQuotation.of(view)
    if caller.actor.organisation_id == view.provider_id:
        return ProviderQuotation.of(view)
    raise NotFound


@router.post(
    "/quotation-requests",
    status_code=problems.CREATED,
    response_model=CustomerQuotationRequest,
)
def open_quotation_request(
    caller: Signed, body: Annotated[QuotationRequestToOpen, Depends(JsonBody(QuotationRequestToOpen))]
) -> Response:
    """Ask one or several providers for a price. None learns who else was asked."""
    view = caller.ask(requests.OpenQuotationRequest(**dict(body)), requests.QuotationRequestView)
    return created(_request(caller, view), f"/v1/quotation-requests/{view.quotation_request_id}")


@router.get("/quotation-requests", response_model=QuotationRequestPage)
def list_quotation_requests(caller: Signed, listed: Annotated[QuotationRequestsListed, Query()]) -> Response:
    page = caller.ask(requests.ListQuotationRequests(**dict(listed)), requests.QuotationRequestPage)
    items = tuple(_request(caller, view) for view in page.items)
    return ok(QuotationRequestPage(items=items, next_cursor=page.next_cursor))


@router.get(
    "/quotation-requests/{quotation_request_id}", response_model=CustomerQuotationRequest | ProviderQuotationRequest
)
def get_quotation_request(caller: Signed, quotation_request_id: UUID) -> Response:
    asked = requests.GetQuotationRequest(quotation_request_id=quotation_request_id)
    return ok(_request(caller, caller.ask(asked, requests.QuotationRequestView)))


@router.post("/quotation-requests/{quotation_request_id}/take-over-pricing", response_model=CustomerQuotationRequest)
def take_over_pricing(caller: Signed, quotation_request_id: UUID) -> Response:
    """What providers quote on it goes to the operating company, which sets the customer's price."""
    command = requests.TakeOverPricing(quotation_request_id=quotation_request_id)
    return ok(_request(caller, caller.ask(command, requests.QuotationRequestView)))


@router.post("/quotation-requests/{quotation_request_id}/withdraw", response_model=CustomerQuotationRequest)
def withdraw_quotation_request(caller: Signed, quotation_request_id: UUID) -> Response:
    command = requests.WithdrawQuotationRequest(quotation_request_id=quotation_request_id)
    return ok(_request(caller, caller.ask(command, requests.QuotationRequestView)))


@router.post("/quotations", status_code=problems.CREATED, response_model=ShownQuotation)
def send_quotation(caller: Signed, body: Annotated[QuotationToSend, Depends(JsonBody(QuotationToSend))]) -> Response:
    """Answer a request, or answer again: the earlier version is then superseded."""
    said = dict(body)
    turnaround = said.pop("turnaround_working_days")
    command = quotations.SendQuotation(**said, turnaround_days=turnaround)
    view = caller.ask(command, quotations.QuotationView)
    return created(_quotation(caller, view), f"/v1/quotations/{view.quotation_id}")


@router.get("/quotations", response_model=QuotationPage)
def list_quotations(caller: Signed, listed: Annotated[QuotationsListed, Query()]) -> Response:
    page = caller.ask(quotations.ListQuotations(**dict(listed)), quotations.QuotationPage)
    items = tuple(_quotation(caller, view) for view in page.items)
    return ok(QuotationPage(items=items, next_cursor=page.next_cursor))


@router.get("/quotations/{quotation_id}", response_model=ShownQuotation)
def get_quotation(caller: Signed, quotation_id: UUID) -> Response:
    asked = quotations.GetQuotation(quotation_id=quotation_id)
    return ok(_quotation(caller, caller.ask(asked, quotations.QuotationView)))


@router.post("/quotations/{quotation_id}/price", response_model=ShownQuotation)
def price_quotation(
    caller: Signed, quotation_id: UUID, body: Annotated[QuotationToPrice, Depends(JsonBody(QuotationToPrice))]
) -> Response:
    """The operating company sets the price that the customer sees."""
    command = quotations.PriceQuotation(quotation_id=quotation_id, **dict(body))
    return ok(_quotation(caller, caller.ask(command, quotations.QuotationView)))


@router.post("/quotations/{quotation_id}/accept", status_code=problems.CREATED, response_model=ShownOrder)
def accept_quotation(
    caller: Signed, quotation_id: UUID, body: Annotated[QuotationAcceptance, Depends(JsonBody(QuotationAcceptance))]
) -> Response:
    """Freeze it and make the order."""
    command = quotations.AcceptQuotation(quotation_id=quotation_id, **dict(body))
    view = caller.ask(command, OrderView)
    return created(shown_order(view), f"/v1/orders/{view.order_id}")


@router.post("/quotations/{quotation_id}/decline", response_model=ShownQuotation)
def decline_quotation(
    caller: Signed, quotation_id: UUID, body: Annotated[Reason, Depends(JsonBody(Reason))]
) -> Response:
    command = quotations.DeclineQuotation(quotation_id=quotation_id, reason=body.reason)
    return ok(_quotation(caller, caller.ask(command, quotations.QuotationView)))


@router.post("/quotations/{quotation_id}/counter", response_model=ShownQuotation)
def counter_quotation(
    caller: Signed, quotation_id: UUID, body: Annotated[CounterOffer, Depends(JsonBody(CounterOffer))]
) -> Response:
    """Say on which terms it would be taken; the provider may then send another version."""
    command = quotations.CounterQuotation(quotation_id=quotation_id, **dict(body))
    return ok(_quotation(caller, caller.ask(command, quotations.QuotationView)))


@router.post("/quotations/{quotation_id}/withdraw", response_model=ShownQuotation)
def withdraw_quotation(
    caller: Signed, quotation_id: UUID, body: Annotated[Reason, Depends(JsonBody(Reason))]
) -> Response:
    command = quotations.WithdrawQuotation(quotation_id=quotation_id, reason=body.reason)
    return ok(_quotation(caller, caller.ask(command, quotations.QuotationView)))
