"""Related parties: what organisations declare of control and shares between them."""

from typing import ClassVar, Literal
from uuid import UUID

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Instant, Text, View

RelationKind = Literal["control", "shareholding"]


class RelationView(View):
    """*owner_id* controls *owned_id*, or holds shares of it."""

    owner_id: UUID
    owned_id: UUID
    kind: RelationKind
    declared_at: Instant


class DeclareRelation(Command):
    """
    An organisation declares that it controls another or is controlled, or that shares are held. → RelationView

    One of the two is the organisation itself; the operating company may write down what it learns. A declaration is
    kept: who is no longer related has been.
    """

    wire_name: ClassVar = "billing.declare_relation"
    grants: ClassVar[Grants] = {
        "self": frozenset({"approver", "customer_finance", "lab_manager", "provider_finance"}),
        "operator": frozenset({"finance_operator", "contract_operator", "administrator"}),
    }

    owner_id: UUID
    owned_id: UUID
    kind: RelationKind
    note: Text = ""
