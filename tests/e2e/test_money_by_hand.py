"""Bank lines, payer agreements and credit paybacks over HTTP: finance alone, and by two where two are asked for."""

from infra.demo import bank
from infra.demo.client import Client, Json
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from tests.e2e.test_card_order_with_station import FINANCE, Intruders
from tests.kit.journey import Stage

TEN: Json = {"amount": 1_000, "currency": "CNY"}
IN = ("payment", "customer_credit", "interest", "psp", "channel", "payout_return", "refund_return",
      "credit_payback_return", "returned")  # fmt: skip
OUT = ("fee", "tax", "payout", "party_debt", "refund", "credit_payback", "returned")
PAYBACK_VERBS: dict[str, Json | None] = {"approve": None, "cancel": None, "fail": {"reason": "closed"}}


def waiting_line(stage: Stage, direction: str) -> str:
    """A line of 10.00 that names nothing. Answers its path."""
    line: Json = {
        "serial_number": f"H-{new_id()}", "booked_at": stage.platform.now().isoformat(), "direction": direction,
        "amount": 1_000, "counterparty": "somebody", "remittance": "?",
    }  # fmt: skip
    (read,) = bank.import_statement(stage.with_station, [line], key=f"hand/{new_id()}")["lines"]
    assert read["state"] == "suspense"
    return f"/bank-statements/lines/{read['bank_line_id']}"


def send(client: Client, path: str, body: Json | None = None) -> tuple[int, Json]:
    answer = client.ask("POST", path, body=body, key=f"hand/{new_id()}")
    return answer.status_code, answer.json()


class Strangers(Intruders):
    """Those of the operating company who may not are told so before anything is looked up; others as ever."""

    def post(self, path: str, body: Json | None = None) -> None:
        self.try_it(FINANCE, "POST", path, body)
        for role in ("catalogue_operator", "contract_operator", "dispute_operator"):
            assert send(self.clients[role], path, body)[0] == 403, f"{role}: {path}"


def test_lines_of_the_bank(stage: Stage) -> None:
    """Every kind of part is refused to everybody else; what takes two takes two different people."""
    others, (first, second) = Strangers(stage), stage.cashiers
    for direction, kinds in (("in", IN), ("out", OUT)):
        path = waiting_line(stage, direction)
        others.try_it(FINANCE, "GET", path)
        for kind in kinds:
            for target in (None, str(new_id())):
                part = {"kind": kind, "target_id": target, "amount": TEN}
                others.post(f"{path}/resolve", {"parts": [part]})
        others.post(f"{path}/confirm")
        others.post(f"{path}/undo", {"reason": "x"})
        assert first.get(path)["state"] == "suspense"
    others.try_it(FINANCE, "GET", "/bank-statements/suspense")
    for kind, status in (("payout", 404), ("refund", 404), ("credit_payback", 404), ("refund_return", 422)):
        part = {"kind": kind, "target_id": str(new_id()), "amount": TEN}
        assert send(first, f"{path}/resolve", {"parts": [part]})[0] == status, kind
    fee = {"kind": "fee", "target_id": None, "amount": TEN}
    assert send(first, f"{path}/confirm")[0] == 409
    assert send(second, f"{path}/resolve", {"parts": [fee], "reason": "月费"})[1]["state"] == "matched"
    assert others.tried > 500


def test_who_may_pay_for_whom(stage: Stage) -> None:
    """Recorded by one, confirmed by another, ended by either, and seen by nobody else."""
    others, (first, second) = Strangers(stage), stage.cashiers
    today = business_date(stage.platform.now()).isoformat()
    wanted: Json = {
        "customer_id": stage.customer.organisation_id, "payer_name": f"母公司{new_id()}", "evidence": "合同室 1",
        "valid_from": today,
    }  # fmt: skip
    others.post("/payer-agreements", wanted)
    status, made = send(first, "/payer-agreements", wanted)
    assert (status, made["state"]) == (201, "proposed")
    path, last_day = f"/payer-agreements/{made['payer_agreement_id']}", {"last_day": today}
    for verb, body in (("confirm", None), ("refuse", None), ("end", last_day)):
        others.post(f"{path}/{verb}", body)
    others.try_it(FINANCE, "GET", "/payer-agreements")
    status, answer = send(first, f"{path}/confirm")
    assert (status, answer["code"]) == (403, "billing.four_eyes_required")
    assert send(first, f"{path}/end", last_day)[0] == 409
    assert send(second, f"{path}/confirm")[1]["state"] == "in_force"
    assert send(second, f"{path}/end", {"last_day": "soon"})[0] == 422
    assert send(second, f"{path}/end", last_day)[1]["valid_until"] == today
    status, answer = send(first, f"{path}/end", {"last_day": "2999-01-01"})
    assert (status, answer["code"]) == (409, "billing.agreement_ends_earlier")
    listed = first.get("/payer-agreements", state="in_force", customer_id=stage.customer.organisation_id)
    assert made["payer_agreement_id"] in [each["payer_agreement_id"] for each in listed["items"]]


def test_credit_is_paid_back_by_finance(stage: Stage) -> None:
    """Nobody else asks for one, lets it go, takes it back or reads its file; nor does finance without any credit."""
    others, (first, _) = Strangers(stage), stage.cashiers
    wanted: Json = {"customer_id": stage.customer.organisation_id, "amount": TEN, "reason": "no further orders"}
    others.post("/credit-paybacks", wanted)
    path = f"/credit-paybacks/{new_id()}"
    for verb, body in PAYBACK_VERBS.items():
        others.post(f"{path}/{verb}", body)
        assert send(first, f"{path}/{verb}", body)[0] == 404
    others.try_it(FINANCE, "GET", "/credit-paybacks")
    others.try_it(FINANCE, "GET", f"{path}/documents")
    assert send(first, "/credit-paybacks", wanted)[0] == 409
