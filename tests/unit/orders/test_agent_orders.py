"""Orders that the provider sells, the company being its agent: whose tax, which papers, and what is refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.orders.domain.collection_agreement import (
    CollectionAgreement,
    ExemptAsPrincipal,
    MethodNotInModel,
    ResaleAsAgent,
)
from services.orders.domain.contract import AlreadySigned, DiscountAboveCommission, DocumentDiffers, ProviderRateChanged
from services.orders.domain.order import Order
from services.orders.use_cases import contract, order, quotation, quotation_request
from services.shared.kernel.actor import Actor
from services.shared.kernel.collection import CollectionReason, ContractKind
from services.shared.kernel.errors import NotYet, Refused
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.billing.commission import SellerPaid
from services.shared.messages.orders.contract import SignContract
from services.shared.messages.orders.order import (
    OfferingWanted,
    OrderClosed,
    OrderContracted,
    OrderReceipt,
    PaymentMethod,
    PlaceOrder,
)
from services.shared.messages.orders.quotation import (
    AcceptQuotation,
    LineWanted,
    PriceQuotation,
    QuotationView,
    SendQuotation,
)
from services.shared.messages.orders.quotation_request import OpenQuotationRequest, TakeOverPricing
from tests.kit.fakes_orders import (
    AS_AGENT,
    CONTRACT_OPERATOR,
    LAB_MANAGER,
    NOW,
    OFFERING_ID,
    PROVIDER_ID,
    REQUESTER,
    FakeOrdersService,
    a_price,
    a_shop,
    an_offering,
    an_organisation,
    cny,
)

SPECIAL_1 = TaxProfile("small_scale_3_reduced_1", can_issue_special=True)
PAPER = "cc" * 32


def agreement(**changes: Any) -> CollectionAgreement:
    found = CollectionAgreement(
        collection_agreement_id=new_id(), provider_id=PROVIDER_ID, collection_model="agent_direct",
        collecting_account="provider_account", reason=AS_AGENT, valid_from=NOW - timedelta(days=1), state="approved",
        proposed_at=NOW, proposed_by="a", approved_at=NOW, approved_by="b",
    )  # fmt: skip
    return replace(found, **changes)


def an_agents_shop(tax: TaxProfile = SPECIAL_1, price: int = 100_000) -> FakeOrdersService:
    """The provider sells at its own rate, one sample at 1,000.00."""
    shop = a_shop(
        an_organisation(PROVIDER_ID, "provider", tax_profile=tax), an_offering(prices=(a_price(price),))
    )  # fmt: skip
    shop.collection_agreements.save(agreement())
    return shop


def place(shop: FakeOrdersService, method: PaymentMethod = "direct_transfer") -> OrderReceipt:
    wanted = PlaceOrder(offerings=(OfferingWanted(offering_id=OFFERING_ID, quantity=1),), payment_method=method)
    return order.place_order(wanted, actor=REQUESTER, uow=shop, now=NOW)


def papers(shop: FakeOrdersService, placed: Order) -> None:
    """One paper for all three."""
    outcome = {"documents": [{"paper": "contract", "key": "c.pdf", "sha256": PAPER, "size_bytes": 9}]}
    contract.record_papers({"order_id": str(placed.order_id)}, outcome, uow=shop, now=NOW)


def sign(shop: FakeOrdersService, placed: Order, actor: Actor, sha256: str = PAPER) -> Any:
    found = shop.contracts.of_order(placed.order_id)
    command = SignContract(contract_id=found.contract_id, signatory="王敏", sha256=sha256)
    return contract.sign_contract(command, actor=actor, uow=shop, now=NOW)


def contracted(shop: FakeOrdersService, placed: Order) -> OrderContracted:
    papers(shop, placed)
    for actor in (LAB_MANAGER, REQUESTER, CONTRACT_OPERATOR):
        sign(shop, placed, actor)
    (event,) = (each for each in shop.events if isinstance(each, OrderContracted))
    return event


def test_the_customer_pays_the_providers_rate() -> None:
    """TV05: 1,000.00 and 1 % are 1,010.00; the company invoices its commission at its own 6 %."""
    shop = an_agents_shop()
    placed = place(shop)
    assert (placed.amounts.gross, placed.amounts.tax_rate_bps) == (cny(101_000), 100)
    terms = contracted(shop, shop.orders.get(placed.order_id)).terms
    assert (terms.collection_model, terms.commission_rate_bps, terms.collection_reason) == (
        "agent_direct", 600, AS_AGENT,
    )  # fmt: skip
    assert (terms.cancellation_fee_bps, terms.provider_net) == (0, cny(90_000))


def test_the_providers_tax_profile_is_awaited() -> None:
    """A price without the seller's rate would be wrong for ever."""
    shop = an_agents_shop()
    del shop.organisations.rows[PROVIDER_ID]
    with pytest.raises(NotYet):
        place(shop)


