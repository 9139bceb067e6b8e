"""The public HTTP API, as the loaders of catalogues knock at it."""

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Protocol

import requests

Json = dict[str, Any]

RETRY_STATUSES = frozenset({429, 503})
WAIT_S_MAX = 5.0


class DoorRefused(Exception):
    """The API refused a request. *code* is the problem's stable name, *facts* what it says of it."""

    def __init__(self, path: str, status: int, code: str, text: str, facts: Mapping[str, Any]) -> None:
        super().__init__(f"{path}: {status} {code}: {text} {dict(facts) or ''}".rstrip())
        self.status = status
        self.code = code
        self.facts = dict(facts)


class Door(Protocol):
    def post(self, path: str, body: Json, *, key: str, api_key: str | None = None) -> Json:
        """
        Send *body* to *path* (below /v1) under the idempotency key *key*; the same key and body again changes
        nothing and gets the same answer.

        Raises:
            DoorRefused
        """


class HttpDoor:
    """
    Over HTTP. What is not available at the moment is asked for again, under the same key, for up to *patience_s*.

    One may be shared by several threads: each request has a connection of its own.
    """

    def __init__(self, url: str, *, patience_s: float = 60.0) -> None:
        self._url = url.rstrip("/")
        self._patience_s = patience_s

    def post(self, path: str, body: Json, *, key: str, api_key: str | None = None) -> Json:
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        if api_key is not None:
            headers["Authorization"] = f"Bearer {api_key}"
        until = time.monotonic() + self._patience_s
        wait_s = 0.2
        while True:
            error: Exception
            try:
                answer = requests.post(f"{self._url}/v1{path}", json=body, headers=headers, timeout=30)
            except requests.ConnectionError as broken:  # nobody is listening yet, or the process was restarted
                error = broken
            else:
                if answer.status_code < 300:
                    made: Json = answer.json()
                    return made
                error = _refusal(path, answer)
                if answer.status_code not in RETRY_STATUSES:
                    raise error
                wait_s = max(wait_s, min(_seconds(answer.headers.get("Retry-After")), WAIT_S_MAX))
            if time.monotonic() + wait_s > until:
                raise error
            time.sleep(wait_s)
            wait_s = min(wait_s * 2, WAIT_S_MAX)


def content_key(*parts: object) -> str:
    """An idempotency key that *parts* (JSON values) alone decide: the same content has the same key tomorrow."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"catalogue/{sha256(text.encode()).hexdigest()}"


def _refusal(path: str, answer: requests.Response) -> DoorRefused:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    told = problem if isinstance(problem, dict) else {}
    return DoorRefused(
        path,
        answer.status_code,
        str(told.get("code", "")),
        str(told.get("detail") or told.get("title") or answer.text[:200]),
        {**told.get("facts", {}), **({"fields": told["fields"]} if told.get("fields") else {})},
    )


def _seconds(header: str | None) -> float:
    return float(header) if header is not None and header.isdecimal() else 0.0
