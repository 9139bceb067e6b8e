"""Vouchers on real PostgreSQL: the trade rules' vectors with their ledger entries, and what tries to break them."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.adapters.voucher_queries import get_voucher, list_programmes, list_vouchers
from services.billing.domain.programme import NotInForce, Rules, VersionExists, WrongSide
from services.billing.domain.voucher import (
    HolderKindContradicts,
    OrderAlreadyClaimed,
    OrderNotOpen,
    OtherCurrency,
    SameHands,
    VoucherAlreadyOnOrder,
    VoucherExpired,
    VoucherNotApplicable,
)
from services.billing.use_cases import order, payment
from services.billing.use_cases.payment import payment_id_of
from services.billing.use_cases.programme import fund, publish_programme, rules_message
from services.billing.use_cases.voucher import (
    approve_voucher,
    estimate_voucher,
    grant_voucher,
    reduce_for_refund,
    reserve_voucher,
    revoke_voucher,
    withdraw_voucher,
)
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, Refused
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.programme import ListProgrammes, ProgrammeView, PublishProgramme
from services.shared.messages.billing.voucher import (
    ApproveVoucher,
    EstimateVoucher,
    GetVoucher,
    GrantVoucher,
    ListVouchers,
    ReserveVoucher,
    RevokeVoucher,
    VoucherUseView,
    VoucherView,
    WithdrawVoucher,
)
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    amounts,
    an_actor,
    an_organisation,
    card_facts,
    cny,
    order_accepted,
    order_cancelled,
    order_contracted,
    order_placed,
)
from tests.kit.fakes_voucher import AUTHORITY_ID, HANGZHOU_CODE, an_offering, some_rules

OTHER_ORDER_ID = derived_id("order", "other")
AUTHORITY = an_actor(AUTHORITY_ID, "authority")
OTHER_AUTHORITY = an_actor(derived_id("organisation", "other authority"), "authority")
EIGHTY = amounts(8_000_000, 480_000)
YEAR_END = datetime(2026, 12, 31, 16, tzinfo=UTC)


@pytest.fixture
def books(billing: Billing) -> Billing:
    """Where the customer is an enterprise of Hangzhou, and an authority is known."""

    def fill(uow: BillingUnitOfWork) -> None:
        holder = an_organisation(CUSTOMER_ID, unified_social_credit_code=HANGZHOU_CODE, address="余杭路2号")
        uow.organisations.put(replace(holder, account_number="6217000000000001"))
        uow.organisations.put(an_organisation(AUTHORITY_ID, kind="authority"))
        uow.offerings.put(an_offering())

    billing.within(fill)
    return billing


def a_programme(books: Billing, code: str = "zj-2026", budget: int = 100_000_000, rules: Rules | None = None,
                at: datetime = NOW - timedelta(days=30), side: str = "customer") -> ProgrammeView:  # fmt: skip
    told = rules_message(rules or some_rules())
    command = PublishProgramme.model_validate(
        {"code": code, "title_zh": "创新券", "title_en": "Innovation vouchers", "authority_id": AUTHORITY_ID,
         "side": side, "budget": cny(budget), "valid_from": at, "rules": told}
    )  # fmt: skip
    return books.run(publish_programme, command)


def a_voucher(
    books: Billing,
    programme: ProgrammeView,
    amount: int = 5_000_000,
    until: datetime = YEAR_END,
    actor: Actor = FINANCE,
) -> VoucherView:
    command = GrantVoucher(
        programme_id=programme.programme_id, holder_id=CUSTOMER_ID, holder_kind="enterprise", amount=cny(amount),
        valid_until=until,
    )  # fmt: skip
    return books.run(grant_voucher, command, actor)


def place(books: Billing, order_id: UUID = ORDER_ID, money: dict[str, Any] = EIGHTY) -> None:
    books.handle(order.placed, order_placed(order_id, f"OR-{str(order_id)[:8]}", money=money))


def sign(books: Billing, order_id: UUID = ORDER_ID, at: datetime = NOW, money: dict[str, Any] = EIGHTY) -> None:
    event = order_contracted(order_id, "OR-2026-000123", money=money).model_copy(update={"contracted_at": at})
    books.handle(order.contracted, event, instructions=INSTRUCTIONS)


def reserve(
    books: Billing, voucher: VoucherView, order_id: UUID = ORDER_ID, actor: Actor = REQUESTER, now: datetime = NOW
) -> VoucherUseView:
    return books.run(reserve_voucher, ReserveVoucher(voucher_id=voucher.voucher_id, order_id=order_id), actor, now)


def pay(books: Billing, order_id: UUID = ORDER_ID) -> int:
    """Returns what was asked for."""
    ((asked,),) = books.rows("SELECT amount FROM payment WHERE order_id = %s", (str(order_id),))
    facts = card_facts(intent_id=f"pi_{order_id}", received=cny(asked), charge_id=f"ch_{order_id}", balance=None)
    books.within(lambda uow: payment.learn(payment_id_of(order_id), facts, uow=uow, now=NOW))
    return int(asked)


def accept(books: Billing, order_id: UUID = ORDER_ID, money: dict[str, Any] = EIGHTY) -> None:
    books.handle(order.accepted, order_accepted(order_id, "OR-2026-000123", money=money))


def counts(books: Billing, voucher: VoucherView) -> tuple[int, int, int, int, int]:
    """Of the voucher reserved, spent and left; committed of the programme and of the holder's year."""
    seen = books.run(get_voucher, GetVoucher(voucher_id=voucher.voucher_id), REQUESTER)
    ((committed,),) = books.rows(
        "SELECT committed FROM programme WHERE programme_id = %s", (str(voucher.programme_id),)
    )
    in_year = books.rows("SELECT committed FROM programme_year WHERE programme_id = %s", (str(voucher.programme_id),))
    return seen.reserved.amount, seen.spent.amount, seen.left.amount, committed, in_year[0][0] if in_year else 0


