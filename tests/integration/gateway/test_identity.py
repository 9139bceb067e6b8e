"""Identity meets PostgreSQL: uniqueness, twins, sessions, what is kept and what is not."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from gateway.auth import wire_of
from gateway.identity.adapters import queries, sessions
from gateway.identity.service import Identity, SignInRefused
from services.shared.chassis import database as databases
from services.shared.kernel.actor import PUBLIC, SYSTEM, Actor
from services.shared.messages.base import Command, Query
from services.shared.messages.identity.api_key import ApiKeyIssued, ApiKeyPage, CreateApiKey, ListApiKeys, RevokeApiKey
from services.shared.messages.identity.member import (
    InviteMember,
    JoinAsMember,
    ListMembers,
    MemberInvitation,
    MemberPage,
    RemoveMember,
)
from services.shared.messages.identity.organisation import (
    AccountWanted,
    ChangeOrganisation,
    FoundOperator,
    GetOrganisation,
    ListOrganisations,
    OrganisationPage,
    OrganisationRegistration,
    OrganisationView,
    VerifyOrganisation,
)
from tests.kit.fakes_identity import ADMINISTRATOR, a_registration
from tests.kit.platform import ServiceDatabase

PASSWORD = "long enough 1"


def ask(identity: Identity, message: Command | Query, actor: Actor, key: str = "k1") -> Mapping[str, Any]:
    method = message.wire_name.partition(".")[2]
    envelope = {"body": message.model_dump_json(), "actor": wire_of(actor), "key": key, "correlation_id": "c-1"}
    return identity.call(method, envelope)


def registered(identity: Identity, number: int = 1, **changes: Any) -> OrganisationRegistration:
    answer = ask(identity, a_registration(number, **changes), PUBLIC, f"register {number}")
    return OrganisationRegistration.parse(answer["view"])


def manager_of(made: OrganisationRegistration) -> Actor:
    return Actor(made.organisation.organisation_id, frozenset(made.member.roles), made.member.member_id)


def test_what_was_registered_is_read_again(identity: Identity) -> None:
    """Row and aggregate agree, bank account and tax profile included."""
    account = AccountWanted(bank_name="B", account_name="长河新材料有限公司", account_number="6222000011112222")
    made = registered(identity, bank_account=account)
    answer = ask(identity, GetOrganisation(organisation_id=made.organisation.organisation_id), manager_of(made))
    assert OrganisationView.parse(answer["view"]).organisation == made.organisation
    assert made.organisation.number.startswith("ORG-")


def test_twins_under_one_key_have_one_effect_and_one_answer(identity: Identity, database: ServiceDatabase) -> None:
    """At the same time; the seeds in the answer too are the same."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(identity, a_registration(), PUBLIC), range(8)))
    assert len({json.dumps(answer) for answer in answers}) == 1
    assert database.rows("SELECT count(*) FROM organisation") == [(1,)]
    assert database.rows("SELECT type FROM outbox ORDER BY id") == [
        ("organisation.registered.v1",), ("member.joined.v1",),
    ]  # fmt: skip


