"""Cursor pages: a place in a fixed order, not a count of rows, so that new rows shift nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, tuple_

from services.shared.kernel.errors import Invalid


class CursorInvalid(Invalid):
    """This cursor did not come from here."""

    code = "cursor_invalid"


def page(
    connection: Connection,
    statement: Select[Any],
    order: Sequence[Any],
    after: str | None,
    limit: int,
    *,
    read: Sequence[Callable[[str], Any]],
    newest_first: bool = False,
) -> tuple[list[Any], str | None]:
    """
    At most *limit* rows of *statement* behind the cursor *after*.

    Args:
        connection: Where to read.
        statement: A select without order or limit.
        after: The cursor that the page before gave, or none for the first.
        limit: Rows on a page.
        order: Columns that are selected, together unique, by which the rows are ordered.
        read: For each of *order*, what turns the cursor's text back into a value.
        newest_first: Descending.

    Returns:
        The rows, and the cursor of the next page or none.

    Raises:
        CursorInvalid: *after* is no cursor of this list.
    """
    if after is not None:
        try:
            texts = json.loads(base64.urlsafe_b64decode(after))
            values = [convert(text) for convert, text in zip(read, texts, strict=True)]
        except (ValueError, TypeError, binascii.Error) as error:
            raise CursorInvalid from error
        place = tuple_(*order)
        statement = statement.where(place < tuple_(*values) if newest_first else place > tuple_(*values))
    ordered = statement.order_by(*(column.desc() if newest_first else column for column in order)).limit(limit + 1)
    rows = list(connection.execute(ordered))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]._mapping
    texts = [_text(last[column.name]) for column in order]
    return rows[:limit], base64.urlsafe_b64encode(json.dumps(texts).encode()).decode()


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
