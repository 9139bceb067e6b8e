"""Documents that failed on a real database, by the real rules: listed by age, and made again once, whoever asks."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from services.invoicing.adapters.failed_document_queries import list_failed_documents
from services.invoicing.adapters.issuing import IssueInvoice
from services.invoicing.use_cases import organisation
from services.invoicing.use_cases.failed_document import make_document_again
from services.invoicing.use_cases.invoice import invoice_order, issue_payload, record_documents
from services.invoicing.use_cases.red_letter import record_documents as record_red_documents
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.invoicing.failed_document import FailedDocument, ListFailedDocuments, MakeDocumentAgain
from tests.integration.invoicing.database import ServiceDatabases, fill, transaction
from tests.integration.invoicing.test_red_letter_repository import engine as with_red_letter
from tests.integration.invoicing.test_red_letter_repository import told
from tests.integration.invoicing.test_repositories import INVOICE_ID
from tests.kit.fakes_invoicing import (
    CATALOGUE_OPERATOR,
    CUSTOMER_FINANCE,
    CUSTOMER_ID,
    FINANCE_OPERATOR,
    NOW,
    PROVIDER_FINANCE,
    contracted,
    recognised,
    registered,
)
from tests.unit.invoicing.test_red_letter_use_cases import red_letter_id

LATER = NOW + timedelta(days=2)
AGAIN = MakeDocumentAgain(kind="invoice", document_id=INVOICE_ID)
FAILS = {"findings": ["BR-07: x"]}
red_lettered = with_red_letter


def listed(engine: Engine, actor: Actor = FINANCE_OPERATOR) -> list[FailedDocument]:
    with transaction(engine) as uow:
        return list(list_failed_documents(ListFailedDocuments(), actor=actor, uow=uow, now=LATER).items)


def make(engine: Engine, wanted: MakeDocumentAgain = AGAIN) -> bool:
    try:
        with transaction(engine) as uow:
            make_document_again(wanted, actor=FINANCE_OPERATOR, uow=uow, now=LATER)
    except WrongState:
        return False
    return True


def issue(engine: Engine, store: ObjectStore) -> list[str]:
    """What the rules find; the outcome is recorded."""
    with transaction(engine) as uow:
        payload = issue_payload(uow.invoices.get(INVOICE_ID))
    outcome = IssueInvoice(store)(payload, "key")
    with transaction(engine) as uow:
        record_documents(payload, outcome, uow=uow, now=NOW)
    return list(outcome["findings"])


def test_what_fails_the_rules_is_made_again_when_its_cause_is_mended(
    service_database: ServiceDatabases, stack: Mapping[str, str]
) -> None:
    """A customer without a name (BR-07); ten have it made again at once, and one does, under the same number."""
    engine = service_database("invoicing").engine(pool_size=12)
    store = ObjectStore(
        stack["YIQI_INVOICING_OBJECT_STORE_URL"], stack["YIQI_INVOICING_BUCKET"], stack["YIQI_INVOICING_RECORDS_BUCKET"]
    )
    fill(engine, contracted())
    with transaction(engine) as uow:
        organisation.keep_copy(registered("customer", CUSTOMER_ID, legal_name=""), uow=uow, now=NOW)
        invoice_order(recognised(contracted()), uow=uow, now=NOW)
    assert any("BR-07" in finding for finding in issue(engine, store))
    (failed,) = listed(engine)
    assert (failed.number, failed.state, failed.days) == ("INV-2026-000001", "failed", 2)
    assert "BR-07" in failed.problem
    assert make(engine)
    assert any("BR-07" in finding for finding in issue(engine, store))
    assert [(each.state, each.failed_at) for each in listed(engine)] == [("failed", NOW)]

    with transaction(engine) as uow:
        organisation.keep_copy(registered("customer", CUSTOMER_ID), uow=uow, now=NOW)
    with ThreadPoolExecutor(10) as threads:
        assert sum(threads.map(lambda _: make(engine), range(10))) == 1
    assert [each.state for each in listed(engine)] == ["issuing"]
    assert issue(engine, store) == []
    assert listed(engine) == []
    with transaction(engine) as uow:
        made = uow.invoices.get(INVOICE_ID)
        assert (made.state, made.number, made.issued_at) == ("issued", "INV-2026-000001", LATER)
    assert not make(engine)
    engine.dispose()


def test_a_red_letter_likewise(red_lettered: Engine) -> None:
    engine, payload = red_lettered, {"invoice_id": str(INVOICE_ID), "red_letter_id": str(red_letter_id())}
    told(engine, "04")
    with transaction(engine) as uow:
        record_red_documents(payload, FAILS, uow=uow, now=NOW)
    (failed,) = listed(engine)
    assert (failed.kind, failed.number, failed.gross.amount) == ("red_letter", "RED-2026-000001", -35_333)
    wanted = MakeDocumentAgain(kind="red_letter", document_id=red_letter_id())
    assert [make(engine, wanted) for _ in range(2)] == [True, False]
    assert [each.state for each in listed(engine)] == ["issuing"]
    for actor, refusal in (
        (CATALOGUE_OPERATOR, NotAllowed),
        (CUSTOMER_FINANCE, NotFound),
        (PROVIDER_FINANCE, NotFound),
    ):
        with pytest.raises(refusal):
            listed(engine, actor)


@pytest.mark.parametrize("table", ["invoice", "red_letter"])
def test_the_database_knows_since_when(red_lettered: Engine, table: str) -> None:
    """Nothing has failed without it, and what is issued has not failed."""
    told(red_lettered, "04")
    for change in ("state = 'failed'", "state = 'issued', failed_at = now()"):
        with pytest.raises(IntegrityError), transaction(red_lettered) as uow:
            uow.connection.exec_driver_sql(f"UPDATE {table} SET {change}")
