"""Keeping the copies of organisations."""

from datetime import datetime

from services.invoicing.domain.organisation import OrganisationCopy
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.messages.identity.organisation import (
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationVerified,
)


def keep_copy(
    event: OrganisationRegistered | OrganisationVerified | OrganisationChanged,
    *,
    uow: InvoicingUnitOfWork,
    now: datetime,
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
            registration=told.unified_social_credit_code,
            address=told.address,
            mail=told.mail,
            phone=told.phone,
            account_name=account.account_name if account else "",
            account_number=account.account_number if account else "",
            bank_name=account.bank_name if account else "",
        )
    )
