"""The statement as a spreadsheet, opened by another library: the statement's figures, nothing that computes."""

import io
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from services.billing.adapters.documents import SettlementStatement, StatementInconsistent
from services.billing.adapters.statement_sheet import settlement_statement_xlsx
from services.shared.kernel.money import CurrencyMismatch, Money
from tests.integration.documents.statements import a_statement

FIGURES = slice(4, 9)


def rows_of(content: bytes) -> list[tuple[Any, ...]]:
    """Every cell of the one sheet."""
    book = load_workbook(io.BytesIO(content))
    (sheet,) = book.worksheets
    return list(sheet.iter_rows())


def parts(content: bytes) -> tuple[tuple[Any, ...], list[tuple[Any, ...]], tuple[Any, ...]]:
    """Heads, lines, sums."""
    rows = rows_of(content)
    first = next(at for at, row in enumerate(rows) if str(row[0].value).startswith("订单 Order"))
    last = next(at for at, row in enumerate(rows) if str(row[0].value).startswith("合计"))
    return rows[first], rows[first + 1 : last], rows[last]


def minor(cell: Any, exponent: int = 2) -> int:
    assert cell.data_type == "n"
    return int((Decimal(str(cell.value)) * 10**exponent).to_integral_exact())


def figures(statement: SettlementStatement) -> list[int]:
    lines = statement.lines
    return [
        sum(line.base.amount for line in lines),
        -sum(line.deducted.amount for line in lines),
        sum(line.net.amount for line in lines),
        sum(line.vat.amount for line in lines),
        sum(line.due.amount for line in lines),
    ]


def test_columns_add_up_to_the_statement() -> None:
    """Whoever sums the numbers of 2,000 lines gets what the statement says, to the fen."""
    statement = a_statement(2_000, carried_over=-11_800)
    _, lines, sums = parts(settlement_statement_xlsx(statement))
    assert len(lines) == 2_000
    summed = [sum(minor(row[column]) for row in lines) for column in range(4, 9)]
    assert summed == figures(statement) == [minor(cell) for cell in sums[FIGURES]]
    assert [row[0].value for row in lines] == [line.order_number for line in statement.lines]
    assert all(isinstance(row[2].value, datetime) for row in lines)
    assert any(minor(row[8]) < 0 for row in lines)


def test_heads_are_in_both_languages_and_a_station_sees_fees_only() -> None:
    heads, _, _ = parts(settlement_statement_xlsx(a_statement(2)))
    assert [cell.value for cell in heads][4:6] == ["订单净额 Work, net", "管理费 Fee"]
    heads, _, _ = parts(settlement_statement_xlsx(a_statement(2, "station")))
    assert [cell.value for cell in heads][4:6] == ["管理费 Fee", "留存 Kept by the company"]


@pytest.mark.parametrize(
    "title",
    ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x.example","y")', "=cmd|' /C calc'!A0", "\t=1", "{=1}", "https://x.example"],
)  # fmt: skip
def test_what_people_wrote_computes_nothing(title: str) -> None:
    """A title that looks like a formula or a link is text, and stays so where somebody edits the cell."""
    statement = a_statement(1)
    statement = replace(statement, lines=(replace(statement.lines[0], text=title, order_number=title),))
    content = settlement_statement_xlsx(statement)
    _, ((number, _, _, work, *_),), _ = parts(content)
    for cell in (number, work):
        assert (cell.value, cell.data_type) == (title, "s")
        assert cell.quotePrefix
        assert cell.hyperlink is None
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        sheet = files.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet
        assert b"hyperlink" not in sheet
        assert not [name for name in files.namelist() if "external" in name.lower() or "vba" in name.lower()]


@pytest.mark.parametrize(("currency", "exponent", "shown"), [("JPY", 0, "#,##0"), ("KWD", 3, "#,##0.000")])
def test_numbers_have_the_decimals_of_the_currency(currency: str, exponent: int, shown: str) -> None:
    statement = a_statement(1)
    (line,) = statement.lines
    base, deducted, net, vat = (
        Money(amount.amount, currency) for amount in (line.base, line.deducted, line.net, line.vat)
    )
    line = replace(line, base=base, deducted=deducted, net=net, vat=vat)
    other = replace(statement, lines=(line,), carried_over=Money(0, currency))
    _, (row,), _ = parts(settlement_statement_xlsx(other))
    assert [minor(cell, exponent) for cell in row[FIGURES]] == figures(other)
    assert {cell.number_format for cell in row[FIGURES]} == {shown}
    said = [row[0].value for row in rows_of(settlement_statement_xlsx(other))]
    assert not [text for text in said if text and text.startswith("大写")], "not defined for other money than yuan"


def test_the_largest_amount_keeps_its_last_fen() -> None:
    statement = a_statement(1)
    most = Money(10**15 - 1, "CNY")
    none = Money(0, "CNY")
    line = replace(statement.lines[0], base=most, deducted=none, net=most, vat=none)
    _, (row,), _ = parts(settlement_statement_xlsx(replace(statement, lines=(line,))))
    assert minor(row[4]) == 10**15 - 1


def test_memory_does_not_grow_with_the_lines() -> None:
    def peak(count: int) -> int:
        statement = a_statement(count)
        tracemalloc.start()
        settlement_statement_xlsx(statement)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)  # loads the library
    # What grows is the finished file itself.
    assert peak(2_000) - peak(20) < 1_000_000


def test_the_same_statement_gives_the_same_file() -> None:
    assert settlement_statement_xlsx(a_statement(5)) == settlement_statement_xlsx(a_statement(5))


def test_a_statement_that_contradicts_itself_is_not_written() -> None:
    statement = a_statement(3)
    wrong = replace(statement.lines[0], net=Money(1, "CNY"))
    with pytest.raises(StatementInconsistent):
        settlement_statement_xlsx(replace(statement, lines=(wrong,)))
    with pytest.raises(CurrencyMismatch):
        settlement_statement_xlsx(replace(statement, carried_over=Money(0, "USD")))
