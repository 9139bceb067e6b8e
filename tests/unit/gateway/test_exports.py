"""What people wrote computes nothing in a spreadsheet."""

import csv
import io

import pytest

from gateway.exports import cell, rows_of


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠"])
def test_what_begins_like_a_formula_is_text(begin: str) -> None:
    """Wide forms too: spreadsheets of the countries that write them compute those as well."""
    wrote = f'{begin}HYPERLINK("http://x","y")'
    assert cell(wrote) == f"'{wrote}"
    assert next(csv.reader(io.StringIO(rows_of([[cell(wrote)]]), newline=""))) == [f"'{wrote}"]


@pytest.mark.parametrize(("value", "shown"), [(None, ""), (-500, "-500"), (0, "0"), ("OR-1", "OR-1"), ("a=b", "a=b")])
def test_what_computes_nothing_stays_as_it_is(value: object, shown: str) -> None:
    assert cell(value) == shown
