"""Applying to sell, and deciding on it."""

from datetime import datetime

from services.catalog.domain.organisation import OrganisationCopy
from services.catalog.domain.provider import NotOfProviderKind, Provider
from services.catalog.use_cases import offering
from services.catalog.use_cases.ports import CatalogUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotYet
from services.shared.messages.base import Event
from services.shared.messages.catalog.provider import (
    ApplyAsProvider,
    ProviderApproved,
    ProviderSuspended,
    ProviderView,
    ReviewProvider,
)


def apply_as_provider(command: ApplyAsProvider, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> ProviderView:
    """An organisation of kind provider asks to sell. One not yet known here is looked at when it is approved."""
    require(actor, command.grants, {"self": actor.organisation_id})
    organisation = uow.organisations.find(actor.organisation_id)
    if organisation is not None and organisation.kind != "provider":
        raise NotOfProviderKind(kind=organisation.kind)
    provider = Provider(
        provider_id=actor.organisation_id,
        number="",
        state="applied",
        name_zh=command.name_zh,
        name_en=command.name_en,
        region=command.region,
        introduction=command.introduction,
        entry_standards=command.entry_standards,
        applied_at=now,
    )
    uow.providers.add(provider)
    return view(provider)


def review_provider(command: ReviewProvider, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> ProviderView:
    """The operating company decides. What a suspended provider sells is hidden, and shown again on its return."""
    require(actor, command.grants, {})
    provider = uow.providers.get(command.provider_id)
    organisation = uow.organisations.find(command.provider_id)
    if organisation is None:
        raise NotYet("the organisation is not known here yet")
    before = provider.state
    provider.decide(command.decision, command.reason, missing_for_approval(provider, organisation))
    if command.framework_agreement_number is not None:
        provider.framework_agreement_number = command.framework_agreement_number
    elif provider.state == "approved" and not provider.framework_agreement_number:
        provider.framework_agreement_number = uow.providers.next_agreement_number(now)
    uow.providers.save(provider)
    if provider.state == "approved":
        uow.publish(_event(ProviderApproved, provider))
        offering.show_again(provider, uow=uow)
    elif before == "approved":
        uow.publish(_event(ProviderSuspended, provider))
        offering.hide_with(provider, uow=uow)
    return view(provider)


def missing_for_approval(provider: Provider, organisation: OrganisationCopy) -> list[str]:
    """What a provider still lacks to be let in, as codes."""
    missing = []
    if organisation.kind != "provider":
        missing.append("provider_kind")
    if not organisation.verified:
        missing.append("verified_identity")
    if not organisation.has_bank_account:
        missing.append("bank_account")
    if not provider.entry_standards:
        missing.append("entry_standard")
    return missing


def _event(kind: type[ProviderApproved | ProviderSuspended], provider: Provider) -> Event:
    return kind(
        provider_id=provider.provider_id,
        name_zh=provider.name_zh,
        name_en=provider.name_en,
        region=provider.region,
        framework_agreement_number=provider.framework_agreement_number or None,
    )


def view(provider: Provider) -> ProviderView:
    return ProviderView(
        provider_id=provider.provider_id,
        number=provider.number,
        state=provider.state,
        name_zh=provider.name_zh,
        name_en=provider.name_en,
        region=provider.region,
        introduction=provider.introduction,
        entry_standards=provider.entry_standards,  # type: ignore[arg-type] # checked when it came in
        applied_at=provider.applied_at,
        reason=provider.reason,
        framework_agreement_number=provider.framework_agreement_number,
    )
