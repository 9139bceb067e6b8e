"""Identity in memory: its unit of work with the same refusals as the real one, and a whole of it for the gateway."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from stdnum.cn import uscc

from gateway.identity.adapters.queries import Holder
from gateway.identity.adapters.secrets import GatewaySecrets
from gateway.identity.config import IdentitySettings
from gateway.identity.domain.api_key import ApiKey
from gateway.identity.domain.member import MailTaken, Member
from gateway.identity.domain.organisation import AlreadyRegistered, OperatorExists, Organisation
from gateway.identity.service import COMMANDS, SignInRefused
from gateway.identity.use_cases.organisation import told
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.base import Command, Event
from services.shared.messages.identity.organisation import FirstMember, GetOrganisation, RegisterOrganisation

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECRET = "a secret of the gateway that is long enough"
CUSTOMER_ID = derived_id("organisation", "customer")
OTHER_CUSTOMER_ID = derived_id("organisation", "other customer")
PROVIDER_ID = derived_id("organisation", "provider")
STATION_ID = derived_id("organisation", "station")
OPERATOR_ID = derived_id("organisation", "operator")


def a_credit_code(number: int = 1, of: str = "91310000") -> str:
    """A valid unified social credit code; another one for each *number* below 10^9. *of*: kind and division."""
    body = f"{of}{number:09d}"
    return f"{body}{uscc.calc_check_digit(body)}"


def an_actor(organisation_id: UUID, *roles: Role, operator: bool = False) -> Actor:
    return Actor(organisation_id, frozenset(roles), new_id(), operator=operator)


APPROVER = an_actor(CUSTOMER_ID, "requester", "approver")
ADMINISTRATOR = an_actor(OPERATOR_ID, "administrator", operator=True)


def an_organisation(**changes: Any) -> Organisation:
    organisation = Organisation(
        organisation_id=CUSTOMER_ID,
        number="ORG-2026-000001",
        kind="customer",
        legal_name="长河新材料有限公司",
        legal_name_en="Changhe New Materials",
        unified_social_credit_code=a_credit_code(),
        address="上海市杨浦区",
        mail="office@changhe.example",
        phone="021-12345678",
        tax_profile=TaxProfile("general_6", can_issue_special=True),
        bank_account=None,
        verified=False,
        registered_at=NOW,
    )
    return replace(organisation, **changes)


def a_member(**changes: Any) -> Member:
    member = Member(
        member_id=new_id(),
        organisation_id=CUSTOMER_ID,
        name="Wang Li",
        mail="wang@changhe.example",
        language="zh",
        roles=("requester", "approver", "customer_finance"),
        state="joined",
        invited_at=NOW,
        joined_at=NOW,
        password_hash="hash",
    )
    return replace(member, **changes)


def a_registration(number: int = 1, **changes: Any) -> RegisterOrganisation:
    wanted = RegisterOrganisation(
        kind="customer",
        legal_name="长河新材料有限公司",
        legal_name_en="Changhe New Materials",
        unified_social_credit_code=a_credit_code(number),
        address="上海市杨浦区",
        mail="office@changhe.example",
        phone="021-12345678",
        tax_profile=TaxProfile("general_6", can_issue_special=True),
        first_member=FirstMember(name="Wang Li", mail=f"wang{number}@changhe.example", password="long enough 1"),
    )
    return wanted.model_copy(update=changes)


def quick_secrets() -> GatewaySecrets:
    """Passwords hash in a millisecond."""
    secrets = GatewaySecrets(SECRET, link_days=7)
    secrets._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return secrets


class FakeOrganisations:
    def __init__(self) -> None:
        self.rows: dict[UUID, Organisation] = {}

    def add(self, organisation: Organisation) -> None:
        for other in self.rows.values():
            if other.kind == organisation.kind == "operator":
                raise OperatorExists
            if (other.unified_social_credit_code, other.kind) == (
                organisation.unified_social_credit_code, organisation.kind,
            ):  # fmt: skip
                raise AlreadyRegistered
        organisation.number = f"ORG-2026-{len(self.rows) + 1:06d}"
        self.save(organisation)

    def get(self, organisation_id: UUID) -> Organisation:
        if organisation_id not in self.rows:
            raise NotFound
        return deepcopy(self.rows[organisation_id])

    def save(self, organisation: Organisation) -> None:
        self.rows[organisation.organisation_id] = deepcopy(organisation)


class FakeMembers:
    def __init__(self) -> None:
        self.rows: dict[UUID, Member] = {}
        self.sessions_ended: list[UUID] = []

    def add(self, member: Member) -> None:
        if any(other.mail == member.mail and other.state != "removed" for other in self.rows.values()):
            raise MailTaken
        self.save(member)

    def get(self, member_id: UUID) -> Member:
        if member_id not in self.rows:
            raise NotFound
        return deepcopy(self.rows[member_id])

    def by_link(self, digest: str) -> Member | None:
        return next((deepcopy(row) for row in self.rows.values() if digest and row.link_sha256 == digest), None)

    def of(self, organisation_id: UUID) -> list[Member]:
        mine = (row for row in self.rows.values() if row.organisation_id == organisation_id)
        return [deepcopy(row) for row in mine if row.state != "removed"]

    def save(self, member: Member) -> None:
        self.rows[member.member_id] = deepcopy(member)

    def end_sessions(self, member_id: UUID) -> None:
        self.sessions_ended.append(member_id)


class FakeApiKeys:
    def __init__(self) -> None:
        self.rows: dict[UUID, ApiKey] = {}

    def add(self, key: ApiKey) -> None:
        self.save(key)

    def get(self, api_key_id: UUID) -> ApiKey:
        if api_key_id not in self.rows:
            raise NotFound
        return deepcopy(self.rows[api_key_id])

    def save(self, key: ApiKey) -> None:
        self.rows[key.api_key_id] = deepcopy(key)


@dataclass
class FakeIdentityUnitOfWork:
    organisations: FakeOrganisations = field(default_factory=FakeOrganisations)
    members: FakeMembers = field(default_factory=FakeMembers)
    api_keys: FakeApiKeys = field(default_factory=FakeApiKeys)
    secrets: GatewaySecrets = field(default_factory=quick_secrets)
    published: list[Event] = field(default_factory=list)

    def publish(self, event: Event) -> UUID:
        self.published.append(event)
        return new_id()


class FakeIdentity:
    """What the gateway asks instead of `gateway.identity.service.Identity`: same envelope, nothing kept on disk."""

    def __init__(self) -> None:
        self.uow = FakeIdentityUnitOfWork()
        self.secrets = self.uow.secrets
        self.settings = IdentitySettings.model_validate(
            {"database_url": "postgresql://nowhere.invalid/x", "relay_broker_url": "amqp://nowhere.invalid"}
        )
        self.holders: dict[str, Holder] = {}
        self.lookups = 0
        self.replies: dict[tuple[str, str, str], tuple[str, Mapping[str, Any]]] = {}
        self.passwords: dict[str, str] = {}

    def let_in(self, token: str, actor: Actor, name: str = "somebody") -> str:
        """From now on *token* is an API key, or a session, of *actor*."""
        self.holders[token] = Holder(actor, name, None if token.startswith("yiqi_") else "en")
        return token

    def call(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if method == "get_organisation":
            wanted = GetOrganisation.parse(request["body"])
            organisation = self.uow.organisations.rows.get(wanted.organisation_id)
            if organisation is None:
                return _error(NotFound())
            return {"view": f'{{"organisation": {told(organisation).model_dump_json()}}}'}
        kind, use_case = _command(f"identity.{method}")
        body, key = request["body"], (request["actor"]["organisation_id"], method, str(request["key"]))
        if key in self.replies:
            earlier, answer = self.replies[key]
            return answer if earlier == body else _error(_reused())
        fields = request["actor"]
        actor = Actor(UUID(fields["organisation_id"]), frozenset(fields["roles"]), None, fields["kind"],
                      operator=fields["operator"])  # fmt: skip
        try:
            view = use_case(kind.parse(body), actor=actor, uow=self.uow, now=NOW)
        except Refused as error:
            return _error(error)
        answer = {"view": view.model_dump_json()}
        self.replies[key] = (body, answer)
        return answer

    def holder_of_key(self, token: str) -> Holder | None:
        self.lookups += 1
        return self.holders.get(token)

    def holder_of_session(self, token: str) -> Holder | None:
        return self.holder_of_key(token)

    def sign_in(self, mail: str, password: str) -> str:
        if self.passwords.get(mail) != password:
            raise SignInRefused
        return self.let_in(f"session-of-{sha256(mail.encode()).hexdigest()}", APPROVER, mail)

    def sign_out(self, token: str) -> None:
        self.holders.pop(token, None)

    def check(self) -> str | None:
        """It is always there."""
        return None


def _command(wire_name: str) -> tuple[type[Command], Callable[..., Any]]:
    return next((kind, run) for kind, run in COMMANDS.items() if kind.wire_name == wire_name)


def _reused() -> Invalid:
    error = Invalid("reused")
    error.__dict__["code"] = "idempotency_key_reused"
    return error


def _error(error: Refused) -> Mapping[str, Any]:
    kinds = {Invalid: "invalid", NotAllowed: "not_allowed", NotFound: "not_found", Conflict: "conflict"}
    kind = next(name for cls, name in kinds.items() if isinstance(error, cls))
    return {"error": {"kind": kind, "code": error.code, "text": str(error), "facts": error.facts}}


def in_days(days: float) -> datetime:
    return NOW + timedelta(days=days)
