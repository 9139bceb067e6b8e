"""Collection agreements: how the money of a provider's orders is collected, agreed by two with its reason."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import CollectingAccount, CollectionReason
from services.shared.messages.base import Command, Event, Instant, Page, Query, View

CollectionAgreementState = Literal["proposed", "approved", "withdrawn"]
CONTRACTS: Grants = {"operator": frozenset({"contract_operator", "administrator"})}


class CollectionAgreementView(View):
    """
    Attributes:
        collecting_account: Where the customer's money arrives.
        reason: Why the company is principal or agent (CAS 14).
        valid_from: From when on prices are made by it.
    """

    collection_agreement_id: UUID
    provider_id: UUID
    collection_model: CollectionModel
    collecting_account: CollectingAccount
    reason: CollectionReason
    valid_from: Instant
    state: CollectionAgreementState
    proposed_at: Instant
    approved_at: Instant | None


class ProposeCollectionAgreement(Command):
    """Holds once somebody else approves it; what is priced already keeps its own. → CollectionAgreementView"""

    wire_name: ClassVar = "orders.propose_collection_agreement"
    grants: ClassVar[Grants] = CONTRACTS

    provider_id: UUID
    collection_model: CollectionModel
    collecting_account: CollectingAccount
    reason: CollectionReason
    valid_from: Instant


class ApproveCollectionAgreement(Command):
    """By somebody else than who proposed it. → CollectionAgreementView"""

    wire_name: ClassVar = "orders.approve_collection_agreement"
    grants: ClassVar[Grants] = CONTRACTS

    collection_agreement_id: UUID


class WithdrawCollectionAgreement(Command):
    """Before it is approved. → CollectionAgreementView"""

    wire_name: ClassVar = "orders.withdraw_collection_agreement"
    grants: ClassVar[Grants] = CONTRACTS

    collection_agreement_id: UUID


class ListCollectionAgreements(Query):
    """Newest first; of one provider where it is named. A provider reads its own. → CollectionAgreementPage"""

    wire_name: ClassVar = "orders.list_collection_agreements"
    grants: ClassVar[Grants] = {**CONTRACTS, "self": frozenset({"lab_manager", "provider_finance"})}

    provider_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class CollectionAgreementPage(Page):
    items: tuple[CollectionAgreementView, ...]


class CollectionAgreementApproved(Event):
    """From *valid_from* on orders of this provider are collected so."""

    wire_name: ClassVar = "collection_agreement.approved.v1"
    source: ClassVar = "orders"
    stream_of: ClassVar = ("collection_agreement", "collection_agreement_id")

    collection_agreement_id: UUID
    provider_id: UUID
    collection_model: CollectionModel
    collecting_account: CollectingAccount
    reason: CollectionReason
    valid_from: Instant
    approved_at: Instant
