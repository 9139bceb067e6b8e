"""Bank statements: lines of the company's account, matched to what they pay."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Instant, Message, Name, Page, Query, View
from services.shared.messages.billing.commission_plan import FINANCE

BankLineState = Literal["announced", "matched", "suspense", "withdrawn"]


class BankLine(Message):
    """
    Attributes:
        serial_number: The bank's own; unique within the account, so that a line is never booked twice.
        counterparty_account: Empty where the bank does not tell it.
        amount: Above zero; *direction* says which way it went.
        state: *announced*: the bank has not booked it yet, nothing is moved; *withdrawn*: booked in parts instead.
        target: What it was matched to: `payment/<id>` or `payout/<id>`, empty while in suspense.
    """

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


class ImportBankStatement(Command):
    """
    Read a statement. Lines that were read before are recognised and left alone. → BankStatementView

    Attributes:
        account: The company's account number.
        csv: UTF-8, header `serial_number,booked_at,direction,amount,currency,counterparty,remittance`;
            amount in major units with a point, booked_at RFC 3339. A line that cannot be read refuses the
            whole statement, naming it.
    """

    wire_name: ClassVar = "billing.import_bank_statement"
    grants: ClassVar[Grants] = FINANCE

    account: Name
    csv: Annotated[str, StringConstraints(min_length=1, max_length=5_000_000)]


class ImportBankFile(Command):
    """
    Read a camt.053 or camt.054 file as the bank gives it; a line told in several is one. → BankStatementView

    Attributes:
        account: The company's account number, as the file states it; a file of another account is refused.
        content: The file's bytes, base64. What cannot be read, or a closing balance that does not follow from the
            opening one and what was booked, refuses the whole file, naming the place.
    """

    wire_name: ClassVar = "billing.import_bank_file"
    grants: ClassVar[Grants] = FINANCE

    account: Name
    content: Annotated[str, StringConstraints(min_length=1, max_length=5_000_000)]


class BankStatementView(View):
    """
    Attributes:
        repeated: Lines that were known already.
        not_booked: Lines that the bank only announces; they move nothing until it books them.
        file_repeated: This very file was read before.
    """

    lines: tuple[BankLine, ...]
    matched: int
    suspense: int
    repeated: int
    not_booked: int = 0
    file_repeated: bool = False


class ListBankLines(Query):
    """→ BankLinePage, newest first"""

    wire_name: ClassVar = "billing.list_bank_lines"
    grants: ClassVar[Grants] = FINANCE

    state: BankLineState | None = None
    after: str | None = None
    limit: int = 50


class BankLinePage(Page):
    items: tuple[BankLine, ...]
