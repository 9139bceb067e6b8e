"""The splitting channel's orders in memory, with the same refusals as the real ones."""

from collections.abc import Sequence
from copy import deepcopy
from uuid import UUID

from services.billing.domain.channel_order import ChannelOrder
from services.billing.domain.direct_payment import DirectMovement
from services.billing.domain.split_order import SplitOrder, SplitReturn


class FakeDirectMovements:
    def __init__(self) -> None:
        self.held: list[DirectMovement] = []

    def add(self, movement: DirectMovement) -> bool:
        known = {(each.payment_id, each.direction, each.reference) for each in self.held}
        if (movement.payment_id, movement.direction, movement.reference) in known:
            return False
        self.held.append(movement)
        return True


class FakeChannelOrders:
    def __init__(self) -> None:
        self.held: dict[UUID, ChannelOrder] = {}

    def add(self, made: ChannelOrder) -> bool:
        if made.payment_id in self.held:
            return False
        self.held[made.payment_id] = deepcopy(made)
        return True

    def find(self, payment_id: UUID) -> ChannelOrder | None:
        return deepcopy(self.held.get(payment_id))

    def of_order(self, order_id: UUID) -> ChannelOrder | None:
        return deepcopy(next((each for each in self.held.values() if each.order_id == order_id), None))

    def save(self, made: ChannelOrder) -> None:
        self.held[made.payment_id] = deepcopy(made)


class FakeSplitOrders:
    def __init__(self) -> None:
        self.held: dict[UUID, SplitOrder] = {}
        self.returns: dict[UUID, SplitReturn] = {}

    def add(self, made: SplitOrder) -> bool:
        if made.order_id in self.held:
            return False
        self.held[made.order_id] = deepcopy(made)
        return True

    def find(self, order_id: UUID) -> SplitOrder | None:
        return deepcopy(self.held.get(order_id))

    def save(self, made: SplitOrder) -> None:
        self.held[made.order_id] = deepcopy(made)

    def add_return(self, made: SplitReturn) -> bool:
        if made.refund_id in self.returns:
            return False
        self.returns[made.refund_id] = deepcopy(made)
        return True

    def order_of_return(self, refund_id: UUID) -> UUID | None:
        return self.returns[refund_id].order_id if refund_id in self.returns else None

    def find_return(self, refund_id: UUID) -> SplitReturn | None:
        return deepcopy(self.returns.get(refund_id))

    def returns_of(self, order_id: UUID) -> Sequence[SplitReturn]:
        found = [each for each in self.returns.values() if each.order_id == order_id]
        return [deepcopy(each) for each in sorted(found, key=lambda each: each.refund_id)]

    def save_return(self, made: SplitReturn) -> None:
        self.returns[made.refund_id] = deepcopy(made)