def entries(books: Billing, key: str) -> list[tuple[str, str, int]]:
    return books.rows(
        "SELECT side, account, amount FROM ledger_entry JOIN ledger_tx USING (transaction_id) WHERE idem_key LIKE %s"
        " ORDER BY line", (key,),
    )  # fmt: skip


def refusal(deed: Callable[[], object]) -> str:
    try:
        deed()
    except Refused as error:
        return type(error).code
    return ""


def test_tv06_company(books: Billing) -> None:
    """V 20,000.00, cash 64,800.00; the programme owes its part with the acceptance; all invariants hold."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    use = reserve(books, voucher)
    assert use.amount == cny(2_000_000)
    assert counts(books, voucher) == (2_000_000, 0, 3_000_000, 2_000_000, 2_000_000)
    sign(books)
    assert counts(books, voucher) == (0, 2_000_000, 3_000_000, 2_000_000, 2_000_000)
    assert pay(books) == 6_480_000
    accept(books)
    programme = f"A:ar:voucher_programme:{voucher.programme_id}"
    assert entries(books, "voucher:%") == [("D", programme, 2_000_000), ("C", f"L:contract:{ORDER_ID}", 2_000_000)]
    assert ("D", f"L:contract:{ORDER_ID}", 8_480_000) in entries(books, f"accept:{ORDER_ID}")
    assert books.balance(f"L:contract:{ORDER_ID}") == 0
    assert books.balance("R:service") == 8_000_000
    assert books.violations() == ()


def test_tv06_with_less_of_the_year_left(books: Billing) -> None:
    """31,500.00 of 50,000.00 are committed: V 18,500.00, cash 66,300.00."""
    programme = a_programme(books, rules=some_rules(cap_order=None))
    voucher = a_voucher(books, programme, 20_000_000)
    books.run(approve_voucher, ApproveVoucher(voucher_id=voucher.voucher_id), OTHER_FINANCE)
    place(books, OTHER_ORDER_ID, amounts(10_500_000, 630_000))
    assert reserve(books, voucher, OTHER_ORDER_ID).amount == cny(3_150_000)
    place(books)
    use = reserve(books, voucher)
    assert use.amount == cny(1_850_000)
    assert {each.rule: each.outcome for each in use.results}["cap_holder_year"] == "limited"
    sign(books)
    assert pay(books) == 6_630_000
    assert books.violations() == ()


def test_tv06_customer(books: Billing) -> None:
    """The customer pays all 84,800.00 and is reimbursed by the programme: no cover, no entries."""
    voucher = a_voucher(books, a_programme(books, rules=some_rules(redeem_to="customer")))
    place(books)
    reserve(books, voucher)
    sign(books)
    assert pay(books) == 8_480_000
    accept(books)
    assert entries(books, "voucher:%") == []
    assert counts(books, voucher)[1] == 2_000_000
    assert books.violations() == ()


def test_tv06_provider(books: Billing) -> None:
    """The provider gets the programme's part from there, so it owes it to the company."""
    voucher = a_voucher(books, a_programme(books, rules=some_rules(redeem_to="provider")))
    place(books)
    reserve(books, voucher)
    sign(books)
    assert pay(books) == 6_480_000
    accept(books)
    assert entries(books, "voucher:%")[0] == ("D", f"A:ar:provider:{PROVIDER_ID}", 2_000_000)
    assert books.violations() == ()


