"""Bank orders: one file by which the bank is told to pay released payouts, and the bank's answer to it."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Instant, Message, Page, Query, View
from services.shared.messages.billing.commission_plan import FINANCE

BankOrderFormat = Literal["pain.001.001.03", "pain.001.001.09", "csv"]


class BankOrderView(View):
    """*number* is the message id of the file; *written*: it can be fetched."""

    bank_order_id: UUID
    number: str
    format: BankOrderFormat
    count: int
    total: Money
    ordered_at: Instant
    written: bool


class MakeBankOrder(Command):
    """Payouts that are released, of one currency; all go into the file or none. → BankOrderView"""

    wire_name: ClassVar = "billing.make_bank_order"
    grants: ClassVar[Grants] = FINANCE

    payout_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=200)]


class ListBankOrders(Query):
    """→ BankOrderPage, newest first"""

    wire_name: ClassVar = "billing.list_bank_orders"
    grants: ClassVar[Grants] = FINANCE

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class BankOrderPage(Page):
    items: tuple[BankOrderView, ...]


class GetBankOrderDocument(Query):
    """The file for the bank. → BankOrderDocument"""

    wire_name: ClassVar = "billing.get_bank_order_document"
    grants: ClassVar[Grants] = FINANCE

    bank_order_id: UUID


class BankOrderDocument(View):
    """*url* holds for five minutes; none while the file is being written."""

    url: str | None
    sha256: str
    size_bytes: int
    filename: str


class ReadStatusReport(Command):
    """
    Take in the bank's answer to a bank order, or to the order of a refund. → StatusReportView

    *content*: a pain.002 file's bytes, base64. What cannot be read, or answers to nothing of ours, is refused whole.
    """

    wire_name: ClassVar = "billing.read_status_report"
    grants: ClassVar[Grants] = FINANCE

    content: Annotated[str, StringConstraints(min_length=1, max_length=5_000_000)]


class OrderedPayment(Message):
    """
    Attributes:
        payout_id, refund_id, credit_payback_id: Which of the three it pays.
        status: As the bank writes it: ACCP, ACSC, PDNG, RJCT …
        reason: The bank's code and text, where it rejects.
        outcome: *noted* moves no money; *failed*: payable again; *known*: said before, or decided otherwise before;
            *contradicts*: rejected now, though the statement shows it as paid, or the bank said so; or paid now, though
            it had failed and may be paid anew. It changes nothing. Somebody must ask the bank.
    """

    payout_id: UUID | None
    number: str
    status: str
    reason: str
    outcome: Literal["noted", "failed", "known", "contradicts"]
    refund_id: UUID | None = None
    credit_payback_id: UUID | None = None


class StatusReportView(View):
    """*bank_order_id*: none where it answers to the order of a refund or a credit payback, which *number* names."""

    bank_order_id: UUID | None
    number: str
    payments: tuple[OrderedPayment, ...]
