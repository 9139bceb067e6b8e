"""An invoice whose documents fail the rules, over HTTP: finance is told, and has it made again; nobody else."""

from pathlib import Path

import psycopg2

from infra.demo import journey as steps
from infra.demo import proof
from infra.demo import settlement as settling
from infra.demo.client import Json, until
from services.shared.kernel.ids import new_id
from tests.e2e.test_card_order_with_station import FINANCE, Intruders
from tests.kit.journey import Stage, to_contracted, to_delivered, to_paid

LISTED = "/failed-documents"


def rename(stage: Stage, organisation_id: str, name: str) -> str:
    """Invoicing's copy of an organisation is called *name*. Answers what it was called."""
    with psycopg2.connect(stage.platform.environment["YIQI_INVOICING_OWNER_DATABASE_URL"]) as held:
        cursor = held.cursor()
        cursor.execute("SELECT legal_name FROM organisation WHERE organisation_id = %s", (organisation_id,))
        (before,) = cursor.fetchone() or ("",)
        cursor.execute(
            "UPDATE organisation SET legal_name = %s WHERE organisation_id = %s", (name, organisation_id)
        )  # fmt: skip
    held.close()
    return str(before)


def test_an_invoice_that_failed_is_made_again(stage: Stage, tmp_path: Path) -> None:
    """The customer's name is missing (BR-07) until somebody mends it; the number stays, and it is made once."""
    cast, others, (first, second) = stage.without_station(), Intruders(stage), stage.cashiers
    customer = cast.customer["customer_finance"]
    journey = stage.begin(cast, "failed document")
    order_id = to_contracted(journey, stage.offering(stage.provider, 100_000))
    to_paid(stage, journey, order_id)
    to_delivered(journey, order_id)
    name = rename(stage, cast.customer.organisation_id, "")
    try:
        steps.accept_order(journey, order_id)
        invoice = settling.invoice_of(cast, order_id)
    finally:
        rename(stage, cast.customer.organisation_id, name)
    assert (invoice["state"], "problem" in invoice) == ("failed", False)
    wanted = f"{LISTED}/invoice/{invoice['invoice_id']}/make-again"
    others.try_it(FINANCE, "GET", LISTED)
    others.try_it(FINANCE, "POST", wanted)
    (listed,) = [each for each in first.get(LISTED)["items"] if each["document_id"] == invoice["invoice_id"]]
    assert (listed["number"], listed["state"], listed["days"]) == (invoice["number"], "failed", 0)
    assert "BR-07" in listed["problem"]
    until(
        lambda: [each for each in first.get("/notifications")["items"] if invoice["number"] in each["subject"]], bool,
        "finance is told",
    )  # fmt: skip

    for path in (f"{LISTED}/invoice/{new_id()}/make-again", f"{LISTED}/red_letter/{invoice['invoice_id']}/make-again"):
        assert first.ask("POST", path, key=f"k/{new_id()}").status_code == 404
    assert first.ask("POST", f"{LISTED}/order/{order_id}/make-again", key=f"k/{new_id()}").status_code == 422
    again: Json = first.post(wanted, key=f"again/{order_id}")
    assert (again["number"], again["state"]) == (invoice["number"], "issuing")
    assert first.post(wanted, key=f"again/{order_id}") == again
    assert second.ask("POST", wanted, key=f"k/{new_id()}").status_code == 409

    done = until(
        lambda: customer.get(f"/invoices/{invoice['invoice_id']}"), lambda found: found["state"] == "issued",
        "the invoice", timeout_s=120,
    )  # fmt: skip
    assert done["number"] == invoice["number"]
    xml = customer.download(f"/invoices/{invoice['invoice_id']}/documents/xml", tmp_path)
    assert proof.invoice_obeys_the_rules(xml) == []
    assert second.ask("POST", wanted, key=f"k/{new_id()}").status_code == 409
    assert [each for each in first.get(LISTED)["items"] if each["document_id"] == invoice["invoice_id"]] == []
    assert proof.settled(lambda: proof.books_hold(stage.operator), 30) == []
