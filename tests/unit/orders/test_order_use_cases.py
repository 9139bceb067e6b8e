"""Placing, paying, accepting, closing and cancelling."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.orders.domain.cover import Cover
from services.orders.domain.offering import NotForSale, OfferingNotFound, OneProviderOnly, OwnOffering, QuotationNeeded
from services.orders.domain.order import Order
from services.orders.use_cases import order as use_cases
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet, Refused
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import CurrencyMismatch, Money
from services.shared.messages.billing.payment import PaymentSucceeded
from services.shared.messages.billing.settlement import SettlementOrdersPaid
from services.shared.messages.billing.voucher import VoucherReserved, VoucherReturned
from services.shared.messages.orders.order import (
    AcceptOrder,
    CancelOrder,
    OfferingWanted,
    OrderAccepted,
    OrderPlaced,
    OrderReceipt,
    PlaceOrder,
)
from services.shared.messages.orders.quotation_request import SampleDescription
from tests.kit.fakes_orders import (
    CONTRACT_OPERATOR,
    CUSTOMER_FINANCE,
    CUSTOMER_ID,
    LAB_MANAGER,
    NOW,
    OFFERING_ID,
    OPERATOR_ID,
    OTHER_PROVIDER_ID,
    OTHER_REQUESTER,
    PROVIDER_ID,
    REQUESTER,
    FakeOrdersService,
    a_price,
    a_provider,
    a_shop,
    an_actor,
    an_offering,
    an_order,
    an_organisation,
    cny,
    some_terms,
)

GROSS = 335_808
OTHER_OFFERING_ID = derived_id("offering", "other")
VOUCHER_ID = derived_id("voucher", "any")


def wanted(*offerings: tuple[UUID, int], **changes: Any) -> PlaceOrder:
    return PlaceOrder(
        offerings=tuple(OfferingWanted(offering_id=each, quantity=quantity) for each, quantity in offerings),
        payment_method="card",
        **changes,
    )


def place(shop: FakeOrdersService, command: PlaceOrder, actor: Actor = REQUESTER) -> OrderReceipt:
    return use_cases.place_order(command, actor=actor, uow=shop, now=NOW)


def paid(order: Order, amount: int = GROSS, *, currency: str = "CNY", **changes: Any) -> PaymentSucceeded:
    fields: dict[str, Any] = {
        "payment_id": derived_id("payment", order.order_id),
        "order_id": order.order_id,
        "order_number": "",
        "customer_id": CUSTOMER_ID,
        "method": "card",
        "amount": Money(amount, currency),
        "channel_transaction_id": "ch_1",
        "succeeded_at": NOW,
    }
    return PaymentSucceeded(**{**fields, **changes})


def settled(*order_ids: UUID) -> SettlementOrdersPaid:
    return SettlementOrdersPaid(settlement_id=new_id(), provider_id=PROVIDER_ID, order_ids=order_ids)


def test_an_order_is_placed_at_the_published_price_with_its_volume_discount() -> None:
    """TV14 through the front door; the papers are asked for once."""
    shop = a_shop()
    receipt = place(shop, wanted((OFFERING_ID, 3)))
    assert receipt.amounts.gross == cny(GROSS)
    assert shop.told == ["order.placed.v1"]
    placed = shop.events[0]
    assert isinstance(placed, OrderPlaced)
    assert placed.number == receipt.number == "OR-2026-000001"
    assert list(shop.asked) == [f"render_contract:{receipt.order_id}"]
    assert shop.contracts.of_order(receipt.order_id).state == "draft"


def test_the_companys_own_tax_rate_is_on_the_order() -> None:
    """In principal mode the company sells, whatever the provider's rate is."""
    shop = a_shop()
    small = an_organisation(OPERATOR_ID, "operator")
    shop.organisations.put(
        an_organisation(OPERATOR_ID, "operator", tax_profile=type(small.tax_profile)("small_scale_3_reduced_1", True))
    )
    assert place(shop, wanted((OFFERING_ID, 1))).amounts.tax == cny(1_200)


def test_the_same_offering_twice_is_one_line_that_reaches_the_volume_discount() -> None:
    """Splitting a quantity over two lines must not lose the discount."""
    shop = a_shop()
    place(shop, wanted((OFFERING_ID, 1), (OFFERING_ID, 2)))
    (order,) = shop.orders.rows.values()
    assert [(line.quantity, line.discount_bps) for line in order.lines] == [(3, 1_200)]


