"""What notify keeps of orders and settlements: who is who in events that only name their id."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class OrderCopy:
    order_id: UUID
    number: str
    customer_id: UUID
    provider_id: UUID


@dataclass(frozen=True)
class SettlementCopy:
    """*party_kind*: provider or station."""

    settlement_id: UUID
    number: str
    party_kind: str
    party_id: UUID
