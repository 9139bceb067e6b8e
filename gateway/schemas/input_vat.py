"""Input VAT of received invoices and of fees."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, PositiveMoney, Remark
from services.shared.messages.billing.account import CurrencyCode
from services.shared.messages.billing.input_vat import InputVatState
from services.shared.messages.billing.period import PeriodName


class InputVatToConfirm(Schema):
    """All that are named, or none."""

    input_vat_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=100)]
    period: PeriodName


class FeeInputVatToConfirm(Schema):
    """The fees of *month*, deducted in *period*."""

    month: PeriodName
    currency: CurrencyCode
    period: PeriodName


class InputVatToTransferOut(Schema):
    amount: PositiveMoney
    reason: Remark


class InputVat(Shown):
    """*amount*: on the paper, the sum of the four that follow it; *period*: in which filing period it is deducted."""

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


class InputVatPage(Shown):
    items: tuple[InputVat, ...]
    next_cursor: str | None


class InputVatListed(Listed):
    state: InputVatState = "pending"


class FeeInputVat(Shown):
    month: str
    pending: Money
    age_days: int


class FeeInputVatList(Shown):
    items: tuple[FeeInputVat, ...]
