"""
Public money over HTTP: a voucher from its programme to the authority's transfer, with the authority's own people; what
only finance may ask of input VAT, small enterprises, margins and the cash forecast; and everybody else who tries.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from stdnum.cn import uscc

from infra.demo import bank, people, proof
from infra.demo import journey as steps
from infra.demo import settlement as settling
from infra.demo.client import Client, Json, sign_in, until
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from tests.e2e.test_card_order_with_station import BUYERS, CONTRACTS, FINANCE, REFUSED, Intruders
from tests.kit.journey import ONE_SAMPLE, PASSWORD, Stage, all_is_well, new_number, to_delivered, to_invoiced, to_paid

PART: Json = {"amount": 30_000, "currency": "CNY"}
"""30 % of 1,000.00."""


@dataclass
class Authority:
    """A verified public body: *people*, two of it, signed in."""

    organisation_id: str
    people: tuple[Client, Client]


def an_authority(stage: Stage) -> Authority:
    number = new_number()
    base = f"11330000M{number:08d}"
    said = {
        "kind": "authority", "legal_name": f"测试科技局{number}", "legal_name_en": f"Test Science Bureau {number}",
        "unified_social_credit_code": base + str(uscc.calc_check_digit(base)), "address": "演示路 1 号",
        "mail": f"office@bureau-{number}.example", "phone": "+86 10 0000 0000",
        "tax_profile": {"taxpayer": "exempt", "can_issue_special": False},
        "bank_account": {
            "bank_name": "演示银行", "account_name": f"测试科技局{number}", "account_number": f"62{number:015d}",
        },
        "first_member": {"name": "甲", "mail": f"first@bureau-{number}.example", "language": "zh"}, "api_key": "first",
    }  # fmt: skip
    signed = Client(stage.platform.base_url).post("/organisations", said, key=f"sign-up/authority/{number}")
    organisation_id = signed["organisation"]["organisation_id"]
    manager = Client(stage.platform.base_url, api_key=signed["api_key"])
    mails = [f"{name}@bureau-{number}.example" for name in ("reviewer", "head")]
    for mail in mails:
        member = {"name": mail, "mail": mail, "language": "zh", "roles": ["authority"], "password": PASSWORD}
        manager.post(f"/organisations/{organisation_id}/members", member, key=f"member/{mail}")
    verified = {"note": "papers seen"}
    stage.operator["administrator"].post(
        f"/organisations/{organisation_id}/verify", verified, key=f"verify/{organisation_id}"
    )
    first, second = (sign_in(stage.platform.base_url, mail, PASSWORD) for mail in mails)
    return Authority(organisation_id, (first, second))


@pytest.fixture(scope="module")
def authority(stage: Stage) -> Authority:
    return an_authority(stage)


@pytest.fixture(scope="module")
def others(stage: Stage) -> Intruders:
    """With somebody of another authority."""
    intruders = Intruders(stage)
    intruders.clients["rival authority"] = an_authority(stage).people[0]
    return intruders


def send(client: Client, path: str, body: Json | None = None) -> tuple[int, Json]:
    answer = client.ask("POST", path, body=body, key=f"public/{new_id()}")
    return answer.status_code, answer.json()


def code_of(answered: tuple[int, Json]) -> tuple[int, str]:
    return answered[0], answered[1]["code"]


def programme(stage: Stage, authority: Authority, others: Intruders, side: str, **rules: object) -> Json:
    """Published by finance, and by nobody else; both reviews are the authority's."""
    body: Json = {
        "code": f"e2e-{new_number()}", "title_zh": "创新券", "title_en": "Innovation vouchers",
        "authority_id": authority.organisation_id, "side": side, "budget": {"amount": 10_000_000, "currency": "CNY"},
        "valid_from": (stage.platform.now() - timedelta(days=400)).isoformat(),
        "rules": {
            "base": "net", "tiers": [{"rate_bps": 3_000}], "holder_kinds": ["enterprise"], "authority_reviews": "both",
            **rules,
        },
    }  # fmt: skip
    others.try_it(FINANCE, "POST", "/programmes", body)
    assert send(authority.people[0], "/programmes", body)[0] in REFUSED
    # That identity has verified the authority reaches billing by an event.
    return people.once_ready(
        lambda: stage.cashiers[0].post("/programmes", body, key=f"publish/{new_id()}"),
        "billing.authority_unknown", "billing.not_an_authority",
    )  # fmt: skip


