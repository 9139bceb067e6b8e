"""Statements of the bank and their lines."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, Name
from services.shared.messages.billing.bank_statement import BankLineState


class BankLine(Shown):
    bank_line_id: UUID
    serial_number: str
    booked_at: Instant
    direction: Literal["in", "out"]
    amount: Money
    counterparty: str
    counterparty_account: str
    remittance: str
    state: BankLineState
    target: str
    reason: str


class BankLinePage(Shown):
    items: tuple[BankLine, ...]
    next_cursor: str | None


class BankLinesListed(Listed):
    state: BankLineState | None = None


class BankStatementToImport(Schema):
    account: Name
    csv: Annotated[str, StringConstraints(min_length=1, max_length=5_000_000)]


class BankFileToImport(Schema):
    """*content*: the bank's camt.053 or camt.054 file, base64."""

    account: Name
    content: Annotated[str, StringConstraints(min_length=1, max_length=5_000_000)]


class BankStatement(Shown):
    lines: tuple[BankLine, ...]
    matched: int
    suspense: int
    repeated: int
    not_booked: int
    file_repeated: bool
