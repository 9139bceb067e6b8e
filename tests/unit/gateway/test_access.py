"""Who gets in: keys, sessions, the CSRF token, what is remembered and for how long."""

import pytest

from gateway.auth import (
    CACHE_S,
    AuthenticationInvalid,
    Authenticator,
    Identified,
    RateLimit,
    TooManyRequests,
    csrf_token,
)
from services.shared.kernel.ids import new_id
from tests.kit.fakes_identity import APPROVER, SECRET, a_credit_code
from tests.unit.gateway import views
from tests.unit.gateway.asgi import Site
from tests.unit.gateway.conftest import CUSTOMER_KEY, PROVIDER_KEY

REGISTRATION = {
    "kind": "provider", "legal_name": "青城材料测试中心", "legal_name_en": "Qingcheng Testing",
    "unified_social_credit_code": a_credit_code(7), "address": "呼和浩特", "mail": "office@qingcheng.example",
    "phone": "0471-1234567", "tax_profile": {"taxpayer": "general_6", "can_issue_special": True},
    "first_member": {"name": "Li Qiang", "mail": "li@qingcheng.example"}, "api_key": "first",
}  # fmt: skip


@pytest.mark.parametrize(
    "authorization", ["Bearer yiqi_unknown", "Bearer sk_other", "Basic dXNlcjpwYXNz", "Bearer", "yiqi_customer", ""]
)
def test_a_key_that_does_not_hold_is_refused(site: Site, authorization: str) -> None:
    """Also on public routes: whoever shows a key means to be known by it."""
    for path in ("/v1/me", "/v1/catalogue/search"):
        answer = site.get(path, headers={"authorization": authorization})
        assert (answer.status, answer.json["code"]) == (401, "authentication_invalid")


def test_an_unknown_session_is_refused(site: Site) -> None:
    """A cookie somebody made up."""
    assert site.get("/v1/me", headers={"cookie": "yiqi_session=made-up"}).status == 401


def test_me_says_who_asks(site: Site) -> None:
    """Organisation and roles, as the request was understood."""
    answer = site.get("/v1/me", api_key=CUSTOMER_KEY).json
    assert answer["organisation"]["kind"] == "customer"
    assert answer["roles"] == ["approver", "customer_finance", "requester"]


def test_a_session_needs_its_csrf_token_to_change_something(site: Site) -> None:
    """A cookie alone reads; nothing, a wrong token and another session's token do not write."""
    site.identity.let_in("my-session", APPROVER)
    site.rpc.answers["orders.get_order"] = views.an_order_view("customer")
    site.rpc.refuse("orders.accept_order", "conflict", "wrong_state")
    cookie = {"cookie": "yiqi_session=my-session"}
    assert site.get(f"/v1/orders/{new_id()}", headers=cookie).status == 200
    path = f"/v1/orders/{new_id()}/accept"
    for token in (None, "", "0" * 64, csrf_token(SECRET, "other-session")):
        headers = cookie if token is None else {**cookie, "x-csrf-token": token}
        answer = site.post(path, headers=headers)
        assert (answer.status, answer.json["code"]) == (403, "csrf_token_invalid")
    assert len(site.rpc.asked) == 1
    assert site.post(path, headers={**cookie, "x-csrf-token": csrf_token(SECRET, "my-session")}).status == 409


def test_signing_in_gives_a_cookie_that_scripts_and_other_sites_do_not_get(site: Site) -> None:
    """HttpOnly, SameSite, and the CSRF token in the answer."""
    site.identity.passwords["wang@changhe.example"] = "right password"
    wrong = site.post("/v1/sessions", {"mail": "wang@changhe.example", "password": "wrong"}, key=None)
    assert (wrong.status, wrong.json["code"]) == (403, "sign_in_refused")
    assert "set-cookie" not in wrong.headers
    answer = site.post("/v1/sessions", {"mail": "wang@changhe.example", "password": "right password"}, key=None)
    cookie = answer.headers["set-cookie"]
    assert answer.status == 201
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    session = cookie.partition("=")[2].partition(";")[0]
    assert answer.json["csrf_token"] == csrf_token(SECRET, session)


def test_cookies_are_for_tls_only_where_the_site_is(site: Site) -> None:
    """Over plain HTTP, as on a developer's machine, they could not be."""
    del site
    secure = Site(public_url="https://yiqi.test")
    secure.identity.passwords["a@b.example"] = "right password"
    answer = secure.post("/v1/sessions", {"mail": "a@b.example", "password": "right password"}, key=None)
    secure.close()
    assert "Secure" in answer.headers["set-cookie"]
    assert "strict-transport-security" in answer.headers


