"""Asking providers for a price."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.orders.domain.offering import NotForSale, OfferingNotFound
from services.orders.domain.provider import ProviderNotFound, ProviderNotSelling
from services.orders.domain.quotation_request import QuotationRequest, checked_deadline
from services.orders.use_cases import shapes
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.kernel.actor import Actor, Relation, require
from services.shared.kernel.ids import new_id
from services.shared.messages.orders.quotation import QuotationDeclined
from services.shared.messages.orders.quotation_request import (
    OpenQuotationRequest,
    QuotationRequestClosed,
    QuotationRequestExpired,
    QuotationRequestOpened,
    QuotationRequestView,
    QuotationRequestWithdrawn,
    TakeOverPricing,
    WithdrawQuotationRequest,
)

EXPIRE_REQUEST_TIMER = "expire_quotation_request"
EXPIRE_QUOTATION_TIMER = "expire_quotation"


def open_quotation_request(
    command: OpenQuotationRequest, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> QuotationRequestView:
    """Ask one or several providers; none learns who else was asked."""
    require(actor, command.grants, {"self": actor.organisation_id})
    respond_by = checked_deadline(command.respond_by, now)
    provider_ids = tuple(dict.fromkeys(command.provider_ids))
    _check_sold(provider_ids, command.offering_id, uow)
    request = QuotationRequest(
        quotation_request_id=new_id(),
        number="",
        state="open",
        customer_id=actor.organisation_id,
        provider_ids=provider_ids,
        offering_id=command.offering_id,
        title=command.title,
        requirements=command.requirements,
        quantity=command.quantity,
        samples=shapes.declared(command.samples),
        respond_by=respond_by,
        opened_at=now,
    )
    uow.quotation_requests.add(request)
    uow.set_timer(EXPIRE_REQUEST_TIMER, request.quotation_request_id, respond_by)
    uow.publish(
        QuotationRequestOpened(
            quotation_request_id=request.quotation_request_id,
            number=request.number,
            customer_id=request.customer_id,
            provider_ids=request.provider_ids,
            title=request.title,
            respond_by=respond_by,
        )
    )
    return view(request, "customer")


def _check_sold(provider_ids: tuple[UUID, ...], offering_id: UUID | None, uow: OrdersUnitOfWork) -> None:
    known = uow.providers.find(provider_ids)
    if len(known) < len(provider_ids):
        raise ProviderNotFound
    stopped = [str(provider.provider_id) for provider in known.values() if not provider.sells]
    if stopped:
        raise ProviderNotSelling(providers=stopped)
    if offering_id is None:
        return
    offering = uow.offerings.shelf([offering_id]).offerings.get(offering_id)
    if offering is None:
        raise OfferingNotFound
    if not offering.published:
        raise NotForSale(offering=str(offering_id))


def take_over_pricing(
    command: TakeOverPricing, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> QuotationRequestView:
    """What providers quote from now on goes to the operating company first."""
    del now
    request = uow.quotation_requests.get(command.quotation_request_id)
    require(actor, command.grants, {})
    request.take_over_pricing(answered=bool(uow.quotations.of_request(request.quotation_request_id)))
    uow.quotation_requests.save(request)
    return view(request, "operator")


def withdraw_quotation_request(
    command: WithdrawQuotationRequest, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> QuotationRequestView:
    """The customer no longer wants it; whatever was offered on it is declined."""
    del now
    request = uow.quotation_requests.get(command.quotation_request_id)
    require(actor, command.grants, parties(request, actor))
    request.withdraw()
    _end(request, uow)
    decline_the_rest(request, None, uow)
    uow.publish(QuotationRequestWithdrawn(**_named(request)))
    return view(request, "customer")


def expire_quotation_request(subject: str, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The time to answer is over: the request expires when nothing on it can be accepted any more."""
    request = uow.quotation_requests.get(UUID(subject))
    live = [each for each in uow.quotations.of_request(request.quotation_request_id) if each.live]
    binding_until = max((each.valid_until for each in live), default=now)
    if binding_until > now:
        uow.set_timer(EXPIRE_REQUEST_TIMER, request.quotation_request_id, binding_until)
        return
    request.expire()
    uow.quotation_requests.save(request)
    uow.publish(QuotationRequestExpired(**_named(request)))


def close(request: QuotationRequest, accepted: UUID, uow: OrdersUnitOfWork) -> None:
    """One of its quotations is accepted; the others are told that they are not."""
    request.close()
    _end(request, uow)
    decline_the_rest(request, accepted, uow)
    uow.publish(QuotationRequestClosed(**_named(request)))


def decline_the_rest(request: QuotationRequest, accepted: UUID | None, uow: OrdersUnitOfWork) -> None:
    """Decline what is still on offer, save the one that was *accepted*."""
    for quotation in uow.quotations.of_request(request.quotation_request_id):
        if quotation.quotation_id == accepted or not quotation.live:
            continue
        quotation.decline("")
        uow.quotations.save(quotation)
        uow.cancel_timer(EXPIRE_QUOTATION_TIMER, quotation.quotation_id)
        uow.publish(
            QuotationDeclined(
                quotation_id=quotation.quotation_id,
                number=quotation.number,
                version=quotation.version,
                quotation_request_id=quotation.quotation_request_id,
                customer_id=quotation.customer_id,
                provider_id=quotation.provider_id,
            )
        )


def _end(request: QuotationRequest, uow: OrdersUnitOfWork) -> None:
    uow.quotation_requests.save(request)
    uow.cancel_timer(EXPIRE_REQUEST_TIMER, request.quotation_request_id)


def _named(request: QuotationRequest) -> dict[str, Any]:
    """What every event of it carries."""
    return {
        "quotation_request_id": request.quotation_request_id,
        "number": request.number,
        "customer_id": request.customer_id,
        "provider_ids": request.provider_ids,
        "title": request.title,
    }


def parties(request: QuotationRequest, actor: Actor) -> dict[Relation, UUID | None]:
    """Who stands in which relation: the customer, and *actor* where it was asked."""
    return {"customer": request.customer_id, "provider": request.provider(actor.organisation_id)}


def view(request: QuotationRequest, seen_as: Relation, provider_id: UUID | None = None) -> QuotationRequestView:
    """As *seen_as* may see it: a provider (*provider_id*) finds only itself among those who were asked."""
    alone = (provider_id,) if provider_id is not None else ()
    return QuotationRequestView(
        quotation_request_id=request.quotation_request_id,
        number=request.number,
        state=request.state,
        customer_id=request.customer_id,
        provider_ids=alone if seen_as == "provider" else request.provider_ids,
        offering_id=request.offering_id,
        title=request.title,
        requirements=request.requirements,
        quantity=request.quantity,
        samples=shapes.described(request.samples),
        respond_by=request.respond_by,
        opened_at=request.opened_at,
    )
