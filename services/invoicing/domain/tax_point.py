"""A tax point: VAT on this much is due from this instant, whatever the settlement does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.shared.kernel.money import Money


@dataclass(frozen=True)
class TaxPoint:
    """At most one of a *cause* for an order. *reached_at*: business time of the cause itself."""

    tax_point_id: UUID
    order_id: UUID
    cause: Literal["acceptance"]
    net: Money
    tax: Money
    tax_rate_bps: int
    reached_at: datetime
