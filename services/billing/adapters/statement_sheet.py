"""
The statement that is printed, as a spreadsheet (XLSX): what the party's bookkeeping takes in.

Amounts are numbers with as many decimals as the currency has, days are dates, everything that people wrote is text:
a title that begins with =, +, - or @ computes nothing, neither here nor where a cell is edited. Rows go to a file
as they are written, so that memory does not grow with their number.
"""

from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

from services.billing.adapters.documents import (
    SettlementStatement,
    StatementLine,
    base_columns,
    check_consistent,
    line_text,
)
from services.shared.chassis.document_text import capitals, day, moment, percent
from services.shared.kernel.money import EXPONENTS, Money

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_KINDS = {
    "order": "验收 accepted",
    "refund": "退款 refund",
    "correction": "更正 correction",
    "cancellation_fee": "取消费 cancellation fee",
}
_WIDTHS = (27, 16, 12, 48, 16, 16, 16, 14, 16)


class SheetNotWritten(Exception):
    """A cell was refused by the library: a bug, for a sheet that lacks a cell adds up to something else."""


class _Rows:
    """Writes downwards: in constant memory a row that is left cannot be written to any more."""

    def __init__(self, sheet: Any, formats: dict[str, Any]) -> None:
        self.sheet = sheet
        self.formats = formats
        self.at = 0

    def write(self, *cells: object, style: str = "text") -> None:
        for column, cell in enumerate(cells):
            if cell is not None:
                self._cell(column, cell, style)
        self.at += 1

    def _cell(self, column: int, cell: object, style: str) -> None:
        bold = "_bold" if style == "head" else ""
        if isinstance(cell, Money):
            major = Decimal(cell.amount).scaleb(-cell.exponent)
            written = self.sheet.write_number(self.at, column, major, self.formats[f"money{bold}"])
        elif isinstance(cell, date):
            written = self.sheet.write_datetime(self.at, column, cell, self.formats["day"])
        else:
            written = self.sheet.write_string(self.at, column, str(cell), self.formats[style])
        if written:
            raise SheetNotWritten(f"row {self.at}, column {column}: {written}")


def settlement_statement_xlsx(statement: SettlementStatement) -> bytes:
    """
    One sheet: the statement's head, a line for each order and correction, their sums, which invoice is awaited; then
    what the party sold itself.

    The same statement gives the same bytes.

    Raises:
        StatementInconsistent, CurrencyMismatch, SheetNotWritten: A bug.
    """
    import xlsxwriter

    check_consistent(statement)
    written = BytesIO()
    with xlsxwriter.Workbook(written, {"constant_memory": True}) as book:
        book.set_properties({"title": statement.number, "created": statement.issued_at.replace(tzinfo=None)})
        exponent = EXPONENTS[statement.currency]
        number = "#,##0" + ("." + "0" * exponent if exponent else "")
        formats = {
            "text": book.add_format({"quote_prefix": True}),
            "head": book.add_format({"quote_prefix": True, "bold": True, "text_wrap": True}),
            "money": book.add_format({"num_format": number}),
            "money_bold": book.add_format({"num_format": number, "bold": True}),
            "day": book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
        }
        sheet = book.add_worksheet(statement.number)
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width)
        rows = _Rows(sheet, formats)
        _head(rows, statement)
        if statement.lines:
            _lines(rows, statement)
            _foot(rows, statement)
        if statement.sales:
            _sales(rows, statement)
    return written.getvalue()


def _head(rows: _Rows, statement: SettlementStatement) -> None:
    rows.write("结算单号 Statement no.", statement.number, style="head")
    rows.write("结算期间 Period", f"{day(statement.first_on)} – {day(statement.last_on)}")
    rows.write("制作时间 Made at", moment(statement.issued_at))
    rows.write("币种 Currency", statement.currency)
    for name, party in (("结算方 Operating company", statement.company), ("收款方 Payee", statement.party)):
        rows.write(name, party.name)
        rows.write("信用代码 USCC", party.credit_code)
    rows.write()


def _lines(rows: _Rows, statement: SettlementStatement) -> None:
    rows.write(
        "订单 Order", "类别 Kind", "日期 Date", "内容 Work", *map(" ".join, base_columns(statement)),
        "结算净额 Earned, net", "增值税 VAT", "应结 Due", style="head",
    )  # fmt: skip
    for line in statement.lines:
        rows.write(
            line.order_number, _KINDS[line.kind], line.entered_on, line_text(line), line.base, -line.deducted, line.net,
            line.vat, line.due,
        )  # fmt: skip

    def summed(what: str) -> Money:
        return statement.sum_of(_figure(line, what) for line in statement.lines)

    # Sums of integers and not formulas: what a reader computes is a check of them, and nothing in the file computes.
    rows.write(
        "合计 Sum of all lines", None, None, None, summed("base"), -summed("deducted"), summed("net"), summed("vat"),
        summed("due"), style="head",
    )  # fmt: skip
    rows.write()


def _sales(rows: _Rows, statement: SettlementStatement) -> None:
    rows.write()
    rows.write("贵方直接销售，仅供参考 Sold by you, for information: nothing of it is owed", style="head")
    rows.write(
        "订单 Order", "收款方式 Paid", "日期 Date", "内容 Work", "客户应付（含税） Sold, with VAT",
        "渠道分出 Split off for the company", "佣金净额 Commission, net", "增值税 VAT", "佣金发票 Its invoice",
        style="head",
    )  # fmt: skip
    for sale in statement.sales:
        rows.write(
            sale.order_number, sale.label, sale.entered_on, sale.text, sale.sold, sale.split_off, sale.commission,
            sale.vat, sale.invoice_number or "—",
        )  # fmt: skip
    rows.write(
        "销售合计（扣除退款） Sum of all sales, less what was given back", None, None, None,
        statement.sum_of(sale.sold for sale in statement.sales),
        statement.sum_of(sale.split_off for sale in statement.sales),
        statement.sum_of(sale.commission for sale in statement.sales),
        statement.sum_of(sale.vat for sale in statement.sales), style="head",
    )  # fmt: skip


def _figure(line: StatementLine, what: str) -> Money:
    found: Money = getattr(line, what)
    return found


def _foot(rows: _Rows, statement: SettlementStatement) -> None:
    due = statement.sum_of(line.due for line in statement.lines)
    if statement.carried_over.amount:
        rows.write("前期结转 Carried over", statement.carried_over)
        rows.write("应付合计 Payable in total", due + statement.carried_over, style="head")
    invoice = statement.expected_invoice
    if not due.amount or invoice is None:
        rows.write("应开发票 Invoice expected", "无 none")
        return
    kind = "增值税专用发票 special VAT invoice" if invoice.special else "增值税普通发票 ordinary VAT invoice"
    rows.write("应开发票 Invoice expected", kind)
    if invoice.special:
        rows.write("税率 VAT rate", f"{percent(invoice.rate_bps)}%")
    rows.write("价税合计 Total with VAT", due)
    if words := capitals(due):
        rows.write("大写 In words", words)
    rows.write("最早付款 Payable from", statement.payable_on or day(None))
    if statement.due_on is not None:
        rows.write("最迟付款 Due by", statement.due_on)
