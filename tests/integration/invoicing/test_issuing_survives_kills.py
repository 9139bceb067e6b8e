"""The children that check and set an invoice are killed over their work: it is done again, and issued once."""

import os
import signal
import threading
from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import Engine

from services.invoicing.adapters import einvoice_rules
from services.invoicing.adapters.issuing import IssueInvoice
from services.invoicing.adapters.unit_of_work import InvoicingUnitOfWork
from services.invoicing.use_cases import invoice
from services.shared.chassis import render
from services.shared.chassis.child import Child
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.definition import OutsideCall
from services.shared.chassis.object_store import ObjectStore
from services.shared.chassis.outside_calls import OutsideCaller
from tests.integration.invoicing.database import ServiceDatabases, fill, transaction
from tests.kit.fakes_invoicing import NOW, contracted, recognised
from tests.kit.platform import ServiceDatabase
from tests.kit.waiting import wait_until


@pytest.fixture
def target(service_database: ServiceDatabases) -> ServiceDatabase:
    return service_database("invoicing")


@pytest.fixture
def engine(target: ServiceDatabase) -> Iterator[Engine]:
    made = target.engine()
    yield made
    made.dispose()


def kill_at_work(child: Child, *, seen: int | None = None) -> int:
    """Kill the next process of *child* that is not *seen*, soon after it began. Returns its id."""
    wait_until(lambda: child.pid() not in {None, seen}, every_s=0.01)
    pid = child.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def test_an_invoice_is_issued_once_although_its_children_are_killed(
    target: ServiceDatabase, engine: Engine, stack: Mapping[str, str]
) -> None:
    """Two checks and one page are killed in the middle; nothing is recorded until all of it is done."""
    store = ObjectStore(
        stack["YIQI_INVOICING_OBJECT_STORE_URL"], stack["YIQI_INVOICING_BUCKET"], stack["YIQI_INVOICING_RECORDS_BUCKET"]
    )
    einvoice_rules.CHILD.end()
    render.CHILD.end()
    fill(engine, contracted())
    with transaction(engine) as uow:
        invoice.invoice_order(recognised(contracted()), uow=uow, now=NOW)
    call = OutsideCall(invoice.ISSUE_INVOICE, IssueInvoice(store), invoice.record_documents, lease_s=120.0)
    caller = OutsideCaller("invoicing", engine, SystemClock(), InvoicingUnitOfWork, (call,))
    stop = threading.Event()
    working = threading.Thread(target=caller.run, args=(stop,))
    working.start()
    try:
        first = kill_at_work(einvoice_rules.CHILD)
        wait_until(lambda: target.rows("SELECT status, attempts FROM outside_call") == [("ready", 1)])
        assert target.rows("SELECT state FROM invoice") == [("issuing",)]
        kill_at_work(einvoice_rules.CHILD, seen=first)
        kill_at_work(render.CHILD)
        wait_until(lambda: target.rows("SELECT status FROM outside_call") == [("succeeded",)])
    finally:
        stop.set()
        working.join()
    assert target.rows("SELECT attempts FROM outside_call") == [(4,)]
    assert target.rows("SELECT state FROM invoice") == [("issued",)]
    assert target.rows("SELECT count(*) FROM outbox WHERE type = 'invoice.issued.v1'") == [(1,)]
    ((outcome,),) = target.rows("SELECT outcome FROM outside_call")
    for form in ("pdf", "xml"):
        assert len(store.fetch(outcome[form]["key"])) == outcome[form]["size_bytes"]
