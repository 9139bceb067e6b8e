"""Quoting, negotiating and accepting."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.orders.domain.offering import OfferingNotFound
from services.orders.domain.pricing import PriceOnWrongSide, PricesDiffer
from services.orders.domain.provider import ProviderNotSelling
from services.orders.domain.quotation import (
    CounterCurrencyDiffers,
    ForeignOffering,
    NotPricedByCompany,
    QuotationExpired,
    ReasonForPriceRequired,
)
from services.orders.domain.quotation_request import AlreadyAnswered, DeadlinePassed
from services.orders.use_cases import quotation as use_cases
from services.orders.use_cases.quotation_request import open_quotation_request, take_over_pricing
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import CurrencyMismatch, Money
from services.shared.messages.orders.quotation import (
    AcceptQuotation,
    CounterQuotation,
    DeclineQuotation,
    LineWanted,
    PriceQuotation,
    QuotationSent,
    QuotationView,
    SendQuotation,
    WithdrawQuotation,
)
from services.shared.messages.orders.quotation_request import OpenQuotationRequest, SampleDescription, TakeOverPricing
from tests.kit.fakes_orders import (
    CONTRACT_OPERATOR,
    LAB_MANAGER,
    NOW,
    OFFERING_ID,
    OTHER_LAB_MANAGER,
    OTHER_PROVIDER_ID,
    OTHER_REQUESTER,
    PROVIDER_ID,
    REQUESTER,
    TECHNICIAN,
    FakeOrdersService,
    a_provider,
    a_shop,
    cny,
)

RESPOND_BY = NOW + timedelta(days=5)
FREE: dict[str, Any] = {"offering_id": None, "reason": "by agreement"}


def a_request(provider_ids: tuple[UUID, ...] = (PROVIDER_ID, OTHER_PROVIDER_ID)) -> tuple[FakeOrdersService, UUID]:
    shop = a_shop(a_provider(OTHER_PROVIDER_ID))
    view = open_quotation_request(
        OpenQuotationRequest(
            provider_ids=provider_ids,
            title="XRD",
            requirements="powder",
            respond_by=RESPOND_BY,
            samples=(SampleDescription(customer_code="A", description="ZnO", quantity=2),),
        ),
        actor=REQUESTER, uow=shop, now=NOW,
    )  # fmt: skip
    shop.events.clear()
    return shop, view.quotation_request_id


def send(shop: FakeOrdersService, request_id: UUID, actor: Actor = LAB_MANAGER, now: datetime = NOW,
         **changes: Any) -> QuotationView:  # fmt: skip
    fields: dict[str, Any] = {
        "title_zh": "XRD", "title_en": "XRD", "unit": "sample", "quantity": 3, "unit_price": cny(120_000),
        "discount_bps": 1_200, "offering_id": OFFERING_ID,
    }  # fmt: skip
    line = LineWanted(**{**fields, **changes})
    command = SendQuotation(quotation_request_id=request_id, lines=(line,), turnaround_days=4)
    return use_cases.send_quotation(command, actor=actor, uow=shop, now=now)


def accept(shop: FakeOrdersService, quotation_id: UUID, actor: Actor = REQUESTER, now: datetime = NOW) -> Any:
    command = AcceptQuotation(quotation_id=quotation_id, payment_method="card")
    return use_cases.accept_quotation(command, actor=actor, uow=shop, now=now)


def test_an_accepted_quotation_is_the_order() -> None:
    """Lines, figures, samples and time are the quotation's; the request closes in the same breath."""
    shop, request_id = a_request()
    sent = send(shop, request_id)
    view = accept(shop, sent.quotation_id)
    assert (view.amounts, view.lines, view.turnaround_days) == (sent.amounts, sent.lines, 4)
    assert view.samples_declared[0].customer_code == "A"
    assert shop.told == [
        "quotation.sent.v1", "quotation.accepted.v1", "quotation_request.closed.v1", "order.placed.v1",
    ]  # fmt: skip
    assert shop.quotations.rows[sent.quotation_id].order_id == view.order_id
    assert not shop.timers


def test_two_quotations_of_one_request_are_never_both_accepted() -> None:
    """With the first the others are declined, and so can no longer be accepted."""
    shop, request_id = a_request()
    first, second = send(shop, request_id), send(shop, request_id, OTHER_LAB_MANAGER, **FREE)
    accept(shop, first.quotation_id)
    with pytest.raises(WrongState):
        accept(shop, second.quotation_id)
    with pytest.raises(WrongState):
        accept(shop, first.quotation_id)
    assert len(shop.orders.rows) == 1
    assert "quotation.declined.v1" in shop.told


