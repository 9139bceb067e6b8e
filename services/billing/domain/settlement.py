"""A settlement: the statement of what we owe one party for accepted orders."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.bank_line_part import PaidOtherwise
from services.billing.domain.clawback import Clawback, Kept
from services.billing.domain.organisation import PartyKind
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

SettlementState = Literal["closed", "awaiting_invoice", "payable", "paid"]
"""
What is open has no statement yet: accruals, which a preview shows. A matched invoice makes it payable at once; that the
hold period is over and nothing on it is in dispute are conditions of its payout and no states.
"""

LIFECYCLE: Lifecycle[SettlementState] = Lifecycle(
    "settlement",
    {
        "issue": {"closed": "awaiting_invoice"},
        # the party may be quicker than the printing of its statement
        # for the fee of what was cancelled no invoice is sent
        "do_without": {"closed": "payable"},
        "match": {"closed": "payable", "awaiting_invoice": "payable"},
        "pay": {"payable": "paid"},
        "reopen": {"payable": "payable", "paid": "payable"},
    },
)


class HoldNotOver(Conflict):
    """The hold period of its last order is not over."""

    code = "billing.hold_not_over"


class PayoutExists(Conflict):
    """A payout of this settlement is under way."""

    code = "billing.payout_exists"


class DayToCome(Invalid):
    """Statements are closed up to today at most."""

    code = "billing.settlement_day_to_come"


class NotPayable(Conflict):
    """No invoice has matched this settlement yet, or it is paid."""

    code = "billing.settlement_not_payable"


class OrderHeld(Conflict):
    """An order on this settlement is in dispute; its money stays until that is decided."""

    code = "billing.settlement_held"


class InvoiceContradicts(Exception):
    """A matched invoice says other amounts than the settlement: a bug of whoever matched it."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file in the object store; *size* in bytes."""

    key: str
    sha256: str
    size: int


@dataclass
class Settlement:
    """
    A statement. Its lines are the accruals that it lists, which never change.

    Attributes:
        net, tax: What the party's invoice must say; sums of the frozen amounts of the lines.
        tax_rate_bps, special_invoice: Which invoice it is.
        payable_from: End of the hold period of its last order.
        kept: What is not paid out of it, because of claw-backs.
        carried_over: What its party owed from earlier ones when it was closed, zero or more; printed on it. What is
            kept in the end may be more or less: of that *kept* tells.
        due_on: By the end of which day (Asia/Shanghai) a small enterprise must be paid, whoever has paid us: that of
            its earliest line. None: its party is none.
        invoice_awaited: False: nothing was performed, or nothing is owed; what is owed is paid without an invoice.
        document_key, sheet_key: The statement as PDF and as XLSX; none while they are made.
    """

    settlement_id: UUID
    number: str
    state: SettlementState
    party_kind: PartyKind
    party_id: UUID
    party_name: str
    until: date
    currency: str
    net: int
    tax: int
    tax_rate_bps: int
    special_invoice: bool
    order_count: int
    payable_from: datetime
    closed_at: datetime
    kept: tuple[Kept, ...] = ()
    carried_over: int = 0
    due_on: date | None = None
    payout_id: UUID | None = None
    received_invoice_id: UUID | None = None
    invoice_awaited: bool = True
    document_key: str | None = None
    document_sha256: str = ""
    document_size: int = 0
    sheet_key: str | None = None
    sheet_sha256: str = ""
    sheet_size: int = 0
    version: int = 0

    @property
    def gross(self) -> Money:
        return Money(self.net + self.tax, self.currency)

    @property
    def to_pay(self) -> Money:
        """What is paid out of it."""
        return self.gross - Money(sum(kept.amount for kept in self.kept), self.currency)

    def issue(self, paper: KeptFile, sheet: KeptFile) -> None:
        """The statement is printed and kept. The party may have sent its invoice meanwhile."""
        self.document_key, self.document_sha256, self.document_size = paper.key, paper.sha256, paper.size
        self.sheet_key, self.sheet_sha256, self.sheet_size = sheet.key, sheet.sha256, sheet.size
        if self.state == "closed":
            self.state = LIFECYCLE.after("issue" if self.invoice_awaited else "do_without", self.state)

    def match(self, received_invoice_id: UUID, net: Money, tax: Money) -> None:
        """
        The party's invoice is there. An ordinary one is all-in: how it divides its total is the party's own affair.

        Raises:
            InvoiceContradicts: It says other amounts.
            WrongState: One has matched already.
        """
        self.state = LIFECYCLE.after("match", self.state)
        exact = (net, tax) == (Money(self.net, self.currency), Money(self.tax, self.currency))
        if not exact and (self.special_invoice or net + tax != self.gross):
            raise InvoiceContradicts(f"{self.number}: {net} + {tax}")
        self.received_invoice_id = received_invoice_id

    def keep(self, clawback: Clawback) -> int:
        """
        Keep back what it can towards *clawback*. Returns how much, in minor units.

        With nothing left to pay it is paid: by what the party owed.
        """
        taken = clawback.take(self.to_pay.amount) if self.state == "payable" and self.payout_id is None else 0
        if taken:
            self.kept += (Kept(clawback.clawback_id, clawback.order_number, clawback.corrects, taken),)
            if not self.to_pay.amount:
                self.pay()
        return taken

    def start_payout(self, payout_id: UUID, now: datetime, held: str | None) -> None:
        """
        *held*: the number of an order on it that is in dispute, if there is one.

        Raises: NotPayable, PayoutExists, OrderHeld, HoldNotOver.
        """
        if self.state != "payable":
            raise NotPayable
        if self.payout_id is not None:
            raise PayoutExists
        check_not_held(held)
        if now < self.payable_from:
            raise HoldNotOver(payable_from=self.payable_from.isoformat())
        self.payout_id = payout_id

    def pay(self) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("pay", self.state)

    def pay_by(self, payout_id: UUID, amount: Money) -> None:
        """
        A payout that had failed, or come back, has paid it after all.

        Raises:
            PaidOtherwise: Another one pays it or has paid it, or not *amount* is to be paid by now.
        """
        if self.state != "payable" or self.payout_id is not None or self.to_pay != amount:
            raise PaidOtherwise
        self.payout_id = payout_id
        self.pay()

    def reopen(self) -> None:
        """Its payout was cancelled, failed or came back: it waits for another one."""
        self.state = LIFECYCLE.after("reopen", self.state)
        self.payout_id = None


def check_not_held(held: str | None) -> None:
    """*held*: the number of an order that is in dispute, or none. Raises OrderHeld."""
    if held is not None:
        raise OrderHeld(order_number=held)


def received_invoice_matched(kind: PartyKind, party_id: UUID, net: Money, tax: Money) -> tuple[ledger.Entry, ...]:
    """
    The party's invoice over a statement is there, or none is awaited: what was accrued net is payable with its tax.
    """
    return ledger.entries(
        ("D", ledger.owed(kind, party_id, "accrued"), net),
        ("D", ledger.INPUT_VAT_PENDING, tax),
        ("C", ledger.owed(kind, party_id, "payable"), net + tax),
    )
