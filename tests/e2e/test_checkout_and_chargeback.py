"""A card order paid on the institution's own page, taken back by the customer's bank, answered and won, over HTTP."""

from hashlib import sha256
from typing import Any

from infra.demo import journey as steps
from infra.demo.client import Json, put_file
from services.shared.kernel.ids import new_id
from tests.kit.journey import Stage, all_is_well, to_contracted
from tests.kit.stripe_control import StripeControl
from tests.kit.waiting import wait_until

PDF = b"%PDF-1.7\nreport, its hash\n\xff\xfe"
MAY_ANSWER = ("finance_operator", "second_finance_operator", "dispute_operator", "administrator")


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
    # The deadline of the evidence follows the stand-in's clock; journeys before this one may have moved ours.
    behind_s = stage.platform.now().timestamp() - control.advance_clock(0)
    control.advance_clock(max(behind_s, 0))
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
    in_the_files(stage, control, f"/chargebacks/{found['chargeback_id']}")
    evidence = {"evidence": [{"name": "uncategorized_text", "text": "Signed contract and report"}], "submit": True}
    finance.post(f"/chargebacks/{found['chargeback_id']}/evidence", evidence, key=f"k/{new_id()}")
    wait_until(lambda: chargeback("under_review") is not None)
    (at_stripe,) = (each for each in control.objects("dispute") if each["id"] == dispute["id"])
    assert at_stripe["evidence"]["service_documentation"] in {each["id"] for each in control.objects("file")}
    control.close_dispute(dispute["id"], "won")
    wait_until(lambda: chargeback("won") is not None)
    assert all_is_well(stage, {}) == []


def in_the_files(stage: Stage, control: StripeControl, path: str) -> None:
    """A file is declared, uploaded and given to the institution; by the operating company alone, and no other file."""
    finance, name = stage.operator["finance_operator"], "service_documentation"
    file = {"sha256": sha256(PDF).hexdigest(), "size_bytes": len(PDF), "media_type": "application/pdf"}
    declared = {"name": name, "file": file}
    for wrong in ({"size_bytes": 5 * 1024 * 1024 + 1}, {"media_type": "image/svg+xml"}, {"sha256": "x"}):
        answer = finance.ask("POST", f"{path}/files", body=declared | {"file": file | wrong}, key=f"k/{new_id()}")
        assert answer.status_code == 422, answer.text
    for who, client in stage.clients().items():
        if who not in MAY_ANSWER:
            for method, at, body in (
                ("POST", f"{path}/files", declared), ("POST", f"{path}/files/{name}/submit", None),
                ("GET", f"{path}/files/{name}", None),
            ):  # fmt: skip
                answer = client.ask(method, at, body=body, key=f"k/{new_id()}")
                assert answer.status_code in {401, 403, 404}, f"{who}: {answer.text}"
    view = finance.post(f"{path}/files", declared, key=f"k/{new_id()}")
    (mine,) = view["files"]
    assert put_file(mine["upload_url"], PDF) == 200
    finance.post(f"{path}/files/{name}/submit", {}, key=f"k/{new_id()}")
    wait_until(lambda: finance.get(path)["files"][0]["state"] == "ready")
    assert finance.get(f"{path}/files/{name}")["sha256"] == file["sha256"]
    assert finance.get(path)["files"][0]["upload_url"] is None
