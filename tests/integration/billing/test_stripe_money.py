"""
Refunds and transfers at Stripe: each is made once, whatever happens to the call.

What is asked here must hold of the stand-in and of Stripe alike: with a key of test mode in `YIQI_STRIPE_TEST_KEY`
the same tests run there too, without the faults that only the stand-in can be told to have.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from services.billing.adapters import stripe_movements
from services.billing.adapters.stripe_access import StripeAccess, StripeRefused, StripeUnavailable
from services.billing.adapters.stripe_gateway import StripeGateway
from services.billing.adapters.stripe_movements import StripeMovements
from services.shared.chassis.clock import SystemClock
from services.shared.kernel.errors import Unavailable
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money, MoneyInvalid
from tests.kit.stripe_control import FaultKind, StripeControl, StripeStandIn
from tests.kit.stripe_sdk import charge_of, connected_account, pay, sdk

TEST_KEY = os.environ.get("YIQI_STRIPE_TEST_KEY", "")
STRIPE = "https://api.stripe.com"
FAULTS: list[FaultKind] = [
    "timeout_before_effect", "timeout_after_effect", "error_before_effect", "error_after_effect", "conflict",
    "rate_limit",
]  # fmt: skip


@pytest.fixture(
    params=[
        "stand-in",
        pytest.param(
            "stripe", marks=pytest.mark.skipif(not TEST_KEY, reason="YIQI_STRIPE_TEST_KEY is not set: no test mode")
        ),
    ]
)
def side(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Address and key of Stripe as the test is to see it."""
    if request.param == "stripe":
        return STRIPE, TEST_KEY
    request.getfixturevalue("stripe_control")
    stand_in: StripeStandIn = request.getfixturevalue("stand_in")
    return stand_in.url, stand_in.api_key


@pytest.fixture
def gateway(side: tuple[str, str]) -> StripeGateway:
    return StripeGateway(StripeAccess(side[1], side[0], "test", SystemClock()))


@pytest.fixture
def client(side: tuple[str, str]) -> Iterator[stripe.StripeClient]:
    with sdk(*side, retries=2, timeout_s=30) as made:
        yield made


@pytest.fixture
def local(stand_in: StripeStandIn, stripe_control: StripeControl) -> StripeGateway:
    """The gateway at the stand-in, for what only the stand-in can be told to do."""
    del stripe_control
    return StripeGateway(StripeAccess(stand_in.api_key, stand_in.url, "test", SystemClock()))


@pytest.fixture
def local_client(stand_in: StripeStandIn) -> Iterator[stripe.StripeClient]:
    with sdk(stand_in.url, stand_in.api_key) as made:
        yield made


def a_refund(charge_id: str, amount: int, **more: Any) -> dict[str, Any]:
    return {
        "refund_id": str(new_id()), "payment_id": str(new_id()), "charge_id": charge_id, "amount": amount,
        "currency": "USD", "reason": "cancelled", **more,
    }  # fmt: skip


def a_transfer(account: str, amount: int) -> dict[str, Any]:
    return {"payout_id": str(new_id()), "account": account, "amount": amount, "currency": "USD"}


def again(made: Any, payload: dict[str, Any]) -> Any:
    """What an outside call comes to: repeated under its payload until it is answered."""
    for _ in range(3):
        try:
            return made(payload, "")
        except Unavailable:
            continue
    raise AssertionError("never answered")


def test_parts_of_a_charge_are_refunded_and_never_more(gateway: StripeGateway, client: stripe.StripeClient) -> None:
    """M8 at the institution: thirds of an odd amount come out whole; a fen more is refused and moves nothing."""
    charge = charge_of(pay(client, 1_000, "usd"))
    made = [gateway.create_refund(a_refund(charge, amount), "") for amount in (333, 333)]
    with pytest.raises(StripeRefused):
        gateway.create_refund(a_refund(charge, 335), "")
    made.append(gateway.create_refund(a_refund(charge, 334), ""))
    assert [(each["amount"], each["currency"], each["status"]) for each in made] == [
        (333, "USD", "succeeded"), (333, "USD", "succeeded"), (334, "USD", "succeeded"),
    ]  # fmt: skip
    assert len({each["stripe_refund_id"] for each in made}) == 3
    refunded = gateway.fetch({"object": "charge", "id": charge}, "")["refunds"]
    assert {each["refund_id"] for each in refunded} == {each["refund_id"] for each in made}


def test_a_refund_asked_again_is_the_same(gateway: StripeGateway, client: stripe.StripeClient) -> None:
    """By the same payload, days later too: what is there is found by our own id."""
    payload = a_refund(charge_of(pay(client, 1_000, "usd")), 400)
    first = gateway.create_refund(payload, "")
    assert gateway.create_refund(payload, "") == first
    assert gateway.fetch({"object": "refund", "id": first["stripe_refund_id"]}, "") == first
    assert first["balance"]["fee"] >= 0


