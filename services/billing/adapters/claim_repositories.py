"""Rows ⇄ claims and the evidence for them."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import voucher_tables as tables
from services.billing.adapters.voucher_repositories import values_of
from services.billing.domain.claim import Claim, Evidence
from services.billing.domain.voucher import OrderAlreadyClaimed
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound

_CLAIM = TypeAdapter(Claim)

REPEATED = text("""
SELECT DISTINCT mine.sha256, other_use.order_number
FROM order_evidence mine
JOIN order_evidence other ON other.sha256 = mine.sha256 AND other.kind = 'report' AND other.order_id <> mine.order_id
JOIN voucher_use other_use ON other_use.order_id = other.order_id AND other_use.state IN ('claimed', 'redeemed')
WHERE mine.order_id = :order_id AND mine.kind = 'report' AND mine.sha256 <> ''
ORDER BY 1, 2 LIMIT 20
""")


class SqlClaims:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, claim: Claim) -> None:
        number = text("next_number('VC', :at)").bindparams(at=claim.submitted_at)
        added = self.connection.execute(
            insert(tables.claim)
            .values(values_of(claim, tables.claim) | {"number": number})
            .on_conflict_do_nothing()
            .returning(tables.claim.c.number)
        ).scalar_one_or_none()
        if added is None:
            raise OrderAlreadyClaimed
        claim.number = added

    def find(self, claim_id: UUID) -> Claim | None:
        table = tables.claim
        row = self.connection.execute(select(table).where(table.c.claim_id == claim_id)).one_or_none()
        return claim_of(row) if row is not None else None

    def get(self, claim_id: UUID) -> Claim:
        table = tables.claim
        row = self.connection.execute(select(table).where(table.c.claim_id == claim_id).with_for_update()).one_or_none()
        if row is None:
            raise NotFound
        return claim_of(row)

    def by_numbers(self, numbers: Iterable[str]) -> Sequence[Claim]:
        wanted = list(numbers)
        if not wanted:
            return []
        table, uses = tables.claim, tables.voucher_use
        named = select(table.c.use_id).where(table.c.number.in_(wanted))
        self.connection.execute(
            select(uses.c.use_id).where(uses.c.use_id.in_(named)).order_by(uses.c.use_id).with_for_update()
        )
        rows = self.connection.execute(
            select(table).where(table.c.number.in_(wanted)).order_by(table.c.claim_id).with_for_update()
        )
        return [claim_of(row) for row in rows]

    def save(self, claim: Claim) -> None:
        save_versioned(self.connection, tables.claim, {"claim_id": claim.claim_id}, values_of(claim, tables.claim))
        claim.version += 1


class SqlEvidence:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, order_id: UUID, evidence: Evidence) -> None:
        self.connection.execute(
            insert(tables.order_evidence).values(order_id=order_id, **vars(evidence)).on_conflict_do_nothing()
        )

    def of(self, order_id: UUID) -> Sequence[Evidence]:
        table = tables.order_evidence
        rows = self.connection.execute(
            select(table).where(table.c.order_id == order_id).order_by(table.c.at, table.c.kind, table.c.reference)
        )
        return [Evidence(row.kind, row.reference, row.number, row.sha256, row.at) for row in rows]

    def reports_claimed_elsewhere(self, order_id: UUID) -> Sequence[tuple[str, str]]:
        return [(row[0], row[1]) for row in self.connection.execute(REPEATED, {"order_id": order_id})]


def claim_of(row: Any) -> Claim:
    return _CLAIM.validate_python({name: value for name, value in row._mapping.items() if name in tables.claim.c})
