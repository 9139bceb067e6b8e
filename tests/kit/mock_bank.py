"""
A bank that others wrote (`mock-bank`), as a process of its own: takes pain.001, answers by pain.002, camt.054 and
camt.053, and its day is moved at will.

It finds its own accounts by IBAN only, so the company has one at it; payees elsewhere have what they have.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

COMPANY = "NL41MOCK0000000001"
"""The number of the company's account there."""

CLOSED = "NL84MOCK0000000003"
"""An account there that was closed."""

_STARTS_WITHIN_S = 20.0
_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class MockBank:
    url: str

    def pay(self, file: bytes) -> int:
        """Send it a pain.001. Returns the HTTP status."""
        headers = {"Content-Type": "application/xml"}
        return requests.post(f"{self.url}/payments", file, headers=headers, timeout=_TIMEOUT_S).status_code

    def messages(self, kind: str) -> list[bytes]:
        """What it has sent the company of *kind* (`pain.002`, `camt.053` …) since the last time, oldest first."""
        waiting = self._get("/_mock/mailbox", type=kind).json()
        ours = [each for each in waiting if each["account"] in {None, "ACME"}]
        return [self._get(f"/_mock/mailbox/{each['id']}").content for each in ours]

    def advance(self, days: int) -> None:
        """Let *days* pass there."""
        requests.post(f"{self.url}/_mock/advance", params={"days": days}, timeout=_TIMEOUT_S).raise_for_status()

    def send_back(self, number: str, days: int) -> None:
        """Payment *number* is to come back *days* working days after it was booked."""
        self.change("ACME", behaviour="return-later", parameters={"days": days, "end_to_end_id": number})

    def change(self, account: str, **fields: Any) -> None:
        """Of the account whose name there is *account*."""
        answer = requests.patch(f"{self.url}/_mock/accounts/{account}", json=fields, timeout=_TIMEOUT_S)
        answer.raise_for_status()

    def _get(self, path: str, **query: str) -> requests.Response:
        answer = requests.get(self.url + path, params=query, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        return answer


@contextmanager
def mock_bank(opens_at: str) -> Iterator[MockBank]:
    """One that has an account in yuan for the company; its clock begins at *opens_at*, as `2026-12-01T09:00`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "mockbank", "-q", "--port", str(port), "--clock", opens_at])
    try:
        bank = MockBank(f"http://127.0.0.1:{port}")
        _await(bank, process)
        bank.change("ACME", name="示例科学仪器服务有限公司", currency="CNY", balance=100_000_000)
        yield bank
    finally:
        process.terminate()
        process.wait(_TIMEOUT_S)


def _await(bank: MockBank, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            requests.get(f"{bank.url}/_mock/health", timeout=1)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the bank did not start")