@pytest.mark.parametrize("fault", FAULTS)
def test_one_refund_whatever_happens(
    local: StripeGateway, local_client: stripe.StripeClient, stripe_control: StripeControl, fault: FaultKind
) -> None:
    payload = a_refund(charge_of(pay(local_client, 1_000, "usd")), 400)
    stripe_control.fail_next(fault, path="/v1/refunds")
    assert again(local.create_refund, payload)["amount"] == 400
    stripe_control.advance_clock(2 * 86_400)
    again(local.create_refund, payload)
    assert stripe_control.state().objects["refund"] == 1


def test_twenty_at_once_make_one_refund(
    local: StripeGateway, local_client: stripe.StripeClient, stripe_control: StripeControl
) -> None:
    """The lease ran out and two workers call: the same key answers the same, or says that it is in use."""
    payload = a_refund(charge_of(pay(local_client, 1_000, "usd")), 400)

    def call(_: int) -> str:
        try:
            return str(local.create_refund(payload, "")["stripe_refund_id"])
        except StripeUnavailable:
            return ""

    with ThreadPoolExecutor(20) as pool:
        told = set(pool.map(call, range(20))) - {""}
    assert len(told) == 1
    assert stripe_control.state().objects["refund"] == 1


def test_a_refund_fails_days_after_it_succeeded(
    local: StripeGateway, local_client: stripe.StripeClient, stripe_control: StripeControl
) -> None:
    charge = charge_of(pay(local_client, 1_000, "usd", card="pm_card_refundFail"))
    made = local.create_refund(a_refund(charge, 400), "")
    assert (made["status"], made["failure"]) == ("succeeded", "")
    stripe_control.advance_clock(5 * 86_400)
    failed = local.fetch({"object": "refund", "id": made["stripe_refund_id"]}, "")
    assert (failed["status"], failed["failure"]) == ("failed", "expired_or_canceled_card")
    assert local.create_refund(a_refund(charge, 1_000), "")["amount"] == 1_000


def test_a_refund_that_waits_for_the_bank(
    local: StripeGateway, local_client: stripe.StripeClient, stripe_control: StripeControl
) -> None:
    made = local.create_refund(a_refund(charge_of(pay(local_client, 1_000, card="pm_card_pendingRefund")), 400), "")
    assert made["status"] == "pending"
    stripe_control.settle_refund(made["stripe_refund_id"], "succeeded")
    assert local.fetch({"object": "refund", "id": made["stripe_refund_id"]}, "")["status"] == "succeeded"


def test_money_is_transferred_and_taken_back(gateway: StripeGateway, client: stripe.StripeClient) -> None:
    """A payout to a connected account; half of it comes back, once."""
    pay(client, 2_000, "usd", card="pm_card_bypassPending")
    payload = a_transfer(connected_account(client), 1_500)
    made = gateway.create_transfer(payload, "")
    assert (made["payout_id"], made["amount"], made["reversed"]) == (payload["payout_id"], 1_500, 0)
    assert gateway.create_transfer(payload, "") == made
    back = {"transfer_id": made["transfer_id"], "reversal_id": str(new_id()), "amount": 700}
    assert gateway.reverse_transfer(back, "")["reversed"] == 700
    assert gateway.reverse_transfer(back, "")["reversed"] == 700
    with pytest.raises(StripeRefused):
        gateway.reverse_transfer(back | {"reversal_id": str(new_id()), "amount": 801}, "")


def test_too_little_money_is_refused(gateway: StripeGateway, client: stripe.StripeClient) -> None:
    """Nothing is available in a currency nobody has paid in; asking again does not help."""
    with pytest.raises(StripeRefused) as refused:
        gateway.create_transfer(a_transfer(connected_account(client), 90_000_000), "")
    assert refused.value.facts["reason"] == "balance_insufficient"


@pytest.mark.parametrize("fault", FAULTS)
def test_one_transfer_whatever_happens(
    local: StripeGateway, local_client: stripe.StripeClient, stripe_control: StripeControl, fault: FaultKind
) -> None:
    pay(local_client, 5_000, "usd", card="pm_card_bypassPending")
    payload = a_transfer(connected_account(local_client), 1_000)
    stripe_control.fail_next(fault, path="/v1/transfers")
    made = again(local.create_transfer, payload)
    stripe_control.advance_clock(2 * 86_400)
    assert again(local.create_transfer, payload) == made
    assert stripe_control.state().objects["transfer"] == 1


def test_the_books_of_stripe_are_listed(
    local: StripeGateway, local_client: stripe.StripeClient, stripe_control: StripeControl
) -> None:
    """Every movement with its fee and source, within the time asked for, over more than one page."""
    charges = {charge_of(pay(local_client, 1_060 + n, "usd")) for n in range(103)}
    listed = StripeMovements(local.access).list_movements({"since": 0, "after": "", "newest": 0}, "")
    movements = {told[0]: told for told in listed["movements"]}.values()
    assert {told[6] for told in movements} == charges
    assert {told[1] for told in movements} == {"charge"}
    first = min(movements, key=lambda told: told[2])
    assert first[2:6] == [1_060, 6, 0, "USD"]
    assert listed["balances"]["USD"] == sum(told[2] - told[3] for told in movements)
    assert listed["after"] is None
    now = stripe_control.state().now
    later = StripeMovements(local.access).list_movements({"since": now + 600, "after": "", "newest": 0}, "")
    assert later["movements"] == []


