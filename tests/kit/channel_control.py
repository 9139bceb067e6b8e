"""The client of the splitting channel's control interface, and the way to start the stand-in. Amounts: minor units."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

import requests

Kind = Literal["order", "split", "return", "refund"]


class ControlRefused(RuntimeError):
    """The stand-in did not do what it was told."""


@dataclass
class ChannelControl:
    """*url*: of the stand-in, without a slash at the end."""

    url: str
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        self._session.trust_env = False

    def close(self) -> None:
        self._session.close()

    def _post(self, path: str, /, **body: Any) -> dict[str, Any]:
        response = self._session.post(f"{self.url}/_control/{path}", json=body, timeout=10)
        if response.status_code != 200:
            raise ControlRefused(f"{path}: {response.status_code} {response.text}")
        answer: dict[str, Any] = response.json()
        return answer

    def reset(self) -> None:
        self._post("reset")

    def fail_next(self, kind: str, path: str, count: int = 1) -> None:
        """What happens to the next *count* requests that make something at *path* (`/v1/splits`), or ask for bills."""
        self._post("faults", kind=kind, path=path, count=count)

    def script_notices(self, action: str, *, value: int = 1, count: int = 1) -> None:
        """`duplicate` (copies), `hold`, `drop`, `wrong_signature`, `timestamp_offset` (seconds) for the next ones."""
        self._post("script", action=action, value=value, count=count)

    def release_notices(self) -> int:
        """The held ones, newest first."""
        return int(self._post("release")["released"])

    def slow(self, kind: Kind, *, on: bool = True) -> None:
        """Things of *kind* stay PROCESSING until `settle`."""
        self._post("slow", kind=kind, on=on)

    def settle(self, kind: Kind, number: str, outcome: str = "ok") -> None:
        self._post("settle", kind=kind, number=number, outcome=outcome)

    def pay(self, number: str, amount: int | None = None) -> dict[str, Any]:
        return self._post("pay", number=number, amount=amount)

    def advance_days(self, days: float) -> None:
        self._post("advance", seconds=days * 86_400)

    def restrict(self, payee: str) -> None:
        """No split pays *payee* any more."""
        self._post("restrict", payee=payee)

    def withdraw(self, amount: int, whose: str = "") -> None:
        """From the merchant's balance, or *whose*."""
        self._post("withdraw", amount=amount, whose=whose)

    def bills(
        self, *, late: Sequence[date] = (), lost: Sequence[tuple[str, str]] = (),
        wrong: Sequence[tuple[str, str, int]] = (), repeated: int = 1,
    ) -> None:  # fmt: skip
        """
        From now on there is no bill of the *late* days, none lists the *lost* (kind, number), of the *wrong* ones each
        states another amount, and each line is there *repeated* times.
        """
        self._post("bills", late=[day.isoformat() for day in late], lost=list(lost), wrong=list(wrong),
                   repeated=repeated)  # fmt: skip

    def charge(self, amount: int, number: str = "f1") -> None:
        """The channel takes a fee from the merchant's balance."""
        self._post("charge", amount=amount, number=number)

    def sign(self, body: dict[str, Any], offset_s: int = 0) -> tuple[dict[str, str], str]:
        """Headers and body of a notice signed *offset_s* from now."""
        made = self._post("sign", body=body, offset_s=offset_s)
        return made["headers"], made["body"]

    def state(self) -> dict[str, Any]:
        return self._post("state")

    def things(self, kind: Kind) -> list[dict[str, Any]]:
        return [each for each in self.state()["things"] if each["kind"] == kind]

    def merchant_balance(self) -> int:
        return int(self.state()["merchant"])

    def balance(self, payee: str) -> int:
        return int(self.state()["balances"].get(payee, 0))


@dataclass
class ChannelStandIn:
    """A stand-in in a process of its own, stopped at the end of a `with`."""

    webhook_url: str = ""
    merchant: str = "platform-1"
    secret: str = "channel-secret-of-tests"
    webhook_secret: str = "whsec_c3BsaXQgY2hhbm5lbCBvZiB0aGUgdGVzdHMsIHNpZ25zIG5vdGljZXM="
    port: int = 0
    _process: "subprocess.Popen[str] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        root = Path(__file__).resolve().parents[2]
        command = [sys.executable, "-m", "tests.kit.split_channel", "--port", str(self.port)]
        command += ["--merchant", self.merchant, "--secret", self.secret]
        command += ["--webhook-url", self.webhook_url, "--webhook-secret", self.webhook_secret]
        self._process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        if self._process.stdout is None:
            raise RuntimeError("no pipe to the stand-in")
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self._process.kill()
            raise RuntimeError("the stand-in did not start; its reason is on standard error")
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=10)
            if self._process.stdout is not None:
                self._process.stdout.close()
