"""`/healthz` (the process lives), `/readyz` (it can do its work) and `/metrics`, on a loopback port of its own."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

Check = Callable[[], str | None]
"""Answers what is wrong, or none."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Probes come every few seconds; they are no news."""


def serve(host: str, port: int, checks: Mapping[str, Check]) -> None:
    """Answer on *host*:*port* from a thread of its own."""
    metrics_app = make_wsgi_app()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            answer: Iterable[bytes] = metrics_app(environ, start_response)
            return answer
        if path == "/healthz":
            return _json(start_response, "200 OK", {"status": "alive"})
        if path == "/readyz":
            wrong = problems(checks)
            status = "503 Service Unavailable" if wrong else "200 OK"
            return _json(start_response, status, {"status": "not ready" if wrong else "ready", "wrong": wrong})
        return _json(start_response, "404 Not Found", {})

    server = make_server(host, port, app, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()


def problems(checks: Mapping[str, Check]) -> dict[str, str]:
    """What is wrong, by the name of the check; empty: ready."""
    return {name: problem for name, check in checks.items() if (problem := _ask(check)) is not None}


def _ask(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is why we are not ready
        return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def _json(start_response: Callable[..., Any], status: str, body: object) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
