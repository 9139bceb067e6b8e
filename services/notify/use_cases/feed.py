"""Appending events to the views of the finance feed."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.domain.feed import entries_for
from services.notify.use_cases.ports import FeedRow, NotifyUnitOfWork
from services.notify.use_cases.webhook_endpoint import SEND_WEBHOOKS
from services.shared.kernel.times import rfc3339
from services.shared.messages.base import Event
from services.shared.messages.registry import TYPE_PREFIX


def append(event: Event, *, uow: NotifyUnitOfWork, now: datetime) -> None:
    """*event* as the next entry of each view that it belongs to; a second time it changes nothing."""
    event_id = UUID(uow.cause.causation_id)
    entries = entries_for(event.wire_name, event.model_dump(mode="json"))
    numbers = uow.feed.number(tuple(entries), event_id)
    rows = [
        FeedRow(
            view=view,
            sequence=sequence,
            event_id=event_id,
            type=event.wire_name,
            body=cloud_event(event, event_id, sequence, entries[view], uow.cause.occurred_at or now),
            created_at=now,
        )
        for view, sequence in numbers.items()
    ]
    if not rows:
        return
    for endpoint_id in uow.feed.add(rows):
        uow.set_timer(SEND_WEBHOOKS, endpoint_id, now)


def cloud_event(event: Event, event_id: UUID, sequence: int, data: Mapping[str, Any], time: datetime) -> bytes:
    """
    The entry's bytes: the source's id and time, the party's fields, the view's own sequence.

    Nothing of who caused it or of what led to it: that is nobody's affair outside.
    """
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(event_id),
            "source": f"/services/{event.source}",
            "type": TYPE_PREFIX + event.wire_name,
            "subject": event.subject,
            "time": rfc3339(time),
            "datacontenttype": "application/json",
            "sequence": f"{sequence:020d}",
            "data": data,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
