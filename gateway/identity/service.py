"""
Every way into identity. It answers in the same envelope as a service behind the broker does, so that
routes ask it in the same way; signing in is apart, because a token must not be kept with an answer.
"""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from gateway.identity.adapters import queries, sessions
from gateway.identity.adapters.queries import Holder
from gateway.identity.adapters.secrets import GatewaySecrets
from gateway.identity.adapters.unit_of_work import IdentityUnitOfWork
from gateway.identity.config import IdentitySettings
from gateway.identity.use_cases import api_key, member, organisation
from services.shared.chassis import database
from services.shared.chassis.clock import Clock, SystemClock
from services.shared.chassis.commands import Host, serve_command, serve_query
from services.shared.kernel.errors import NotAllowed
from services.shared.messages.base import Command, Query
from services.shared.messages.identity.api_key import CreateApiKey, ListApiKeys, RevokeApiKey
from services.shared.messages.identity.member import (
    ChangeMember,
    InviteMember,
    JoinAsMember,
    ListMembers,
    RemoveMember,
)
from services.shared.messages.identity.organisation import (
    ChangeOrganisation,
    FoundOperator,
    GetOrganisation,
    ListOrganisations,
    RegisterOrganisation,
    VerifyOrganisation,
)

COMMANDS: Mapping[type[Command], Callable[..., Any]] = {
    RegisterOrganisation: organisation.register_organisation,
    FoundOperator: organisation.found_operator,
    VerifyOrganisation: organisation.verify_organisation,
    ChangeOrganisation: organisation.change_organisation,
    InviteMember: member.invite_member,
    JoinAsMember: member.join_as_member,
    ChangeMember: member.change_member,
    RemoveMember: member.remove_member,
    CreateApiKey: api_key.create_api_key,
    RevokeApiKey: api_key.revoke_api_key,
}
QUERIES: Mapping[type[Query], Callable[..., Any]] = {
    GetOrganisation: queries.get_organisation,
    ListOrganisations: queries.list_organisations,
    ListMembers: queries.list_members,
    ListApiKeys: queries.list_api_keys,
}


class SignInRefused(NotAllowed):
    """Mail address or password is wrong."""

    code = "sign_in_refused"


class Identity:
    """Safe for use by many threads. *secret*: the gateway's."""

    def __init__(self, settings: IdentitySettings, secret: str, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.secrets = GatewaySecrets(secret, settings.link_days)
        self.engine = database.engine(settings.database_url, name="gateway identity", pool_size=settings.pool_size)
        unit_of_work = partial(IdentityUnitOfWork, secrets=self.secrets)
        digest_key = sha256(f"digest/{secret}".encode()).digest()
        self.host = Host("identity", self.engine, self.clock, unit_of_work, digest_key)
        self._serve = {
            **{kind.wire_name: partial(serve_command, self.host, kind, run) for kind, run in COMMANDS.items()},
            **{kind.wire_name: partial(serve_query, self.host, kind, read) for kind, read in QUERIES.items()},
        }

    def call(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """What `RpcClient.call("identity", …)` would answer."""
        return self._serve[f"identity.{method}"](request)

    def holder_of_key(self, token: str) -> Holder | None:
        with database.connection(self.engine) as held:
            return queries.holder_of_key(held, sha256(token.encode()).hexdigest())

    def holder_of_session(self, token: str) -> Holder | None:
        with database.connection(self.engine) as held:
            return queries.holder_of_session(held, sha256(token.encode()).hexdigest(), self.clock.wall())

    def sign_in(self, mail: str, password: str) -> str:
        """
        A new session. Returns its token.

        Raises:
            SignInRefused: Which of the two is wrong is not said.
        """
        with database.connection(self.engine) as held:
            found = sessions.password_of(held, mail)
        # Outside any connection: it takes a while, on purpose.
        member_id, password_hash = found or (None, "")
        if not self.secrets.matches(password_hash, password) or member_id is None:
            raise SignInRefused
        with database.connection(self.engine) as held:
            return sessions.begin(held, member_id, self.clock.wall(), self.settings.session_hours)

    def sign_out(self, token: str) -> None:
        with database.connection(self.engine) as held:
            sessions.end(held, token)

    def check(self) -> str | None:
        """None. Raises whatever keeps it from answering."""
        with database.connection(self.engine) as held:
            held.exec_driver_sql("SELECT 1")
        return None