def test_a_later_version_supersedes_the_earlier_one() -> None:
    """Only the newest can be accepted; other providers' quotations stay as they are."""
    shop, request_id = a_request()
    other = send(shop, request_id, OTHER_LAB_MANAGER, **FREE)
    first, second = send(shop, request_id), send(shop, request_id, discount_bps=2_000)
    assert (first.version, second.version, other.version) == (1, 2, 1)
    assert shop.quotations.rows[first.quotation_id].state == "superseded"
    assert shop.quotations.rows[other.quotation_id].state == "sent"
    with pytest.raises(WrongState):
        accept(shop, first.quotation_id)


def test_a_quotation_is_void_when_its_validity_is_over_even_before_the_timer_says_so() -> None:
    """Timers may come late; the date does not."""
    shop, request_id = a_request()
    sent = send(shop, request_id)
    with pytest.raises(QuotationExpired):
        accept(shop, sent.quotation_id, now=sent.valid_until)
    assert accept(shop, sent.quotation_id, now=sent.valid_until - timedelta(seconds=1)).order_id


def test_a_counter_offer_takes_the_quotation_off_the_table_until_it_is_answered() -> None:
    """The provider answers with another version, also after the deadline for first answers."""
    shop, request_id = a_request()
    sent = send(shop, request_id)
    command = CounterQuotation(quotation_id=sent.quotation_id, counter_offer="3000", counter_net=cny(300_000))
    assert use_cases.counter_quotation(command, actor=REQUESTER, uow=shop, now=NOW).counter_net == cny(300_000)
    with pytest.raises(WrongState):
        accept(shop, sent.quotation_id)
    again = send(shop, request_id, now=RESPOND_BY + timedelta(days=1))
    assert accept(shop, again.quotation_id, now=RESPOND_BY + timedelta(days=1)).state == "placed"


def test_a_counter_offer_is_in_the_currency_of_the_quotation() -> None:
    """Another currency would be another figure than the one it answers; the quotation stays on the table."""
    shop, request_id = a_request()
    sent = send(shop, request_id)
    command = CounterQuotation(quotation_id=sent.quotation_id, counter_offer="3000", counter_net=Money(300_000, "USD"))
    with pytest.raises(CounterCurrencyDiffers) as refused:
        use_cases.counter_quotation(command, actor=REQUESTER, uow=shop, now=NOW)
    assert (refused.value.code, refused.value.facts) == ("orders.counter_currency_differs", {"currency": "CNY"})
    assert accept(shop, sent.quotation_id).state == "placed"


def test_lines_in_several_currencies_make_no_quotation() -> None:
    """Their sum would mean nothing."""
    shop, request_id = a_request()
    line = LineWanted(title_zh="样", title_en="x", unit="sample", quantity=1, unit_price=cny(100), reason="special")
    foreign = line.model_copy(update={"unit_price": Money(100, "USD")})
    command = SendQuotation(quotation_request_id=request_id, lines=(line, foreign), turnaround_days=4)
    with pytest.raises(CurrencyMismatch):
        use_cases.send_quotation(command, actor=LAB_MANAGER, uow=shop, now=NOW)
    assert not shop.quotations.rows


def test_a_first_answer_after_the_deadline_comes_too_late() -> None:
    """Sealed bids end at their time."""
    shop, request_id = a_request()
    with pytest.raises(DeadlinePassed):
        send(shop, request_id, now=RESPOND_BY)


def test_only_who_was_asked_answers() -> None:
    """Another provider does not even learn that there is a request; a technician does not bind its house."""
    shop, request_id = a_request((PROVIDER_ID,))
    with pytest.raises(NotFound):
        send(shop, request_id, OTHER_LAB_MANAGER, **FREE)
    with pytest.raises(NotAllowed):
        send(shop, request_id, TECHNICIAN)


def test_a_suspended_provider_neither_quotes_nor_is_taken_at_its_word() -> None:
    """What it offered before cannot be accepted while it may not sell."""
    shop, request_id = a_request()
    sent = send(shop, request_id)
    shop.providers.put(a_provider(sells=False))
    with pytest.raises(ProviderNotSelling):
        send(shop, request_id)
    with pytest.raises(ProviderNotSelling):
        accept(shop, sent.quotation_id)


def test_a_line_off_the_price_list_says_why() -> None:
    """Free prices need a reason."""
    shop, request_id = a_request()
    with pytest.raises(ReasonForPriceRequired):
        send(shop, request_id, offering_id=None)
    assert send(shop, request_id, offering_id=None, reason="special holder").state == "sent"


