"""A refund over HTTP of what is not paid yet; that of an invoiced order is `test_red_letter.py`."""

from datetime import timedelta

from infra.demo import journey as steps
from infra.demo.client import Client, Json
from infra.demo.people import once_ready
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from tests.kit.journey import Stage, all_is_well, to_contracted, to_delivered
from tests.kit.waiting import wait_until


def key() -> str:
    return f"k/{new_id()}"


def refunded(stage: Stage, order_id: str, net: int) -> Json:
    """Asked for by one of finance, approved by the other."""
    first, second = stage.cashiers
    wanted = {
        "order_id": order_id, "net": {"amount": net, "currency": "CNY"}, "burden": "provider",
        "reason": "one line failed",
    }  # fmt: skip
    asked = first.post("/refunds", wanted, key=key())
    alone = first.ask("POST", f"/refunds/{asked['refund_id']}/approve", key=key())
    assert (alone.status_code, alone.json()["code"]) == (403, "billing.refund_four_eyes_required")
    return second.post(f"/refunds/{asked['refund_id']}/approve", key=key())


def invoice_of(client: Client, order_id: str) -> Json | None:
    found: list[Json] = [each for each in client.get("/invoices", limit=200)["items"] if each["order_id"] == order_id]
    return found[0] if found and found[0]["state"] not in {"issuing", "requested"} else None


def test_a_refund_of_an_order_on_credit_lowers_what_is_owed(stage: Stage) -> None:
    """A line, an order on it, a third refunded before acceptance; the invoice and what is owed are of the rest."""
    cast = stage.without_station()
    journey = stage.begin(cast, "credit")
    first, second = stage.cashiers
    line = first.post(
        "/credit-lines",
        {
            "customer_id": cast.customer.organisation_id, "limit": {"amount": 1_000_000, "currency": "CNY"},
            "net_days": 30, "valid_until": (business_date(stage.platform.now()) + timedelta(days=90)).isoformat(),
        },
        key=key(),
    )  # fmt: skip
    approved = {"proposal_id": line["proposal"]["proposal_id"]}
    second.post(f"/credit-lines/{line['credit_line_id']}/approve", approved, key=key())
    offering_id = stage.offering(stage.provider, 100_000)

    def ordered() -> Json:
        return {"id": to_contracted(journey, offering_id, "credit")}

    # Orders hears of the line a moment later.
    order_id: str = once_ready(ordered, "orders.credit_not_offered")["id"]
    customer = cast.customer["customer_finance"]
    steps.wait_for_state(cast.customer["requester"], order_id, "released")
    made = refunded(stage, order_id, 33_333)
    assert (made["state"], made["paid_back"]["amount"], made["on_account"]["amount"]) == ("succeeded", 0, 35_333)
    to_delivered(journey, order_id)
    steps.accept_order(journey, order_id)
    wait_until(lambda: invoice_of(customer, order_id) is not None)
    invoice = invoice_of(customer, order_id)
    assert invoice is not None
    assert (invoice["state"], invoice["gross"]["amount"]) == ("issued", 70_667)

    def owed() -> list[Json]:
        return [each for each in customer.get("/receivables", limit=200)["items"] if each["order_id"] == order_id]

    wait_until(lambda: [each["state"] for each in owed()] == ["open"])
    assert owed()[0]["open"]["amount"] == 70_667
    steps.pay_by_transfer(journey, order_id)
    wait_until(lambda: owed()[0]["state"] == "paid")
    assert all_is_well(stage, {}) == []
