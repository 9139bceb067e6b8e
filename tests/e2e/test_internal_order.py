"""
A university's own people order at their own laboratory: from the order to its end over the public API, with the
university's finance system in a process of its own.
"""

import email
import email.policy
from dataclasses import dataclass
from typing import Literal

import pytest

from infra.demo import journey as steps
from infra.demo import people, proof
from infra.demo.client import Json, until
from infra.demo.people import Cast, Organisation, Particulars
from services.shared.kernel.ids import new_id
from tests.kit.finance_control import FinanceControl
from tests.kit.journey import ONE_SAMPLE, Outside, Stage, all_is_well, mails_of, new_number, to_delivered

PROJECT = {"project_number": "52102045", "responsible_person": "李明"}
PRICE = 120_000


@dataclass
class University:
    """Its people as a customer, its laboratory as a provider: one credit code; and its finance system."""

    cast: Cast
    finance: FinanceControl


@pytest.fixture(scope="module")
def university(stage: Stage, outside: Outside) -> University:
    number = new_number()
    code = outside.university

    def side(kind: Literal["customer", "provider"]) -> Organisation:
        return people.sign_up(
            stage.platform.base_url,
            stage.operator,
            Particulars(
                kind, legal_name=f"测试大学{number}", legal_name_en=f"Test University {number}", credit_code=code,
                mail=f"{kind}@university-{number}.example", taxpayer="general_simplified_3", special_invoices=True,
                account_number=f"62{number:015d}" if kind == "provider" else None,
            ),
        )  # fmt: skip

    return University(Cast(stage.operator, side("customer"), side("provider")), FinanceControl(outside.finance.url))


def order(stage: Stage, university: University, **project: str) -> tuple[steps.Journey, str]:
    """Placed and signed by all."""
    journey = stage.begin(university.cast, "internal")
    body = {
        "offerings": [{"offering_id": stage.offering(university.cast.provider, PRICE), "quantity": 1}],
        "samples": list(ONE_SAMPLE), "payment_method": "project_funds", "project_funds": {**PROJECT, **project},
    }  # fmt: skip
    client = university.cast.customer["requester"]
    not_yet = ("orders.offering_not_found", "orders.offering_not_for_sale", "orders.provider_not_found")
    placed = people.once_ready(lambda: client.post("/orders", body, key=journey.key("place")), *not_yet)
    assert (placed["amounts"]["gross"]["amount"], placed["amounts"]["tax"]["amount"]) == (PRICE, 0)
    steps.sign_by_all(journey, placed["order_id"])
    return journey, placed["order_id"]


def funding(university: University, order_id: str) -> list[Json]:
    found: list[Json] = university.cast.customer["requester"].get(f"/orders/{order_id}/funding")["items"]
    return found


def subjects(stage: Stage) -> list[str]:
    """Of every mail that was sent."""
    read = [
        email.message_from_bytes(each.read_bytes(), policy=email.policy.default) for each in mails_of(stage.platform)
    ]
    return [str(each["subject"]) for each in read]


def test_paid_by_a_project_from_the_order_to_its_end(stage: Stage, university: University) -> None:
    """First a project that is closed, then one that pays. No invoice, no payment, no statement; the order is closed."""
    university.finance.reset()
    university.finance.project("52102045-x", status="closed")
    university.finance.project(PROJECT["project_number"])
    journey, order_id = order(stage, university, project_number="52102045-x")
    requester = university.cast.customer["requester"]
    until(
        lambda: steps.order_of(requester, order_id),
        lambda seen: bool(seen["blocked_by"] == ["funding_refused"]),
        "the order shows why it waits",
    )
    (refused,) = funding(university, order_id)
    assert (refused["state"], refused["reason"]) == ("refused", "project_closed")
    until(lambda: subjects(stage), lambda found: any("52102045-x" in each for each in found), "a mail says so")

    strangers = [stage.rivals[0]["requester"], stage.rivals[1]["lab_manager"], stage.referred["customer_finance"]]
    for stranger in strangers:
        assert stranger.ask("GET", f"/orders/{order_id}/funding").status_code == 404
        named = stranger.ask("POST", f"/orders/{order_id}/funding", body=PROJECT, key=f"theft/{new_id()}")
        assert named.status_code in {403, 404}
        assert stranger.ask("GET", "/funding").status_code in {403, 404}
    for _ in range(2):  # the same request again is answered again
        requester.post(f"/orders/{order_id}/funding", PROJECT, key=journey.key("project"))
    steps.wait_for_state(requester, order_id, "released")
    assert university.finance.available() == 10_000_000 - PRICE

    to_delivered(journey, order_id)
    steps.accept_order(journey, order_id)
    steps.wait_for_state(requester, order_id, "closed")
    (newest, _) = funding(university, order_id)
    assert (newest["state"], newest["executed"]["amount"]) == ("executed", PRICE)
    assert university.finance.reservations[f"funding:{order_id}:2"]["executed"] == PRICE
    assert requester.get("/payments", order_id=order_id)["items"] == []
    assert requester.get("/invoices", order_id=order_id)["items"] == []
    finance = stage.operator["finance_operator"]
    assert newest["funding_id"] in {each["funding_id"] for each in finance.get("/funding")["items"]}
    assert all_is_well(stage, {}) == []


def test_not_for_people_of_another_entity(stage: Stage, university: University) -> None:
    """A stable code, in both languages; nor without naming the project."""
    offering_id = stage.offering(university.cast.provider, PRICE)
    body = {
        "offerings": [{"offering_id": offering_id, "quantity": 1}], "samples": list(ONE_SAMPLE),
        "payment_method": "project_funds", "project_funds": PROJECT,
    }  # fmt: skip
    answer = stage.customer["requester"].ask("POST", "/orders", body=body, key=f"foreign/{new_id()}")
    assert (answer.status_code, answer.json()["code"]) == (409, "orders.project_funds_not_internal")
    del body["project_funds"]
    answer = university.cast.customer["requester"].ask("POST", "/orders", body=body, key=f"unnamed/{new_id()}")
    assert (answer.status_code, answer.json()["code"]) == (422, "orders.project_not_named")


def test_cancelled_before_the_samples_come(stage: Stage, university: University) -> None:
    """The project has its money back, and nobody keeps a fee."""
    university.finance.reset()
    university.finance.project(PROJECT["project_number"])
    _, order_id = order(stage, university)
    requester = university.cast.customer["requester"]
    steps.wait_for_state(requester, order_id, "released")
    requester.post(f"/orders/{order_id}/cancel", {"reason": "not needed"}, key=f"cancel/{order_id}")
    until(
        lambda: (funding(university, order_id)[0]["state"], university.finance.available()),
        lambda seen: seen == ("released", 10_000_000),
        "the project has its money back",
    )
    assert proof.settled(lambda: proof.books_hold(stage.operator), 30) == []