def test_declared_samples_become_samples_and_none_become_one_to_be_described() -> None:
    """Each has a code that can be read from a label."""
    shop = a_shop()
    described = SampleDescription(customer_code="A", description="ZnO", quantity=2)
    first = place(shop, wanted((OFFERING_ID, 1), samples=(described, described)))
    second = place(shop, wanted((OFFERING_ID, 1)))
    assert [each.code for each in shop.samples.of_order(first.order_id)] == [
        "SP-2026-000001-001", "SP-2026-000001-002",
    ]  # fmt: skip
    (sample,) = shop.samples.of_order(second.order_id)
    assert "to be described" in sample.description


def test_an_offering_that_is_not_known_cannot_be_ordered() -> None:
    """Nobody has published it: not found, and nothing is stored."""
    shop = a_shop()
    with pytest.raises(OfferingNotFound):
        place(shop, wanted((OFFERING_ID, 1), (OTHER_OFFERING_ID, 1)))
    assert not shop.orders.rows
    assert not shop.events


@pytest.mark.parametrize(
    ("offering", "error"),
    [
        ({"published": False}, NotForSale),
        ({"orderable": False}, QuotationNeeded),
        ({"prices": ()}, QuotationNeeded),
        ({"prices": (a_price(valid_from=NOW + timedelta(seconds=1)),)}, QuotationNeeded),
    ],
)
def test_what_is_not_for_sale_is_not_ordered(offering: dict[str, Any], error: type[Refused]) -> None:
    """Hidden, by quotation only, without a price, or with one that begins later."""
    shop = a_shop(an_offering(**offering))
    with pytest.raises(error):
        place(shop, wanted((OFFERING_ID, 1)))


@pytest.mark.parametrize("provider", [a_provider(sells=False), None])
def test_a_provider_that_may_not_sell_gets_no_order(provider: Any) -> None:
    """Suspended, or never approved as far as is known here."""
    shop = a_shop()
    shop.providers.rows.clear()
    if provider is not None:
        shop.providers.put(provider)
    with pytest.raises(NotForSale):
        place(shop, wanted((OFFERING_ID, 1)))


def test_an_order_goes_to_one_provider() -> None:
    """Two providers are two contracts."""
    shop = a_shop(
        an_offering(OTHER_OFFERING_ID, provider_id=OTHER_PROVIDER_ID), a_provider(OTHER_PROVIDER_ID)
    )  # fmt: skip
    with pytest.raises(OneProviderOnly):
        place(shop, wanted((OFFERING_ID, 1), (OTHER_OFFERING_ID, 1)))


def test_nobody_orders_from_itself() -> None:
    """It could not sign as two parties."""
    with pytest.raises(OwnOffering):
        place(a_shop(), wanted((OFFERING_ID, 1)), an_actor(PROVIDER_ID, "requester"))


@pytest.mark.parametrize("actor", [CUSTOMER_FINANCE, an_actor(CUSTOMER_ID), LAB_MANAGER])
def test_ordering_takes_a_role(actor: Actor) -> None:
    """Requesters and approvers order, nobody else."""
    with pytest.raises(NotAllowed):
        place(a_shop(), wanted((OFFERING_ID, 1)), actor)


def test_the_payment_that_reaches_the_gross_releases_once_however_often_it_is_told() -> None:
    """The second delivery neither releases nor asks for a second packing sheet."""
    order = an_order("contracted")
    shop = a_shop(order)
    shop.set_timer(use_cases.UNPAID_TIMER, order.order_id, NOW)
    for _ in range(2):
        use_cases.take_payment(paid(order), uow=shop, now=NOW)
    assert shop.told == ["order.released.v1"]
    assert list(shop.asked) == [f"render_packing_sheet:{order.order_id}"]
    assert not shop.timers, "nobody will cancel it for want of payment"
    assert shop.orders.history == ["paid", "released"]
    assert shop.orders.get(order.order_id).shipment_number == "SH-2026-000001", "for the packing sheet"


def test_the_order_promises_working_days() -> None:
    """Catalog tells the calendar days they pass in: seven of these are five."""
    shop = a_shop(an_offering(turnaround_days=7))
    placed = place(shop, wanted((OFFERING_ID, 1)))
    assert shop.orders.get(placed.order_id).turnaround_days == 5


