"""
Orders that the provider sells, over the public API with everything running: TV04's figures without a station.

Once the customer pays at the splitting channel, whose stand-in is a process of its own; once it pays the provider.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from infra.demo import journey as steps
from infra.demo import people, proof
from infra.demo.bank import import_statement
from infra.demo.client import Client, Json, sign_in, until
from infra.demo.people import Cast, Organisation, once_ready
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from tests.e2e.test_card_order_with_station import FINANCE, Intruders
from tests.kit.channel_control import ChannelControl
from tests.kit.journey import ONE_SAMPLE, PASSWORD, Outside, Stage, all_is_well, newcomer, to_delivered

PAID, COMMISSION, THIRD = 106_000, 10_600, 33_333
THIRD_OF_PAID, THIRD_OF_COMMISSION = 35_333, 3_533
OWN_TO_THE_PROVIDER = ("commission", "split_order")


@pytest.fixture(scope="module")
def channel(outside: Outside) -> ChannelControl:
    """The splitting channel, which tells the platform of everything."""
    return ChannelControl(outside.channel.url)


def key() -> str:
    return f"k/{new_id()}"


def a_seller(stage: Stage, model: str, account: str) -> Cast:
    """A provider that sells, by an agreement that two have made; one alone makes none."""
    provider = newcomer(stage.platform.base_url, stage.operator, "provider")
    proposer, approver = stage.operator["contract_operator"], a_second_hand(stage)
    wanted = {
        "provider_id": provider.organisation_id, "collection_model": model, "collecting_account": account,
        "reason": {
            "control": "provider", "named_performer": True, "price_discretion": "provider",
            "text": "the laboratory sells under its own name",
        },
        "valid_from": (stage.platform.now() - timedelta(minutes=5)).isoformat(),
    }  # fmt: skip
    path = "/collection-agreements"
    ours = {**wanted, "collecting_account": "company_account"}
    own_account = once_answered(lambda: proposer.ask("POST", path, body=ours, key=key()))
    assert own_account.json()["code"] == "orders.collection_unlicensed_clearing"
    proposed = proposer.post(path, wanted, key=key())
    path = f"{path}/{proposed['collection_agreement_id']}/approve"
    alone = stage.operator["administrator"].ask("POST", path, key=key())
    assert (alone.status_code, alone.json()["code"]) == (403, "orders.collection_four_eyes_required")
    assert approver.post(path, key=key())["state"] == "approved"
    return stage.without_station(provider)


def a_second_hand(stage: Stage) -> Client:
    """Of the contracts staff, signed in. All API keys are the administrator's hand, who made them."""
    operator, role = stage.operator, "contract_operator"
    people.give_logins(operator, operator["administrator"], (role,), "yiqi.example", PASSWORD)
    return sign_in(stage.platform.base_url, operator.logins[role].mail, operator.logins[role].password)


def once_answered(ask: Callable[[], Any]) -> Any:
    """What is answered once orders knows the provider."""
    return until(ask, lambda answer: answer.json().get("code") != "orders.provider_not_found", "the provider is known")


def ordered(
    stage: Stage, cast: Cast, method: Literal["platform_channel", "direct_transfer"]
) -> tuple[steps.Journey, str]:
    """Placed, and the one contract signed by all three. By another method it cannot be ordered."""
    journey = stage.begin(cast, method)
    body = {
        "offerings": [{"offering_id": stage.offering(cast.provider, 100_000), "quantity": 1}],
        "samples": list(ONE_SAMPLE), "payment_method": method,
    }  # fmt: skip
    client = cast.customer["requester"]
    not_yet = ("orders.offering_not_found", "orders.offering_not_for_sale", "orders.provider_not_found")
    placed = once_ready(lambda: client.post("/orders", body, key=journey.key("place")), *not_yet)
    assert placed["amounts"]["gross"]["amount"] == PAID
    by_card = client.ask("POST", "/orders", body={**body, "payment_method": "card"}, key=key())
    assert (by_card.status_code, by_card.json()["code"]) == (409, "orders.payment_method_not_in_model")
    order_id: str = placed["order_id"]
    sign_one_paper(journey, order_id)
    return journey, order_id


def sign_one_paper(journey: steps.Journey, order_id: str) -> None:
    """Customer, provider and company: the same document, by the same hash."""
    cast = journey.cast
    signing: tuple[tuple[Organisation, str], ...] = (
        (cast.customer, "approver"), (cast.provider, "lab_manager"), (cast.operator, "contract_operator"),
    )  # fmt: skip
    hashes = set()
    for organisation, role in signing:
        contract = until(
            lambda client=organisation[role]: steps.order_of(client, order_id)["contract"],  # type: ignore[misc]
            lambda found: bool(found["documents"]),
            "the contract",
        )
        (document,) = contract["documents"]
        assert document["paper"] == "contract"
        hashes.add(document["sha256"])
        body = {"signatory": organisation.signatory(role), "sha256": document["sha256"]}
        organisation[role].post(f"/contracts/{contract['contract_id']}/sign", body, key=journey.key("sign", role))
    assert len(hashes) == 1
    assert steps.order_of(cast.customer["requester"], order_id)["state"] == "contracted"


