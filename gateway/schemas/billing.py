"""Payments, bank statements, ledger, commission, referrals, settlements, payouts."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import BasisPoints, Instant, Name, Text
from services.shared.messages.billing.bank_statement import BankLineState
from services.shared.messages.billing.ledger import Side
from services.shared.messages.billing.payment import PaymentMethod, PaymentState
from services.shared.messages.billing.payout import PayoutState
from services.shared.messages.billing.referral import ReferralState
from services.shared.messages.billing.settlement import PartyKind, SettlementState


class OperatorPayment(Shown):
    """A payment, to the operating company: without the secret that only the payer's browser needs."""

    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    method: PaymentMethod
    state: PaymentState
    amount: Money
    received: Money
    reference: str | None
    account_name: str | None
    account_number: str | None
    bank_name: str | None
    failure: str
    succeeded_at: Instant | None


class CustomerPayment(OperatorPayment):
    """A payment, to the customer. *client_secret*: card only; *reference*: transfer only, to be stated by the payer."""

    client_secret: str | None


class PaymentPage(Shown):
    items: tuple[CustomerPayment | OperatorPayment, ...]
    next_cursor: str | None


class PaymentsListed(Listed):
    order_id: UUID | None = None


class BankLine(Shown):
    serial_number: str
    booked_at: Instant
    direction: Literal["in", "out"]
    amount: Money
    counterparty: str
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
    """*content*: the bank's camt.053 file, base64."""

    account: Name
    content: Annotated[str, StringConstraints(min_length=1, max_length=5_000_000)]


class BankStatement(Shown):
    lines: tuple[BankLine, ...]
    matched: int
    suspense: int
    repeated: int
    not_booked: int


class Balance(Shown):
    account: str
    currency: str
    debit: int
    credit: int


class BalancePage(Shown):
    items: tuple[Balance, ...]
    next_cursor: str | None


class LedgerEntry(Shown):
    line: int
    account: str
    side: Side
    amount: int
    currency: str


class LedgerTransaction(Shown):
    transaction_id: UUID
    key: str
    kind: str
    order_id: UUID | None
    order_number: str
    effective_at: Instant
    reverses: UUID | None
    entries: tuple[LedgerEntry, ...]


class LedgerTransactionPage(Shown):
    items: tuple[LedgerTransaction, ...]
    next_cursor: str | None


class TransactionsListed(Listed):
    order_id: UUID | None = None
    account: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Invariants(Shown):
    transactions: int
    checked: tuple[str, ...]
    violations: tuple[str, ...]


class CommissionPlan(Shown):
    commission_plan_id: UUID
    valid_from: Instant
    fee_bps: int
    station_bps: int


class CommissionPlanPage(Shown):
    items: tuple[CommissionPlan, ...]
    next_cursor: str | None


class CommissionPlanToPublish(Schema):
    valid_from: Instant
    fee_bps: BasisPoints
    station_bps: BasisPoints


class Referral(Shown):
    referral_id: UUID
    station_id: UUID
    customer_id: UUID
    state: ReferralState
    evidence: str
    claimed_at: Instant
    protected_until: Instant | None
    reason: str


class ReferralPage(Shown):
    items: tuple[Referral, ...]
    next_cursor: str | None


class ReferralToClaim(Schema):
    customer_id: UUID
    evidence: Name


class ReferralDecision(Schema):
    decision: Literal["confirm", "refuse"]
    reason: Text = ""


class SettledOrder(Shown):
    order_id: UUID
    order_number: str
    order_net: Money
    fee: Money
    net: Money
    tax: Money
    accepted_at: Instant


class Settlement(Shown):
    """A statement, to its party and to the operating company's finance. *net*, *tax*: what the invoice must say."""

    settlement_id: UUID
    number: str
    state: SettlementState
    party_kind: PartyKind
    party_id: UUID
    party_name: str
    until: date
    orders: tuple[SettledOrder, ...]
    net: Money
    tax: Money
    gross: Money
    payable_from: Instant
    closed_at: Instant
    payout_id: UUID | None


class SettlementPage(Shown):
    items: tuple[Settlement, ...]
    next_cursor: str | None


class SettlementsListed(Listed):
    state: SettlementState | None = None


class SettlementClosing(Schema):
    until: Annotated[date, Field(description="orders accepted up to the end of this day in Asia/Shanghai")]


class PayoutToStart(Schema):
    settlement_id: UUID


class Payout(Shown):
    payout_id: UUID
    number: str
    state: PayoutState
    settlement_id: UUID
    party_kind: PartyKind
    party_id: UUID
    amount: Money
    account_name: str
    account_number: str
    bank_name: str
    created_at: Instant
    released_at: Instant | None
    paid_at: Instant | None


class PayoutPage(Shown):
    items: tuple[Payout, ...]
    next_cursor: str | None


class StripeReceipt(Shown):
    stripe_event_id: str
    seen_before: bool
