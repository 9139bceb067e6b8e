"""
The way to a university's finance system: our protocol over HTTPS, its answers as facts.

`docs/algorithms/funding.md` says what it must offer. Whatever is done there is a PUT under our own key, looked for
before: doing it again does nothing. An answer that cannot be read, or that is about something else than we asked, is no
answer: nothing is concluded from it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote

import requests
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.billing.domain.funding import FundingFacts, Refusal
from services.shared.kernel.errors import Unavailable

TIMEOUT_S = 10.0
"""Of the connection, and of each read."""
ANSWER_S = 20.0
"""Of a whole answer: whoever sends a byte at a time would hold us for ever."""
ANSWER_BYTES_MAX = 64_000

_FACTS = TypeAdapter(FundingFacts)

Minor = Annotated[int, Field(strict=True, ge=0)]

REFUSALS: Mapping[str, Refusal] = {
    "project_unknown": "project_unknown",
    "project_closed": "project_closed",
    "project_frozen": "project_frozen",
    "wrong_person": "wrong_person",
    "category_not_allowed": "category_not_allowed",
    "currency_differs": "currency_differs",
    "period_closed": "period_closed",
    "over_budget": "over_budget",
}


class FinanceSystemUnavailable(Unavailable):
    """The finance system does not answer, or not in words that we understand."""

    code = "billing.finance_system_unavailable"


@dataclass(frozen=True)
class Door:
    """Where a university's finance system is, and the secret that it knows us by."""

    url: str
    secret: str


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Project(_Said):
    """*available* in minor units; *open_from*, *open_until*: days on which money may be taken, both included."""

    number: str
    status: Literal["open", "closed", "frozen"]
    responsible: tuple[str, ...]
    currency: str
    available: Annotated[int, Field(strict=True)]
    cost_categories: tuple[str, ...]
    open_from: date
    open_until: date


class Reservation(_Said):
    """Amounts in minor units."""

    key: str
    project: str
    responsible: str
    cost_category: str
    amount: Minor
    currency: str
    status: Literal["reserved", "executed", "released", "lapsed"]
    executed: Minor
    returned: Minor
    expires_at: AwareDatetime | None


class Refusing(_Said):
    refused: str


