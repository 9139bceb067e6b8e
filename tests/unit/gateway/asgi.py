"""Requests to the application without a socket, and what stands behind it in unit tests."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI

from gateway.app import create_app, shared_by_all
from gateway.calls import Gateway
from gateway.config import GatewaySettings
from gateway.identity.service import Identity
from services.shared.kernel.errors import Unavailable
from tests.kit.fakes_identity import SECRET, FakeIdentity

# Made while sockets are still open: a loop needs a pair of them to wake itself.
_LOOP = asyncio.new_event_loop()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class FakeRpc:
    """Answers what it was told to; keeps what it was asked."""

    ready = True

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def start(self) -> None:
        """Nothing to connect to."""

    def stop(self) -> None:
        """Nothing to close."""

    def call(self, service: str, method: str, request: Mapping[str, Any], deadline_s: float) -> Mapping[str, Any]:
        del deadline_s
        name = f"{service}.{method}"
        self.asked.append((name, request))
        answer = self.answers.get(name)
        if answer is None:
            raise Unavailable("nobody answers")
        if callable(answer):
            answer = answer()
        found: Mapping[str, Any] = answer if isinstance(answer, dict) else {"view": answer.model_dump_json()}
        return found

    def refuse(self, name: str, kind: str, code: str, text: str = "refused", **facts: Any) -> None:
        self.answers[name] = {"error": {"kind": kind, "code": code, "text": text, "facts": facts}}

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request["body"]) for _, request in self.asked]


class Site:
    """The application over fakes."""

    def __init__(self, **settings: Any) -> None:
        self.rpc = FakeRpc()
        self.identity = FakeIdentity()
        self.settings = GatewaySettings.model_validate(
            {
                "broker_url": "amqp://nowhere.invalid",
                "public_url": "http://yiqi.test",
                "session_secret": SECRET,
                "report_check_wait_s": 0.3,
                **settings,
            }
        )
        self.gateway: Gateway = shared_by_all(self.settings, self.rpc, cast("Identity", self.identity))
        self.app: FastAPI = create_app(self.gateway)

    def close(self) -> None:
        aside: ThreadPoolExecutor = self.gateway.aside
        aside.shutdown()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        key: str | None = "key-1",
        api_key: str | None = None,
        declare_length: bool = True,
        cut_off: bool = False,
    ) -> Answer:
        """
        One request. A mapping travels as JSON; an iterable of bytes in chunks, without a declared length.

        *cut_off*: who sends it is gone before the body comes.
        """
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if isinstance(body, Mapping):
            body = json.dumps(body).encode()
        chunks = [body or b""] if isinstance(body, bytes | None) else body
        if body is not None:
            sent.setdefault("content-type", "application/json")
            if isinstance(body, bytes) and declare_length:
                sent.setdefault("content-length", str(len(body)))
            elif "content-length" not in sent:
                sent.setdefault("transfer-encoding", "chunked")
        if key is not None and method == "POST":
            sent.setdefault("idempotency-key", key)
        if api_key is not None:
            sent.setdefault("authorization", f"Bearer {api_key}")
        return _LOOP.run_until_complete(_request(self.app, method, path, iter(chunks), sent, cut_off=cut_off))

    def get(self, path: str, **more: Any) -> Answer:
        return self.send("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return self.send("POST", path, body, **more)


async def _request(
    app: Any, method: str, path: str, chunks: Any, headers: Mapping[str, str], *, cut_off: bool
) -> Answer:
    where, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
        "scheme": "http",
        "path": where, "raw_path": where.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in {"host": "yiqi.test", **headers}.items()],
        "client": ("203.0.113.7", 50_000), "server": ("yiqi.test", 80),
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if cut_off:
            return {"type": "http.disconnect"}
        chunk = next(chunks, None)
        if chunk is None:
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": chunk, "more_body": "transfer-encoding" in headers}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(start["status"], {n.decode().lower(): v.decode() for n, v in start["headers"]}, body)


Factory = Callable[..., Site]
