"""What the stand-in knows: projects, reservations, and which faults come next. One lock over all of it."""

import json
import threading
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass
class Project:
    number: str
    status: str = "open"
    responsible: tuple[str, ...] = ("李明",)
    currency: str = "CNY"
    available: int = 10_000_000
    cost_categories: tuple[str, ...] = ("testing", "travel")
    open_from: str = "2000-01-01"
    open_until: str = "2099-12-31"


@dataclass
class Reservation:
    key: str
    project: str
    responsible: str
    cost_category: str
    amount: int
    currency: str
    status: str = "reserved"
    executed: int = 0
    returned: int = 0
    expires_at: str | None = None
    asked: str = ""
    """The body it was made by: the same key with another body is refused."""


@dataclass
class Fault:
    """
    Attributes:
        kind: What happens; see `server.py`.
        method, path: Of the requests it happens to; the path by its end, empty for all.
        value: Of the fault: seconds, minor units, a status.
    """

    kind: str
    method: str = "*"
    path: str = ""
    count: int = 1
    value: float = 0


@dataclass
class Books:
    projects: dict[str, Project] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    era: int = 0
    lapses_after_s: float | None = None
    """From now on reservations lapse so many seconds after they are made; none: never."""
    executes_less: int = 0
    """The next transfer is of so many minor units less than asked."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.count > 0 and fault.method in {"*", method} and path.endswith(fault.path):
                    fault.count -= 1
                    return fault
        return None

    def project(self, number: str) -> tuple[int, Any]:
        found = self.projects.get(number)
        return (200, asdict(found)) if found is not None else (404, {"refused": "project_unknown"})

    def reservation(self, key: str) -> tuple[int, Any]:
        found = self.reservations.get(key)
        return (200, shown(found)) if found is not None else (404, {})

    def reserve(self, key: str, body: dict[str, Any]) -> tuple[int, Any]:
        asked = json.dumps(body, sort_keys=True)
        found = self.reservations.get(key)
        if found is not None:
            return (200, shown(found)) if found.asked == asked else (409, {"refused": "key_with_other_body"})
        refused = self.refusal(body)
        if refused:
            return 422, {"refused": refused}
        self.projects[body["project"]].available -= body["amount"]
        expires = None
        if self.lapses_after_s is not None:
            expires = (datetime.now(UTC) + timedelta(seconds=self.lapses_after_s)).isoformat()
        made = Reservation(key, body["project"], body["responsible"], body["cost_category"], body["amount"],
                           body["currency"], expires_at=expires, asked=asked)  # fmt: skip
        self.reservations[key] = made
        return 201, shown(made)

    def refusal(self, body: dict[str, Any]) -> str:
        project = self.projects.get(body["project"])
        today = datetime.now(UTC).date().isoformat()
        if project is None:
            return "project_unknown"
        if project.status != "open":
            return f"project_{project.status}"
        if body["responsible"] not in project.responsible:
            return "wrong_person"
        if body["cost_category"] not in project.cost_categories:
            return "category_not_allowed"
        if body["currency"] != project.currency:
            return "currency_differs"
        if not project.open_from <= today <= project.open_until:
            return "period_closed"
        return "over_budget" if body["amount"] > project.available else ""

    def act(self, key: str, what: str, body: dict[str, Any]) -> tuple[int, Any]:
        found = self.reservations.get(key)
        if found is None:
            return 404, {}
        self.lapse(found)
        deed = {"execution": self.execute, "release": self.release, "returned": self.give_back}[what]
        return deed(found, body)

    def execute(self, found: Reservation, body: dict[str, Any]) -> tuple[int, Any]:
        if found.status == "reserved":
            if body["amount"] > found.amount:
                return 409, {"refused": "more_than_reserved"}
            found.executed = body["amount"] - self.executes_less
            self.executes_less = 0
            found.status = "executed"
            self.projects[found.project].available += found.amount - found.executed
        return (200, shown(found)) if found.status == "executed" else (409, {"refused": found.status})

    def release(self, found: Reservation, body: dict[str, Any]) -> tuple[int, Any]:
        del body
        if found.status == "reserved":
            found.status = "released"
            self.projects[found.project].available += found.amount
        return (200, shown(found)) if found.status == "released" else (409, {"refused": found.status})

    def give_back(self, found: Reservation, body: dict[str, Any]) -> tuple[int, Any]:
        if found.status != "executed" or not found.returned <= body["amount"] <= found.executed:
            return 409, {"refused": "cannot_be_returned"}
        self.projects[found.project].available += body["amount"] - found.returned
        found.returned = body["amount"]
        return 200, shown(found)

    def lapse(self, found: Reservation, *, now: bool = False) -> None:
        due = found.expires_at is not None and datetime.fromisoformat(found.expires_at) <= datetime.now(UTC)
        if found.status == "reserved" and (now or due):
            found.status = "lapsed"
            self.projects[found.project].available += found.amount


def shown(found: Reservation) -> dict[str, Any]:
    said = asdict(found)
    del said["asked"]
    return said
