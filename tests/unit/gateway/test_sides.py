"""Each party sees its own side of a thing, and nothing of the others'."""

import json

import pytest

from services.shared.kernel.actor import Relation
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.payment import PaymentPage
from services.shared.messages.orders.quotation import QuotationPage
from tests.kit.fakes_identity import PROVIDER_ID, STATION_ID
from tests.unit.gateway import views
from tests.unit.gateway.asgi import Site
from tests.unit.gateway.conftest import CUSTOMER_KEY, OPERATOR_KEY, PROVIDER_KEY, STATION_KEY
from tests.unit.gateway.views import CONTRACT_ID, ORDER_ID

KEYS: dict[Relation, str] = {
    "customer": CUSTOMER_KEY, "provider": PROVIDER_KEY, "station": STATION_KEY, "operator": OPERATOR_KEY,
}  # fmt: skip
SECRETS: dict[Relation, set[str]] = {
    "customer": {"fee_bps", "station_bps", "station_id", "provider_tax", "hold_days", "order_sheet", "李强"},
    "provider": {"station_bps", "station_id", "station_tax", "王丽", str(STATION_ID)},
    "station": {"lines", "samples", "reports", "contract", "customer_name", "provider_tax", "timeline"},
    "operator": set(),
}


@pytest.mark.parametrize("seen_as", list(KEYS))
def test_an_order_shows_each_party_its_side(site: Site, seen_as: Relation) -> None:
    """The fee, the station's share and the other side's paper reach nobody who has no business with them."""
    site.rpc.answers["orders.get_order"] = views.an_order_view(seen_as)
    answer = site.get(f"/v1/orders/{ORDER_ID}", api_key=KEYS[seen_as])
    assert answer.status == 200
    assert answer.json["amounts"]["net"] == {"amount": 100_000, "currency": "CNY"}
    leaked = {secret for secret in SECRETS[seen_as] if secret in json.dumps(answer.json, ensure_ascii=False)}
    assert leaked == set()


def test_the_operating_company_sees_the_whole_order(site: Site) -> None:
    """So that the test above proves something."""
    site.rpc.answers["orders.get_order"] = views.an_order_view("operator")
    text = site.get(f"/v1/orders/{ORDER_ID}", api_key=OPERATOR_KEY).text
    hidden = set().union(*SECRETS.values()) - {"timeline"}
    assert {secret for secret in hidden if secret not in text} == set()


def test_a_timeline_names_parties_and_never_persons(site: Site) -> None:
    """Who in person did something stays within that party."""
    site.rpc.answers["orders.get_order"] = views.an_order_view("provider")
    answer = site.get(f"/v1/orders/{ORDER_ID}/timeline", api_key=PROVIDER_KEY)
    assert [step["by"] for step in answer.json["items"]] == ["customer", "provider", "operator", "platform", "platform"]
    assert "member" not in answer.text


def test_a_quotation_is_sealed(site: Site) -> None:
    """Should orders ever answer a rival, the gateway does not pass it on."""
    rival = views.a_quotation_view(provider_id=derived_id("rival"))
    site.rpc.answers["orders.get_quotation"] = rival
    site.rpc.answers["orders.list_quotations"] = QuotationPage(items=(rival,))
    assert site.get(f"/v1/quotations/{rival.quotation_id}", api_key=PROVIDER_KEY).status == 404
    assert site.get("/v1/quotations", api_key=PROVIDER_KEY).status == 404
    assert site.get(f"/v1/quotations/{rival.quotation_id}", api_key=CUSTOMER_KEY).status == 200


def test_a_provider_does_not_learn_who_else_was_asked(site: Site) -> None:
    """The customer sees all, a provider itself."""
    view = views.a_request_view()
    site.rpc.answers["orders.get_quotation_request"] = view
    path = f"/v1/quotation-requests/{view.quotation_request_id}"
    assert "provider_ids" not in site.get(path, api_key=PROVIDER_KEY).json
    assert len(site.get(path, api_key=CUSTOMER_KEY).json["provider_ids"]) == 2


@pytest.mark.parametrize(
    ("key", "papers"),
    [(CUSTOMER_KEY, ["contract"]), (PROVIDER_KEY, ["order_sheet"]), (OPERATOR_KEY, ["contract", "order_sheet"])],
)
def test_a_contract_shows_the_own_paper(site: Site, key: str, papers: list[str]) -> None:
    """The order sheet says what the provider gets; the contract what the customer pays."""
    site.rpc.answers["orders.get_contract"] = views.a_contract_view()
    answer = site.get(f"/v1/contracts/{CONTRACT_ID}", api_key=key).json
    assert [document["paper"] for document in answer["documents"]] == papers
    assert [signature["paper"] for signature in answer["signatures"]] == papers


