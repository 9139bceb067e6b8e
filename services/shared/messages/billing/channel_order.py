"""Orders at the splitting channel: what finance and the provider must hear of the money that it holds."""

from typing import ClassVar
from uuid import UUID

from services.shared.kernel.money import Money
from services.shared.messages.base import Event, Instant


class _ChannelOrderEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    order_id: UUID
    order_number: str
    payment_id: UUID
    provider_id: UUID
    amount: Money
    released_at: Instant


class ChannelOrderReleaseDue(_ChannelOrderEvent):
    """The channel holds *amount* for an order, and gives it to the provider at *released_at* if it is not split."""

    wire_name: ClassVar = "channel_order.release_due.v1"


class ChannelOrderReleased(_ChannelOrderEvent):
    """The channel has given the provider *amount*, which was not split in time; the commission is owed apart."""

    wire_name: ClassVar = "channel_order.released.v1"