def granted(stage: Stage, authority: Authority, others: Intruders, programme_id: str) -> str:
    """Proposed by one of the authority and granted by another. Answers the voucher's id."""
    first, second = authority.people
    body: Json = {
        "programme_id": programme_id, "holder_id": stage.customer.organisation_id, "holder_kind": "enterprise",
        "amount": {"amount": 50_000, "currency": "CNY"},
        "valid_until": (stage.platform.now() + timedelta(days=90)).isoformat(),
    }  # fmt: skip
    others.try_it(FINANCE, "POST", "/vouchers", body)
    proposed = first.post("/vouchers", body, key=f"grant/{new_id()}")
    path = f"/vouchers/{proposed['voucher_id']}"
    assert proposed["state"] == "proposed"
    others.try_it(FINANCE, "POST", f"{path}/approve")
    others.try_it(FINANCE, "POST", f"{path}/revoke", {"reason": "x"})
    others.try_it((*FINANCE, *BUYERS, "customer_finance"), "GET", path)
    assert code_of(send(first, f"{path}/approve")) == (403, "billing.four_eyes_required")
    assert send(second, f"{path}/approve")[1]["state"] == "granted"
    return str(proposed["voucher_id"])


def done_with_voucher(stage: Stage, others: Intruders, voucher_id: str) -> str:
    """An order of 1,000.00 with the voucher on it, from the basket to its invoices. Answers its id."""
    journey = stage.begin(stage.without_station(), "voucher")
    offering_id = stage.offering(stage.provider, 100_000)
    order_id: str = steps.place_order(journey, offering_id, 1, ONE_SAMPLE, "card")["order_id"]
    on_order = {"order_id": order_id}
    requester, path = stage.customer["requester"], f"/vouchers/{voucher_id}"
    reserved = people.once_ready(
        lambda: requester.post(f"{path}/reserve", on_order, key=f"reserve/{order_id}"), "not_found"
    )
    assert (reserved["state"], reserved["amount"]) == ("reserved", PART)
    for verb in ("reserve", "withdraw"):
        others.try_it((), "POST", f"{path}/{verb}", on_order)
    steps.sign_by_all(journey, order_id)
    assert steps.payment_of(journey, order_id)["amount"]["amount"] == 106_000 - PART["amount"]
    to_paid(stage, journey, order_id)
    to_delivered(journey, order_id)
    steps.accept_order(journey, order_id)
    to_invoiced(stage, journey, order_id)
    assert settling.invoice_of(journey.cast, order_id)["gross"]["amount"] == 106_000
    return order_id


def claimed(stage: Stage, others: Intruders, voucher_id: str, order_id: str) -> Json:
    wanted = {"voucher_id": voucher_id, "order_id": order_id}
    others.try_it(FINANCE, "POST", "/claims", wanted)
    claim = people.once_ready(
        lambda: stage.cashiers[0].post("/claims", wanted, key=f"claim/{new_id()}"), "billing.claim_evidence_missing"
    )
    assert (claim["state"], claim["amount"]) == ("submitted", PART)
    assert send(stage.cashiers[1], "/claims", wanted)[0] == 409
    return claim


def reviewed(stage: Stage, authority: Authority, others: Intruders, claim: Json, folder: Path) -> None:
    """The authority reads the pack and decides, by two of its people; finance cannot decide for it."""
    first, second = authority.people
    path, yes = f"/claims/{claim['claim_id']}", {"decision": "approve"}
    others.try_it(FINANCE, "GET", path)
    others.try_it(FINANCE, "GET", f"{path}/pack")
    others.try_it(FINANCE, "POST", f"{path}/review", yes)
    others.try_it(FINANCE, "POST", f"{path}/resubmit")
    for cashier in stage.cashiers:
        assert code_of(send(cashier, f"{path}/review", yes)) == (403, "billing.claim_review_of_authority")
    pack = first.download(f"{path}/pack", folder)
    assert hashlib.sha256(pack.read_bytes()).hexdigest() == first.get(path)["pack_sha256"]
    assert code_of(send(first, f"{path}/review", {"decision": "reject"})) == (422, "billing.reason_required")
    assert send(first, f"{path}/review", yes)[1]["state"] == "first_reviewed"
    assert code_of(send(first, f"{path}/review", yes)) == (403, "billing.four_eyes_required")
    assert send(second, f"{path}/review", yes)[1]["state"] == "approved"
    # Its money comes to our bank: nobody says by hand that it was paid.
    others.try_it(FINANCE, "POST", f"{path}/record-payment", {"reference": "x"})
    assert send(stage.cashiers[0], f"{path}/record-payment", {"reference": "x"})[0] == 409