def test_tv06_prefunded(books: Billing) -> None:
    """The fund pays with the contract; what is not in it cannot be reserved; acceptance redeems."""
    programme = a_programme(books, rules=some_rules(redeem_to="prefunded"))
    voucher = a_voucher(books, programme)
    place(books)
    with pytest.raises(VoucherNotApplicable):
        reserve(books, voucher)

    def bring(uow: BillingUnitOfWork) -> None:
        found = uow.programmes.find(programme.programme_id, lock=True)
        assert found is not None
        for _ in range(2):
            fund(found, cny(1_900_000), "bank:1:1", NOW, uow=uow, now=NOW)

    books.within(bring)
    assert reserve(books, voucher).amount == cny(1_900_000)
    sign(books)
    fund_account = f"L:voucher_fund:{programme.programme_id}"
    assert entries(books, "voucher:%:used") == [
        ("D", fund_account, 1_900_000), ("C", f"L:contract:{ORDER_ID}", 1_900_000)
    ]  # fmt: skip
    assert (pay(books), books.balance(fund_account)) == (6_580_000, 0)
    accept(books)
    (state,) = books.rows("SELECT state FROM voucher_use")[0]
    assert (state, books.balance(f"L:contract:{ORDER_ID}")) == ("redeemed", 0)
    assert books.violations() == ()


def test_a_prefunded_order_that_is_cancelled_after_signing(books: Billing) -> None:
    """What the fund paid goes back to it."""
    programme = a_programme(books, rules=some_rules(redeem_to="prefunded"))

    def bring(uow: BillingUnitOfWork) -> None:
        found = uow.programmes.find(programme.programme_id, lock=True)
        assert found is not None
        fund(found, cny(2_000_000), "bank:1:1", NOW, uow=uow, now=NOW)

    books.within(bring)
    voucher = a_voucher(books, programme)
    place(books)
    reserve(books, voucher)
    sign(books)
    for _ in range(2):
        books.handle(order.cancelled, order_cancelled())
    assert books.balance(f"L:voucher_fund:{programme.programme_id}") == 2_000_000
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    assert books.violations() == ()


def test_tv08_a_second_voucher(books: Billing) -> None:
    """It is refused and stays granted; under another programme too; claimed, the order is another programme's."""
    programme, other = a_programme(books), a_programme(books, "ah-2026")
    first, second, third = (a_voucher(books, each) for each in (programme, programme, other))
    place(books)
    reserve(books, first)
    for voucher in (first, second, third):
        with pytest.raises(VoucherAlreadyOnOrder):
            reserve(books, voucher)
    assert counts(books, second)[:3] == (0, 0, 5_000_000)
    books.database.change("UPDATE voucher_use SET state = 'claimed'")
    with pytest.raises(OrderAlreadyClaimed):
        reserve(books, third)
    assert books.run(get_voucher, GetVoucher(voucher_id=third.voucher_id), REQUESTER).state == "granted"


