"""
CSV as each bank writes it, read by a map that the operator declares: which column says what.

Banks agree on nothing: some state debit and credit in two columns, some one signed amount, some an amount and 借 or 贷;
titles stand above the header and totals below, long numbers are wrapped so that Excel leaves them alone, and
where it did not, what is left of them is no number any more. What cannot be read for sure refuses the file.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_statement import (
    LINES_MAX,
    TEXT_CHARS_MAX,
    StatementFile,
    StatementUnreadable,
    fingerprint_of,
    minor_units,
)
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.ids import derived_id
from services.shared.kernel.times import BUSINESS_ZONE

HEADER_ROWS_MAX = 50
PROBLEMS_MAX = 100

_DAY = re.compile(
    r"([12][0-9]{3})[-/.年]?([0-9]{2})[-/.月]?([0-9]{2})日?(?:[ T]?([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?)?", re.ASCII
)
_TIME = re.compile(r"([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?", re.ASCII)
_NUMBER = re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]{1,3})?", re.ASCII)
_MANGLED = re.compile(r"[0-9](?:\.[0-9]+)?E\+?[0-9]+", re.ASCII | re.IGNORECASE)
_WRAPPED = re.compile(r'="?([^"]*)"?')
_NOTHING = {"", "-", "--", "0", "0.0", "0.00"}
_CURRENCIES: Mapping[str, str] = {"人民币": "CNY", "RMB": "CNY", "156": "CNY", "美元": "USD", "欧元": "EUR"}
_SIGNS: Mapping[str, Literal["in", "out"]] = {"": "in", "+": "in", "-": "out"}


class CsvMapInvalid(Invalid):
    """A map that says no amount, or by which the same line could not be known again."""

    code = "billing.bank_csv_map_invalid"


class CsvMapMissing(Conflict):
    """Nobody has declared how this account's bank writes CSV."""

    code = "billing.bank_csv_map_missing"


class CsvMapExists(Conflict):
    """Another map of this account is valid from the same instant."""

    code = "billing.bank_csv_map_exists"


@dataclass(frozen=True, slots=True)
class CsvMap:
    """
    Names of columns as the header has them; empty: the bank has none.

    Attributes:
        serial_number: Unique in the account. Without it *balance* is needed.
        day, time: 20261123, 2026-11-23 10:20:30, 2026年11月23日; the time may have a column of its own.
        debit, credit: What went out and what came in, in two columns. Else *amount*:
        amount: Signed, above zero when it came in; or without a sign beside *direction*.
        words_in, words_out: What stands in *direction*: 贷, C; 借, D.
        balance: After the line; it must follow from line to line, upwards or downwards.
        own_account: The account itself; another one there refuses the file.
        currency: A column; *only_currency* where there is none.
        remittance: Of the columns that say what it is for, all are kept.
        footer_words: How rows begin that are no lines and stand after the last one.
        footer_required: The bank always ends with such a row: where it is missing the file is cut.
    """

    encoding: Literal["utf-8", "gb18030"]
    delimiter: Literal[",", ";", "\t", "|"]
    day: str
    serial_number: str = ""
    time: str = ""
    debit: str = ""
    credit: str = ""
    amount: str = ""
    direction: str = ""
    words_in: tuple[str, ...] = ()
    words_out: tuple[str, ...] = ()
    balance: str = ""
    own_account: str = ""
    currency: str = ""
    only_currency: str = "CNY"
    counterparty: str = ""
    counterparty_account: str = ""
    remittance: tuple[str, ...] = ()
    footer_words: tuple[str, ...] = ()
    footer_required: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        named = (
            self.serial_number, self.day, self.time, self.debit, self.credit, self.amount, self.direction,
            self.balance, self.own_account, self.currency, self.counterparty, self.counterparty_account,
            *self.remittance,
        )  # fmt: skip
        return tuple(dict.fromkeys(name for name in named if name))

    def check(self) -> None:
        """Raises CsvMapInvalid: Facts name the field."""
        two = bool(self.debit and self.credit)
        if two == bool(self.amount) or (two and self.direction) or bool(self.debit) != bool(self.credit):
            raise CsvMapInvalid(field="amount")
        if bool(self.direction) != bool(self.words_in and self.words_out) or set(self.words_in) & set(self.words_out):
            raise CsvMapInvalid(field="direction")
        if not self.serial_number and not self.balance:
            # Downloads of banks overlap: by neither of them a line could not be told from its own repetition.
            raise CsvMapInvalid(field="serial_number")
        if self.footer_required and not self.footer_words:
            raise CsvMapInvalid(field="footer_words")


