"""An authority's money that the bank's line does not say enough of: two people say which claim or fund it is for."""

from functools import partial
from uuid import UUID

import pytest

from services.billing.domain.bank_line import NotUndoable, SameHandsResolve
from services.billing.domain.bank_line_part import PartsDiffer
from services.billing.use_cases.bank_line import confirm_bank_line, resolve_bank_line, undo_bank_line
from services.shared.kernel.errors import NotFound, Refused
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.bank_line import (
    BankLinePart,
    BankLineView,
    ConfirmBankLine,
    ResolveBankLine,
    UndoBankLine,
)
from tests.integration.billing.claim_books import approved, bank, done, submit
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import refunded
from tests.integration.billing.test_bank_xml import read
from tests.integration.billing.voucher_books import a_programme
from tests.kit.bank_statement_files import camt053, entry
from tests.kit.fakes_billing import CUSTOMER_ID, FINANCE, OTHER_FINANCE, cny
from tests.kit.fakes_voucher import some_rules
from tests.kit.real_service import together


def the_line(books: Billing) -> UUID:
    ((line,),) = books.rows("SELECT bank_line_id::text FROM bank_line WHERE state = 'suspense'")
    return UUID(str(line))


def say(books: Billing, *parts: tuple[str, UUID | None, int]) -> BankLineView:
    told = tuple(
        BankLinePart.model_validate({"kind": kind, "target_id": target, "amount": cny(amount)})
        for kind, target, amount in parts
    )
    wanted = ResolveBankLine(bank_line_id=the_line(books), parts=told, reason="财政局来函")
    return books.run(partial(resolve_bank_line, alone_max=5_000_000), wanted, FINANCE)


def confirm(books: Billing) -> BankLineView:
    return books.run(confirm_bank_line, ConfirmBankLine(bank_line_id=the_line(books)), OTHER_FINANCE)


def test_a_claim_is_paid_by_a_line_that_does_not_name_it(books: Billing) -> None:
    """Two people say so, at once or again; it is paid once, and not taken back by anybody."""
    claim = approved(books, submit(books, done(books)))
    bank(books, ("B1", "in", "20000.01", "科技创新券资金"))
    proposed = say(books, ("claim", claim.claim_id, 2_000_000), ("interest", None, 1))
    assert (proposed.state, books.told.count("claim.paid.v1")) == ("suspense", 0)
    with pytest.raises(SameHandsResolve):
        books.run(confirm_bank_line, ConfirmBankLine(bank_line_id=proposed.bank_line_id), FINANCE)
    wanted = ConfirmBankLine(bank_line_id=proposed.bank_line_id)
    answers = together([partial(books.run, confirm_bank_line, wanted, OTHER_FINANCE)] * 4)
    assert len([each for each in answers if isinstance(each, Refused)]) == 3
    assert books.rows("SELECT state, paid FROM claim") == [("paid", 2_000_000)]
    assert books.balance("L:suspense:bank") == 0
    assert books.told.count("claim.paid.v1") == 1
    with pytest.raises(NotUndoable):
        books.run(undo_bank_line, UndoBankLine(bank_line_id=proposed.bank_line_id, reason="?"), FINANCE)
    assert books.violations() == ()


def test_what_a_refund_has_left_of_it(books: Billing) -> None:
    """All that was claimed, of which too much is owed back, or what is left; nothing between."""
    claim = approved(books, submit(books, done(books)))
    refunded(books, 2_000_000)
    bank(books, ("B1", "in", "20000.00", "科技创新券资金"))
    say(books, ("claim", claim.claim_id, 2_000_000))
    confirm(books)
    assert books.rows("SELECT state, paid FROM claim") == [("paid", 2_000_000)]
    assert books.balance("L:suspense:bank") == 0
    assert books.violations() == ()


def test_what_it_cannot_be(books: Billing) -> None:
    """Another amount than the claim's, one that is not approved or unknown, a programme that is not funded ahead."""
    claim = submit(books, done(books))
    bank(books, ("B1", "in", "20000.00", "科技创新券资金"))
    programme = a_programme(books, "FP-2")
    for parts, refusal in (
        ([("claim", claim.claim_id, 2_000_000)], PartsDiffer),
        ([("claim", new_id(), 2_000_000)], NotFound),
        ([("claim", None, 2_000_000)], PartsDiffer),
        ([("programme", programme.programme_id, 2_000_000)], PartsDiffer),
        ([("programme", new_id(), 2_000_000)], NotFound),
        ([("claim", claim.claim_id, 1_999_999), ("customer_credit", CUSTOMER_ID, 1)], PartsDiffer),
        ([("claim", claim.claim_id, 1_999_999), ("payment", new_id(), 1)], Refused),
    ):
        with pytest.raises(refusal):
            say(books, *parts)
    approved(books, claim)
    with pytest.raises(PartsDiffer):
        say(books, ("claim", claim.claim_id, 1_999_999), ("interest", None, 1))
    assert books.violations() == ()


def test_a_fund_is_filled_by_hand(books: Billing) -> None:
    programme = a_programme(books, "FP-9", rules=some_rules(redeem_to="prefunded"))
    bank(books, ("B1", "in", "5000.00", "专项资金"))
    say(books, ("programme", programme.programme_id, 500_000))
    confirm(books)
    assert books.balance(f"L:voucher_fund:{programme.programme_id}") == 500_000
    assert books.rows("SELECT funded FROM programme WHERE programme_id = %s", (str(programme.programme_id),)) == [
        (500_000,)
    ]
    assert books.violations() == ()


def test_a_treasury_pays_under_its_own_name(books: Billing) -> None:
    """What names the claim and is its amount is its money, whoever sent it for the authority."""
    claim = approved(books, submit(books, done(books)))
    read(books, camt053(entry("20000.00", reference="B1", text=claim.number, payer="国库支付中心")))
    assert books.rows("SELECT state FROM claim") == [("paid",)]
    assert books.violations() == ()
