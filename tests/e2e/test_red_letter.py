"""A refund of an invoiced order over HTTP, where no tax platform is connected: two of staff, then the money."""

from pathlib import Path

from infra.demo import journey as steps
from infra.demo import proof
from infra.demo import settlement as settling
from infra.demo.client import Json, until
from tests.e2e.test_card_order_with_station import FINANCE, Intruders
from tests.kit.journey import Stage, to_contracted, to_delivered, to_paid

FORM: Json = {"number": "5000112611000123", "state": "02"}


def test_a_refund_after_the_invoice(stage: Stage, tmp_path: Path) -> None:
    """A third of TV01; whoever is not the company's finance is refused each step, and one alone moves no money."""
    cast, customer = stage.with_station, stage.referred["customer_finance"]
    first, second = stage.cashiers
    journey, others = stage.begin(cast, "red letter"), Intruders(stage)
    order_id = to_contracted(journey, stage.offering(stage.provider, 100_000))
    to_paid(stage, journey, order_id)
    to_delivered(journey, order_id)
    steps.accept_order(journey, order_id)
    invoice = settling.invoice_of(cast, order_id)

    wanted: Json = {"order_id": order_id, "net": {"amount": 33_333, "currency": "CNY"}, "burden": "provider"}
    asked = first.post("/refunds", {**wanted, "reason": "one of three was unusable"}, key=f"refund/{order_id}")
    refund = second.post(f"/refunds/{asked['refund_id']}/approve", key=f"approve/{order_id}")
    assert refund["state"] == "awaiting_red_letter"
    (letter,) = until(
        lambda: first.get("/red-letters", order_id=order_id)["items"], lambda found: len(found) == 1, "the red letter"
    )
    path = f"/red-letters/{letter['red_letter_id']}"
    assert (letter["state"], letter["number"], letter["gross"]["amount"]) == ("requested", "", -35_333)
    assert customer.get(f"/invoices/{invoice['invoice_id']}")["state"] == "red_pending"
    own = ("requester", "approver", "customer_finance", *FINANCE)
    others.try_it(own, "GET", path)
    others.try_it(FINANCE, "POST", f"{path}/form", FORM)
    others.try_it(FINANCE, "POST", f"{path}/form/confirm", {"number": FORM["number"]})
    others.try_it(FINANCE, "POST", f"{path}/form/refuse", {"state": "05"})
    others.try_it(FINANCE, "POST", f"{path}/form/request")

    recorded = first.post(f"{path}/form", FORM, key=f"form/{order_id}")
    assert (recorded["form_state"], recorded["form_source"], recorded["state"]) == ("02", "staff", "unconfirmed")
    alone = first.ask("POST", f"{path}/form/confirm", body={"number": FORM["number"]}, key=f"alone/{order_id}")
    assert (alone.status_code, alone.json()["code"]) == (403, "invoicing.red_form_four_eyes_required")
    other = second.ask("POST", f"{path}/form/confirm", body={"number": "5000112611000124"}, key=f"other/{order_id}")
    assert (other.status_code, other.json()["code"]) == (409, "invoicing.red_form_number_differs")
    assert customer.get(f"/refunds/{asked['refund_id']}")["state"] == "awaiting_red_letter"
    second.post(f"{path}/form/confirm", {"number": FORM["number"]}, key=f"confirm/{order_id}")

    done = until(lambda: customer.get(path), lambda found: found["state"] == "issued", "the red-letter invoice")
    assert done["number"].startswith("RED-")
    assert "problem" not in done
    shown = customer.get(f"/invoices/{invoice['invoice_id']}")
    assert (shown["state"], [each["number"] for each in shown["red_letters"]]) == ("partly_reversed", [done["number"]])
    xml = customer.download(f"{path}/documents/xml", tmp_path)
    assert proof.invoice_obeys_the_rules(xml) == []
    assert b"<cbc:CreditNoteTypeCode>381<" in xml.read_bytes()
    assert customer.download(f"{path}/documents/pdf", tmp_path).read_bytes().startswith(b"%PDF")
    others.try_it(own, "GET", f"{path}/documents/pdf")

    until(
        lambda: customer.get(f"/refunds/{asked['refund_id']}"), lambda found: found["state"] == "succeeded", "the money"
    )
    said = [event for event in proof.feed(customer, "red_letter.issued.v1") if event["data"]["order_id"] == order_id]
    assert [(event["data"]["number"], event["data"]["net"]["amount"]) for event in said] == [(done["number"], -33_333)]
    told = until(
        lambda: [each for each in customer.get("/notifications")["items"] if done["number"] in each["subject"]],
        bool, "what the customer's finance is told",
    )  # fmt: skip
    assert len(told) == 1
    assert proof.settled(lambda: proof.books_hold(stage.operator), 30) == []
