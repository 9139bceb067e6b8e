"""An internal order on the real database: its project is kept, and changed when another one is asked."""

from typing import Any

from services.orders.adapters import queries
from services.orders.use_cases import funding, order
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.funding import FundingRefused, FundingRequested, FundingReserved
from services.shared.messages.orders.order import GetOrder, OfferingWanted, OrderView, PlaceOrder
from services.shared.messages.orders.quotation import ProjectFunds
from tests.integration.orders.conftest import Orders
from tests.integration.orders.test_order_journey import sign_all
from tests.kit.fakes_orders import CUSTOMER_ID, OFFERING_ID, PROVIDER_ID, REQUESTER, cny


def test_an_internal_order_waits_for_its_project_and_then_for_samples(orders: Orders) -> None:
    """Refused, asked again from another project, set aside; no plan's fee is frozen, none kept if it is cancelled."""
    wanted = PlaceOrder(
        offerings=(OfferingWanted(offering_id=OFFERING_ID, quantity=1),), payment_method="project_funds",
        project_funds=ProjectFunds(project_number="52102045", responsible_person="李明"),
    )  # fmt: skip
    placed = orders.run(order.place_order, wanted, REQUESTER)
    assert placed.amounts.gross == placed.amounts.net == cny(120_000)

    def see() -> OrderView:
        return orders.run(queries.get_order, GetOrder(order_id=placed.order_id), REQUESTER)

    orders.do_outside()
    sign_all(orders, placed.order_id)
    assert (see().state, see().blocked_by) == ("contracted", ("awaiting_funding",))
    ((named,),) = orders.rows("SELECT data::json #>> '{project_funds,project_number}' FROM outbox"
                              " WHERE type = 'order.contracted.v1'")  # fmt: skip
    assert named == "52102045"
    terms = see().terms
    assert terms is not None
    assert (terms.fee_bps, terms.provider_net, terms.cancellation_fee_bps) == (0, cny(120_000), 0)
    told: dict[str, Any] = {
        "funding_id": derived_id("funding", 1), "order_id": placed.order_id, "order_number": placed.number,
        "customer_id": CUSTOMER_ID, "provider_id": PROVIDER_ID, "project_number": "52102045",
        "responsible_person": "李明", "amount": cny(120_000),
    }  # fmt: skip
    orders.handle(funding.note_refused, FundingRefused(**told, reason="over_budget"))
    assert see().blocked_by == ("funding_refused",)
    told |= {"funding_id": derived_id("funding", 2), "project_number": "other"}
    orders.handle(funding.note_requested, FundingRequested(**told))
    assert see().blocked_by == ("awaiting_funding",)
    orders.handle(funding.take_reserved, FundingReserved(**told))
    assert (see().state, see().blocked_by) == ("released", ("awaiting_samples",))
