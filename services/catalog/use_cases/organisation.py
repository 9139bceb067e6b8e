"""Keeping the copies of organisations."""

from datetime import datetime

from services.catalog.domain.organisation import OrganisationCopy
from services.catalog.use_cases.ports import CatalogUnitOfWork
from services.shared.messages.identity.organisation import (
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationVerified,
)


def keep_copy(
    event: OrganisationRegistered | OrganisationVerified | OrganisationChanged,
    *,
    uow: CatalogUnitOfWork,
    now: datetime,
) -> None:
    """Take over what identity says. Its stream is in order, so the last word counts."""
    del now
    told = event.organisation
    uow.organisations.put(
        OrganisationCopy(
            organisation_id=told.organisation_id,
            kind=told.kind,
            legal_name=told.legal_name,
            legal_name_en=told.legal_name_en,
            verified=told.verified,
            has_bank_account=told.bank_account is not None,
        )
    )
