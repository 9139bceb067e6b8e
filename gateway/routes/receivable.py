"""What customers owe: open items, their age, paying by card, and giving up what will not be paid."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.schemas import receivable as schemas
from gateway.schemas.payment import CustomerPayment
from services.shared.messages.billing import receivable
from services.shared.messages.billing.payment import PaymentView

router = APIRouter(prefix="/v1", tags=["billing"])


def _receivable(caller: Caller, view: receivable.ReceivableView) -> schemas.CustomerReceivable:
    """Whether finance thinks of giving up is not the customer's to read."""
    shown = schemas.OperatorReceivable if caller.actor.operator else schemas.CustomerReceivable
    return shown.of(view)


@router.get("/receivables", response_model=schemas.ReceivablePage)
def list_receivables(caller: Signed, listed: Annotated[schemas.ReceivablesListed, Query()]) -> Response:
    page = caller.ask(receivable.ListReceivables(**dict(listed)), receivable.ReceivablePage)
    items = tuple(_receivable(caller, view) for view in page.items)
    return ok(schemas.ReceivablePage(items=items, next_cursor=page.next_cursor))


@router.get("/receivables/ageing", response_model=schemas.Ageing)
def get_ageing(caller: Signed) -> Response:
    """Per customer and currency, the largest first."""
    return ok(schemas.Ageing.of(caller.ask(receivable.GetAgeing(), receivable.Ageing)))


@router.get("/receivables/statements/{customer_id}", response_model=schemas.StatementOfAccount)
def get_statement_of_account(caller: Signed, customer_id: UUID) -> Response:
    """Every open item of a customer, and what is held for it."""
    query = receivable.GetStatementOfAccount(customer_id=customer_id)
    view = caller.ask(query, receivable.StatementOfAccount)
    return ok(
        schemas.StatementOfAccount(
            customer_id=view.customer_id,
            customer_name=view.customer_name,
            as_of=view.as_of,
            positions=tuple(schemas.Position.of(position) for position in view.positions),
            items=tuple(_receivable(caller, item) for item in view.items),
        )
    )


@router.get(
    "/receivables/{receivable_id}", response_model=schemas.OperatorReceivable | schemas.CustomerReceivable
)  # fmt: skip
def get_receivable(caller: Signed, receivable_id: UUID) -> Response:
    query = receivable.GetReceivable(receivable_id=receivable_id)
    return ok(_receivable(caller, caller.ask(query, receivable.ReceivableView)))


@router.post("/receivables/{receivable_id}/pay-by-card", status_code=problems.CREATED, response_model=CustomerPayment)
def pay_receivable(caller: Signed, receivable_id: UUID) -> Response:
    """Opens a payment; its `client_secret` stands on it once the payment institution knows it."""
    view = caller.ask(receivable.PayReceivable(receivable_id=receivable_id), PaymentView)
    return created(CustomerPayment.of(view), f"/v1/payments/{view.payment_id}")


@router.post("/receivables/{receivable_id}/propose-write-off", response_model=schemas.OperatorReceivable)
def propose_write_off(
    caller: Signed,
    receivable_id: UUID,
    body: Annotated[schemas.WriteOffToPropose, Depends(JsonBody(schemas.WriteOffToPropose))],
) -> Response:
    command = receivable.ProposeWriteOff(receivable_id=receivable_id, reason=body.reason)
    return ok(_receivable(caller, caller.ask(command, receivable.ReceivableView)))


@router.post("/receivables/{receivable_id}/approve-write-off", response_model=schemas.OperatorReceivable)
def approve_write_off(
    caller: Signed,
    receivable_id: UUID,
    body: Annotated[schemas.WriteOffToApprove, Depends(JsonBody(schemas.WriteOffToApprove))],
) -> Response:
    """By somebody else than who proposed it."""
    command = receivable.ApproveWriteOff(receivable_id=receivable_id, amount=body.amount)
    return ok(_receivable(caller, caller.ask(command, receivable.ReceivableView)))
