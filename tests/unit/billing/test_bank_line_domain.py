"""When two files of the bank tell of the same line, and when of two."""

from collections.abc import Callable

import pytest

from services.billing.domain.bank_line import LineContradicts
from services.billing.domain.ledger import BANK, SUSPENSE
from services.shared.messages.billing.bank_statement import BankStatementView
from tests.kit.bank_statement_files import batch, camt053, camt054, entry
from tests.kit.fakes_billing import FakeBillingUnitOfWork
from tests.unit.billing.test_bank_xml import taken

Files = Callable[..., bytes]
BOTH_WAYS = pytest.mark.parametrize(("first", "second"), [(camt053, camt054), (camt054, camt053)])


def counts(view: BankStatementView) -> tuple[int, int]:
    """New lines and known ones."""
    return view.matched + view.suspense, view.repeated


@BOTH_WAYS
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (entry("5.00", reference="B1", text="a"), entry("5.00", reference="B1", text="cut")),
        (entry("5.00", reference="B1", own="T1"), entry("5.00", reference="T1")),
        (entry("5.00", reference="B1", own="T1"), entry("5.00", reference="B2", own="T1")),
        (entry("5.00", reference="B1", end_to_end="E1"), entry("5.00", end_to_end="E1", text="more")),
        (entry("5.00", end_to_end="E1"), entry("5.00", end_to_end="E1", text="more")),
        (entry("5.00", text="rent", payer="A"), entry("5.00", text="rent", payer="A")),
        (entry("5.00", text="PO-2026-000001"), entry("5.00", text="cut PO2026000001")),
    ],
)
def test_told_by_a_notification_and_a_statement(first: Files, second: Files, one: str, other: str) -> None:
    """One line, whichever comes first, by any reference of the bank, the payer's, or what it says."""
    uow = FakeBillingUnitOfWork()
    assert counts(taken(uow, first(one))) == (1, 0)
    assert counts(taken(uow, second(other))) == (0, 1)
    assert uow.ledger.balance(BANK) == -500


def test_a_reference_learned_from_the_notification_holds() -> None:
    """What joins two files joins the third that knows only the other's reference."""
    uow = FakeBillingUnitOfWork()
    taken(uow, camt054(entry("5.00", reference="N1", end_to_end="E1")))
    taken(uow, camt053(entry("5.00", own="S1", end_to_end="E1")))
    taken(uow, camt053(entry("5.00", reference="N1", own="S1")))
    assert counts(taken(uow, camt053(entry("5.00", reference="S1"), entry("1.00")))) == (1, 1)


@BOTH_WAYS
def test_two_of_the_banks_references_are_two_lines(first: Files, second: Files) -> None:
    """Lines that say the same and have each its own reference of the bank are two."""
    uow = FakeBillingUnitOfWork()
    taken(uow, first(entry("5.00", reference="B1", end_to_end="E1")))
    assert counts(taken(uow, second(entry("5.00", reference="B2", end_to_end="E1")))) == (1, 0)


def test_identical_lines_in_two_files_of_one_kind_are_two() -> None:
    """Without any reference: two in two files of a day, one when the file comes again, no more by the other kind."""
    uow = FakeBillingUnitOfWork()
    morning, evening = camt053(entry("5.00")), camt053(entry("5.00"), entry("1.00"))
    assert counts(taken(uow, morning)) == (1, 0)
    again = taken(uow, morning)
    assert (counts(again), again.file_repeated) == ((0, 1), True)
    assert counts(taken(uow, evening)) == (2, 0)
    assert counts(taken(uow, camt054(entry("5.00"), entry("5.00")))) == (0, 2)
    assert counts(taken(uow, camt054(entry("5.00"), entry("1.00")))) == (1, 1)
    assert uow.ledger.balance(SUSPENSE) == 1_600


def test_alike_on_another_day_is_another() -> None:
    """A standing transfer of every day is a line a day."""
    uow = FakeBillingUnitOfWork()
    taken(uow, camt054(entry("5.00", end_to_end="E1")))
    next_day = camt053(entry("5.00", end_to_end="E1")).replace(b"2026-11-23", b"2026-11-24")
    assert counts(taken(uow, next_day)) == (1, 0)


@BOTH_WAYS
def test_a_batch_as_one_and_in_parts(first: Files, second: Files) -> None:
    """The money of a batch is booked once, whichever file says what it is made of."""
    uow = FakeBillingUnitOfWork()
    parts = batch("30.00", ("10.00", "a"), ("20.00", "b"), reference="B1")
    taken(uow, first(entry("30.00", reference="B1")))
    taken(uow, second(parts))
    assert uow.ledger.balance(BANK) == -3_000
    other = FakeBillingUnitOfWork()
    taken(other, first(parts))
    assert counts(taken(other, second(entry("30.00", reference="B1")))) == (0, 2)
    assert other.ledger.balance(BANK) == -3_000
    with pytest.raises(LineContradicts):
        taken(other, second(entry("31.00", reference="B1")))


@pytest.mark.parametrize("reference", ["B1", ""])
def test_announced_and_then_booked(reference: str) -> None:
    """Announced any number of times it moves nothing; booked it is booked once, and stays so."""
    uow = FakeBillingUnitOfWork()
    announced = entry("5.00", reference=reference, text="x", status="PDNG")
    for file in (camt054(announced), camt053(announced), camt053(announced, entry("1.00"))):
        taken(uow, file)
    assert uow.ledger.balance(BANK) == -100
    booked = entry("5.00", reference=reference, text="x").replace("2026-11-23", "2026-11-25")
    view = taken(uow, camt053(booked))
    assert (view.suspense, [line.state for line in view.lines]) == (1, ["suspense"])
    taken(uow, camt054(booked))
    late = taken(uow, camt054(announced, entry("2.00")))
    assert late.lines[0].state == ("suspense" if reference else "announced")
    assert uow.ledger.balance(BANK) == -800


def test_announced_as_one_and_booked_in_parts() -> None:
    """The announcement is withdrawn, the parts are booked."""
    uow = FakeBillingUnitOfWork()
    taken(uow, camt054(entry("30.00", reference="B1", status="PDNG")))
    view = taken(uow, camt053(batch("30.00", ("10.00", "a"), ("20.00", "b"), reference="B1")))
    assert [line.amount.amount for line in view.lines] == [1_000, 2_000]
    assert uow.ledger.balance(BANK) == -3_000
    assert sorted(line.state for line in uow.bank_lines.held.values()) == ["suspense", "suspense", "withdrawn"]


def test_a_reference_that_a_whole_batch_shares_names_none() -> None:
    """Transactions of different entries under one reference of the clearing stay apart."""
    uow = FakeBillingUnitOfWork()
    assert counts(taken(uow, camt054(entry("5.00", own="S"), entry("6.00", own="S"), entry("5.00", own="S")))) == (3, 0)
