"""The journal of the ledger as a file for other programs, sent piece by piece."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from gateway.calls import Caller, Signed
from gateway.schemas.journal import JournalAsked
from services.shared.messages.billing.journal import ExportJournal, JournalFormat, JournalPiece

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/exports/journal.csv", response_class=Response)
def export_journal_csv(caller: Signed, asked: Annotated[JournalAsked, Query()]) -> Response:
    """A row for each entry, in the order of posting; days are those of Asia/Shanghai."""
    return _streamed(caller, asked, "csv", "text/csv; charset=utf-8; header=present")


@router.get("/exports/journal.beancount", response_class=Response)
def export_journal_beancount(caller: Signed, asked: Annotated[JournalAsked, Query()]) -> Response:
    """For beancount (plain-text accounting); `bean-check` accepts it."""
    return _streamed(caller, asked, "beancount", "text/plain; charset=utf-8")


def _streamed(caller: Caller, asked: JournalAsked, form: JournalFormat, media_type: str) -> Response:
    # The first piece before the answer begins: whoever may not, or asks for rubbish, gets a problem document. If a
    # later piece fails, the connection breaks off, and nobody takes half a file for a whole one.
    first = caller.ask(ExportJournal(form=form, **dict(asked)), JournalPiece)

    def pieces() -> Iterator[str]:
        piece = first
        yield piece.content
        while piece.next_cursor is not None:
            piece = caller.ask(ExportJournal(form=form, **dict(asked), after=piece.next_cursor), JournalPiece)
            yield piece.content

    headers = {"Content-Disposition": f'attachment; filename="journal.{form}"'}
    return StreamingResponse(pieces(), media_type=media_type, headers=headers)