@dataclass(frozen=True, slots=True)
class DeclaredMap:
    """In force for *account* from *valid_from* until the next one's."""

    bank_csv_map_id: UUID
    account: str
    valid_from: datetime
    name: str
    columns: CsvMap
    declared_at: datetime
    declared_by: str


@dataclass(frozen=True, slots=True)
class Problem:
    """*line* of the file; *column* is empty where the whole line is meant."""

    line: int
    column: str
    problem: str


class _Unreadable(Exception):
    def __init__(self, column: str, problem: str) -> None:
        super().__init__(problem)
        self.column, self.problem = column, problem


@dataclass
class Reading:
    """*numbers*: on which line of the file each of *lines* stands; *balances* after them, in minor units."""

    header_line: int = 0
    lines: list[BankLine] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    balances: list[int] = field(default_factory=list)
    serials: set[str] = field(default_factory=set)
    footers: int = 0
    problems: list[Problem] = field(default_factory=list)


def read_bank_csv(account: str, content: bytes, columns: CsvMap) -> StatementFile:
    """Raises StatementUnreadable: Of the first problem; nothing is taken."""
    reading = try_bank_csv(account, content, columns)
    if reading.problems:
        first = reading.problems[0]
        raise StatementUnreadable(
            f"line {first.line}: {first.problem}", line=first.line, column=first.column, problem=first.problem
        )
    return StatementFile("csv", reading.lines)


def try_bank_csv(account: str, content: bytes, columns: CsvMap) -> Reading:
    """What of *content* can be read as lines of *account*, and every problem of it, at most a hundred."""
    reading = Reading()
    try:
        text = content.decode("utf-8-sig" if columns.encoding == "utf-8" else columns.encoding)
    except UnicodeDecodeError as error:
        reading.problems.append(Problem(content.count(b"\n", 0, error.start) + 1, "", "encoding"))
        return reading
    text = text.removeprefix("\ufeff")
    if "\x00" in text:
        reading.problems.append(Problem(text.count("\n", 0, text.index("\x00")) + 1, "", "nul"))
        return reading
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=columns.delimiter, strict=True)
    try:
        _read(account, rows, columns, reading)
    except csv.Error:
        reading.problems.append(Problem(max(rows.line_num, 1), "", "csv"))
    if not reading.problems:
        _check_whole(columns, reading)
    reading.problems.sort(key=lambda problem: problem.line)
    return reading


def _read(account: str, rows: Any, columns: CsvMap, reading: Reading) -> None:
    header = _header(rows, columns, reading)
    if header is None:
        return
    for row in rows:
        cells = [_clean(cell) for cell in row]
        if not any(cells) or len(reading.problems) >= PROBLEMS_MAX:
            continue
        if columns.footer_words and next(cell for cell in cells if cell).startswith(columns.footer_words):
            reading.footers += 1
            continue
        try:
            line = _next_line(account, cells, header, columns, reading)
        except _Unreadable as error:
            reading.problems.append(Problem(rows.line_num, error.column, error.problem))
        else:
            reading.serials.add(line.serial_number)
            reading.lines.append(line)
            reading.numbers.append(rows.line_num)


