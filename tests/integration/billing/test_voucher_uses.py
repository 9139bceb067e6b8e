"""Vouchers on real PostgreSQL: the trade rules' vectors with their ledger entries, and what tries to break them."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Literal

import pytest

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.adapters.voucher_queries import get_voucher
from services.billing.domain.voucher import (
    OrderAlreadyClaimed,
    SoldByProvider,
    VoucherAlreadyOnOrder,
    VoucherNotApplicable,
)
from services.billing.use_cases import order
from services.billing.use_cases.programme import fund
from services.billing.use_cases.voucher import approve_voucher
from services.billing.use_cases.voucher_use import reduce_for_refund
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.voucher import (
    ApproveVoucher,
    GetVoucher,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import refunded
from tests.integration.billing.voucher_books import (
    EIGHTY,
    OTHER_ORDER_ID,
    a_programme,
    a_voucher,
    accept,
    counts,
    entries,
    pay,
    place,
    refusal,
    reserve,
    sign,
)
from tests.kit.fakes_billing import (
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    amounts,
    cny,
    order_cancelled,
    order_placed,
)
from tests.kit.fakes_voucher import some_rules


@pytest.mark.parametrize("model", ["agent_psp_split", "agent_bank_custody", "agent_direct"])
@pytest.mark.parametrize("redeem_to", ["company", "provider", "prefunded"])
def test_where_the_provider_sells_the_programme_pays_the_customer_only(
    books: Billing, model: str, redeem_to: Literal["company", "provider", "prefunded"]
) -> None:
    """Else its money would stand on our account, or less be asked of the customer: refused, and kept nowhere."""
    bears: Literal["customer", "provider"] = "provider" if redeem_to == "provider" else "customer"
    voucher = a_voucher(books, a_programme(books, rules=some_rules(redeem_to=redeem_to, shortfall_payer=bears)))
    placed = order_placed(ORDER_ID, "OR-2026-000123", money=EIGHTY, collection_model=model)
    books.handle(order.placed, placed)
    with pytest.raises(SoldByProvider):
        reserve(books, voucher)
    assert books.rows("SELECT count(*) FROM voucher_use") == [(0,)]
    assert counts(books, voucher)[0] == 0


def test_where_the_provider_sells_the_customer_may_be_paid_by_the_programme(books: Billing) -> None:
    voucher = a_voucher(books, a_programme(books, rules=some_rules(redeem_to="customer")))
    books.handle(order.placed, order_placed(ORDER_ID, "OR-2026-000123", money=EIGHTY, collection_model="agent_direct"))
    assert reserve(books, voucher).amount == cny(2_000_000)


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
    voucher = a_voucher(books, a_programme(books, rules=some_rules(redeem_to="provider", shortfall_payer="provider")))
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
            tried = pool.submit(refusal, partial(reserve, books, voucher, order_id))
            pool.submit(last, books, order_id).result()
        reserved, spent, *_ = counts(books, voucher)
        if number % 2:
            assert (reserved, spent) == (0, 2_000_000 if tried.result() == "" else 0)
            assert pay(books, order_id) == 8_480_000 - spent
        else:
            assert (reserved, spent) == (0, 0)
    assert books.violations() == ()


def test_m11_expiring_while_reserving(books: Billing) -> None:
    """The timer and a customer at the same instant: nothing stays reserved on an expired voucher."""
    programme = a_programme(books, rules=some_rules(cap_holder_year=None))
    for number in range(6):
        voucher = a_voucher(books, programme, until=NOW + timedelta(hours=1))
        order_id = derived_id("order", number)
        place(books, order_id)
        with ThreadPoolExecutor(2) as pool:
            tried = pool.submit(refusal, partial(reserve, books, voucher, order_id))
            pool.submit(books.run_timers, NOW + timedelta(hours=2)).result()
        assert tried.result() in {"", "wrong_state"}
        assert counts(books, voucher)[0] == 0
    assert books.violations() == ()


def test_tv07_amounts(books: Billing) -> None:
    """Refund of net 20,000.00: V' 18,000.00, the programme gets 2,000.00 back; once more to nothing: the rest."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    reserve(books, voucher)
    sign(books)
    pay(books)
    before = books.within(lambda uow: reduce_for_refund(ORDER_ID, 7_000_000, 7_420_000, uow=uow))
    assert before == (0, "")  # 30 % of 70,000.00 is still above the cap
    assert books.within(lambda uow: reduce_for_refund(ORDER_ID, 6_000_000, 6_360_000, uow=uow)) == (200_000, "")
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


@pytest.mark.parametrize("accepted", [False, True], ids=["before acceptance", "after it"])
def test_tv07(books: Billing, accepted: bool) -> None:  # noqa: FBT001
    """Refund of N 20,000.00: cash 19,200.00, the programme 2,000.00, red -20,000.00 / -1,200.00, everybody's part."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    reserve(books, voucher)
    sign(books)
    pay(books)
    if accepted:
        accept(books)
    made = refunded(books, 2_000_000)
    assert (made.net, made.tax) == (cny(2_000_000), cny(120_000))
    assert [part.amount for part in made.parts] == [cny(1_920_000)]
    if accepted:
        assert entries(books, f"refund:{made.refund_id}:1") == [
            ("D", "R:service", 2_000_000), ("D", "L:vat:output", 120_000),
            ("C", f"L:refund:{made.refund_id}", 1_920_000),
            ("C", f"A:ar:voucher_programme:{voucher.programme_id}", 200_000),
        ]  # fmt: skip
    else:
        accept(books)
    assert books.balance(f"A:ar:voucher_programme:{voucher.programme_id}") == -1_800_000
    assert books.balance("R:service") == 6_000_000
    assert books.balance(f"L:provider:{PROVIDER_ID}:accrued") == 5_400_000
    assert books.balance(f"L:station:{STATION_ID}:accrued") == 420_000
    assert books.balance(f"L:contract:{ORDER_ID}") == 0
    assert books.violations() == ()


def test_tv07_of_a_fund(books: Billing) -> None:
    """What a pre-funded programme paid goes back into its fund, before acceptance and after it."""
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
    pay(books)
    refunded(books, 2_000_000)
    assert books.balance(f"L:voucher_fund:{programme.programme_id}") == 200_000
    accept(books)
    refunded(books, 2_000_000)
    assert books.balance(f"L:voucher_fund:{programme.programme_id}") == 800_000
    assert books.balance(f"L:contract:{ORDER_ID}") == 0
    assert books.violations() == ()


def test_all_of_an_order_with_a_voucher_is_refunded(books: Billing) -> None:
    """More than was paid cannot go back to the payer: the rest is the programme's."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    reserve(books, voucher)
    sign(books)
    pay(books)
    accept(books)
    made = refunded(books, 8_000_000)
    assert [part.amount for part in made.parts] == [cny(6_480_000)]
    assert books.balance(f"A:ar:voucher_programme:{voucher.programme_id}") == 0
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    assert books.violations() == ()
