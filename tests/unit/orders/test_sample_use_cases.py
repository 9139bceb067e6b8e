"""Samples on their way and in hand."""

import pytest

from services.orders.domain.order import Order, OrderState
from services.orders.domain.sample import SampleDeclared
from services.orders.use_cases import sample as use_cases
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.orders.sample import DispatchShipment, ReceiveSample, RejectSample, ShipmentView
from tests.kit.fakes_orders import (
    LAB_MANAGER,
    NOW,
    OTHER_LAB_MANAGER,
    OTHER_REQUESTER,
    REQUESTER,
    TECHNICIAN,
    FakeOrdersService,
    a_shop,
    an_order,
)

TWO = (SampleDeclared("A", "ZnO", 1), SampleDeclared("B", "TiO2", 5, after_test="return"))


def a_released(state: OrderState = "released") -> tuple[FakeOrdersService, Order]:
    order = an_order(state, samples_declared=TWO)
    return a_shop(order), order


def dispatch(shop: FakeOrdersService, order: Order, actor: Actor = REQUESTER, count: int = 2) -> ShipmentView:
    ids = tuple(each.sample_id for each in shop.samples.of_order(order.order_id))[:count]
    command = DispatchShipment(order_id=order.order_id, carrier="SF", tracking_number="SF1", sample_ids=ids)
    return use_cases.dispatch_shipment(command, actor=actor, uow=shop, now=NOW)


def receive(shop: FakeOrdersService, order: Order, position: int, actor: Actor = TECHNICIAN) -> None:
    sample = shop.samples.of_order(order.order_id)[position]
    command = ReceiveSample(sample_id=sample.sample_id, condition="good", quantity=1, storage_place="A1")
    use_cases.receive_sample(command, actor=actor, uow=shop, now=NOW)


def reject(shop: FakeOrdersService, order: Order, position: int, actor: Actor = TECHNICIAN) -> None:
    sample = shop.samples.of_order(order.order_id)[position]
    use_cases.reject_sample(RejectSample(sample_id=sample.sample_id, reason="broken"), actor=actor, uow=shop, now=NOW)


def test_the_first_sample_in_hand_begins_the_work_and_the_second_does_not_again() -> None:
    """A parcel is delivered when nothing of it is under way any more."""
    shop, order = a_released()
    sent = dispatch(shop, order)
    receive(shop, order, 0)
    assert shop.told == ["shipment.dispatched.v1", "sample.received.v1", "order.in_progress.v1"]
    assert shop.shipments.rows[sent.shipment_id].state == "dispatched"
    receive(shop, order, 1)
    assert shop.told.count("order.in_progress.v1") == 1
    assert shop.shipments.rows[sent.shipment_id].state == "delivered"


def test_the_first_parcel_has_the_number_that_its_packing_sheet_names() -> None:
    """It was reserved at the release; what is sent later is another shipment."""
    order = an_order("released", samples_declared=TWO, shipment_number="SH-2026-000321")
    shop = a_shop(order)
    assert dispatch(shop, order, count=1).number == "SH-2026-000321"
    reject(shop, order, 0)
    assert dispatch(shop, order, count=1).number not in {"", "SH-2026-000321"}


def test_a_sample_is_received_once() -> None:
    """A scanner that beeps twice books once."""
    shop, order = a_released()
    receive(shop, order, 0)
    with pytest.raises(WrongState):
        receive(shop, order, 0)


def test_a_rejected_sample_may_be_sent_again() -> None:
    """Under the same code, in another parcel."""
    shop, order = a_released()
    dispatch(shop, order, count=1)
    reject(shop, order, 0)
    (rejected, _) = shop.samples.of_order(order.order_id)
    assert (rejected.state, rejected.note) == ("rejected", "broken")
    dispatch(shop, order, count=1)
    receive(shop, order, 0)
    assert shop.samples.of_order(order.order_id)[0].state == "received"
    assert {each.state for each in shop.shipments.rows.values()} == {"delivered"}


@pytest.mark.parametrize("state", ["placed", "contracted", "delivered", "accepted", "closed", "cancelled"])
def test_samples_move_only_while_work_is_released(state: OrderState) -> None:
    """Nobody is paid for what is not released, and a delivered order needs no more samples."""
    shop, order = a_released(state)
    for deed in (lambda: dispatch(shop, order), lambda: receive(shop, order, 0), lambda: reject(shop, order, 0)):
        with pytest.raises(WrongState):
            deed()
    assert not shop.told


def test_another_orders_sample_does_not_travel_with_this_one() -> None:
    """It is not found here, and nothing is sent."""
    shop, order = a_released()
    other = an_order("released", samples_declared=TWO)
    shop.put_order(other)
    foreign = shop.samples.of_order(other.order_id)[0].sample_id
    command = DispatchShipment(order_id=order.order_id, carrier="SF", tracking_number="1", sample_ids=(foreign,))
    with pytest.raises(NotFound):
        use_cases.dispatch_shipment(command, actor=REQUESTER, uow=shop, now=NOW)
    assert not shop.shipments.rows


def test_customers_send_and_the_bench_receives() -> None:
    """Each does its own part; strangers find nothing."""
    shop, order = a_released()
    with pytest.raises(NotAllowed):
        dispatch(shop, order, LAB_MANAGER)
    with pytest.raises(NotFound):
        dispatch(shop, order, OTHER_REQUESTER)
    with pytest.raises(NotAllowed):
        receive(shop, order, 0, REQUESTER)
    with pytest.raises(NotFound):
        receive(shop, order, 0, OTHER_LAB_MANAGER)
    with pytest.raises(NotFound):
        reject(shop, order, 0, OTHER_LAB_MANAGER)


def test_a_sample_that_does_not_exist_is_not_found() -> None:
    """Not even an error that says more."""
    command = ReceiveSample(sample_id=new_id(), condition="good", quantity=1, storage_place="A1")
    with pytest.raises(NotFound):
        use_cases.receive_sample(command, actor=TECHNICIAN, uow=a_shop(), now=NOW)


def test_the_packing_sheet_is_recorded_once() -> None:
    """A second outcome of the same call finds it there."""
    shop, order = a_released()
    for number in range(2):
        use_cases.record_packing_sheet(
            {"order_id": str(order.order_id)}, {"key": f"k{number}", "sha256": "a", "size_bytes": 1}, uow=shop, now=NOW
        )
    kept = shop.orders.get(order.order_id).packing_sheet
    assert kept is not None
    assert kept.key == "k0"
