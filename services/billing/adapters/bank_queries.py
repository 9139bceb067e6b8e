"""Reads of what waits in suspense, of who pays for whom, and of customers' credit."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from services.billing.adapters import card_tables, tables
from services.billing.adapters.bank_repositories import bank_line, payer_agreement
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_line_part import Part
from services.billing.domain.bank_matching import Scored
from services.billing.domain.bank_statement import Candidate
from services.billing.domain.bank_suggestion import Split, Suggestions
from services.billing.domain.payer_agreement import one_account
from services.billing.domain.payment import Payment
from services.billing.domain.stripe_payout import StripePayout
from services.billing.use_cases import bank_line as bank_lines
from services.billing.use_cases import payer_agreement as payer_agreements
from services.billing.use_cases.bank_line_view import part_messages, view
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money
from services.shared.messages.billing.bank_line import (
    BankLineCandidate,
    BankLineSuggestion,
    BankLineView,
    Bucket,
    GetBankLine,
    ListSuspense,
    SuspenseAge,
    SuspensePage,
)
from services.shared.messages.billing.customer_credit import CustomerCredit, CustomerCreditPage, ListCustomerCredit
from services.shared.messages.billing.payer_agreement import ListPayerAgreements, PayerAgreementPage

CANDIDATES_MAX = 5
_BUCKETS: dict[Bucket, tuple[int, int | None]] = {"0-7": (0, 8), "8-30": (8, 31), "over-30": (31, None)}

# What money of these references, amounts, names and accounts may be for; each arm has its index, and of many that are
# alike the newest count. The form of an account is that of one_account.
_POSSIBLE = text(r"""
    SELECT payment.* FROM payment JOIN (
      SELECT payment_id FROM payment WHERE reference = ANY(:references)
      UNION
      SELECT p.payment_id FROM (
        SELECT DISTINCT * FROM unnest(CAST(:currencies AS text[]), CAST(:amounts AS bigint[])) AS w (currency, amount)
      ) AS wanted CROSS JOIN LATERAL (
        SELECT payment_id FROM payment
        WHERE currency = wanted.currency AND amount - received = wanted.amount
          AND method = 'bank_transfer' AND state = 'pending'
        ORDER BY opened_at DESC, payment_id LIMIT 1000) AS p
      UNION
      SELECT p.payment_id FROM (
        SELECT organisation_id FROM organisation WHERE legal_name = ANY(:names)
        UNION
        SELECT organisation_id FROM organisation WHERE account_number <> ''
          AND regexp_replace(upper(normalize(account_number, NFKC)), '[\W_]+', '', 'g') = ANY(:accounts)
        UNION
        SELECT customer_id FROM payer_agreement WHERE state = 'in_force' AND payer_name = ANY(:names)
      ) AS payer CROSS JOIN LATERAL (
        SELECT payment_id FROM payment
        WHERE customer_id = payer.organisation_id AND method = 'bank_transfer' AND state = 'pending'
        ORDER BY opened_at DESC, payment_id LIMIT 1000) AS p
    ) AS possible USING (payment_id)
    ORDER BY (reference IS NOT NULL AND reference = ANY(:references)) DESC, payment.opened_at DESC LIMIT 5000""")

_AGES = text("""
    SELECT CASE WHEN booked_at > :week THEN '0-7' WHEN booked_at > :month THEN '8-30' ELSE 'over-30' END AS bucket,
      direction, currency, count(*) AS lines, sum(amount)::bigint AS amount
    FROM bank_line WHERE state = 'suspense' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""")


def get_bank_line(query: GetBankLine, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> BankLineView:
    require(actor, query.grants, {})
    table = tables.bank_line
    row = uow.connection.execute(select(table).where(table.c.bank_line_id == query.bank_line_id)).one_or_none()
    if row is None:
        raise NotFound
    (view,) = _views([bank_line(row)], uow, now)
    return view


def list_suspense(query: ListSuspense, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> SuspensePage:
    require(actor, query.grants, {})
    table = tables.bank_line
    statement = select(table).where(table.c.state == "suspense")
    if query.bucket is not None:
        youngest, oldest = _BUCKETS[query.bucket]
        statement = statement.where(table.c.booked_at <= now - timedelta(days=youngest))
        if oldest is not None:
            statement = statement.where(table.c.booked_at > now - timedelta(days=oldest))
    by_age = query.order == "age"
    first: Any = table.c.booked_at if by_age else table.c.amount
    rows, cursor = page(
        uow.connection, statement, (first, table.c.bank_line_id), query.after, query.limit,
        read=(datetime.fromisoformat if by_age else int, UUID), newest_first=not by_age,
    )  # fmt: skip
    ages = uow.connection.execute(_AGES, {"week": now - timedelta(days=8), "month": now - timedelta(days=31)})
    return SuspensePage(
        items=tuple(_views([bank_line(row) for row in rows], uow, now)),
        next_cursor=cursor,
        ages=tuple(
            SuspenseAge(
                bucket=row.bucket, direction=row.direction, count=row.lines, amount=Money(row.amount, row.currency)
            )
            for row in ages
        ),
    )


def _views(lines: Sequence[BankLine], uow: BillingUnitOfWork, now: datetime) -> list[BankLineView]:
    """*lines* with what each may be for, whatever it is that keeps it from being matched by itself."""
    asked = [line for line in lines if line.state == "suspense" and line.direction == "in"]
    meant = bank_lines.meant_by(asked, uow=uow)
    payments = _possible(asked, meant, uow) if asked else []
    customers = {payment.customer_id for payment in payments}
    payers = uow.payers.of(customers) if customers else {}
    names = {each.organisation_id: each.legal_name for each in uow.organisations.find_all(customers).values()}
    suggestions = Suggestions(payments, payers, meant, CANDIDATES_MAX)
    found = {line.bank_line_id: suggestions.of(line) for line in asked}
    splits = {line.bank_line_id: suggestions.split(line) for line in asked}
    told = _awaited(lines, uow)
    return [
        view(line, now).model_copy(
            update={
                "candidates": tuple(_candidate(each, names) for each in found.get(line.bank_line_id, ())),
                "suggestions": tuple(_suggestions(line, splits.get(line.bank_line_id), told)),
            }
        )
        for line in lines
    ]


def _awaited(lines: Sequence[BankLine], uow: BillingUnitOfWork) -> list[StripePayout]:
    """Payouts of the institution of as much as a line in suspense."""
    amounts = {line.amount for line in lines if line.state == "suspense"}
    if not amounts:
        return []
    table = card_tables.stripe_payout
    rows = uow.connection.execute(
        select(table).where(func.abs(table.c.amount).in_(amounts)).order_by(table.c.arrives_on, table.c.psp_payout_id)
    )
    return [StripePayout(**row._mapping) for row in rows]


def _suggestions(line: BankLine, split: Split | None, told: Sequence[StripePayout]) -> list[BankLineSuggestion]:
    if line.state != "suspense":
        return []
    shown = [Part("psp", each.psp_payout_id, line.amount) for each in told if each.fits(line)]
    found = [split] if split is not None else []
    found += [Split((part,), ("psp_payout",)) for part in shown]
    return [
        BankLineSuggestion(parts=part_messages(each.parts, line.currency), reasons=each.reasons)
        for each in found[:CANDIDATES_MAX]
    ]


def _possible(
    lines: Sequence[BankLine], meant: Mapping[UUID, Sequence[Candidate]], uow: BillingUnitOfWork
) -> list[Payment]:
    rows = uow.connection.execute(
        _POSSIBLE,
        {
            "references": [each.reference for candidates in meant.values() for each in candidates],
            "currencies": [line.currency for line in lines],
            "amounts": [line.amount for line in lines],
            "names": [line.counterparty for line in lines if line.counterparty],
            "accounts": [one_account(line.counterparty_account) for line in lines],
        },
    )
    return [Payment(**row._mapping) for row in rows]


def _candidate(each: Scored, names: dict[UUID, str]) -> BankLineCandidate:
    payment = each.payment
    return BankLineCandidate(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        order_number=payment.order_number,
        customer_id=payment.customer_id,
        customer_name=names.get(payment.customer_id, ""),
        missing=Money(payment.missing, payment.currency),
        score=each.score,
        reasons=each.reasons,
    )


def list_payer_agreements(
    query: ListPayerAgreements, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PayerAgreementPage:
    del now
    require(actor, query.grants, {})
    table = tables.payer_agreement
    statement = select(table)
    if query.customer_id is not None:
        statement = statement.where(table.c.customer_id == query.customer_id)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (table.c.recorded_at, table.c.payer_agreement_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return PayerAgreementPage(
        items=tuple(payer_agreements.view(payer_agreement(row)) for row in rows), next_cursor=cursor
    )


def list_customer_credit(
    query: ListCustomerCredit, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> CustomerCreditPage:
    del now
    require(actor, query.grants, {})
    rows = uow.connection.execute(
        text("""
            SELECT substr(account, 19)::uuid AS customer_id, currency, sum(posted_c - posted_d)::bigint AS amount
            FROM account_balance WHERE starts_with(account, 'L:customer_credit:')
            GROUP BY 1, 2 HAVING sum(posted_c - posted_d) <> 0 ORDER BY 3 DESC, 1 LIMIT 1000""")
    ).all()
    names = {each.organisation_id: each.legal_name for each in uow.organisations.find_all(
        {row.customer_id for row in rows}).values()}  # fmt: skip
    return CustomerCreditPage(
        items=tuple(
            CustomerCredit(
                customer_id=row.customer_id,
                customer_name=names.get(row.customer_id, ""),
                amount=Money(row.amount, row.currency),
            )
            for row in rows
        )
    )
