"""The ledger in PostgreSQL: one statement posts; checks recompute everything from the entries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from services.billing.adapters.invariants import CHECKS
from services.billing.domain.ledger import AccountOverdrawn, BookedOtherwise, Entry, Transaction, min_balance
from services.shared.chassis import metrics
from services.shared.chassis.database import driver, sqlstate
from services.shared.chassis.logs import logger

log = logger("ledger")

POST = (
    "SELECT post_ledger(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
    " %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[])"
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
        try:
            counts_at: datetime | None = self.connection.exec_driver_sql(
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
            ).scalar_one()
        except DBAPIError as error:
            state = sqlstate(error)
            if state == "YQ001":
                raise AccountOverdrawn(transaction=transaction.key) from error
            if state == "YQ002":
                raise BookedOtherwise(transaction=transaction.key) from error
            raise
        return counts_at

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
        # By the driver, without parameters: the statements are full of % and of colons.
        cursor = driver(self.connection).cursor()
        cursor.execute("SELECT count(*) FROM ledger_tx")
        transactions: int = cursor.fetchone()[0]
        found: dict[str, list[str]] = {}
        for name, statement in CHECKS.items():
            cursor.execute(statement)
            found[name] = [str(row[0]) for row in cursor]
        _raise_alarm(found)
        return transactions, found


def _raise_alarm(found: Mapping[str, Sequence[str]]) -> None:
    # Nothing is mended here: where the books do not hold, a person must look before anything else is booked on them.
    for name, sentences in found.items():
        metrics.INVARIANT_VIOLATIONS.labels("billing", name).set(len(sentences))
        if sentences:
            log.error("an invariant does not hold", invariant=name, places=list(sentences[:10]), count=len(sentences))
