"""Files that are sent page by page; CSV that people open in a spreadsheet."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from fastapi import Response
from fastapi.responses import StreamingResponse

# In Chinese and Japanese spreadsheets the wide forms compute as well.
_COMPUTED = frozenset("=+@\t\r\n＝＋－＠")


class Paged(Protocol):
    @property
    def next_cursor(self) -> str | None: ...


P = TypeVar("P", bound=Paged)


def cell(value: object) -> str:
    """*value* as text that no spreadsheet computes."""
    text = "" if value is None else str(value)
    # A spreadsheet would compute what begins like a formula; numbers below zero are none.
    return f"'{text}" if text[:1] in _COMPUTED or (text[:1] == "-" and not text[1:].isdigit()) else text


def rows_of(rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def file_of(ask: Callable[[str | None], P], text: Callable[[P], str], *, name: str, media_type: str,
            head: str = "") -> Response:  # fmt: skip
    """
    A file that is sent page by page.

    The first page is asked for before the answer begins: whoever may not, or asks for rubbish, gets a problem document.
    If a later one fails, the connection breaks off, and nobody takes half a file for a whole one.

    Args:
        ask: The page behind a cursor; the first one for none.
        text: What of a page goes into the file.
        name: Of the file.
        media_type: Of the file.
        head: Goes before everything.
    """
    first = ask(None)

    def pieces() -> Iterator[str]:
        page = first
        yield head + text(page)
        while page.next_cursor is not None:
            page = ask(page.next_cursor)
            yield text(page)

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces(), media_type=media_type, headers=headers)


def sheet_of(
    ask: Callable[[str | None], P], rows: Callable[[P], Iterable[Sequence[str]]], columns: Sequence[str], name: str
) -> Response:
    """A CSV file, with a first row of its *columns*; the rest as `file_of`."""
    return file_of(
        ask,
        lambda page: rows_of(rows(page)),
        head=rows_of([columns]),
        name=name,
        media_type="text/csv; charset=utf-8; header=present",
    )
