"""What billing keeps of an offering: its class and its published prices."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class ListPrice:
    """In force from *valid_from* until the next one's; minor units of *currency*, with VAT where *includes_tax*."""

    valid_from: datetime
    unit_price: int
    currency: str
    includes_tax: bool


@dataclass(frozen=True)
class OfferingCopy:
    """*instrument_class*: GB/T 32847, empty where the provider states none."""

    offering_id: UUID
    instrument_class: str
    prices: tuple[ListPrice, ...]

    def list_price(self, at: datetime) -> ListPrice | None:
        """The one in force at *at*."""
        in_force = [price for price in self.prices if price.valid_from <= at]
        return max(in_force, key=lambda price: price.valid_from) if in_force else None
