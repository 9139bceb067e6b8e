"""Settlements: what we owe a provider or a station for accepted orders, and which invoice we await for it."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Message, Page, Query, View
from services.shared.messages.billing.commission_plan import FINANCE

SettlementState = Literal["closed", "awaiting_invoice", "payable", "paid"]
PartyKind = Literal["provider", "station"]
LineBase = Literal["order_net", "fee", "margin"]
AgentModel = Literal["agent_psp_split", "agent_bank_custody", "agent_direct"]

_READERS: Grants = {
    "provider": frozenset({"provider_finance", "lab_manager"}),
    "station": frozenset({"station_manager"}),
    **FINANCE,
}


class SettlementLine(Message):
    """
    One order on a statement, or a correction of one.

    *net*: the party's share without VAT; *tax*: on top of it where its invoice is deductible.

    *base*: what the party's share is taken of, which *base_of* says: of a provider *order_net*, which *fee* is taken
    off; of a station the order's fee, or with resale the margin between what the customer and what the provider is
    paid, and what is not its share is kept by the company.

    A correction of an order has amounts below zero, or above; *corrects* is the earlier statement that lists it.
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


class KeptFromSettlement(Message):
    """What is not paid out: the party gives back a part of an order that an earlier statement (*corrects*) lists."""

    order_number: str
    corrects: str
    amount: Money


class SettlementView(View):
    """
    One without money is paid from the beginning, and no invoice is awaited: its lines come to nothing, or it tells a
    provider what it sold itself, and its *order_count* is of that.

    Attributes:
        net: What its invoice must say without tax.
        tax: What its invoice must say as tax; 0 when an ordinary invoice is all-in.
        kept: What is not paid out because of claw-backs; *to_pay* is the rest of the gross.
        payable_from: When the hold period of its last order ends.
        due_on: By which day (Asia/Shanghai) a small enterprise must be paid, whether or not the customers have paid.
        invoice_awaited: False: it is over fees for what was cancelled, where nothing was performed, and is paid without
            an invoice; or nothing is owed.
    """

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


class CloseSettlements(Command):
    """
    One statement per provider and station over the orders accepted up to the end of *until* that stand on none yet.

    *until* is a day in Asia/Shanghai. → SettlementPage: those just closed
    """

    wire_name: ClassVar = "billing.close_settlements"
    grants: ClassVar[Grants] = FINANCE

    until: date


class PreviewSettlements(Query):
    """What closing up to the end of *until* (a day in Asia/Shanghai) would state, and what not. → SettlementPreview"""

    wire_name: ClassVar = "billing.preview_settlements"
    grants: ClassVar[Grants] = FINANCE

    until: date


class PreviewedSettlement(Message):
    """
    What one party would be stated for one kind of invoice.

    Attributes:
        correction_count: Of the lines that correct an order.
        net, tax: What its invoice would have to say. With 0 there is none, and its statement is paid at once.
        owed_by_party: What is left of its claw-backs in this currency, over all its statements.
        held: Net and tax of *held_count* orders that are in dispute and stay out.
        payable_from: When the hold period of the last order ends; none where nothing is stated.
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


class SettlementPreview(View):
    items: tuple[PreviewedSettlement, ...]


class GetSettlement(Query):
    """→ SettlementView"""

    wire_name: ClassVar = "billing.get_settlement"
    grants: ClassVar[Grants] = _READERS

    settlement_id: UUID


class ListSettlements(Query):
    """
    A party's own; all for the operating company's finance; newest first. → SettlementPage

    *due_until*: those that are not paid and are due by that day, so that with today's the overdue ones stand too.
    """

    wire_name: ClassVar = "billing.list_settlements"
    grants: ClassVar[Grants] = {
        "self": frozenset({"provider_finance", "lab_manager", "station_manager"}), **FINANCE,
    }  # fmt: skip

    state: SettlementState | None = None
    order_id: UUID | None = None
    due_until: date | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class SettlementPage(Page):
    items: tuple[SettlementView, ...]


class ListSettlementLines(Query):
    """The lines of a statement, in the order of acceptance; of one order where it is named. → SettlementLinePage"""

    wire_name: ClassVar = "billing.list_settlement_lines"
    grants: ClassVar[Grants] = _READERS

    settlement_id: UUID
    order_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class SettlementLinePage(Page):
    items: tuple[SettlementLine, ...]


class SettlementSale(Message):
    """
    An order that the provider sold itself, as it was accepted, and what was taken back of it before its statement was
    closed. The customer paid it and not us: nothing of it is owed.

    Attributes:
        way: How it was paid: the splitting channel shared it out, a bank had it in custody, or the provider has it.
        sold: What the customer was to pay, with VAT.
        split_off: What the channel kept of that for us; the provider has the rest. 0: it has all of it.
        commission: What we invoice for it, without *commission_tax*.
        refunded: What of *sold* goes back to the customer.
        split_returned: What of *split_off* the channel has returned to the provider for that.
        commission_reduced, commission_tax_reduced: What we invoice less for it; below zero where it is more.
        invoice_number: Of that invoice; empty before it is issued.
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


class ListSettlementSales(Query):
    """What the provider sold itself until its statement, in the order of acceptance. → SettlementSalePage"""

    wire_name: ClassVar = "billing.list_settlement_sales"
    grants: ClassVar[Grants] = _READERS

    settlement_id: UUID
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class SettlementSalePage(Page):
    items: tuple[SettlementSale, ...]


class GetSettlementDocument(Query):
    """The statement as it is printed, or as a spreadsheet. → SettlementDocument"""

    wire_name: ClassVar = "billing.get_settlement_document"
    grants: ClassVar[Grants] = _READERS

    settlement_id: UUID
    form: Literal["pdf", "xlsx"] = "pdf"


class SettlementDocument(View):
    """*url* holds for five minutes; none while the statement is being made."""

    url: str | None
    sha256: str
    size_bytes: int
    filename: str


class _SettlementEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("settlement", "settlement_id")

    settlement_id: UUID
    number: str
    party_kind: PartyKind
    party_id: UUID
    net: Money
    tax: Money
    gross: Money
    order_count: int
    """Which orders and how much each: the lines of the statement."""


class SettlementClosed(_SettlementEvent):
    """The statement stands; we await an invoice over exactly these amounts."""

    wire_name: ClassVar = "settlement.closed.v1"

    until: date
    closed_at: Instant
    tax_rate_bps: int
    special_invoice: bool


class SettlementPayable(_SettlementEvent):
    """The invoice is there and matches, or none is awaited."""

    wire_name: ClassVar = "settlement.payable.v1"

    payable_from: Instant


class SettlementPaid(_SettlementEvent):
    """The money has left our account; without a payout where all of it was kept because of claw-backs."""

    wire_name: ClassVar = "settlement.paid.v1"

    payout_id: UUID | None
    paid_at: Instant


class SettlementDue(_SettlementEvent):
    """
    A small enterprise is not paid yet, and must be by *due_on* (a day in Asia/Shanghai).

    Told some days before it, and once more on the day after, then *overdue*. *to_pay*: what is not kept of the gross.
    """

    wire_name: ClassVar = "settlement.due.v1"

    due_on: date
    overdue: bool
    to_pay: Money


class SettlementOrdersPaid(Event):
    """
    The provider is paid for these orders, or they come to nothing: nothing of them is owed to it any more. A statement
    of many is told in several.
    """

    wire_name: ClassVar = "settlement.orders_paid.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("settlement", "settlement_id")

    settlement_id: UUID
    provider_id: UUID
    order_ids: tuple[UUID, ...]
