"""
What every request passes before and after its route, in one ASGI layer: correlation id, size and
shape limits of the body, span, security headers, access log, metrics, and the answer to a bug.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from fastapi import Response
from prometheus_client import Histogram

from gateway import problems
from gateway.calls import ServiceFailed, new_correlation_id
from gateway.config import GatewaySettings
from gateway.problems import Asked, Language
from services.shared.chassis import telemetry
from services.shared.chassis.logs import logger

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logger("http")

REQUESTS = Histogram("yiqi_http_request_seconds", "HTTP requests", ["method", "route", "status"])

JSON_DEPTH_MAX = 32
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_WITH_FILE = re.compile(
    "/v1/(bank-statements(/files)?|bank-csv-maps(/preview)?|bank-orders/status-reports|programmes/[^/]+/statements)"
)
"""Where a bank's or an authority's file comes in."""
_QUIET = frozenset({"/healthz", "/readyz"})

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_HSTS = (b"strict-transport-security", b"max-age=31536000")


class Refusal(Exception):
    """The body is refused before any route sees it. *code* of the problem document."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Door:
    """ASGI middleware."""

    def __init__(self, app: App, settings: GatewaySettings) -> None:
        self.app = app
        self.settings = settings
        self._headers = [*_ALWAYS, _HSTS] if settings.secure else _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        sent_id = headers.get(b"x-correlation-id", b"").decode("latin-1")
        correlation_id = sent_id if _CORRELATION_ID.fullmatch(sent_id) else new_correlation_id()
        language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
        traceparent = headers.get(b"traceparent", b"").decode("latin-1")
        state = scope.setdefault("state", {})
        state.update(correlation_id=correlation_id, language=language)
        status = problems.STATUS_OF_KIND["bug"]
        begun = False

        async def answer(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = self._complete(message["headers"], correlation_id)
            await send(message)

        asked = Asked(language, correlation_id)
        path = scope["path"]
        try:
            with telemetry.span(
                f"HTTP {scope['method']}", traceparent if _TRACEPARENT.fullmatch(traceparent) else "",
                kind="server", path=path, correlation_id=correlation_id,
            ) as handed_on:  # fmt: skip
                state["traceparent"] = handed_on
                try:
                    whole = await self._body(scope, headers, receive)
                except Refusal as refusal:
                    # What is still on its way is not read, so the connection cannot serve another request.
                    refused = problems.document(asked, refusal.code, headers={"Connection": "close"})
                    await refused(scope, receive, answer)
                else:
                    await self.app(scope, whole, answer)
                finally:
                    telemetry.note(
                        f"HTTP {scope['method']} {_route(scope)}",
                        status=status, failed=status >= problems.STATUS_OF_KIND["bug"],
                    )  # fmt: skip
        except ServiceFailed as error:
            # Its traceback stands in the log of the service, under the same correlation id.
            log.error("service failed", path=path, correlation_id=correlation_id, error=str(error))
            if not begun:
                await _bug(asked)(scope, receive, answer)
        except Exception as error:
            log.error("bug", method=scope["method"], path=path, correlation_id=correlation_id, exc_info=error)
            if not begun:
                await _bug(asked)(scope, receive, answer)
        finally:
            route = _route(scope)
            elapsed_s = time.perf_counter() - started
            REQUESTS.labels(scope["method"], route, str(status)).observe(elapsed_s)
            if path not in _QUIET:
                log.info(
                    "request",
                    method=scope["method"],
                    route=route,
                    path=path,
                    status=status,
                    ms=round(elapsed_s * 1000, 1),
                    correlation_id=correlation_id,
                    organisation_id=state.get("organisation_id"),
                )

    def _complete(self, headers: Iterable[tuple[bytes, bytes]], correlation_id: str) -> list[tuple[bytes, bytes]]:
        own = list(headers)
        names = {name for name, _ in own}
        own += [(name, value) for name, value in self._headers if name not in names]
        own.append((b"x-correlation-id", correlation_id.encode()))
        if b"cache-control" not in names:
            own.append((b"cache-control", b"no-store"))
        return own

    async def _body(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
        """
        Read the body within its limits; what is returned gives it out again.

        Raises:
            Refusal: Too large, too slow, cut off, of two lengths, or JSON that nests too deep or holds a NUL.
        """
        if b"%00" in scope.get("query_string", b"") or "\x00" in scope["path"]:
            raise Refusal("text_not_allowed")
        declared = headers.get(b"content-length")
        chunked = b"transfer-encoding" in headers
        if declared is None and not chunked:
            return receive
        if declared is not None and chunked:
            # Whoever stands before us may have believed the other one: what follows could be a second,
            # hidden request. The refusal closes the connection, so nobody reads it as one.
            raise Refusal("request_malformed")
        large = _WITH_FILE.fullmatch(scope["path"])
        limit = self.settings.statement_bytes_max if large else self.settings.body_bytes_max
        if declared is not None and (not declared.isdigit() or int(declared) > limit):
            raise Refusal("body_too_large")
        try:
            async with asyncio.timeout(self.settings.body_timeout_s):
                body = await _read(receive, limit)
        except TimeoutError:
            raise Refusal("body_timeout") from None
        if b"json" in headers.get(b"content-type", b""):
            if _NUL.search(body):
                raise Refusal("text_not_allowed")
            if too_deep(body):
                raise Refusal("json_too_deep")
        return _again(body, receive)


def _route(scope: Scope) -> str:
    """The path with names in place of ids."""
    return str(getattr(scope.get("route"), "path", "unknown"))


async def _read(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            # Gone in the middle. Nobody will see the answer, and no route may take the part for the whole.
            raise Refusal("request_malformed")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise Refusal("body_too_large")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


def too_deep(body: bytes) -> bool:
    """Whether JSON nests deeper than 32 levels. Counting is enough for nearly every body."""
    if body.count(b"[") + body.count(b"{") <= JSON_DEPTH_MAX:
        return False
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > JSON_DEPTH_MAX:
            return True
    return False


def language_of(accept_language: str) -> Language:
    """Chinese where it is preferred to English, else English."""
    best: tuple[float, Language] = (0.0, "en")
    for entry in accept_language.split(",")[:20]:
        name, _, quality = entry.strip().partition(";q=")
        language: Language | None = (
            "zh" if name.lower().startswith("zh") else "en" if name[:2].lower() == "en" else None
        )
        if language is None:
            continue
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if weight > best[0]:
            best = (weight, language)
    return best[1]


def _bug(asked: Asked) -> Response:
    return problems.document(asked, "internal", kind="bug")
