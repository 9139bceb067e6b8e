"""Statements of programmes: what the authority says it has granted and paid."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, View
from services.shared.messages.billing.commission_plan import FINANCE


class ProgrammeStatementView(View):
    """*lines*: how many it has; *repeated*: the same file was read for this day before."""

    statement_id: UUID
    programme_id: UUID
    until: date
    lines: int
    repeated: bool


class ImportProgrammeStatement(Command):
    """
    How things stood at the end of the business day *until* by the authority: CSV with the header
    `order_number,state,amount,currency,decided_on`. → ProgrammeStatementView
    """

    wire_name: ClassVar = "billing.import_programme_statement"
    grants: ClassVar[Grants] = FINANCE

    programme_id: UUID
    until: date
    csv: Annotated[str, StringConstraints(min_length=1, max_length=2_000_000)]
