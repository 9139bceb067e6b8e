"""Project funds pay the provider's own people: nobody else, without VAT, and work waits until they are set aside."""

from typing import Any
from uuid import UUID

import pytest

from services.orders.adapters.papers import payment_clause
from services.orders.domain.funding import NotInternal, ProjectFunds, ProjectNotNamed, check_internal
from services.orders.domain.order import Order
from services.orders.domain.pricing import ProviderSide
from services.orders.domain.waiting import blocked_by
from services.orders.use_cases import funding
from services.orders.use_cases import order as order_use_cases
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.funding import (
    FundingExecuted,
    FundingRefused,
    FundingReleased,
    FundingRequested,
    FundingReserved,
)
from services.shared.messages.orders import quotation as quotation_messages
from services.shared.messages.orders.order import OfferingWanted, OrderClosed, OrderPlaced, OrderReleased, PlaceOrder
from tests.kit.fakes_orders import (
    CUSTOMER_ID,
    NOW,
    OFFERING_ID,
    PROVIDER_ID,
    REQUESTER,
    FakeOrdersService,
    a_shop,
    an_order,
    an_organisation,
    cny,
)

PROJECT = quotation_messages.ProjectFunds(project_number="52102045", responsible_person="李明")
FUNDING_ID = derived_id("funding", 1)
NET = 316_800


def place(shop: FakeOrdersService, *, method: Any = "project_funds", project: Any = PROJECT) -> Order:
    command = PlaceOrder(
        offerings=(OfferingWanted(offering_id=OFFERING_ID, quantity=3),), payment_method=method, project_funds=project
    )
    return shop.orders.get(order_use_cases.place_order(command, actor=REQUESTER, uow=shop, now=NOW).order_id)


def told(order: Order, funding_id: UUID = FUNDING_ID, amount: int = NET) -> dict[str, Any]:
    return {
        "funding_id": funding_id, "order_id": order.order_id, "order_number": order.number, "customer_id": CUSTOMER_ID,
        "provider_id": PROVIDER_ID, "project_number": "52102045", "responsible_person": "李明", "amount": cny(amount),
    }  # fmt: skip


def internal(state: Any = "contracted", **changes: Any) -> Order:
    order = an_order(state, payment_method="project_funds", project_funds=ProjectFunds("52102045", "李明"))
    order.amounts = type(order.amounts)(order.amounts.discount, cny(NET), cny(0), cny(NET), 0)
    for name, value in changes.items():
        setattr(order, name, value)
    return order


def test_within_one_legal_entity_nothing_is_sold() -> None:
    """The price is the net of what others pay, on every line too; the order names its project."""
    shop = a_shop()
    order = place(shop)
    assert (order.amounts.net, order.amounts.tax, order.amounts.gross) == (cny(NET), cny(0), cny(NET))
    assert [line.tax for line in order.lines] == [cny(0)]
    assert order.project_funds == ProjectFunds("52102045", "李明")
    (placed,) = [event for event in shop.events if isinstance(event, OrderPlaced)]
    assert placed.amounts.gross == cny(NET)
    assert "52102045" in payment_clause(order, 14)[0]
    assert "without an invoice" in payment_clause(order, 14)[1]


def test_other_entities_may_not_pay_so() -> None:
    """Nor one whose code is not known; nor may the company come between with its own price."""
    foreign = an_organisation(PROVIDER_ID, "provider", credit_code="91150100MA0N0000YY")
    shop = a_shop(foreign)
    with pytest.raises(NotInternal):
        place(shop)
    assert not shop.orders.rows, "a refused order leaves nothing"
    for codes in (("", ""), ("a", "b")):
        with pytest.raises(NotInternal):
            check_internal(*codes, priced_by_company=False)
    with pytest.raises(NotInternal):
        check_internal("a", "a", priced_by_company=True)
    check_internal("a", "a", priced_by_company=False)


def test_a_quotation_that_the_company_priced_is_not_internal() -> None:
    """Refused when its order would be made."""
    order = an_order(payment_method="project_funds", project_funds=ProjectFunds("1", "李明"))
    order.provider_side = ProviderSide("resale", "fee", order.lines, order.amounts)
    with pytest.raises(NotInternal):
        order_use_cases.place(order, a_shop())


