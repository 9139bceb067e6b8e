"""A shipment: samples of one order that travel together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.orders.domain.sample import Sample
from services.shared.kernel.lifecycle import Lifecycle

ShipmentState = Literal["prepared", "dispatched", "delivered", "returned", "lost"]

LIFECYCLE: Lifecycle[ShipmentState] = Lifecycle("shipment", {"deliver": {"dispatched": "delivered"}})


@dataclass
class Shipment:
    """*sample_ids*: what is in it."""

    shipment_id: UUID
    number: str
    order_id: UUID
    state: ShipmentState
    carrier: str
    tracking_number: str
    dispatched_at: datetime
    sample_ids: tuple[UUID, ...]

    def arrived(self, samples: Iterable[Sample]) -> bool:
        """Whether none of its *samples* is still on its way; then it is delivered."""
        under_way = {sample.sample_id for sample in samples if sample.state == "in_transit"}
        if self.state != "dispatched" or under_way & set(self.sample_ids):
            return False
        self.state = LIFECYCLE.after("deliver", self.state)
        return True
