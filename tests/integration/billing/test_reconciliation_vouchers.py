"""What a programme's authority states beside claims and vouchers."""

from datetime import date, timedelta
from uuid import UUID

from services.billing.use_cases import reconciliation
from services.billing.use_cases.programme_statement import import_programme_statement
from services.shared.kernel.times import business_date
from services.shared.messages.billing.programme_statement import ImportProgrammeStatement, ProgrammeStatementView
from services.shared.messages.billing.reconciliation import ReconciliationView, StartReconciliation
from tests.integration.billing.claim_books import approved, bank, done, submit
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_credit_paybacks import approve
from tests.integration.billing.test_programme_paybacks import ask, overpaid
from tests.integration.billing.test_reconciliation_bank import items
from tests.integration.billing.voucher_books import a_programme, a_voucher, place, reserve, sign
from tests.kit.fakes_billing import FINANCE, NOW
from tests.kit.fakes_voucher import some_rules
from tests.kit.real_service import together

TODAY = business_date(NOW)
LATER = NOW + timedelta(hours=8)


def state(
    books: Billing, programme_id: UUID, *lines: str, until: date = TODAY, minute: int = 0
) -> ProgrammeStatementView:
    csv = "\n".join(["order_number,state,amount,currency,decided_on", *lines])
    wanted = ImportProgrammeStatement(programme_id=programme_id, until=until, csv=csv)
    return books.run(import_programme_statement, wanted, now=LATER + timedelta(minutes=minute))


def reconcile(books: Billing, day: date = TODAY) -> ReconciliationView:
    command = StartReconciliation(source="vouchers", day=day)
    return books.within(
        lambda uow: reconciliation.start_reconciliation(
            command, actor=FINANCE, uow=uow, now=LATER, overdue_after=timedelta(days=3)
        ),
        LATER,
    )  # fmt: skip


def found(books: Billing, run: ReconciliationView) -> set[tuple[str, str, int | None, int | None]]:
    return {(each.reference.rpartition("/")[2], each.state, each.ours, each.theirs) for each in items(books, run)}


def test_a_claim_through_its_life(books: Billing) -> None:
    """Granted with us alone; there with another amount; paid there before the money is here; in order."""
    claim = submit(books, done(books))
    ((number,),) = books.rows("SELECT order_number FROM claim")
    approved(books, claim)
    assert reconcile(books).matched == 0, "of a programme that states nothing nothing is compared"
    state(books, claim.programme_id)
    assert found(books, reconcile(books)) == {("granted", "ours_only", 2_000_000, None)}
    state(books, claim.programme_id, f"{number},granted,19000.00,CNY,{TODAY}", minute=1)
    assert found(books, reconcile(books)) == {("granted", "amount_differs", 2_000_000, 1_900_000)}
    state(books, claim.programme_id, f"{number},paid,20000.00,CNY,{TODAY}", minute=2)
    run = reconcile(books)
    assert (run.matched, found(books, run)) == (1, {("paid", "theirs_only", None, 2_000_000)})
    bank(books, ("B1", "in", "20000.00", claim.number))
    run = reconcile(books)
    assert (run.matched, found(books, run)) == (2, set())


def test_what_the_authority_alone_knows_or_rejects(books: Billing) -> None:
    claim = submit(books, done(books))
    ((number,),) = books.rows("SELECT order_number FROM claim")
    approved(books, claim)
    state(books, claim.programme_id, f"{number},rejected,0,CNY,{TODAY}", f"OR-0,granted,5.00,CNY,{TODAY}")
    assert found(books, reconcile(books)) == {
        ("granted", "ours_only", 2_000_000, None), ("granted", "theirs_only", None, 500),
    }  # fmt: skip


def test_a_fund_paid_ahead(books: Billing) -> None:
    """A voucher of it is granted when it is used; there is no claim."""
    programme = a_programme(books, rules=some_rules(redeem_to="prefunded"))
    bank(books, ("B1", "in", "500000.00", programme.number))
    voucher = a_voucher(books, programme)
    place(books)
    reserve(books, voucher)
    sign(books)
    ((number,),) = books.rows("SELECT order_number FROM voucher_use")
    state(books, programme.programme_id, f"{number},granted,20000.00,CNY,{TODAY}")
    run = reconcile(books)
    assert (run.matched, found(books, run)) == (1, set())


def test_what_was_paid_too_much_and_given_back(books: Billing) -> None:
    """It may state the 20,000.00 that it paid, or the 18,000.00 that are left of them, once the rest is given back."""
    programme_id = overpaid(books)
    ((number,),) = books.rows("SELECT order_number FROM claim")
    state(books, programme_id, f"{number},paid,18000.00,CNY,{TODAY}")
    differ = {(part, "amount_differs", 2_000_000, 1_800_000) for part in ("granted", "paid")}
    assert found(books, reconcile(books)) == differ
    approve(books, ask(books, programme_id))
    run = reconcile(books)
    assert (run.matched, found(books, run)) == (2, set())
    state(books, programme_id, f"{number},paid,20000.00,CNY,{TODAY}", minute=1)
    assert reconcile(books).matched == 2
    state(books, programme_id, f"{number},paid,19000.00,CNY,{TODAY}", minute=2)
    assert len(found(books, reconcile(books))) == 2


def test_the_newest_statement_counts_and_one_file_is_kept_once(books: Billing) -> None:
    """Of the day it is of; a day before its first statement has nothing to compare; twenty who bring it keep one."""
    claim = submit(books, done(books))
    ((number,),) = books.rows("SELECT order_number FROM claim")
    approved(books, claim)
    line = f"{number},granted,20000.00,CNY,{TODAY}"
    views = together([lambda: state(books, claim.programme_id, line)] * 20)
    assert sorted(view.repeated for view in views if isinstance(view, ProgrammeStatementView)) == [False] + [True] * 19
    state(books, claim.programme_id, until=TODAY - timedelta(days=1))
    assert reconcile(books).matched == 1
    run = reconcile(books, TODAY - timedelta(days=1))
    assert (run.matched, found(books, run)) == (0, set())
