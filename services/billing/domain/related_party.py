"""
Related parties: whether the one who is helped and the one who is paid are the same hands; each sign is a finding.

A finding accuses nobody. What it does (stop, ask a person, nothing) is data of the programme.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.billing.domain.offering import OfferingCopy
from services.billing.domain.organisation import OrganisationCopy
from services.billing.domain.programme import CheckKind, Rules, Severity
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.ids import new_id
from services.shared.kernel.rate import share

RelationKind = Literal["control", "shareholding"]


class RelationWithdrawn(Conflict):
    """It was withdrawn before."""

    code = "billing.relation_withdrawn"


class RelatedToItself(Invalid):
    """An organisation is not declared to be related to itself."""

    code = "billing.related_to_itself"


@dataclass
class DeclaredRelation:
    """*owner_id* controls *owned_id*, or holds shares of it; as declared and withdrawn, by whom and when."""

    owner_id: UUID
    owned_id: UUID
    kind: RelationKind
    declared_by: str
    declared_at: datetime
    note: str
    relation_id: UUID = field(default_factory=new_id)
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawal_reason: str = ""

    def __post_init__(self) -> None:
        """Raises RelatedToItself."""
        if self.owner_id == self.owned_id:
            raise RelatedToItself

    def withdraw(self, reason: str, by: str, now: datetime) -> None:
        """Raises RelationWithdrawn."""
        if self.withdrawn_at is not None:
            raise RelationWithdrawn
        self.withdrawn_at, self.withdrawn_by, self.withdrawal_reason = now, by, reason


@dataclass(frozen=True)
class PricedLine:
    """
    A line of an order.

    Attributes:
        unit_price: Minor units of *currency*, with VAT where *includes_tax*.
        net: Of the whole line, after discount.
    """

    offering_id: UUID | None
    unit_price: int
    currency: str
    includes_tax: bool
    net: int = 0


@dataclass(frozen=True)
class Finding:
    """One sign; *severity*: what it does under the programme's rules."""

    kind: CheckKind
    severity: Severity
    facts: dict[str, int | str]


def findings(
    holder: OrganisationCopy, provider: OrganisationCopy, relations: Iterable[DeclaredRelation],
    lines: Iterable[PricedLine], offerings: Iterable[OfferingCopy], rules: Rules, at: datetime,
) -> tuple[Finding, ...]:  # fmt: skip
    """
    Every sign that *holder* and *provider* are related, or that a price was made up.

    Args:
        holder: Who is helped.
        provider: Who does the work.
        relations: Declared ones in which either stands, and which are not withdrawn.
        lines: Of the order.
        offerings: What is published of the offerings on them.
        rules: Say what a finding does, and how far a price may be above the list.
        at: Instant of the order, for the price list.
    """
    found: list[tuple[CheckKind, dict[str, int | str]]] = []
    if holder.organisation_id == provider.organisation_id:
        found.append(("same_organisation", {}))
    compared: tuple[tuple[CheckKind, str, str], ...] = (
        ("same_credit_code", holder.unified_social_credit_code, provider.unified_social_credit_code),
        ("same_bank_account", holder.account_number, provider.account_number),
        ("same_address", holder.address, provider.address),
        ("same_phone", holder.phone, provider.phone),
    )
    found += [(kind, {"value": mine}) for kind, mine, theirs in compared if mine and _plain(mine) == _plain(theirs)]
    found += _declared(holder.organisation_id, provider.organisation_id, tuple(relations))
    found += _prices(lines, {offering.offering_id: offering for offering in offerings}, rules, at)
    return tuple(Finding(kind, rules.severity(kind), facts) for kind, facts in found)


def controlled(first: UUID, second: UUID, relations: Iterable[DeclaredRelation]) -> bool:
    """Whether one of them controls the other, or a third both, as declared."""
    return any(kind == "declared_control" for kind, _ in _declared(first, second, tuple(relations)))


def repeated_reports(hashes: Iterable[tuple[str, str]], rules: Rules) -> tuple[Finding, ...]:
    """
    The same report file claimed for another order too.

    *hashes*: SHA-256 of a report, number of the other order.
    """
    return tuple(
        Finding("repeated_report", rules.severity("repeated_report"), {"sha256": sha256, "order": number})
        for sha256, number in hashes
    )


def _declared(
    holder: UUID, provider: UUID, relations: tuple[DeclaredRelation, ...]
) -> list[tuple[CheckKind, dict[str, int | str]]]:
    found: list[tuple[CheckKind, dict[str, int | str]]] = []
    pair = {holder, provider}
    owners: dict[UUID, set[UUID]] = {holder: set(), provider: set()}
    for relation in relations:
        if {relation.owner_id, relation.owned_id} == pair:
            kind: CheckKind = "declared_control" if relation.kind == "control" else "declared_shareholder"
            found.append((kind, {"owner": str(relation.owner_id), "owned": str(relation.owned_id)}))
        elif relation.owned_id in owners and relation.kind == "control":
            owners[relation.owned_id].add(relation.owner_id)
    # Two firms of one parent are as related as the parent and its firm.
    common = sorted(str(owner) for owner in owners[holder] & owners[provider]) if holder != provider else []
    found += [("declared_control", {"owner": owner, "owned": "both"}) for owner in common]
    return found


def _prices(
    lines: Iterable[PricedLine], offerings: dict[UUID, OfferingCopy], rules: Rules, at: datetime
) -> list[tuple[CheckKind, dict[str, int | str]]]:
    found: list[tuple[CheckKind, dict[str, int | str]]] = []
    for line in lines:
        offering = offerings.get(line.offering_id) if line.offering_id is not None else None
        listed = offering.list_price(at) if offering is not None else None
        comparable = listed is not None and (listed.currency, listed.includes_tax) == (line.currency, line.includes_tax)
        if listed is None or not comparable:
            continue
        most = listed.unit_price + share(listed.unit_price, rules.price_tolerance_bps)
        if line.unit_price > most:
            found.append(("price_above_list", {"listed": listed.unit_price, "asked": line.unit_price}))
    return found


def _plain(text: str) -> str:
    """Full width and half width, capitals and spaces make no difference."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
