"""
A programme's statement: what its authority says it has granted and paid, order by order, up to a day.

A CSV file with the header `order_number,state,amount,currency,decided_on`, UTF-8: *state* granted, paid or rejected;
*amount* with a point, of what is granted, zero where it is rejected; *decided_on* as 2026-11-23. An order stands in it
once, as it stood at the end of the day.
"""

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args
from uuid import UUID

from services.billing.domain.bank_statement import minor_units
from services.shared.kernel.errors import Invalid

HEADER = ["order_number", "state", "amount", "currency", "decided_on"]
LINES_MAX = 20_000

StatedState = Literal["granted", "paid", "rejected"]


class ProgrammeStatementUnreadable(Invalid):
    """A line of the statement cannot be read; nothing of it was taken."""

    code = "billing.programme_statement_unreadable"


@dataclass(frozen=True, slots=True)
class StatedGrant:
    """*amount* in minor units, zero where it is rejected."""

    order_number: str
    state: StatedState
    amount: int
    currency: str
    decided_on: date


@dataclass(frozen=True, slots=True)
class ProgrammeStatement:
    """*until*: the business day at whose end it says how things stood; *sha256* of the file."""

    statement_id: UUID
    programme_id: UUID
    until: date
    sha256: str
    lines: tuple[StatedGrant, ...]


def read_programme_statement(text: str, until: date, currency: str) -> tuple[StatedGrant, ...]:
    """
    The lines of a statement that stands at the end of *until*, all in *currency*.

    Raises:
        ProgrammeStatementUnreadable: Facts name the line (the header is line 1) and what is wrong with it.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    found: dict[str, StatedGrant] = {}
    try:
        if next(rows, None) != HEADER:
            raise _refusal(1, "header")
        for row in rows:
            if not row:
                continue
            line = _line(row, rows.line_num, until, currency)
            if found.setdefault(line.order_number, line) is not line:
                raise _refusal(rows.line_num, "order_number")
            if len(found) > LINES_MAX:
                raise _refusal(rows.line_num, "too_many_lines")
    except csv.Error:
        raise _refusal(rows.line_num, "csv") from None
    return tuple(found.values())


def _line(row: list[str], number: int, until: date, currency: str) -> StatedGrant:
    if len(row) != len(HEADER):
        raise _refusal(number, "columns")
    order_number, state, amount_text, stated_currency, day = (field.strip() for field in row)
    if not re.fullmatch(r"[A-Za-z0-9._/-]{1,64}", order_number):
        raise _refusal(number, "order_number")
    stated = next((each for each in get_args(StatedState) if each == state), None)
    if stated is None:
        raise _refusal(number, "state")
    if stated_currency != currency:
        raise _refusal(number, "currency")
    amount = minor_units(amount_text, currency)
    if amount is None or (amount == 0) != (stated == "rejected"):
        raise _refusal(number, "amount")
    try:
        decided_on = date.fromisoformat(day)
    except ValueError:
        raise _refusal(number, "decided_on") from None
    if decided_on > until:
        raise _refusal(number, "decided_on")
    return StatedGrant(order_number, stated, amount, currency, decided_on)


def _refusal(number: int, problem: str) -> ProgrammeStatementUnreadable:
    return ProgrammeStatementUnreadable(f"line {number}: {problem}", line=number, problem=problem)
