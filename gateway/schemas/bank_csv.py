"""How a bank writes CSV."""

from uuid import UUID

from gateway.schemas.bank_statement import BankLine
from gateway.schemas.base import Schema, Shown
from services.shared.messages.base import Instant, Name
from services.shared.messages.billing.bank_csv import Base64, Column, CsvColumns, Word, Words


class Columns(Shown):
    """Names of columns as they stand in the header; an empty one: the bank has none."""

    encoding: str
    delimiter: str
    day: Word
    serial_number: Column
    time: Column
    debit: Column
    credit: Column
    amount: Column
    direction: Column
    words_in: Words
    words_out: Words
    balance: Column
    own_account: Column
    currency: Column
    only_currency: str
    counterparty: Column
    counterparty_account: Column
    remittance: Words
    footer_words: Words
    footer_required: bool


class BankCsvMap(Shown):
    bank_csv_map_id: UUID
    account: str
    valid_from: Instant
    name: str
    columns: Columns


class BankCsvMapPage(Shown):
    items: tuple[BankCsvMap, ...]
    next_cursor: str | None


class BankCsvMapToDeclare(Schema):
    """*sample*: a file of the bank, base64, that the map must read without a problem."""

    account: Name
    valid_from: Instant
    name: Name
    columns: CsvColumns
    sample: Base64


class BankCsvToPreview(Schema):
    """*content*: a file of the bank, base64."""

    account: Name
    columns: CsvColumns
    content: Base64


class CsvProblem(Shown):
    line: int
    column: str
    problem: str


class BankCsvPreview(Shown):
    header_line: int
    lines: tuple[BankLine, ...]
    line_count: int
    problems: tuple[CsvProblem, ...]