@pytest.mark.parametrize("key", [CUSTOMER_KEY, PROVIDER_KEY, OPERATOR_KEY])
def test_all_three_see_the_one_contract_that_they_sign(site: Site, key: str) -> None:
    """Where the provider sells there is no order sheet."""
    one = views.DOCUMENTS[:1]
    site.rpc.answers["orders.get_contract"] = views.a_contract_view().model_copy(update={"documents": one})
    answer = site.get(f"/v1/contracts/{CONTRACT_ID}", api_key=key).json
    assert [document["paper"] for document in answer["documents"]] == ["contract"]


def test_a_provider_that_sold_sees_contract_and_commission_among_its_papers(site: Site) -> None:
    """The contract and the company's invoice to it; of an invoice to somebody else it sees nothing."""
    whole = views.an_order_view("provider")
    assert whole.contract is not None
    contract = whole.contract.model_copy(update={"documents": views.DOCUMENTS[:1]})
    site.rpc.answers["orders.get_order"] = whole.model_copy(update={"contract": contract})
    site.rpc.answers["invoicing.list_invoices"] = views.an_invoice_page(customer_id=PROVIDER_ID)
    papers = site.get(f"/v1/orders/{ORDER_ID}", api_key=PROVIDER_KEY).json["contract"]["documents"]
    assert [each["paper"] for each in papers] == ["contract"]
    items = site.get(f"/v1/orders/{ORDER_ID}/documents", api_key=PROVIDER_KEY).json["items"]
    assert [item["kind"] for item in items] == ["contract", "packing_sheet", "report", "invoice_pdf", "invoice_xml"]
    site.rpc.answers["orders.get_order"] = views.an_order_view("customer")
    items = site.get(f"/v1/orders/{ORDER_ID}/documents", api_key=CUSTOMER_KEY).json["items"]
    assert [item["kind"] for item in items] == ["contract", "packing_sheet", "report"]


def test_only_the_payer_gets_the_client_secret(site: Site) -> None:
    """Whoever has it may pay with the customer's card form."""
    payment = views.a_payment_view()
    site.rpc.answers["billing.get_payment"] = payment
    site.rpc.answers["billing.list_payments"] = PaymentPage(items=(payment,))
    assert "pi_1_secret_2" in site.get(f"/v1/payments/{payment.payment_id}", api_key=CUSTOMER_KEY).text
    for path in (f"/v1/payments/{payment.payment_id}", "/v1/payments"):
        assert "secret" not in site.get(path, api_key=OPERATOR_KEY).text


def test_why_an_invoice_failed_is_the_companys_business(site: Site) -> None:
    """Internal remarks stay inside."""
    site.rpc.answers["invoicing.list_invoices"] = views.an_invoice_page()
    assert "internal remark" in site.get("/v1/invoices", api_key=OPERATOR_KEY).text
    assert "internal remark" not in site.get("/v1/invoices", api_key=CUSTOMER_KEY).text


def test_documents_of_an_order_say_which_service_is_missing(site: Site) -> None:
    """A missing part shows as missing, never as nothing."""
    site.rpc.answers["orders.get_order"] = views.an_order_view("customer")
    alone = site.get(f"/v1/orders/{ORDER_ID}/documents", api_key=CUSTOMER_KEY).json
    assert alone["missing"] == ["invoicing"]
    assert [item["kind"] for item in alone["items"]] == ["contract", "packing_sheet", "report"]
    site.rpc.answers["invoicing.list_invoices"] = views.an_invoice_page()
    whole = site.get(f"/v1/orders/{ORDER_ID}/documents", api_key=CUSTOMER_KEY).json
    assert whole["missing"] == []
    assert [item["kind"] for item in whole["items"]][3:] == ["invoice_pdf", "invoice_xml"]


def test_a_provider_gets_no_invoice_of_the_customer(site: Site) -> None:
    """Even if invoicing listed it."""
    site.rpc.answers["orders.get_order"] = views.an_order_view("provider")
    site.rpc.answers["invoicing.list_invoices"] = views.an_invoice_page()
    items = site.get(f"/v1/orders/{ORDER_ID}/documents", api_key=PROVIDER_KEY).json["items"]
    assert [item["kind"] for item in items] == ["order_sheet", "packing_sheet", "report"]