def test_a_credit_code_is_registered_once_however_many_try(identity: Identity, database: ServiceDatabase) -> None:
    """Each under a key of its own, all at the same time."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ask(identity, a_registration(), PUBLIC, f"k{n}"), range(8)))
    refused = [answer["error"]["code"] for answer in answers if "error" in answer]
    assert refused == ["identity.already_registered"] * 7
    assert database.rows("SELECT count(*) FROM organisation") == [(1,)]
    assert database.rows("SELECT count(*) FROM member") == [(1,)]


def test_there_is_one_operating_company_however_many_try(identity: Identity, database: ServiceDatabase) -> None:
    """Also with different credit codes."""

    def found(number: int) -> Mapping[str, Any]:
        fields = dict(a_registration(number + 10))
        command = FoundOperator(**{name: fields[name] for name in FoundOperator.model_fields})
        return ask(identity, command, SYSTEM, f"k{number}")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(found, range(4)))
    assert (
        sorted(answer["error"]["code"] for answer in answers if "error" in answer) == ["identity.operator_exists"] * 3
    )
    assert database.rows("SELECT count(*) FROM organisation") == [(1,)]


def test_no_secret_is_kept(identity: Identity, database: ServiceDatabase) -> None:
    """Password, link, key: none stands in any table, not even in the answers that are kept."""
    made = registered(identity, api_key="erp")
    invited = MemberInvitation.parse(
        ask(
            identity,
            InviteMember(
                organisation_id=made.organisation.organisation_id, name="Z", mail="z@x.example", roles=("requester",)
            ),
            manager_of(made),
        )["view"]
    )
    secrets = {PASSWORD, identity.secrets.link(invited.link_seed), identity.secrets.api_key(made.api_key_seed)}
    token = identity.sign_in("wang1@changhe.example", PASSWORD)
    tables = [row[0] for row in database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    for table in tables:
        content = str(database.rows(f"SELECT to_jsonb(t)::text FROM {table} t"))
        assert {secret for secret in (*secrets, token) if secret in content} == set(), table


def test_signing_in_and_out(identity: Identity) -> None:
    """Right password, whatever the letters' case of the mail address; then the session ends for good."""
    made = registered(identity)
    for mail, password in (("wang1@changhe.example", "wrong password"), ("nobody@x.example", PASSWORD), ("", "")):
        with pytest.raises(SignInRefused):
            identity.sign_in(mail, password)
    token = identity.sign_in(" Wang1@Changhe.example ", PASSWORD)
    holder = identity.holder_of_session(token)
    assert holder is not None
    assert (holder.actor.member_id, holder.actor.operator) == (made.member.member_id, False)
    identity.sign_out(token)
    assert identity.holder_of_session(token) is None


def test_a_session_ends_by_itself(identity: Identity) -> None:
    """By wall time: business time that a demo moves does not throw people out."""
    made = registered(identity)
    wall = identity.clock.wall()
    from hashlib import sha256

    with databases.connection(identity.engine) as held:
        token = sessions.begin(held, made.member.member_id, wall, hours=12)
        digest = sha256(token.encode()).hexdigest()
        assert queries.holder_of_session(held, digest, wall + timedelta(hours=11, minutes=59)) is not None
        assert queries.holder_of_session(held, digest, wall + timedelta(hours=12)) is None


def test_removing_a_member_ends_their_sessions(identity: Identity) -> None:
    """And their password lets nobody in."""
    made = registered(identity)
    invite = InviteMember(
        organisation_id=made.organisation.organisation_id, name="Z", mail="z@x.example", roles=("requester",),
        password=PASSWORD,
    )  # fmt: skip
    person = MemberInvitation.parse(ask(identity, invite, manager_of(made))["view"]).member
    token = identity.sign_in("z@x.example", PASSWORD)
    assert "view" in ask(identity, RemoveMember(member_id=person.member_id), manager_of(made))
    assert identity.holder_of_session(token) is None
    with pytest.raises(SignInRefused):
        identity.sign_in("z@x.example", PASSWORD)


def test_two_managers_who_remove_each_other_leave_one(identity: Identity, database: ServiceDatabase) -> None:
    """At the same time: each sees the other's removal or waits for it."""
    made = registered(identity)
    invite = InviteMember(
        organisation_id=made.organisation.organisation_id, name="Z", mail="z@x.example", roles=("approver",),
        password=PASSWORD,
    )  # fmt: skip
    person = MemberInvitation.parse(ask(identity, invite, manager_of(made))["view"]).member
    victims = [made.member.member_id, person.member_id]
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda each: ask(identity, RemoveMember(member_id=each), manager_of(made), f"r {each}"), victims)
        )
    assert [answer["error"]["code"] for answer in answers if "error" in answer] == ["identity.last_manager"]
    assert database.rows("SELECT count(*) FROM member WHERE state = 'joined'") == [(1,)]


