"""
An order by card that a station brought in, from the referral to the payout, with the figures of TV01.

Before each step everybody else tries it: other roles of the same parties, and parties to other orders.
"""

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from infra.demo import journey as steps
from infra.demo import proof
from infra.demo import settlement as settling
from infra.demo.client import Client, Json
from infra.demo.figures import CARD_WITH_STATION
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from tests.kit.journey import HOLD, ONE_SAMPLE, REPORT, Stage, all_is_well

REFUSED = {403, 404}


class Intruders:
    """Everybody, to try what only some may do. *tried* counts their requests."""

    def __init__(self, stage: Stage) -> None:
        self.clients = stage.clients()
        self.tried = 0

    def try_it(self, but: Iterable[str], method: str, path: str, body: Json | None = None) -> None:
        """All *but* those who may send the request, and are refused; who is nobody is told to sign in."""
        for name, client in self.clients.items():
            if name not in set(but):
                key = f"intruder/{new_id()}" if method == "POST" else None
                answer = client.ask(method, path, body=body, key=key)
                expected = {401} if name == "nobody" else REFUSED
                assert answer.status_code in expected, f"{name}: {method} {path}: {answer.status_code} {answer.text}"
                self.tried += 1


BUYERS = ("requester", "approver")
FINANCE = ("finance_operator", "administrator")
CONTRACTS = ("contract_operator", "administrator")
BENCH = ("technician", "lab_manager")
PARTIES = (
    "requester", "approver", "customer_finance", "lab_manager", "technician", "provider_finance", "station_manager",
    "administrator", "catalogue_operator", "contract_operator", "finance_operator", "dispute_operator",
)  # fmt: skip


def test_card_order_with_station(stage: Stage, tmp_path: Path) -> None:
    platform, cast = stage.platform, stage.with_station
    journey = stage.begin(cast, "card")
    others = Intruders(stage)
    offering_id = stage.offering(stage.provider, 100_000)

    # Any customer may order; nobody else.
    wanted: Json = {"offerings": [{"offering_id": offering_id, "quantity": 1}], "payment_method": "card"}
    others.try_it((*BUYERS, "rival requester", "rival approver"), "POST", "/orders", wanted)
    placed = steps.place_order(journey, offering_id, 1, ONE_SAMPLE, "card")
    order_id = placed["order_id"]
    assert placed["amounts"]["gross"] == {"amount": 106_000, "currency": "CNY"}
    # The station is a party once the contract names it.
    others.try_it([name for name in PARTIES if name != "station_manager"], "GET", f"/orders/{order_id}")

    sign_contract(stage, journey, order_id, others)
    others.try_it(PARTIES, "GET", f"/orders/{order_id}")
    assert "terms" in steps.order_of(stage.station["station_manager"], order_id)
    seen_by_customer = steps.order_of(stage.referred["requester"], order_id)
    assert "fee_bps" not in seen_by_customer["terms"]

    payment = steps.payment_of(journey, order_id)
    own = ("requester", "approver", "customer_finance", *FINANCE)
    others.try_it(own, "GET", f"/payments/{payment['payment_id']}")
    steps.pay_by_card(journey, order_id, platform.stripe_url)
    steps.wait_for_state(stage.referred["requester"], order_id, "released")

    work_on(stage, journey, order_id, others)

    others.try_it(BUYERS, "POST", f"/orders/{order_id}/accept")
    steps.accept_order(journey, order_id)

    settlements = settle(stage, journey, order_id, others)
    invoice = settling.invoice_of(cast, order_id)
    assert invoice["state"] in {"issued", "delivered"}
    assert (invoice["net"]["amount"], invoice["tax"]["amount"], invoice["gross"]["amount"]) == (100_000, 6_000, 106_000)
    others.try_it(own, "GET", f"/invoices/{invoice['invoice_id']}")
    xml = stage.referred["customer_finance"].download(f"/invoices/{invoice['invoice_id']}/documents/xml", tmp_path)
    assert proof.invoice_obeys_the_rules(xml) == []

    pay_out(stage, settlements, others)
    steps.wait_for_state(cast.operator["contract_operator"], order_id, "closed")
    assert all_is_well(stage, {order_id: (cast, CARD_WITH_STATION)}) == []
    assert others.tried > 200


