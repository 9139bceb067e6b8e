"""One request of Stripe's API: who asks, has it been answered before, what does the script say, then the work."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.kit.stripe_simulator import faults, routes
from tests.kit.stripe_simulator.books import API_VERSION, Books, Obj, expand, new_id
from tests.kit.stripe_simulator.config import Config
from tests.kit.stripe_simulator.errors import StripeError, invalid
from tests.kit.stripe_simulator.params import check_known
from tests.kit.stripe_simulator.store import Store

KEY_LIFETIME_S = 86_400
EXPAND_DEPTH_MAX = 4


@dataclass
class App:
    """What all requests share. `running_keys` dies with the process, as a lock should."""

    config: Config
    store: Store
    running_keys: set[tuple[str, str]] = field(default_factory=set)
    running_lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    params: Obj
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Response:
    """`cut_after_s` is set where the connection is to be closed without an answer."""

    status: int
    body: str
    headers: dict[str, str]
    cut_after_s: float | None = None


def answer(app: App, request: Request) -> Response:
    """Answer one request under `/v1/`."""
    request_id = new_id("req")
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": request.headers.get("Stripe-Version") or API_VERSION,
    }
    fault = faults.Fault()
    try:
        is_public = check_key(app, request)
        found = find_route(request, is_public=is_public)
        fault = faults.take(app.store, request.method, request.path)
        faults.raise_before_start(fault)
        if fault.kind == "timeout_before_effect":
            return Response(0, "", {}, cut_after_s=fault.hold_s)
        status, body = once(app, request, found, fault, headers)
    except StripeError as error:
        status, body = error.status, json.dumps(error.body())
    cut = fault.hold_s if fault.kind == "timeout_after_effect" else None
    return Response(status, body, headers, cut_after_s=cut)


def find_route(request: Request, *, is_public: bool) -> tuple[routes.Route, tuple[str, ...]]:
    found = routes.find(request.method, request.path)
    if found is None or (is_public and not found[0].public):
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        raise StripeError(message, status=404, stored=False)
    return found


def check_key(app: App, request: Request) -> bool:
    """
    Whether the request came with a publishable key (and so may do little).

    Raises:
        StripeError: 401.
    """
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        given = base64.b64decode(given, validate=False).decode("utf-8", "replace").partition(":")[0]
    given = given.strip() or str(request.params.get("key", ""))
    if not given:
        raise StripeError(
            "You did not provide an API key. Provide it in the Authorization header, using Bearer auth (e.g. "
            "'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
            stored=False,
        )
    if secrets.compare_digest(given.encode(), app.config.api_key.encode()):
        return False
    if given.startswith("pk_test_"):
        return True
    raise StripeError(f"Invalid API Key provided: {given[:8]}****{given[-4:]}", status=401, stored=False)


def once(
    app: App,
    request: Request,
    found: tuple[routes.Route, tuple[str, ...]],
    fault: faults.Fault,
    headers: dict[str, str],
) -> tuple[int, str]:
    """Do the work, or answer as the first request with this idempotency key was answered."""
    account, key = request.headers.get("Stripe-Account", ""), request.headers.get("Idempotency-Key", "")
    if request.method != "POST" or not key:
        time.sleep(fault.delay_s)
        return perform(app, request, found, fault, headers, "")
    if len(key) > 255:
        raise invalid("Idempotency-Key is longer than 255 characters.")
    headers["Idempotency-Key"] = key
    with app.running_lock:
        if (account, key) in app.running_keys:
            raise faults.key_in_use()
        app.running_keys.add((account, key))
    try:
        stored = earlier_answer(app, request, account, key)
        if stored is not None:
            status, body, original = stored
            headers |= {"Idempotent-Replayed": "true", "Original-Request": original}
            return status, body
        time.sleep(fault.delay_s)
        headers["Original-Request"] = headers["Request-Id"]
        return perform(app, request, found, fault, headers, key)
    finally:
        with app.running_lock:
            app.running_keys.discard((account, key))


def fingerprint(request: Request) -> str:
    asked = json.dumps([request.method, request.path, request.params], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def earlier_answer(app: App, request: Request, account: str, key: str) -> tuple[int, str, str] | None:
    with app.store.books() as books:
        books.connection.execute("DELETE FROM answer WHERE created <= ?", (books.now - KEY_LIFETIME_S,))
        row = books.connection.execute(
            "SELECT fingerprint, status, body, request_id FROM answer WHERE account = ? AND key = ?",
            (account, key),
        ).fetchone()
    if row is None:
        return None
    if row[0] != fingerprint(request):
        raise StripeError(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request.",
            error_type="idempotency_error",
            stored=False,
        )
    return int(row[1]), str(row[2]), str(row[3])


def perform(
    app: App,
    request: Request,
    found: tuple[routes.Route, tuple[str, ...]],
    fault: faults.Fault,
    headers: dict[str, str],
    key: str,
) -> tuple[int, str]:
    """Run the endpoint; its effect and its stored answer are in one transaction."""
    account, request_id = request.headers.get("Stripe-Account", ""), headers["Request-Id"]
    route, idents = found

    def keep(books: Books, status: int, body: str) -> tuple[int, str]:
        if key:
            values = (account, key, fingerprint(request), status, body, request_id, books.now)
            books.connection.execute("INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        return status, body

    try:
        with app.store.books(account=account, request_id=request_id, key=key or None) as books:
            if fault.kind == "error_before_effect":
                raise faults.server_error()
            try:
                body = json.dumps(run(books, route, request, idents), indent=2)
            except StripeError as error:
                if not error.keeps_effect:
                    raise
                return keep(books, error.status, json.dumps(error.body()))
            if fault.kind == "error_after_effect":
                headers["Stripe-Should-Retry"] = "false"
                return keep(books, 500, json.dumps(faults.server_error().body()))
            return keep(books, 200, body)
    except StripeError as error:
        if error.status >= 500:
            headers["Stripe-Should-Retry"] = "false"
        body = json.dumps(error.body())
        if error.stored:
            with app.store.books() as books:
                keep(books, error.status, body)
        return error.status, body


def run(books: Books, route: routes.Route, request: Request, idents: tuple[str, ...]) -> Obj:
    if books.account and books.within("").any(books.account) is None:
        raise StripeError(
            f"The provided key does not have access to account '{books.account}' (or that account does not exist).",
            status=403,
            code="account_invalid",
            stored=False,
        )
    check_known(request.params, route.known)
    if not authorised_by_secret(books, request, idents):
        raise StripeError("The client_secret provided does not match the PaymentIntent.", status=401, stored=False)
    result = books.public(route.answer(books, request.params, *idents))
    for path in expansions(request.params.get("expand")):
        expand(books, result, path)
    return result


def authorised_by_secret(books: Books, request: Request, idents: tuple[str, ...]) -> bool:
    """A publishable key opens only the payment intent whose client secret comes along."""
    key = request.headers.get("Authorization", "").partition(" ")[2] or str(request.params.get("key", ""))
    if not key.startswith("pk_test_"):
        return True
    intent = books.get("payment_intent", idents[0], param="intent")
    return secrets.compare_digest(
        str(request.params.get("client_secret", "")).encode(), intent["client_secret"].encode()
    )


def expansions(asked: Any) -> list[list[str]]:
    names = asked if isinstance(asked, list) else list(asked.values()) if isinstance(asked, dict) else []
    paths = [str(name).split(".") for name in names]
    if any(len(path) > EXPAND_DEPTH_MAX for path in paths):
        raise invalid("You cannot expand more than 4 levels of a property.", param="expand")
    return paths
