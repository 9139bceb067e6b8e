"""Who may draft, price, publish and hide an offering, and what others are told of it."""

from datetime import timedelta
from typing import Any

import pytest

from services.catalog.domain.offering import NotAProvider, Offering, PriceFromTaken, ProviderNotApproved
from services.catalog.use_cases.offering import change_offering, draft_offering, move_offering, set_price
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.messages.catalog.offering import (
    ChangeOffering,
    DraftOffering,
    MoveOffering,
    OfferingChanged,
    OfferingContent,
    OfferingPublished,
    OfferingView,
    Price,
    SetPrice,
    VolumeDiscount,
)
from tests.kit.fakes_catalog import (
    CATALOGUE_OPERATOR,
    FINANCE_OPERATOR,
    LAB_MANAGER,
    NOW,
    OTHER_LAB_MANAGER,
    REQUESTER,
    TECHNICIAN,
    FakeCatalog,
    a_provider,
    an_offering,
)

CONTENT = OfferingContent(
    title_zh="拉伸试验", title_en="Tensile test", method_zh="金属材料 拉伸试验", method_en="Metals, tensile testing",
    method_codes=("GB/T 228.1-2021",), unit="sample", turnaround_days=7,
    turnaround_working_days=5,
)  # fmt: skip
PRICE = Price(
    valid_from=NOW - timedelta(days=1),
    unit_price=Money(20_000, "CNY"),
    volume_discounts=(VolumeDiscount(quantity=10, discount_bps=500),),
    charge_basis="价目 2026-1",
)


def move(uow: FakeCatalog, offering: Offering, step: Any, actor: Actor) -> OfferingView:
    command = MoveOffering(offering_id=offering.offering_id, step=step, reason="because")
    return move_offering(command, actor=actor, uow=uow, now=NOW)


def test_a_provider_drafts() -> None:
    """A draft has a number, its provider's name, its price in force, and is told to nobody."""
    uow = FakeCatalog(a_provider(state="applied"))
    later = Price(valid_from=NOW + timedelta(days=1), unit_price=Money(1, "CNY"), charge_basis="价目 2026-2")
    view = draft_offering(DraftOffering(content=CONTENT, prices=(later, PRICE)), actor=LAB_MANAGER, uow=uow, now=NOW)
    assert (view.state, view.number, view.provider_name_en) == ("draft", "OF-2026-000001", a_provider().name_en)
    assert view.content == CONTENT
    assert view.prices == (PRICE, later)
    assert view.price == PRICE
    assert uow.events == []
    assert uow.listings.rows == {}


def test_a_draft_with_two_prices_from_one_instant_is_refused() -> None:
    """No price list has two answers."""
    command = DraftOffering(content=CONTENT, prices=(PRICE, PRICE))
    with pytest.raises(PriceFromTaken):
        draft_offering(command, actor=LAB_MANAGER, uow=FakeCatalog(a_provider()), now=NOW)


@pytest.mark.parametrize("state", [None, "rejected", "terminated"])
def test_only_providers_draft(state: str | None) -> None:
    """An organisation that never applied, or was refused, keeps no offerings."""
    uow = FakeCatalog(a_provider(state=state)) if state else FakeCatalog()
    with pytest.raises(NotAProvider):
        draft_offering(DraftOffering(content=CONTENT), actor=LAB_MANAGER, uow=uow, now=NOW)


@pytest.mark.parametrize("actor", [TECHNICIAN, REQUESTER, CATALOGUE_OPERATOR])
def test_only_lab_managers_draft(actor: Actor) -> None:
    """Drafting is the lab manager's."""
    with pytest.raises(NotAllowed):
        draft_offering(DraftOffering(content=CONTENT), actor=actor, uow=FakeCatalog(a_provider()), now=NOW)


def test_publication_tells_everything_and_is_found() -> None:
    """`offering.published` carries the whole offering, and from then on it is listed."""
    offering = an_offering(state="in_review")
    uow = FakeCatalog(a_provider(), offering)
    view = move(uow, offering, "publish", CATALOGUE_OPERATOR)
    assert view.state == "published"
    (event,) = uow.events
    assert isinstance(event, OfferingPublished)
    assert event.stream == f"offering/{offering.offering_id}"
    assert event.content == view.content
    assert event.prices == view.prices
    assert list(uow.listings.rows) == [offering.offering_id]


@pytest.mark.parametrize(
    ("step", "actor"), [("hide", CATALOGUE_OPERATOR), ("hide", LAB_MANAGER), ("retire", LAB_MANAGER)]
)
def test_what_leaves_the_catalogue_is_told_and_no_longer_found(step: str, actor: Actor) -> None:
    """Hiding and retiring a published offering state `offering.hidden` once."""
    offering = an_offering()
    uow = FakeCatalog(a_provider(), offering)
    move(uow, offering, "hide", CATALOGUE_OPERATOR)
    move(uow, offering, "show", CATALOGUE_OPERATOR)
    move(uow, offering, step, actor)
    assert uow.told() == ["offering.hidden.v1", "offering.published.v1", "offering.hidden.v1"]
    assert uow.listings.rows == {}