def sign_contract(stage: Stage, journey: steps.Journey, order_id: str, others: Intruders) -> None:
    signed = steps.sign(journey, order_id, "customer")
    (document,) = signed["documents"]
    signature = {"signatory": "某人 Somebody", "sha256": document["sha256"]}
    path = f"/contracts/{signed['contract_id']}"
    others.try_it((*BUYERS, *CONTRACTS, "lab_manager"), "POST", f"{path}/sign", signature)
    # Each reads its own paper: what the company pays the provider is not the customer's business.
    mine = ("requester", "approver", "customer_finance")
    labs = ("lab_manager", "technician", "provider_finance")
    operators = tuple(name for name in PARTIES if name.endswith("operator") or name == "administrator")
    others.try_it((*mine, *operators), "GET", f"{path}/documents/contract")
    others.try_it((*labs, *operators), "GET", f"{path}/documents/order_sheet")
    assert stage.referred["requester"].ask("GET", f"{path}/documents/order_sheet").status_code in REFUSED
    steps.sign(journey, order_id, "operator")
    steps.sign(journey, order_id, "provider")
    order = steps.order_of(stage.operator["contract_operator"], order_id)
    assert (order["state"], order["terms"]["fee_bps"], order["terms"]["station_bps"]) == ("contracted", 1_000, 7_000)
    assert order["station_id"] == stage.station.organisation_id


def work_on(stage: Stage, journey: steps.Journey, order_id: str, others: Intruders) -> None:
    order = steps.order_of(stage.referred["requester"], order_id)
    (sample,) = order["samples"]
    parcel = {
        "order_id": order_id, "carrier": "SF", "tracking_number": "SF1", "sample_ids": [sample["sample_id"]],
    }  # fmt: skip
    others.try_it(BUYERS, "POST", "/shipments", parcel)
    steps.dispatch(journey, order_id)
    receipt = {"condition": "good", "quantity": 2, "storage_place": "A1"}
    others.try_it(BENCH, "POST", f"/samples/{sample['sample_id']}/receive", receipt)
    steps.receive(journey, order_id)
    others.try_it(BENCH, "POST", "/analyses", {"order_id": order_id, "line": 1})
    (analysis,) = steps.analyse(journey, order_id)
    others.try_it(BENCH, "POST", f"/analyses/{analysis['analysis_id']}/finish", {"machine_minutes": 1})
    declared = {
        "order_id": order_id, "lines": [1], "title": "x", "sha256": sha256(REPORT).hexdigest(),
        "size_bytes": len(REPORT),
    }  # fmt: skip
    others.try_it(BENCH, "POST", "/reports", declared)
    report = steps.upload_report(journey, order_id, REPORT)
    others.try_it(("lab_manager",), "POST", f"/reports/{report['report_id']}/issue")
    readers = tuple(name for name in PARTIES if name != "station_manager")
    others.try_it(readers, "GET", f"/reports/{report['report_id']}/document")
    checked = Client(stage.platform.base_url).get(f"/report-checks/{report['check_code']}")
    assert checked["sha256"] == sha256(REPORT).hexdigest()
    assert "customer" not in str(checked)


def settle(stage: Stage, journey: steps.Journey, order_id: str, others: Intruders) -> list[Json]:
    today = business_date(stage.platform.now()).isoformat()
    others.try_it(FINANCE, "POST", "/settlements/close", {"until": today})
    provider, station = settlements = settling.close_settlements(journey, order_id, today)
    assert (provider["net"]["amount"], provider["tax"]["amount"]) == (90_000, 5_400)
    assert (station["net"]["amount"], station["tax"]["amount"]) == (7_000, 420)
    for settlement, readers in (
        (provider, ("provider_finance", "lab_manager", *FINANCE)),
        (station, ("station_manager", *FINANCE)),
    ):
        path = f"/settlements/{settlement['settlement_id']}"
        others.try_it(readers, "GET", path)
        others.try_it(readers, "GET", f"{path}/documents")
        others.try_it(readers, "GET", f"{path}/spreadsheet")
        said = {
            "settlement_number": settlement["number"], "number": "FAKE-0001", "kind": "special",
            "net": settlement["net"], "tax": settlement["tax"], "issued_on": settlement["until"],
        }  # fmt: skip
        others.try_it(readers, "POST", "/received-invoices", said)
        assert settling.send_invoice(journey.cast, settlement)["state"] == "matched"
        settling.wait_for_settlement(journey.cast, settlement["settlement_id"], "payable")
    divide(stage, provider, others)
    return settlements


