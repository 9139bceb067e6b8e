"""The feed's rows: numbered, appended, and handed to webhooks in two round trips for one event."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from services.notify.use_cases.ports import FeedRow

# Rows are taken in the order given, the operator's view first: see domain/feed.py.
NUMBER = """
INSERT INTO feed_view (view, last_sequence)
SELECT wanted.view, 1 FROM unnest(%s::text[]) WITH ORDINALITY AS wanted (view, place)
WHERE NOT EXISTS (SELECT 1 FROM feed_entry e WHERE e.view = wanted.view AND e.event_id = %s)
ORDER BY wanted.place
ON CONFLICT (view) DO UPDATE SET last_sequence = feed_view.last_sequence + 1
RETURNING view, last_sequence
"""

ADD = """
WITH added AS (
  INSERT INTO feed_entry (view, sequence, event_id, type, body, created_at) VALUES {rows}
  RETURNING view, sequence, event_id, type, created_at
)
INSERT INTO webhook_delivery (delivery_id, webhook_endpoint_id, view, sequence, event_id, created_at, state,
                              attempts, last_problem, next_attempt_at)
SELECT gen_random_uuid(), w.webhook_endpoint_id, a.view, a.sequence, a.event_id, a.created_at, 'pending', 0, '',
       a.created_at
FROM added a
JOIN webhook_endpoint w ON w.view = a.view AND w.state = 'enabled' AND (w.types = '{{}}' OR a.type = ANY (w.types))
RETURNING webhook_endpoint_id
"""


class SqlFeed:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def number(self, views: Sequence[str], event_id: UUID) -> dict[str, int]:
        rows = self.connection.exec_driver_sql(NUMBER, (list(views), str(event_id)))
        found = {row.view: row.last_sequence for row in rows}
        return {view: found[view] for view in views if view in found}

    def add(self, rows: Sequence[FeedRow]) -> list[UUID]:
        statement = ADD.format(rows=",".join(["(%s,%s,%s,%s,%s,%s)"] * len(rows)))
        parameters: list[object] = []
        for row in rows:
            parameters += (row.view, row.sequence, str(row.event_id), row.type, row.body, row.created_at)
        found = self.connection.exec_driver_sql(statement, tuple(parameters))
        return sorted({UUID(str(each)) for each in found.scalars()})
