"""Customers' credit, and what programmes are to have back, paid back."""

from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, PositiveMoney, Remark
from services.shared.messages.billing.credit_payback import CreditPaybackState


class CreditPaybackToRequest(Schema):
    """It goes to the customer's own account, which is known."""

    customer_id: UUID
    amount: PositiveMoney
    reason: Remark


class ProgrammePaybackToRequest(Schema):
    """It goes to the authority's own account, which is known."""

    programme_id: UUID
    amount: PositiveMoney
    reason: Remark


class OwedToProgramme(Shown):
    """*since*: the oldest part of what is owed."""

    programme_id: UUID
    programme_number: str
    authority_id: UUID
    amount: Money
    since: Instant
    age_days: int


class OwedToProgrammes(Shown):
    items: tuple[OwedToProgramme, ...]


class CreditPaybackToFail(Schema):
    reason: Remark


class CreditPayback(Shown):
    credit_payback_id: UUID
    number: str
    state: CreditPaybackState
    customer_id: UUID | None
    amount: Money
    reason: str
    bank_name: str
    account_name: str
    account_number: str
    requested_at: Instant
    approved_at: Instant | None
    paid_at: Instant | None
    failure: str
    written: bool
    programme_id: UUID | None


class CreditPaybackPage(Shown):
    items: tuple[CreditPayback, ...]
    next_cursor: str | None


class CreditPaybacksListed(Listed):
    customer_id: UUID | None = None
    programme_id: UUID | None = None
    state: CreditPaybackState | None = None
