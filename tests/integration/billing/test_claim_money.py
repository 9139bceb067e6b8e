"""Money of claims: the bank's line, rejection with who bears it, lapse, refunds before and after it is paid."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

from services.billing.domain.claim import NothingToClaim, ReasonRequired
from services.billing.domain.programme import FundsPromised
from services.billing.use_cases.claim import record_claim_paid, resubmit_claim
from services.billing.use_cases.programme import release_programme_funds
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.claim import RecordClaimPaid, ResubmitClaim
from services.shared.messages.billing.programme import ReleaseProgrammeFunds
from services.shared.messages.billing.voucher import VoucherView
from tests.integration.billing import refunding
from tests.integration.billing.claim_books import (
    SHA,
    approved,
    bank,
    done,
    review,
    submit,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import PROVIDER_ACCRUED, refunded
from tests.integration.billing.voucher_books import (
    AUTHORITY,
    OTHER_ORDER_ID,
    a_programme,
    a_voucher,
    accept,
    counts,
    entries,
    pay,
    place,
    reserve,
    sign,
)
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    cny,
)
from tests.kit.fakes_voucher import some_rules
from tests.kit.waiting import wait_until


def test_money_that_is_not_the_claims(books: Billing) -> None:
    """Another amount, a claim that is not approved, two claims on one line, the same line again: nothing by itself."""
    claim = submit(books, done(books))
    bank(books, ("B1", "in", "20000.00", claim.number))
    approved(books, claim)
    bank(books, ("B2", "in", "19999.99", claim.number), ("B3", "in", "20000.00", f"{claim.number} VC-2026-000999 "))
    assert books.rows("SELECT serial_number, state FROM bank_line ORDER BY 1") == [
        ("B1", "suspense"), ("B2", "suspense"), ("B3", "matched"),
    ]  # fmt: skip
    bank(books, ("B3", "in", "20000.00", f"{claim.number} VC-2026-000999 "), ("B4", "in", "20000.00", claim.number))
    assert books.rows("SELECT state FROM bank_line WHERE serial_number = 'B4'") == [("suspense",)]
    assert books.violations() == ()


def test_one_transfer_for_several_claims(books: Billing) -> None:
    """Exactly their sum, in whichever files; another sum, or one that is not approved, and none of them is paid."""
    both = [
        approved(books, submit(books, done(books, order_id, report), order_id=order_id))
        for order_id, report in ((ORDER_ID, SHA), (OTHER_ORDER_ID, "11" * 32))
    ]
    text = " ".join(claim.number for claim in both)
    bank(books, ("B1", "in", "39999.99", text))
    assert books.rows("SELECT state FROM bank_line") == [("suspense",)]
    for _ in range(2):
        bank(books, ("B2", "in", "40000.00", text))
    bank(books, ("B3", "in", "40000.00", text))
    assert books.rows("SELECT state FROM bank_line ORDER BY serial_number") == [
        ("suspense",), ("matched",), ("suspense",),
    ]  # fmt: skip
    assert books.rows("SELECT DISTINCT state, paid FROM claim") == [("paid", 2_000_000)]
    assert books.told.count("claim.paid.v1") == 2
    assert books.violations() == ()


@pytest.mark.parametrize(("taken", "amount", "left"), [(2_000_000, "38000.00", 1_800_000), (8_000_000, "20000.00", 0)])
def test_one_transfer_for_what_a_refund_has_left_of_several_claims(
    books: Billing, taken: int, amount: str, left: int
) -> None:
    """Of one of them less, or nothing at all; of the other all."""
    both = [
        approved(books, submit(books, done(books, order_id, report), order_id=order_id))
        for order_id, report in ((ORDER_ID, SHA), (OTHER_ORDER_ID, "11" * 32))
    ]
    refunded(books, taken)
    bank(books, ("B1", "in", amount, " ".join(claim.number for claim in both)))
    assert books.rows("SELECT state FROM bank_line") == [("matched",)]
    assert books.rows("SELECT state, paid FROM claim ORDER BY paid") == [("paid", left), ("paid", 2_000_000)]
    assert books.violations() == ()


def test_one_transfer_for_claims_of_which_one_is_not_approved(books: Billing) -> None:
    """It waits whole."""
    one = approved(books, submit(books, done(books)))
    other = submit(books, done(books, OTHER_ORDER_ID, "11" * 32), order_id=OTHER_ORDER_ID)
    bank(books, ("B1", "in", "40000.00", f"{one.number} {other.number}"))
    assert books.rows("SELECT state FROM bank_line") == [("suspense",)]
    assert books.told.count("claim.paid.v1") == 0


def test_a_fund_by_its_programmes_number(books: Billing) -> None:
    """An authority's transfer that names the programme fills its fund, once."""
    programme = a_programme(books, rules=some_rules(redeem_to="prefunded"))
    for _ in range(2):
        bank(books, ("B1", "in", "20000.00", f"预拨 {programme.number}"))
    assert books.balance(f"L:voucher_fund:{programme.programme_id}") == 2_000_000
    assert books.rows("SELECT funded FROM programme") == [(2_000_000,)]
    assert books.violations() == ()


