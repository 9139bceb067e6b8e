"""Disputes: the customer objects to what was delivered; the operating company decides, with its effect on the money."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import (
    Command,
    Event,
    Instant,
    Message,
    Name,
    Page,
    PositiveMoney,
    Query,
    Remark,
    Sha256,
    View,
)
from services.shared.messages.orders.quotation_request import CUSTOMER

DisputeState = Literal["opened", "answered", "decided", "executed", "withdrawn"]
DisputeReason = Literal["result_wrong", "not_as_agreed", "late", "sample_damaged", "other"]
DisputeOutcome = Literal["rejected", "retest", "refund"]
Burden = Literal["provider", "company"]
StationBase = Literal["remaining", "original"]
DisputeParty = Literal["customer", "provider", "operator"]
EvidenceState = Literal["declared", "checking", "kept", "refused"]

DISPUTE_OPERATOR: Grants = {"operator": frozenset({"dispute_operator", "administrator"})}
_READERS: Grants = {"customer": frozenset(), "provider": frozenset(), "operator": frozenset()}
_SPEAKERS: Grants = {**CUSTOMER, "provider": frozenset({"lab_manager"}), **DISPUTE_OPERATOR}
EVIDENCE_BYTES_MAX = 50 * 1024 * 1024


class Evidence(Message):
    """
    A file that a party puts forward.

    Attributes:
        upload_url: Where to PUT it, in the answer to declaring it only; for 15 minutes.
        problem: Why the upload was refused (error code), empty if it was not.
    """

    evidence_id: UUID
    party: DisputeParty
    title: str
    sha256: str
    size_bytes: int
    state: EvidenceState
    upload_url: str | None
    problem: str


class Comment(Message):
    party: DisputeParty
    text: str
    at: Instant


class Decision(Message):
    """*net*: of the order's net price, given back; none unless the outcome is a refund. *burden*: who earns less."""

    outcome: DisputeOutcome
    net: Money | None
    burden: Burden
    station_base: StationBase
    reason: str
    decided_at: Instant


class DisputeView(View):
    """*lines*: what is objected to; empty: the whole order."""

    dispute_id: UUID
    number: str
    state: DisputeState
    order_id: UUID
    order_number: str
    customer_id: UUID
    provider_id: UUID
    reason: DisputeReason
    lines: tuple[int, ...]
    text: str
    evidence: tuple[Evidence, ...]
    comments: tuple[Comment, ...]
    opened_at: Instant
    answered_at: Instant | None
    decision: Decision | None
    closed_at: Instant | None


class OpenDispute(Command):
    """Within the objection days after delivery; acceptance and payout wait meanwhile. → DisputeView"""

    wire_name: ClassVar = "orders.open_dispute"
    grants: ClassVar[Grants] = CUSTOMER

    order_id: UUID
    reason: DisputeReason
    lines: Annotated[tuple[int, ...], Field(max_length=200)] = ()
    text: Remark


class AnswerDispute(Command):
    """What the provider says to it; it may say more later. → DisputeView"""

    wire_name: ClassVar = "orders.answer_dispute"
    grants: ClassVar[Grants] = {"provider": frozenset({"lab_manager"})}

    dispute_id: UUID
    text: Remark


class CommentOnDispute(Command):
    """→ DisputeView"""

    wire_name: ClassVar = "orders.comment_on_dispute"
    grants: ClassVar[Grants] = _SPEAKERS

    dispute_id: UUID
    text: Remark


class DeclareEvidence(Command):
    """Declare the file that will be uploaded. → DisputeView whose last evidence has its *upload_url*"""

    wire_name: ClassVar = "orders.declare_evidence"
    grants: ClassVar[Grants] = _SPEAKERS

    dispute_id: UUID
    title: Name
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=EVIDENCE_BYTES_MAX)]
    media_type: Literal["application/pdf", "image/jpeg", "image/png"]


class SubmitEvidence(Command):
    """The file is uploaded: have it checked and kept. → DisputeView"""

    wire_name: ClassVar = "orders.submit_evidence"
    grants: ClassVar[Grants] = _SPEAKERS

    dispute_id: UUID
    evidence_id: UUID


class DecideDispute(Command):
    """
    The operating company decides. → DisputeView

    Attributes:
        net: Refund only: what of the order's net price is given back.
        burden: Refund only: who earns less by it, the provider at fault or the company.
        station_base: Refund only: what the station's share is taken of from now on.
    """

    wire_name: ClassVar = "orders.decide_dispute"
    grants: ClassVar[Grants] = DISPUTE_OPERATOR

    dispute_id: UUID
    outcome: DisputeOutcome
    net: PositiveMoney | None = None
    burden: Burden = "provider"
    station_base: StationBase = "remaining"
    reason: Remark


class WithdrawDispute(Command):
    """→ DisputeView"""

    wire_name: ClassVar = "orders.withdraw_dispute"
    grants: ClassVar[Grants] = CUSTOMER

    dispute_id: UUID


class GetDispute(Query):
    """→ DisputeView"""

    wire_name: ClassVar = "orders.get_dispute"
    grants: ClassVar[Grants] = _READERS

    dispute_id: UUID


class ListDisputes(Query):
    """Those the organisation is a party to; all for the operating company; newest first. → DisputePage"""

    wire_name: ClassVar = "orders.list_disputes"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset()}

    order_id: UUID | None = None
    state: DisputeState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class DisputePage(Page):
    items: tuple[DisputeView, ...]


class _DisputeEvent(Event):
    source: ClassVar = "orders"
    stream_of: ClassVar = ("order", "order_id")

    dispute_id: UUID
    number: str
    order_id: UUID
    customer_id: UUID
    provider_id: UUID


class DisputeOpened(_DisputeEvent):
    """The order's money stays where it is until this is decided or withdrawn."""

    wire_name: ClassVar = "dispute.opened.v1"

    reason: DisputeReason
    lines: tuple[int, ...]
    opened_at: Instant


class DisputeAnswered(_DisputeEvent):
    """The provider has said what it has to say."""

    wire_name: ClassVar = "dispute.answered.v1"

    answered_at: Instant


class DisputeDecided(_DisputeEvent):
    """*decided_by*: the hand that decided, so that another one lets the money go."""

    wire_name: ClassVar = "dispute.decided.v1"

    outcome: DisputeOutcome
    net: Money | None
    burden: Burden
    station_base: StationBase
    decided_by: str
    decided_at: Instant


class DisputeWithdrawn(_DisputeEvent):
    """The customer objects no longer."""

    wire_name: ClassVar = "dispute.withdrawn.v1"

    withdrawn_at: Instant
