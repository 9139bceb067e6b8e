"""The finance feed: each party's own view of what happened, numbered without gaps. Pull is the truth."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Message, Page, Query, View

_READERS: Grants = {
    "self": frozenset({"customer_finance", "provider_finance", "station_manager", "finance_operator", "administrator"})
}


class FeedEntry(Message):
    """
    Attributes:
        sequence: The view's own, from 1, without gaps; never the log's.
        prev_sequence: What must have come before: where it was not seen, pull.
        event: A CloudEvent with this party's fields only.
    """

    sequence: int
    prev_sequence: int
    event: dict[str, Any]


class ListFeed(Query):
    """Entries of the own view after *after*, oldest first. → FeedPage"""

    wire_name: ClassVar = "notify.list_feed"
    grants: ClassVar[Grants] = _READERS

    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    types: tuple[str, ...] = ()


class FeedPage(Page):
    """*high_watermark*: the last sequence there is."""

    items: tuple[FeedEntry, ...]
    high_watermark: int


class GetFeedEntry(Query):
    """→ FeedEntryView"""

    wire_name: ClassVar = "notify.get_feed_entry"
    grants: ClassVar[Grants] = _READERS

    event_id: UUID


class FeedEntryView(View):
    entry: FeedEntry
