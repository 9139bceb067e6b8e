"""Red-letter invoices: what takes back an invoice, and the forms before the tax bureau that they follow."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway.answers import ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.schemas import invoicing as schemas
from gateway.schemas.work import DocumentLink
from services.shared.messages.invoicing import red_letter
from services.shared.messages.invoicing.invoice import InvoiceDocument

router = APIRouter(prefix="/v1", tags=["invoicing"])


def _shown(caller: Caller, view: red_letter.RedLetterView) -> schemas.OperatorRedLetter | schemas.CustomerRedLetter:
    return schemas.OperatorRedLetter.of(view) if caller.actor.operator else schemas.CustomerRedLetter.of(view)


@router.get("/red-letters", response_model=schemas.RedLetterPage)
def list_red_letters(caller: Signed, listed: Annotated[schemas.RedLettersListed, Query()]) -> Response:
    """For finance, *state* unconfirmed, requested or refused are the forms that are open."""
    page = caller.ask(red_letter.ListRedLetters(**dict(listed)), red_letter.RedLetterPage)
    items = tuple(_shown(caller, view) for view in page.items)
    return ok(schemas.RedLetterPage(items=items, next_cursor=page.next_cursor))


@router.get("/red-letters/{red_letter_id}", response_model=schemas.OperatorRedLetter | schemas.CustomerRedLetter)
def get_red_letter(caller: Signed, red_letter_id: UUID) -> Response:
    asked = red_letter.GetRedLetter(red_letter_id=red_letter_id)
    return ok(_shown(caller, caller.ask(asked, red_letter.RedLetterView)))


@router.get("/red-letters/{red_letter_id}/documents/{form}", response_model=DocumentLink)
def get_red_letter_document(caller: Signed, red_letter_id: UUID, form: Literal["pdf", "xml"]) -> Response:
    """As a page or as EN 16931 XML (type 381). No fapiao, and it says so."""
    asked = red_letter.GetRedLetterDocument(red_letter_id=red_letter_id, form=form)
    return ok(DocumentLink.of(caller.ask(asked, InvoiceDocument)))


@router.post("/red-letters/{red_letter_id}/form", response_model=schemas.OperatorRedLetter)
def record_red_form(
    caller: Signed, red_letter_id: UUID,
    body: Annotated[schemas.RedFormToRecord, Depends(JsonBody(schemas.RedFormToRecord))],
) -> Response:  # fmt: skip
    """One of staff has entered the form at the bureau; where no tax platform is connected."""
    wanted = red_letter.RecordRedForm(red_letter_id=red_letter_id, number=body.number, state=body.state)
    return ok(schemas.OperatorRedLetter.of(caller.ask(wanted, red_letter.RedLetterView)))


@router.post("/red-letters/{red_letter_id}/form/confirm", response_model=schemas.OperatorRedLetter)
def confirm_red_form(
    caller: Signed, red_letter_id: UUID,
    body: Annotated[schemas.RedFormToConfirm, Depends(JsonBody(schemas.RedFormToConfirm))],
) -> Response:  # fmt: skip
    """Another of staff reads there that it is confirmed, or need not be: the red letter is issued."""
    wanted = red_letter.ConfirmRedForm(red_letter_id=red_letter_id, number=body.number)
    return ok(schemas.OperatorRedLetter.of(caller.ask(wanted, red_letter.RedLetterView)))


@router.post("/red-letters/{red_letter_id}/form/refuse", response_model=schemas.OperatorRedLetter)
def refuse_red_form(
    caller: Signed, red_letter_id: UUID,
    body: Annotated[schemas.RedFormToRefuse, Depends(JsonBody(schemas.RedFormToRefuse))],
) -> Response:  # fmt: skip
    """Staff read there that the form is void."""
    wanted = red_letter.RefuseRedForm(red_letter_id=red_letter_id, state=body.state)
    return ok(schemas.OperatorRedLetter.of(caller.ask(wanted, red_letter.RedLetterView)))


@router.post("/red-letters/{red_letter_id}/form/request", response_model=schemas.OperatorRedLetter)
def request_red_form(caller: Signed, red_letter_id: UUID) -> Response:
    """Ask for another form after one was refused."""
    wanted = red_letter.RequestRedForm(red_letter_id=red_letter_id)
    return ok(schemas.OperatorRedLetter.of(caller.ask(wanted, red_letter.RedLetterView)))
