"""A settlement: the statement of what we owe one party for accepted orders."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.organisation import PartyKind
from services.shared.kernel.errors import Conflict
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

SettlementState = Literal["open", "closed", "awaiting_invoice", "invoice_matched", "payable", "paid"]

LIFECYCLE: Lifecycle[SettlementState] = Lifecycle(
    "settlement",
    {
        "issue": {"closed": "awaiting_invoice"},
        # the party may be quicker than the printing of its statement
        "match": {"closed": "payable", "awaiting_invoice": "payable"},
        "pay": {"payable": "paid"},
    },
)


class HoldNotOver(Conflict):
    """The hold period of its last order is not over."""

    code = "billing.hold_not_over"


class PayoutExists(Conflict):
    """A payout of this settlement is under way."""

    code = "billing.payout_exists"


class NotPayable(Conflict):
    """No invoice has matched this settlement yet, or it is paid."""

    code = "billing.settlement_not_payable"


class InvoiceContradicts(Exception):
    """A matched invoice says other amounts than the settlement: a bug of whoever matched it."""


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """One order on a statement; minor units of the settlement's currency."""

    order_id: UUID
    order_number: str
    title: str
    order_net: int
    fee: int
    net: int
    tax: int
    accepted_at: datetime


@dataclass
class Settlement:
    """
    Attributes:
        net, tax: What the party's invoice must say; sums of the frozen amounts of the lines.
        tax_rate_bps, special_invoice: Which invoice it is.
        payable_from: End of the hold period of its last order.
        deducted: Of net + tax, what we keep for refunds of orders that were settled already.
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
    lines: tuple[SettlementLine, ...]
    payable_from: datetime
    closed_at: datetime
    payout_id: UUID | None = None
    received_invoice_id: UUID | None = None
    document_key: str | None = None
    document_sha256: str = ""
    document_size: int = 0
    deducted: int = 0
    version: int = 0

    @property
    def gross(self) -> Money:
        return Money(self.net + self.tax, self.currency)

    @property
    def due(self) -> Money:
        """What is to be paid out."""
        return self.gross - Money(self.deducted, self.currency)

    def deduct(self, amount: int) -> None:
        """Keep *amount* (minor units, at most what is due) of it. Raises WrongState: It is not payable."""
        if not 0 < amount <= self.due.amount:
            raise ValueError("more is kept than is due")
        self.deducted += amount
        if self.due.amount == 0:
            self.pay()

    @property
    def order_ids(self) -> tuple[UUID, ...]:
        return tuple(dict.fromkeys(line.order_id for line in self.lines))

    def issue(self, key: str, sha256: str, size: int) -> None:
        """The statement is printed and kept. The party may have sent its invoice meanwhile."""
        self.document_key, self.document_sha256, self.document_size = key, sha256, size
        if self.state == "closed":
            self.state = LIFECYCLE.after("issue", self.state)

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

    def start_payout(self, payout_id: UUID, now: datetime) -> None:
        """Raises NotPayable, PayoutExists, HoldNotOver."""
        if self.state != "payable":
            raise NotPayable
        if self.payout_id is not None:
            raise PayoutExists
        if now < self.payable_from:
            raise HoldNotOver(payable_from=self.payable_from.isoformat())
        self.payout_id = payout_id

    def pay(self) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("pay", self.state)


def clawed_back(kind: PartyKind, party_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """What the party owes us is kept of what we owe it."""
    return ledger.entries(
        ("D", ledger.owed(kind, party_id, "payable"), amount), ("C", ledger.claw_back(kind, party_id), amount)
    )


def received_invoice_matched(kind: PartyKind, party_id: UUID, net: Money, tax: Money) -> tuple[ledger.Entry, ...]:
    """The party's invoice over a statement is there: what was accrued net is payable with its tax."""
    return ledger.entries(
        ("D", ledger.owed(kind, party_id, "accrued"), net),
        ("D", ledger.INPUT_VAT_PENDING, tax),
        ("C", ledger.owed(kind, party_id, "payable"), net + tax),
    )
