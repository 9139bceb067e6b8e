"""
Who sends a request: session cookie, API key, or nobody.

What was looked up holds for 30 seconds in this process; a revocation through this process clears it
at once, one through another process counts after those 30 seconds at the latest.
"""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Any, Literal

from services.shared.kernel.actor import PUBLIC, Actor
from services.shared.kernel.errors import NotAllowed, Refused

CACHE_S = 30.0
CACHE_MAX = 10_000
API_KEY_PREFIX = "yiqi_"
SESSION_COOKIE = "yiqi_session"


class AuthenticationMissing(NotAllowed):
    """Please sign in, or send an API key."""

    code = "authentication_missing"


class AuthenticationInvalid(NotAllowed):
    """This key or session does not hold (any more)."""

    code = "authentication_invalid"


class CsrfTokenInvalid(NotAllowed):
    """The form is stale; open the page again."""

    code = "csrf_token_invalid"


class TooManyRequests(Refused):
    """Too many requests; please wait."""

    code = "too_many_requests"


@dataclass(frozen=True)
class Identified:
    """
    Somebody known.

    Attributes:
        name: Of the person or of the API key.
        language: The person's own; none for a machine.
        token: What they sent, for what is bound to it (the CSRF token).
        wire: The actor as the envelope of a call carries it, made once.
    """

    actor: Actor
    credential: Literal["api_key", "session"]
    name: str
    token: str
    language: Literal["zh", "en"] | None = None
    wire: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wire.update(wire_of(self.actor))


def wire_of(actor: Actor) -> dict[str, Any]:
    """The actor as `chassis/commands.py` reads it."""
    return {
        "organisation_id": str(actor.organisation_id),
        "roles": sorted(actor.roles),
        "member_id": str(actor.member_id) if actor.member_id else None,
        "kind": actor.kind,
        "operator": actor.operator,
    }


PUBLIC_WIRE = wire_of(PUBLIC)

Lookup = Callable[[str], Identified | None]


class Authenticator:
    """Asks *by_key* or *by_session* who holds a token, and remembers the answer for 30 seconds."""

    def __init__(self, by_key: Lookup, by_session: Lookup, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._by_key = by_key
        self._by_session = by_session
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[Identified, float]] = {}
        self._generation = 0

    def cached(self, token: str) -> Identified | None:
        """Without asking anybody; quick enough for the event loop."""
        entry = self._known.get(sha256(token.encode()).digest())
        return entry[0] if entry is not None and entry[1] > self._monotonic() else None

    def authenticate(self, token: str, credential: Literal["api_key", "session"]) -> Identified:
        """
        Raises:
            AuthenticationInvalid: Nobody has it, or it was revoked, or it is over.
        """
        generation = self._generation
        found = (self._by_key if credential == "api_key" else self._by_session)(token)
        if found is None:
            raise AuthenticationInvalid
        if len(self._known) >= CACHE_MAX:
            self._known.clear()
        # What was read before a revocation must not be remembered after it.
        if generation == self._generation:
            self._known[sha256(token.encode()).digest()] = (found, self._monotonic() + CACHE_S)
        return found

    def forget(self) -> None:
        """Something was revoked or changed: look everybody up again."""
        self._generation += 1
        self._known.clear()


def token_in(authorization: str | None, cookie: str | None) -> tuple[str, Literal["api_key", "session"]] | None:
    """
    What the request brings along: an API key in `Authorization: Bearer …`, or a session in its cookie.

    Raises:
        AuthenticationInvalid: There is a header Authorization and it holds no API key of ours.
    """
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.startswith(API_KEY_PREFIX) or len(token) > 200:
            raise AuthenticationInvalid
        return token, "api_key"
    if cookie:
        return cookie[:200], "session"
    return None


def csrf_token(secret: str, session: str) -> str:
    """Bound to the session, so that a form made for one person is worthless to another."""
    return hmac.new(secret.encode(), f"csrf/{session}".encode(), sha256).hexdigest()


def check_csrf(secret: str, session: str, sent: str | None) -> None:
    """
    Raises:
        CsrfTokenInvalid: The token is missing or is not this session's.
    """
    if not hmac.compare_digest((sent or "").encode(), csrf_token(secret, session).encode()):
        raise CsrfTokenInvalid


class RateLimit:
    """At most *count* in each window of *window_s* seconds per key, in this process."""

    def __init__(self, count: int, window_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._window_s = window_s
        self._monotonic = monotonic
        self._window = 0
        self._seen: dict[str, int] = {}
        self._lock = Lock()

    def take(self, key: str) -> None:
        """
        Raises:
            TooManyRequests: With `retry_after_s` among its facts.
        """
        now = self._monotonic()
        window = int(now // self._window_s)
        with self._lock:
            if window != self._window:
                self._window, self._seen = window, {}
            used = self._seen.get(key, 0)
            if used >= self._count:
                raise TooManyRequests(retry_after_s=int((window + 1) * self._window_s - now) + 1)
            self._seen[key] = used + 1