class FinanceSystems:
    """*doors*: by unified social credit code."""

    def __init__(self, doors: Mapping[str, Door]) -> None:
        self.doors = doors

    def settle(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """
        Take one step towards what *payload* wants, after a look at what there is.

        Returns:
            What there is then: the fields of `FundingFacts`.

        Raises:
            FinanceSystemUnavailable: It is not known how it stands. To be repeated.
        """
        del key  # it names this call; the reservation has a key of its own, which outlives the call
        door = self.doors.get(payload["legal_entity"])
        if door is None:
            raise FinanceSystemUnavailable("no finance system of this university is set any more")
        found = self._find(door, payload)
        if found is None:
            if payload["wanted"] != "reserved":
                return {"status": "absent"}
            refusal = self._refusal(door, payload)
            return {"status": "refused", "reason": refusal} if refusal else self._reserve(door, payload)
        return _facts(self._step(door, payload, found))

    def _step(self, door: Door, payload: Mapping[str, Any], found: Reservation) -> Reservation:
        wanted = payload["wanted"]
        if found.status == "reserved" and wanted == "executed":
            return self._put(door, payload, "/execution", {"amount": payload["to_execute"]})
        if found.status == "reserved" and wanted == "released":
            return self._put(door, payload, "/release", {})
        if found.status == "executed" and found.returned < payload["to_return"]:
            # All that is to be back in the end, and not what is missing: said twice it is the same.
            return self._put(door, payload, "/returned", {"amount": payload["to_return"]})
        return found

    def _refusal(self, door: Door, payload: Mapping[str, Any]) -> Refusal | None:
        """Why the project cannot pay, the plainest reason first; none: it can."""
        status, said = self._exchange(door, "GET", f"/projects/{quote(payload['project_number'], safe='')}")
        if status == 404:
            return "project_unknown"
        project = _read(Project, status, said)
        if project.number != payload["project_number"]:
            raise FinanceSystemUnavailable("it answers about another project")
        if project.status != "open":
            return "project_closed" if project.status == "closed" else "project_frozen"
        if payload["responsible_person"] not in project.responsible:
            return "wrong_person"
        if payload["cost_category"] not in project.cost_categories:
            return "category_not_allowed"
        if payload["currency"] != project.currency:
            return "currency_differs"
        if not project.open_from <= date.fromisoformat(payload["requested_on"]) <= project.open_until:
            return "period_closed"
        return "over_budget" if payload["amount"] > project.available else None

    def _reserve(self, door: Door, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = {
            "project": payload["project_number"],
            "responsible": payload["responsible_person"],
            "cost_category": payload["cost_category"],
            "amount": payload["amount"],
            "currency": payload["currency"],
            "purpose": payload["order_number"],
        }
        status, said = self._exchange(door, "PUT", _path(payload), wanted)
        if status == 422:
            reason = _read(Refusing, 200, said).refused
            return {"status": "refused", "reason": REFUSALS.get(reason, "refused_otherwise")}
        return _facts(_ours(_read(Reservation, status, said), payload))

    def _find(self, door: Door, payload: Mapping[str, Any]) -> Reservation | None:
        status, said = self._exchange(door, "GET", _path(payload))
        return None if status == 404 else _ours(_read(Reservation, status, said), payload)

    def _put(self, door: Door, payload: Mapping[str, Any], what: str, body: Mapping[str, Any]) -> Reservation:
        status, said = self._exchange(door, "PUT", _path(payload) + what, body)
        return _ours(_read(Reservation, status, said), payload)

    def _exchange(self, door: Door, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
        """
        Status and body of one request.

        Raises:
            FinanceSystemUnavailable: There was no answer; whether it had an effect nobody knows.
        """
        try:
            with requests.Session() as session:
                session.trust_env = False  # the secret goes to nobody whom the environment names
                with session.request(
                    method, door.url.rstrip("/") + path, json=body, stream=True, timeout=TIMEOUT_S,
                    allow_redirects=False, headers={"authorization": f"Bearer {door.secret}"},
                ) as answer:  # fmt: skip
                    return answer.status_code, _within(answer)
        except requests.RequestException as error:
            # The text of the error is not kept: it may hold what the other side sent.
            raise FinanceSystemUnavailable(type(error).__name__) from None


def _within(answer: requests.Response) -> bytes:
    until, said = time.monotonic() + ANSWER_S, bytearray()
    for byte in answer.iter_content(1):  # a larger piece would wait for all of it, however slowly it comes
        said += byte
        if len(said) > ANSWER_BYTES_MAX or time.monotonic() > until:
            raise FinanceSystemUnavailable("the answer is too long, or takes too long")
    return bytes(said)


def _read(shape: type[Any], status: int, said: bytes) -> Any:
    if status not in {200, 201}:
        raise FinanceSystemUnavailable(f"answered {status}")
    try:
        return shape.model_validate_json(said)
    except ValidationError:
        raise FinanceSystemUnavailable("the answer cannot be read") from None


def _ours(said: Reservation, payload: Mapping[str, Any]) -> Reservation:
    """*said*, if it is about what we asked for. Raises FinanceSystemUnavailable: It is about something else."""
    asked = (payload["key"], payload["project_number"], payload["responsible_person"], payload["cost_category"],
             payload["amount"], payload["currency"])  # fmt: skip
    if asked != (said.key, said.project, said.responsible, said.cost_category, said.amount, said.currency):
        raise FinanceSystemUnavailable("it answers about something else than was asked")
    if said.executed > (payload["to_execute"] or said.amount) or said.returned > said.executed:
        raise FinanceSystemUnavailable("more was transferred than was asked")
    if said.status == "executed" and not said.executed:
        raise FinanceSystemUnavailable("it says executed, and transferred nothing")
    return said


def _path(payload: Mapping[str, Any]) -> str:
    return f"/reservations/{quote(payload['key'], safe='')}"


def _facts(said: Reservation) -> Mapping[str, Any]:
    return {
        "status": said.status,
        "executed": said.executed,
        "returned": said.returned,
        "expires_at": said.expires_at.isoformat() if said.expires_at is not None else None,
    }


def facts_of(result: Mapping[str, Any]) -> FundingFacts:
    """What `settle` found out, typed."""
    return _FACTS.validate_python(dict(result))
