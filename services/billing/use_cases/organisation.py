"""Keeping the copies of organisations."""

from datetime import datetime

from services.billing.domain.organisation import OrganisationCopy
from services.billing.use_cases.payout import cancel_started
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.messages.identity.organisation import (
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationVerified,
)


def keep_copy(
    event: OrganisationRegistered | OrganisationVerified | OrganisationChanged,
    *,
    uow: BillingUnitOfWork,
    now: datetime,
) -> None:
    """
    Take over what identity says. Its stream is in order, so the last word counts.

    A payout that was started for another bank account is cancelled: it must go neither to the old one
    nor, unseen, to the new one.
    """
    del now
    told = event.organisation
    account = told.bank_account
    copy = OrganisationCopy(
        organisation_id=told.organisation_id,
        kind=told.kind,
        legal_name=told.legal_name,
        unified_social_credit_code=told.unified_social_credit_code,
        address=told.address,
        bank_name=account.bank_name if account else "",
        account_name=account.account_name if account else "",
        account_number=account.account_number if account else "",
        phone=told.phone,
    )
    before = uow.organisations.find(copy.organisation_id, lock=True)
    uow.organisations.put(copy)
    if before is not None and before.bank_account != copy.bank_account:
        cancel_started(copy.organisation_id, uow=uow)
