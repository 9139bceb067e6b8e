"""The series of invoice numbers has no gaps and no doubles, whoever takes numbers beside whom and dies when."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from services.invoicing.adapters.unit_of_work import InvoicingUnitOfWork
from services.invoicing.use_cases.invoice import invoice_order
from services.shared.kernel.errors import Unavailable
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.revenue import RevenueRecognised
from tests.integration.invoicing.database import ServiceDatabases, fill, transaction
from tests.kit.fakes_invoicing import NOW, contracted, recognised


class Stumbled(Exception):
    """A transaction that did not come to its end."""


def stumble(uow: InvoicingUnitOfWork, event: RevenueRecognised) -> None:
    """Take a number, and come to no end."""
    invoice_order(event, uow=uow, now=NOW)
    raise Stumbled


def expected(count: int) -> list[str]:
    return [f"INV-2026-{number:06d}" for number in range(1, count + 1)]


def test_twenty_beside_each_other_with_every_third_rolled_back(service_database: ServiceDatabases) -> None:
    """A number whose transaction failed is the next one's."""
    made = service_database("invoicing")
    engine = made.engine(pool_size=20)
    orders = [contracted(derived_id("order", n), number=f"OR-2026-{n:06d}") for n in range(60)]
    fill(engine, *orders)
    together = threading.Barrier(20)

    def issue(worker: int) -> None:
        together.wait()
        for n in range(worker, 60, 20):
            event = recognised(orders[n])
            if n % 3 == 0:
                with pytest.raises(Stumbled), transaction(engine) as uow:
                    stumble(uow, event)
            with transaction(engine) as uow:
                invoice_order(event, uow=uow, now=NOW)

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(issue, range(20)))
    assert [number for (number,) in made.rows("SELECT number FROM invoice ORDER BY number")] == expected(60)
    assert made.rows("SELECT last FROM number_series") == [(60,)]
    assert made.rows("SELECT count(*) FROM tax_point") == [(60,)]
    assert made.rows("SELECT count(*) FROM outside_call") == [(60,)]
    engine.dispose()


def test_twenty_deliveries_of_one_event_make_one_invoice(service_database: ServiceDatabases) -> None:
    """An order is invoiced once, however often and at however many places its acceptance is heard at once."""
    made = service_database("invoicing")
    engine = made.engine(pool_size=20)
    order = contracted()
    fill(engine, order)
    together = threading.Barrier(20)
    published = []

    def issue(_: int) -> None:
        together.wait()
        with transaction(engine) as uow:
            invoice_order(recognised(order), uow=uow, now=NOW)
            published.extend(uow.outbox)

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(issue, range(20)))
    assert made.rows("SELECT number FROM invoice") == [("INV-2026-000001",)]
    assert made.rows("SELECT last FROM number_series") == [(1,)]
    assert [row.type for row in published] == ["tax_point.reached.v1"]
    engine.dispose()


def test_a_process_that_dies_leaves_no_gap(service_database: ServiceDatabases) -> None:
    """Its connection is cut between taking the number and committing: the number is given again."""
    made = service_database("invoicing")
    engine = made.engine()
    first, second = contracted(derived_id("order", 1)), contracted(derived_id("order", 2), number="OR-2026-000002")
    fill(engine, first, second)

    def die() -> None:
        with transaction(engine) as uow:
            invoice_order(recognised(first), uow=uow, now=NOW)
            victim = uow.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            made.rows("SELECT pg_terminate_backend(%s)", (victim,))
            uow.connection.exec_driver_sql("SELECT 1")

    with pytest.raises(Unavailable):
        die()
    for order in (second, first):
        with transaction(engine) as uow:
            invoice_order(recognised(order), uow=uow, now=NOW)
    rows = made.rows("SELECT number, contents ->> 'order_number' FROM invoice ORDER BY number")
    assert rows == [("INV-2026-000001", "OR-2026-000002"), ("INV-2026-000002", "OR-2026-000001")]
    engine.dispose()


def test_each_business_year_has_its_own_series(service_database: ServiceDatabases) -> None:
    """At 16:00 UTC of the last of December it is next year in Shanghai."""
    made = service_database("invoicing")
    engine = made.engine()
    orders = [contracted(derived_id("order", n), number=f"OR-2026-{n:06d}") for n in range(2)]
    fill(engine, *orders)
    for order, hour in zip(orders, (15, 16), strict=True):
        now = datetime(2026, 12, 31, hour, 30, tzinfo=UTC)
        with transaction(engine, now) as uow:
            invoice_order(recognised(order), uow=uow, now=now)
    assert made.rows("SELECT number FROM invoice ORDER BY number") == [("INV-2026-000001",), ("INV-2027-000001",)]
    engine.dispose()
