"""The portal's pages: signing in, one order for each party, no page without a way on, no form from elsewhere."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fastapi.routing import APIRoute

from gateway.auth import csrf_token
from gateway.portal.pages import router, texts
from services.notify.domain.notification import AUDIENCES
from services.shared.kernel.actor import Relation
from services.shared.messages.billing.checkout import CheckoutView
from services.shared.messages.billing.payment import PaymentPage
from services.shared.messages.identity.organisation import FirstMember, OrganisationRegistration
from services.shared.messages.orders.contract import DocumentLink
from services.shared.messages.orders.order import OrderPage
from tests.kit.fakes_identity import APPROVER, SECRET, a_registration
from tests.unit.gateway import views
from tests.unit.gateway.asgi import Answer, Site
from tests.unit.gateway.views import CONTRACT_ID, ORDER_ID

FORM = {"content-type": "application/x-www-form-urlencoded"}
COOKIE = {"cookie": "yiqi_session=my-session"}


def _form(site: Site, path: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
    return site.send("POST", path, urlencode(fields).encode(), {**FORM, **(headers or {})}, key=None)


def _sign_in(site: Site) -> None:
    site.identity.let_in("my-session", APPROVER, "王丽")


def test_every_link_in_a_mail_is_a_page() -> None:
    """What people are told leads somewhere: placeholders are named alike in the table and in the path."""
    there = {route.path for route in router.routes if isinstance(route, APIRoute) and "GET" in (route.methods or ())}
    assert {audience.link for audiences in AUDIENCES.values() for audience in audiences} <= there


def test_an_address_without_a_page_is_a_page_to_people_and_a_problem_to_programs(site: Site) -> None:
    """A browser is not shown JSON, and below /v1 nothing but JSON is answered."""
    shown = site.get("/settlements/7", headers={"accept": "text/html,application/xhtml+xml"})
    assert (shown.status, shown.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert 'href="/orders"' in shown.text
    for path, accept in (("/settlements/7", "*/*"), ("/v1/nothing", "text/html")):
        told = site.get(path, headers={"accept": accept})
        assert (told.status, told.json["code"]) == (404, "route_unknown")


def test_times_name_their_zone(site: Site) -> None:
    """On the order and in the list, in both languages."""
    _sign_in(site)
    site.rpc.answers["orders.get_order"] = views.an_order_view("customer")
    site.rpc.answers["billing.list_payments"] = PaymentPage(items=())
    page = site.get(f"/orders/{ORDER_ID}?lang=zh", headers=COOKIE)
    assert "北京时间" in page.text


@pytest.mark.parametrize("path", ["/orders", f"/orders/{ORDER_ID}", f"/orders/{ORDER_ID}/open/contract/{CONTRACT_ID}"])
def test_whoever_is_not_signed_in_is_sent_to_sign_in(site: Site, path: str) -> None:
    """With no cookie, and with one that does not hold."""
    for headers in ({}, {"cookie": "yiqi_session=over"}):
        answer = site.get(path, headers=headers)
        assert (answer.status, answer.headers["location"]) == (303, "/sign-in")


def test_signing_in_by_form(site: Site) -> None:
    """Right: a cookie and on to the orders. Wrong: the page again, saying so, without saying which was wrong."""
    site.identity.passwords["wang@changhe.example"] = "right password"
    wrong = _form(site, "/sign-in", mail="wang@changhe.example", password="wrong")
    assert wrong.status == 403
    assert 'role="alert"' in wrong.text
    right = _form(site, "/sign-in", mail="wang@changhe.example", password="right password")
    assert (right.status, right.headers["location"]) == (303, "/orders")
    assert "yiqi_session=" in right.headers["set-cookie"]


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}]
)
def test_a_sign_in_form_from_elsewhere_is_refused(site: Site, headers: dict[str, str]) -> None:
    """Nobody is signed in as somebody else by another site."""
    site.identity.passwords["wang@changhe.example"] = "right password"
    answer = _form(site, "/sign-in", headers, mail="wang@changhe.example", password="right password")
    assert answer.status == 403
    assert "set-cookie" not in answer.headers


def test_signing_out_needs_the_token(site: Site) -> None:
    """A link from elsewhere does not end a session."""
    _sign_in(site)
    assert _form(site, "/sign-out", COOKIE).status == 403
    assert "my-session" in site.identity.holders
    assert _form(site, "/sign-out", COOKIE, csrf_token=csrf_token(SECRET, "my-session")).status == 303
    assert "my-session" not in site.identity.holders


def test_joining_by_the_one_time_link(site: Site) -> None:
    """A short password is refused, the link holds once, and afterwards it is no more."""
    wanted = a_registration(2, first_member=FirstMember(name="W", mail="w@x.example", password=None))
    reply = site.identity.call(
        "register_organisation",
        {"body": wanted.model_dump_json(), "key": "k",
         "actor": {"organisation_id": str(ORDER_ID), "roles": [], "kind": "public", "operator": False}},
    )  # fmt: skip
    token = site.identity.secrets.link(OrganisationRegistration.parse(reply["view"]).link_seed)
    assert token in site.get(f"/join?token={token}").text
    assert _form(site, "/join", token=token, password="short").status == 422
    assert _form(site, "/join", token=token, password="long enough 1").status == 303
    assert _form(site, "/join", token=token, password="long enough 2").status == 422


def test_orders_are_listed_and_an_empty_list_says_what_to_do(site: Site) -> None:
    """No page is a dead end."""
    _sign_in(site)
    site.rpc.answers["orders.list_orders"] = OrderPage(items=())
    answer = site.get("/orders", headers=COOKIE)
    assert answer.status == 200
    assert "There are no orders yet" in answer.text


@pytest.mark.parametrize("seen_as", ["customer", "provider", "station", "operator"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_order_page_shows_each_party_its_side(site: Site, seen_as: Relation, language: str) -> None:
    """State, amounts, what blocks it, documents; the customer's total to customer and company only."""
    _sign_in(site)
    site.rpc.answers["orders.get_order"] = views.an_order_view(seen_as)
    site.rpc.answers["invoicing.list_invoices"] = views.an_invoice_page()
    site.rpc.answers["billing.list_payments"] = PaymentPage(items=(views.a_payment_view(),))
    answer = site.get(f"/orders/{ORDER_ID}?lang={language}", headers=COOKIE)
    assert answer.status == 200
    assert answer.headers["content-language"] == language
    assert ("1,060.00" in answer.text) == (seen_as in {"customer", "operator"})
    assert ("order_sheet" in answer.text) == (seen_as in {"provider", "operator"})
    assert ("open/contract" in answer.text) == (seen_as in {"customer", "operator"})
    assert ("invoice_pdf" in answer.text) == (seen_as in {"customer", "operator"})
    assert "pi_1_secret_2" not in answer.text
    # A sentence that no text was found for would show as its key.
    assert not re.findall(r">\s*[a-z]+(?: [a-z]+)*_[a-z_]+\s*<", answer.text)


