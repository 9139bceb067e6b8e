"""What a programme's authority states: read whole or not at all, by finance, once."""

from datetime import date, timedelta

import pytest

from services.billing.domain.programme_statement import (
    ProgrammeStatementUnreadable,
    StatedGrant,
    read_programme_statement,
)
from services.billing.domain.reconciliation import DayNotBegun
from services.billing.use_cases.programme_statement import import_programme_statement
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.programme_statement import ImportProgrammeStatement
from tests.kit.fakes_billing import DISPUTE_OPERATOR, FINANCE, NOW, FakeBillingUnitOfWork
from tests.kit.fakes_voucher import PROGRAMME_ID, a_programme

UNTIL = date(2026, 11, 23)
HEAD = "order_number,state,amount,currency,decided_on\n"


def test_lines_are_read() -> None:
    text = "\ufeff" + HEAD + "OR-1,paid,20000.00,CNY,2026-11-20\n\nOR-2,rejected,0,CNY,2026-11-23\n"
    assert read_programme_statement(text, UNTIL, "CNY") == (
        StatedGrant("OR-1", "paid", 2_000_000, "CNY", date(2026, 11, 20)),
        StatedGrant("OR-2", "rejected", 0, "CNY", UNTIL),
    )


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "header"),
        ("order_number,state\n", 1, "header"),
        (HEAD + "OR-1,paid,1.00,CNY\n", 2, "columns"),
        (HEAD + "OR 1,paid,1.00,CNY,2026-11-20\n", 2, "order_number"),
        (HEAD + "OR-1,paid,1.00,CNY,2026-11-20\nOR-1,paid,1.00,CNY,2026-11-20\n", 3, "order_number"),
        (HEAD + "OR-1,given,1.00,CNY,2026-11-20\n", 2, "state"),
        (HEAD + "OR-1,paid,1.00,USD,2026-11-20\n", 2, "currency"),
        (HEAD + "OR-1,paid,-1.00,CNY,2026-11-20\n", 2, "amount"),
        (HEAD + "OR-1,paid,1.001,CNY,2026-11-20\n", 2, "amount"),
        (HEAD + "OR-1,paid,1e9,CNY,2026-11-20\n", 2, "amount"),
        (HEAD + "OR-1,granted,0,CNY,2026-11-20\n", 2, "amount"),
        (HEAD + "OR-1,rejected,1.00,CNY,2026-11-20\n", 2, "amount"),
        (HEAD + "OR-1,paid,1.00,CNY,2026-11-31\n", 2, "decided_on"),
        (HEAD + "OR-1,paid,1.00,CNY,2026-11-24\n", 2, "decided_on"),
        (HEAD + 'OR-1,paid,"1.00,CNY,2026-11-20\n', 2, "csv"),
    ],
)
def test_rubbish_is_refused_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(ProgrammeStatementUnreadable) as refused:
        read_programme_statement(text, UNTIL, "CNY")
    assert (refused.value.facts["line"], refused.value.facts["problem"]) == (line, problem)


def test_too_many_lines_are_refused() -> None:
    text = HEAD + "".join(f"OR-{n},paid,1.00,CNY,2026-11-20\n" for n in range(20_001))
    with pytest.raises(ProgrammeStatementUnreadable):
        read_programme_statement(text, UNTIL, "CNY")


def test_who_may_and_for_what() -> None:
    """Finance alone; for a programme that exists; never of a day to come."""
    uow = FakeBillingUnitOfWork()
    wanted = ImportProgrammeStatement(programme_id=new_id(), until=UNTIL, csv=HEAD)
    with pytest.raises(NotAllowed):
        import_programme_statement(wanted, actor=DISPUTE_OPERATOR, uow=uow, now=NOW)
    with pytest.raises(NotFound):
        import_programme_statement(wanted, actor=FINANCE, uow=uow, now=NOW)
    assert not uow.reconciliations.statements


def test_once_and_never_of_a_day_to_come() -> None:
    uow = FakeBillingUnitOfWork()
    uow.programmes.add(a_programme())
    wanted = ImportProgrammeStatement(programme_id=PROGRAMME_ID, until=UNTIL, csv=HEAD)
    later = wanted.model_copy(update={"until": UNTIL + timedelta(days=1)})
    with pytest.raises(DayNotBegun):
        import_programme_statement(later, actor=FINANCE, uow=uow, now=NOW)
    assert not import_programme_statement(wanted, actor=FINANCE, uow=uow, now=NOW).repeated
    assert import_programme_statement(wanted, actor=FINANCE, uow=uow, now=NOW).repeated
    assert len(uow.reconciliations.statements) == 1
