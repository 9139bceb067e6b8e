"""
What of the books a check of `invariants.py` reads: all of it, or what came after a point that was checked as a whole.

A check that would read all there ever was has one of these in place of a bound:

    seq > $after       transactions and their entries
    order_id $moved    orders of which anything was booked or is to be booked since, or was invoiced
    $announced         from when on the log tells of these transactions (wall time)
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Template

from sqlalchemy import Connection

BEFORE_ALL = -(2**62)

RECENT_FOR = timedelta(hours=25)
"""More than a day, so that what is posted while the daily check runs is in the next one or still recent."""

_MOVED = """IN (
  SELECT order_id FROM ledger_tx WHERE seq > $after AND order_id IS NOT NULL
  UNION SELECT order_id FROM contracted_order WHERE accepted_at >= '$at'
  UNION SELECT order_id FROM invoice_copy WHERE issued_at >= '$at'
  UNION SELECT order_id FROM refund WHERE agreed_at >= '$at'
  UNION SELECT order_id FROM split_order WHERE finished_at >= '$at'
  UNION SELECT order_id FROM split_return WHERE succeeded_at >= '$at')"""

_POINT = """
SELECT b.last_seq, b.sealed_at,
       (SELECT max(until) FROM ledger_period) AS closed_until,
       -- Posted at a business time, logged at a wall time; nobody's clock is an hour off.
       coalesce((SELECT min(posted_at) FROM ledger_tx WHERE seq > b.last_seq), b.sealed_at)
         - make_interval(secs => c.offset_s) - interval '1 hour' AS announced
FROM ledger_block b, clock c WHERE b.sealed_at <= %s ORDER BY b.number DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Point:
    """
    Attributes:
        last_seq: No transaction with a number up to here can come any more: it ends a sealed block.
        sealed_at: When that block was sealed, business time.
        closed_until: The end of the last closed month, or none.
        announced: Wall time; what is posted after the block is logged after this.
    """

    last_seq: int
    sealed_at: datetime
    closed_until: datetime | None
    announced: datetime


def recent(connection: Connection, now: datetime) -> Point | None:
    """The end of the last block that was sealed `RECENT_FOR` before *now*, or none where everything is younger."""
    row = connection.exec_driver_sql(_POINT, (now - RECENT_FOR,)).one_or_none()
    return Point(*row) if row is not None else None


def bounded(statement: str, point: Point | None = None) -> str:
    """*statement* over what came after *point*; over everything where there is none."""
    if point is None:
        return Template(statement).substitute(
            after=BEFORE_ALL, moved="IS NOT NULL", announced="-infinity", closed="-infinity"
        )
    return Template(statement).substitute(
        after=point.last_seq,
        moved=Template(_MOVED).substitute(after=point.last_seq, at=point.sealed_at.isoformat()),
        announced=point.announced.isoformat(),
        closed=point.closed_until.isoformat() if point.closed_until else "-infinity",
    )
