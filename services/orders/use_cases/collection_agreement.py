"""Agreeing how a provider's orders are collected, and which agreement a price is made under."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.orders.domain.collection_agreement import (
    Collection,
    CollectionAgreement,
    check_agreement,
    collection_of,
    in_force,
)
from services.orders.domain.provider import ProviderNotFound
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.collection import ContractKind
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import new_id
from services.shared.messages.orders.collection_agreement import (
    ApproveCollectionAgreement,
    CollectionAgreementApproved,
    CollectionAgreementView,
    ProposeCollectionAgreement,
    WithdrawCollectionAgreement,
)


def propose_collection_agreement(
    command: ProposeCollectionAgreement, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> CollectionAgreementView:
    """
    Say how a provider's orders are to be collected.

    Raises:
        ProviderNotFound
        UnlicensedClearing, SeparateTransfersAsAgent, AccountDiffers, ReasonContradicts: See `check_agreement`.
        CollectionAgreementExists: One begins at that instant.
    """
    require(actor, command.grants, {})
    check_agreement(command.collection_model, command.collecting_account, command.reason)
    if not uow.providers.find([command.provider_id]):
        raise ProviderNotFound
    agreement = CollectionAgreement(
        collection_agreement_id=new_id(),
        provider_id=command.provider_id,
        collection_model=command.collection_model,
        collecting_account=command.collecting_account,
        reason=command.reason,
        valid_from=command.valid_from,
        state="proposed",
        proposed_at=now,
        proposed_by=hand_of(actor),
    )
    uow.collection_agreements.add(agreement)
    return view(agreement)


def approve_collection_agreement(
    command: ApproveCollectionAgreement, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> CollectionAgreementView:
    """Raises: NotFound; WrongState; SameHands: Who approves it proposed it."""
    require(actor, command.grants, {})
    agreement = uow.collection_agreements.get(command.collection_agreement_id)
    agreement.approve(hand_of(actor), now)
    uow.collection_agreements.save(agreement)
    uow.publish(CollectionAgreementApproved(**_told(agreement), approved_at=now))
    return view(agreement)


def withdraw_collection_agreement(
    command: WithdrawCollectionAgreement, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> CollectionAgreementView:
    """Raises: NotFound; WrongState."""
    del now
    require(actor, command.grants, {})
    agreement = uow.collection_agreements.get(command.collection_agreement_id)
    agreement.withdraw()
    uow.collection_agreements.save(agreement)
    return view(agreement)


def agreed(
    provider_id: UUID, agreements: Iterable[CollectionAgreement], company_rate_bps: int, *, uow: OrdersUnitOfWork,
    now: datetime, contract_kind: ContractKind = "testing",
) -> tuple[Collection, int]:  # fmt: skip
    """
    How an order of *provider_id* that is priced now is collected, and the VAT rate of its price: the seller's.

    *agreements*: with this provider.

    Raises:
        ExemptAsPrincipal
        NotYet: The provider sells, and its tax profile is not known here yet.
    """
    collection = collection_of(in_force(agreements, now), contract_kind)
    if not collection.agent:
        return collection, company_rate_bps
    provider = uow.organisations.find([provider_id]).get(provider_id)
    if provider is None:
        raise NotYet("the tax profile of the provider is not known here yet")
    return collection, collection.rate_bps(company_rate_bps, provider.tax_profile)


def view(agreement: CollectionAgreement) -> CollectionAgreementView:
    return CollectionAgreementView(
        **_told(agreement),
        state=agreement.state,
        proposed_at=agreement.proposed_at,
        approved_at=agreement.approved_at,
    )


def _told(agreement: CollectionAgreement) -> dict[str, Any]:
    """What event and view both say."""
    return {
        "collection_agreement_id": agreement.collection_agreement_id,
        "provider_id": agreement.provider_id,
        "collection_model": agreement.collection_model,
        "collecting_account": agreement.collecting_account,
        "reason": agreement.reason,
        "valid_from": agreement.valid_from,
    }