def to_pay(cast: Cast, order_id: str) -> Json:
    """The customer's payment, once it is told how."""
    client = cast.customer["customer_finance"]

    def told() -> list[Json]:
        found: list[Json] = client.get("/payments", order_id=order_id)["items"]
        return [each for each in found if each["code_url"] or each["account_number"]]

    return until(told, bool, "how to pay")[0]


def commission_invoice(cast: Cast, order_id: str, folder: Path) -> Json:
    """The company's invoice to the provider, with its documents; nobody else has it."""
    client = cast.provider["provider_finance"]

    def issued() -> list[Json]:
        found: list[Json] = client.get("/invoices", order_id=order_id)["items"]
        return [each for each in found if each["state"] not in {"requested", "issuing"}]

    (invoice,) = until(issued, bool, "the invoice over the commission", timeout_s=120)
    assert (invoice["net"]["amount"], invoice["tax"]["amount"]) == (10_000, 600)
    assert invoice["customer_id"] == cast.provider.organisation_id
    path = f"/invoices/{invoice['invoice_id']}"
    assert client.download(f"{path}/documents/pdf", folder).read_bytes().startswith(b"%PDF")
    xml = client.download(f"{path}/documents/xml", folder)
    assert proof.invoice_obeys_the_rules(xml) == []
    assert cast.customer["customer_finance"].ask("GET", path).status_code == 404
    assert cast.customer["customer_finance"].get("/invoices", order_id=order_id)["items"] == []
    return invoice


def strangers_see_nothing(stage: Stage, paths: Iterable[str]) -> None:
    """Other customers, providers and stations: as if there were no such thing."""
    others: list[Client] = [rival[role] for rival in stage.rivals for role in rival.api_keys]
    others += [stage.provider[role] for role in stage.provider.api_keys]
    for path in paths:
        for client in others:
            assert client.ask("GET", path).status_code == 404, path


def customer_learns_nothing_of_the_commission(cast: Cast, order_id: str) -> None:
    """Neither from the order nor from its feed; the provider does."""
    seen = str(steps.order_of(cast.customer["requester"], order_id))
    assert "commission" not in seen
    assert "fee_bps" not in seen

    def types(client: Client) -> set[str]:
        own = [each for each in proof.feed(client) if each["data"].get("order_id") == order_id]
        return {each["type"].removeprefix("io.yiqi.") for each in own}

    until(
        lambda: types(cast.provider["provider_finance"]), lambda found: "commission.earned.v1" in found,
        "the provider is told of the commission",
    )  # fmt: skip
    assert [each for each in types(cast.customer["customer_finance"]) if each.startswith(OWN_TO_THE_PROVIDER)] == []


def refunded(stage: Stage, order_id: str) -> Json:
    """A third of the net; asked for by one, approved by the other."""
    first, second = stage.cashiers
    wanted = {
        "order_id": order_id, "net": {"amount": THIRD, "currency": "CNY"}, "burden": "provider",
        "reason": "one of three was unusable",
    }  # fmt: skip
    asked = first.post("/refunds", wanted, key=key())
    return second.post(f"/refunds/{asked['refund_id']}/approve", key=key())


def debts_of(finance: Client, order_id: str) -> list[Json]:
    """What of the order's commission is owed and has a due date."""
    items: list[Json] = finance.get("/commission-debts", limit=200)["items"]
    return [each for each in items if each["order_id"] == order_id]


