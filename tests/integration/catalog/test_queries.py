"""Who sees which offering and provider, page by page."""

from datetime import timedelta

import pytest

from services.catalog.adapters.queries import get_offering, get_provider, list_offerings, list_providers
from services.catalog.use_cases.offering import draft_offering
from services.shared.chassis.paging import CursorInvalid
from services.shared.kernel.actor import PUBLIC, Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.messages.catalog.offering import DraftOffering, GetOffering, ListOfferings
from services.shared.messages.catalog.provider import GetProvider, ListProviders
from tests.integration.catalog.conftest import Catalog
from tests.kit.fakes_catalog import (
    CATALOGUE_OPERATOR,
    FINANCE_OPERATOR,
    LAB_MANAGER,
    NOW,
    OTHER_LAB_MANAGER,
    OTHER_PROVIDER_ID,
    PROVIDER_ID,
    REQUESTER,
    TECHNICIAN,
    a_price,
    a_provider,
    an_offering,
)


@pytest.mark.parametrize("actor", [PUBLIC, REQUESTER, OTHER_LAB_MANAGER, TECHNICIAN, CATALOGUE_OPERATOR])
def test_a_published_offering_is_for_anyone(catalog: Catalog, actor: Actor) -> None:
    """With its provider's name, its whole price list and the price in force."""
    later = a_price(40_000, valid_from=NOW + timedelta(days=10))
    offering = an_offering(prices=(a_price(), later))
    catalog.put(offering)
    view = catalog.run(get_offering, GetOffering(offering_id=offering.offering_id), actor)
    assert (view.provider_name_zh, view.region, view.state) == (a_provider().name_zh, "150100", "published")
    assert view.price is not None
    assert view.price.unit_price == a_price().unit_price
    assert len(view.prices) == 2
    in_force = catalog.run(
        get_offering, GetOffering(offering_id=offering.offering_id), actor, NOW + timedelta(days=10)
    ).price
    assert in_force is not None
    assert in_force.unit_price == later.unit_price


def test_a_view_is_the_same_from_the_command_and_from_the_query(catalog: Catalog) -> None:
    """What drafting answered is what is read afterwards."""
    content = an_offering().content
    said = {name: getattr(content, name) for name in content.__slots__}
    command = DraftOffering.model_validate({"content": {**said, "turnaround_days": 9}})
    drafted = catalog.run(draft_offering, command, LAB_MANAGER)
    read = catalog.run(get_offering, GetOffering(offering_id=drafted.offering_id), LAB_MANAGER)
    assert read == drafted


@pytest.mark.parametrize("state", ["draft", "in_review", "hidden", "retired"])
def test_what_is_not_published_is_for_its_own(catalog: Catalog, state: str) -> None:
    """Others are told that there is no such thing."""
    offering = an_offering(state=state, hidden_by="operator" if state == "hidden" else "")
    catalog.put(offering)
    wanted = GetOffering(offering_id=offering.offering_id)
    for actor in (PUBLIC, REQUESTER, OTHER_LAB_MANAGER):
        with pytest.raises(NotFound):
            catalog.run(get_offering, wanted, actor)
    for actor in (LAB_MANAGER, TECHNICIAN, CATALOGUE_OPERATOR):
        assert catalog.run(get_offering, wanted, actor).state == state


def test_lists_are_of_one_house(catalog: Catalog) -> None:
    """A lab manager lists its own, the operating company all, page by page without loss or repetition."""
    catalog.put(a_provider(provider_id=OTHER_PROVIDER_ID))
    own = [an_offering(drafted_at=NOW + timedelta(seconds=i % 3), state="in_review") for i in range(7)]
    others = [an_offering(provider_id=OTHER_PROVIDER_ID, drafted_at=NOW) for _ in range(4)]
    catalog.put(*own, *others)

    def walk(actor: Actor, state: str | None) -> list[str]:
        seen, after = [], None
        while True:
            wanted = ListOfferings(state=state, after=after, limit=3)  # type: ignore[arg-type]
            found = catalog.run(list_offerings, wanted, actor)
            seen += [str(item.offering_id) for item in found.items]
            after = found.next_cursor
            if after is None:
                return seen

    def ids(offerings: list) -> list[str]:  # type: ignore[type-arg]
        return [str(one.offering_id) for one in sorted(offerings, key=lambda one: (one.drafted_at, one.offering_id))]

    assert walk(LAB_MANAGER, None) == ids(own)
    assert walk(OTHER_LAB_MANAGER, None) == ids(others)
    assert walk(CATALOGUE_OPERATOR, None) == ids([*own, *others])
    assert walk(CATALOGUE_OPERATOR, "in_review") == ids(own)
    assert walk(LAB_MANAGER, "published") == []


@pytest.mark.parametrize(
    ("actor", "error"),
    [(PUBLIC, NotFound), (REQUESTER, NotAllowed), (TECHNICIAN, NotAllowed), (FINANCE_OPERATOR, NotAllowed)],
)
def test_lists_need_the_role(catalog: Catalog, actor: Actor, error: type[Exception]) -> None:
    """A list of offerings in the making is for lab managers and the catalogue's operators."""
    with pytest.raises(error):
        catalog.run(list_offerings, ListOfferings(), actor)


def test_a_cursor_from_elsewhere(catalog: Catalog) -> None:
    """Not a 500."""
    for cursor in ("x", "WzFd", "bnVsbA=="):
        with pytest.raises(CursorInvalid):
            catalog.run(list_offerings, ListOfferings(after=cursor), LAB_MANAGER)


def test_providers_for_the_operating_company(empty_catalog: Catalog) -> None:
    """Oldest application first; a provider sees itself and no other; customers see none."""
    made = [
        a_provider(provider_id=derived_id("p", i), applied_at=NOW - timedelta(days=i), state="applied")
        for i in range(5)
    ]
    empty_catalog.put(*made, a_provider())
    found = empty_catalog.run(list_providers, ListProviders(state="applied", limit=3), CATALOGUE_OPERATOR)
    rest = empty_catalog.run(
        list_providers, ListProviders(state="applied", limit=3, after=found.next_cursor), CATALOGUE_OPERATOR
    )
    assert [one.provider_id for one in (*found.items, *rest.items)] == [one.provider_id for one in reversed(made)]
    assert rest.next_cursor is None
    assert empty_catalog.run(get_provider, GetProvider(provider_id=PROVIDER_ID), TECHNICIAN).state == "approved"
    for actor in (OTHER_LAB_MANAGER, REQUESTER, PUBLIC):
        with pytest.raises(NotFound):
            empty_catalog.run(get_provider, GetProvider(provider_id=PROVIDER_ID), actor)
        with pytest.raises(NotFound):
            empty_catalog.run(list_providers, ListProviders(), actor)
