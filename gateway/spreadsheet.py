"""CSV that people open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

# In Chinese and Japanese spreadsheets the wide forms compute as well.
_COMPUTED = frozenset("=+@\t\r\n＝＋－＠")


def cell(value: object) -> str:
    """*value* as text that no spreadsheet computes."""
    text = "" if value is None else str(value)
    # A spreadsheet would compute what begins like a formula; numbers below zero are none.
    return f"'{text}" if text[:1] in _COMPUTED or (text[:1] == "-" and not text[1:].isdigit()) else text


def rows_of(rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
