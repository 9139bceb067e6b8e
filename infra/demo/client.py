"""
A small client of the public HTTP API: addresses, keys, problem documents, and patience.

Every request may be repeated: a GET changes nothing, and a POST carries an idempotency key. So whatever fails
for want of an answer (connection refused or cut, no answer in time, 503, 429) is asked again, with the same
key, until *patience_s* are over.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import requests

Json = dict[str, Any]
T = TypeVar("T")

RETRY_STATUSES = frozenset({429, 502, 503, 504})
TWIN_UNDER_WAY = "idempotency_key_in_use"
NOT_THERE_YET = frozenset({"not_found", "orders.document_not_ready"})
WAIT_S_MAX = 2.0
TIMEOUT_S = 30.0


class Refused(Exception):
    """The API answered with a problem document. *code* is stable; *facts* and *fields* say more."""

    def __init__(self, method: str, path: str, answer: requests.Response) -> None:
        problem = problem_of(answer)
        self.status = answer.status_code
        self.code = str(problem.get("code", ""))
        self.facts: Json = problem.get("facts") or {}
        self.fields: list[Json] = problem.get("fields") or []
        told = problem.get("detail") or answer.text[:300]
        more = " ".join(str(part) for part in (self.facts, self.fields) if part)
        super().__init__(f"{method} {path}: {self.status} {self.code}: {told} {more}".rstrip())


class NotInTime(TimeoutError):
    """What should have followed by itself did not come about in time."""


def problem_of(answer: requests.Response) -> Json:
    """The problem document in *answer*; empty when it holds none."""
    if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        return {}
    found: Json = answer.json()
    return found


@dataclass(frozen=True)
class Session:
    """A person signed in: the cookie, and the token that goes with everything that changes something."""

    cookie: str
    csrf_token: str


@dataclass(frozen=True)
class Client:
    """
    Who asks, and where.

    Attributes:
        base_url: Of the gateway, without /v1.
        api_key: Of a machine; or *session* of a person; or neither.
        patience_s: How long to go on asking while nobody answers.
    """

    base_url: str
    api_key: str | None = None
    session: Session | None = field(default=None, repr=False)
    patience_s: float = 90.0

    def get(self, path: str, **params: str | int) -> Json:
        """
        What stands at *path* (below /v1).

        Raises:
            Refused, requests.RequestException: The last answer, or why there was none.
        """
        found: Json = self._patiently("GET", path, params=params).json()
        return found

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str) -> Json:
        """Send *body* to *path* under the idempotency key *key*. Raises as `get` does."""
        answer = self._patiently("POST", path, body=body, key=key)
        made: Json = answer.json()
        return made

    def ask(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, key: str | None = None,
        params: Mapping[str, str | int] | None = None, raw: bytes | None = None,
    ) -> requests.Response:  # fmt: skip
        """One request and its answer, whatever it is. *raw*: the body as it goes out, instead of *body*."""
        sent = {"Accept-Language": "en", **self._credentials()}
        if key is not None:
            sent["Idempotency-Key"] = key
        if raw is not None:
            sent["Content-Type"] = "application/json"
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment has no business with loopback
            return session.request(
                method, f"{self.base_url}/v1{path}", json=body, data=raw, params=params,
                headers=sent, timeout=TIMEOUT_S,
            )  # fmt: skip

    def download(self, path: str, folder: Path, name: str = "") -> Path:
        """
        Fetch the document whose link stands at *path* into *folder*, and check its hash.

        Waits while the document is being made. *name*: instead of the file's own.
        """
        link = until(
            lambda: self.get(path),
            lambda found: bool(found["url"]),
            f"the document at {path}",
            timeout_s=self.patience_s,
            missing_ok=True,
        )
        body = fetch_file(link["url"], self.patience_s)
        if sha256(body).hexdigest() != link["sha256"]:
            raise ValueError(f"{path}: the file is not what its hash says")
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / (name or link["filename"])
        target.write_bytes(body)
        return target

    def _credentials(self) -> dict[str, str]:
        if self.api_key is not None:
            return {"Authorization": f"Bearer {self.api_key}"}
        if self.session is not None:
            return {"Cookie": f"yiqi_session={self.session.cookie}", "X-CSRF-Token": self.session.csrf_token}
        return {}

    def _patiently(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, key: str | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> requests.Response:  # fmt: skip
        deadline = time.monotonic() + self.patience_s
        wait_s = 0.1
        while True:
            error: Exception
            try:
                answer = self.ask(method, path, body=body, key=key, params=params)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as cut:
                error = cut
            else:
                if answer.ok:
                    return answer
                refused = Refused(method, path, answer)
                if answer.status_code not in RETRY_STATUSES and refused.code != TWIN_UNDER_WAY:
                    raise refused
                error = refused
                asked_s = answer.headers.get("Retry-After", "")
                wait_s = max(wait_s, min(float(asked_s), WAIT_S_MAX)) if asked_s.isdecimal() else wait_s
            if time.monotonic() + wait_s > deadline:
                raise error
            time.sleep(wait_s)
            wait_s = min(wait_s * 2, WAIT_S_MAX)


def sign_in(base_url: str, mail: str, password: str) -> Client:
    """A client for the person with this mail address."""
    credentials = {"mail": mail, "password": password}
    answer = Client(base_url)._patiently("POST", "/sessions", body=credentials)
    return Client(base_url, session=Session(answer.cookies["yiqi_session"], answer.json()["csrf_token"]))


def until(
    fetch: Callable[[], T], done: Callable[[T], bool], what: str, *, timeout_s: float = 90.0, missing_ok: bool = False
) -> T:
    """
    Fetch again and again until *done* says so, and answer what was fetched.

    *what* is named when it does not come about; with *missing_ok* `NOT_THERE_YET` means just that.

    Raises:
        NotInTime: With what was fetched last.
    """
    deadline = time.monotonic() + timeout_s
    wait_s = 0.05
    last: object = None
    while True:
        try:
            found = fetch()
        except Refused as refused:
            if not (missing_ok and refused.code in NOT_THERE_YET):
                raise
            last = refused
        else:
            if done(found):
                return found
            last = found
        if time.monotonic() > deadline:
            raise NotInTime(f"{what} did not come about in {timeout_s:.0f} s; last: {str(last)[:600]}")
        time.sleep(wait_s)
        wait_s = min(wait_s * 1.5, 0.5)


def fetch_file(url: str, patience_s: float = 90.0) -> bytes:
    """The bytes behind a presigned address; asked again while nobody answers."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(url, timeout=TIMEOUT_S)
            if answer.status_code < 500:
                answer.raise_for_status()
                return answer.content
        except (requests.ConnectionError, requests.Timeout):
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            answer.raise_for_status()
        time.sleep(0.3)


def put_file(url: str, body: bytes, media_type: str = "application/pdf", patience_s: float = 90.0) -> int:
    """
    Upload *body* to a presigned address, as a browser does; again while nobody answers, for the bytes are the same.

    Returns:
        The HTTP status.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with requests.Session() as session:
                session.trust_env = False
                status = session.put(
                    url, data=body, headers={"Content-Type": media_type}, timeout=TIMEOUT_S
                ).status_code
            if status < 500 or time.monotonic() > deadline:
                return status
        except (requests.ConnectionError, requests.Timeout):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.3)