def test_tv09(books: Billing) -> None:
    """Rejected after settlement: the customer owes it from now on, by a day; what was promised is free again."""
    voucher = done(books)
    claim = approved(books, submit(books, voucher))
    with pytest.raises(ReasonRequired):
        review(books, claim, AUTHORITY, "reject")
    seen = review(books, claim, AUTHORITY, "reject", "超出支持范围")
    assert (seen.state, seen.due_on) == ("rejected", (NOW + timedelta(days=30)).date())
    assert entries(books, "voucher:%:rejected") == [
        ("D", f"A:ar:customer:{CUSTOMER_ID}", 2_000_000),
        ("C", f"A:ar:voucher_programme:{voucher.programme_id}", 2_000_000),
    ]
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    assert books.told.count("claim.rejected.v1") == 1
    assert books.rows("SELECT amount, state, due_on, invoice_number FROM receivable") == [
        (2_000_000, "open", seen.due_on, "INV-1")
    ]
    with pytest.raises(WrongState):
        review(books, claim, AUTHORITY, "reject", "again")
    assert books.violations() == ()


@pytest.mark.parametrize(
    ("payer", "account"), [("company", "E:voucher_loss"), ("provider", f"A:ar:provider:{PROVIDER_ID}")]
)
def test_who_else_bears_it(books: Billing, payer: str, account: str) -> None:
    """As frozen with the reservation; a provider's part is netted with its next statement."""
    voucher = done(books, shortfall_payer=payer)
    review(books, submit(books, voucher), OTHER_FINANCE, "reject", "超出支持范围")
    assert books.balance(account) == -2_000_000
    assert books.balance(f"A:ar:voucher_programme:{voucher.programme_id}") == 0
    assert books.violations() == ()


def test_nobody_claimed_in_time(books: Billing) -> None:
    """The company bears its own delay, once; what is claimed does not lapse."""
    late, claimed = done(books), done(books, OTHER_ORDER_ID, "11" * 32)
    submit(books, claimed, order_id=OTHER_ORDER_ID)
    books.run_timers(NOW + timedelta(days=179))
    assert books.balance("E:voucher_loss") == 0
    for _ in range(2):
        books.run_timers(NOW + timedelta(days=181))
    assert books.balance("E:voucher_loss") == -2_000_000
    assert books.balance(f"A:ar:voucher_programme:{late.programme_id}") == 0
    assert books.balance(f"A:ar:voucher_programme:{claimed.programme_id}") == -2_000_000
    assert books.violations() == ()


def test_a_fund_only_where_money_comes_ahead(books: Billing) -> None:
    """Of another programme nothing would ever be paid out of it: a person looks."""
    programme = a_programme(books)
    bank(books, ("B1", "in", "20000.00", f"创新券 {programme.number}"))
    assert books.balance(f"L:voucher_fund:{programme.programme_id}") == 0
    assert books.rows("SELECT state FROM bank_line") == [("suspense",)]
    assert books.violations() == ()


@pytest.mark.parametrize("by", ["lapse", "rejection"])
def test_refunded_after_the_company_bore_it(books: Billing, by: str) -> None:
    """The customer never paid that part: it gets what it paid of the refund, and the company bears so much less."""
    if by == "lapse":
        done(books)
        books.run_timers(NOW + timedelta(days=181))
    else:
        review(books, submit(books, done(books, shortfall_payer="company")), OTHER_FINANCE, "reject", "超出支持范围")
    refunded(books, 2_000_000)
    assert books.balance("E:voucher_loss") == -1_800_000
    refunded(books, 6_000_000)
    assert books.balance("E:voucher_loss") == 0
    assert books.rows("SELECT net + tax - to_programme FROM refund ORDER BY requested_at, n") == [
        (1_920_000,),
        (4_560_000,),
    ]
    assert books.violations() == ()


@pytest.mark.parametrize("payer", ["customer", "provider", "company"])
def test_rejected_when_nothing_is_left_of_it(books: Billing, payer: str) -> None:
    """All of the order was refunded: nobody bears anything, and what was sent back cannot be claimed again."""
    claim = submit(books, done(books, shortfall_payer=payer))
    review(books, claim, OTHER_FINANCE, "send_back", "缺盖章")
    refunded(books, 8_000_000)
    with pytest.raises(NothingToClaim):
        books.run(resubmit_claim, ResubmitClaim(claim_id=claim.claim_id))
    review(books, claim, OTHER_FINANCE, "reject", "已退款")
    assert entries(books, "voucher:%:rejected") == []
    assert books.rows("SELECT count(*) FROM receivable") == [(0,)]
    assert books.rows("SELECT count(*) FROM clawback WHERE key LIKE 'voucher:%'") == [(0,)]
    assert books.violations() == ()


