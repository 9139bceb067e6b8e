"""Small enterprises, which are paid by a day."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.messages.base import Instant
from services.shared.messages.billing.small_enterprise import DeclarationState


class SmallEnterpriseToDeclare(Schema):
    is_small: Annotated[bool, Field(description="a micro, small or medium-sized enterprise")]
    since: Annotated[date, Field(description="from this day in Asia/Shanghai on")]


class SmallEnterpriseToDecide(Schema):
    confirmed: bool


class SmallEnterprise(Shown):
    declaration_id: UUID
    organisation_id: UUID
    state: DeclarationState
    is_small: bool
    since: date
    declared_at: Instant
    decided_at: Instant | None


class SmallEnterprisePage(Shown):
    items: tuple[SmallEnterprise, ...]
    next_cursor: str | None


class SmallEnterprisesListed(Listed):
    state: DeclarationState | None = None
