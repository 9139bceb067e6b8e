"""What a programme has paid too much of, because of refunds, goes back to its authority: by two, and exactly once."""

from datetime import timedelta
from functools import partial
from importlib import import_module
from uuid import UUID

import pytest

from services.billing.adapters import credit_payback_repository
from services.billing.adapters.explanation_queries import explain_balance
from services.billing.domain.credit_payback import SameHands
from services.billing.domain.ledger import BANK, AccountOverdrawn, voucher_clawback
from services.billing.domain.payout import BankAccountChanged, BankAccountUnknown
from services.billing.domain.programme import FundsPromised
from services.billing.use_cases import credit_payback
from services.billing.use_cases.programme import release_programme_funds
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.account import ExplainBalance
from services.shared.messages.billing.credit_payback import (
    CreditPaybackView,
    FailCreditPayback,
    ListCreditPaybacks,
    ListOwedToProgrammes,
    OwedToProgramme,
    RequestProgrammePayback,
)
from services.shared.messages.billing.programme import ReleaseProgrammeFunds
from tests.integration.billing.claim_books import approved, bank, done, submit
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import refunded
from tests.integration.billing.test_bank_lines import refusals
from tests.integration.billing.test_credit_paybacks import approve, told
from tests.integration.billing.voucher_books import (
    AUTHORITY,
    OTHER_AUTHORITY,
    OTHER_ORDER_ID,
    a_programme,
    a_voucher,
    place,
    reserve,
    sign,
)
from tests.kit.fakes_billing import (
    COOLING_OFF,
    DISPUTE_OPERATOR,
    FINANCE,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    REQUESTER,
    an_organisation,
    cny,
)
from tests.kit.fakes_voucher import AUTHORITY_ID, some_rules
from tests.kit.real_service import together

MIGRATIONS = "services.billing.migrations.versions"


def overpaid(books: Billing, order_id: UUID = ORDER_ID, report: str = "ab" * 32) -> UUID:
    """The authority has paid 20,000.00, of which a refund leaves 18,000.00. Answers the programme's id."""
    voucher = done(books, order_id, report)
    claim = approved(books, submit(books, voucher, order_id=order_id))
    bank(books, (f"V-{claim.number}", "in", "20000.00", claim.number))
    refunded(books, 2_000_000, order_id=order_id)
    return voucher.programme_id


def ask(books: Billing, programme_id: UUID, amount: int = 200_000, actor: Actor = FINANCE) -> CreditPaybackView:
    wanted = RequestProgrammePayback(programme_id=programme_id, amount=cny(amount), reason="退款")
    return books.run(partial(credit_payback.request_programme_payback, cooling_off=COOLING_OFF), wanted, actor)


def owed(books: Billing, actor: Actor = FINANCE, days: int = 0) -> tuple[OwedToProgramme, ...]:
    read = credit_payback_repository.list_owed_to_programmes
    return books.run(read, ListOwedToProgrammes(), actor, NOW + timedelta(days=days)).items


def test_all_the_way_and_back(books: Billing) -> None:
    """Seen with its age, asked for, let go by another, told by the bank twice; sent back, it is owed again."""
    programme_id = overpaid(books)
    account = voucher_clawback(programme_id)
    before = books.balance(BANK)
    (seen,) = owed(books, days=12)
    assert (seen.programme_id, seen.authority_id, seen.amount) == (programme_id, AUTHORITY_ID, cny(200_000))
    assert (seen.since, seen.age_days) == (NOW, 12)
    asked = ask(books, programme_id)
    assert (asked.state, asked.customer_id, asked.programme_id) == ("requested", None, programme_id)
    with pytest.raises(SameHands):
        approve(books, asked, FINANCE)
    assert approve(books, asked).state == "ordered"
    assert (books.balance(account), owed(books)) == (0, ())
    bank(books, ("P1", "out", "1999.99", asked.number))
    for _ in range(2):
        bank(books, ("P2", "out", "2000.00", f"退还 {asked.number}"))
    bank(books, ("P3", "out", "2000.00", asked.number))
    lines = books.rows("SELECT serial_number, state FROM bank_line WHERE serial_number LIKE 'P%' ORDER BY 1")
    assert lines == [("P1", "suspense"), ("P2", "matched"), ("P3", "suspense")]
    bank(books, ("R1", "in", "2000.00", asked.number))
    assert (books.balance(account), [each.amount for each in owed(books)]) == (200_000, [cny(200_000)])
    assert told(books) == ["ordered", "paid", "returned"]
    listed = credit_payback_repository.list_credit_paybacks
    (mine,) = books.run(listed, ListCreditPaybacks(programme_id=programme_id)).items
    assert (mine.state, books.run(listed, ListCreditPaybacks(programme_id=new_id())).items) == ("returned", ())
    asking = ExplainBalance(account=account, currency="CNY")
    explained = books.run(explain_balance, asking, now=NOW + timedelta(days=1)).items
    assert ("credit_payback", asked.number) in {(a.noun, a.number) for each in explained for a in each.references}
    assert books.balance(BANK) == before + 199_999 + 200_000  # P1 and P3 wait in suspense
    assert books.violations() == ()


