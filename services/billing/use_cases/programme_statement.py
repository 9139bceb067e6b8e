"""Statements of programmes: taken as the authority gives them; reconciliation sets them beside claims and vouchers."""

from datetime import datetime
from hashlib import sha256

from services.billing.domain.programme_statement import ProgrammeStatement, read_programme_statement
from services.billing.domain.reconciliation import DayNotBegun
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.times import business_date
from services.shared.messages.billing.programme_statement import ImportProgrammeStatement, ProgrammeStatementView


def import_programme_statement(
    command: ImportProgrammeStatement, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ProgrammeStatementView:
    """
    Keep what a programme's authority states; the same file for the same day again changes nothing.

    Raises:
        NotFound: There is no such programme.
        DayNotBegun: It is of a day to come.
        ProgrammeStatementUnreadable: Nothing of it is taken.
    """
    require(actor, command.grants, {})
    programme = uow.programmes.find(command.programme_id)
    if programme is None:
        raise NotFound
    if command.until > business_date(now):
        raise DayNotBegun(day=command.until.isoformat())
    digest = sha256(command.csv.encode()).hexdigest()
    statement = ProgrammeStatement(
        statement_id=derived_id("programme_statement", command.programme_id, command.until.isoformat(), digest),
        programme_id=command.programme_id,
        until=command.until,
        sha256=digest,
        lines=read_programme_statement(command.csv, command.until, programme.currency),
    )
    fresh = uow.reconciliations.keep_statement(statement, hand_of(actor), now)
    return ProgrammeStatementView(
        statement_id=statement.statement_id,
        programme_id=statement.programme_id,
        until=statement.until,
        lines=len(statement.lines),
        repeated=not fresh,
    )
