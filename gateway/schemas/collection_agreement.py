"""Collection agreements: how the money of a provider's orders is collected."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import TEXT_MAX, CollectingAccount, InWhoseHands
from services.shared.messages.base import Instant
from services.shared.messages.orders.collection_agreement import CollectionAgreementState


class CollectionReason(Schema):
    """The indicators of CAS 14, and what was found in words."""

    control: Annotated[InWhoseHands, Field(description="who controls the service before the customer has it")]
    named_performer: Annotated[bool, Field(description="the customer accepts the named laboratory only")]
    price_discretion: Annotated[InWhoseHands, Field(description="who sets the price")]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_MAX)]


class ShownCollectionReason(Shown):
    control: InWhoseHands
    named_performer: bool
    price_discretion: InWhoseHands
    text: str


class CollectionAgreementToPropose(Schema):
    """*collecting_account*: where the customer's money arrives. As agent never an account of the company."""

    provider_id: UUID
    collection_model: CollectionModel
    collecting_account: CollectingAccount
    reason: CollectionReason
    valid_from: Instant


class CollectionAgreement(Shown):
    collection_agreement_id: UUID
    provider_id: UUID
    collection_model: CollectionModel
    collecting_account: CollectingAccount
    reason: ShownCollectionReason
    valid_from: Instant
    state: CollectionAgreementState
    proposed_at: Instant
    approved_at: Instant | None


class CollectionAgreementPage(Shown):
    items: tuple[CollectionAgreement, ...]
    next_cursor: str | None


class CollectionAgreementsListed(Listed):
    provider_id: UUID | None = None
