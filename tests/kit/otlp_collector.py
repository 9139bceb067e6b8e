"""
An OpenTelemetry collector for tests, as a process of its own: takes OTLP over HTTP and shows what came.

    POST /v1/traces    protobuf, as the real one takes it
    GET /spans         everything so far, as JSON
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from infra.local.state import ROOT

HTTP_OK, HTTP_BAD_REQUEST, HTTP_NOT_FOUND = 200, 400, 404


@dataclass(frozen=True)
class Span:
    """
    One finished span; ids in hexadecimal.

    Attributes:
        process: *service.name* of whoever sent it.
        parent_id: Empty for the first of a trace.
    """

    process: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    failed: bool
    attributes: dict[str, Any] = field(default_factory=dict)


def read(body: bytes) -> list[Span]:
    """The spans of one export request."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Span(
            process=str(_plain(sent.resource.attributes)["service.name"]),
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            failed=span.status.code == span.status.STATUS_CODE_ERROR,
            attributes=_plain(span.attributes),
        )
        for sent in request.resource_spans
        for scope in sent.scope_spans
        for span in scope.spans
    ]


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@dataclass
class Collector:
    """A running one. Stopping its process with SIGSTOP makes one that takes connections and never answers."""

    url: str
    process: subprocess.Popen[bytes]

    def spans(self, trace_id: str) -> list[Span]:
        with requests.Session() as session:
            session.trust_env = False
            found = session.get(f"{self.url}/spans", timeout=10).json()
        return [span for each in found if (span := Span(**each)).trace_id == trace_id]


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Listens on a free port of its own choice."""
    process = subprocess.Popen([sys.executable, "-m", __name__], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield Collector(process.stdout.readline().decode().strip(), process)
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    """Print the address, then serve for ever."""
    spans: list[dict[str, Any]] = []
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/x-protobuf":
                self._answer(HTTP_BAD_REQUEST, b"", "text/plain")
                return
            came = [asdict(span) for span in read(body)]
            with lock:
                spans.extend(came)
            self._answer(HTTP_OK, ExportTraceServiceResponse().SerializeToString(), "application/x-protobuf")

        def do_GET(self) -> None:
            if self.path != "/spans":
                self._answer(HTTP_NOT_FOUND, b"", "text/plain")
                return
            with lock:
                body = json.dumps(spans).encode()
            self._answer(HTTP_OK, body, "application/json")

        def _answer(self, status: int, body: bytes, media_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