def test_a_service_that_does_not_answer_shows_as_missing(site: Site) -> None:
    """The page stands without it, and says so."""
    _sign_in(site)
    site.rpc.answers["orders.get_order"] = views.an_order_view("customer")
    text = site.get(f"/orders/{ORDER_ID}", headers=COOKIE).text
    assert "Payments cannot be shown at the moment" in text
    assert "Invoices cannot be shown at the moment" in text


@pytest.mark.parametrize(("kind", "status"), [("not_found", 404), ("bug", 500), ("unavailable", 503)])
def test_no_page_ends_in_a_stack_trace(site: Site, kind: str, status: int) -> None:
    """A sentence, a reference and a way back."""
    _sign_in(site)
    site.rpc.refuse("orders.get_order", kind, kind if kind != "bug" else "internal", "Traceback")
    answer = site.get(f"/orders/{ORDER_ID}", headers=COOKIE)
    assert answer.status == status
    assert "Traceback" not in answer.text
    assert 'href="/orders"' in answer.text
    assert answer.headers["x-correlation-id"] in answer.text


def test_a_document_opens_by_an_address_that_holds_five_minutes(site: Site) -> None:
    """The page links to us; we ask and send the browser on."""
    _sign_in(site)
    link = DocumentLink(url="https://files.example/x?signed", sha256="", size_bytes=1, filename="c.pdf")
    site.rpc.answers["orders.get_contract_document"] = link
    answer = site.get(f"/orders/{ORDER_ID}/open/contract/{CONTRACT_ID}", headers=COOKIE)
    assert (answer.status, answer.headers["location"]) == (303, "https://files.example/x?signed")
    assert site.get(f"/orders/{ORDER_ID}/open/ledger/{CONTRACT_ID}", headers=COOKIE).status == 404