def test_a_part_payment_releases_nothing() -> None:
    """TV12: 0.50 short is not paid."""
    order = an_order("contracted")
    shop = a_shop(order)
    use_cases.take_payment(paid(order, GROSS - 50), uow=shop, now=NOW)
    assert not shop.told
    assert shop.orders.get(order.order_id).paid == cny(GROSS - 50)


def test_what_is_covered_counts_with_what_is_paid_whichever_comes_first() -> None:
    """Told twice it releases once; withdrawn in time it releases nothing; in another currency it is a bug."""
    cover = Cover("voucher", cny(50))
    for paid_first in (True, False):
        order = an_order("contracted")
        shop = a_shop(order)
        steps = [
            lambda order=order, shop=shop: use_cases.take_payment(paid(order, GROSS - 50), uow=shop, now=NOW),
            lambda order=order, shop=shop: use_cases.take_cover(order.order_id, VOUCHER_ID, cover, uow=shop, now=NOW),
        ]
        for step in steps if paid_first else reversed(steps):
            step()
            step()
        assert shop.told == ["order.released.v1"]
    order = an_order("contracted")
    shop = a_shop(order)
    use_cases.take_cover(order.order_id, VOUCHER_ID, cover, uow=shop, now=NOW)
    for _ in range(2):
        use_cases.drop_cover(order.order_id, VOUCHER_ID, uow=shop, now=NOW)
    use_cases.take_payment(paid(order, GROSS - 50), uow=shop, now=NOW)
    assert not shop.told
    assert shop.orders.history == ["covered_by_voucher", "cover_withdrawn", "partly_paid"]
    with pytest.raises(use_cases.PaymentContradicts):
        use_cases.take_cover(order.order_id, VOUCHER_ID, Cover("credit", Money(1, "USD")), uow=shop, now=NOW)
    with pytest.raises(NotYet):
        use_cases.take_cover(VOUCHER_ID, VOUCHER_ID, cover, uow=shop, now=NOW)


def test_a_voucher_covers_what_the_customer_is_not_asked_for() -> None:
    """Returned it covers nothing; what a programme pays to the customer itself never does. Each twice."""
    order = an_order("placed")
    shop = a_shop(order)
    told: dict[str, Any] = {
        "use_id": VOUCHER_ID, "voucher_id": VOUCHER_ID, "programme_id": VOUCHER_ID, "order_id": order.order_id,
        "order_number": order.number, "customer_id": order.customer_id, "amount": Money(50, "CNY"),
        "redeem_to": "company",
    }  # fmt: skip
    reserved = VoucherReserved(**told, programme_version_id=VOUCHER_ID, cover=Money(50, "CNY"))
    for event in (reserved, reserved):
        use_cases.take_voucher(event, uow=shop, now=NOW)
    assert shop.orders.get(order.order_id).sure == Money(50, "CNY")
    for _ in range(2):
        use_cases.drop_voucher(VoucherReturned(**told, reason="expired"), uow=shop, now=NOW)
    use_cases.take_voucher(reserved.model_copy(update={"cover": Money(0, "CNY")}), uow=shop, now=NOW)
    assert shop.orders.get(order.order_id).covers == {}
    assert shop.orders.history == ["covered_by_voucher", "cover_withdrawn"]


def test_money_for_a_cancelled_order_is_written_down_and_wakes_nothing() -> None:
    """It will not be done after all; billing gives the money back."""
    order = an_order("cancelled")
    shop = a_shop(order)
    use_cases.take_payment(paid(order), uow=shop, now=NOW)
    assert not shop.told
    assert shop.orders.get(order.order_id).state == "cancelled"


def test_a_payment_in_another_currency_is_a_bug_and_not_forgotten() -> None:
    """A refusal would be recorded and done with; this is parked, seen, and can be replayed."""
    order = an_order("contracted", terms=some_terms())
    shop = a_shop(order)
    with pytest.raises(use_cases.PaymentContradicts):
        use_cases.take_payment(paid(order, currency="USD"), uow=shop, now=NOW)
    assert not issubclass(use_cases.PaymentContradicts, Refused)


def test_offerings_in_several_currencies_make_no_order() -> None:
    """One order, one sum."""
    dollars = replace(a_price(), unit_price=Money(120_000, "USD"))
    shop = a_shop(an_offering(), an_offering(offering_id=OTHER_OFFERING_ID, prices=(dollars,)))
    with pytest.raises(CurrencyMismatch):
        place(shop, wanted((OFFERING_ID, 1), (OTHER_OFFERING_ID, 1)))
    assert not shop.orders.rows


