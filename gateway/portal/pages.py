"""
The portal's pages: signing in, joining, one's orders, one order. Server-rendered, no script, two languages.

Every page that posts carries the session's CSRF token; a form from elsewhere gets nowhere.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from gateway import problems
from gateway.auth import (
    SESSION_COOKIE,
    AuthenticationInvalid,
    CsrfTokenInvalid,
    check_csrf,
    csrf_token,
)
from gateway.calls import Caller, Gateway, ServiceFailed
from gateway.portal import figures
from gateway.problems import Language
from gateway.routes import access, checkout, order
from services.shared.kernel.errors import Invalid, NotFound, YiqiError
from services.shared.messages.billing.checkout import CheckoutView, OpenCheckout
from services.shared.messages.billing.payment import ListPayments, PaymentPage
from services.shared.messages.identity.member import JoinAsMember, MemberView
from services.shared.messages.invoicing.invoice import GetInvoiceDocument, InvoiceDocument
from services.shared.messages.orders.contract import DocumentLink, GetContractDocument
from services.shared.messages.orders.order import ListOrders, OrderPage
from services.shared.messages.orders.report import GetReportDocument
from services.shared.messages.orders.sample import GetPackingSheet

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

HERE = Path(__file__).parent
LANGUAGE_COOKIE = "yiqi_language"
_pages = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip


class PasswordRefused(Invalid):
    """A password needs at least ten characters."""

    code = "identity.password_too_short"


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Key → language → sentence."""
    found: dict[str, dict[str, str]] = json.loads((HERE / "texts.json").read_text("utf-8"))
    return found


def language_of(request: Request, identified_language: Language | None = None) -> Language:
    """What was chosen on the page, else the person's own, else the browser's."""
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    if chosen == "zh":
        return "zh"
    if chosen == "en":
        return "en"
    language: Language = identified_language or request.scope["state"]["language"]
    return language


def render(request: Request, name: str, language: Language, status: int = problems.OK, **values: Any) -> Response:
    def say(key: str) -> str:
        entry = texts().get(key)
        return entry[language] if entry is not None else key.rpartition(".")[2].replace("_", " ")

    page = _pages.get_template(f"{name}.html").render(
        say=say,
        language=language,
        path=request.url.path,
        money=lambda amount: figures.money(amount, language),
        when=lambda instant: figures.when(instant, language),
        **{"csrf": "", "who": "", **values},
    )
    response = HTMLResponse(page, status_code=status)
    response.headers["Content-Language"] = language
    if request.query_params.get("lang") in {"zh", "en"}:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=31_536_000, samesite="lax", httponly=True)
    return response


def _go(path: str) -> Response:
    return RedirectResponse(path, status_code=problems.SEE_OTHER)


def _visitor(request: Request) -> Caller | None:
    """Whoever is signed in by cookie; none to be sent to the sign-in page."""
    gateway: Gateway = request.app.state.gateway
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    try:
        identified = gateway.authenticator.cached(token) or gateway.authenticator.authenticate(token, "session")
    except AuthenticationInvalid:
        return None
    return Caller(gateway, request, identified)


def _frame(caller: Caller) -> dict[str, Any]:
    """What every page of somebody signed in needs."""
    if caller.identified is None:
        return {}
    return {"csrf": csrf_token(caller.gateway.secret, caller.identified.token), "who": caller.identified.name}


def _failed(
    request: Request, language: Language, error: YiqiError | ServiceFailed, frame: Mapping[str, Any]
) -> Response:
    asked = problems.Asked(language, request.scope["state"]["correlation_id"])
    if isinstance(error, YiqiError):
        status, text = problems.of_error(error, asked).status_code, problems.title_of(error, language)
    else:
        status = problems.STATUS_OF_KIND["bug"]
        text = texts()["page.bug"][language]
    return render(request, "problem", language, status, text=text, correlation_id=asked.correlation_id, **frame)