def test_every_step_and_every_wait_has_its_sentence() -> None:
    """What orders writes into a history, or waits for, is said in both languages."""
    sources = [path.read_text("utf-8") for path in Path("services/orders").rglob("*.py")]
    noted = {what for source in sources for what in re.findall(r'\bnote\(\s*f?"([a-z_{}]+)"', source)}
    waits = set(re.findall(r'"(awaiting_[a-z]+)"', Path("services/orders/domain/order.py").read_text("utf-8")))
    parties = ("customer", "operator", "provider")
    wanted = {f"step.{what.replace('{party}', party)}" for what in noted for party in parties}
    wanted |= {f"blocked.{code}" for code in waits} | {f"blocked.awaiting_signature_{party}" for party in parties}
    assert len(noted) > 10
    assert wanted - set(texts()) == set()
    assert {language for entry in texts().values() for language in entry} == {"zh", "en"}


def test_names_are_escaped(site: Site) -> None:
    """What somebody calls themselves is text."""
    site.identity.let_in("my-session", APPROVER, "<script>alert(1)</script>")
    site.rpc.answers["orders.get_order"] = views.an_order_view("customer", customer_name="<img src=x>")
    text = site.get(f"/orders/{ORDER_ID}", headers=COOKIE).text
    assert "<script>" not in text
    assert "<img" not in text


def test_the_documentation_needs_no_script_and_nothing_from_elsewhere(site: Site) -> None:
    """It works under our own content security policy."""
    text = site.get("/docs").text
    assert "/v1/orders" in text
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="https?://', text)


def test_paying_by_card_goes_over_a_page_with_a_link(site: Site) -> None:
    """The button asks for a page to pay on, with our own token; its address is a link and never a redirect."""
    _sign_in(site)
    payment = views.a_payment_view().model_copy(update={"method": "card", "state": "pending"})
    site.rpc.answers["orders.get_order"] = views.an_order_view("customer")
    site.rpc.answers["billing.list_payments"] = PaymentPage(items=(payment,))
    path = f"/orders/{ORDER_ID}/pay"
    assert f'action="{path}"' in site.get(f"/orders/{ORDER_ID}", headers=COOKIE).text
    made = CheckoutView(
        checkout_id=CONTRACT_ID, payment_id=payment.payment_id, state="open", url="https://pay.example/cs_1",
        expires_at=None, failure="",
    )  # fmt: skip
    site.rpc.answers |= {"billing.open_checkout": made, "billing.get_checkout": made}
    assert _form(site, path, COOKIE, payment_id=str(payment.payment_id)).status == 403
    token = csrf_token(SECRET, "my-session")
    asked = _form(site, path, COOKIE, payment_id=str(payment.payment_id), csrf_token=token)
    assert (asked.status, asked.headers["location"]) == (303, f"{path}/{CONTRACT_ID}")
    assert site.rpc.bodies[-1]["success_url"].endswith(f"/orders/{ORDER_ID}")
    shown = site.get(f"{path}/{CONTRACT_ID}", headers=COOKIE)
    assert 'href="https://pay.example/cs_1"' in shown.text
    over = made.model_copy(update={"state": "complete", "url": None})
    site.rpc.answers["billing.get_checkout"] = over
    assert "pay.example" not in site.get(f"{path}/{CONTRACT_ID}", headers=COOKIE).text