def test_guessing_passwords_is_slowed_down(site: Site) -> None:
    """Per mail address, whichever address the guesses come from; 429 says when to come back."""
    codes = [
        site.post("/v1/sessions", {"mail": "wang@changhe.example", "password": str(n)}, key=None) for n in range(31)
    ]
    assert [answer.status for answer in codes] == [403] * 30 + [429]
    assert 0 < int(codes[-1].headers["retry-after"]) <= 61


def test_registering_is_public_and_repeatable(site: Site) -> None:
    """Same key, same answer with the same secret; the key works; another body under the key is refused."""
    first = site.post("/v1/organisations", REGISTRATION)
    again = site.post("/v1/organisations", REGISTRATION)
    other = site.post("/v1/organisations", {**REGISTRATION, "address": "elsewhere"})
    assert (first.status, again.body) == (201, first.body)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    assert first.json["api_key"].startswith("yiqi_")
    assert first.json["one_time_link"].startswith("http://yiqi.test/join?token=")
    assert len(site.identity.uow.api_keys.rows) == 1


@pytest.mark.parametrize("kind", ["operator", "bank", None])
def test_nobody_registers_as_the_operating_company(site: Site, kind: str | None) -> None:
    """It is founded from the command line, once."""
    answer = site.post("/v1/organisations", {**REGISTRATION, "kind": kind})
    assert (answer.status, answer.json["code"]) == (422, "request_invalid")


def test_registrations_from_one_address_are_limited(site: Site) -> None:
    """Twenty an hour by default."""
    del site
    strict = Site(registrations_per_hour=2)
    statuses = [strict.post("/v1/organisations", REGISTRATION, key=f"k{n}").status for n in range(3)]
    strict.close()
    assert statuses == [201, 409, 429]


def test_a_revoked_key_stops_working_at_once(site: Site) -> None:
    """What was remembered is forgotten with the revocation."""
    made = site.post("/v1/api-keys", {"name": "erp", "roles": ["requester"]}, api_key=CUSTOMER_KEY).json
    site.identity.let_in(made["secret"], APPROVER)
    assert site.get("/v1/me", api_key=made["secret"]).status == 200
    del site.identity.holders[made["secret"]]
    assert site.get("/v1/me", api_key=made["secret"]).status == 200  # remembered
    assert site.post(f"/v1/api-keys/{made['api_key']['api_key_id']}/revoke", api_key=CUSTOMER_KEY).status == 200
    assert site.get("/v1/me", api_key=made["secret"]).status == 401


def test_a_key_of_another_organisation_is_not_found(site: Site) -> None:
    """Whether it exists is not said."""
    made = site.post("/v1/api-keys", {"name": "erp", "roles": ["requester"]}, api_key=CUSTOMER_KEY).json
    answer = site.post(f"/v1/api-keys/{made['api_key']['api_key_id']}/revoke", api_key=PROVIDER_KEY)
    assert answer.status == 404


def test_what_was_looked_up_holds_for_thirty_seconds() -> None:
    """Not a moment longer, and not at all when something was revoked meanwhile."""
    clock = [0.0]
    lookups = []

    def look_up(token: str) -> Identified:
        lookups.append(token)
        return Identified(APPROVER, "api_key", "n", token)

    authenticator = Authenticator(look_up, lambda _: None, lambda: clock[0])
    assert authenticator.cached("yiqi_a") is None
    authenticator.authenticate("yiqi_a", "api_key")
    clock[0] = CACHE_S - 0.1
    assert authenticator.cached("yiqi_a") is not None
    clock[0] = CACHE_S
    assert authenticator.cached("yiqi_a") is None
    with pytest.raises(AuthenticationInvalid):
        authenticator.authenticate("other", "session")
    assert lookups == ["yiqi_a"]


def test_a_lookup_that_a_revocation_overtook_is_not_remembered() -> None:
    """It was read before and would be written after."""
    authenticator: Authenticator

    def look_up(token: str) -> Identified:
        authenticator.forget()
        return Identified(APPROVER, "api_key", "n", token)

    authenticator = Authenticator(look_up, look_up, lambda: 0.0)
    authenticator.authenticate("yiqi_a", "api_key")
    assert authenticator.cached("yiqi_a") is None


def test_a_rate_limit_begins_anew_with_each_window() -> None:
    """And counts each key for itself."""
    clock = [10.0]
    limit = RateLimit(2, 60, lambda: clock[0])
    limit.take("a")
    limit.take("a")
    limit.take("b")
    with pytest.raises(TooManyRequests) as caught:
        limit.take("a")
    assert caught.value.facts == {"retry_after_s": 51}
    clock[0] = 60.0
    limit.take("a")
