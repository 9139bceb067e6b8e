"""How the bank of an own account writes CSV: which column says what, from a day on."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Instant, Message, Name, Page, Query, View
from services.shared.messages.billing.bank_statement import BankLine
from services.shared.messages.billing.commission_plan import FINANCE

Column = Annotated[str, StringConstraints(max_length=60, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]
Words = Annotated[tuple[Word, ...], Field(max_length=20)]
Base64 = Annotated[str, StringConstraints(min_length=1, max_length=5_000_000)]


class CsvColumns(Message):
    """
    Names of columns as they stand in the header; an empty one: the bank has none.

    Attributes:
        serial_number: Unique in the account. Without it *balance* is needed, by which a line is known again.
        day: 20261123, 2026-11-23 10:20:30 or 2026年11月23日. *time*: where it has a column of its own.
        debit, credit: What went out and what came in. Else *amount*: signed, or without a sign beside *direction*.
        words_in, words_out: What stands in *direction* for money that came in and that went out.
        balance: After the line. It must follow from line to line, upwards or downwards.
        own_account: Where the file names the account itself.
        only_currency: Of all lines where no column says it.
        footer_words: How the rows below the last line begin, such as totals.
        footer_required: The bank always writes one: without it the file is cut and refused.
    """

    encoding: Literal["utf-8", "gb18030"]
    delimiter: Literal[",", ";", "\t", "|"] = ","
    day: Word
    serial_number: Column = ""
    time: Column = ""
    debit: Column = ""
    credit: Column = ""
    amount: Column = ""
    direction: Column = ""
    words_in: Words = ()
    words_out: Words = ()
    balance: Column = ""
    own_account: Column = ""
    currency: Column = ""
    only_currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "CNY"
    counterparty: Column = ""
    counterparty_account: Column = ""
    remittance: Words = ()
    footer_words: Words = ()
    footer_required: bool = False


class BankCsvMapView(View):
    bank_csv_map_id: UUID
    account: str
    valid_from: Instant
    name: str
    columns: CsvColumns


class DeclareBankCsvMap(Command):
    """
    From *valid_from* on CSV files of *account* are read thus. → BankCsvMapView

    Attributes:
        sample: A file of the bank, base64. The map is taken only if it reads it without a problem.
    """

    wire_name: ClassVar = "billing.declare_bank_csv_map"
    grants: ClassVar[Grants] = FINANCE

    account: Name
    valid_from: Instant
    name: Name
    columns: CsvColumns
    sample: Base64


class ListBankCsvMaps(Query):
    """→ BankCsvMapPage, newest first"""

    wire_name: ClassVar = "billing.list_bank_csv_maps"
    grants: ClassVar[Grants] = FINANCE


class BankCsvMapPage(Page):
    items: tuple[BankCsvMapView, ...]


class PreviewBankCsv(Query):
    """How a file would be read, before anything is declared or stored. → BankCsvPreview"""

    wire_name: ClassVar = "billing.preview_bank_csv"
    grants: ClassVar[Grants] = FINANCE

    account: Name
    columns: CsvColumns
    content: Base64


class CsvProblem(Message):
    """*line* of the file; *column* is empty where the whole line is meant; *problem* is a code."""

    line: int
    column: str
    problem: str


class BankCsvPreview(View):
    """
    Attributes:
        header_line: Where the columns are named; 0 when they were not found.
        lines: The first twenty as they were read.
        line_count: Of all that could be read.
        problems: At most a hundred; one is enough to refuse the file.
    """

    header_line: int
    lines: tuple[BankLine, ...]
    line_count: int
    problems: tuple[CsvProblem, ...]