def test_a_payment_for_an_order_that_is_not_known_waits() -> None:
    """Streams of different services overtake each other."""
    with pytest.raises(NotYet):
        use_cases.take_payment(paid(an_order()), uow=a_shop(), now=NOW)


def test_an_unpaid_order_is_cancelled_in_time_with_its_contract() -> None:
    """Nobody can sign it any more."""
    order = an_order("contracted")
    shop = a_shop(order)
    use_cases.cancel_unpaid_order(str(order.order_id), uow=shop, now=NOW)
    assert shop.told == ["order.cancelled.v1"]
    assert shop.contracts.of_order(order.order_id).state == "terminated"


def test_an_order_that_was_paid_just_before_its_time_is_not_cancelled() -> None:
    """The timer comes after the payment and finds it released."""
    order = an_order("contracted")
    shop = a_shop(order)
    use_cases.take_payment(paid(order), uow=shop, now=NOW)
    with pytest.raises(WrongState):
        use_cases.cancel_unpaid_order(str(order.order_id), uow=shop, now=NOW)
    assert shop.orders.get(order.order_id).state == "released"


def test_customer_and_company_may_cancel_before_release_and_nobody_else() -> None:
    """The provider learns that it may not, a stranger not even that there is an order."""
    for actor in (REQUESTER, CONTRACT_OPERATOR):
        order = an_order("contracted")
        shop = a_shop(order)
        command = CancelOrder(order_id=order.order_id, reason="not needed")
        with pytest.raises(NotAllowed):
            use_cases.cancel_order(command, actor=LAB_MANAGER, uow=shop, now=NOW)
        with pytest.raises(NotFound):
            use_cases.cancel_order(command, actor=OTHER_REQUESTER, uow=shop, now=NOW)
        assert use_cases.cancel_order(command, actor=actor, uow=shop, now=NOW).state == "cancelled"
        with pytest.raises(WrongState):
            use_cases.cancel_order(command, actor=actor, uow=shop, now=NOW)
        assert shop.told == ["order.cancelled.v1"]


def test_acceptance_carries_every_figure_and_happens_once() -> None:
    """Whoever is second, the customer or the timer, is refused."""
    terms = some_terms(fee_bps=900)
    order = an_order("delivered", terms=terms)
    shop = a_shop(order)
    shop.set_timer(use_cases.ACCEPT_TIMER, order.order_id, NOW)
    command = AcceptOrder(order_id=order.order_id)
    use_cases.accept_order(command, actor=REQUESTER, uow=shop, now=NOW)
    (accepted,) = shop.events
    assert isinstance(accepted, OrderAccepted)
    assert (accepted.terms.fee_bps, accepted.amounts.gross, accepted.accepted_by) == (900, cny(GROSS), "customer")
    assert not shop.timers
    with pytest.raises(WrongState):
        use_cases.accept_order_in_time(str(order.order_id), uow=shop, now=NOW)
    with pytest.raises(WrongState):
        use_cases.accept_order(command, actor=REQUESTER, uow=shop, now=NOW)


@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (LAB_MANAGER, NotAllowed),
        (CUSTOMER_FINANCE, NotAllowed),
        (CONTRACT_OPERATOR, NotAllowed),
        (OTHER_REQUESTER, NotFound),
    ],
)
def test_only_the_customer_accepts(actor: Actor, error: type[Refused]) -> None:
    """Not even the company does it in its place."""
    order = an_order("delivered")
    with pytest.raises(error):
        use_cases.accept_order(AcceptOrder(order_id=order.order_id), actor=actor, uow=a_shop(order), now=NOW)


def test_silence_accepts() -> None:
    """The timer says that it was the timer."""
    order = an_order("delivered")
    shop = a_shop(order)
    use_cases.accept_order_in_time(str(order.order_id), uow=shop, now=NOW)
    (accepted,) = shop.events
    assert isinstance(accepted, OrderAccepted)
    assert accepted.accepted_by == "timer"


def test_orders_close_when_their_provider_is_paid_and_only_once() -> None:
    """A second delivery closes nothing again."""
    first, second = an_order("accepted"), an_order("accepted")
    shop = a_shop(first, second)
    for _ in range(2):
        use_cases.close_settled(settled(first.order_id, second.order_id), uow=shop, now=NOW)
    assert shop.told == ["order.closed.v1"] * 2
