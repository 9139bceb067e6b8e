"""Whose a statement's lines are, over HTTP: a page with its totals, and all of it as CSV."""

import csv
import io
from datetime import UTC, datetime
from uuid import UUID

from services.shared.kernel.money import Money
from services.shared.messages.billing.income_allocation import AllocatedIncomePage, AllocatedLine, AllocatedPart
from tests.unit.gateway.asgi import Site
from tests.unit.gateway.conftest import PROVIDER_KEY

STATED = "0198f6c2-0000-7000-8000-0000000000aa"
CSV = f"/v1/exports/allocated-income.csv?settlement_id={STATED}"
ASKED = "billing.list_allocated_income"


def part(college: str, team: str, net: int, tax: int) -> AllocatedPart:
    net_, tax_, gross = (Money(each, "CNY") for each in (net, tax, net + tax))
    return AllocatedPart(college=college, team=team, net=net_, tax=tax_, gross=gross)


def page(title: str, *parts: AllocatedPart, after: str | None = None) -> AllocatedIncomePage:
    line = AllocatedLine(
        order_id=UUID(int=1), order_number="OR-2026-000123", title=title, kind="correction",
        # The last minute of a day in UTC is of the next one in Asia/Shanghai.
        accepted_at=datetime(2026, 11, 22, 23, 59, tzinfo=UTC), parts=parts,
    )  # fmt: skip
    return AllocatedIncomePage(totals=(), items=(line,), next_cursor=after)


def test_each_line_and_unit_is_a_row_that_computes_nothing(site: Site) -> None:
    """Page after page; amounts are numbers, also below zero; what a customer or a provider wrote is text."""
    pages = iter([
        page("=1+1", part("材料学院", "@机组", -20_250, -1_215), part("化学学院", "", -2_250, -135), after="next"),
        page("SEM", part("", "", 90_000, 5_400)),
    ])  # fmt: skip
    site.rpc.answers[ASKED] = lambda: {"view": next(pages).model_dump_json()}
    answer = site.get(CSV, api_key=PROVIDER_KEY)
    assert (answer.status, answer.headers["content-disposition"]) == (
        200, 'attachment; filename="allocated-income.csv"',
    )  # fmt: skip
    head, *rows = csv.reader(io.StringIO(answer.text, newline=""))
    assert head[:2] + head[4:] == ["order_number", "accepted_on", "college", "team", "currency", "net", "tax", "gross"]
    assert [row[1:3] for row in rows] == [["2026-11-23", "'=1+1"]] * 2 + [["2026-11-23", "SEM"]]
    assert [row[4:] for row in rows] == [
        ["材料学院", "'@机组", "CNY", "-20250", "-1215", "-21465"], ["化学学院", "", "CNY", "-2250", "-135", "-2385"],
        ["", "", "CNY", "90000", "5400", "95400"],
    ]  # fmt: skip
    assert [(body["settlement_id"], body["after"], body["totals"]) for body in site.rpc.bodies] == [
        (STATED, None, False), (STATED, "next", False),
    ]  # fmt: skip


def test_of_a_statement_that_is_not_the_callers_no_file_begins(site: Site) -> None:
    site.rpc.refuse(ASKED, "not_found", "not_found")
    answer = site.get(CSV, api_key=PROVIDER_KEY)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_stranger_is_asked_who_it_is(site: Site) -> None:
    assert site.get(CSV).status == 401
    assert site.rpc.asked == []