def test_retiring_what_was_hidden_tells_nothing_new() -> None:
    """Consumers know already that it may not be ordered."""
    offering = an_offering(state="hidden", hidden_by="operator")
    uow = FakeCatalog(a_provider(), offering)
    move(uow, offering, "retire", LAB_MANAGER)
    assert uow.events == []


@pytest.mark.parametrize(
    ("step", "actor", "error"),
    [
        ("publish", LAB_MANAGER, NotAllowed),
        ("send_back", LAB_MANAGER, NotAllowed),
        ("submit", CATALOGUE_OPERATOR, NotAllowed),
        ("retire", CATALOGUE_OPERATOR, NotAllowed),
        ("publish", FINANCE_OPERATOR, NotAllowed),
        ("hide", TECHNICIAN, NotAllowed),
        ("hide", OTHER_LAB_MANAGER, NotFound),
        ("hide", REQUESTER, NotFound),
    ],
)
def test_each_step_has_its_side(step: str, actor: Actor, error: type[Exception]) -> None:
    """A provider does not publish, the operating company does not submit, and nobody else learns of it."""
    for state in ("draft", "in_review", "published"):
        offering = an_offering(state=state)
        uow = FakeCatalog(a_provider(), offering)
        with pytest.raises(error):
            move(uow, offering, step, actor)
        assert uow.offerings.rows[offering.offering_id] == offering
        assert uow.events == []


def test_nothing_is_published_of_a_suspended_provider() -> None:
    """Not even by the operating company."""
    offering = an_offering(state="in_review")
    uow = FakeCatalog(a_provider(state="suspended"), offering)
    with pytest.raises(ProviderNotApproved):
        move(uow, offering, "publish", CATALOGUE_OPERATOR)


def test_a_turnaround_in_calendar_days_is_promised_no_later() -> None:
    """A sender from before working days says only those; whoever reads either field is told the same thing."""
    uow = FakeCatalog(a_provider())
    before = CONTENT.model_copy(update={"turnaround_days": 9, "turnaround_working_days": None})
    view = draft_offering(DraftOffering(content=before), actor=LAB_MANAGER, uow=uow, now=NOW)
    assert (view.content.turnaround_working_days, view.content.turnaround_days) == (5, 7)


def test_changes_of_what_is_published_are_told_and_found() -> None:
    """A new text and a new price state `offering.changed` with the whole offering; the text is found at once."""
    offering = an_offering()
    uow = FakeCatalog(a_provider(), offering)
    change_offering(
        ChangeOffering(offering_id=offering.offering_id, content=CONTENT), actor=LAB_MANAGER, uow=uow, now=NOW
    )
    coming = PRICE.model_copy(update={"valid_from": NOW + timedelta(days=3)})
    view = set_price(SetPrice(offering_id=offering.offering_id, price=coming), actor=LAB_MANAGER, uow=uow, now=NOW)
    assert uow.told() == ["offering.changed.v1", "offering.changed.v1"]
    last = uow.events[-1]
    assert isinstance(last, OfferingChanged)
    assert (last.content, last.prices) == (CONTENT, view.prices)
    assert last.prices[-1] == coming
    assert "拉伸试验" in uow.listings.rows[offering.offering_id].title_tokens


@pytest.mark.parametrize("state", ["draft", "hidden"])
def test_changes_of_what_is_not_published_stay_in_the_house(state: str) -> None:
    """A draft and a hidden offering are changed without a word and without being found."""
    offering = an_offering(state=state, hidden_by="provider" if state == "hidden" else "")
    uow = FakeCatalog(a_provider(), offering)
    change_offering(
        ChangeOffering(offering_id=offering.offering_id, content=CONTENT), actor=LAB_MANAGER, uow=uow, now=NOW
    )
    coming = PRICE.model_copy(update={"valid_from": NOW + timedelta(days=3)})
    set_price(SetPrice(offering_id=offering.offering_id, price=coming), actor=LAB_MANAGER, uow=uow, now=NOW)
    assert uow.events == []
    assert uow.listings.rows == {}
    assert len(uow.offerings.rows[offering.offering_id].prices) == 2


@pytest.mark.parametrize(
    ("actor", "error"),
    [(OTHER_LAB_MANAGER, NotFound), (REQUESTER, NotFound), (CATALOGUE_OPERATOR, NotAllowed), (TECHNICIAN, NotAllowed)],
)
def test_only_its_lab_manager_changes_an_offering(actor: Actor, error: type[Exception]) -> None:
    """Neither another provider nor the operating company rewrites or reprices it."""
    offering = an_offering()
    uow = FakeCatalog(a_provider(), offering)
    change = ChangeOffering(offering_id=offering.offering_id, content=CONTENT)
    price = SetPrice(offering_id=offering.offering_id, price=PRICE.model_copy(update={"valid_from": NOW}))
    with pytest.raises(error):
        change_offering(change, actor=actor, uow=uow, now=NOW)
    with pytest.raises(error):
        set_price(price, actor=actor, uow=uow, now=NOW)
    assert uow.offerings.rows[offering.offering_id] == offering


def test_an_offering_that_is_not_there() -> None:
    """An unknown id is answered as a foreign one is."""
    with pytest.raises(NotFound):
        move_offering(
            MoveOffering(offering_id=new_id(), step="hide", reason="x"),
            actor=CATALOGUE_OPERATOR,
            uow=FakeCatalog(),
            now=NOW,
        )
