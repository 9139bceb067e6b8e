"""HTTP: `/v1/` is the channel's API, signed; `/_control/` drives the stand-in."""

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.kit.split_channel.books import Books, Kind, RefusedError, shown
from tests.kit.split_channel.notices import ACTIONS, Notices

KINDS: Mapping[str, Kind] = {"orders": "order", "splits": "split", "returns": "return", "refunds": "refund"}
TOLERANCE_S = 300
FAULTS = ("timeout_before_effect", "timeout_after_effect", "error_before_effect", "error_after_effect", "busy")


@dataclass
class App:
    """*faults*: (kind, beginning of the path) of what happens to the next requests to it that make something."""

    merchant: str
    secret: str
    books: Books
    notices: Notices
    faults: list[tuple[str, str]] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def take_fault(self, path: str) -> str:
        for place, (kind, wanted) in enumerate(self.faults):
            if path.startswith(wanted):
                del self.faults[place]
                return kind
        return ""

    def tell(self) -> None:
        for kind, thing, number in self.books.told:
            self.notices.tell(kind, thing, number)
        self.books.told.clear()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    app: App

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that hang up are what the scripts are for."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        if self.path.startswith("/_control/"):
            self.reply(*control(self.server.app, self.path.removeprefix("/_control/"), json.loads(body or "{}")))
            return
        app = self.server.app
        with app.lock:
            faulty = self.command == "POST" or self.path.startswith("/v1/bills")
            fault = app.take_fault(self.path) if faulty else ""
        if fault == "timeout_before_effect":
            self.hang_up()
        elif fault == "error_before_effect":
            self.reply(500, {"code": "internal"})
        elif fault == "busy":
            self.reply(429, {"code": "busy"})
        else:
            with app.lock:
                status, answer = self.answer(app, body)
                app.tell()
            if fault == "timeout_after_effect":
                self.hang_up()
            elif fault == "error_after_effect":
                self.reply(500, {"code": "internal"})
            else:
                self.reply(status, answer)

    def answer(self, app: App, body: str) -> tuple[int, dict[str, Any]]:
        try:
            self.check_signature(app, body)
            app.books.release_due()
            return 200, self.route(app, [unquote(part) for part in self.path.split("/")[2:]], body)
        except RefusedError as error:
            return error.status, {"code": error.code}

    def route(self, app: App, parts: list[str], body: str) -> dict[str, Any]:
        if parts == ["balance"]:
            return {"available": app.books.balances[app.merchant]}
        if parts[0] == "bills" and self.command == "GET" and len(parts) == 2:
            bill = app.books.bills.bill(date.fromisoformat(parts[1]), app.books.now())
            if bill is None:
                raise RefusedError("bill_not_ready", 404)
            return bill
        kind = KINDS.get(parts[0])
        if kind is not None and self.command == "GET" and len(parts) == 2:
            return shown(app.books.get(kind, parts[1]))
        if kind is not None and self.command == "POST" and len(parts) == 1:
            return shown(app.books.make(kind, json.loads(body)))
        if kind == "order" and self.command == "POST" and parts[2:] == ["close"]:
            return shown(app.books.close(parts[1]))
        raise RefusedError("not_found", 404)

    def check_signature(self, app: App, body: str) -> None:
        """HMAC-SHA256 over method, path, timestamp, nonce and body, each with a line feed behind it."""
        at, nonce = self.headers.get("Channel-Timestamp", ""), self.headers.get("Channel-Nonce", "")
        said = f"{self.command}\n{self.path}\n{at}\n{nonce}\n{body}\n".encode()
        mac = hmac.new(app.secret.encode(), said, hashlib.sha256).hexdigest()
        fits = hmac.compare_digest(mac, self.headers.get("Channel-Signature", ""))
        in_time = at.isdigit() and abs(time.time() - int(at)) <= TOLERANCE_S
        if not fits or not in_time or self.headers.get("Channel-Merchant") != app.merchant or nonce in app.nonces:
            raise RefusedError("signature", 401)
        app.nonces.add(nonce)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def reply(self, status: int, answer: Mapping[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent: tests read the state, not a log."""


def control(app: App, name: str, given: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """What tests do to the channel, and see of it."""
    try:
        with app.lock:
            answer = CONTROLS[name](app, given)
            app.books.release_due()
            app.tell()
            return 200, dict(answer)
    except RefusedError as error:
        return 409, {"error": error.code}
    except (KeyError, ValueError, TypeError) as error:
        return 400, {"error": f"{name}: {error}"}


def _faults(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    if given["kind"] not in FAULTS:
        raise ValueError(given["kind"])
    app.faults += [(given["kind"], given["path"])] * given.get("count", 1)
    return {}


def _script(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    if given["action"] not in ACTIONS:
        raise ValueError(given["action"])
    app.notices.scripts += [(given["action"], given.get("value", 1))] * given.get("count", 1)
    return {}


def _slow(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    (app.books.slow.add if given["on"] else app.books.slow.discard)(given["kind"])
    return {}


def _advance(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    app.books.offset_s += given["seconds"]
    return {"now": app.books.now()}


def _restrict(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    app.books.restricted.add(given["payee"])
    return {}


def _withdraw(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    app.books.withdraw(given.get("whose") or app.merchant, given["amount"])
    return {}


def _bills(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    bills = app.books.bills
    bills.late = {date.fromisoformat(day) for day in given["late"]}
    bills.lost = {(kind, number) for kind, number in given["lost"]}
    bills.wrong = {(kind, number): balance for kind, number, balance in given["wrong"]}
    bills.repeated = given["repeated"]
    return {}


def _charge(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    app.books.balances[app.merchant] -= given["amount"]
    app.books.move("fee", given["number"], -given["amount"])
    return {}


def _reset(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    del given
    app.books = Books(app.merchant)
    app.faults.clear()
    with app.notices.lock:
        app.notices.kept.clear()
        app.notices.scripts.clear()
    return {}


def _state(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    del given
    app.books.release_due()
    return {
        "things": [shown(each) for each in app.books.things.values()],
        "balances": dict(app.books.balances),
        "merchant": app.books.balances[app.merchant],
        "notices": [[each.ident, each.state, each.answer, each.body] for each in app.notices.kept],
        "faults_left": len(app.faults),
    }


def _sign(app: App, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A kept notice with a fresh signature, for a test that posts it itself."""
    from tests.kit.split_channel.notices import Notice

    notice = Notice("note_by_hand", json.dumps(given["body"]), offset_s=given.get("offset_s", 0))
    return {"headers": app.notices.headers(notice), "body": notice.body}


CONTROLS: Mapping[str, Callable[[App, Mapping[str, Any]], Mapping[str, Any]]] = {
    "faults": _faults,
    "script": _script,
    "release": lambda app, _: {"released": app.notices.release()},
    "slow": _slow,
    "settle": lambda app, given: shown(app.books.settle(given["kind"], given["number"], given["outcome"])),
    "pay": lambda app, given: shown(app.books.pay(given["number"], given.get("amount"))),
    "advance": _advance,
    "restrict": _restrict,
    "withdraw": _withdraw,
    "bills": _bills,
    "charge": _charge,
    "reset": _reset,
    "state": _state,
    "sign": _sign,
}