@pytest.mark.parametrize("method", ["card", "bank_transfer", "credit", "platform_channel"])
def test_ways_to_the_companys_account_are_refused(method: PaymentMethod) -> None:
    """Neither its bank account nor its card charges nor its credit: it would hold the provider's money."""
    shop = an_agents_shop()
    with pytest.raises(MethodNotInModel):
        place(shop, method)
    assert shop.orders.rows == {}


@pytest.mark.parametrize("method", ["platform_channel", "direct_transfer"])
def test_ways_to_the_provider_are_refused_where_the_company_sells(method: PaymentMethod) -> None:
    with pytest.raises(MethodNotInModel):
        place(a_shop(), method)


def test_what_is_placed_keeps_its_model() -> None:
    """Another agreement between order and signature, and after it, changes nothing of the order."""
    shop = an_agents_shop()
    placed = place(shop)
    own = CollectionReason("company", named_performer=False, price_discretion="company", text="re-invoiced")
    shop.collection_agreements.save(
        agreement(collection_model="principal_own_account", collecting_account="company_account", reason=own,
                  valid_from=NOW)
    )  # fmt: skip
    terms = contracted(shop, shop.orders.get(placed.order_id)).terms
    assert (terms.collection_model, terms.commission_rate_bps) == ("agent_direct", 600)
    assert place(shop, "card").amounts.tax_rate_bps == 600


def test_all_three_sign_one_paper() -> None:
    """The provider reads and signs the customer's contract; each once, each the paper that is there."""
    shop = an_agents_shop()
    placed = shop.orders.get(place(shop).order_id)
    papers(shop, placed)
    with pytest.raises(DocumentDiffers):
        sign(shop, placed, LAB_MANAGER, "dd" * 32)
    view = sign(shop, placed, LAB_MANAGER)
    assert [each.paper for each in view.documents] == ["contract"]
    assert view.awaiting == ("customer", "operator")
    with pytest.raises(AlreadySigned):
        sign(shop, placed, LAB_MANAGER)
    sign(shop, placed, CONTRACT_OPERATOR)
    assert sign(shop, placed, REQUESTER).state == "signed"


def test_a_changed_rate_is_ordered_anew() -> None:
    """The provider would have to invoice another tax than was agreed."""
    shop = an_agents_shop()
    placed = shop.orders.get(place(shop).order_id)
    shop.organisations.put(an_organisation(PROVIDER_ID, "provider"))
    with pytest.raises(ProviderRateChanged):
        contracted(shop, placed)


def quoted(shop: FakeOrdersService, kind: ContractKind = "testing", net: int = 100_000) -> QuotationView:
    opened = quotation_request.open_quotation_request(
        OpenQuotationRequest(
            provider_ids=(PROVIDER_ID,), title="EDS", requirements="x", quantity=1, samples=(),
            respond_by=NOW + timedelta(days=3),
        ),
        actor=REQUESTER, uow=shop, now=NOW,
    )  # fmt: skip
    if kind == "testing":
        quotation_request.take_over_pricing(
            TakeOverPricing(quotation_request_id=opened.quotation_request_id),
            actor=CONTRACT_OPERATOR,
            uow=shop,
            now=NOW,
        )
    line = LineWanted(
        title_zh="能谱", title_en="EDS", unit="sample", quantity=1, unit_price=cny(net), reason="as asked"
    )
    return quotation.send_quotation(
        SendQuotation(
            quotation_request_id=opened.quotation_request_id, lines=(line,), turnaround_days=5, contract_kind=kind
        ),
        actor=LAB_MANAGER, uow=shop, now=NOW,
    )  # fmt: skip


