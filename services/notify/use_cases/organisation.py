"""Keeping the copies of organisations and of their members."""

from datetime import datetime

from services.notify.domain.member import MemberCopy
from services.notify.domain.organisation import OrganisationCopy
from services.notify.use_cases.ports import NotifyUnitOfWork
from services.shared.messages.identity.member import MemberJoined, MemberRemoved
from services.shared.messages.identity.organisation import (
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationVerified,
)


def keep_copy(
    event: OrganisationRegistered | OrganisationVerified | OrganisationChanged,
    *,
    uow: NotifyUnitOfWork,
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
            legal_name_en=told.legal_name_en,
            mail=told.mail,
            account_name=account.account_name if account else "",
            account_number=account.account_number if account else "",
            bank_name=account.bank_name if account else "",
        )
    )


def keep_member(event: MemberJoined, *, uow: NotifyUnitOfWork, now: datetime) -> None:
    """Somebody to write to, or with other roles than before."""
    del now
    uow.members.put(
        MemberCopy(
            member_id=event.member_id,
            organisation_id=event.organisation_id,
            name=event.name,
            mail=event.mail,
            language=event.language,
            roles=event.roles,
        )
    )


def forget_member(event: MemberRemoved, *, uow: NotifyUnitOfWork, now: datetime) -> None:
    """Nobody to write to any more; name and address go with them."""
    del now
    uow.members.remove(event.member_id, event.organisation_id)
