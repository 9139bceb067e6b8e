"""Loading a catalogue into something that remembers keys as the API does."""

import json
from dataclasses import dataclass
from threading import Lock
from typing import Any

import pytest
import requests

from infra.demo.catalogue.load import catalogues, content_key, load
from infra.demo.client import Json, Refused


class FakeApi:
    """Answers as the API does; *early* approvals are refused because the verification has not arrived."""

    def __init__(self, early: int = 0) -> None:
        self.answers: dict[tuple[str | None, str], Json] = {}
        self.made: list[tuple[str, str | None]] = []
        self.early = early
        self.lock = Lock()

    def acting(self, api_key: str | None) -> "FakeClient":
        return FakeClient(self, api_key)

    def post(self, path: str, body: Json, key: str, api_key: str | None) -> Json:
        with self.lock:
            assert len(key) <= 255
            json.dumps(body)
            if (api_key, key) in self.answers:
                return self.answers[api_key, key]
            if body.get("decision") == "approve" and self.early > 0:
                self.early -= 1
                raise Refused("POST", path, not_ready())
            self.made.append((path, api_key))
            number = len(self.made)
            answer: dict[str, Any] = {"offering_id": f"offering-{number}"}
            if path == "/organisations":
                answer = {"organisation": {"organisation_id": f"organisation-{number}"}, "api_key": f"yiqi_{number}"}
            self.answers[api_key, key] = answer
            return answer


@dataclass(frozen=True)
class FakeClient:
    api: FakeApi
    api_key: str | None

    def post(self, path: str, body: Json, *, key: str) -> Json:
        return self.api.post(path, body, key, self.api_key)


def not_ready() -> requests.Response:
    """How the API says that the verification has not arrived."""
    answer = requests.Response()
    answer.status_code = 409
    answer.headers["Content-Type"] = "application/problem+json"
    answer._content = b'{"code": "catalog.provider_not_ready", "facts": {"missing": ["verified_identity"]}}'
    return answer


def test_a_second_run_makes_nothing() -> None:
    """The same organisations, keys and offerings are found again, without one more request taking effect."""
    api = FakeApi()
    first = load(api.acting, "yiqi_operator", catalogues())
    made = len(api.made)
    assert sum(len(provider.offerings) for provider in first) >= 60
    assert load(api.acting, "yiqi_operator", catalogues()) == first
    assert len(api.made) == made


def test_who_does_what() -> None:
    """The provider drafts and submits, the operating company verifies, approves and publishes."""
    api = FakeApi()
    (provider,) = load(api.acting, "yiqi_operator", catalogues()[:1])
    for path, api_key in api.made:
        if path.endswith(("/verify", "/review")):
            assert api_key == "yiqi_operator"
        if path in {"/providers", "/offerings"}:
            assert api_key == provider.api_key
    steps = [api_key for path, api_key in api.made if path.endswith("/steps")]
    assert steps.count("yiqi_operator") == steps.count(provider.api_key) == len(provider.offerings)


def test_drafts_only() -> None:
    """Nothing is submitted when nothing shall be published."""
    api = FakeApi()
    load(api.acting, "yiqi_operator", catalogues()[:1], publish=False)
    assert not any(path.endswith("/steps") for path, _ in api.made)


def test_approval_waits_for_the_verification() -> None:
    """It reaches the catalogue a moment later; after a minute the refusal is told."""
    waits: list[float] = []
    load(FakeApi(early=3).acting, "yiqi_operator", catalogues()[:1], sleep=waits.append)
    assert waits == [0.5] * 3
    with pytest.raises(Refused):
        load(FakeApi(early=1_000).acting, "yiqi_operator", catalogues()[:1], sleep=waits.append)


def test_keys_follow_the_content() -> None:
    """The order of fields does not count, every value does."""
    assert content_key("a", {"x": 1, "y": 2}) == content_key("a", {"y": 2, "x": 1})
    assert len({content_key("a", {"x": 1}), content_key("a", {"x": 2}), content_key("b", {"x": 1})}) == 3