def test_tv08_twenty_at_once(books: Billing) -> None:
    """Ten vouchers, twice each, all for one order: one reservation."""
    programme = a_programme(books)
    vouchers = [a_voucher(books, programme) for _ in range(10)]
    place(books)
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda voucher: refusal(lambda: reserve(books, voucher)), vouchers * 2))
    assert sorted(said) == [""] + ["billing.voucher_already_on_order"] * 19
    assert sum(counts(books, voucher)[0] for voucher in vouchers) == 2_000_000
    assert books.violations() == ()


def test_m11_one_voucher_for_many_orders_at_once(books: Billing) -> None:
    """Twenty orders want 20,000.00 each of 50,000.00: never more than granted, never more than the year's cap."""
    voucher = a_voucher(books, a_programme(books))
    orders = [derived_id("order", number) for number in range(20)]
    for order_id in orders:
        place(books, order_id)
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda order_id: refusal(lambda: reserve(books, voucher, order_id)), orders))
    assert sorted(said) == [""] * 3 + ["billing.voucher_not_applicable"] * 17
    assert counts(books, voucher) == (5_000_000, 0, 0, 5_000_000, 5_000_000)
    assert books.violations() == ()


def test_m11_the_last_of_the_budget(books: Billing) -> None:
    """Many holders' orders at once on a budget of 30,000.00: it is never passed."""
    programme = a_programme(books, budget=3_000_000, rules=some_rules(cap_holder_year=None))
    vouchers = [a_voucher(books, programme) for _ in range(10)]
    orders = [derived_id("order", number) for number in range(10)]
    for order_id in orders:
        place(books, order_id)
    with ThreadPoolExecutor(10) as pool:
        said = list(
            pool.map(lambda pair: refusal(lambda: reserve(books, *pair)), zip(vouchers, orders, strict=True))
        )  # fmt: skip
    assert said.count("") == 2
    ((committed,),) = books.rows("SELECT committed FROM programme")
    assert committed == 3_000_000
    assert books.violations() == ()


def test_m11_reserving_while_signing_and_cancelling(books: Billing) -> None:
    """Whatever comes first: either the price asked for is less by V, or the voucher is whole again."""
    programme = a_programme(books, rules=some_rules(cap_holder_year=None))
    for number in range(8):
        order_id = derived_id("order", number)
        voucher = a_voucher(books, programme)
        place(books, order_id)
        last = sign if number % 2 else (lambda b, o: b.handle(order.cancelled, order_cancelled(o)))
        with ThreadPoolExecutor(2) as pool:
            tried = pool.submit(refusal, lambda v=voucher, o=order_id: reserve(books, v, o))
            pool.submit(last, books, order_id).result()
        reserved, spent, *_ = counts(books, voucher)
        if number % 2:
            assert (reserved, spent) == (0, 2_000_000 if tried.result() == "" else 0)
            assert pay(books, order_id) == 8_480_000 - spent
        else:
            assert (reserved, spent) == (0, 0)
    assert books.violations() == ()


def test_m11_expired_between_reserving_and_signing(books: Billing) -> None:
    """What counts is when the contract was signed; the reservation of an expired voucher comes back."""
    programme = a_programme(books)
    late, timely = a_voucher(books, programme, until=NOW + timedelta(days=1)), a_voucher(books, programme)
    place(books)
    place(books, OTHER_ORDER_ID)
    reserve(books, late)
    reserve(books, timely, OTHER_ORDER_ID)
    sign(books, at=NOW + timedelta(days=1))
    sign(books, OTHER_ORDER_ID, at=NOW + timedelta(days=1))
    assert (pay(books), pay(books, OTHER_ORDER_ID)) == (8_480_000, 6_480_000)
    assert counts(books, late)[:3] == (0, 0, 5_000_000)
    assert books.told.count("voucher.returned.v1") == 1
    assert books.violations() == ()