def divide(stage: Stage, settlement: Json, others: Intruders) -> None:
    """The provider's income is its own affair: its college and team, what they have, and a sheet of it."""
    rule: Json = {
        "since": "2026-01-01",
        "shares": [{"college": "材料学院", "bps": 3_000}, {"college": "材料学院", "team": "=电镜室", "bps": 7_000}],
    }
    finance = stage.provider["provider_finance"]
    own = ("provider_finance", "lab_manager")
    others.try_it(("provider_finance", "rival provider_finance"), "POST", "/income-allocations", rule)
    finance.post("/income-allocations", rule, key=f"rule/{settlement['number']}")
    path = f"/settlements/{settlement['settlement_id']}/income-allocation"
    others.try_it(own, "GET", path)
    divided = finance.get(path)
    assert [part["gross"]["amount"] for part in divided["totals"]] == [28_620, 66_780]
    sheet = f"/exports/allocated-income.csv?settlement_id={settlement['settlement_id']}"
    others.try_it(own, "GET", sheet)
    assert "材料学院,'=电镜室,CNY,63000,3780,66780" in finance.ask("GET", sheet).text


def pay_out(stage: Stage, settlements: list[Json], others: Intruders) -> None:
    first, second = stage.cashiers
    body = {"settlement_id": settlements[0]["settlement_id"]}
    others.try_it(FINANCE, "POST", "/payouts", body)
    early = first.ask("POST", "/payouts", body=body, key=f"early/{new_id()}")
    assert (early.status_code, early.json()["code"]) == (409, "billing.hold_not_over")
    stage.platform.move_clock(HOLD + timedelta(hours=1))
    payouts = [settling.start_payout(first, settlement) for settlement in settlements]
    path = f"/payouts/{payouts[0]['payout_id']}"
    others.try_it(FINANCE, "POST", f"{path}/release")
    channel = {
        "party_id": settlements[0]["party_id"], "way": "stripe_transfer", "account_id": "acct_1Intruder",
        "agreement": "FA-1",
    }  # fmt: skip
    others.try_it((*FINANCE, "provider_finance"), "POST", "/payout-channels", channel)
    for verb in ("agree", "refuse"):
        others.try_it(FINANCE, "POST", f"/payout-channels/{new_id()}/{verb}")
    alone = first.ask("POST", f"{path}/release", key=f"alone/{new_id()}")
    assert (alone.status_code, alone.json()["code"]) == (403, "billing.four_eyes_required")
    released = [settling.release_payout(second, payout) for payout in payouts]
    assert [payout["amount"]["amount"] for payout in released] == [95_400, 7_420]
    ordered = settling.make_bank_order(second, released)
    assert (ordered["count"], ordered["total"]["amount"]) == (2, 102_820)
    others.try_it((*FINANCE, "provider_finance", "lab_manager"), "GET", path)
    others.try_it(FINANCE, "POST", "/bank-orders", {"payout_ids": [released[0]["payout_id"]]})
    others.try_it(FINANCE, "GET", "/bank-orders")
    others.try_it(FINANCE, "GET", f"/bank-orders/{ordered['bank_order_id']}/documents")
    others.try_it(FINANCE, "POST", "/bank-orders/status-reports", {"content": "eA=="})
    others.try_it(FINANCE, "POST", f"{path}/cancel")
    others.try_it(FINANCE, "POST", f"{path}/fail", {"reason": "x"})
    others.try_it(FINANCE, "POST", "/bank-statements", {"account": "6200000000000000001", "csv": "x"})
    booked = settling.import_payouts(stage.with_station, released, key=f"out/{payouts[0]['number']}")
    assert (booked["matched"], booked["suspense"]) == (2, 0)
