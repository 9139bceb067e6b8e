"""
Bank statements: reading the file, and finding in a line's text what it pays.

People and banks mangle what they are asked to state: they put in spaces and hyphens, write in full
width, take O for 0 and l for 1, and leave letters out. So texts are brought to one form first, and
every run of digits that can be a reference is tried; the check digits and the payments that exist decide.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Literal

from services.billing.domain.bank_line import BankLine, FileKind, LineContradicts
from services.billing.domain.reconciliation import StatedBalance
from services.shared.kernel.errors import Invalid
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import EXPONENTS
from services.shared.kernel.payment_reference import reference_holds, reference_of
from services.shared.kernel.times import in_calendar

STATED_MAX = 10**13
"""Minor units. A line of more is no transfer but a mistake, and a hundred of these still have a sum."""
HEADER = ["serial_number", "booked_at", "direction", "amount", "currency", "counterparty", "remittance"]
LINES_MAX = 20_000
TEXT_CHARS_MAX = 1_000
BOOKED_AHEAD_MAX = timedelta(days=10)
"""What comes before a weekend or a long holiday is booked on the first working day after it."""
# year and six digits of an order's number, or more once a year has more orders, and two check digits
REFERENCE_DIGITS_MIN = 12
REFERENCE_DIGITS_MAX = 16

_LIKE_DIGITS = str.maketrans("OILB", "0118")
_NOT_ALPHANUMERIC = re.compile(r"[^A-Z0-9]")
_NUMBER = {
    "PO": re.compile(r"P[O0]([0-9OIL]{10,12})"),
    "BO": re.compile(r"B[O0]([0-9OIL]{10,12})"),
    "CP": re.compile(r"CP([0-9OIL]{10,12})"),
    "RF": re.compile(r"RF([0-9OIL]{10,12})"),
    "VC": re.compile(r"VC([0-9OIL]{10,12})"),
    "PG": re.compile(r"PG([0-9OIL]{10,12})"),
    "CM": re.compile(r"CM([0-9OIL]{10,12})"),
    # Looked ahead: the letters of the next one are taken for digits of the one before.
    "OR": re.compile(r"(?=[O0]R([0-9OIL]{10,12}))"),
    "INV": re.compile(r"(?=INV([0-9OIL]{10,12}))"),
}

_OF_OURS: tuple[Literal["PO", "BO", "RF", "CP"], ...] = ("PO", "BO", "RF", "CP")
"""What we give the bank as names of what it pays."""


class StatementUnreadable(Invalid):
    """A line of the statement cannot be read; nothing of it was taken."""

    code = "billing.bank_statement_unreadable"


class UnknownAccount(Invalid):
    """This is no account of the company."""

    code = "billing.bank_account_unknown"


@dataclass(frozen=True, slots=True)
class StatementFile:
    """
    A file as it was read; its lines are not placed yet.

    Attributes:
        left_out: Entries of amount zero and such that the bank tells for information.
        balances: What it states to have stood on the account.
    """

    kind: FileKind
    lines: list[BankLine]
    left_out: int = 0
    balances: tuple[StatedBalance, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reference that a text may mean. *certain*: its letters stand before it."""

    reference: str
    certain: bool


