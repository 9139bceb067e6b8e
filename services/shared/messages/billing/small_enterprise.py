"""Small enterprises: declared by a party, confirmed by the company's staff; they are paid by a day."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Instant, Page, Query, View
from services.shared.messages.billing.commission_plan import FINANCE

DeclarationState = Literal["declared", "confirmed", "refused"]

_PARTIES: Grants = {"self": frozenset({"provider_finance", "lab_manager", "station_manager"})}


class SmallEnterpriseView(View):
    """*is_small*: a micro, small or medium-sized enterprise, from the day *since* (Asia/Shanghai) on."""

    declaration_id: UUID
    organisation_id: UUID
    state: DeclarationState
    is_small: bool
    since: date
    declared_at: Instant
    decided_at: Instant | None


class DeclareSmallEnterprise(Command):
    """A provider or station says how large it is, of itself. → SmallEnterpriseView"""

    wire_name: ClassVar = "billing.declare_small_enterprise"
    grants: ClassVar[Grants] = _PARTIES

    is_small: bool
    since: date


class DecideSmallEnterprise(Command):
    """The company's staff has looked it up: confirmed, or refused. → SmallEnterpriseView"""

    wire_name: ClassVar = "billing.decide_small_enterprise"
    grants: ClassVar[Grants] = FINANCE

    declaration_id: UUID
    confirmed: bool


class ListSmallEnterprises(Query):
    """A party's own; all for the operating company's finance; newest first. → SmallEnterprisePage"""

    wire_name: ClassVar = "billing.list_small_enterprises"
    grants: ClassVar[Grants] = {**_PARTIES, **FINANCE}

    state: DeclarationState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class SmallEnterprisePage(Page):
    items: tuple[SmallEnterpriseView, ...]