def _next_line(account: str, cells: list[str], header: Sequence[str], columns: CsvMap, reading: Reading) -> BankLine:
    if reading.footers:
        raise _Unreadable("", "line_after_footer")
    if len(reading.lines) >= LINES_MAX:
        raise _Unreadable("", "too_many_lines")
    line = _line(account, _named(cells, header), columns, reading)
    if line.serial_number in reading.serials:
        raise _Unreadable(columns.serial_number or columns.balance, "serial_number_twice")
    return line


def _header(rows: Any, columns: CsvMap, reading: Reading) -> list[str] | None:
    """The first row that has all columns; what stands above it is the bank's letter-head."""
    missing = columns.columns
    for row in rows:
        names = [_clean(cell) for cell in row]
        lacking = tuple(name for name in columns.columns if name not in names)
        twice = [name for name in columns.columns if names.count(name) > 1]
        if not lacking:
            reading.header_line = rows.line_num
            if twice:
                reading.problems.append(Problem(rows.line_num, twice[0], "column_twice"))
                return None
            return names
        if len(lacking) < len(missing):
            missing = lacking
        if rows.line_num >= HEADER_ROWS_MAX:
            break
    reading.problems.append(Problem(max(rows.line_num, 1), missing[0], "header"))
    return None


def _clean(cell: str) -> str:
    """Without what banks put around long numbers so that Excel shows them: tabs, a quote, ="…"."""
    cell = cell.strip().strip("\t\u3000\ufeff")
    wrapped = _WRAPPED.fullmatch(cell)
    return (wrapped[1] if wrapped else cell).removeprefix("'").strip()


def _named(cells: list[str], header: Sequence[str]) -> dict[str, str]:
    while len(cells) > len(header) and not cells[-1]:
        cells.pop()
    if len(cells) != len(header):
        raise _Unreadable("", "columns")
    return dict(zip(header, cells, strict=True))


def _line(account: str, row: Mapping[str, str], columns: CsvMap, reading: Reading) -> BankLine:
    own = row.get(columns.own_account, account)
    _refuse_mangled(row, columns)
    if own != account:
        raise _Unreadable(columns.own_account, "own_account")
    stated = row.get(columns.currency, columns.only_currency)
    currency = _CURRENCIES.get(stated, stated)
    direction, amount, reversal = _moved(row, columns, currency)
    texts = [row[name] for name in columns.remittance if row[name]]
    line = BankLine(
        bank_line_id=derived_id("bank_line", account),
        account=account,
        serial_number="",
        booked_at=_booked_at(row, columns),
        direction=direction,
        amount=amount,
        currency=currency,
        counterparty=_text(row, columns.counterparty),
        counterparty_account=_text(row, columns.counterparty_account, 64),
        remittance="; ".join(dict.fromkeys(texts))[:TEXT_CHARS_MAX],
        held="reversal" if reversal else "",
    )
    line.fingerprint = fingerprint_of(line)
    if columns.balance:
        reading.balances.append(_signed(row[columns.balance], currency, columns.balance))
    line.name(_serial(row, columns, line, reading))
    line.entry_reference = line.serial_number if columns.serial_number else ""
    return line


def _refuse_mangled(row: Mapping[str, str], columns: CsvMap) -> None:
    for name in (columns.serial_number, columns.own_account, columns.counterparty_account):
        if name and _MANGLED.fullmatch(unicodedata.normalize("NFKC", row[name])):
            # What Excel makes of a long number: the last digits are lost.
            raise _Unreadable(name, "mangled_number")


def _serial(row: Mapping[str, str], columns: CsvMap, line: BankLine, reading: Reading) -> str:
    if not columns.serial_number:
        # Time, amount and the balance after it: known again in every download, and unlike its neighbours.
        said = (line.booked_at.isoformat(), line.fingerprint, str(reading.balances[-1]))
        return f"={sha256('/'.join(said).encode()).hexdigest()[:32]}"
    serial = row[columns.serial_number]
    if not re.fullmatch(r"[A-Za-z0-9._/-]{1,64}", serial):
        raise _Unreadable(columns.serial_number, "serial_number")
    return serial