def read_statement(account: str, text: str) -> StatementFile:
    """
    The lines of a statement, each serial number once.

    Raises:
        StatementUnreadable: Facts name the line (the header is line 1) and what is wrong with it.
        LineContradicts: A serial number stands there twice, for different things.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    found: dict[str, BankLine] = {}
    try:
        if next(rows, None) != HEADER:
            raise StatementUnreadable("the header is not the agreed one", line=1, problem="header")
        for row in rows:
            if not row:
                continue
            line = _line(account, row, rows.line_num)
            earlier = found.setdefault(line.serial_number, line)
            if not earlier.says_the_same(line):
                raise LineContradicts(serial_number=line.serial_number)
            if len(found) > LINES_MAX:
                raise StatementUnreadable("too many lines", line=rows.line_num, problem="too_many_lines")
    except csv.Error as error:
        raise StatementUnreadable("this is no CSV", line=rows.line_num, problem="csv") from error
    return StatementFile("csv", list(found.values()))


def check_booked(lines: Iterable[BankLine], now: datetime) -> None:
    """
    No line is booked later than a bank can book by *now*: a year mistyped would count in no book before it comes.

    Raises:
        StatementUnreadable: Facts name the day.
    """
    for line in lines:
        if not line.announced and line.booked_at > now + BOOKED_AHEAD_MAX:
            day = line.booked_at.date().isoformat()
            raise StatementUnreadable(f"booked on {day}", booked_on=day, problem="booked_at")


def _line(account: str, row: list[str], number: int) -> BankLine:
    def refuse(problem: str) -> StatementUnreadable:
        return StatementUnreadable(f"line {number}: {problem}", line=number, problem=problem)

    if len(row) != len(HEADER):
        raise refuse("columns")
    serial, booked, direction, amount, currency, counterparty, remittance = (field.strip() for field in row)
    if not re.fullmatch(r"[A-Za-z0-9._/-]{1,64}", serial):
        raise refuse("serial_number")
    if direction not in {"in", "out"}:
        raise refuse("direction")
    if max(len(counterparty), len(remittance)) > TEXT_CHARS_MAX or "\x00" in counterparty + remittance:
        raise refuse("text")
    try:
        booked_at = datetime.fromisoformat(booked)
    except ValueError:
        raise refuse("booked_at") from None
    if booked_at.tzinfo is None or not in_calendar(booked_at):
        raise refuse("booked_at")
    line = BankLine(
        bank_line_id=derived_id("bank_line", account, serial),
        account=account,
        serial_number=serial,
        booked_at=booked_at,
        direction="in" if direction == "in" else "out",
        amount=_minor(amount, currency, refuse("amount")),
        currency=currency,
        counterparty=counterparty,
        remittance=remittance,
        entry_reference=serial,
    )
    line.fingerprint = fingerprint_of(line)
    return line


def _minor(text: str, currency: str, refusal: StatementUnreadable) -> int:
    amount = minor_units(text, currency)
    if not amount:
        raise refusal
    return amount


def minor_units(text: str, currency: str) -> int | None:
    """What digits with a point say in minor units of *currency*; none: they are no amount of it."""
    exponent = EXPONENTS.get(currency)
    found = re.fullmatch(r"([0-9]{1,13})(?:\.([0-9]{1,3}))?", text, re.ASCII)
    if exponent is None or found is None or len(found[2] or "") > exponent:
        return None
    amount = int(found[1] + (found[2] or "").ljust(exponent, "0"))
    return amount if amount <= STATED_MAX else None


def fingerprint_of(line: BankLine, named: str = "") -> str:
    """
    What alike lines share: way, amount, and what the payer gave the transfer as a name.

    Args:
        line: Its serial number and day count for nothing.
        named: The payer's own reference; empty where there is none. Kinds of files cut texts in different
            places, so where the text names payments or payouts these stand for it.
    """
    certain = [each.reference for each in references_in(line.remittance) if each.certain]
    named = named or ",".join(
        sorted({*certain, *(number for series in _OF_OURS for number in numbers_in(line.remittance, series))})
    )
    said = (named,) if named else (line.counterparty, line.remittance)
    facts = (line.direction, str(line.amount), line.currency, *said)
    return sha256("\x00".join(facts).encode()).hexdigest()[:32]


@lru_cache(maxsize=4_096)
def plain_of(text: str) -> str:
    """Letters and digits of *text*, in capitals: a bank breaks texts anywhere."""
    return _NOT_ALPHANUMERIC.sub("", unicodedata.normalize("NFKC", text).upper())


def references_in(text: str) -> tuple[Candidate, ...]:
    """What payments *text* may mean, the certain ones first, each once. Not all need exist."""
    plain = plain_of(text)
    found: dict[str, bool] = {}
    for place in re.finditer("YQ", plain):
        for digits in _windows_at(plain, place.end()):
            found[f"YQ{digits}"] = True
    for start in range(len(plain)):
        for digits in _windows_at(plain, start):
            if digits.startswith("20"):
                found.setdefault(f"YQ{digits}", False)
    return tuple(Candidate(reference, certain) for reference, certain in found.items())


def _windows_at(plain: str, start: int) -> Iterator[str]:
    """Runs of digits from *start* whose check digits hold; what follows a reference may be digits too."""
    for length in range(REFERENCE_DIGITS_MIN, REFERENCE_DIGITS_MAX + 1):
        digits = plain[start : start + length].translate(_LIKE_DIGITS)
        if len(digits) == length and digits.isdigit() and reference_holds(digits):
            yield digits


def candidates_in(text: str, invoiced: Mapping[str, Collection[str]]) -> tuple[Candidate, ...]:
    """
    What payments *text* may mean: by their references, their orders' numbers, the numbers of invoices over them.

    *invoiced*: references of the orders on each invoice, by its number. Numbers have no check digits: they are as
    certain as digits whose letters are lost.
    """
    found = {each.reference: each for each in references_in(text)}
    numbered = [reference_of(number) for number in numbers_in(text, "OR")]
    numbered += [each for number in numbers_in(text, "INV") for each in invoiced.get(number, ())]
    for reference in numbered:
        found.setdefault(reference, Candidate(reference, certain=False))
    return tuple(found.values())


def numbers_in(text: str, series: Literal["PO", "BO", "RF", "CP", "VC", "PG", "CM", "OR", "INV"]) -> tuple[str, ...]:
    """Numbers of things of *series* that *text* may name, as we write them: PO-2026-000123."""
    plain = plain_of(text)
    found: dict[str, None] = {}
    for place in _NUMBER[series].finditer(plain):
        digits = place[1].translate(_LIKE_DIGITS)
        for length in range(10, len(digits) + 1):
            found[f"{series}-{digits[:4]}-{digits[4:length]}"] = None
    return tuple(found)
