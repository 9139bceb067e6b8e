"""Offerings and providers in real tables: what is stored comes back, and what happens at the same time is safe."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from services.catalog.adapters.queries import get_provider
from services.catalog.adapters.unit_of_work import CatalogUnitOfWork
from services.catalog.domain.offering import PriceFromTaken, ProviderNotApproved, VolumeDiscount
from services.catalog.domain.provider import AlreadyApplied
from services.catalog.domain.search import listing_of
from services.catalog.use_cases.offering import move_offering, set_price
from services.catalog.use_cases.provider import apply_as_provider, review_provider
from services.shared.chassis.database import ChangedMeanwhile
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import Money
from services.shared.messages.catalog.offering import MoveOffering, Price, SetPrice
from services.shared.messages.catalog.provider import ApplyAsProvider, GetProvider, ReviewProvider
from tests.integration.catalog.conftest import Catalog
from tests.kit.fakes_catalog import (
    CATALOGUE_OPERATOR,
    LAB_MANAGER,
    NOW,
    PROVIDER_ID,
    a_price,
    a_provider,
    an_offering,
)


def test_an_offering_comes_back_as_it_was_stored(catalog: Catalog) -> None:
    """Content, price list with discounts and currency, state and reason survive the tables."""
    prices = (
        a_price(volume_discounts=(VolumeDiscount(10, 500), VolumeDiscount(20, 1_000))),
        a_price(123, valid_from=NOW + timedelta(days=1, microseconds=7), includes_tax=True),
    )
    offering = an_offering(prices=prices, state="hidden", hidden_by="operator", reason="照片缺失")
    catalog.put(offering)
    stored, seller = catalog.within(lambda uow: uow.offerings.get_with_seller(offering.offering_id))
    assert stored == offering
    assert stored.number.startswith("OF-2026-")
    assert seller == catalog.within(lambda uow: uow.providers.get(PROVIDER_ID))
    assert catalog.within(lambda uow: uow.providers.find_unchanging(PROVIDER_ID)) == seller
    stored.reason = "照片补充"
    catalog.within(lambda uow: uow.offerings.save(stored))
    again, _ = catalog.within(lambda uow: uow.offerings.get_with_seller(offering.offering_id))
    assert again == replace(stored, version=1)


def test_what_is_not_there(catalog: Catalog) -> None:
    """Unknown ids are NotFound, an unknown provider is none."""
    with pytest.raises(NotFound):
        catalog.within(lambda uow: uow.offerings.get_with_seller(new_id()))
    assert catalog.within(lambda uow: uow.providers.find_unchanging(new_id())) is None


def test_a_stale_version_does_not_win(catalog: Catalog) -> None:
    """An offering that was read before somebody else's change is not written over it."""
    offering = an_offering()
    catalog.put(offering)
    first, _ = catalog.within(lambda uow: uow.offerings.get_with_seller(offering.offering_id))
    second, _ = catalog.within(lambda uow: uow.offerings.get_with_seller(offering.offering_id))
    catalog.within(lambda uow: uow.offerings.save(first))
    with pytest.raises(ChangedMeanwhile):
        catalog.within(lambda uow: uow.offerings.save(second))


def test_one_application_of_many_at_once(empty_catalog: Catalog) -> None:
    """Ten applications of one organisation at the same time make one provider."""
    command = ApplyAsProvider(name_zh="甲", name_en="A", region="150000", entry_standards=("cma",))
    barrier = Barrier(10)

    def apply(_: int) -> str:
        barrier.wait()
        try:
            return empty_catalog.run(apply_as_provider, command, LAB_MANAGER).number
        except AlreadyApplied as error:
            return error.code

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(apply, range(10)))
    assert answers.count("catalog.provider_already_applied") == 9
    assert empty_catalog.rows("SELECT count(*) FROM provider") == [(1,)]


def test_one_price_from_one_instant_of_many_at_once(catalog: Catalog) -> None:
    """Eight prices from the same instant at the same time: one is taken, no other is lost in silence."""
    offering = an_offering()
    catalog.put(offering)
    barrier = Barrier(8)

    def price(i: int) -> bool:
        wanted = Price(valid_from=NOW + timedelta(days=1), unit_price=Money(100 + i, "CNY"), charge_basis="价目")
        barrier.wait()
        try:
            catalog.run(set_price, SetPrice(offering_id=offering.offering_id, price=wanted), LAB_MANAGER)
        except PriceFromTaken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(price, range(8))) == 1
    stored, _ = catalog.within(lambda uow: uow.offerings.get_with_seller(offering.offering_id))
    assert len(stored.prices) == 2


