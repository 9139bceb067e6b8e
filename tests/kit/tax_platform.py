"""
A stand-in for the tax platform that keeps red-letter forms, as a process: `python -m tests.kit.tax_platform`.

It is as nasty as one can be: acts and does not answer, answers late, wrongly, with what was true before, or refuses.
It takes a second form with the same reference: who is not careful has two. Its clock stands where it is put.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

TOKEN = "stand-in"
LATE_S = 1.5
_TIMEOUT_S = 10.0
_VOID_AFTER = timedelta(hours=72)


class Platform:
    """
    What it knows.

    Attributes:
        used: Numbers of the invoices whose use the buyer has confirmed: these need the buyer's word.
        faults: What goes wrong with the next requests for forms, one each.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.now = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
        self.forms: list[dict[str, Any]] = []
        self.used: set[str] = set()
        self.faults: list[str] = []
        self.asked: list[str] = []

    def enter(self, asked: dict[str, Any]) -> dict[str, Any]:
        made = {
            "reference": asked["reference"],
            "number": f"5000{len(self.forms) + 1:012d}",
            "state": "02" if asked["invoice_number"] in self.used else "01",
            "entered_at": self.now.isoformat(),
            "before": None,
            "asked": asked,
        }
        self.forms.append(made)
        return made

    def find(self, reference: str) -> dict[str, Any] | None:
        found = next((form for form in self.forms if form["reference"] == reference), None)
        waits = found is not None and found["state"] in {"02", "03"}
        if found is not None and waits and self.now >= datetime.fromisoformat(found["entered_at"]) + _VOID_AFTER:
            self.move(found, "07")
        return found

    def move(self, form: dict[str, Any], state: str) -> None:
        form["before"], form["state"] = form["state"], state

    def control(self, deed: dict[str, Any]) -> dict[str, Any]:
        if deed.get("reset"):
            self.reset()
        if "now" in deed:
            self.now = datetime.fromisoformat(deed["now"])
        self.used |= set(deed.get("used", ()))
        self.faults += deed.get("faults", ())
        if "decide" in deed:
            waiting = [form for form in self.forms if form["state"] in {"02", "03"}]
            for form in waiting:
                self.move(form, deed["decide"])
        return {"forms": self.forms, "asked": self.asked, "faults": self.faults}


class Handler(BaseHTTPRequestHandler):
    platform: Platform

    def do_GET(self) -> None:
        reference = self.path.rpartition("/")[2]
        with self.platform.lock:
            fault = self._begin(f"GET {reference}")
            found = self.platform.find(reference)
            said = dict(found) if found is not None else None
        if said is not None and fault == "stale" and said["before"]:
            said["state"] = said["before"]
        self._end(fault, 200 if said else 404, said or {"code": "unknown", "text": "no such form"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/_control":
            with self.platform.lock:
                return self._answer(200, self.platform.control(body))
        with self.platform.lock:
            fault = self._begin(f"POST {body['reference']}")
            made = self.platform.enter(body) if fault not in {"refuse", "error"} else {}
        return self._end(fault, 200, made)

    def _begin(self, what: str) -> str:
        self.platform.asked.append(what)
        return self.platform.faults.pop(0) if self.platform.faults else ""

    def _end(self, fault: str, status: int, body: dict[str, Any]) -> None:
        if self.headers["authorization"] != f"Bearer {TOKEN}":
            status, body = 401, {"code": "unauthorized", "text": ""}
        if fault == "silent":
            self.close_connection = True
            return
        if fault == "late":
            time.sleep(LATE_S)
        if fault == "error":
            status, body = 503, {}
        if fault == "refuse":
            status, body = 422, {"code": "invoice_unknown", "text": "no such invoice 未找到发票"}
        if fault == "garbage":
            status, body = 200, {"number": 7}
        if fault == "conflict":
            status, body = 409, {"code": "exists", "text": ""}
        if fault == "hidden":
            status, body = 404, {"code": "unknown", "text": ""}
        self._answer(status, body)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        said = json.dumps({name: value for name, value in body.items() if name != "before"}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 named by the library
        """Nothing."""


class TaxPlatformStandIn:
    """Its control interface. *url* is what invoicing is given."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, **deed: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/_control", json=deed, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def at(self, now: datetime) -> None:
        """Its clock stands at *now*."""
        self.control(now=now.isoformat())

    @property
    def forms(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control()["forms"]
        return found

    @property
    def states(self) -> list[str]:
        return [form["state"] for form in self.forms]


@contextmanager
def tax_platform() -> Iterator[TaxPlatformStandIn]:
    process = subprocess.Popen([sys.executable, "-m", "tests.kit.tax_platform"], stdout=subprocess.PIPE)
    try:
        if process.stdout is None:
            raise RuntimeError("it says no address")
        yield TaxPlatformStandIn(process.stdout.readline().decode().strip())
    finally:
        process.terminate()
        process.wait(_TIMEOUT_S)
        if process.stdout is not None:
            process.stdout.close()


def main() -> None:
    Handler.platform = Platform()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