def for_people(request: Request) -> bool:
    """Whether a browser asks for something outside the API."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")


def nowhere(request: Request) -> Response:
    """There is no such page, and a way back."""
    language = language_of(request)
    correlation_id = request.scope["state"]["correlation_id"]
    text = texts()["page.nowhere"][language]
    return render(request, "problem", language, problems.NOWHERE, text=text, correlation_id=correlation_id)


def _from_here(request: Request) -> None:
    """
    A form that nobody is signed in for has no session to bind a token to: where it comes from must do.

    Raises:
        CsrfTokenInvalid: The browser says that another site sent it.
    """
    gateway: Gateway = request.app.state.gateway
    origin = request.headers.get("origin")
    own = {urlsplit(gateway.settings.public_url).netloc, request.url.netloc}
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"} or (
        origin is not None and urlsplit(origin).netloc not in own
    ):
        raise CsrfTokenInvalid


@router.get("/")
def front(request: Request) -> Response:
    return _go("/orders" if _visitor(request) is not None else "/sign-in")


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    return render(request, "sign_in", language_of(request), problem="", mail="")


@router.post("/sign-in")
def sign_in(
    request: Request, mail: Annotated[str, Form(max_length=250)], password: Annotated[str, Form(max_length=200)]
) -> Response:
    gateway: Gateway = request.app.state.gateway
    language = language_of(request)
    try:
        _from_here(request)
        token = access.begin_session(gateway, request, mail, password)
    except YiqiError as error:
        asked = problems.Asked(language, request.scope["state"]["correlation_id"])
        status = problems.of_error(error, asked).status_code
        return render(request, "sign_in", language, status, problem=problems.title_of(error, language), mail=mail)
    response = _go("/orders")
    access.give_cookie(response, gateway, token)
    return response


@router.post("/sign-out")
def sign_out(request: Request, csrf: Annotated[str, Form(alias="csrf_token", max_length=100)] = "") -> Response:
    caller = _visitor(request)
    if caller is not None and caller.identified is not None:
        check_csrf(caller.gateway.secret, caller.identified.token, csrf)
        caller.gateway.identity.sign_out(caller.identified.token)
        caller.gateway.authenticator.forget()
    response = _go("/sign-in")
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.get("/join")
def join_page(request: Request, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    return render(request, "join", language_of(request), problem="", token=token)


@router.post("/join")
def join(
    request: Request, token: Annotated[str, Form(max_length=200)], password: Annotated[str, Form(max_length=200)]
) -> Response:
    language = language_of(request)
    caller = Caller(request.app.state.gateway, request, None)
    try:
        _from_here(request)
        try:
            command = JoinAsMember(token=token, password=password)
        except ValidationError as error:
            raise PasswordRefused from error
        # The link holds once; that is all the key has to say.
        caller.ask(command, MemberView, key=f"join {caller.correlation_id}")
    except YiqiError as error:
        asked = problems.Asked(language, caller.correlation_id)
        status = problems.of_error(error, asked).status_code
        return render(request, "join", language, status, problem=problems.title_of(error, language), token=token)
    return _go("/sign-in")


@router.get("/orders")
def orders_page(request: Request, after: Annotated[str | None, Query(max_length=500)] = None) -> Response:
    caller = _visitor(request)
    if caller is None or caller.identified is None:
        return _go("/sign-in")
    language = language_of(request, caller.identified.language)
    try:
        page = caller.ask(ListOrders(after=after, limit=25), OrderPage)
    except (YiqiError, ServiceFailed) as error:
        return _failed(request, language, error, _frame(caller))
    return render(request, "orders", language, orders=page.items, next_cursor=page.next_cursor, **_frame(caller))


@router.get("/orders/{order_id}")
def order_page(request: Request, order_id: UUID) -> Response:
    caller = _visitor(request)
    if caller is None or caller.identified is None:
        return _go("/sign-in")
    language = language_of(request, caller.identified.language)
    try:
        found = caller.together(
            order=lambda: order.load(caller, order_id),
            payments=lambda: caller.ask(ListPayments(order_id=order_id), PaymentPage),
            invoices=lambda: order.invoices_of(caller, order_id),
        )
        view = found["order"] or order.load(caller, order_id)
    except (YiqiError, ServiceFailed) as error:
        return _failed(request, language, error, _frame(caller))
    documents = order.documents(view, found["invoices"])
    money_side = view.seen_as in {"customer", "operator"}
    missing = [*documents.missing, *(["billing"] if money_side and found["payments"] is None else [])]
    return render(
        request,
        "order",
        language,
        order=order.shown(view),
        seen_as=view.seen_as,
        steps=order.timeline(view).items if view.seen_as != "station" else (),
        documents=documents.items,
        payments=found["payments"].items if money_side and found["payments"] is not None else (),
        missing=missing,
        rows=figures.amounts(view),
        **_frame(caller),
    )


@router.post("/orders/{order_id}/pay")
def pay(
    request: Request,
    order_id: UUID,
    payment_id: Annotated[UUID, Form()],
    csrf: Annotated[str, Form(alias="csrf_token", max_length=100)] = "",
) -> Response:
    """Ask for a page of the payment institution, and off to where its address is shown."""
    caller = _visitor(request)
    if caller is None or caller.identified is None:
        return _go("/sign-in")
    language = language_of(request, caller.identified.language)
    back = f"{caller.gateway.settings.public_url}/orders/{order_id}"
    command = OpenCheckout(payment_id=payment_id, success_url=back, cancel_url=back)
    try:
        check_csrf(caller.gateway.secret, caller.identified.token, csrf)
        # The one page that is open is given again: that is all the key has to say.
        made = caller.ask(command, CheckoutView, key=f"pay {caller.correlation_id}")
    except (YiqiError, ServiceFailed) as error:
        return _failed(request, language, error, _frame(caller))
    return _go(f"/orders/{order_id}/pay/{made.checkout_id}")


@router.get("/orders/{order_id}/pay/{checkout_id}")
async def pay_page(request: Request, order_id: UUID, checkout_id: UUID) -> Response:
    """
    A link to the payment institution's page.

    Not a redirect: the browser lets a form of ours lead nowhere else (Content-Security-Policy, form-action).
    """
    caller = await run_in_threadpool(_visitor, request)
    if caller is None or caller.identified is None:
        return _go("/sign-in")
    language = language_of(request, caller.identified.language)
    try:
        page = await checkout.made(caller, checkout_id)
    except (YiqiError, ServiceFailed) as error:
        return _failed(request, language, error, _frame(caller))
    return render(
        request, "pay", language, url=page.url, waiting=page.state == "created", order_id=order_id, **_frame(caller)
    )


@router.get("/orders/{order_id}/open/{kind}/{subject}")
def open_document(request: Request, order_id: UUID, kind: str, subject: UUID) -> Response:
    """Off to the file itself, by an address that holds five minutes."""
    caller = _visitor(request)
    if caller is None or caller.identified is None:
        return _go("/sign-in")
    language = language_of(request, caller.identified.language)
    try:
        return _go(_address(caller, order_id, kind, subject))
    except (YiqiError, ServiceFailed) as error:
        return _failed(request, language, error, _frame(caller))


def _address(caller: Caller, order_id: UUID, kind: str, subject: UUID) -> str:
    match kind:
        case "contract":
            return caller.ask(GetContractDocument(contract_id=subject, paper="contract"), DocumentLink).url
        case "order_sheet":
            return caller.ask(GetContractDocument(contract_id=subject, paper="order_sheet"), DocumentLink).url
        case "packing_sheet":
            return caller.ask(GetPackingSheet(order_id=order_id), DocumentLink).url
        case "report":
            return caller.ask(GetReportDocument(report_id=subject), DocumentLink).url
        case "invoice_pdf":
            return caller.ask(GetInvoiceDocument(invoice_id=subject, form="pdf"), InvoiceDocument).url
        case "invoice_xml":
            return caller.ask(GetInvoiceDocument(invoice_id=subject, form="xml"), InvoiceDocument).url
        case _:
            raise NotFound


@router.get("/assets/portal.css")
def stylesheet() -> Response:
    return FileResponse(
        HERE / "assets" / "portal.css", media_type="text/css", headers={"Cache-Control": "public, max-age=3600"}
    )


def documentation(request: Request, operations: Sequence[Mapping[str, Any]], schemas: Mapping[str, Any]) -> Response:
    """The API's description as a page."""
    return render(request, "documentation", language_of(request), operations=operations, schemas=schemas)