def _text(row: Mapping[str, str], column: str, longest: int = TEXT_CHARS_MAX) -> str:
    text = row.get(column, "")
    if len(text) > longest:
        raise _Unreadable(column, "text")
    return text


def _moved(row: Mapping[str, str], columns: CsvMap, currency: str) -> tuple[Literal["in", "out"], int, bool]:
    """Direction, amount and whether it is a reversal: a negative amount where the direction is told besides."""
    if columns.amount and not columns.direction:
        signed = _signed(row[columns.amount], currency, columns.amount)
        if signed == 0:
            raise _Unreadable(columns.amount, "amount")
        return ("in" if signed > 0 else "out"), abs(signed), False
    column, direction = _told_side(row, columns)
    signed = _signed(row[column], currency, column)
    if signed == 0:
        raise _Unreadable(column, "amount")
    if signed < 0:
        return ("out" if direction == "in" else "in"), -signed, True
    return direction, signed, False


def _told_side(row: Mapping[str, str], columns: CsvMap) -> tuple[str, Literal["in", "out"]]:
    if columns.direction:
        word = row[columns.direction]
        if word in columns.words_in:
            return columns.amount, "in"
        if word in columns.words_out:
            return columns.amount, "out"
        raise _Unreadable(columns.direction, "direction")
    debit, credit = row[columns.debit], row[columns.credit]
    if (debit in _NOTHING) == (credit in _NOTHING):
        raise _Unreadable(columns.debit, "amount" if debit in _NOTHING else "both_sides")
    return (columns.credit, "in") if debit in _NOTHING else (columns.debit, "out")


def _signed(text: str, currency: str, column: str) -> int:
    # Full-width digits are digits; those of other scripts are not.
    found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).removeprefix("¥").strip())
    amount = minor_units(found[2].replace(",", "") + (found[3] or ""), currency) if found else None
    if found is None or amount is None:
        raise _Unreadable(column, "amount")
    return amount if _SIGNS[found[1]] == "in" else -amount


def _booked_at(row: Mapping[str, str], columns: CsvMap) -> datetime:
    day = _DAY.fullmatch(unicodedata.normalize("NFKC", row[columns.day]))
    if day is None:
        raise _Unreadable(columns.day, "date")
    try:
        booked_at = datetime(*(int(part) for part in day.groups(default="0")), tzinfo=BUSINESS_ZONE)  # type: ignore[arg-type,misc] # six numbers
    except ValueError:
        raise _Unreadable(columns.day, "date") from None
    if not columns.time or not row[columns.time]:
        return booked_at
    time = _TIME.fullmatch(unicodedata.normalize("NFKC", row[columns.time]))
    if time is None:
        raise _Unreadable(columns.time, "date")
    hour, minute, second = (int(part) for part in time.groups(default="0"))
    try:
        return booked_at.replace(hour=hour, minute=minute, second=second)
    except ValueError:
        raise _Unreadable(columns.time, "date") from None


def _check_whole(columns: CsvMap, reading: Reading) -> None:
    """The file is not cut, and the balances follow, whichever way the bank sorts its lines."""
    last = reading.numbers[-1] if reading.numbers else reading.header_line
    if columns.footer_required and not reading.footers:
        reading.problems.append(Problem(last, "", "cut"))
    if not columns.balance:
        return
    signed = [line.amount if line.direction == "in" else -line.amount for line in reading.lines]
    balances = reading.balances
    steps = range(1, len(balances))
    upwards = [index for index in steps if balances[index - 1] + signed[index] != balances[index]]
    downwards = [index for index in steps if balances[index] + signed[index - 1] != balances[index - 1]]
    if upwards and downwards:
        index = max(upwards[0], downwards[0])
        reading.problems.append(Problem(reading.numbers[index], columns.balance, "balance"))