def _borne_by_provider(books: Billing, how: str) -> VoucherView:
    if how == "rejected":
        voucher = done(books, shortfall_payer="provider")
        review(books, submit(books, voucher), OTHER_FINANCE, "reject", "超出支持范围")
        return voucher
    voucher = done(books, redeem_to="provider", shortfall_payer="provider")
    if how == "refused_to_provider":
        review(books, submit(books, voucher, PROVIDER_FINANCE), OTHER_FINANCE, "reject", "超出支持范围")
    return voucher


@pytest.mark.parametrize("how", ["rejected", "refused_to_provider", "not_claimed"])
def test_refunded_while_the_provider_bears_it(books: Billing, how: str) -> None:
    """The customer gets what it paid; what the provider bears falls, and its next statement gives it that back."""
    voucher = _borne_by_provider(books, how)
    before = books.balance(PROVIDER_ACCRUED)
    part = refunding.approve(books, refunding.ask(books, 2_000_000))
    assert (part.paid_back, books.balance(PROVIDER_ACCRUED)) == (cny(1_920_000), before - 1_800_000)
    # No statement pays it before the red letter, with which it is booked.
    assert books.rows("SELECT count(*) FROM accrual WHERE key LIKE '%:borne'") == [(0,)]
    for _ in range(2):
        refunding.red_letter(books, part)
    assert books.balance(PROVIDER_ACCRUED) == before - 1_800_000 + 200_000
    assert books.rows("SELECT net, tax FROM accrual WHERE key LIKE '%:borne'") == [(200_000, 0)]
    refunded(books, 6_000_000)
    assert books.rows("SELECT sum(net + tax - to_programme)::bigint FROM refund") == [(6_480_000,)]
    # It bore 20,000.00, which it still owes, and has it back with its next statement.
    assert (books.balance(PROVIDER_ACCRUED), books.balance(f"A:ar:provider:{PROVIDER_ID}")) == (2_000_000, -2_000_000)
    assert books.balance(f"L:voucher_clawback:{voucher.programme_id}") == 0
    assert books.violations() == ()


def test_refunded_before_the_authority_pays_the_provider(books: Billing) -> None:
    """It was asked for V and has paid that: the provider, who bears less by now, owes what the programme is to get."""
    voucher = done(books, redeem_to="provider", shortfall_payer="provider")
    claim = approved(books, submit(books, voucher, PROVIDER_FINANCE))
    refunded(books, 2_000_000)
    books.run(record_claim_paid, RecordClaimPaid(claim_id=claim.claim_id, reference="拨付"), OTHER_FINANCE)
    assert entries(books, "voucher:%:overpaid") == [
        ("D", f"A:ar:provider:{PROVIDER_ID}", 200_000),
        ("C", f"L:voucher_clawback:{voucher.programme_id}", 200_000),
    ]
    assert books.violations() == ()


def test_refunded_after_the_authority_paid_the_provider(books: Billing) -> None:
    """The provider has V: of what it transferred to us V - V' goes back to the programme."""
    voucher = done(books, redeem_to="provider", shortfall_payer="provider")
    claim = approved(books, submit(books, voucher, PROVIDER_FINANCE))
    books.run(record_claim_paid, RecordClaimPaid(claim_id=claim.claim_id, reference="拨付"), OTHER_FINANCE)
    refunded(books, 2_000_000)
    assert books.balance(f"L:voucher_clawback:{voucher.programme_id}") == 200_000
    assert entries(books, "voucher:%:overpaid") == []
    assert books.violations() == ()


@pytest.mark.parametrize("redeem_to", ["company", "provider", "customer"])
def test_accepted_when_a_refund_has_left_nothing_of_it(books: Billing, redeem_to: str) -> None:
    """What remains is less than the holder pays itself: the programme owes nothing, and so nobody else for it."""
    programme = a_programme(
        books, rules=some_rules(redeem_to=redeem_to, shortfall_payer="provider", min_own_payment=6_000_000)
    )
    voucher = a_voucher(books, programme)
    place(books)
    reserve(books, voucher)
    sign(books)
    pay(books)
    refunding.refunded(books, 4_000_000)
    assert books.rows("SELECT amount FROM voucher_use") == [(0,)]
    accept(books)
    assert books.rows("SELECT count(*) FROM clawback") == [(0,)]
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    assert books.violations() == ()


