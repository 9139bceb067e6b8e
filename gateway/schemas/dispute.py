"""Disputes as each party sees them: what a refund costs whom stays between the operating company and the provider."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, Name, PositiveMoney, Remark, Sha256
from services.shared.messages.orders import dispute as messages


class DisputeToOpen(Schema):
    """*lines*: numbers of the order's lines; none: the whole order."""

    order_id: UUID
    reason: messages.DisputeReason
    lines: Annotated[tuple[int, ...], Field(max_length=200, strict=False)] = ()
    text: Remark


class ThingToSay(Schema):
    text: Remark


class EvidenceToDeclare(Schema):
    title: Name
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=messages.EVIDENCE_BYTES_MAX)]
    media_type: Literal["application/pdf", "image/jpeg", "image/png"]


class DisputeToDecide(Schema):
    """*net*, *burden*, *station_base*: of a refund."""

    outcome: messages.DisputeOutcome
    net: PositiveMoney | None = None
    burden: messages.Burden = "provider"
    station_base: messages.StationBase = "remaining"
    reason: Remark


class DisputeEvidence(Shown):
    evidence_id: UUID
    party: messages.DisputeParty
    title: str
    sha256: str
    size_bytes: int
    state: messages.EvidenceState
    upload_url: str | None
    problem: str


class DisputeComment(Shown):
    party: messages.DisputeParty
    text: str
    at: Instant


class CustomerDecision(Shown):
    outcome: messages.DisputeOutcome
    net: Money | None
    reason: str
    decided_at: Instant


class ProviderDecision(Shown):
    outcome: messages.DisputeOutcome
    burden: messages.Burden
    reason: str
    decided_at: Instant


class OperatorDecision(CustomerDecision):
    burden: messages.Burden
    station_base: messages.StationBase


class _Dispute(Shown):
    dispute_id: UUID
    number: str
    state: messages.DisputeState
    order_id: UUID
    order_number: str
    reason: messages.DisputeReason
    lines: tuple[int, ...]
    text: str
    evidence: tuple[DisputeEvidence, ...]
    comments: tuple[DisputeComment, ...]
    opened_at: Instant
    answered_at: Instant | None
    closed_at: Instant | None


class CustomerDispute(_Dispute):
    """A dispute, to the customer: not who bears a refund."""

    decision: CustomerDecision | None


class ProviderDispute(_Dispute):
    """A dispute, to the provider: not what the customer gets back of its price."""

    decision: ProviderDecision | None


class OperatorDispute(_Dispute):
    customer_id: UUID
    provider_id: UUID
    decision: OperatorDecision | None


ShownDispute = OperatorDispute | CustomerDispute | ProviderDispute


class DisputePage(Shown):
    items: tuple[ShownDispute, ...]
    next_cursor: str | None


class DisputesListed(Listed):
    order_id: UUID | None = None
    state: messages.DisputeState | None = None
