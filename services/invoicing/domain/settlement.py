"""What invoicing keeps of a settlement: which invoice we await for it."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.shared.kernel.money import Money

PartyKind = Literal["provider", "station"]


@dataclass
class SettlementCopy:
    """
    As billing closed it.

    Attributes:
        net: What the invoice must say without tax.
        tax: What it must say as tax; 0 when an ordinary invoice is all-in.
        special_invoice: The party issues special invoices, whose tax we deduct.
        matched_by: The received invoice that says just this; none while it is awaited.
    """

    settlement_id: UUID
    number: str
    party_kind: PartyKind
    party_id: UUID
    net: Money
    tax: Money
    gross: Money
    special_invoice: bool
    matched_by: UUID | None = None