def test_the_timer_expires_it(books: Billing) -> None:
    """What is reserved comes back, once; what is signed stays; signed in the last minute and told of later counts."""
    programme = a_programme(books)
    until = NOW + timedelta(days=1)
    voucher = a_voucher(books, programme, until=until)
    place(books)
    place(books, OTHER_ORDER_ID)
    reserve(books, voucher)
    reserve(books, voucher, OTHER_ORDER_ID)
    assert books.run_timers(until + timedelta(minutes=59)) == 0
    sign(books, at=until - timedelta(seconds=1))
    for later in (timedelta(hours=1), timedelta(days=9)):
        books.run_timers(until + later)
    seen = books.run(get_voucher, GetVoucher(voucher_id=voucher.voucher_id), REQUESTER)
    assert (seen.state, seen.reserved.amount, seen.spent.amount) == ("expired", 0, 2_000_000)
    assert [use.state for use in seen.uses] == ["returned", "used"]
    with pytest.raises(WrongState):
        reserve(books, voucher, OTHER_ORDER_ID)
    assert books.rows("SELECT count(*) FROM outbox WHERE type = 'voucher.expired.v1'") == [(1,)]
    assert books.violations() == ()


def test_m11_expiring_while_reserving(books: Billing) -> None:
    """The timer and a customer at the same instant: nothing stays reserved on an expired voucher."""
    programme = a_programme(books, rules=some_rules(cap_holder_year=None))
    for number in range(6):
        voucher = a_voucher(books, programme, until=NOW + timedelta(hours=1))
        order_id = derived_id("order", number)
        place(books, order_id)
        with ThreadPoolExecutor(2) as pool:
            tried = pool.submit(refusal, lambda v=voucher, o=order_id: reserve(books, v, o))
            pool.submit(books.run_timers, NOW + timedelta(hours=2)).result()
        assert tried.result() in {"", "wrong_state"}
        assert counts(books, voucher)[0] == 0
    assert books.violations() == ()


def test_a_cancelled_order_returns_it(books: Billing) -> None:
    """Before the signature and after it; it can be used again, and a second cancellation returns nothing more."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    reserve(books, voucher)
    for _ in range(2):
        books.handle(order.cancelled, order_cancelled())
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    with pytest.raises(OrderNotOpen):
        reserve(books, voucher)
    place(books, OTHER_ORDER_ID)
    reserve(books, voucher, OTHER_ORDER_ID)
    sign(books, OTHER_ORDER_ID)
    books.handle(order.cancelled, order_cancelled(OTHER_ORDER_ID))
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    assert books.told.count("voucher.returned.v1") == 2
    assert books.violations() == ()


def test_taken_off_and_put_on_again(books: Billing) -> None:
    """Until the contract is signed; by its holder only; another one may come instead."""
    programme = a_programme(books)
    voucher, other = a_voucher(books, programme), a_voucher(books, programme)
    place(books)
    reserve(books, voucher)
    command = WithdrawVoucher(voucher_id=voucher.voucher_id, order_id=ORDER_ID)
    with pytest.raises(NotFound):
        books.run(withdraw_voucher, command, an_actor(STATION_ID, "requester"))
    with pytest.raises(NotFound):
        books.run(withdraw_voucher, WithdrawVoucher(voucher_id=other.voucher_id, order_id=ORDER_ID), REQUESTER)
    assert books.run(withdraw_voucher, command, REQUESTER).state == "returned"
    reserve(books, other)
    sign(books)
    with pytest.raises(OrderNotOpen):
        books.run(withdraw_voucher, WithdrawVoucher(voucher_id=other.voucher_id, order_id=ORDER_ID), REQUESTER)
    assert counts(books, voucher)[2] == 5_000_000


def test_signed_is_too_late(books: Billing) -> None:
    """The price has been asked for; and an order that is not known, or another's, is none."""
    voucher = a_voucher(books, a_programme(books))
    for order_id, actor in ((ORDER_ID, REQUESTER), (OTHER_ORDER_ID, an_actor(STATION_ID, "requester"))):
        place(books, OTHER_ORDER_ID)
        with pytest.raises(NotFound):
            reserve(books, voucher, order_id, actor)
    place(books)
    with pytest.raises(NotAllowed):
        reserve(books, voucher, actor=an_actor(CUSTOMER_ID, "lab_manager"))
    sign(books)
    with pytest.raises(OrderNotOpen):
        reserve(books, voucher)


