"""Quoting, negotiating and accepting."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.orders.domain.offering import OfferingCopy, OfferingNotFound
from services.orders.domain.order import Order
from services.orders.domain.pricing import LineAsked, priced
from services.orders.domain.provider import ProviderNotSelling
from services.orders.domain.quotation import ForeignOffering, Quotation, ReasonForPriceRequired, validity
from services.orders.domain.quotation_request import QuotationRequest
from services.orders.use_cases import collection_agreement, shapes
from services.orders.use_cases import order as order_use_cases
from services.orders.use_cases import quotation_request as request_use_cases
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.orders.use_cases.quotation_request import EXPIRE_QUOTATION_TIMER, parties
from services.shared.kernel.actor import Actor, Relation, require
from services.shared.kernel.errors import NotFound, NotYet
from services.shared.kernel.ids import new_id
from services.shared.messages.orders.order import OrderView
from services.shared.messages.orders.quotation import (
    AcceptQuotation,
    CounterQuotation,
    DeclineQuotation,
    LineWanted,
    PriceQuotation,
    QuotationAccepted,
    QuotationCountered,
    QuotationDeclined,
    QuotationExpired,
    QuotationSent,
    QuotationSuperseded,
    QuotationView,
    QuotationWithdrawn,
    SendQuotation,
    WithdrawQuotation,
)


def send_quotation(command: SendQuotation, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> QuotationView:
    """Answer a request, or answer it again: then the provider's earlier version no longer counts."""
    request = uow.quotation_requests.get(command.quotation_request_id)
    require(actor, command.grants, parties(request, actor))
    provider_id = actor.organisation_id
    earlier = [
        each for each in uow.quotations.of_request(request.quotation_request_id) if each.provider_id == provider_id
    ]
    request.take_quotation(answered_before=bool(earlier), now=now)
    _check_selling(provider_id, uow)
    own = _own({line.offering_id for line in command.lines if line.offering_id is not None}, provider_id, uow)
    collection, rate_bps = collection_agreement.agreed(
        provider_id,
        uow.collection_agreements.of_provider(provider_id),
        uow.organisations.company_rate_bps(),
        uow=uow,
        now=now,
        contract_kind=command.contract_kind,
    )
    lines, amounts = priced([_asked(line, own) for line in command.lines], rate_bps)
    valid_until = validity(command.valid_until, uow.policy, now)
    quotation = Quotation(
        quotation_id=new_id(),
        number="",
        version=len(earlier) + 1,
        state="pending_approval" if request.priced_by_company else "sent",
        quotation_request_id=request.quotation_request_id,
        customer_id=request.customer_id,
        provider_id=provider_id,
        lines=lines,
        amounts=amounts,
        turnaround_days=command.turnaround_days,
        notes=command.notes,
        valid_until=valid_until,
        sent_at=now,
        collection=collection,
    )
    for each in earlier:
        if each.live:
            each.supersede()
            uow.quotations.save(each)
            uow.cancel_timer(EXPIRE_QUOTATION_TIMER, each.quotation_id)
            uow.publish(QuotationSuperseded(**_named(each)))
    uow.quotations.add(quotation)
    uow.set_timer(EXPIRE_QUOTATION_TIMER, quotation.quotation_id, valid_until)
    if quotation.state == "sent":
        _announce(quotation, uow)
    return view(quotation, "provider")


