"""
Public money and what stands beside it by HTTP: subsidies, with an authority's own people; what only finance may ask of
input VAT, small enterprises, margins and the cash forecast; and everybody else who tries.
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from stdnum.cn import uscc

from infra.demo import journey as steps
from infra.demo import people, proof
from infra.demo.client import Client, Json, sign_in, until
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from tests.e2e.test_card_order_with_station import FINANCE, REFUSED, Intruders
from tests.kit.journey import ONE_SAMPLE, PASSWORD, Stage, new_number, to_delivered, to_invoiced, to_paid


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
