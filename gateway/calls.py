"""
How a route asks a service: `caller.ask(GetOrder(order_id=order_id), OrderView)`.

Identity is asked the same way and in the same envelope, only without a broker between.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from gateway.auth import (
    PUBLIC_WIRE,
    SESSION_COOKIE,
    AuthenticationMissing,
    Authenticator,
    Identified,
    RateLimit,
    check_csrf,
    token_in,
)
from gateway.config import GatewaySettings
from gateway.identity.service import Identity
from gateway.problems import Asked, Language
from gateway.schemas.base import Schema
from services.shared.chassis import telemetry
from services.shared.kernel.actor import PUBLIC, Actor
from services.shared.kernel.errors import (
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    Refused,
    Unavailable,
    YiqiError,
)
from services.shared.messages.base import Command, Query, View

V = TypeVar("V", bound=View)
T = TypeVar("T")

_KINDS: Mapping[str, type[YiqiError]] = {
    "invalid": Invalid,
    "not_allowed": NotAllowed,
    "not_found": NotFound,
    "conflict": Conflict,
    "refused": Refused,
    "unavailable": Unavailable,
}
_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class KeyMissing(Invalid):
    """The header Idempotency-Key is required."""

    code = "idempotency_key_missing"


class KeyInvalid(Invalid):
    """Idempotency-Key must be 1 to 255 printable characters."""

    code = "idempotency_key_invalid"


class MediaTypeUnsupported(Invalid):
    """The body must be application/json."""

    code = "media_type_unsupported"


class ServiceFailed(Exception):
    """A service answered with a bug of its own, or with something that is no answer."""


class Rpc(Protocol):
    """`chassis.rpc_client.RpcClient`, or what stands in for it in tests."""

    @property
    def ready(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def call(self, service: str, method: str, request: Mapping[str, Any], deadline_s: float) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Gateway:
    """What all requests of this process share."""

    settings: GatewaySettings
    rpc: Rpc
    identity: Identity
    authenticator: Authenticator
    registrations: RateLimit
    sign_ins: RateLimit
    aside: ThreadPoolExecutor
    """For pages that ask several services at the same time."""

    @property
    def secret(self) -> str:
        return self.settings.session_secret.get_secret_value()


class Caller:
    """One request: who asks, in which language, under which correlation id and idempotency key."""

    __slots__ = ("correlation_id", "gateway", "identified", "key", "language", "traceparent")

    def __init__(self, gateway: Gateway, request: Request, identified: Identified | None) -> None:
        state = request.scope["state"]
        self.gateway = gateway
        self.identified = identified
        self.correlation_id: str = state["correlation_id"]
        self.traceparent: str = state["traceparent"]
        self.language: Language = state["language"]
        self.key = request.headers.get("idempotency-key")
        if self.key is not None and not _KEY.fullmatch(self.key):
            raise KeyInvalid

    @property
    def actor(self) -> Actor:
        return self.identified.actor if self.identified is not None else PUBLIC

    @property
    def asked(self) -> Asked:
        return Asked(self.language, self.correlation_id)

    def ask(
        self,
        message: Command | Query,
        view: type[V],
        *,
        key: str | None = None,
        service: str | None = None,
        deadline_s: float | None = None,
    ) -> V:
        """
        The answer of the service that *message* is for. Blocks; called in a thread.

        Args:
            message: The command or query.
            view: What it answers.
            key: Idempotency key; none: the request's own header, which every command needs.
            service: For messages that every service answers; none: as the wire name says.
            deadline_s: None: the default for commands or queries.

        Raises:
            KeyMissing: A command without a key.
            YiqiError: What the service refused, with its code and facts, or `Unavailable`.
            ServiceFailed: A bug over there.
        """
        owner, _, method = message.wire_name.partition(".")
        settings = self.gateway.settings
        if isinstance(message, Command):
            key = key or self.key
            if key is None:
                raise KeyMissing
            limit_s = deadline_s or settings.command_deadline_s
        else:
            key = None
            limit_s = deadline_s or settings.query_deadline_s
        with telemetry.span(f"ask {message.wire_name}", self.traceparent, kind="client") as traceparent:
            envelope = {
                "body": message.model_dump_json(),
                "actor": self.identified.wire if self.identified is not None else PUBLIC_WIRE,
                "key": key,
                "correlation_id": self.correlation_id,
                "traceparent": traceparent,
            }
            if owner == "identity":
                answer = self.gateway.identity.call(method, envelope)
            else:
                answer = self.gateway.rpc.call(service or owner, method, envelope, limit_s)
        error = answer.get("error")
        if error is not None:
            raise _refusal(message.wire_name, error)
        try:
            return view.parse(answer["view"])
        except (ValidationError, KeyError) as wrong:
            raise ServiceFailed(f"{message.wire_name} was answered by something else") from wrong

    def together(self, **asks: Callable[[], Any]) -> dict[str, Any]:
        """Run all *asks* at the same time; what failed to come is None: shown as missing, never as zero."""
        running: dict[str, Future[Any]] = {name: self.gateway.aside.submit(ask) for name, ask in asks.items()}
        found: dict[str, Any] = {}
        for name, future in running.items():
            try:
                found[name] = future.result()
            except (YiqiError, ServiceFailed):
                found[name] = None
        return found


def _refusal(wire_name: str, error: Mapping[str, Any]) -> Exception:
    kind = _KINDS.get(error["kind"])
    if kind is None:
        return ServiceFailed(f"{wire_name} failed")
    refusal = kind(error["text"], **error["facts"])
    refusal.__dict__["code"] = error["code"]
    return refusal


async def _identify(request: Request, *, required: bool) -> Caller:
    gateway: Gateway = request.app.state.gateway
    brought = token_in(request.headers.get("authorization"), request.cookies.get(SESSION_COOKIE))
    if brought is None:
        if required:
            raise AuthenticationMissing
        return Caller(gateway, request, None)
    token, credential = brought
    identified = gateway.authenticator.cached(token)
    if identified is None:
        identified = await run_in_threadpool(gateway.authenticator.authenticate, token, credential)
    if identified.credential == "session" and request.method not in _SAFE:
        # The browser sends the cookie along whoever made the form; only our own pages know the token.
        check_csrf(gateway.secret, token, request.headers.get("x-csrf-token"))
    request.scope["state"]["organisation_id"] = str(identified.actor.organisation_id)
    return Caller(gateway, request, identified)


async def _signed(request: Request) -> Caller:
    return await _identify(request, required=True)


async def _anyone(request: Request) -> Caller:
    return await _identify(request, required=False)


Signed = Annotated[Caller, Depends(_signed)]
"""Whoever asks is known."""

Anyone = Annotated[Caller, Depends(_anyone)]
"""Whoever asks may be unknown; a key or session that does not hold is refused all the same."""

S = TypeVar("S", bound=Schema)


class JsonBody:
    """
    Dependency: the request's body as *model*. `body: Annotated[Wanted, Depends(JsonBody(Wanted))]`

    Not FastAPI's own body: that goes through Python values, where "5" and 5.0 pass for 5 and an id must
    not be text; here the JSON itself is checked, strictly.
    """

    def __init__(self, model: type[Schema]) -> None:
        self.model = model

    async def __call__(self, request: Request) -> Schema:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise MediaTypeUnsupported
        return self.model.model_validate_json(await request.body())


def new_correlation_id() -> str:
    return str(uuid.uuid4())


def client_address(request: Request) -> str:
    """The address the request came from; behind a proxy that is believed, the one it names."""
    return request.client.host if request.client is not None else ""
