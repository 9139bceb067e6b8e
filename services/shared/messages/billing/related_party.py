"""Related parties: what organisations declare of control and shares between them."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Instant, Name, Page, Query, Text, View

RelationKind = Literal["control", "shareholding"]

_STAFF: Grants = {"operator": frozenset({"finance_operator", "contract_operator", "administrator"})}
_ANYONE: Grants = {"self": frozenset({"approver", "customer_finance", "lab_manager", "provider_finance"}), **_STAFF}


class RelationView(View):
    """
    *owner_id* controls *owned_id*, or holds shares of it.

    Attributes:
        withdrawn_at: From then on it is no sign of anything; None while it stands.
    """

    relation_id: UUID
    owner_id: UUID
    owned_id: UUID
    kind: RelationKind
    note: str
    declared_at: Instant
    withdrawn_at: Instant | None
    withdrawal_reason: str


class DeclareRelation(Command):
    """
    An organisation declares that it controls another or is controlled, or that shares are held. → RelationView

    One of the two is the organisation itself; the operating company may write down what it learns.
    """

    wire_name: ClassVar = "billing.declare_relation"
    grants: ClassVar[Grants] = _ANYONE

    owner_id: UUID
    owned_id: UUID
    kind: RelationKind
    note: Text = ""


class WithdrawRelation(Command):
    """
    The operating company has found a declaration mistaken, or no longer true. → RelationView

    It is kept, and what was found by it stays found; nothing new is. Nobody takes back what stands against itself.
    """

    wire_name: ClassVar = "billing.withdraw_relation"
    grants: ClassVar[Grants] = _STAFF

    relation_id: UUID
    reason: Name


class ListRelations(Query):
    """Those in which one's own organisation stands; all for the operating company; newest first. → RelationPage"""

    wire_name: ClassVar = "billing.list_relations"
    grants: ClassVar[Grants] = _ANYONE

    organisation_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class RelationPage(Page):
    items: tuple[RelationView, ...]
