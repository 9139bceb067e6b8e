"""Samples on their way, in the provider's hands, or refused; and the sheet that goes into their parcel."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.orders.domain.order import LIFECYCLE, KeptFile, Order
from services.orders.domain.sample import Sample
from services.orders.domain.shipment import Shipment
from services.orders.use_cases import shapes
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.orders.order import OrderInProgress
from services.shared.messages.orders.sample import (
    DispatchShipment,
    ReceiveSample,
    RejectSample,
    SampleReceived,
    SampleRejected,
    SampleSummary,
    SampleView,
    ShipmentDispatched,
    ShipmentView,
)


def dispatch_shipment(
    command: DispatchShipment, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> ShipmentView:  # fmt: skip
    """The customer has handed samples of a released order to a carrier."""
    order = uow.orders.get(command.order_id)
    require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    LIFECYCLE.after("dispatch", order.state)
    wanted = set(command.sample_ids)
    sent = [sample for sample in uow.samples.of_order(order.order_id) if sample.sample_id in wanted]
    if len(sent) < len(wanted):
        raise NotFound
    for sample in sent:
        sample.dispatch()
    first = not uow.shipments.of_order(order.order_id)
    shipment = Shipment(
        shipment_id=new_id(),
        # The sheet in the first parcel names it already.
        number=order.shipment_number if first else "",
        order_id=order.order_id,
        state="dispatched",
        carrier=command.carrier,
        tracking_number=command.tracking_number,
        dispatched_at=now,
        sample_ids=tuple(sample.sample_id for sample in sent),
    )
    uow.shipments.add(shipment)
    uow.samples.save(sent)
    order.note("samples_dispatched", now)
    uow.orders.save(order)
    uow.publish(
        ShipmentDispatched(
            order_id=order.order_id,
            customer_id=order.customer_id,
            provider_id=order.provider_id,
            shipment_id=shipment.shipment_id,
            number=shipment.number,
            carrier=shipment.carrier,
            tracking_number=shipment.tracking_number,
            sample_ids=shipment.sample_ids,
        )
    )
    return ShipmentView(**vars(shipment))


def receive_sample(command: ReceiveSample, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> SampleView:
    """The provider has it. With the first one, work on the order is in progress."""
    order = uow.orders.of("sample", command.sample_id)
    require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    samples = uow.samples.of_order(order.order_id)
    sample = _one(samples, command.sample_id)
    begins = order.receive_sample(now)
    sample.receive(command.condition, command.quantity, command.storage_place, command.note, now)
    _arrived(order, sample, samples, uow)
    uow.publish(
        SampleReceived(
            order_id=order.order_id,
            customer_id=order.customer_id,
            provider_id=order.provider_id,
            sample_id=sample.sample_id,
            code=sample.code,
            condition=command.condition,
            quantity=command.quantity,
        )
    )
    if begins:
        uow.publish(OrderInProgress(**shapes.named(order)))
    return view(sample)


def reject_sample(command: RejectSample, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> SampleView:
    """It cannot be tested. The customer may send another under the same code."""
    order = uow.orders.of("sample", command.sample_id)
    require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    LIFECYCLE.after("dispatch", order.state)
    samples = uow.samples.of_order(order.order_id)
    sample = _one(samples, command.sample_id)
    sample.reject(command.reason)
    order.note("sample_rejected", now)
    _arrived(order, sample, samples, uow)
    uow.publish(
        SampleRejected(
            order_id=order.order_id,
            customer_id=order.customer_id,
            provider_id=order.provider_id,
            sample_id=sample.sample_id,
            code=sample.code,
            reason=command.reason,
        )
    )
    return view(sample)


def _arrived(order: Order, sample: Sample, samples: list[Sample], uow: OrdersUnitOfWork) -> None:
    """Keep what changed; a parcel none of whose samples is under way any more has been delivered."""
    for shipment in uow.shipments.of_order(order.order_id):
        if shipment.arrived(samples):
            uow.shipments.save(shipment)
    uow.samples.save([sample])
    uow.orders.save(order)


def _one(samples: list[Sample], sample_id: UUID) -> Sample:
    return next(sample for sample in samples if sample.sample_id == sample_id)


def record_packing_sheet(
    payload: Mapping[str, Any], outcome: Mapping[str, Any], *, uow: OrdersUnitOfWork, now: datetime
) -> None:
    """The sheet is made and kept; the customer may fetch it."""
    order = uow.orders.get(UUID(payload["order_id"]))
    if order.packing_sheet is not None:
        return
    order.packing_sheet = KeptFile(**outcome)
    order.note("packing_sheet_made", now, by_platform=True)
    uow.orders.save(order)


def view(sample: Sample) -> SampleView:
    return SampleView(sample_id=sample.sample_id, order_id=sample.order_id, sample=summary(sample))


def summary(sample: Sample) -> SampleSummary:
    return SampleSummary(**{name: getattr(sample, name) for name in SampleSummary.model_fields})
