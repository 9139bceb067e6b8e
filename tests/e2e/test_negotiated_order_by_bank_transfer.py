"""
An order negotiated over two quotations, paid by bank transfer, accepted by silence: the figures of TV14.
"""

from datetime import timedelta

from infra.demo import bank
from infra.demo import journey as steps
from infra.demo import settlement as settling
from infra.demo.client import Json
from infra.demo.figures import NEGOTIATED_BY_TRANSFER
from services.shared.kernel.ids import new_id
from tests.kit.journey import ACCEPTANCE, HOLD, ONE_SAMPLE, Stage, all_is_well, to_closed, to_delivered, to_invoiced

LINE: Json = {
    "title_zh": "固体核磁", "title_en": "Solid-state NMR", "unit": "sample", "quantity": 3,
    "unit_price": {"amount": 120_000, "currency": "CNY"}, "reason": "not on the price list",
}  # fmt: skip


def negotiated(stage: Stage, journey: steps.Journey) -> str:
    """Request, quotation, counter-offer, better quotation, acceptance. Answers the order's id."""
    request = steps.request_quotation(journey, "Solid-state NMR", "MAS 20 kHz", 3, ONE_SAMPLE)
    request_id = request["quotation_request_id"]
    first = steps.send_quotation(journey, request_id, [LINE], version=1)
    assert (first["version"], first["amounts"]["net"]["amount"]) == (1, 360_000)
    steps.counter_quotation(journey, first["quotation_id"], "All three at once", 300_000)
    second = steps.send_quotation(journey, request_id, [{**LINE, "discount_bps": 1_200}], version=2)
    assert (second["version"], second["amounts"]["net"]["amount"], second["amounts"]["tax"]["amount"]) == (
        2, 316_800, 19_008,
    )  # fmt: skip
    buyer = stage.referred["requester"]
    assert buyer.get(f"/quotations/{first['quotation_id']}")["state"] == "superseded"
    body = {"payment_method": "bank_transfer"}
    late = buyer.ask("POST", f"/quotations/{first['quotation_id']}/accept", body=body, key=f"late/{new_id()}")
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")
    # Sealed: a provider who was not asked learns nothing, not even that there is a request.
    rival = stage.rivals[1]["lab_manager"]
    assert rival.ask("GET", f"/quotation-requests/{request_id}").status_code == 404
    assert rival.ask("GET", f"/quotations/{second['quotation_id']}").status_code == 404
    order_id: str = steps.accept_quotation(journey, second["quotation_id"], "bank_transfer")["order_id"]
    assert buyer.get(f"/quotation-requests/{request_id}")["state"] == "closed"
    return order_id


def test_negotiated_order_by_bank_transfer(stage: Stage) -> None:
    cast = stage.with_station
    journey = stage.begin(cast, "transfer")
    order_id = negotiated(stage, journey)
    steps.sign_by_all(journey, order_id)

    payment = steps.payment_of(journey, order_id)
    assert (payment["amount"]["amount"], payment["client_secret"]) == (335_808, None)
    line = {
        "serial_number": f"X-{payment['reference']}", "booked_at": journey.began_at.isoformat(), "direction": "in",
        "amount": 12_345, "counterparty": "somebody", "remittance": "no reference",
    }  # fmt: skip
    stray = bank.import_statement(cast, [line], key=f"stray/{order_id}")
    assert (stray["matched"], stray["suspense"]) == (0, 1)
    booked = steps.pay_by_transfer(journey, order_id)
    assert (booked["matched"], booked["suspense"]) == (1, 0)
    # The same statement again books nothing.
    again = bank.import_statement(
        cast, [{**line, "booked_at": booked["lines"][0]["booked_at"]}], key=f"again/{order_id}"
    )
    assert (again["matched"], again["suspense"], again["repeated"]) == (0, 0, 1)

    to_delivered(journey, order_id)
    stage.platform.move_clock(ACCEPTANCE + timedelta(hours=1))
    accepted = steps.wait_for_state(stage.referred["requester"], order_id, "accepted")
    assert accepted["accepted_at"] > accepted["delivered_at"]
    history = steps.timeline_of(stage.referred["requester"], order_id)
    assert [step["by"] for step in history if step["what"] == "accepted"] == ["platform"]
    invoice = settling.invoice_of(cast, order_id)
    assert invoice["issued_at"] > accepted["accepted_at"], "the clocks did not move at once"

    settlements = to_invoiced(stage, journey, order_id)
    stage.platform.move_clock(HOLD + timedelta(hours=1))
    to_closed(stage, journey, order_id, settlements)
    assert all_is_well(stage, {order_id: (cast, NEGOTIATED_BY_TRANSFER)}) == []
