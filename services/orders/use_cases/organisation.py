"""Keeping the copies of organisations."""

from datetime import datetime

from services.orders.domain.organisation import OrganisationCopy
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.messages.identity.organisation import (
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationVerified,
)


def keep_copy(
    event: OrganisationRegistered | OrganisationVerified | OrganisationChanged, *, uow: OrdersUnitOfWork, now: datetime
) -> None:
    """Take over what identity says. Its stream is in order, so the last word counts."""
    del now
    told = event.organisation
    account = told.bank_account
    uow.organisations.put(
        OrganisationCopy(
            organisation_id=told.organisation_id,
            kind=told.kind,
            legal_name=told.legal_name,
            legal_name_en=told.legal_name_en,
            credit_code=told.unified_social_credit_code,
            address=told.address,
            mail=told.mail,
            phone=told.phone,
            tax_profile=told.tax_profile,
            bank_name=account.bank_name if account is not None else "",
            bank_account=account.account_number if account is not None else "",
            registered_at=told.registered_at,
        )
    )
