"""Related parties in public."""

from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.messages.base import Instant, Name, Text
from services.shared.messages.billing.related_party import RelationKind


class RelationToDeclare(Schema):
    owner_id: UUID
    owned_id: UUID
    kind: RelationKind
    note: Text = ""


class RelationToWithdraw(Schema):
    reason: Name


class Relation(Shown):
    relation_id: UUID
    owner_id: UUID
    owned_id: UUID
    kind: RelationKind
    note: str
    declared_at: Instant
    withdrawn_at: Instant | None
    withdrawal_reason: str


class RelationsListed(Listed):
    organisation_id: UUID | None = None


class RelationPage(Shown):
    items: tuple[Relation, ...]
    next_cursor: str | None
