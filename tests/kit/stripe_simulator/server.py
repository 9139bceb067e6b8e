"""HTTP: three doors on one port. `/v1/` is Stripe's API, `/_control/` drives the stand-in, the rest are pages."""

import ipaddress
import json
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.kit.stripe_simulator import api, control, files, pages
from tests.kit.stripe_simulator.errors import StripeError
from tests.kit.stripe_simulator.params import parse_form

BODY_BYTES_MAX = 6_000_000
JSON = "application/json"
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}


class Server(ThreadingHTTPServer):
    """`app` is set between binding, which finds the port, and serving."""

    daemon_threads = True
    request_queue_size = 128
    app: api.App

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up is what the scripts are for; anything else is a bug and is printed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Headers and body leave in one write: apart, Nagle's algorithm would cost 40 ms per answer."""

    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536
    disable_nagle_algorithm = True
    timeout = 120

    def do_GET(self) -> None:
        self.serve("GET")

    def do_POST(self) -> None:
        self.serve("POST")

    def do_OPTIONS(self) -> None:
        # Stripe's API may be called from any shop's page; the control interface may not, so it gets no leave here.
        leave = {"Access-Control-Allow-Headers": "*", "Access-Control-Allow-Methods": "GET, POST"}
        self.reply(204, "", JSON, ANY_ORIGIN | leave if self.path.startswith("/v1/") else {})

    def serve(self, method: str) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            self.reply(413, "{}", JSON)
            return
        raw = self.rfile.read(int(length))
        if self.headers.get_content_type() == "multipart/form-data":
            self.serve_api(method, path, files.parse_multipart(self.headers["Content-Type"], raw))
            return
        body = raw.decode("utf-8", "replace")
        if path.startswith("/_control/"):
            self.serve_control(path.removeprefix("/_control/"), body)
            return
        try:
            params = parse_form(address.query) | parse_form(body)
        except StripeError as error:
            self.reply(error.status, json.dumps(error.body()), JSON)
            return
        if path.startswith("/v1/"):
            self.serve_api(method, path, params)
        else:
            self.serve_page(method, path, params)

    def serve_api(self, method: str, path: str, params: dict[str, object]) -> None:
        headers = {name.title(): value for name, value in self.headers.items()}
        response = api.answer(self.server.app, api.Request(method, path.rstrip("/"), params, headers))
        if response.cut_after_s is not None:
            time.sleep(response.cut_after_s)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.reply(response.status, response.body, JSON, ANY_ORIGIN | response.headers)

    def serve_control(self, name: str, body: str) -> None:
        # A page in somebody's browser cannot send JSON across origins unasked, so this keeps it out as well.
        from_here = ipaddress.ip_address(self.client_address[0]).is_loopback
        if not from_here or (self.command == "POST" and self.headers.get_content_type() != JSON):
            self.reply(403, json.dumps({"error": "control is for JSON from this machine only"}), JSON)
            return
        try:
            given = json.loads(body or "{}")
        except ValueError:
            given = None
        if not isinstance(given, dict) or (self.command == "GET" and name != "state"):
            self.reply(400, json.dumps({"error": "POST a JSON object"}), JSON)
            return
        status, answer = control.answer(self.server.app, name, given)
        self.reply(status, json.dumps(answer), JSON)

    def serve_page(self, method: str, path: str, form: dict[str, object]) -> None:
        if path == "/done":
            page: pages.Page | None = pages.Page(
                200, pages.PAGE.format(title="Done", body="<p>You may close this page.</p>")
            )
        else:
            page = pages.answer(self.server.app, method, path, form)
        if page is None:
            self.reply(404, "nothing here", "text/plain")
            return
        extra = {"Location": page.location} if page.location else {}
        self.reply(page.status, page.text, "text/html", extra)

    def reply(self, status: int, text: str, content_type: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "nginx"

    def log_message(self, *_: object) -> None:
        """Silent: tests read the state, not a log."""
