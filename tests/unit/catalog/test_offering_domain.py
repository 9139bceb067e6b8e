"""The life, the price list and the content of an offering."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain.offering import (
    LIFECYCLE,
    HiddenByAnother,
    NotReadyForPublication,
    PriceCurrencyDiffers,
    PriceFromTaken,
    PriceInThePast,
    ProviderNotApproved,
    UnitFixed,
    VolumeDiscount,
    VolumeDiscountsOutOfOrder,
    added,
    price_at,
)
from services.catalog.domain.provider import ReasonRequired
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import Money
from tests.kit.fakes_catalog import NOW, a_content, a_price, a_provider, an_offering

DAY = timedelta(days=1)


def test_whole_life() -> None:
    """An offering is drafted, reviewed, sent back, published, hidden, shown and retired."""
    offering = an_offering(state="draft")
    for step, by, state in [
        ("submit", "provider", "in_review"),
        ("send_back", "operator", "draft"),
        ("submit", "provider", "in_review"),
        ("publish", "operator", "published"),
        ("hide", "operator", "hidden"),
        ("show", "operator", "published"),
        ("retire", "provider", "retired"),
    ]:
        offering.move(step, by=by, reason="because", seller=a_provider())  # type: ignore[arg-type]
        assert offering.state == state


def test_steps_out_of_order_are_refused() -> None:
    """Every step from every state that the table does not name is refused and changes nothing."""
    states = ["draft", "in_review", "published", "hidden", "retired"]
    refused = 0
    for step, state in product(["submit", "publish", "send_back", "hide", "show", "retire"], states):
        if LIFECYCLE.allows(step, state):  # type: ignore[arg-type]
            continue
        offering = an_offering(state=state, hidden_by="operator" if state == "hidden" else "")
        with pytest.raises(WrongState):
            offering.move(step, by="operator", reason="because", seller=a_provider())  # type: ignore[arg-type]
        assert offering.state == state
        refused += 1
    assert refused == 21


@pytest.mark.parametrize("state", ["applied", "under_review", "suspended", "terminated", "rejected"])
def test_publication_needs_an_approved_provider(state: str) -> None:
    """What a provider that may not sell offers is neither published nor shown again."""
    for before, step in [("in_review", "publish"), ("hidden", "show")]:
        offering = an_offering(state=before, hidden_by="operator" if before == "hidden" else "")
        with pytest.raises(ProviderNotApproved):
            offering.move(step, by="operator", reason="", seller=a_provider(state=state))  # type: ignore[arg-type]
        assert offering.state == before


def test_publication_needs_titles_and_a_price_with_its_basis() -> None:
    """What is missing is told by name."""
    offering = an_offering(
        state="in_review", content=a_content(title_en=" ", title_zh=""), prices=(a_price(charge_basis=" "),)
    )
    with pytest.raises(NotReadyForPublication) as caught:
        offering.move("publish", by="operator", reason="", seller=a_provider())
    assert caught.value.facts == {"missing": ["title_zh", "title_en", "price_with_charge_basis"]}


def test_a_price_to_come_is_enough_for_publication() -> None:
    """An offering may be announced before its price is in force."""
    offering = an_offering(state="in_review", prices=(a_price(valid_from=NOW + 30 * DAY),))
    offering.move("publish", by="operator", reason="", seller=a_provider())
    assert offering.state == "published"


@pytest.mark.parametrize(("state", "step"), [("in_review", "send_back"), ("published", "hide")])
def test_the_operating_company_says_why(state: str, step: str) -> None:
    """Sending back and hiding by the operating company need a reason; the provider hides its own without one."""
    with pytest.raises(ReasonRequired):
        an_offering(state=state).move(step, by="operator", reason="", seller=a_provider())  # type: ignore[arg-type]
    own = an_offering()
    own.move("hide", by="provider", reason="", seller=a_provider())
    assert own.hidden_by == "provider"


@pytest.mark.parametrize("hider", ["operator", "suspension"])
def test_a_provider_shows_only_what_it_hid_itself(hider: str) -> None:
    """A decision of the operating company is not undone by the provider."""
    offering = an_offering(state="hidden", hidden_by=hider)
    with pytest.raises(HiddenByAnother):
        offering.move("show", by="provider", reason="", seller=a_provider())
    own = an_offering(state="hidden", hidden_by="provider")
    own.move("show", by="provider", reason="", seller=a_provider())
    assert (own.state, own.hidden_by) == ("published", "")


@pytest.mark.parametrize("state", ["in_review", "retired"])
def test_content_and_prices_stand_still_under_review_and_in_the_end(state: str) -> None:
    """The reviewer publishes what they read."""
    offering = an_offering(state=state)
    with pytest.raises(WrongState):
        offering.change(a_content(title_en="Something else"))
    with pytest.raises(WrongState):
        offering.set_price(a_price(valid_from=NOW + DAY), now=NOW)


def test_the_unit_stays_once_published() -> None:
    """A price per sample must not turn into the same price per hour."""
    draft = an_offering(state="draft")
    draft.change(a_content(unit="hour"))
    assert draft.content.unit == "hour"
    for state in ("published", "hidden"):
        with pytest.raises(UnitFixed):
            an_offering(state=state).change(a_content(unit="hour"))


@pytest.mark.parametrize("state", ["published", "hidden"])
def test_no_price_in_the_past(state: str) -> None:
    """A new price of what was published starts now or later."""
    offering = an_offering(state=state)
    with pytest.raises(PriceInThePast):
        offering.set_price(a_price(valid_from=NOW - timedelta(microseconds=1)), now=NOW)
    offering.set_price(a_price(20_000, valid_from=NOW), now=NOW)
    assert price_at(offering.prices, NOW) == a_price(20_000, valid_from=NOW)


def test_one_entry_from_one_instant() -> None:
    """A second price from the same instant is refused, and replaces the first while it is a draft."""
    coming = a_price(1, valid_from=NOW + DAY)
    again = a_price(2, valid_from=NOW + DAY)
    offering = an_offering(prices=(coming,))
    with pytest.raises(PriceFromTaken):
        offering.set_price(again, now=NOW)
    assert offering.prices == (coming,)
    draft = an_offering(state="draft", prices=(coming,))
    draft.set_price(again, now=NOW)
    assert draft.prices == (again,)


def test_one_currency() -> None:
    """A price list does not change its currency."""
    with pytest.raises(PriceCurrencyDiffers):
        an_offering().set_price(a_price(valid_from=NOW + DAY, unit_price=Money(100, "USD")), now=NOW)


@pytest.mark.parametrize(
    "discounts",
    [
        [(10, 500), (10, 600)],
        [(20, 500), (10, 600)],
        [(10, 500), (20, 500)],
        [(10, 500), (20, 400)],
        [(10, 0)],
        [(10, 10_000)],
    ],
)
def test_volume_discounts_rise(discounts: list[tuple[int, int]]) -> None:
    """More units never cost a higher price each, and nothing is given away."""
    price = a_price(volume_discounts=tuple(VolumeDiscount(*one) for one in discounts))
    with pytest.raises(VolumeDiscountsOutOfOrder):
        added((), price, replace=False)


@given(st.lists(st.integers(-1000, 1000), unique=True, min_size=1, max_size=12), st.integers(-1100, 1100))
def test_the_price_in_force_is_the_latest_begun(days: list[int], day: int) -> None:
    """Whatever the order of entry: sorted, no gap, no overlap, none before the first."""
    prices: tuple = ()  # type: ignore[type-arg]
    for start in days:
        prices = added(prices, a_price(start + 2000, valid_from=NOW + start * DAY), replace=False)
    assert [price.valid_from for price in prices] == sorted(price.valid_from for price in prices)
    begun = [start for start in days if start <= day]
    found = price_at(prices, NOW + day * DAY)
    assert (found.unit_price.amount - 2000 if found else None) == (max(begun) if begun else None)