def states_it_has_paid(stage: Stage, others: Intruders, programme_id: str, order: Json) -> None:
    """The authority's list, which finance reads in."""
    today = business_date(stage.platform.now()).isoformat()
    line = f"{order['number']},paid,300.00,CNY,{today}"
    body = {"until": today, "csv": f"order_number,state,amount,currency,decided_on\n{line}\n"}
    path = f"/programmes/{programme_id}/statements"
    others.try_it(FINANCE, "POST", path, body)
    status, read = send(stage.cashiers[0], path, body)
    assert (status, read["lines"], read["repeated"]) == (201, 1, False)
    assert send(stage.cashiers[0], path, body)[1]["repeated"] is True


def gives_back(stage: Stage, authority: Authority, others: Intruders, programme_id: str, order_id: str) -> None:
    """After a refund of a fifth the programme pays 60.00 less, which it has paid: two of finance give that back."""
    first, second = stage.cashiers
    wanted: Json = {"order_id": order_id, "net": {"amount": 20_000, "currency": "CNY"}, "burden": "provider"}
    asked = first.post("/refunds", {**wanted, "reason": "one of five"}, key=f"refund/{new_id()}")
    second.post(f"/refunds/{asked['refund_id']}/approve", key=f"refund/{new_id()}")
    for cashier in stage.cashiers:
        cashier.post(f"/refunds/{asked['refund_id']}/waive-red-letter", key=f"waive/{new_id()}")
    owed_path, back = "/credit-paybacks/to-programmes", {"amount": 6_000, "currency": "CNY"}
    wanted = {"programme_id": programme_id, "amount": back, "reason": "退款"}
    others.try_it((*FINANCE, "rival authority"), "GET", owed_path)
    others.try_it(FINANCE, "POST", owed_path, wanted)
    assert send(authority.people[0], owed_path, wanted)[0] in REFUSED
    assert others.clients["rival authority"].get(owed_path)["items"] == []
    (owed,) = authority.people[0].get(owed_path)["items"]
    assert (owed["programme_id"], owed["amount"], owed["age_days"]) == (programme_id, back, 0)
    asked = first.post(owed_path, wanted, key=f"back/{new_id()}")
    path = f"/credit-paybacks/{asked['credit_payback_id']}/approve"
    assert code_of(send(first, path)) == (403, "billing.four_eyes_required")
    assert send(second, path)[1]["state"] == "ordered"
    line: Json = {
        "serial_number": f"P-{new_id()}", "booked_at": stage.platform.now().isoformat(), "direction": "out",
        "amount": 6_000, "counterparty": "科技局", "remittance": asked["number"],
    }  # fmt: skip
    bank.import_statement(stage.without_station(), [line], key=f"back/{new_id()}")
    (paid,) = first.get("/credit-paybacks", programme_id=programme_id)["items"]
    assert (paid["state"], paid["customer_id"]) == ("paid", None)
    assert authority.people[0].get(owed_path)["items"] == []


def test_a_voucher_from_the_programme_to_the_authoritys_transfer_and_back(
    stage: Stage, authority: Authority, others: Intruders, tmp_path: Path
) -> None:
    """Each step by who may, after everybody else has tried it; what a refund makes too much goes back."""
    tried = others.tried
    made = programme(stage, authority, others, "customer", redeem_to="company", shortfall_payer="customer")
    voucher_id = granted(stage, authority, others, made["programme_id"])
    order_id = done_with_voucher(stage, others, voucher_id)
    claim = claimed(stage, others, voucher_id, order_id)
    reviewed(stage, authority, others, claim, tmp_path)
    line: Json = {
        "serial_number": f"V-{new_id()}", "booked_at": stage.platform.now().isoformat(), "direction": "in",
        "amount": PART["amount"], "counterparty": "科技局", "remittance": f"创新券 {claim['number']}",
    }  # fmt: skip
    for _ in range(2):
        bank.import_statement(stage.without_station(), [line], key=f"claim/{new_id()}")
    for reader in (*authority.people, stage.cashiers[0]):
        seen = reader.get(f"/claims/{claim['claim_id']}")
        assert (seen["state"], seen["paid"]) == ("paid", PART)
    order = steps.order_of(stage.operator["contract_operator"], order_id)
    states_it_has_paid(stage, others, made["programme_id"], order)
    for name, client in others.clients.items():
        if name not in {*FINANCE, "nobody"} and (answer := client.ask("GET", "/claims")).status_code == 200:
            assert answer.json()["items"] == [], name
    gives_back(stage, authority, others, made["programme_id"], order_id)
    # Nothing came ahead for it.
    path = f"/programmes/{made['programme_id']}/release-funds"
    others.try_it(FINANCE, "POST", path, {"amount": PART})
    assert code_of(send(stage.cashiers[0], path, {"amount": PART})) == (409, "billing.programme_funds_promised")
    assert all_is_well(stage, {}) == []
    assert others.tried - tried > 250


