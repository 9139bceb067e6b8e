"""Files as evidence for a chargeback, over HTTP: declared, submitted and fetched by whom the service lets."""

from typing import Any

import pytest

from services.shared.messages.billing.referral import EvidenceDocument
from tests.unit.gateway.asgi import Site
from tests.unit.gateway.conftest import OPERATOR_KEY

CHARGEBACK = "0198f6c2-0000-7000-8000-0000000000aa"
FILES = f"/v1/chargebacks/{CHARGEBACK}/files"
FILE = {"sha256": "ab" * 32, "size_bytes": 1_000, "media_type": "application/pdf"}
DECLARED = {"name": "service_documentation", "file": FILE}
ROUTES = [
    ("POST", FILES, DECLARED, "billing.declare_chargeback_file", DECLARED),
    ("POST", f"{FILES}/receipt/submit", None, "billing.submit_chargeback_file", {"name": "receipt"}),
    ("GET", f"{FILES}/receipt", None, "billing.get_chargeback_file", {"name": "receipt"}),
]


@pytest.mark.parametrize(("method", "path", "body", "name", "told"), ROUTES)
def test_the_service_is_told_all_of_it_and_decides(
    site: Site, method: str, path: str, body: Any, name: str, told: Any
) -> None:
    site.rpc.refuse(name, "not_found", "not_found")
    answer = site.send(method, path, body, api_key=OPERATOR_KEY)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    ((asked, request),) = site.rpc.asked
    assert (asked, site.rpc.bodies) == (name, [{"chargeback_id": CHARGEBACK, **told}])
    assert request["actor"]["organisation_id"]


@pytest.mark.parametrize(("method", "path", "body", "name", "told"), ROUTES)
def test_a_stranger_is_asked_who_it_is(site: Site, method: str, path: str, body: Any, name: str, told: Any) -> None:
    del name, told
    assert site.send(method, path, body).status == 401
    assert site.rpc.asked == []


def test_a_file_is_fetched_where_it_lies(site: Site) -> None:
    there = EvidenceDocument(url="https://files.example/x?signed", sha256="ab" * 32, size_bytes=1_000)
    site.rpc.answers["billing.get_chargeback_file"] = there
    answer = site.get(f"{FILES}/receipt", api_key=OPERATOR_KEY)
    assert (answer.status, answer.json) == (200, there.model_dump())


@pytest.mark.parametrize(
    "more", [{"size_bytes": 5 * 1024 * 1024 + 1}, {"size_bytes": 0}, {"media_type": "text/html"}, {"sha256": "x"}]
)
def test_what_the_institution_would_not_take_is_not_declared(site: Site, more: dict[str, Any]) -> None:
    assert site.post(FILES, {**DECLARED, "file": {**FILE, **more}}, api_key=OPERATOR_KEY).status == 422
    assert site.rpc.asked == []