def test_paid_at_the_splitting_channel(stage: Stage, channel: ChannelControl, tmp_path: Path) -> None:
    """Paid, split at acceptance, invoiced, closed; then a third goes back, and our part of it to the provider."""
    cast = a_seller(stage, "agent_psp_split", "splitting_channel")
    provider_id = cast.provider.organisation_id
    journey, order_id = ordered(stage, cast, "platform_channel")
    payment = to_pay(cast, order_id)
    assert payment["code_url"].startswith("weixin://")
    strangers_see_nothing(stage, (f"/orders/{order_id}", f"/payments/{payment['payment_id']}"))
    channel.pay(payment["payment_id"])
    steps.wait_for_state(cast.customer["requester"], order_id, "released")
    assert (channel.merchant_balance(), channel.balance(provider_id)) == (0, 0)

    to_delivered(journey, order_id)
    steps.accept_order(journey, order_id)
    steps.wait_for_state(cast.customer["requester"], order_id, "closed")
    assert (channel.merchant_balance(), channel.balance(provider_id)) == (COMMISSION, PAID - COMMISSION)
    invoice = commission_invoice(cast, order_id, tmp_path)
    customer_learns_nothing_of_the_commission(cast, order_id)
    strangers_see_nothing(stage, (f"/invoices/{invoice['invoice_id']}", f"/orders/{order_id}"))

    made = refunded(stage, order_id)
    customer = cast.customer["customer_finance"]
    until(
        lambda: customer.get(f"/refunds/{made['refund_id']}"), lambda found: found["state"] == "succeeded", "the money"
    )
    left = COMMISSION - THIRD_OF_COMMISSION
    until(channel.merchant_balance, lambda found: found == left, "our part is returned to the provider")
    assert channel.balance(provider_id) == PAID - THIRD_OF_PAID - left
    assert [each["amount"] for each in channel.things("refund")] == [THIRD_OF_PAID]
    finance = stage.operator["finance_operator"]
    (letter,) = until(
        lambda: finance.get("/red-letters", order_id=order_id)["items"], bool, "the red letter of the commission"
    )
    assert letter["gross"]["amount"] == -THIRD_OF_COMMISSION
    assert all_is_well(stage, {}) == []


def test_paid_to_the_provider(stage: Stage, tmp_path: Path) -> None:
    """The provider says that it is paid; the order is done and closed; it owes the commission, and transfers it."""
    cast = a_seller(stage, "agent_direct", "provider_account")
    journey, order_id = ordered(stage, cast, "direct_transfer")
    payment = to_pay(cast, order_id)
    assert payment["account_name"] == cast.provider.legal_name
    assert payment["reference"] is None

    path = f"/orders/{order_id}/direct-payments"
    paid = {
        "amount": {"amount": PAID, "currency": "CNY"}, "reference": f"BR-{new_id()}",
        "received_on": business_date(stage.platform.now()).isoformat(),
    }  # fmt: skip
    for client, status in (
        (cast.customer["customer_finance"], 404), (stage.rivals[1]["provider_finance"], 404),
        (stage.operator["finance_operator"], 403),
    ):  # fmt: skip
        assert client.ask("POST", path, body=paid, key=key()).status_code == status
    assert cast.provider["provider_finance"].post(path, paid, key=key())["state"] == "succeeded"
    twice = cast.provider["lab_manager"].ask("POST", path, body=paid, key=key())
    assert twice.status_code == 409
    steps.wait_for_state(cast.customer["requester"], order_id, "released")
    to_delivered(journey, order_id)
    steps.accept_order(journey, order_id)
    steps.wait_for_state(cast.customer["requester"], order_id, "closed")

    invoice = commission_invoice(cast, order_id, tmp_path)
    customer_learns_nothing_of_the_commission(cast, order_id)
    strangers_see_nothing(stage, (f"/orders/{order_id}", f"/invoices/{invoice['invoice_id']}"))
    owes = f"A:ar:provider:{cast.provider.organisation_id} CNY"
    assert proof.ledger_of_the_api(stage.operator["finance_operator"])[owes] == COMMISSION
    reference = f"CM-{invoice['order_number'].partition('-')[2]}"
    assert f"<cbc:PaymentID>{reference}<".encode() in (tmp_path / f"{invoice['number']}.xml").read_bytes()
    finance, others = stage.operator["finance_operator"], Intruders(stage)
    debts = until(lambda: debts_of(finance, order_id), bool, "what is owed, with its due date")
    assert [(each["left"]["amount"], each["days_overdue"], each["reference"]) for each in debts] == [
        (COMMISSION, 0, reference)
    ]
    assert f"<cbc:DueDate>{debts[0]['due_on']}<".encode() in (tmp_path / f"{invoice['number']}.xml").read_bytes()
    others.try_it(FINANCE, "GET", "/commission-debts")
    assert cast.provider["provider_finance"].ask("GET", "/commission-debts").status_code in {403, 404}
    line = {
        "serial_number": f"IN-{new_id().hex[-16:]}", "booked_at": stage.platform.now().isoformat(), "direction": "in",
        "amount": COMMISSION, "counterparty": cast.provider.legal_name, "remittance": f"佣金 {reference}",
    }  # fmt: skip
    booked = import_statement(cast, [line], key=journey.key("commission"))
    assert [each["state"] for each in booked["lines"]] == ["matched"]
    assert owes not in proof.ledger_of_the_api(stage.operator["finance_operator"])
    assert debts_of(finance, order_id) == []
    assert all_is_well(stage, {}) == []
