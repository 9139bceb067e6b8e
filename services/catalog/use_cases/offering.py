"""Offerings: drafted and priced by their provider, published by the operating company."""

from datetime import datetime
from typing import Literal

from services.catalog.domain.offering import (
    Content,
    Offering,
    Price,
    Step,
    VolumeDiscount,
    added,
    check_may_offer,
    price_at,
)
from services.catalog.domain.provider import Provider
from services.catalog.domain.search import listing_of
from services.catalog.use_cases.ports import CatalogUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotAllowed
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import calendar_days
from services.shared.messages.base import Event
from services.shared.messages.catalog import offering as messages
from services.shared.messages.catalog.offering import (
    ChangeOffering,
    DraftOffering,
    MoveOffering,
    OfferingChanged,
    OfferingHidden,
    OfferingPublished,
    OfferingView,
    SetPrice,
)

_STEPS: dict[Literal["provider", "operator"], frozenset[Step]] = {
    "provider": frozenset({"submit", "hide", "show", "retire"}),
    "operator": frozenset({"publish", "send_back", "hide", "show"}),
}


def draft_offering(command: DraftOffering, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> OfferingView:
    """A provider, approved or not yet, writes down what it means to sell."""
    require(actor, command.grants, {"self": actor.organisation_id})
    seller = check_may_offer(uow.providers.find_unchanging(actor.organisation_id))
    prices: tuple[Price, ...] = ()
    for price in command.prices:
        prices = added(prices, _price(price), replace=False)
    offering = Offering(
        offering_id=new_id(),
        provider_id=seller.provider_id,
        number="",
        content=_content(command.content),
        prices=prices,
        drafted_at=now,
    )
    uow.offerings.add(offering)
    return view(offering, seller, now)


def change_offering(command: ChangeOffering, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> OfferingView:
    """Replace what it says."""
    offering, seller = uow.offerings.get_with_seller(command.offering_id)
    require(actor, command.grants, {"provider": offering.provider_id})
    offering.change(_content(command.content))
    uow.offerings.save(offering)
    if offering.state == "published":
        uow.listings.put([listing_of(offering, seller)])
        uow.publish(_event(OfferingChanged, offering))
    return view(offering, seller, now)


def set_price(command: SetPrice, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> OfferingView:
    """Add an entry to the price list."""
    offering, seller = uow.offerings.get_with_seller(command.offering_id)
    require(actor, command.grants, {"provider": offering.provider_id})
    offering.set_price(_price(command.price), now=now)
    uow.offerings.save(offering)
    if offering.state == "published":
        uow.publish(_event(OfferingChanged, offering))
    return view(offering, seller, now)


def move_offering(command: MoveOffering, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> OfferingView:
    """Take a step of its life."""
    offering, seller = uow.offerings.get_with_seller(command.offering_id)
    relation = require(actor, command.grants, {"provider": offering.provider_id})
    by: Literal["provider", "operator"] = "provider" if relation == "provider" else "operator"
    if command.step not in _STEPS[by]:
        raise NotAllowed(step=command.step)
    before = offering.state
    offering.move(command.step, by=by, reason=command.reason, seller=seller)
    uow.offerings.save(offering)
    if offering.state == "published":
        uow.listings.put([listing_of(offering, seller)])
        uow.publish(_event(OfferingPublished, offering))
    elif before == "published":
        uow.listings.remove([offering.offering_id])
        uow.publish(_event(OfferingHidden, offering))
    return view(offering, seller, now)


def hide_with(provider: Provider, *, uow: CatalogUnitOfWork) -> None:
    """Hide all that *provider*, which may no longer sell, has published. Its row is locked by the caller."""
    hidden = uow.offerings.hide_all(provider.provider_id, provider.reason)
    uow.listings.remove([offering.offering_id for offering in hidden])
    for offering in hidden:
        uow.publish(_event(OfferingHidden, offering))


def show_again(provider: Provider, *, uow: CatalogUnitOfWork) -> None:
    """Publish again what only the suspension of *provider* had hidden. Its row is locked by the caller."""
    shown = uow.offerings.show_all(provider.provider_id)
    uow.listings.put([listing_of(offering, provider) for offering in shown])
    for offering in shown:
        uow.publish(_event(OfferingPublished, offering))


def _event(kind: type[OfferingPublished | OfferingChanged | OfferingHidden], offering: Offering) -> Event:
    return kind(
        offering_id=offering.offering_id,
        number=offering.number,
        provider_id=offering.provider_id,
        content=_told_content(offering.content),
        prices=tuple(_told_price(price) for price in offering.prices),
    )


def view(offering: Offering, seller: Provider, now: datetime) -> OfferingView:
    """*offering* with the price in force at *now*."""
    price = price_at(offering.prices, now)
    return OfferingView(
        offering_id=offering.offering_id,
        number=offering.number,
        provider_id=offering.provider_id,
        provider_name_zh=seller.name_zh,
        provider_name_en=seller.name_en,
        region=seller.region,
        state=offering.state,
        content=_told_content(offering.content),
        prices=tuple(_told_price(entry) for entry in offering.prices),
        price=_told_price(price) if price is not None else None,
        reason=offering.reason,
    )


def _content(told: messages.OfferingContent) -> Content:
    said = {name: getattr(told, name) for name in Content.__slots__}
    return Content(**said | {"turnaround_working_days": told.working_days})


def _told_content(content: Content) -> messages.OfferingContent:
    said = {name: getattr(content, name) for name in Content.__slots__}
    return messages.OfferingContent(**said, turnaround_days=calendar_days(content.turnaround_working_days))


def _price(told: messages.Price) -> Price:
    return Price(
        valid_from=told.valid_from,
        unit_price=told.unit_price,
        includes_tax=told.includes_tax,
        volume_discounts=tuple(VolumeDiscount(one.quantity, one.discount_bps) for one in told.volume_discounts),
        charge_basis=told.charge_basis,
    )


def _told_price(price: Price) -> messages.Price:
    return messages.Price(
        valid_from=price.valid_from,
        unit_price=price.unit_price,
        includes_tax=price.includes_tax,
        volume_discounts=tuple(
            messages.VolumeDiscount(quantity=one.quantity, discount_bps=one.discount_bps)
            for one in price.volume_discounts
        ),
        charge_basis=price.charge_basis,
    )
