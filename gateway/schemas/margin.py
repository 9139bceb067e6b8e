"""Margin and cash of orders, to the operating company's finance."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Asked, Listed, Shown
from services.shared.kernel.channel import CollectionModel
from services.shared.messages.base import Instant
from services.shared.messages.billing.margin import MarginState, MissingInvoice


class MarginsSelected(Asked):
    """Which orders."""

    since: Annotated[Instant | None, Field(description="contract signed from this instant on; default all")] = None
    until: Annotated[Instant | None, Field(description="contract signed before this instant; default all")] = None
    provider_id: UUID | None = None
    station_id: UUID | None = None
    state: MarginState | None = None


class ListedMargins(MarginsSelected, Listed):
    totals: Annotated[bool, Field(description="sums over the whole selection, with the first page")] = False


class MarginFigures(Shown):
    """Minor units of *currency*, summed from the ledger's entries of the order."""

    currency: str
    sell: Annotated[int, Field(description="net, what the customer is invoiced where the company sells")]
    commission: Annotated[int, Field(description="net, where the provider sells, and of internal orders")]
    cancellation_fee: int
    buy: Annotated[int, Field(description="net, what the provider earns where the company sells")]
    station: Annotated[int, Field(description="net, the referring station's share")]
    psp_fees: int
    dispute_fees: int
    voucher_losses: int
    bad_debt: int
    other: Annotated[int, Field(description="all other expenses less all other revenue")]
    margin: Annotated[int, Field(description="all revenue less all expenses")]
    company_discount: Annotated[int, Field(description="at the company's expense; sell is without it already")]
    vat_output: int
    vat_input_pending: Annotated[int, Field(description="of fees, and of statements whose invoice is there")]
    vat_input_confirmed: Annotated[int, Field(description="where it is booked by order")]
    vat_input_awaited: Annotated[int, Field(description="of statements whose invoice is not there; in no account yet")]
    vat_due: Annotated[int, Field(description="output less input, pending or confirmed")]
    cash_in: Annotated[int, Field(description="with VAT")]
    cash_out: Annotated[int, Field(description="with VAT; also by statements that are paid")]
    held: Annotated[int, Field(description="paid and not yet earned")]
    held_elsewhere: Annotated[int, Field(description="by a channel or custody; not the company's money")]
    unpaid: Annotated[int, Field(description="owed for accepted work")]
    asked: Annotated[int, Field(description="asked for before work begins, and not paid yet")]


class OrderMargin(Shown):
    """*unpaid_due_on*: the earliest; *overdue_days* since then, by days of Asia/Shanghai."""

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


class ApartFigure(Shown):
    """Credit less debit of *account* by transactions of *kind* that belong to no order."""

    account: str
    kind: str
    currency: str
    amount: int


class MarginPage(Shown):
    """*totals* of the whole selection per currency, *apart* what counts in the same time and stands on no order."""

    totals: tuple[MarginFigures, ...]
    apart: tuple[ApartFigure, ...]
    items: tuple[OrderMargin, ...]
    next_cursor: str | None
