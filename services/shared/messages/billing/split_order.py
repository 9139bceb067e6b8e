"""Split orders (分账单): how the splitting channel shares out what a customer paid."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, View


class SplitReturnView(View):
    """*state*: processing, success, failed; *failure* is the channel's code."""

    refund_id: UUID
    order_id: UUID
    order_number: str
    amount: Money
    state: str
    failure: str


class RetrySplitReturn(Command):
    """Try a return again that failed, once our balance at the channel is enough. → SplitReturnView"""

    wire_name: ClassVar = "billing.retry_split_return"
    grants: ClassVar[Grants] = {"operator": frozenset({"finance_operator"})}

    refund_id: UUID


class RecordChannelNotice(Command):
    """
    A notice of the splitting channel as it came in. Its signature is what lets it in; its content only says what to
    fetch anew. → StripeEventReceipt

    Attributes:
        body: The raw bytes, as text.
        notice_id, timestamp, signature: The headers of Standard Webhooks.
    """

    wire_name: ClassVar = "billing.record_channel_notice"
    grants: ClassVar[Grants] = {"anyone": frozenset()}

    body: Annotated[str, StringConstraints(max_length=1_000_000)]
    notice_id: Annotated[str, StringConstraints(max_length=200)]
    timestamp: Annotated[str, StringConstraints(max_length=20)]
    signature: Annotated[str, StringConstraints(max_length=2_000)]


class _SplitEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    order_id: UUID
    order_number: str
    provider_id: UUID
    amount: Money


class SplitFinished(_SplitEvent):
    """The company has *amount*, its commission with VAT, and the provider the *rest*."""

    wire_name: ClassVar = "split_order.finished.v1"

    rest: Money
    finished_at: Instant


class SplitFailed(_SplitEvent):
    """The provider has all of it, or will, and owes *amount*, the commission. *failure* is a code."""

    wire_name: ClassVar = "split_order.failed.v1"

    failure: str


class SplitReturnFailed(_SplitEvent):
    """*amount* of the commission was to go back to the provider because of a refund, and did not: it is owed it."""

    wire_name: ClassVar = "split_return.failed.v1"

    refund_id: UUID
    failure: str
