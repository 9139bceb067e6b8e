"""Programmes that pay a part of orders."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from gateway.schemas.base import Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Code, Instant, Name, PositiveMoney
from services.shared.messages.billing.programme import ProgrammeSide, Rules


class ProgrammeVersion(Shown):
    programme_version_id: UUID
    valid_from: Instant
    rules: Rules


class Programme(Shown):
    programme_id: UUID
    number: str
    code: str
    title_zh: str
    title_en: str
    authority_id: UUID
    side: ProgrammeSide
    budget: Money
    committed: Money
    funded: Money
    versions: tuple[ProgrammeVersion, ...]


class ProgrammePage(Shown):
    items: tuple[Programme, ...]
    next_cursor: str | None


class ProgrammeToPublish(Schema):
    code: Code
    title_zh: Name
    title_en: Name
    authority_id: UUID
    side: ProgrammeSide
    budget: PositiveMoney
    valid_from: Instant
    rules: Rules


class FundsToRelease(Schema):
    amount: PositiveMoney


class ProgrammeStatementToImport(Schema):
    until: Annotated[date, Field(description="business day at whose end it says how things stood")]
    csv: Annotated[
        str,
        StringConstraints(min_length=1, max_length=2_000_000),
        Field(description="header: order_number,state,amount,currency,decided_on; state: granted, paid, rejected"),
    ]


class ProgrammeStatement(Shown):
    statement_id: UUID
    programme_id: UUID
    until: date
    lines: int
    repeated: bool