def test_long_books_come_in_pieces(
    local: StripeGateway, local_client: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece says where the next begins, twice the same; what moved while we asked stands in the last one."""
    monkeypatch.setattr(stripe_movements, "PAGES_AT_ONCE", 1)
    charges = {charge_of(pay(local_client, 1_060, "usd")) for _ in range(205)}
    books = StripeMovements(local.access)
    asked = {"since": 0, "after": "", "newest": 0}
    first = books.list_movements(asked, "")
    assert books.list_movements(asked, "") == first
    assert (len(first["movements"]), first["balances"]) == (100, {})
    late = charge_of(pay(local_client, 1_060, "usd"))
    second = books.list_movements(asked | {"after": first["after"], "newest": first["newest"]}, "")
    third = books.list_movements(asked | {"after": second["after"], "newest": second["newest"]}, "")
    told = {told[6] for piece in (first, second, third) for told in piece["movements"]}
    assert told == charges | {late}
    assert (third["after"], third["balances"]["USD"]) == (None, 206 * (1_060 - 6))


def an_intent(amount: int, currency: str = "USD") -> dict[str, Any]:
    return {
        "payment_id": str(new_id()), "order_id": str(new_id()), "order_number": "OR-2026-000001", "amount": amount,
        "currency": currency,
    }  # fmt: skip


def test_one_intent_made_and_cancelled(gateway: StripeGateway) -> None:
    """Asked for twice it is one; cancelled twice it stays so; one that was never made is left unmade."""
    payload = an_intent(2_000)
    made = gateway.create_payment_intent(payload, "")
    assert (made["status"], made["payment_id"], made["received"]) == ("open", payload["payment_id"], 0)
    assert gateway.create_payment_intent(payload, "")["intent_id"] == made["intent_id"]
    wanted = {"payment_id": payload["payment_id"], "payment_intent_id": made["intent_id"]}
    for _ in range(2):
        assert gateway.cancel_payment_intent(wanted, "")["status"] == "cancelled"
    assert gateway.cancel_payment_intent({"payment_id": str(new_id()), "payment_intent_id": None}, "") == {}


def test_one_page_made_and_closed(gateway: StripeGateway) -> None:
    """Asked for twice it is one; a second one closes it; closing twice is one closing."""
    addresses = {"success_url": "https://yiqi.example/a", "cancel_url": "https://yiqi.example/b"}
    first = an_intent(2_000) | addresses | {"checkout_id": str(new_id()), "former_session_id": None}
    made = gateway.create_checkout_session(first, "")
    assert (made["status"], made["checkout_id"], made["intent_id"]) == ("open", first["checkout_id"], "")
    assert made["url"].startswith("http")
    assert gateway.create_checkout_session(first, "")["session_id"] == made["session_id"]
    second = first | {"checkout_id": str(new_id()), "former_session_id": made["session_id"]}
    assert gateway.create_checkout_session(second, "")["checkout_id"] == second["checkout_id"]
    for _ in range(2):
        assert gateway.expire_checkout_session({"session_id": made["session_id"]}, "")["status"] == "expired"


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(1, "USD"), (100_000_000, "USD"), (10_005, "KWD"), (10_050, "ISK"), (10_050, "UGX"), (49, "JPY")],
)
def test_amounts_that_stripe_does_not_take(gateway: StripeGateway, amount: int, currency: str) -> None:
    """Too small, too large, parts of what has no parts: refused for ever and not tried again."""
    with pytest.raises(StripeRefused):
        gateway.create_payment_intent(an_intent(amount, currency), "")


@pytest.mark.parametrize("currency", ["ISK", "UGX", "HUF", "TWD"])
def test_currencies_that_stripe_counts_in_its_own_way_are_not_accepted(currency: str) -> None:
    """Amounts here and there would differ a hundredfold, or could not be paid out: no money of ours is in them."""
    with pytest.raises(MoneyInvalid):
        Money(10_000, currency)


@pytest.mark.parametrize(("amount", "currency"), [(500, "JPY"), (10_000, "KWD"), (99_999_999, "CNY")])
def test_amounts_go_there_as_we_count_them(gateway: StripeGateway, amount: int, currency: str) -> None:
    """Units where a currency has no parts, thousandths where it has a thousand; the largest that Stripe takes."""
    made = gateway.create_payment_intent(an_intent(amount, currency), "")
    assert (made["status"], made["currency"]) == ("open", currency)
    gateway.cancel_payment_intent({"payment_id": made["payment_id"], "payment_intent_id": made["intent_id"]}, "")