def test_refunded_before_a_fund_has_its_part_back(books: Billing) -> None:
    """It has it with the red letter and no sooner; the books hold all the while."""
    programme = a_programme(books, rules=some_rules(redeem_to="prefunded"))
    bank(books, ("B1", "in", "50000.00", programme.number))
    place(books)
    reserve(books, a_voucher(books, programme))
    sign(books)
    pay(books)
    accept(books)
    fund = f"L:voucher_fund:{programme.programme_id}"
    part = refunding.approve(books, refunding.ask(books, 2_000_000))
    assert (part.state, books.balance(fund), books.violations()) == ("awaiting_red_letter", 3_000_000, ())
    too_much = ReleaseProgrammeFunds(programme_id=programme.programme_id, amount=cny(3_000_001))
    with pytest.raises(FundsPromised):
        books.run(release_programme_funds, too_much)
    refunding.red_letter(books, part)
    books.run(release_programme_funds, too_much)
    assert (books.balance(fund), books.violations()) == (199_999, ())


def test_refunded_after_the_claim_was_paid(books: Billing) -> None:
    """V - V' is held to be given back to the programme."""
    voucher = done(books)
    claim = approved(books, submit(books, voucher))
    bank(books, ("B1", "in", "20000.00", claim.number))
    refunded(books, 2_000_000)
    assert books.balance(f"L:voucher_clawback:{voucher.programme_id}") == 200_000
    assert books.balance(f"A:ar:voucher_programme:{voucher.programme_id}") == 0
    assert books.violations() == ()


def test_refunded_before_the_claim_is_paid(books: Billing) -> None:
    """Whether the authority pays V or V': the books say what is owed back."""
    for order_id, paid, report in ((ORDER_ID, "20000.00", SHA), (OTHER_ORDER_ID, "18000.00", "11" * 32)):
        voucher = done(books, order_id, report)
        claim = approved(books, submit(books, voucher, order_id=order_id))
        refunded(books, 2_000_000, order_id=order_id)
        bank(books, (f"B{paid[0]}", "in", paid, claim.number))
        assert books.balance(f"A:ar:voucher_programme:{voucher.programme_id}") == 0
        owed = 200_000 if paid == "20000.00" else 0
        assert books.balance(f"L:voucher_clawback:{voucher.programme_id}") == owed
    assert books.violations() == ()


def test_what_the_customer_owes_for_a_rejected_claim_is_refunded_first(books: Billing) -> None:
    """TV09, then a part, then the rest: what was never paid is not owed any more, only what was paid goes back."""
    voucher = done(books)
    review(books, approved(books, submit(books, voucher)), AUTHORITY, "reject", "超出支持范围")
    part = refunding.approve(books, refunding.ask(books, 1_000_000))
    assert (part.on_account, part.paid_back) == (cny(1_060_000), cny(0))
    refunding.red_letter(books, part)
    assert books.rows("SELECT amount, state FROM receivable") == [(940_000, "open")]
    rest = refunding.approve(books, refunding.ask(books, 7_000_000))
    assert (rest.on_account, rest.paid_back) == (cny(940_000), cny(6_480_000))
    refunding.red_letter(books, rest)
    assert books.rows("SELECT amount, state FROM receivable") == [(0, "paid")]
    assert (books.balance(f"A:ar:customer:{CUSTOMER_ID}"), books.balance("R:service")) == (0, 0)
    assert books.violations() == ()


@pytest.mark.parametrize("deed", ["submit", "resubmit", "reject"])
def test_a_claim_waits_for_its_order_before_it_holds_the_use(books: Billing, deed: str) -> None:
    """Who refunds the order holds it and its payments, and gets the use that a claim of it is about."""
    voucher = done(books)
    if deed == "submit":
        claim: Callable[[], object] = partial(submit, books, voucher)
    else:
        made = submit(books, voucher)
        claim = partial(review, books, made, AUTHORITY, "reject", "超出支持范围")
    if deed == "resubmit":
        review(books, made, AUTHORITY, "send_back", "缺盖章")
        claim = partial(books.run, resubmit_claim, ResubmitClaim(claim_id=made.claim_id))
    with ThreadPoolExecutor(1) as threads:
        with books.transaction() as uow:
            uow.orders.get(ORDER_ID)
            uow.payments.of_order(ORDER_ID)
            claimed = threads.submit(claim)
            wait_until(lambda: books.rows("SELECT 1 FROM pg_locks WHERE NOT granted") != [])
            uow.connection.exec_driver_sql("SET LOCAL lock_timeout = '3s'")
            assert uow.vouchers.use_on(ORDER_ID) is not None
        claimed.result()
    assert books.violations() == ()
