"""Input VAT of received invoices and fees: confirmed for a filing period, transferred out with a reason."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Instant, Message, Page, PositiveMoney, Query, Remark, View
from services.shared.messages.billing.account import CurrencyCode
from services.shared.messages.billing.commission_plan import FINANCE
from services.shared.messages.billing.period import PeriodName

InputVatState = Literal["awaited", "pending", "confirmed", "transferred_out"]


class InputVatView(View):
    """
    Attributes:
        number: The statement's whose invoice it is of, or the month of the fees.
        amount: On the paper: the sum of the four that follow it.
        arisen_at: When the invoice matched; *age_days*: business days of the calendar (Asia/Shanghai) since then.
        period: The filing period in which it is deducted; empty before.
        reason: Why it was transferred out.
    """

    input_vat_id: UUID
    source: Literal["received_invoice", "psp_fees"]
    number: str
    invoice_number: str
    party_kind: Literal["provider", "station"] | None
    party_id: UUID | None
    state: InputVatState
    amount: Money
    pending: Money
    confirmed: Money
    transferred_out: Money
    given_back: Money
    arisen_at: Instant
    age_days: int
    period: str
    confirmed_at: Instant | None
    reason: str


class ListInputVat(Query):
    """What is not confirmed yet, or what stands otherwise; oldest first. → InputVatPage"""

    wire_name: ClassVar = "billing.list_input_vat"
    grants: ClassVar[Grants] = FINANCE

    state: InputVatState = "pending"
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class InputVatPage(Page):
    items: tuple[InputVatView, ...]


class ConfirmInputVat(Command):
    """
    Deduct the tax of received invoices in a filing period: all that are named, or none.

    The period has begun and its books are open; where it is over it counts at its last instant. → InputVatPage
    """

    wire_name: ClassVar = "billing.confirm_input_vat"
    grants: ClassVar[Grants] = FINANCE

    input_vat_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=100)]
    period: PeriodName


class FeeInputVat(Message):
    """Tax of a month's fees of the payment institution that is not confirmed."""

    month: str
    pending: Money
    age_days: int


class ListFeeInputVat(Query):
    """Months of the payment institution's fees whose tax is not confirmed, oldest first. → FeeInputVatList"""

    wire_name: ClassVar = "billing.list_fee_input_vat"
    grants: ClassVar[Grants] = FINANCE


class FeeInputVatList(View):
    items: tuple[FeeInputVat, ...]


class ConfirmFeeInputVat(Command):
    """Deduct the tax of the fees of a month that is over. → InputVatView"""

    wire_name: ClassVar = "billing.confirm_fee_input_vat"
    grants: ClassVar[Grants] = FINANCE

    month: PeriodName
    currency: CurrencyCode
    period: PeriodName


class TransferOutInputVat(Command):
    """What was deducted may not be after all; by somebody else than who confirmed it, once. → InputVatView"""

    wire_name: ClassVar = "billing.transfer_out_input_vat"
    grants: ClassVar[Grants] = FINANCE

    input_vat_id: UUID
    amount: PositiveMoney
    reason: Remark
