"""The ledger's hash chain in PostgreSQL: what is final is sealed, and all of it is recomputed on demand."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from services.billing.domain.ledger_block import SEALED_AT_ONCE_MAX, Block, Recorded, seal

SEALER_LOCK = 7_460_002

CONTENT = """
SELECT t.seq, t.transaction_id::text, t.idem_key, encode(t.request_hash, 'hex'), t.kind, t.order_id::text,
       t.order_number, t.cause, extract(epoch FROM t.effective_at)::text, extract(epoch FROM t.business_at)::text,
       extract(epoch FROM t.posted_at)::text, t.reverses_id::text, e.entries, e.agree
FROM ledger_tx t LEFT JOIN LATERAL (
  SELECT json_agg(json_build_array(line, account, side, amount, currency) ORDER BY line) AS entries,
         bool_and(transaction_id = t.transaction_id AND effective_at = t.effective_at AND posted_at = t.posted_at)
           AS agree
  FROM ledger_entry WHERE seq = t.seq) AS e ON true
WHERE t.seq > %s AND t.seq <= %s ORDER BY t.seq LIMIT %s
"""
"""Everything that a transaction says, with its entries."""

BLOCKS = "SELECT number, last_seq, seqs, digests, hash FROM ledger_block"

ANNOUNCED = """
SELECT convert_from(body, 'UTF8')::json -> 'data' FROM event_log
WHERE stream = 'ledger/chain' AND type = 'ledger.sealed.v1'
UNION ALL SELECT data::json FROM outbox WHERE stream = 'ledger/chain' AND type = 'ledger.sealed.v1'
"""


class SqlLedgerChain:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def seal(self, now: datetime, *, books_held: bool) -> Sequence[Block]:
        run = self.connection.exec_driver_sql
        run("SELECT pg_advisory_xact_lock(%s)", (SEALER_LOCK,))
        last_seq = self._numbers_taken() if books_held else self._final()
        head = self._head()
        after = head.last_seq if head is not None else 0
        if last_seq <= after:
            return []
        found = list(self._transactions(after, last_seq, SEALED_AT_ONCE_MAX))
        if len(found) == SEALED_AT_ONCE_MAX:
            last_seq = found[-1].seq
        blocks = list(seal(head, found, last_seq))
        for block in blocks:
            run(
                "INSERT INTO ledger_block (number, last_seq, seqs, digests, hash, sealed_at)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (block.number, block.last_seq, list(block.seqs), block.digests, block.hash, now),
            )
        return blocks

    def _numbers_taken(self) -> int:
        taken: int = self.connection.exec_driver_sql(
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ledger_seq"
        ).scalar_one()
        return taken

    def _final(self) -> int:
        """Up to which number nothing can come any more; and what the next call can rely on is noted."""
        seen, over = self.connection.exec_driver_sql(
            "SELECT seq_seen, xid_seen <= pg_snapshot_xmin(pg_current_snapshot()) FROM ledger_horizon FOR UPDATE"
        ).one()
        # The numbers that the call before noted were taken by transactions with smaller ids than this one's: a number
        # is taken in the statement that gives its transaction an id, and a committed call lies between. Once all with
        # smaller ids have ended, none of these numbers can come. A restored server counts transactions anew, and what
        # was seen is never over.
        self.connection.exec_driver_sql(
            "UPDATE ledger_horizon SET seq_seen = seq_noted, xid_seen = pg_current_xact_id(), seq_noted = %s"
            " WHERE xid_seen <= pg_snapshot_xmin(pg_current_snapshot())"
            " OR xid_seen > pg_snapshot_xmax(pg_current_snapshot())",
            (self._numbers_taken(),),
        )
        return int(seen) if over else 0

    def _head(self) -> Block | None:
        row = self.connection.exec_driver_sql(f"{BLOCKS} ORDER BY number DESC LIMIT 1").one_or_none()
        return _block(row) if row is not None else None

    def blocks(self) -> Iterator[Block]:
        """All of them, in order."""
        number = 0
        while rows := self.connection.exec_driver_sql(
            f"{BLOCKS} WHERE number > %s ORDER BY number LIMIT 100", (number,)
        ).all():
            yield from map(_block, rows)
            number = rows[-1].number

    def transactions(self) -> Iterator[Recorded]:
        """All of the ledger, in order, in pages."""
        after = -(2**63)
        while page := list(self._transactions(after, 2**62, 2_000)):
            yield from page
            after = page[-1].seq

    def announced(self) -> dict[int, bytes]:
        """The hash that each block was announced with."""
        rows = self.connection.exec_driver_sql(ANNOUNCED).scalars()
        told = [row if isinstance(row, dict) else json.loads(row) for row in rows]
        return {each["block"]: bytes.fromhex(each["hash"]) for each in told}

    def _transactions(self, after: int, until: int, most: int) -> Iterator[Recorded]:
        for row in self.connection.exec_driver_sql(CONTENT, (after, until, most)):
            yield Recorded(row[0], tuple(row[1:]))


def _block(row: Any) -> Block:
    return Block(row.number, row.last_seq, tuple(row.seqs), bytes(row.digests), bytes(row.hash))