def test_who_grants(books: Billing) -> None:
    """Finance, or the programme's own authority; nobody else learns that the programme is theirs to grant from."""
    programme = a_programme(books)
    assert a_voucher(books, programme, actor=AUTHORITY).state == "granted"
    for actor, error in ((OTHER_AUTHORITY, NotFound), (REQUESTER, NotFound), (PROVIDER_FINANCE, NotFound)):
        with pytest.raises(error):
            a_voucher(books, programme, actor=actor)
    with pytest.raises(NotAllowed):
        a_voucher(books, programme, actor=an_actor(FINANCE.organisation_id, "dispute_operator", operator=True))


def test_four_eyes_above_the_limit(books: Billing) -> None:
    """A fen above it, another person grants; until then it may not be used."""
    programme = a_programme(books, rules=some_rules(four_eyes_above=4_999_999))
    voucher = a_voucher(books, programme)
    assert voucher.state == "proposed"
    place(books)
    with pytest.raises(WrongState):
        reserve(books, voucher)
    approve = ApproveVoucher(voucher_id=voucher.voucher_id)
    with pytest.raises(SameHands):
        books.run(approve_voucher, approve)
    with pytest.raises(NotFound):
        books.run(approve_voucher, approve, OTHER_AUTHORITY)
    assert books.run(approve_voucher, approve, OTHER_FINANCE).state == "granted"
    with pytest.raises(WrongState):
        books.run(approve_voucher, approve, OTHER_FINANCE)
    reserve(books, voucher)
    assert books.told.count("voucher.granted.v1") == 1


def test_what_cannot_be_granted(books: Billing) -> None:
    """Against the credit code, in another currency, before the rules begin, to nobody, for the other side."""
    programme = a_programme(books)
    good = {"programme_id": programme.programme_id, "holder_id": CUSTOMER_ID, "holder_kind": "enterprise",
            "amount": cny(1), "valid_until": YEAR_END}  # fmt: skip
    subsidy = a_programme(books, "sub", side="provider")
    later = a_programme(books, "later", at=NOW + timedelta(days=1))
    for change, error in (
        ({"holder_kind": "university"}, HolderKindContradicts),
        ({"amount": cny(1) * 1, "programme_id": later.programme_id}, NotInForce),
        ({"holder_id": derived_id("nobody")}, NotFound),
        ({"programme_id": derived_id("nothing")}, NotFound),
        ({"programme_id": subsidy.programme_id}, WrongSide),
    ):
        with pytest.raises(error):
            books.run(grant_voucher, GrantVoucher.model_validate({**good, **change}))
    with pytest.raises(OtherCurrency):
        books.run(grant_voucher, GrantVoucher.model_validate({**good, "amount": replace(cny(1), currency="USD")}))


def test_revoked(books: Billing) -> None:
    """What is reserved comes back, what is signed stands; a reason is kept."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    place(books, OTHER_ORDER_ID)
    reserve(books, voucher)
    reserve(books, voucher, OTHER_ORDER_ID)
    sign(books)
    command = RevokeVoucher(voucher_id=voucher.voucher_id, reason="材料不实")
    with pytest.raises(NotFound):
        books.run(revoke_voucher, command, REQUESTER)
    seen = books.run(revoke_voucher, command, AUTHORITY)
    assert (seen.state, seen.reserved.amount, seen.spent.amount, seen.reason) == ("revoked", 0, 2_000_000, "材料不实")
    with pytest.raises(WrongState):
        books.run(revoke_voucher, command, AUTHORITY)
    assert pay(books) == 6_480_000
    assert books.violations() == ()


def test_an_expired_voucher_is_refused_before_its_timer_runs(books: Billing) -> None:
    """To the instant."""
    voucher = a_voucher(books, a_programme(books), until=NOW + timedelta(hours=1))
    place(books)
    with pytest.raises(VoucherExpired):
        reserve(books, voucher, now=NOW + timedelta(hours=1))
    reserve(books, voucher, now=NOW + timedelta(minutes=59))


def test_the_version_is_frozen(books: Billing) -> None:
    """Other rules from tomorrow on change nothing for what is reserved; the same instant twice is refused."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    use = reserve(books, voucher)
    changed = some_rules(cap_order=1)
    again = a_programme(books, at=NOW + timedelta(seconds=1), rules=changed)
    assert len(again.versions) == 2
    with pytest.raises(VersionExists):
        a_programme(books, at=NOW + timedelta(seconds=1), rules=changed)
    sign(books, at=NOW + timedelta(hours=2))
    assert pay(books) == 6_480_000
    place(books, OTHER_ORDER_ID)
    later = reserve(books, voucher, OTHER_ORDER_ID, now=NOW + timedelta(hours=2))
    assert (later.amount, later.programme_version_id != use.programme_version_id) == (cny(1), True)