def test_what_was_owed_longest_is_paid_back_first(books: Billing) -> None:
    """What the bank did not make is owed anew, from that day on; each programme stands by itself."""
    programme_id, other = overpaid(books), overpaid(books, OTHER_ORDER_ID, "11" * 32)
    paid = approve(books, ask(books, programme_id, 150_000))
    books.run(
        credit_payback.fail_credit_payback,
        FailCreditPayback(credit_payback_id=paid.credit_payback_id, reason="closed"),
        now=NOW + timedelta(days=5),
    )
    (ours,) = (each for each in owed(books) if each.programme_id == programme_id)
    assert (ours.amount, ours.since) == (cny(200_000), NOW)
    approve(books, ask(books, programme_id, 60_000))
    first, second = owed(books)
    assert (first.programme_id, first.amount, first.since) == (other, cny(200_000), NOW)
    assert (second.programme_id, second.amount, second.since) == (programme_id, cny(140_000), NOW + timedelta(days=5))
    approve(books, ask(books, programme_id, 140_000))
    assert [each.programme_id for each in owed(books)] == [other]
    with pytest.raises(AccountOverdrawn):
        ask(books, programme_id, 1)
    assert books.violations() == ()


def test_only_so_much_and_only_there(books: Billing) -> None:
    """No more than is owed, to the authority's own account as it was, by finance alone; authorities see theirs."""
    programme_id = overpaid(books)
    with pytest.raises(AccountOverdrawn):
        ask(books, programme_id, 200_001)
    with pytest.raises(NotFound):
        ask(books, new_id())
    for stranger in (AUTHORITY, REQUESTER, PROVIDER_FINANCE, DISPUTE_OPERATOR):
        with pytest.raises((NotFound, NotAllowed)):
            ask(books, programme_id, 1, stranger)
    for stranger in (REQUESTER, PROVIDER_FINANCE, DISPUTE_OPERATOR):
        with pytest.raises((NotFound, NotAllowed)):
            owed(books, stranger)
    assert ([each.amount for each in owed(books, AUTHORITY)], owed(books, OTHER_AUTHORITY)) == ([cny(200_000)], ())
    asked = ask(books, programme_id)
    for number, refusal in (("6217000000000009", BankAccountChanged), ("", BankAccountUnknown)):
        moved = an_organisation(AUTHORITY_ID, account_number=number)
        books.within(lambda uow, moved=moved: uow.organisations.put(moved))  # type: ignore[misc]
        with pytest.raises(refusal):
            approve(books, asked)
    assert books.balance(voucher_clawback(programme_id)) == 200_000
    assert told(books) == []


def test_what_was_owed_before_it_had_a_least_balance(books: Billing) -> None:
    """It stood in several rows of the account, of which postings from now on look at one."""
    programme_id = overpaid(books)
    account = voucher_clawback(programme_id)
    books.database.change(
        "WITH one AS (DELETE FROM account_balance WHERE account = %s RETURNING *)"
        " INSERT INTO account_balance (account, currency, part, posted_d, posted_c)"
        " SELECT account, currency, apart, 0, posted_c / 2 FROM one, unnest(ARRAY[7, 31]) AS parts (apart)",
        (account,),
    )
    for _ in range(2):
        books.database.change(import_module(f"{MIGRATIONS}.0058_one_row_for_each_claw_back").MERGE)
    assert books.rows("SELECT part, posted_d, posted_c FROM account_balance WHERE account = %s", (account,)) == [
        (0, 0, 200_000)
    ]
    approve(books, ask(books, programme_id))
    assert books.balance(account) == 0
    assert books.violations() == ()


def test_let_go_at_once(books: Billing) -> None:
    """Three that each ask for all of it, let go beside each other, each twice: one goes."""
    programme_id = overpaid(books)
    asked = [ask(books, programme_id) for _ in range(3)]
    answers = together([partial(approve, books, each, actor) for each in asked for actor in (OTHER_FINANCE,) * 2])
    assert len(refusals(answers)) == 5
    assert set(refusals(answers)) <= {"AccountOverdrawn", "WrongState"}
    states = books.rows("SELECT state, count(*) FROM credit_payback GROUP BY 1 ORDER BY 1")
    assert states == [("ordered", 1), ("requested", 2)]
    assert books.balance(voucher_clawback(programme_id)) == 0
    assert books.violations() == ()


def test_what_a_fund_has_not_spent_goes_back(books: Billing) -> None:
    """Never what a voucher is promised or has paid; many asking at once release it once."""
    programme = a_programme(books, rules=some_rules(redeem_to="prefunded"))
    bank(books, ("B1", "in", "50000.00", programme.number))
    voucher = a_voucher(books, programme)
    place(books)
    reserve(books, voucher)

    def release(amount: int, actor: Actor = FINANCE) -> Money:
        wanted = ReleaseProgrammeFunds(programme_id=programme.programme_id, amount=cny(amount))
        return books.run(release_programme_funds, wanted, actor).funded

    with pytest.raises(NotFound):
        release(1, AUTHORITY)
    with pytest.raises(FundsPromised) as refused:
        release(3_000_001)
    assert refused.value.facts["left_minor"] == 3_000_000
    sign(books)
    answers = together([partial(release, 3_000_000)] * 8)
    assert [str(each) for each in answers if not isinstance(each, FundsPromised)] == [str(cny(2_000_000))]
    assert books.balance(f"L:voucher_fund:{programme.programme_id}") == 0
    (seen,) = owed(books)
    assert (seen.programme_id, seen.amount) == (programme.programme_id, cny(3_000_000))
    asked = ask(books, programme.programme_id, 3_000_000)
    approve(books, asked)
    bank(books, ("B2", "out", "30000.00", asked.number))
    assert (owed(books), books.balance(BANK)) == ((), -2_000_000)
    assert books.violations() == ()