def price_quotation(
    command: PriceQuotation, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> QuotationView:  # fmt: skip
    """The company sets the price that the customer sees."""
    _, quotation = _found(command.quotation_id, uow)
    require(actor, command.grants, {})
    quotation.price(command.unit_prices, command.pricing, command.station_base, now)
    uow.quotations.save(quotation)
    _announce(quotation, uow)
    return view(quotation, "operator")


def _announce(quotation: Quotation, uow: OrdersUnitOfWork) -> None:
    uow.publish(
        QuotationSent(
            **_named(quotation),
            lines=shapes.lines(quotation.lines),
            amounts=shapes.amounts(quotation.amounts),
            valid_until=quotation.valid_until,
        )
    )


def _check_selling(provider_id: UUID, uow: OrdersUnitOfWork) -> None:
    provider = uow.providers.find([provider_id]).get(provider_id)
    if provider is None:
        raise NotYet("the provider is not known here yet")
    if not provider.sells:
        raise ProviderNotSelling(providers=[str(provider_id)])


def _own(offering_ids: set[UUID], provider_id: UUID, uow: OrdersUnitOfWork) -> Mapping[UUID, OfferingCopy]:
    """What is offered by name, which is the provider's own."""
    if not offering_ids:
        return {}
    known = uow.offerings.shelf(sorted(offering_ids)).offerings
    if len(known) < len(offering_ids):
        raise OfferingNotFound
    if any(offering.provider_id != provider_id for offering in known.values()):
        raise ForeignOffering
    return known


def _asked(line: LineWanted, own: Mapping[UUID, OfferingCopy]) -> LineAsked:
    listed = line.offering_id is not None and own[line.offering_id].listed_in(line.unit_price.currency)
    if not listed and not line.reason:
        raise ReasonForPriceRequired(title=line.title_en)
    return LineAsked(**vars(line))


def accept_quotation(command: AcceptQuotation, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> OrderView:
    """Freeze it and make the order from it."""
    request, quotation = _found(command.quotation_id, uow)
    require(actor, command.grants, parties_of(quotation))
    order = Order(
        order_id=new_id(),
        number="",
        state="placed",
        customer_id=quotation.customer_id,
        provider_id=quotation.provider_id,
        lines=quotation.lines,
        amounts=quotation.amounts,
        payment_method=command.payment_method,
        turnaround_days=quotation.turnaround_days,
        placed_at=now,
        quotation_id=quotation.quotation_id,
        samples_declared=request.samples,
        notes=request.requirements,
        provider_side=quotation.provider_side,
        project_funds=shapes.project_funds(command.project_funds),
        collection=quotation.collection,
    )
    quotation.accept(order.order_id, now)
    _check_selling(quotation.provider_id, uow)
    uow.quotations.save(quotation)
    uow.cancel_timer(EXPIRE_QUOTATION_TIMER, quotation.quotation_id)
    uow.publish(
        QuotationAccepted(
            **_named(quotation), order_id=order.order_id, amounts=shapes.amounts(quotation.amounts)
        )
    )  # fmt: skip
    request_use_cases.close(request, quotation.quotation_id, uow)
    order_use_cases.place(order, uow)
    return uow.order_view(order.order_id, "customer")


def counter_quotation(
    command: CounterQuotation, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> QuotationView:  # fmt: skip
    """Say what one would take. The quotation is then off the table until the provider answers."""
    _, quotation = _found(command.quotation_id, uow)
    require(actor, command.grants, parties_of(quotation))
    quotation.counter(command.counter_offer, command.counter_net, now)
    uow.quotations.save(quotation)
    uow.publish(QuotationCountered(**_named(quotation), counter_net=quotation.counter_net))
    return view(quotation, "customer")


def decline_quotation(
    command: DeclineQuotation, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> QuotationView:  # fmt: skip
    """The customer does not want it. The request stays open to others."""
    del now
    _, quotation = _found(command.quotation_id, uow)
    require(actor, command.grants, parties_of(quotation))
    quotation.decline(command.reason)
    _ended(quotation, uow)
    uow.publish(QuotationDeclined(**_named(quotation)))
    return view(quotation, "customer")


def withdraw_quotation(
    command: WithdrawQuotation, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> QuotationView:  # fmt: skip
    """The provider takes it back before it is accepted."""
    del now
    _, quotation = _found(command.quotation_id, uow)
    require(actor, command.grants, parties_of(quotation))
    quotation.withdraw(command.reason)
    _ended(quotation, uow)
    uow.publish(QuotationWithdrawn(**_named(quotation)))
    return view(quotation, "provider")


def expire_quotation(subject: str, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Its validity is over. One that was accepted or declined meanwhile refuses."""
    del now
    _, quotation = _found(UUID(subject), uow)
    quotation.expire()
    uow.quotations.save(quotation)
    uow.publish(QuotationExpired(**_named(quotation)))


def _ended(quotation: Quotation, uow: OrdersUnitOfWork) -> None:
    uow.quotations.save(quotation)
    uow.cancel_timer(EXPIRE_QUOTATION_TIMER, quotation.quotation_id)


def _found(quotation_id: UUID, uow: OrdersUnitOfWork) -> tuple[QuotationRequest, Quotation]:
    """The quotation under the lock of its request, so that two of one request are never accepted at once."""
    request = uow.quotation_requests.of_quotation(quotation_id)
    for quotation in uow.quotations.of_request(request.quotation_request_id):
        if quotation.quotation_id == quotation_id:
            return request, quotation
    raise NotFound


def _named(quotation: Quotation) -> dict[str, Any]:
    """What every event of it carries."""
    return {
        "quotation_id": quotation.quotation_id,
        "number": quotation.number,
        "version": quotation.version,
        "quotation_request_id": quotation.quotation_request_id,
        "customer_id": quotation.customer_id,
        "provider_id": quotation.provider_id,
    }


def parties_of(quotation: Quotation) -> dict[Relation, UUID | None]:
    """Who stands in which relation. What the company has not priced yet is not the customer's business."""
    pending = quotation.state == "pending_approval"
    return {"customer": None if pending else quotation.customer_id, "provider": quotation.provider_id}


def view(quotation: Quotation, seen_as: Relation) -> QuotationView:
    """The provider sees its own price, and not what the customer would take of the company's."""
    side = quotation.provider_side
    own = side is not None and seen_as == "provider" and not quotation.collection.agent
    lines, amounts = (side.lines, side.amounts) if side is not None and own else (quotation.lines, quotation.amounts)
    return QuotationView(
        **_named(quotation),
        state=quotation.state,
        lines=shapes.lines(lines),
        amounts=shapes.amounts(amounts),
        turnaround_days=quotation.turnaround_days,
        notes=quotation.notes,
        valid_until=quotation.valid_until,
        sent_at=quotation.sent_at,
        counter_offer="" if own else quotation.counter_offer,
        counter_net=None if own else quotation.counter_net,
        order_id=quotation.order_id,
        provider_side=shapes.provider_side(side) if seen_as == "operator" else None,
        collection_model=quotation.collection.collection_model,
        contract_kind=quotation.collection.contract_kind,
    )
