"""A card order paid on the institution's own page, taken back by the customer's bank, answered and won, over HTTP."""

from typing import Any

from infra.demo import journey as steps
from infra.demo.client import Json
from services.shared.kernel.ids import new_id
from tests.kit.journey import Stage, all_is_well, to_contracted
from tests.kit.stripe_control import StripeControl
from tests.kit.waiting import wait_until


def test_paid_on_the_page_then_taken_back_and_won(stage: Stage) -> None:
    platform, cast = stage.platform, stage.with_station
    journey = stage.begin(cast, "checkout")
    control = StripeControl(platform.stripe_url)
    order_id = to_contracted(journey, stage.offering(stage.provider, 100_000))
    payment = steps.payment_of(journey, order_id)
    back = f"{platform.base_url}/orders/{order_id}"
    path, addresses = f"/payments/{payment['payment_id']}/checkout", {"success_url": back, "cancel_url": back}

    # Only the customer asks, and comes back to us only.
    for name, client in stage.clients().items():
        if client not in [cast.customer[role] for role in cast.customer.api_keys]:
            answer = client.ask("POST", path, body=addresses, key=f"k/{new_id()}")
            assert answer.status_code in {401, 403, 404}, f"{name}: {answer.text}"
    requester = cast.customer["requester"]
    elsewhere = addresses | {"success_url": "https://evil.example/"}
    refused = requester.ask("POST", path, body=elsewhere, key=f"k/{new_id()}")
    assert (refused.status_code, refused.json()["code"]) == (422, "billing.return_address_foreign")

    page = requester.post(path, addresses, key=f"k/{new_id()}")
    assert page["state"] == "open", page
    session = next(each["id"] for each in control.objects("checkout.session") if each["url"] == page["url"])
    control.pay_checkout(session)
    steps.wait_for_state(requester, order_id, "released")
    wait_until(lambda: requester.get(f"/checkouts/{page['checkout_id']}")["state"] == "complete")
    again = requester.ask("POST", path, body=addresses, key=f"k/{new_id()}")
    assert (again.status_code, again.json()["code"]) == (409, "billing.payment_not_payable")

    # The customer's bank takes it back; finance answers; the bank decides for us.
    charge = next(
        each["id"] for each in control.objects("charge") if each["metadata"].get("payment_id") == payment["payment_id"]
    )
    dispute = control.open_dispute(charge)
    finance = cast.operator["finance_operator"]

    def chargeback(state: str) -> Json | None:
        listed: list[Any] = finance.get("/chargebacks", limit=200)["items"]
        return next((each for each in listed if each["order_id"] == order_id and each["state"] == state), None)

    wait_until(lambda: chargeback("needs_response") is not None)
    found = chargeback("needs_response")
    assert found is not None
    assert found["withdrawn"]["amount"] == payment["amount"]["amount"]
    assert cast.provider["provider_finance"].ask("GET", "/chargebacks").status_code in {403, 404}
    evidence = {"evidence": [{"name": "uncategorized_text", "text": "Signed contract and report"}], "submit": True}
    finance.post(f"/chargebacks/{found['chargeback_id']}/evidence", evidence, key=f"k/{new_id()}")
    wait_until(lambda: chargeback("under_review") is not None)
    control.close_dispute(dispute["id"], "won")
    wait_until(lambda: chargeback("won") is not None)
    assert all_is_well(stage, {}) == []