def test_one_publication_of_many_at_once(catalog: Catalog) -> None:
    """Six operators publish the same offering: it is published and told once."""
    offering = an_offering(state="in_review")
    catalog.put(offering)
    barrier = Barrier(6)

    def publish(_: int) -> bool:
        barrier.wait()
        try:
            catalog.run(
                move_offering, MoveOffering(offering_id=offering.offering_id, step="publish"), CATALOGUE_OPERATOR
            )
        except WrongState:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(publish, range(6))) == 1
    assert catalog.told == ["offering.published.v1"]


def test_suspension_beside_publications(catalog: Catalog) -> None:
    """However the suspension and ten publications fall, nothing stays published or found, and all is told in pairs."""
    offerings = [an_offering(state="in_review") for _ in range(10)]
    catalog.put(*offerings)
    barrier = Barrier(11)

    def publish(i: int) -> None:
        command = MoveOffering(offering_id=offerings[i].offering_id, step="publish")
        barrier.wait()
        with suppress(ProviderNotApproved):
            catalog.run(move_offering, command, CATALOGUE_OPERATOR)

    def suspend() -> None:
        barrier.wait()
        command = ReviewProvider(provider_id=PROVIDER_ID, decision="suspend", reason="评审")
        catalog.run(review_provider, command, CATALOGUE_OPERATOR)

    with ThreadPoolExecutor(11) as pool:
        suspended = pool.submit(suspend)
        list(pool.map(publish, range(10)))
        suspended.result()
    assert catalog.rows("SELECT count(*) FROM offering WHERE state = 'published'") == [(0,)]
    assert catalog.rows("SELECT count(*) FROM listing") == [(0,)]
    assert catalog.told.count("offering.published.v1") == catalog.told.count("offering.hidden.v1")


def test_suspension_and_return(catalog: Catalog) -> None:
    """What the suspension hid is published and found again; what its provider had hidden is not."""
    published, hidden = an_offering(), an_offering(state="hidden", hidden_by="provider")
    catalog.put(published, hidden)
    seller = a_provider()
    catalog.within(lambda uow: uow.listings.put([listing_of(published, seller)]))
    for decision, reason in (("suspend", "评审"), ("resume", "")):
        command = ReviewProvider(provider_id=PROVIDER_ID, decision=decision, reason=reason)  # type: ignore[arg-type]
        catalog.run(review_provider, command, CATALOGUE_OPERATOR)
        if decision == "suspend":
            assert catalog.rows("SELECT state, hidden_by, reason FROM offering ORDER BY hidden_by") == [
                ("hidden", "provider", ""),
                ("hidden", "suspension", "评审"),
            ]
            assert catalog.rows("SELECT count(*) FROM listing") == [(0,)]
    assert catalog.told == [
        "provider.suspended.v1",
        "offering.hidden.v1",
        "provider.approved.v1",
        "offering.published.v1",
    ]
    assert catalog.rows("SELECT offering_id::text FROM listing") == [(str(published.offering_id),)]
    assert catalog.rows("SELECT version FROM offering WHERE state = 'published'") == [(2,)]


def test_listing_again_replaces(catalog: Catalog) -> None:
    """A listing put twice is one listing, as put last; removing what is not there is harmless."""
    offering = an_offering()
    catalog.put(offering)
    listing = listing_of(offering, a_provider())

    def twice(uow: CatalogUnitOfWork) -> None:
        uow.listings.put([listing])
        uow.listings.put([replace(listing, title_size=99)])
        uow.listings.put([])
        uow.listings.remove([new_id()])
        uow.listings.remove([])

    catalog.within(twice)
    assert catalog.rows("SELECT title_size FROM listing") == [(99,)]


def test_the_number_of_a_framework_agreement_is_kept_beside_the_provider(catalog: Catalog) -> None:
    """Kept with the provider and read with it; one that is not approved has none."""
    provider = catalog.within(lambda uow: uow.providers.get(PROVIDER_ID))
    assert provider.framework_agreement_number == ""
    first, second = (catalog.within(lambda uow: uow.providers.next_agreement_number(NOW)) for _ in range(2))
    assert first < second
    for number in (first, "KJ-2025-0017"):
        provider = catalog.within(lambda uow: uow.providers.get(PROVIDER_ID))
        provider.framework_agreement_number = number
        catalog.within(lambda uow: uow.providers.save(provider))  # noqa: B023 - run at once
        assert catalog.within(lambda uow: uow.providers.get(PROVIDER_ID)).framework_agreement_number == number
    view = catalog.run(get_provider, GetProvider(provider_id=PROVIDER_ID), CATALOGUE_OPERATOR)
    assert view.framework_agreement_number == "KJ-2025-0017"
