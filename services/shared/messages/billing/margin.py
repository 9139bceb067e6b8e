"""Margin and cash of orders: what each has brought in and cost, and where its money is."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.channel import CollectionModel
from services.shared.messages.base import Instant, Message, Page, Query, View
from services.shared.messages.billing.commission_plan import FINANCE

MarginState = Literal["contracted", "accepted", "cancelled"]
MissingInvoice = Literal["customer", "commission", "provider", "station"]


class MarginFigures(Message):
    """
    Of one order, or of all that were selected in one currency; minor units, without VAT unless said.

    What is called a figure of an account is the sum of all its entries in the order's transactions.

    Attributes:
        sell: R:service, what the customer is invoiced as principal: after seller's and company's discount and refunds.
        commission: R:commission, what the company earns where the provider sells, and of internal orders.
        cancellation_fee: R:cancellation_fee.
        buy: E:provider_service.
        station: E:station_share.
        psp_fees: E:psp_fee.
        dispute_fees: E:dispute_fee.
        voucher_losses: E:voucher_loss.
        bad_debt: E:bad_debt.
        other: All other expenses less all other revenue.
        margin: All revenue less all expenses. K of the split, less fees and losses.
        company_discount: What the company took off for the customer, of what is left; *sell* is without it already. Of
            the split as it was frozen by acceptance: it moves no money, so that no entry tells of it.
        vat_output: L:vat:output.
        vat_input_pending: A:vat:input_pending; and of each statement whose invoice is there and not confirmed for a
            filing period, the order's own line.
        vat_input_confirmed: A:vat:input; and the order's line of each statement whose input VAT is confirmed. What a
            claw-back took from what was pending then stays below zero there. Fees are confirmed by the month: they
            stay pending here, and what was confirmed and transferred out of them is apart.
        vat_input_awaited: On lines of statements whose invoice is not there; in no account yet.
        vat_due: Output less input, pending or confirmed.
        cash_in: What came for it to the bank, the payment institution or the channel, was taken for it from the
            customer's credit or from suspense, or kept from a party's paid statement because of it; with VAT.
        cash_out: What went back to payers, fees, and the order's lines on statements that are paid; with VAT.
        held: L:contract, paid by or for the customer and not yet earned; with VAT.
        held_elsewhere: M:order, what a channel or custody holds for it; not the company's money; with VAT.
        unpaid: What is owed by the customer for accepted work and neither paid nor given up; with VAT.
        asked: What the customer is asked for otherwise and has not paid yet; with VAT.
    """

    currency: str
    sell: int
    commission: int
    cancellation_fee: int
    buy: int
    station: int
    psp_fees: int
    dispute_fees: int
    voucher_losses: int
    bad_debt: int
    other: int
    margin: int
    company_discount: int
    vat_output: int
    vat_input_pending: int
    vat_input_confirmed: int
    vat_input_awaited: int
    vat_due: int
    cash_in: int
    cash_out: int
    held: int
    held_elsewhere: int
    unpaid: int
    asked: int


class OrderMargin(View):
    """
    Attributes:
        unpaid_due_on: The earliest day on which something unpaid was or is due; none before its invoice.
        overdue_days: Since then, until today in Asia/Shanghai.
        invoices_missing: *customer*: ours to it is not issued, though revenue is booked; *commission*: likewise ours to
            the provider. *provider*, *station*: theirs over what they earned by it of the company.
    """

    order_id: UUID
    order_number: str
    customer_id: UUID
    provider_id: UUID
    station_id: UUID | None
    collection_model: CollectionModel
    state: MarginState
    contracted_at: Instant
    accepted_at: Instant | None
    figures: MarginFigures
    unpaid_due_on: date | None
    overdue_days: int
    invoices_missing: tuple[MissingInvoice, ...]


class GetOrderMargin(Query):
    """→ OrderMargin"""

    wire_name: ClassVar = "billing.get_order_margin"
    grants: ClassVar[Grants] = FINANCE

    order_id: UUID


class ListMargins(Query):
    """
    Orders by when their contract was signed, newest first. → MarginPage

    Attributes:
        since, until: Signed from the one on and before the other; none: no limit.
        totals: Whether sums over the whole selection are wanted; they come with the first page only. Of 100,000 orders
            they take about four seconds, of a month about two.
    """

    wire_name: ClassVar = "billing.list_margins"
    grants: ClassVar[Grants] = FINANCE

    since: Instant | None = None
    until: Instant | None = None
    provider_id: UUID | None = None
    station_id: UUID | None = None
    state: MarginState | None = None
    totals: bool = False
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 50


class ApartFigure(Message):
    """
    What stands on no order: *amount* in minor units, credit less debit of *account* by transactions of *kind*.

    Revenue, expenses and VAT; input VAT of statements is not among it: their lines say whose it is.
    """

    account: str
    kind: str
    currency: str
    amount: int


class MarginPage(Page):
    """
    Attributes:
        totals: Per currency over the whole selection, not the page; empty where they were not wanted.
        apart: What counts in the same time and stands on no order of its currency, whoever's orders are selected. With
            neither time nor selection the totals' margin and this are the ledger's result.
    """

    totals: tuple[MarginFigures, ...]
    apart: tuple[ApartFigure, ...]
    items: tuple[OrderMargin, ...]
