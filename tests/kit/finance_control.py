"""Starting the stand-in for a university's finance system, and driving it, for tests."""

import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import requests

SECRET = "finance-secret-of-the-tests"


class FinanceStandIn:
    """A process of its own; *url* once it is entered."""

    url: str

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.finance_system", "--secret", SECRET],
            cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError("the finance system did not start")
        self.url = line.removeprefix("listening on ").strip()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class FinanceControl:
    """Its control interface. Amounts are minor units."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            answer: dict[str, Any] = session.post(f"{self.url}/_control/{what}", json=body, timeout=10).json()
            return answer

    def reset(self) -> None:
        self._post("reset", {})

    def project(self, number: str = "52102045", **how: Any) -> None:
        """A project, open and rich unless *how* says otherwise."""
        self._post("project", {"number": number, **how})

    def fail(self, kind: str, method: str = "*", path: str = "", count: int = 1, value: float = 0) -> None:
        self._post("fault", {"kind": kind, "method": method, "path": path, "count": count, "value": value})

    def set(self, **values: Any) -> None:
        self._post("set", values)

    def reset_faults(self) -> None:
        self._post("set", {"faults": []})

    def _by_hand(self, path: str, secret: str, body: dict[str, Any]) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            headers = {"authorization": f"Bearer {secret}"}
            answer: dict[str, Any] = session.put(f"{self.url}/{path}", json=body, headers=headers, timeout=10).json()
            return answer

    def release(self, key: str, secret: str) -> str:
        """As somebody at the university would. Returns how it stands then."""
        return str(self._by_hand(f"reservations/{key}/release", secret, {})["status"])

    def reserve(self, key: str, secret: str, body: dict[str, Any]) -> None:
        """As another platform might."""
        self._by_hand(f"reservations/{key}", secret, body)

    def lapse(self) -> None:
        """Every reservation that is not executed lapses now."""
        self._post("lapse", {})

    @property
    def reservations(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self._post("state", {})["reservations"]
        return found

    @property
    def requests(self) -> list[str]:
        found: list[str] = self._post("state", {})["requests"]
        return found

    def available(self, number: str = "52102045") -> int:
        return int(self._post("state", {})["available"][number])
