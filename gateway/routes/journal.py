"""The journal of the ledger as a file for other programs, sent piece by piece."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.calls import Caller, Signed
from gateway.exports import file_of
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
    def piece(after: str | None) -> JournalPiece:
        return caller.ask(ExportJournal(form=form, **dict(asked), after=after), JournalPiece)

    return file_of(piece, lambda each: each.content, name=f"journal.{form}", media_type=media_type)