def test_a_link_is_used_once_however_many_try(identity: Identity) -> None:
    """At the same time."""
    made = registered(identity)
    invite = InviteMember(
        organisation_id=made.organisation.organisation_id, name="Z", mail="z@x.example", roles=("requester",)
    )
    invited = MemberInvitation.parse(ask(identity, invite, manager_of(made))["view"])
    command = JoinAsMember(token=identity.secrets.link(invited.link_seed), password=PASSWORD)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda n: ask(identity, command, PUBLIC, f"j{n}"), range(5)))
    assert sum("view" in answer for answer in answers) == 1
    assert {answer["error"]["code"] for answer in answers if "error" in answer} == {"identity.link_invalid"}


def test_a_key_lets_in_until_it_is_revoked(identity: Identity) -> None:
    """With its own roles, as a machine."""
    made = registered(identity)
    command = CreateApiKey(name="erp", roles=("requester",))
    issued = ApiKeyIssued.parse(ask(identity, command, manager_of(made))["view"])
    secret = identity.secrets.api_key(issued.seed)
    holder = identity.holder_of_key(secret)
    assert holder is not None
    assert (holder.actor.kind, holder.actor.roles, holder.name) == ("machine", frozenset({"requester"}), "erp")
    ask(identity, RevokeApiKey(api_key_id=issued.api_key.api_key_id), manager_of(made))
    assert identity.holder_of_key(secret) is None
    listed = ApiKeyPage.parse(ask(identity, ListApiKeys(), manager_of(made))["view"])
    assert [key.revoked_at is not None for key in listed.items] == [True]


def test_lists_page_without_gaps_or_repetitions(identity: Identity) -> None:
    """Organisations for the operating company, members for their own."""
    made = [registered(identity, number) for number in range(1, 6)]
    seen: list[str] = []
    after = None
    while True:
        page = OrganisationPage.parse(ask(identity, ListOrganisations(limit=2, after=after), ADMINISTRATOR)["view"])
        seen += [organisation.number for organisation in page.items]
        after = page.next_cursor
        if after is None:
            break
    assert seen == [each.organisation.number for each in made]
    own = ListMembers(organisation_id=made[0].organisation.organisation_id)
    assert len(MemberPage.parse(ask(identity, own, manager_of(made[0]))["view"]).items) == 1
    assert ask(identity, own, manager_of(made[1]))["error"]["kind"] == "not_found"
    assert ask(identity, ListOrganisations(), manager_of(made[0]))["error"]["kind"] == "not_found"


def test_a_refused_change_leaves_nothing_behind(identity: Identity, database: ServiceDatabase) -> None:
    """Neither row nor event nor key: the same key may be used again for what is right."""
    made = registered(identity)
    before = database.rows("SELECT to_jsonb(o)::text FROM organisation o")
    account = AccountWanted(bank_name="B", account_name="somebody else", account_number="6222000011112222")
    command = ChangeOrganisation(organisation_id=made.organisation.organisation_id, bank_account=account)
    assert ask(identity, command, manager_of(made), "c")["error"]["code"] == "identity.bank_account_not_own"
    assert database.rows("SELECT to_jsonb(o)::text FROM organisation o") == before
    right = command.model_copy(update={"bank_account": None, "address": "北京"})
    assert "view" in ask(identity, right, manager_of(made), "c")
    assert database.rows("SELECT count(*) FROM outbox") == [(3,)]


def test_verification_is_told_with_the_whole_organisation(identity: Identity, database: ServiceDatabase) -> None:
    """A consumer's copy needs no call back; the cause names who did it."""
    made = registered(identity)
    command = VerifyOrganisation(organisation_id=made.organisation.organisation_id)
    ask(identity, command, ADMINISTRATOR)
    ((data, headers),) = database.rows(
        "SELECT data::jsonb, headers FROM outbox WHERE type = 'organisation.verified.v1'"
    )
    assert data["organisation"]["verified"] is True
    assert headers["actor"].startswith(f"organisation/{ADMINISTRATOR.organisation_id}")