def test_a_line_in_another_currency_than_the_price_list_says_why() -> None:
    """It cannot be the listed price, and a slip in the currency is dear."""
    shop, request_id = a_request()
    with pytest.raises(ReasonForPriceRequired):
        send(shop, request_id, unit_price=Money(120_000, "USD"))
    sent = send(shop, request_id, unit_price=Money(17_000, "USD"), reason="customer pays in dollars")
    assert sent.amounts.gross.currency == "USD"


def test_a_provider_quotes_its_own_offerings_only() -> None:
    """Another's, or one that is not known, makes no line."""
    shop, request_id = a_request()
    with pytest.raises(ForeignOffering):
        send(shop, request_id, OTHER_LAB_MANAGER)
    with pytest.raises(OfferingNotFound):
        send(shop, request_id, offering_id=derived_id("offering", "nothing"))
    assert not shop.quotations.rows


def test_each_side_ends_a_quotation_in_its_own_way_and_a_stranger_in_none() -> None:
    """The customer declines, the provider withdraws."""
    shop, request_id = a_request()
    sent = send(shop, request_id)
    decline = DeclineQuotation(quotation_id=sent.quotation_id)
    withdraw = WithdrawQuotation(quotation_id=sent.quotation_id)
    for stranger in (OTHER_REQUESTER, OTHER_LAB_MANAGER):
        with pytest.raises(NotFound):
            use_cases.decline_quotation(decline, actor=stranger, uow=shop, now=NOW)
        with pytest.raises(NotFound):
            accept(shop, sent.quotation_id, stranger)
    with pytest.raises(NotAllowed):
        use_cases.decline_quotation(decline, actor=LAB_MANAGER, uow=shop, now=NOW)
    with pytest.raises(NotAllowed):
        use_cases.withdraw_quotation(withdraw, actor=REQUESTER, uow=shop, now=NOW)
    with pytest.raises(NotAllowed):
        accept(shop, sent.quotation_id, LAB_MANAGER)
    assert use_cases.withdraw_quotation(withdraw, actor=LAB_MANAGER, uow=shop, now=NOW).state == "withdrawn"
    with pytest.raises(WrongState):
        use_cases.decline_quotation(decline, actor=REQUESTER, uow=shop, now=NOW)


def test_an_accepted_quotation_does_not_expire() -> None:
    """A timer that comes late is refused."""
    shop, request_id = a_request()
    sent = send(shop, request_id)
    accept(shop, sent.quotation_id)
    with pytest.raises(WrongState):
        use_cases.expire_quotation(str(sent.quotation_id), uow=shop, now=sent.valid_until)


def priced(shop: FakeOrdersService, quotation_id: UUID, *unit_prices: Money, actor: Actor = CONTRACT_OPERATOR,
           now: datetime = NOW, **how: Any) -> QuotationView:  # fmt: skip
    fields: dict[str, Any] = {"pricing": "resale", **how}
    command = PriceQuotation(quotation_id=quotation_id, unit_prices=unit_prices, **fields)
    return use_cases.price_quotation(command, actor=actor, uow=shop, now=now)


def taken_over() -> tuple[FakeOrdersService, UUID, QuotationView]:
    """A provider has quoted 3 × 1,200.00 less 12 % on a request that the company prices."""
    shop, request_id = a_request()
    command = TakeOverPricing(quotation_request_id=request_id)
    take_over_pricing(command, actor=CONTRACT_OPERATOR, uow=shop, now=NOW)
    return shop, request_id, send(shop, request_id)


def test_what_the_company_prices_the_customer_does_not_see_before() -> None:
    """Neither accepted, countered nor declined by the customer, and nobody is told of it."""
    shop, _, sent = taken_over()
    assert (sent.state, shop.told) == ("pending_approval", [])
    with pytest.raises(NotFound):
        accept(shop, sent.quotation_id)
    counter = CounterQuotation(quotation_id=sent.quotation_id, counter_offer="less")
    with pytest.raises(NotFound):
        use_cases.counter_quotation(counter, actor=REQUESTER, uow=shop, now=NOW)
    decline = DeclineQuotation(quotation_id=sent.quotation_id)
    with pytest.raises(NotFound):
        use_cases.decline_quotation(decline, actor=REQUESTER, uow=shop, now=NOW)