@pytest.mark.parametrize(("method", "project"), [("project_funds", None), ("card", PROJECT), ("credit", PROJECT)])
def test_a_project_is_named_where_it_pays_and_nowhere_else(method: str, project: Any) -> None:
    shop = a_shop()
    with pytest.raises(ProjectNotNamed):
        place(shop, method=method, project=project)
    assert not shop.orders.rows


def test_whose_entity_is_not_known_yet_waits() -> None:
    """The copy of the provider may come later."""
    shop = a_shop()
    del shop.organisations.rows[PROVIDER_ID]
    with pytest.raises(NotYet):
        place(shop)


def test_set_aside_it_is_released_for_that_reason() -> None:
    """Twice told, once released; less than the price releases nothing."""
    order = internal()
    shop = a_shop(order)
    funding.take_reserved(FundingReserved(**told(order, derived_id("funding", 0), 1)), uow=shop, now=NOW)
    assert not shop.told
    order = internal()
    shop = a_shop(order)
    for _ in range(2):
        funding.take_reserved(FundingReserved(**told(order)), uow=shop, now=NOW)
    (released,) = [event for event in shop.events if isinstance(event, OrderReleased)]
    assert released.reason == "internal"


def test_a_refusal_shows_until_another_project_is_asked() -> None:
    """What blocks the order, and what would unblock it."""

    def blocked(order: Order) -> tuple[str, ...]:
        return blocked_by(order.state, (), (), project_funds=order.project_funds)

    order = internal()
    shop = a_shop(order)
    assert blocked(order) == ("awaiting_funding",)
    funding.note_refused(FundingRefused(**told(order), reason="over_budget"), uow=shop, now=NOW)
    assert blocked(shop.orders.get(order.order_id)) == ("funding_refused",)
    funding.note_requested(
        FundingRequested(**{**told(order), "project_number": "other"}), uow=shop, now=NOW
    )  # fmt: skip
    again = shop.orders.get(order.order_id)
    assert (blocked(again), again.project_funds) == (("awaiting_funding",), ProjectFunds("other", "李明"))
    assert shop.orders.history == ["funding_refused", "funding_requested"]
    assert not shop.told


def test_what_lapsed_is_not_sure_and_what_is_released_stays_so() -> None:
    """The next reservation takes its place."""
    order = internal()
    shop = a_shop(order)
    funding.take_reserved(FundingReserved(**told(order)), uow=shop, now=NOW)
    for _ in range(2):
        funding.drop_released(FundingReleased(**told(order), reason="lapsed"), uow=shop, now=NOW)
    found = shop.orders.get(order.order_id)
    assert (found.state, found.sure) == ("released", cny(0))
    funding.take_reserved(FundingReserved(**told(order, derived_id("funding", 2))), uow=shop, now=NOW)
    assert shop.orders.get(order.order_id).sure == cny(NET)


def test_the_last_of_the_money_closes_the_order() -> None:
    """Not a part of it, and not twice."""
    order = internal("accepted")
    shop = a_shop(order)
    part = FundingExecuted(**told(order), executed=cny(NET - 1), left=cny(1))
    whole = FundingExecuted(**told(order), executed=cny(NET), left=cny(0))
    funding.close_executed(part, uow=shop, now=NOW)
    assert not shop.told
    for _ in range(2):
        funding.close_executed(whole, uow=shop, now=NOW)
    assert len([event for event in shop.events if isinstance(event, OrderClosed)]) == 1


def test_news_of_an_order_that_is_not_known_waits() -> None:
    unknown = told(an_order())
    with pytest.raises(NotYet):
        funding.note_requested(FundingRequested(**unknown), uow=a_shop(), now=NOW)
    with pytest.raises(NotYet):
        funding.take_reserved(FundingReserved(**unknown), uow=a_shop(), now=NOW)
    with pytest.raises(NotYet):
        funding.close_executed(FundingExecuted(**unknown, executed=cny(1), left=cny(0)), uow=a_shop(), now=NOW)