def test_estimate_changes_nothing(books: Billing) -> None:
    """Before ordering: amount, what is due, every rule; for the holder only."""
    voucher = a_voucher(books, a_programme(books))
    query = EstimateVoucher(
        voucher_id=voucher.voucher_id, provider_id=PROVIDER_ID, net=cny(8_000_000), gross=cny(8_480_000)
    )
    seen = books.run(estimate_voucher, query, REQUESTER)
    assert (seen.amount, seen.due) == (cny(2_000_000), cny(6_480_000))
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    with pytest.raises(NotFound):
        books.run(estimate_voucher, query, PROVIDER_FINANCE)


def test_lists(books: Billing) -> None:
    """A holder its own, an authority its programmes', finance all; programmes are public."""
    programme = a_programme(books)
    made = [a_voucher(books, programme).voucher_id for _ in range(3)]
    for actor in (REQUESTER, AUTHORITY, FINANCE):
        first = books.run(list_vouchers, ListVouchers(limit=2), actor)
        rest = books.run(list_vouchers, ListVouchers(limit=2, after=first.next_cursor), actor)
        assert {each.voucher_id for each in (*first.items, *rest.items)} == set(made)
    assert books.run(list_vouchers, ListVouchers(), PROVIDER_FINANCE).items == ()
    (shown,) = books.run(list_programmes, ListProgrammes(), PROVIDER_FINANCE).items
    assert shown == programme


def test_tv07_amounts(books: Billing) -> None:
    """Refund of net 20,000.00: V' 18,000.00, the programme gets 2,000.00 back; once more to nothing: the rest."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    reserve(books, voucher)
    sign(books)
    pay(books)
    before = books.within(lambda uow: reduce_for_refund(ORDER_ID, 7_000_000, 7_420_000, uow=uow))
    assert before == (0, None)  # 30 % of 70,000.00 is still above the cap
    assert books.within(lambda uow: reduce_for_refund(ORDER_ID, 6_000_000, 6_360_000, uow=uow)) == (200_000, None)
    assert counts(books, voucher) == (0, 1_800_000, 3_200_000, 1_800_000, 1_800_000)
    books.within(lambda uow: reduce_for_refund(ORDER_ID, 0, 0, uow=uow))
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)


def test_the_invariants_see_it(books: Billing) -> None:
    """What the books hold of vouchers is compared with their uses, the budget and the fund."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    reserve(books, voucher)
    assert books.violations() == ()
    for statement, seen in (
        ("UPDATE voucher SET spent = spent + 1", "I7 vouchers hold what their uses say"),
        ("UPDATE programme SET committed = committed + 1", "I7 programmes have promised what their uses say"),
        ("UPDATE programme_year SET committed = committed - 1", "I7 holders' years hold what their uses say"),
        ("UPDATE programme SET funded = 1", "I7 voucher funds hold what came in and is not spent"),
    ):
        books.database.change(statement)
        assert seen in "".join(books.violations())


def test_the_database_itself_refuses(books: Billing) -> None:
    """More than granted, than the budget, than the year's cap; a second use; other rules in an old version."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    reserve(books, voucher)
    another = json.dumps({"use_id": str(derived_id("another"))})
    for statement in (
        "UPDATE voucher SET spent = granted",
        "UPDATE voucher SET reserved = -1",
        "UPDATE programme SET committed = budget + 1",
        "UPDATE programme_year SET committed = cap + 1",
        "UPDATE programme_version SET rules = '{}'",
        f"INSERT INTO voucher_use SELECT (jsonb_populate_record(u, '{another}')).* FROM voucher_use u",
    ):
        with pytest.raises(Exception, match=r"check|append-only|voucher_use_on_order"):
            books.database.change(statement)
