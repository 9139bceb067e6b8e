"""What billing's use cases need of the splitting channel's orders."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from services.billing.domain.channel_order import ChannelOrder
from services.billing.domain.direct_payment import DirectMovement
from services.billing.domain.split_order import SplitOrder, SplitReturn


class ChannelOrders(Protocol):
    def add(self, made: ChannelOrder) -> bool:
        """Store it. Returns False when it was there already."""

    def find(self, payment_id: UUID) -> ChannelOrder | None:
        """Locked."""

    def of_order(self, order_id: UUID) -> ChannelOrder | None:
        """The one of an order, locked."""

    def save(self, made: ChannelOrder) -> None: ...


class DirectMovements(Protocol):
    def add(self, movement: DirectMovement) -> bool:
        """Store it for ever. Returns False when this reference was confirmed for its payment and direction already."""


class SplitOrders(Protocol):
    def add(self, made: SplitOrder) -> bool:
        """Store it. Returns False when its order has one already."""

    def find(self, order_id: UUID) -> SplitOrder | None:
        """Locked."""

    def save(self, made: SplitOrder) -> None: ...

    def add_return(self, made: SplitReturn) -> bool:
        """Store it. Returns False when its refund has one already."""

    def order_of_return(self, refund_id: UUID) -> UUID | None:
        """Not locked: it never changes."""

    def find_return(self, refund_id: UUID) -> SplitReturn | None:
        """Locked."""

    def returns_of(self, order_id: UUID) -> Sequence[SplitReturn]:
        """In the order of their refunds' ids, locked."""

    def save_return(self, made: SplitReturn) -> None: ...
