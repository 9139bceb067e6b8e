"""Making API keys and revoking them."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from gateway.identity.domain.api_key import ApiKey
from gateway.identity.domain.member import roles_for
from gateway.identity.use_cases.member import only_own
from gateway.identity.use_cases.ports import IdentityUnitOfWork
from services.shared.kernel.actor import Actor, Role, require
from services.shared.kernel.ids import new_id
from services.shared.messages.identity.api_key import ApiKeyIssued, ApiKeyView, CreateApiKey, RevokeApiKey

PREFIX_LENGTH = 13
"""`yiqi_` and eight characters: enough to tell keys apart, too little to guess one."""


def create_api_key(command: CreateApiKey, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime) -> ApiKeyIssued:
    """For the own organisation, with roles of its kind that the maker has."""
    require(actor, command.grants, {"self": actor.organisation_id})
    organisation = uow.organisations.get(actor.organisation_id)
    roles = roles_for(organisation.kind, command.roles)
    only_own(actor, roles)
    return issue(organisation.organisation_id, command.name, roles, actor.member_id, uow=uow, now=now)


def issue(
    organisation_id: UUID,
    name: str,
    roles: tuple[Role, ...],
    created_by: UUID | None,
    *,
    uow: IdentityUnitOfWork,
    now: datetime,
) -> ApiKeyIssued:
    seed = uow.secrets.seed()
    secret = uow.secrets.api_key(seed)
    key = ApiKey(
        api_key_id=new_id(),
        organisation_id=organisation_id,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        secret_sha256=sha256(secret.encode()).hexdigest(),
        roles=roles,
        created_by=created_by,
        created_at=now,
    )
    uow.api_keys.add(key)
    return ApiKeyIssued(api_key=view(key), seed=seed)


def revoke_api_key(command: RevokeApiKey, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime) -> ApiKeyView:
    """Of the own organisation; the operating company's administrator may revoke any."""
    key = uow.api_keys.get(command.api_key_id)
    require(actor, command.grants, {"self": key.organisation_id})
    key.revoke(now)
    uow.api_keys.save(key)
    return view(key)


def view(key: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        api_key_id=key.api_key_id,
        organisation_id=key.organisation_id,
        name=key.name,
        prefix=key.prefix,
        roles=key.roles,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )
