"""Why a figure is what it is: from an account's entries back to what led to them and what they are about."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.sql import column, table

from services.billing.adapters.account_queries import balance_of
from services.billing.adapters.ledger_queries import entries_of
from services.billing.adapters.ledger_sums import ALWAYS
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.ledger import normal_side
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.messages.billing.account import Cause, ExplainBalance, ExplainedEntry, ExplanationPage, Reference

REFERENCES = {
    "payout": """
        SELECT p.payout_id::text AS named, n.* FROM payout p JOIN settlement s USING (settlement_id),
        LATERAL (VALUES ('payout', p.number, p.payout_id), ('settlement', s.number, s.settlement_id))
          AS n (noun, number, thing_id) WHERE p.payout_id = ANY(CAST(:names AS uuid[]))""",
    "received_invoice": """
        SELECT received_invoice_id::text AS named, 'settlement' AS noun, number, settlement_id AS thing_id
        FROM settlement WHERE received_invoice_id = ANY(CAST(:names AS uuid[]))""",
    "input_vat": """
        SELECT coalesce(received_invoice_id, input_vat_id)::text AS named, CASE source WHEN 'psp_fees' THEN 'input_vat'
          ELSE 'settlement' END AS noun, number, coalesce(settlement_id, input_vat_id) AS thing_id
        FROM input_vat WHERE coalesce(received_invoice_id, input_vat_id) = ANY(CAST(:names AS uuid[]))""",
    "credit_payback": """
        SELECT credit_payback_id::text AS named, 'credit_payback' AS noun, number, credit_payback_id AS thing_id
        FROM credit_payback WHERE credit_payback_id = ANY(CAST(:names AS uuid[]))""",
    "adjustment": """
        SELECT adjustment_id::text AS named, 'adjustment' AS noun, number, adjustment_id AS thing_id
        FROM adjustment WHERE adjustment_id = ANY(CAST(:names AS uuid[]))""",
    "reverse": """
        SELECT a.reverses::text AS named, 'adjustment' AS noun, a.number, a.adjustment_id AS thing_id
        FROM ledger_tx t JOIN adjustment a ON a.transaction_id = t.transaction_id
        WHERE t.reverses_id = ANY(CAST(:names AS uuid[]))""",
    "bank": """
        SELECT name AS named, 'bank_line' AS noun, serial_number AS number, bank_line_id AS thing_id
        FROM unnest(CAST(:names AS text[])) AS name
        JOIN bank_line ON account = split_part(name, ':', 1)
          -- With a number behind it once a person has said what it is, or the ids of the refund and payment it is of.
          AND serial_number IN (
            substr(name, strpos(name, ':') + 1),
            regexp_replace(substr(name, strpos(name, ':') + 1), ':([0-9]+|[0-9a-f-]{36}:[0-9a-f-]{36})$', ''))""",
}
"""
For the first word of a business key: what its second part names (the rest for a bank line). A key of a new kind gets a
line here; until then the explanation shows the key itself.
"""

PAYMENTS = text("""
SELECT order_id, coalesce(nullif(charge_id, ''), reference, intent_id, '') AS number, payment_id AS thing_id
FROM payment WHERE order_id = ANY(:orders)
""")
CAUSES = {
    "event": """
        SELECT name AS named, stream AS about, received_at AS at FROM unnest(CAST(:names AS text[])) AS name
        JOIN inbox ON source = split_part(name, '/', 1) AND seq = split_part(name, '/', 2)::bigint""",
    "outside_call": """
        SELECT id::text AS named, kind AS what, key AS about, NULL AS at
        FROM outside_call WHERE id = ANY(CAST(:names AS uuid[]))""",
}
"""More of a cause than its name tells, for events received here and for outside calls."""

_ENTRY = table(
    "ledger_entry",
    *(column(name) for name in ("account", "currency", "effective_at", "seq", "line", "side", "amount", "posted_at")),
)
_TX = table(
    "ledger_tx",
    *(column(name) for name in ("seq", "transaction_id", "idem_key", "kind", "order_id", "order_number", "cause",
                                "business_at", "reverses_id")),
)  # fmt: skip


def explain_balance(query: ExplainBalance, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ExplanationPage:
    require(actor, query.grants, {})
    until, known_at = query.until or now, query.known_at or now
    rows, cursor = _newest(uow, query, until, known_at)
    entries = entries_of(uow, [row.seq for row in rows])
    reversed_by = _reversals(uow, [row.transaction_id for row in rows])
    causes = _causes(uow, {row.cause for row in rows})
    references = _references(uow, rows)
    return ExplanationPage(
        account=query.account,
        currency=query.currency,
        side=normal_side(query.account),
        until=until,
        known_at=known_at,
        balance=balance_of(uow, query.account, query.currency, until, until, known_at)[1],
        items=tuple(
            ExplainedEntry(
                transaction_id=row.transaction_id,
                key=row.idem_key,
                kind=row.kind,
                side=row.side,
                amount=row.amount,
                effective_at=row.effective_at,
                business_at=row.business_at,
                posted_at=row.posted_at,
                reverses=row.reverses_id,
                reversed_by=reversed_by.get(row.transaction_id),
                entries=tuple(entries[row.seq]),
                cause=causes[row.cause],
                references=tuple(references[row.seq]),
            )
            for row in rows
        ),
        next_cursor=cursor,
    )


def _newest(
    uow: BillingUnitOfWork, query: ExplainBalance, until: datetime, known_at: datetime
) -> tuple[Sequence[Any], str | None]:
    e, t = _ENTRY.c, _TX.c
    statement = (
        select(e.seq, e.line, e.side, e.amount, e.effective_at, e.posted_at, t.transaction_id, t.idem_key, t.kind,
               t.order_id, t.order_number, t.cause, t.business_at, t.reverses_id)
        .join_from(_ENTRY, _TX, t.seq == e.seq)
        .where(e.account == query.account, e.currency == query.currency, e.effective_at >= ALWAYS,
               e.effective_at < until, e.posted_at <= known_at)
    )  # fmt: skip
    return page(
        uow.connection, statement, (e.effective_at, e.seq, e.line), query.after, query.limit,
        read=(datetime.fromisoformat, int, int), newest_first=True,
    )  # fmt: skip


def _reversals(uow: BillingUnitOfWork, transaction_ids: list[UUID]) -> Mapping[UUID, UUID]:
    rows = uow.connection.execute(
        text("SELECT reverses_id, transaction_id FROM ledger_tx WHERE reverses_id = ANY(:ids)"),
        {"ids": transaction_ids},
    )
    return {row.reverses_id: row.transaction_id for row in rows}


def _causes(uow: BillingUnitOfWork, told: Iterable[str]) -> Mapping[str, Cause]:
    read = {cause: _cause(cause) for cause in told}
    for kind, statement in CAUSES.items():
        names = [cause.where for cause in read.values() if cause.kind == kind]
        if not names:
            continue
        found = {row.named: dict(row._mapping) for row in uow.connection.execute(text(statement), {"names": names})}
        for text_, cause in read.items():
            more = found.get(cause.where) if cause.kind == kind else None
            if more is not None:
                read[text_] = cause.model_copy(update={name: value for name, value in more.items() if name != "named"})
    return read


def _cause(told: str) -> Cause:
    """What `BillingUnitOfWork.caused_by` wrote, taken apart."""
    first, _, rest = told.partition(" ")
    kind, _, name = first.partition("/")
    fields = {"kind": "other", "what": "", "where": told, "about": "", "who": "", "at": None}
    if first == "event":
        where, what, _ = f"{rest}  ".split(" ", 2)
        fields |= {"kind": "event", "what": what, "where": where}
    elif kind == "request":
        fields |= {"kind": "request", "where": name, "who": rest}
    elif kind == "outside_call":
        fields |= {"kind": "outside_call", "where": name, "who": rest}
    elif kind == "timer":
        what, _, about = name.partition("/")
        fields |= {"kind": "timer", "what": what, "where": "", "about": about}
    return Cause.model_validate(fields)


def _references(uow: BillingUnitOfWork, rows: Sequence[Any]) -> Mapping[int, list[Reference]]:
    found: dict[int, list[Reference]] = {row.seq: [] for row in rows}
    named: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        if row.order_id is not None and not found[row.seq]:
            found[row.seq].append(Reference(noun="order", number=row.order_number, thing_id=row.order_id))
        word, _, rest = row.idem_key.partition(":")
        if word in REFERENCES:
            named.setdefault((word, rest if word == "bank" else rest.partition(":")[0]), set()).add(row.seq)
    for word, statement in REFERENCES.items():
        names = [name for first, name in named if first == word]
        if names:
            for hit in uow.connection.execute(text(statement), {"names": names}):
                for seq in named[word, hit.named]:
                    found[seq].append(Reference(noun=hit.noun, number=hit.number, thing_id=hit.thing_id))
    _add_payments(uow, rows, found)
    return found


def _add_payments(uow: BillingUnitOfWork, rows: Sequence[Any], found: Mapping[int, list[Reference]]) -> None:
    of_order: dict[UUID, set[int]] = {}
    for row in rows:
        if row.order_id is not None and row.idem_key.startswith(("stripe:", "bank:")):
            of_order.setdefault(row.order_id, set()).add(row.seq)
    if of_order:
        for hit in uow.connection.execute(PAYMENTS, {"orders": list(of_order)}):
            for seq in of_order[hit.order_id]:
                found[seq].append(Reference(noun="payment", number=hit.number, thing_id=hit.thing_id))
