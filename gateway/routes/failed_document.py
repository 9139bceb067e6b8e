"""Documents of invoices and red letters that could not be made: which, since when, and made again."""

from uuid import UUID

from fastapi import APIRouter, Response

from gateway.answers import ok
from gateway.calls import Signed
from gateway.schemas import failed_document as schemas
from services.shared.messages.invoicing import failed_document

router = APIRouter(prefix="/v1", tags=["invoicing"])


@router.get("/failed-documents", response_model=schemas.FailedDocuments)
def list_failed_documents(caller: Signed) -> Response:
    """Those that have waited longest first."""
    view = caller.ask(failed_document.ListFailedDocuments(), failed_document.FailedDocuments)
    return ok(schemas.FailedDocuments.of(view))


@router.post("/failed-documents/{kind}/{document_id}/make-again", response_model=schemas.FailedDocument)
def make_document_again(caller: Signed, kind: failed_document.DocumentKind, document_id: UUID) -> Response:
    """The cause is mended: make it again, under the number it has."""
    command = failed_document.MakeDocumentAgain(kind=kind, document_id=document_id)
    return ok(schemas.FailedDocument.of(caller.ask(command, failed_document.FailedDocument)))