def test_relations_are_declared_by_who_stands_in_them(stage: Stage, others: Intruders) -> None:
    """Read by both, and by the company's staff, which alone withdraws one."""
    staff = (*CONTRACTS, "finance_operator")
    customer_id, provider_id = stage.referred.organisation_id, stage.provider.organisation_id
    wanted = {"owner_id": customer_id, "owned_id": provider_id, "kind": "shareholding"}
    parties = ("approver", "customer_finance", "lab_manager", "provider_finance")
    others.try_it((*staff, *parties), "POST", "/related-parties", wanted)
    status, declared = send(stage.referred["approver"], "/related-parties", wanted)
    relation_id = declared["relation_id"]
    assert (status, declared["withdrawn_at"]) == (201, None)
    path, why = f"/related-parties/{relation_id}/withdraw", {"reason": "sold in 2025"}
    others.try_it(staff, "POST", path, why)
    others.try_it((*staff, *parties, *(f"rival {role}" for role in parties)), "GET", "/related-parties")
    seen = {
        name: {each["relation_id"] for each in others.clients[name].get("/related-parties")["items"]}
        for name in (*parties, *(f"rival {role}" for role in parties), *staff)
    }
    assert {name for name, ids in seen.items() if relation_id in ids} == {*parties, *staff}
    assert send(stage.operator["contract_operator"], path, why)[1]["withdrawal_reason"] == "sold in 2025"
    assert code_of(send(stage.cashiers[0], path, why)) == (409, "billing.relation_withdrawn")


def test_subsidies_are_the_providers_and_the_authoritys(stage: Stage, authority: Authority, others: Intruders) -> None:
    """Claimed by a provider's finance for a period that is over; nobody else claims, reviews or reads one."""
    made = programme(
        stage, authority, others, "provider", redeem_to="provider", shortfall_payer="provider", period="quarter"
    )
    wanted = {"programme_id": made["programme_id"], "first_on": "2025-07-01"}
    claimants = ("provider_finance", "rival provider_finance")
    others.try_it(claimants, "POST", "/subsidies", wanted)
    provider = stage.provider["provider_finance"]
    assert code_of(send(provider, "/subsidies", wanted))[0] == 409
    assert code_of(send(provider, "/subsidies", {**wanted, "first_on": "2025-08-01"})) == (
        422, "billing.subsidy_period_unknown",
    )  # fmt: skip
    coming = f"{business_date(stage.platform.now()).year + 1}-01-01"
    assert code_of(send(provider, "/subsidies", {**wanted, "first_on": coming})) == (
        409, "billing.subsidy_period_not_over",
    )  # fmt: skip
    path = f"/subsidies/{new_id()}"
    verbs: dict[str, Json | None] = {
        "review": {"decision": "approve"}, "record-payment": {"reference": "x"}, "resubmit": None,
    }  # fmt: skip
    for verb, body in verbs.items():
        others.try_it(() if verb == "resubmit" else FINANCE, "POST", f"{path}/{verb}", body)
        assert send(authority.people[0], f"{path}/{verb}", body)[0] in REFUSED
    for read in (path, f"{path}/pack"):
        others.try_it(FINANCE, "GET", read)
        assert stage.cashiers[0].ask("GET", read).status_code == 404


