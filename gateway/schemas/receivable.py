"""What customers owe, as they and the operating company see it."""

from datetime import date
from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Name, PositiveMoney
from services.shared.messages.billing.receivable import ReceivableCause, ReceivableState


class CustomerReceivable(Shown):
    """*due_on*: the last day on which it is paid in time (Asia/Shanghai); none before it is invoiced."""

    receivable_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    cause: ReceivableCause
    state: ReceivableState
    amount: Money
    paid: Money
    open: Money
    invoice_number: str
    due_on: date | None
    days_overdue: int


class OperatorReceivable(CustomerReceivable):
    written_off: Money
    reminders: int
    write_off_reason: str


class ReceivablePage(Shown):
    items: tuple[OperatorReceivable | CustomerReceivable, ...]
    next_cursor: str | None


class ReceivablesListed(Listed):
    customer_id: UUID | None = None
    state: ReceivableState | None = None


class WriteOffToPropose(Schema):
    reason: Name


class WriteOffToApprove(Schema):
    """*amount*: what was looked at; if another is open by now, nothing is written off."""

    amount: PositiveMoney


class Position(Shown):
    """*credit*: what was paid and no order or receivable has taken."""

    open: Money
    overdue: Money
    credit: Money


class StatementOfAccount(Shown):
    customer_id: UUID
    customer_name: str
    as_of: date
    positions: tuple[Position, ...]
    items: tuple[OperatorReceivable | CustomerReceivable, ...]


class AgeingRow(Shown):
    customer_id: UUID
    customer_name: str
    open: Money
    current: Money
    days_1_30: Money
    days_31_60: Money
    days_61_90: Money
    days_over_90: Money


class Ageing(Shown):
    as_of: date
    rows: tuple[AgeingRow, ...]
