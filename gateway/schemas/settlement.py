"""Settlements: what a provider or a station is owed."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Asked, Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant
from services.shared.messages.billing.settlement import AgentModel, LineBase, PartyKind, SettlementState


class SettlementLine(Shown):
    """
    One order on a statement, or a correction of one; *corrects*: the earlier statement that lists it.

    *net* is the party's share of *base*, which *base_of* says: a provider's *order_net* less *fee*; a station's part of
    the fee, or with resale of the margin.
    """

    order_id: UUID
    order_number: str
    order_net: Money
    fee: Money
    base: Money
    base_of: LineBase
    net: Money
    tax: Money
    title: str
    accepted_at: Instant
    kind: Literal["acceptance", "correction", "cancellation_fee"]
    corrects: str


class KeptFromSettlement(Shown):
    order_number: str
    corrects: str
    amount: Money


class Settlement(Shown):
    """A statement, to its party and to the operating company's finance. *net*, *tax*: what the invoice must say."""

    settlement_id: UUID
    number: str
    state: SettlementState
    party_kind: PartyKind
    party_id: UUID
    party_name: str
    until: date
    order_count: int
    net: Money
    tax: Money
    gross: Money
    kept: tuple[KeptFromSettlement, ...]
    to_pay: Money
    payable_from: Instant
    due_on: date | None
    invoice_awaited: bool
    closed_at: Instant
    payout_id: UUID | None


class SettlementPage(Shown):
    items: tuple[Settlement, ...]
    next_cursor: str | None


class SettlementsListed(Listed):
    state: SettlementState | None = None
    order_id: UUID | None = None
    due_until: date | None = None


class PreviewedSettlement(Shown):
    """
    What one party would be stated for one kind of invoice.

    *net*, *tax*: what its invoice would have to say; *held*: net and tax of orders in dispute, which stay out;
    *owed_by_party*: what its next payouts are lower by.
    """

    party_kind: PartyKind
    party_id: UUID
    party_name: str
    tax_rate_bps: int
    special_invoice: bool
    order_count: int
    correction_count: int
    net: Money
    tax: Money
    gross: Money
    owed_by_party: Money
    held: Money
    held_count: int
    payable_from: Instant | None


class SettlementPreview(Shown):
    items: tuple[PreviewedSettlement, ...]


class SettlementLinePage(Shown):
    items: tuple[SettlementLine, ...]
    next_cursor: str | None


class SettlementLinesListed(Listed):
    order_id: UUID | None = None


class SettlementSale(Shown):
    """
    An order that the provider sold itself, as it was accepted; nothing of it is owed.

    *split_off*: what the splitting channel kept of *sold* for the company; *commission*, *commission_tax*: what the
    company invoices for it, by the invoice of that number once it is issued. *refunded*, *split_returned*,
    *commission_reduced*, *commission_tax_reduced*: what was taken back of each before the statement was closed.
    """

    order_id: UUID
    order_number: str
    title: str
    accepted_at: Instant
    way: AgentModel
    sold: Money
    split_off: Money
    commission: Money
    commission_tax: Money
    refunded: Money
    split_returned: Money
    commission_reduced: Money
    commission_tax_reduced: Money
    invoice_number: str


class SettlementSalePage(Shown):
    items: tuple[SettlementSale, ...]
    next_cursor: str | None


class SettlementsPreviewed(Asked):
    until: Annotated[date, Field(description="orders accepted up to the end of this day in Asia/Shanghai")]


class SettlementClosing(Schema):
    until: Annotated[date, Field(description="orders accepted up to the end of this day in Asia/Shanghai")]