def test_input_vat_is_finances(stage: Stage, others: Intruders) -> None:
    """Confirmed by one, for a month whose books are open, and transferred out by another."""
    first, second = stage.cashiers
    journey = stage.begin(stage.without_station(), "input-vat")
    order_id: str = steps.place_order(journey, stage.offering(stage.provider, 100_000), 1, ONE_SAMPLE, "card")[
        "order_id"
    ]
    steps.sign_by_all(journey, order_id)
    to_paid(stage, journey, order_id)
    to_delivered(journey, order_id)
    steps.accept_order(journey, order_id)
    (statement,) = to_invoiced(stage, journey, order_id)
    found = until(
        lambda: [each for each in first.get("/input-vat", limit=200)["items"] if each["number"] == statement["number"]],
        lambda seen: len(seen) == 1, "the tax of the provider's invoice",
    )  # fmt: skip
    assert (found[0]["state"], found[0]["pending"]["amount"]) == ("pending", 5_400)
    wanted = {"input_vat_ids": [found[0]["input_vat_id"]], "period": f"{business_date(stage.platform.now()):%Y-%m}"}
    out = {"amount": {"amount": 400, "currency": "CNY"}, "reason": "非应税"}
    path = f"/input-vat/{found[0]['input_vat_id']}/transfer-out"
    fees = {"month": "2026-01", "currency": "CNY", "period": wanted["period"]}
    others.try_it(FINANCE, "GET", "/input-vat")
    others.try_it(FINANCE, "GET", "/input-vat/fees")
    others.try_it(FINANCE, "POST", "/input-vat/confirm", wanted)
    others.try_it(FINANCE, "POST", "/input-vat/fees/confirm", fees)
    others.try_it(FINANCE, "POST", path, out)
    assert send(first, path, out)[0] == 409  # not confirmed yet
    assert code_of(send(first, "/input-vat/confirm", {**wanted, "period": "2999-01"})) == (
        409, "billing.input_vat_period",
    )  # fmt: skip
    assert send(first, "/input-vat/confirm", {**wanted, "input_vat_ids": [str(new_id())]})[0] == 404
    status, confirmed = send(first, "/input-vat/confirm", wanted)
    assert (status, confirmed["items"][0]["confirmed"]["amount"]) == (200, 5_400)
    assert send(second, "/input-vat/confirm", wanted)[0] == 409
    assert code_of(send(first, "/input-vat/fees/confirm", fees)) == (409, "billing.input_vat_nothing_left")
    assert code_of(send(first, path, out)) == (403, "billing.four_eyes_required")
    status, left = send(second, path, out)
    assert (status, left["transferred_out"]["amount"], left["confirmed"]["amount"]) == (200, 400, 5_000)
    assert proof.settled(lambda: proof.books_hold(stage.operator), 30) == []


def test_small_enterprises_declare_themselves(stage: Stage, others: Intruders) -> None:
    """Each of itself and seen by itself; finance alone confirms it, once."""
    own = ("provider_finance", "lab_manager", "station_manager")
    said = {"is_small": True, "since": business_date(stage.platform.now()).isoformat()}
    others.try_it((*own, *(f"rival {role}" for role in own)), "POST", "/small-enterprises", said)
    provider = stage.provider["provider_finance"]
    status, declared = send(provider, "/small-enterprises", said)
    assert (status, declared["state"]) == (201, "declared")
    path, yes = f"/small-enterprises/{declared['declaration_id']}/decide", {"confirmed": True}
    others.try_it(FINANCE, "POST", path, yes)
    others.try_it((*own, *(f"rival {role}" for role in own), *FINANCE), "GET", "/small-enterprises")
    for role in own:
        seen = others.clients[f"rival {role}"].get("/small-enterprises")["items"]
        assert declared["declaration_id"] not in {each["declaration_id"] for each in seen}
    assert declared["declaration_id"] in {
        each["declaration_id"] for each in provider.get("/small-enterprises")["items"]
    }
    assert send(stage.cashiers[0], path, yes)[1]["state"] == "confirmed"
    assert send(stage.cashiers[1], path, {"confirmed": False})[0] == 409


@pytest.mark.parametrize(
    "path",
    ["/margins", "/exports/margins.csv", "/orders/{new}/margin", "/cash-forecast", "/cash-forecast/items"],
)
def test_what_the_company_earns_and_expects_is_finances(stage: Stage, others: Intruders, path: str) -> None:
    asked = path.format(new=new_id())
    others.try_it(FINANCE, "GET", asked)
    assert stage.cashiers[0].ask("GET", asked).status_code == (404 if "{new}" in path else 200)