def test_resale_has_two_prices_and_each_side_knows_its_own() -> None:
    """The order keeps both; the customer's is what is told and paid."""
    shop, _, sent = taken_over()
    view = priced(shop, sent.quotation_id, cny(150_000), station_base="margin")
    assert (view.state, view.amounts.net) == ("sent", cny(450_000))
    assert view.provider_side is not None
    assert view.provider_side.amounts.net == cny(316_800)
    (told,) = shop.events
    assert isinstance(told, QuotationSent)
    assert told.amounts.net == cny(450_000)
    own = use_cases.view(shop.quotations.rows[sent.quotation_id], "provider")
    assert (own.amounts, own.lines, own.provider_side) == (sent.amounts, sent.lines, None)
    assert use_cases.view(shop.quotations.rows[sent.quotation_id], "customer").provider_side is None
    placed = accept(shop, sent.quotation_id)
    order = shop.orders.rows[placed.order_id]
    assert placed.amounts.net == cny(450_000)
    assert order.seen_by("provider")[1].net == cny(316_800)
    assert order.seen_by("station")[1].net == order.seen_by("customer")[1].net == cny(450_000)
    assert order.base.net == cny(450_000)


def test_a_discount_at_the_companys_expense_leaves_the_providers_side() -> None:
    """The fee and the provider's part are of what it quoted."""
    shop, _, sent = taken_over()
    priced(shop, sent.quotation_id, cny(100_000), pricing="discount")
    placed = accept(shop, sent.quotation_id)
    assert placed.amounts.net == cny(300_000)
    assert shop.orders.rows[placed.order_id].base.net == cny(316_800)


def test_a_counter_offer_on_the_companys_price_is_answered_by_the_company() -> None:
    """The provider does not learn what the customer would take; its own price stays the base of the next one."""
    shop, _, sent = taken_over()
    priced(shop, sent.quotation_id, cny(150_000))
    counter = CounterQuotation(quotation_id=sent.quotation_id, counter_offer="1,300 each", counter_net=cny(390_000))
    assert use_cases.counter_quotation(counter, actor=REQUESTER, uow=shop, now=NOW).counter_offer
    own = use_cases.view(shop.quotations.rows[sent.quotation_id], "provider")
    assert (own.counter_offer, own.counter_net) == ("", None)
    view = priced(shop, sent.quotation_id, cny(130_000))
    assert view.provider_side is not None
    assert (view.amounts.net, view.provider_side.amounts.net) == (cny(390_000), cny(316_800))


def test_prices_that_make_no_sense() -> None:
    """Resold below what it is bought at, a discount that is none, too many prices, another currency, too late."""
    shop, _, sent = taken_over()
    for unit_prices, pricing, error in (
        ((cny(105_599),), "resale", PriceOnWrongSide),
        ((cny(105_600),), "discount", PriceOnWrongSide),
        ((cny(1), cny(1)), "discount", PricesDiffer),
        ((Money(200_000, "USD"),), "resale", PricesDiffer),
    ):
        with pytest.raises(error):
            priced(shop, sent.quotation_id, *unit_prices, pricing=pricing)
    with pytest.raises(QuotationExpired):
        priced(shop, sent.quotation_id, cny(150_000), now=sent.valid_until)
    for somebody in (REQUESTER, LAB_MANAGER):
        with pytest.raises(NotFound):
            priced(shop, sent.quotation_id, cny(150_000), actor=somebody)
    priced(shop, sent.quotation_id, cny(105_600))
    with pytest.raises(WrongState):
        priced(shop, sent.quotation_id, cny(150_000))


def test_the_company_takes_over_before_anybody_has_answered() -> None:
    """Once the customer has seen a provider's price, that price counts, and only the provider answers for it."""
    shop, request_id = a_request()
    sent = send(shop, request_id)
    command = TakeOverPricing(quotation_request_id=request_id)
    with pytest.raises(AlreadyAnswered):
        take_over_pricing(command, actor=CONTRACT_OPERATOR, uow=shop, now=NOW)
    with pytest.raises(NotFound):
        take_over_pricing(command, actor=REQUESTER, uow=shop, now=NOW)
    counter = CounterQuotation(quotation_id=sent.quotation_id, counter_offer="less")
    use_cases.counter_quotation(counter, actor=REQUESTER, uow=shop, now=NOW)
    with pytest.raises(NotPricedByCompany):
        priced(shop, sent.quotation_id, cny(150_000))


def test_a_later_version_is_priced_anew() -> None:
    """What the provider quotes again waits again, and the earlier one is off the table."""
    shop, request_id, sent = taken_over()
    priced(shop, sent.quotation_id, cny(150_000))
    again = send(shop, request_id, unit_price=cny(100_000))
    assert (again.state, again.version) == ("pending_approval", 2)
    assert shop.quotations.rows[sent.quotation_id].state == "superseded"
