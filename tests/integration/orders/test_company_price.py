"""An order that the company resells at its own price: on every page and paper each side finds its own only."""

import io
from datetime import timedelta

import pytest
from pypdf import PdfReader

from services.orders.adapters import document_queries, queries, quotation_queries
from services.orders.use_cases import quotation, quotation_request
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotFound
from services.shared.messages.orders.contract import GetContractDocument, Paper
from services.shared.messages.orders.order import ListOrders, OrderView
from services.shared.messages.orders.quotation import (
    AcceptQuotation,
    GetQuotation,
    LineWanted,
    ListQuotations,
    PriceQuotation,
    QuotationView,
    SendQuotation,
)
from services.shared.messages.orders.quotation_request import OpenQuotationRequest, TakeOverPricing
from tests.integration.orders.conftest import Orders
from tests.integration.orders.test_order_journey import get, see, sign_all
from tests.kit.fakes_orders import CONTRACT_OPERATOR, LAB_MANAGER, NOW, PROVIDER_ID, REQUESTER, cny


def quoted(orders: Orders) -> QuotationView:
    """The provider takes 3,800.00 for what the company will sell; nobody has priced it yet."""
    asked = OpenQuotationRequest(provider_ids=(PROVIDER_ID,), title="TEM", respond_by=NOW + timedelta(days=5))
    request = orders.run(quotation_request.open_quotation_request, asked, REQUESTER)
    taken = TakeOverPricing(quotation_request_id=request.quotation_request_id)
    orders.run(quotation_request.take_over_pricing, taken, CONTRACT_OPERATOR)
    line = LineWanted(
        title_zh="透射电镜", title_en="TEM", unit="sample", quantity=2, unit_price=cny(190_000), reason="by agreement"
    )
    command = SendQuotation(quotation_request_id=request.quotation_request_id, lines=(line,), turnaround_days=5)
    return orders.run(quotation.send_quotation, command, LAB_MANAGER)


def found(orders: Orders, actor: Actor) -> tuple[QuotationView, ...]:
    return orders.run(quotation_queries.list_quotations, ListQuotations(), actor).items


def paper_text(orders: Orders, view: OrderView, paper: Paper, actor: Actor) -> str:
    assert view.contract is not None
    wanted = GetContractDocument(contract_id=view.contract.contract_id, paper=paper)
    url = orders.run(document_queries.get_contract_document, wanted, actor).url
    assert url is not None
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(get(url))).pages)


def test_each_side_of_a_resale_finds_its_own_price(orders: Orders) -> None:
    """The quotation, the order, its lists, its terms and both papers; the operating company sees both."""
    sent = quoted(orders)
    assert found(orders, REQUESTER) == ()
    with pytest.raises(NotFound):
        orders.run(quotation_queries.get_quotation, GetQuotation(quotation_id=sent.quotation_id), REQUESTER)
    assert [each.state for each in found(orders, CONTRACT_OPERATOR)] == ["pending_approval"]
    assert found(orders, LAB_MANAGER) == (sent,)

    price = PriceQuotation(quotation_id=sent.quotation_id, unit_prices=(cny(250_000),), pricing="resale")
    orders.run(quotation.price_quotation, price, CONTRACT_OPERATOR)
    ((for_customer,), (for_provider,)) = found(orders, REQUESTER), found(orders, LAB_MANAGER)
    assert (for_customer.amounts.net, for_provider.amounts.net) == (cny(500_000), cny(380_000))
    accept = AcceptQuotation(quotation_id=sent.quotation_id, payment_method="card")
    placed = orders.run(quotation.accept_quotation, accept, REQUESTER)
    orders.do_outside()
    sign_all(orders, placed.order_id)

    customer, provider, operator = (
        see(orders, placed.order_id, actor) for actor in (REQUESTER, LAB_MANAGER, CONTRACT_OPERATOR)
    )
    assert (customer.amounts.gross, provider.amounts.net) == (cny(530_000), cny(380_000))
    assert provider.terms is not None
    assert (provider.terms.provider_net, provider.terms.fee_bps, provider.terms.fee) == (cny(380_000), 0, None)
    assert operator.provider_side is not None
    assert operator.provider_side.amounts.net == cny(380_000)
    # What is in the customer's view of the terms the gateway leaves out; everything else must not say it at all.
    said = customer.model_copy(update={"terms": None}).model_dump_json()
    assert [each for each in ("380000", "190000") if each in said] == []
    said = provider.model_dump_json()
    assert [each for each in ("500000", "250000", "530000") if each in said] == []
    for actor, net in ((REQUESTER, 500_000), (LAB_MANAGER, 380_000), (CONTRACT_OPERATOR, 500_000)):
        (listed,) = orders.run(queries.list_orders, ListOrders(), actor).items
        assert listed.amounts.net == cny(net)
    contract = paper_text(orders, customer, "contract", REQUESTER)
    order_sheet = paper_text(orders, provider, "order_sheet", LAB_MANAGER)
    assert "5,300.00" in contract
    assert "3,800.00" in order_sheet
    assert "3,800.00" not in contract
    assert [each for each in ("5,000.00", "5,300.00", "管理费 10") if each in order_sheet] == []