def price(shop: FakeOrdersService, found: QuotationView, unit_price: int, pricing: Any) -> QuotationView:
    command = PriceQuotation(quotation_id=found.quotation_id, unit_prices=(cny(unit_price),), pricing=pricing)
    return quotation.price_quotation(command, actor=CONTRACT_OPERATOR, uow=shop, now=NOW)


def accept(shop: FakeOrdersService, found: QuotationView) -> Order:
    command = AcceptQuotation(quotation_id=found.quotation_id, payment_method="direct_transfer")
    quotation.accept_quotation(command, actor=REQUESTER, uow=shop, now=NOW)
    (placed,) = shop.orders.rows.values()
    return placed


def test_an_agent_resells_nothing() -> None:
    """The price is the provider's: the company may take off at its own expense, and no more than it earns."""
    shop = an_agents_shop()
    found = quoted(shop)
    with pytest.raises(ResaleAsAgent):
        price(shop, found, 120_000, "resale")
    lowered = price(shop, found, 95_000, "discount")
    assert lowered.amounts.gross == cny(95_950)
    placed = accept(shop, lowered)
    assert placed.seen_by("provider")[1] == placed.amounts, "the seller sees what it sells for"
    terms = contracted(shop, placed).terms
    assert (terms.company_discount, terms.provider_net) == (cny(5_000), cny(90_000))


def test_an_agent_takes_off_at_most_its_commission() -> None:
    shop = an_agents_shop()
    placed = accept(shop, price(shop, quoted(shop), 89_999, "discount"))
    with pytest.raises(DiscountAboveCommission):
        contracted(shop, placed)


@pytest.mark.parametrize("kind", ["technology_development", "technology_transfer"])
def test_exempt(kind: ContractKind) -> None:
    """TV20: 200,000.00 without tax, whatever the provider's rate; as principal it is refused."""
    shop = an_agents_shop(TaxProfile("general_6", can_issue_special=True))
    found = quoted(shop, kind, 20_000_000)
    assert (found.amounts.gross, found.amounts.tax_rate_bps, found.contract_kind) == (cny(20_000_000), 0, kind)
    terms = contracted(shop, accept(shop, found)).terms
    assert (terms.contract_kind, terms.commission_rate_bps) == (kind, 600)
    with pytest.raises(ExemptAsPrincipal):
        quoted(a_shop(), kind)
    assert issubclass(ExemptAsPrincipal, Refused)


def seller_paid(shop: FakeOrdersService, placed: OrderReceipt) -> SellerPaid:
    """As billing tells it when the commission is booked, or the channel has split."""
    return SellerPaid(order_id=placed.order_id, order_number=placed.number, provider_id=PROVIDER_ID)


def test_that_the_seller_is_paid_closes_an_accepted_order_once() -> None:
    """Told twice it is closed once, and once told further."""
    shop = an_agents_shop()
    placed = place(shop)
    contracted(shop, shop.orders.get(placed.order_id))
    found = shop.orders.get(placed.order_id)
    found.state = "accepted"
    shop.orders.save(found)
    for _ in range(2):
        order.close_sold(seller_paid(shop, placed), uow=shop, now=NOW)
    assert shop.orders.get(placed.order_id).state == "closed"
    assert sum(isinstance(each, OrderClosed) for each in shop.events) == 1


def test_that_the_seller_is_paid_closes_nothing_before_its_time() -> None:
    """An order that is not known is waited for; one that is not accepted is not closed, whatever is told."""
    shop = an_agents_shop()
    placed = place(shop)
    told = seller_paid(shop, placed)
    with pytest.raises(NotYet):
        order.close_sold(told.model_copy(update={"order_id": new_id()}), uow=shop, now=NOW)
    contracted(shop, shop.orders.get(placed.order_id))
    with pytest.raises(WrongState):
        order.close_sold(told, uow=shop, now=NOW)
    assert shop.orders.get(placed.order_id).state == "contracted"
