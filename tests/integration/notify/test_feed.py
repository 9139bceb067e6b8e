"""The feed on a real database: without gaps beside each other, once, readable by its owner alone, enough for books."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from services.notify.adapters import queries
from services.notify.domain.feed import OPERATOR_VIEW
from services.notify.use_cases.feed import append
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.messages.base import Event
from services.shared.messages.billing.ledger import Entry, LedgerPosted, LedgerTransaction
from services.shared.messages.notify.feed import FeedEntry, GetFeedEntry, ListFeed
from tests.integration.notify.database import ServiceDatabases, transaction
from tests.kit.fakes_invoicing import (
    CATALOGUE_OPERATOR,
    CUSTOMER_FINANCE,
    CUSTOMER_ID,
    FINANCE_OPERATOR,
    NOW,
    OTHER_PROVIDER_FINANCE,
    PROVIDER_FINANCE,
    REQUESTER,
)
from tests.kit.notify_events import an_event
from tests.kit.platform import ServiceDatabase


class Stumbled(Exception):
    """A transaction that did not come to its end."""


@pytest.fixture
def made(service_database: ServiceDatabases) -> ServiceDatabase:
    return service_database("notify")


@pytest.fixture
def engine(made: ServiceDatabase) -> Engine:
    return made.engine(pool_size=10)


def add(engine: Engine, *events: Event, stumble: bool = False) -> None:
    """*events* in one transaction, as a batch of the inbox is."""
    with transaction(engine) as uow:
        for event in events:
            uow.cause = type(uow.cause)("c", str(new_id()), occurred_at=NOW)
            append(event, uow=uow, now=NOW)
        if stumble:
            raise Stumbled


def whole_feed(engine: Engine, actor: Actor, limit: int = 7) -> list[FeedEntry]:
    """Everything, page by page, as a finance system pulls it."""
    found: list[FeedEntry] = []
    after = 0
    while True:
        with transaction(engine) as uow:
            page = queries.list_feed(ListFeed(after=after, limit=limit), actor=actor, uow=uow, now=NOW)
        found += page.items
        if page.next_cursor is None:
            assert page.high_watermark == (found[-1].sequence if found else 0)
            return found
        after = int(page.next_cursor)


def test_views_have_no_gaps_although_batches_run_beside_each_other_and_fail(
    engine: Engine, made: ServiceDatabase
) -> None:
    """Eight writers, views in every mixture, every fourth batch rolled back: no gap, no double, no deadlock."""
    names = ["order.placed.v1", "order.released.v1", "ledger.posted.v1", "settlement.closed.v1", "payment.opened.v1"]
    together = threading.Barrier(8)

    def write(worker: int) -> int:
        dice = random.Random(worker)
        together.wait()
        kept = 0
        for batch in range(12):
            events = [
                an_event(name, customer_id=derived_id("organisation", dice.randrange(4)))
                if name.startswith(("order", "payment"))
                else an_event(name)
                for name in dice.choices(names, k=10)
            ]
            if batch % 4 == 3:
                with pytest.raises(Stumbled):
                    add(engine, *events, stumble=True)
            else:
                add(engine, *events)
                kept += len(events)
        return kept

    with ThreadPoolExecutor(8) as threads:
        kept = sum(threads.map(write, range(8)))
    by_view: dict[str, list[int]] = {}
    for view, sequence in made.rows("SELECT view, sequence FROM feed_entry ORDER BY view, sequence"):
        by_view.setdefault(view, []).append(sequence)
    assert all(sequences == list(range(1, len(sequences) + 1)) for sequences in by_view.values())
    assert len(by_view[OPERATOR_VIEW]) == kept
    assert dict(made.rows("SELECT view, last_sequence FROM feed_view")) == {
        view: len(sequences) for view, sequences in by_view.items()
    }


def test_one_event_is_one_entry_however_often_it_comes(engine: Engine) -> None:
    event_id = new_id()
    for _ in range(3):
        with transaction(engine, event_id) as uow:
            append(an_event("order.placed.v1"), uow=uow, now=NOW)
    assert [entry.sequence for entry in whole_feed(engine, CUSTOMER_FINANCE)] == [1]
    assert [entry.sequence for entry in whole_feed(engine, FINANCE_OPERATOR)] == [1]


def test_the_feed_rebuilds_the_balances(engine: Engine) -> None:
    """The sum of all ledger.posted entries is the ledger, account by account."""
    dice = random.Random(20_261_123)
    accounts = ["A:bank:main", "A:psp:stripe", "L:contract:1", "L:contract:2", "R:service", "L:vat:output", "E:psp_fee"]
    books: Counter[str] = Counter()
    batch: list[Event] = []
    for number in range(150):
        debit, credit, split = dice.sample(accounts, 3)
        amount = dice.randrange(2, 10**9)
        part = dice.randrange(1, amount)
        sides = [("D", debit, amount), ("C", credit, part), ("C", split, amount - part)]
        for side, account, figure in sides:
            books[account] += figure if side == "D" else -figure
        transaction_id = derived_id("tx", number)
        batch.append(
            LedgerPosted(
                stream_id="general",
                transaction=LedgerTransaction(
                    transaction_id=transaction_id, key=str(number), kind="test", order_id=None, order_number="",
                    effective_at=NOW, reverses=None,
                    entries=tuple(
                        Entry(line=line, account=account, side=side, amount=figure, currency="CNY")  # type: ignore[arg-type]
                        for line, (side, account, figure) in enumerate(sides, 1)
                    ),
                ),
            )
        )  # fmt: skip
        if number % 3 == 0:
            batch.append(an_event("order.released.v1"))
        if len(batch) >= 40:
            add(engine, *batch)
            batch.clear()
    add(engine, *batch)

    rebuilt: Counter[str] = Counter()
    for entry in whole_feed(engine, FINANCE_OPERATOR, limit=50):
        if entry.event["type"] == "io.yiqi.ledger.posted.v1":
            for line in entry.event["data"]["transaction"]["entries"]:
                rebuilt[line["account"]] += line["amount"] if line["side"] == "D" else -line["amount"]
    assert rebuilt == books
    assert sum(rebuilt.values()) == 0
    assert any(rebuilt.values())


def test_pages_types_and_single_entries(engine: Engine) -> None:
    """Pages follow without overlap; a type may be named with or without its prefix; the content never changes."""
    add(engine, *(an_event(name) for name in ("order.placed.v1", "payment.opened.v1", "order.released.v1") * 5))
    entries = whole_feed(engine, CUSTOMER_FINANCE, limit=4)
    assert [entry.sequence for entry in entries] == list(range(1, 16))
    assert all(entry.prev_sequence == entry.sequence - 1 for entry in entries)
    with transaction(engine) as uow:
        for name in ("payment.opened.v1", "io.yiqi.payment.opened.v1"):
            found = queries.list_feed(ListFeed(types=(name,)), actor=CUSTOMER_FINANCE, uow=uow, now=NOW)
            assert [entry.sequence for entry in found.items] == [2, 5, 8, 11, 14]
            assert (found.high_watermark, found.next_cursor) == (15, None)
        for entry in entries:
            wanted = GetFeedEntry(event_id=UUID(entry.event["id"]))
            assert queries.get_feed_entry(wanted, actor=CUSTOMER_FINANCE, uow=uow, now=NOW).entry == entry


def test_everybody_reads_their_own_view_alone(engine: Engine) -> None:
    """A foreign entry does not exist, an empty view is empty, and the role counts."""
    add(engine, an_event("order.placed.v1"))
    (entry,) = whole_feed(engine, CUSTOMER_FINANCE)
    wanted = GetFeedEntry(event_id=UUID(entry.event["id"]))
    for actor in (PROVIDER_FINANCE, OTHER_PROVIDER_FINANCE):
        assert whole_feed(engine, actor) == []
        with transaction(engine) as uow, pytest.raises(NotFound):
            queries.get_feed_entry(wanted, actor=actor, uow=uow, now=NOW)
    for actor in (REQUESTER, CATALOGUE_OPERATOR):
        with transaction(engine) as uow:
            with pytest.raises(NotAllowed):
                queries.list_feed(ListFeed(), actor=actor, uow=uow, now=NOW)
            with pytest.raises(NotAllowed):
                queries.get_feed_entry(wanted, actor=actor, uow=uow, now=NOW)


def test_an_entry_can_be_neither_changed_nor_removed(engine: Engine) -> None:
    for statement in ("UPDATE feed_entry SET body = ''", "DELETE FROM feed_entry"):
        with pytest.raises(DBAPIError, match="permission denied"), transaction(engine) as uow:
            uow.connection.exec_driver_sql(statement)


def test_a_batch_of_a_hundred_is_quick(engine: Engine) -> None:
    """The handlers give a batch one transaction; the limit leaves room for a busy machine."""
    batch = [an_event("order.accepted.v1", customer_id=CUSTOMER_ID) for _ in range(100)]
    add(engine, *batch)
    started = time.monotonic()
    add(engine, *batch)
    assert time.monotonic() - started < 3
    assert whole_feed(engine, CUSTOMER_FINANCE, limit=500)[-1].sequence == 200
