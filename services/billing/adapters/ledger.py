"""The ledger in PostgreSQL: one statement posts; checks recompute from the entries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from services.billing.adapters.invariant_reach import recent
from services.billing.adapters.invariants import checks
from services.billing.adapters.tax_invariants import RED_LETTERS_AWAITED
from services.billing.domain.ledger import AccountOverdrawn, BookedOtherwise, Entry, Transaction, min_balance
from services.shared.chassis import metrics
from services.shared.chassis.database import driver, sqlstate
from services.shared.chassis.logs import logger

log = logger("ledger")

POST = (
    "SELECT post_ledger(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
    " %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[])"
)

POST_ALL = (
    "SELECT post_ledger_batch(%s::uuid[], %s::text[], %s::bytea[], %s::text[], %s::uuid[], %s::text[], %s,"
    " %s::timestamptz[], %s, %s::int[], %s::int[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[])"
)
FIND = """
SELECT t.transaction_id, t.idem_key AS key, t.kind, t.order_id, t.order_number, t.cause, t.effective_at, t.business_at,
       t.posted_at, t.reverses_id AS reverses,
       (SELECT json_agg(json_build_array(e.account, e.side, e.amount, e.currency) ORDER BY e.line)
        FROM ledger_entry e WHERE e.seq = t.seq) AS entries
FROM ledger_tx t WHERE t.transaction_id = %s
"""


STANDING = (
    "SELECT coalesce(sum(posted_c - posted_d), 0)::bigint FROM account_balance WHERE account = %s AND currency = %s"
)


class SqlLedger:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def post(self, transaction: Transaction) -> datetime | None:
        entries = transaction.entries
        counts_at: datetime | None = self._call(
            POST,
            (
                str(transaction.transaction_id),
                transaction.key,
                transaction.request_hash,
                transaction.kind,
                str(transaction.order_id) if transaction.order_id else None,
                transaction.order_number,
                transaction.cause,
                transaction.effective_at,
                transaction.posted_at,
                str(transaction.reverses) if transaction.reverses else None,
                [entry.account for entry in entries],
                [entry.side for entry in entries],
                [entry.amount for entry in entries],
                [entry.currency for entry in entries],
                [min_balance(entry.account) for entry in entries],
            ),
            transaction.key,
        )
        return counts_at

    def post_all(self, transactions: Sequence[Transaction]) -> Sequence[datetime | None]:
        placed = [
            (place, line, entry)
            for place, transaction in enumerate(transactions, start=1)
            for line, entry in enumerate(transaction.entries, start=1)
        ]
        first = transactions[0]
        counts_at: Sequence[datetime | None] = self._call(
            POST_ALL,
            (
                [str(each.transaction_id) for each in transactions],
                [each.key for each in transactions],
                [each.request_hash for each in transactions],
                [each.kind for each in transactions],
                [str(each.order_id) if each.order_id else None for each in transactions],
                [each.order_number for each in transactions],
                first.cause,
                [each.effective_at for each in transactions],
                first.posted_at,
                [place for place, _, _ in placed],
                [line for _, line, _ in placed],
                [entry.account for _, _, entry in placed],
                [entry.side for _, _, entry in placed],
                [entry.amount for _, _, entry in placed],
                [entry.currency for _, _, entry in placed],
                [min_balance(entry.account) for _, _, entry in placed],
            ),
            f"{first.key} and {len(transactions) - 1} more",
        )
        return counts_at

    def _call(self, statement: str, parameters: tuple[object, ...], what: str) -> Any:
        try:
            return self.connection.exec_driver_sql(statement, parameters).scalar_one()
        except DBAPIError as error:
            state = sqlstate(error)
            if state == "YQ001":
                raise AccountOverdrawn(transaction=what) from error
            if state == "YQ002":
                raise BookedOtherwise(transaction=what) from error
            raise

    def find(self, transaction_id: UUID) -> Transaction | None:
        row = self.connection.exec_driver_sql(FIND, (str(transaction_id),)).one_or_none()
        if row is None:
            return None
        fields = dict(row._mapping)
        return Transaction(**fields | {"entries": tuple(Entry(*entry) for entry in fields["entries"])})

    def standing(self, account: str, currency: str) -> int:
        found: int = self.connection.exec_driver_sql(STANDING, (account, currency)).scalar_one()
        return found

    def check(self) -> tuple[int, Mapping[str, Sequence[str]]]:
        transactions: int = self.connection.exec_driver_sql("SELECT count(*) FROM ledger_tx").scalar_one()
        return transactions, self._found(checks(), "all")

    def check_at_leisure(self) -> Mapping[str, Sequence[str]]:
        # Nobody waits for the answer, and no posting for it: it may take longer than anything else here.
        self.connection.exec_driver_sql("SET LOCAL statement_timeout = '1h'")
        return self._found(checks(), "all")

    def check_recent(self, now: datetime) -> Mapping[str, Sequence[str]]:
        return self._found(checks(recent(self.connection, now)), "recent")

    def _found(self, statements: Mapping[str, str], reach: str) -> Mapping[str, Sequence[str]]:
        # By the driver, without parameters: the statements are full of % and of colons.
        cursor = driver(self.connection).cursor()
        found: dict[str, list[str]] = {}
        for name, statement in statements.items():
            cursor.execute(statement)
            found[name] = [str(row[0]) for row in cursor]
        _raise_alarm(found, reach)
        return found

    def red_letters_awaited(self, now: datetime) -> Sequence[str]:
        return [
            f"{row.order_number}, refund {row.refund_number}: {row.net} {row.currency} net,"
            f" {(now - row.agreed_at).days} days, {'its money waits' if row.money_waits else 'its money may leave'}"
            for row in self.connection.exec_driver_sql(RED_LETTERS_AWAITED)
        ]


def _raise_alarm(found: Mapping[str, Sequence[str]], reach: str) -> None:
    # Nothing is mended here: where the books do not hold, a person must look before anything else is booked on them.
    for name, sentences in found.items():
        metrics.INVARIANT_VIOLATIONS.labels("billing", name, reach).set(len(sentences))
        if sentences:
            log.error("an invariant does not hold", invariant=name, reach=reach, places=list(sentences[:10]),
                      count=len(sentences))  # fmt: skip
