"""Chargebacks (拒付): the customer's bank takes a card payment back. Not a dispute over work: that is orders'."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Message, Name, Page, Query, Sha256, Text, View

ChargebackState = Literal["inquiry", "needs_response", "under_review", "won", "lost", "closed"]

FILE_BYTES_MAX = 5 * 1024 * 1024

_GRANTS: Grants = {"operator": frozenset({"finance_operator", "dispute_operator", "administrator"})}


class Evidence(Message):
    """*name* is the payment institution's, as `product_description` or `uncategorized_text`."""

    name: Name
    text: Text


class FileToUpload(Message):
    """What a file is before it is uploaded: at most 5 MB, as the payment institution takes it."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=FILE_BYTES_MAX)]
    media_type: Literal["application/pdf", "image/png", "image/jpeg"]


class ChargebackFile(Message):
    """
    Attributes:
        name: The payment institution's, as `service_documentation` or `shipping_documentation`.
        state: *awaited*: to be uploaded, or being looked at; *kept*: on its way to the institution; *ready*: there.
        problem: Why it was refused.
        upload_url: Where to PUT it, for 15 minutes; only in the answer to its declaration.
    """

    name: str
    state: Literal["awaited", "refused", "kept", "ready"]
    sha256: str
    size_bytes: int
    media_type: str
    problem: str = ""
    upload_url: str | None = None


class ChargebackView(View):
    """
    Attributes:
        withdrawn: What the payment institution has taken from us for it so far, less what it gave back.
        evidence_due_at: Until then evidence can be sent.
        submissions: How often evidence was sent to the bank.
        evidence: What was written so far.
        files: What of it is a file.
        submitting: It is on its way to the bank; until the institution has answered nothing is added.
        bad_debt: Of a lost one, what nobody owes us.
    """

    chargeback_id: UUID
    stripe_dispute_id: str
    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    state: ChargebackState
    reason: str
    amount: Money
    withdrawn: Money
    opened_at: Instant
    evidence_due_at: Instant | None
    submissions: int
    evidence: tuple[Evidence, ...]
    bad_debt: Money
    closed_at: Instant | None
    files: tuple[ChargebackFile, ...] = ()
    submitting: bool = False


class GetChargeback(Query):
    """→ ChargebackView"""

    wire_name: ClassVar = "billing.get_chargeback"
    grants: ClassVar[Grants] = _GRANTS

    chargeback_id: UUID


class ListChargebacks(Query):
    """*undecided*: only those that the bank has not decided. Newest first. → ChargebackPage"""

    wire_name: ClassVar = "billing.list_chargebacks"
    grants: ClassVar[Grants] = _GRANTS

    undecided: bool = False
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ChargebackPage(Page):
    items: tuple[ChargebackView, ...]


class SubmitChargebackEvidence(Command):
    """
    Write to the bank why the payment was right. → ChargebackView

    Attributes:
        evidence: Added to what was written before; of the same name, instead of it. None where files say it all.
        submit: Send it to the bank now. Most banks look once: False only keeps it with the institution.
    """

    wire_name: ClassVar = "billing.submit_chargeback_evidence"
    grants: ClassVar[Grants] = _GRANTS

    chargeback_id: UUID
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=30)]
    submit: bool


class DeclareChargebackFile(Command):
    """A file is to be evidence *name*, in place of an earlier one; the answer says where to put it. → ChargebackView"""

    wire_name: ClassVar = "billing.declare_chargeback_file"
    grants: ClassVar[Grants] = _GRANTS

    chargeback_id: UUID
    name: Name
    file: FileToUpload


class SubmitChargebackFile(Command):
    """It is uploaded: it is looked at, kept for ever, and given to the payment institution once. → ChargebackView"""

    wire_name: ClassVar = "billing.submit_chargeback_file"
    grants: ClassVar[Grants] = _GRANTS

    chargeback_id: UUID
    name: Name


class GetChargebackFile(Query):
    """→ EvidenceDocument"""

    wire_name: ClassVar = "billing.get_chargeback_file"
    grants: ClassVar[Grants] = _GRANTS

    chargeback_id: UUID
    name: Name


class _ChargebackEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    chargeback_id: UUID
    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    amount: Money
    reason: str


class ChargebackOpened(_ChargebackEvent):
    """What the parties earn by the order is held from here on. *evidence_due_at*: until then evidence can be sent."""

    wire_name: ClassVar = "chargeback.opened.v1"

    evidence_due_at: Instant | None


class ChargebackEvidenceDue(_ChargebackEvent):
    """The deadline is near and the bank was told nothing."""

    wire_name: ClassVar = "chargeback.evidence_due.v1"

    evidence_due_at: Instant


class ChargebackWon(_ChargebackEvent):
    """The money is ours again, or stayed so: an inquiry that led to nothing."""

    wire_name: ClassVar = "chargeback.won.v1"


class ChargebackLost(_ChargebackEvent):
    """
    The customer keeps the money. What the order comes down by is a refund of its own.

    Attributes:
        bad_debt: The part that nobody owes us.
        provider_id: Of the order.
        at_work: The order is less by it, and nobody has accepted its work: who goes on with it works for less.
        provider_net: What the provider earns by what is left of the order.
    """

    wire_name: ClassVar = "chargeback.lost.v1"

    bad_debt: Money
    provider_id: UUID | None = None
    at_work: bool = False
    provider_net: Money | None = None
