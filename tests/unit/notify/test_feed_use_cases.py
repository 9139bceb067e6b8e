"""Appending to the views."""

import json
from uuid import UUID

import pytest

from services.notify.domain.feed import FEED, OPERATOR_VIEW
from services.notify.use_cases.feed import append
from services.notify.use_cases.webhook_endpoint import SEND_WEBHOOKS
from services.shared.kernel.ids import new_id
from tests.kit.fakes_invoicing import NOW
from tests.kit.fakes_notify import CUSTOMER_VIEW, PROVIDER_VIEW, FakeNotify, an_endpoint
from tests.kit.notify_events import an_event


def test_each_view_counts_for_itself_without_gaps() -> None:
    """A view's numbers say nothing of how much went into others."""
    uow = FakeNotify()
    for name in ("ledger.posted.v1", "order.placed.v1", "ledger.posted.v1", "order.released.v1"):
        append(an_event(name), uow=uow.as_event(), now=NOW)
    assert [row.sequence for row in uow.feed.of(OPERATOR_VIEW)] == [1, 2, 3, 4]
    assert [(row.sequence, row.type) for row in uow.feed.of(CUSTOMER_VIEW)] == [
        (1, "order.placed.v1"), (2, "order.released.v1"),
    ]  # fmt: skip
    assert [row.sequence for row in uow.feed.of(PROVIDER_VIEW)] == [1]


def test_the_same_event_again_changes_nothing() -> None:
    """Neither an entry nor a number is spent on a second delivery."""
    uow, event_id = FakeNotify(), new_id()
    for _ in range(3):
        append(an_event("order.placed.v1"), uow=uow.as_event(event_id), now=NOW)
    assert uow.feed.last == {OPERATOR_VIEW: 1, CUSTOMER_VIEW: 1}
    assert len(uow.feed.rows) == 2


@pytest.mark.parametrize("name", FEED)
def test_an_entry_is_a_cloud_event_of_the_source_with_the_views_sequence(name: str) -> None:
    """The id is the source's, so that the same fact is recognised in every way it comes; no trace of who did it."""
    uow = FakeNotify()
    append(an_event(name), uow=uow, now=NOW)
    for row in uow.feed.rows:
        said = json.loads(row.body)
        assert (said["specversion"], said["type"], said["id"]) == ("1.0", f"io.yiqi.{name}", uow.cause.causation_id)
        assert said["sequence"] == "00000000000000000001"
        assert said["time"] == "2026-11-23T08:00:00.000000Z"
        assert not {"actor", "causationid", "correlationid", "traceparent"} & set(said)
        assert row.event_id == UUID(said["id"])


def test_endpoints_of_the_view_are_woken() -> None:
    """Only those that want the type; the entry itself is there in any case."""
    uow = FakeNotify()
    wanting, other = an_endpoint(), an_endpoint(webhook_endpoint_id=new_id(), types=("invoice.issued.v1",))
    uow.webhook_endpoints.add(wanting)
    uow.webhook_endpoints.add(other)
    append(an_event("order.placed.v1"), uow=uow, now=NOW)
    assert uow.timers == {(SEND_WEBHOOKS, str(wanting.webhook_endpoint_id)): NOW}
