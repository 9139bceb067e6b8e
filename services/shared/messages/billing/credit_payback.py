"""A customer's credit, or what a programme is to have back, paid to its own account; asked for and let go by two."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Message, Page, PositiveMoney, Query, Remark, View
from services.shared.messages.billing.commission_plan import FINANCE

CreditPaybackState = Literal["requested", "ordered", "paid", "failed", "returned", "cancelled"]


class CreditPaybackView(View):
    """
    Attributes:
        number: Stands in the remittance text; by it the bank's line finds it.
        customer_id, programme_id: Whose money it is, one of them; that of a programme goes to its authority.
        written: The file for the bank can be fetched.
    """

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
    programme_id: UUID | None = None


class RequestCreditPayback(Command):
    """Ask for a customer's credit to be paid back to its own account; somebody else lets it go. → CreditPaybackView"""

    wire_name: ClassVar = "billing.request_credit_payback"
    grants: ClassVar[Grants] = FINANCE

    customer_id: UUID
    amount: PositiveMoney
    reason: Remark


class RequestProgrammePayback(Command):
    """
    Ask for what a programme is to have back (see OwedToProgramme) to be paid to its authority; somebody else lets it
    go. → CreditPaybackView
    """

    wire_name: ClassVar = "billing.request_programme_payback"
    grants: ClassVar[Grants] = FINANCE

    programme_id: UUID
    amount: PositiveMoney
    reason: Remark


class OwedToProgramme(Message):
    """
    What a programme has paid too much of because of refunds, or ahead and is released, and the bank has not been told
    to pay back.

    Attributes:
        since: The oldest part of it.
    """

    programme_id: UUID
    programme_number: str
    authority_id: UUID
    amount: Money
    since: Instant
    age_days: int


class ListOwedToProgrammes(Query):
    """Oldest first; an authority sees what it is owed. → OwedToProgrammes"""

    wire_name: ClassVar = "billing.list_owed_to_programmes"
    grants: ClassVar[Grants] = {"authority": frozenset({"authority"}), **FINANCE}


class OwedToProgrammes(View):
    items: tuple[OwedToProgramme, ...]


class ApproveCreditPayback(Command):
    """The second pair of eyes: no order is paid with it any more, and the bank is told. → CreditPaybackView"""

    wire_name: ClassVar = "billing.approve_credit_payback"
    grants: ClassVar[Grants] = FINANCE

    credit_payback_id: UUID


class CancelCreditPayback(Command):
    """While the bank has not been told. → CreditPaybackView"""

    wire_name: ClassVar = "billing.cancel_credit_payback"
    grants: ClassVar[Grants] = FINANCE

    credit_payback_id: UUID


class FailCreditPayback(Command):
    """The bank did not make it; said by somebody else than who let it go. → CreditPaybackView"""

    wire_name: ClassVar = "billing.fail_credit_payback"
    grants: ClassVar[Grants] = FINANCE

    credit_payback_id: UUID
    reason: Remark


class ListCreditPaybacks(Query):
    """→ CreditPaybackPage, newest first"""

    wire_name: ClassVar = "billing.list_credit_paybacks"
    grants: ClassVar[Grants] = FINANCE

    customer_id: UUID | None = None
    programme_id: UUID | None = None
    state: CreditPaybackState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class CreditPaybackPage(Page):
    items: tuple[CreditPaybackView, ...]


class GetCreditPaybackDocument(Query):
    """The file for the bank. → BankOrderDocument"""

    wire_name: ClassVar = "billing.get_credit_payback_document"
    grants: ClassVar[Grants] = FINANCE

    credit_payback_id: UUID


class _PaybackEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("credit_payback", "credit_payback_id")

    credit_payback_id: UUID
    number: str
    customer_id: UUID | None
    amount: Money
    programme_id: UUID | None = None


class CreditPaybackOrdered(_PaybackEvent):
    """Two people want it paid back; no order is paid with it any more, and the bank is told."""

    wire_name: ClassVar = "credit_payback.ordered.v1"

    ordered_at: Instant


class CreditPaybackPaid(_PaybackEvent):
    """The bank's statement shows it."""

    wire_name: ClassVar = "credit_payback.paid.v1"

    paid_at: Instant


class CreditPaybackFailed(_PaybackEvent):
    """The bank did not make it; it is owed as before."""

    wire_name: ClassVar = "credit_payback.failed.v1"

    reason: str


class CreditPaybackReturned(_PaybackEvent):
    """It was paid and the customer's bank sent it back; it is owed as before."""

    wire_name: ClassVar = "credit_payback.returned.v1"

    returned_at: Instant
