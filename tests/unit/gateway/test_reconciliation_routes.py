"""Reconciliation over HTTP: who asks is passed on, and what was found leaves as a page or as CSV."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.shared.messages.billing.reconciliation import ReconciliationItem, ReconciliationItemPage
from tests.unit.gateway.asgi import Site
from tests.unit.gateway.conftest import CUSTOMER_KEY, OPERATOR_KEY, PROVIDER_KEY, STATION_KEY

RUN = "/v1/reconciliations/0198f6c2-0000-7000-8000-0000000000aa"
ITEMS = "billing.list_reconciliation_items"
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ROUTES = [
    ("GET", "/v1/reconciliations", "billing.list_reconciliations"),
    ("POST", "/v1/reconciliations", "billing.start_reconciliation"),
    ("GET", RUN, "billing.get_reconciliation"),
    ("GET", f"{RUN}/items", ITEMS),
    ("GET", f"{RUN}/items.csv", ITEMS),
]


def item(number: int, **fields: Any) -> ReconciliationItem:
    given: dict[str, Any] = {
        "item_id": UUID(int=number), "kind": "movement", "reference": f"txn_{number}", "state": "theirs_only",
        "currency": "CNY", "ours": None, "theirs": -1_060, "occurred_at": AT, "first_seen_at": AT, "age_days": 3,
        "overdue": False, "detail": "",
    }  # fmt: skip
    return ReconciliationItem(**(given | fields))


def pages(*found: ReconciliationItemPage | BaseException) -> Any:
    """An answer of the service that is another one each time."""
    left: Iterator[ReconciliationItemPage | BaseException] = iter(found)

    def answer() -> dict[str, str]:
        each = next(left)
        if isinstance(each, BaseException):
            raise each
        return {"view": each.model_dump_json()}

    return answer


@pytest.mark.parametrize(("method", "path", "name"), ROUTES)
@pytest.mark.parametrize("key", [CUSTOMER_KEY, PROVIDER_KEY, STATION_KEY, OPERATOR_KEY])
def test_the_service_decides_and_its_no_is_not_found(site: Site, method: str, path: str, name: str, key: str) -> None:
    """Whoever asks, the service is told who it is; who may not know of a run does not learn whether there is one."""
    site.rpc.refuse(name, "not_found", "not_found")
    body = {"source": "bank"} if method == "POST" else None
    answer = site.send(method, path, body, api_key=key)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    ((asked, request),) = site.rpc.asked
    assert asked == name
    assert request["actor"]["organisation_id"]


@pytest.mark.parametrize(("method", "path", "name"), ROUTES)
@pytest.mark.parametrize("key", [None, "yiqi_nobodys"])
def test_a_stranger_is_asked_who_it_is(site: Site, method: str, path: str, name: str, key: str | None) -> None:
    del name
    assert site.send(method, path, {"source": "bank"} if method == "POST" else None, api_key=key).status == 401
    assert site.rpc.asked == []


def test_all_items_leave_as_csv_that_computes_nothing(site: Site) -> None:
    """Page after page; amounts are numbers, also below zero; what a payer or a bank wrote is text."""
    site.rpc.answers[ITEMS] = pages(
        ReconciliationItemPage(items=(item(1, detail='=HYPERLINK("http://x","y")'), item(2, reference="@SUM(1)")),
                               next_cursor="next"),
        ReconciliationItemPage(items=(item(3, detail="line\nof two, with a comma", ours=5),), next_cursor=None),
    )  # fmt: skip
    answer = site.get(f"{RUN}/items.csv", api_key=OPERATOR_KEY)
    assert answer.status == 200
    assert answer.headers["content-disposition"].endswith('.csv"')
    found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["detail"] for row in found] == ['\'=HYPERLINK("http://x","y")', "", "line\nof two, with a comma"]
    assert [row["reference"] for row in found] == ["txn_1", "'@SUM(1)", "txn_3"]
    assert [(row["ours"], row["theirs"]) for row in found] == [("", "-1060"), ("", "-1060"), ("5", "-1060")]
    assert [body["after"] for body in site.rpc.bodies] == [None, "next"]


def test_what_is_found_is_a_page_with_its_cursor(site: Site) -> None:
    site.rpc.answers[ITEMS] = ReconciliationItemPage(items=(item(1),), next_cursor="next")
    answer = site.get(f"{RUN}/items?limit=1&after=before", api_key=OPERATOR_KEY)
    assert (answer.status, answer.json["next_cursor"]) == (200, "next")
    assert [each["theirs"] for each in answer.json["items"]] == [-1_060]
    assert [(body["limit"], body["after"]) for body in site.rpc.bodies] == [(1, "before")]


def test_where_the_service_does_not_answer_no_file_begins(site: Site) -> None:
    answer = site.get(f"{RUN}/items.csv", api_key=OPERATOR_KEY)
    assert (answer.status, answer.headers["content-type"]) == (503, "application/problem+json")


@pytest.mark.parametrize("body", [{}, {"source": "books"}, {"source": "bank", "day": "2026-02-30"},
                                  {"source": "bank", "more": 1}])  # fmt: skip
def test_what_is_no_source_or_no_day_is_refused(site: Site, body: dict[str, Any]) -> None:
    assert site.post("/v1/reconciliations", body, api_key=OPERATOR_KEY).status == 422
    assert site.rpc.asked == []
