"""
HTTP of the stand-in. `/_control/` drives it; everything else is what the university's system offers, behind a secret.

Faults: `timeout_before`, `timeout_after` (the connection ends without an answer, before or after the effect) ·
`error_before`, `error_after` (a 500) · `status` (*value*, without an effect) · `slow` (*value* seconds first) ·
`garbage` (200 and no JSON, after the effect) · `drip` (a byte each *value* seconds) · `other` (tells of another
reservation) · `twice` (does the same two times at once) · `huge` (a megabyte).
"""

import json
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.kit.finance_system.books import Books, Fault, Project


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    books: Books
    secret: str

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up is what the faults are for; anything else is a bug and is printed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536
    disable_nagle_algorithm = True
    timeout = 120

    def do_GET(self) -> None:
        self.serve("GET")

    def do_PUT(self) -> None:
        self.serve("PUT")

    def do_POST(self) -> None:
        self.serve("POST")

    def serve(self, method: str) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        parts = [unquote(part) for part in self.path.strip("/").split("/")]
        if parts[0] == "_control":
            self.reply(200, json.dumps(control(self.server.books, parts[1], body)))
            return
        if self.headers.get("authorization") != f"Bearer {self.server.secret}":
            self.reply(401, "{}")
            return
        self.under(self.server.books.fault_for(method, self.path), method, parts, body)

    def under(self, fault: Fault | None, method: str, parts: list[str], body: dict[str, Any]) -> None:
        kind = fault.kind if fault is not None else ""
        value = fault.value if fault is not None else 0
        if kind == "slow":
            era = self.server.books.era
            time.sleep(value)
            if self.server.books.era != era:  # another test has begun: this one's request is nobody's any more
                self.end("timeout", 0)
                return
        if kind in {"timeout_before", "error_before", "status"}:
            self.end(kind, int(value) or 500)
            return
        if kind == "twice":
            again = threading.Thread(target=answer, args=(self.server.books, method, parts, body))
            again.start()
        status, said = answer(self.server.books, method, parts, body)
        if kind in {"timeout_after", "error_after"}:
            self.end(kind, 500)
        elif kind == "garbage":
            self.reply(200, "<html>\u5b66\u6821\u7edf\u4e00\u8ba4\u8bc1</html>")
        elif kind == "huge":
            self.reply(200, json.dumps(said) + " " * 1_000_000)
        elif kind == "drip":
            self.drip(status, json.dumps(said), value)
        elif kind == "other":
            self.reply(status, json.dumps({**said, "key": "funding:another:1", "number": "another"}))
        else:
            self.reply(status, json.dumps(said))

    def end(self, kind: str, status: int) -> None:
        if kind.startswith("timeout"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.reply(status, '{"refused": "internal"}')

    def drip(self, status: int, text: str, pause_s: float) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        for byte in text.encode():
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(pause_s)

    def reply(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent: tests read the state, not a log."""


def answer(books: Books, method: str, parts: list[str], body: dict[str, Any]) -> tuple[int, Any]:
    with books.lock:
        books.requests.append(f"{method} {'/'.join(parts)}")
        for each in books.reservations.values():
            books.lapse(each)
        if method == "GET" and parts[0] == "projects":
            return books.project(parts[1])
        if method == "GET" and parts[0] == "reservations":
            return books.reservation(parts[1])
        if method == "PUT" and parts[0] == "reservations":
            return books.reserve(parts[1], body) if len(parts) == 2 else books.act(parts[1], parts[2], body)
    return 404, {}


def control(books: Books, what: str, body: dict[str, Any]) -> Any:
    with books.lock:
        if what == "reset":
            for held in (books.projects, books.reservations, books.faults, books.requests):
                held.clear()
            books.lapses_after_s, books.executes_less = None, 0
            books.era += 1
        elif what == "project":
            books.projects[body["number"]] = Project(**body)
        elif what == "fault":
            books.faults.append(Fault(**body))
        elif what == "set":
            for name, value in body.items():
                setattr(books, name, value)
        elif what == "lapse":
            for each in books.reservations.values():
                books.lapse(each, now=True)
        for each in books.reservations.values():
            books.lapse(each)
        return {
            "reservations": {key: vars(each) for key, each in books.reservations.items()},
            "available": {number: each.available for number, each in books.projects.items()},
            "requests": list(books.requests),
        }
