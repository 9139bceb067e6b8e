"""Reads of billing: SQL → view, no aggregate in between."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from services.billing.adapters import tables
from services.billing.adapters.adjustment_repository import adjustment_of
from services.billing.adapters.bank_repositories import declared_map
from services.billing.adapters.commission_plan_repository import plan_of
from services.billing.adapters.repositories import referral_of
from services.billing.adapters.settlement_repositories import settlement_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.payment import Payment
from services.billing.domain.payout import Payout
from services.billing.domain.referral import Referral
from services.billing.use_cases import adjustment, bank_csv, commission_plan, payment, payout, referral, settlement
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, Parties, Relation, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money
from services.shared.messages.billing.adjustment import AdjustmentPage, ListAdjustments
from services.shared.messages.billing.bank_csv import BankCsvMapPage, ListBankCsvMaps
from services.shared.messages.billing.bank_statement import BankLine, BankLinePage, ListBankLines
from services.shared.messages.billing.commission_plan import CommissionPlanPage, ListCommissionPlans
from services.shared.messages.billing.income_allocation import ListAllocatedIncome
from services.shared.messages.billing.payment import GetPayment, ListPayments, PaymentPage, PaymentView
from services.shared.messages.billing.payout import GetPayout, ListPayouts, PayoutPage, PayoutView
from services.shared.messages.billing.referral import (
    EvidenceDocument,
    GetReferral,
    GetReferralEvidence,
    ListReferrals,
    ReferralCase,
    ReferralPage,
)
from services.shared.messages.billing.settlement import (
    GetSettlement,
    GetSettlementDocument,
    ListSettlementLines,
    ListSettlements,
    ListSettlementSales,
    SettlementDocument,
    SettlementLine,
    SettlementLinePage,
    SettlementPage,
    SettlementView,
)


def _asker(actor: Actor) -> Parties:
    """Lists show an organisation its own; to the operating company, which would be its own too, they show all."""
    return {} if actor.operator else {"self": actor.organisation_id}


def list_commission_plans(
    query: ListCommissionPlans, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> CommissionPlanPage:
    del now
    require(actor, query.grants, {})
    table = tables.commission_plan
    statement = select(table)
    if query.provider_id is not None:
        statement = statement.where(table.c.provider_id == query.provider_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.valid_from, table.c.commission_plan_id), query.after, _limit(query.limit),
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return CommissionPlanPage(items=tuple(commission_plan.view(plan_of(row)) for row in rows), next_cursor=cursor)


def list_referrals(query: ListReferrals, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ReferralPage:
    relation = require(actor, query.grants, _asker(actor))
    table = tables.referral
    statement = select(table)
    if relation == "self":
        statement = statement.where(table.c.station_id == actor.organisation_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.claimed_at, table.c.referral_id), query.after, _limit(query.limit),
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return ReferralPage(items=tuple(referral.view(referral_of(row), now) for row in rows), next_cursor=cursor)


def get_referral(query: GetReferral, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ReferralCase:
    """A station learns nothing of other stations, nor how long the customer has been one."""
    asked, relation = _referral(query, actor, uow)
    if relation == "station":
        return ReferralCase(referral=referral.view(asked, now), rivals=(), customer_since=None)
    others = uow.referrals.of_customer(asked.customer_id)
    orders = tables.contracted_order
    since = select(func.min(orders.c.contracted_at)).where(orders.c.customer_id == asked.customer_id)
    return ReferralCase(
        referral=referral.view(asked, now),
        rivals=tuple(referral.view(each, now) for each in others if each.referral_id != asked.referral_id),
        customer_since=uow.connection.execute(since).scalar_one(),
    )


def get_referral_evidence(
    query: GetReferralEvidence, *, actor: Actor, uow: BillingUnitOfWork, now: datetime,
    download_url: Callable[[str, str], str],
) -> EvidenceDocument:  # fmt: skip
    """*download_url*: key and file name → where the holder may fetch it."""
    del now
    asked, _ = _referral(query, actor, uow)
    if asked.file is None or asked.file.key is None:
        raise NotFound
    kind = asked.file.media_type.partition("/")[2]
    return EvidenceDocument(
        url=download_url(asked.file.key, f"referral-{asked.referral_id}.{kind}"),
        sha256=asked.file.sha256,
        size_bytes=asked.file.size_bytes,
    )


def _referral(
    query: GetReferral | GetReferralEvidence, actor: Actor, uow: BillingUnitOfWork
) -> tuple[Referral, Relation]:
    asked = referral_of(_one(uow, select(tables.referral).where(tables.referral.c.referral_id == query.referral_id)))
    return asked, require(actor, query.grants, {"station": asked.station_id})


def get_payment(query: GetPayment, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> PaymentView:
    del now
    row = _one(uow, select(tables.payment).where(tables.payment.c.payment_id == query.payment_id))
    relation = require(actor, query.grants, {"customer": row.customer_id})
    return payment.view(Payment(**row._mapping), for_customer=relation == "customer")


def list_payments(query: ListPayments, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> PaymentPage:
    del now
    relation = require(actor, query.grants, _asker(actor))
    table = tables.payment
    statement = select(table)
    if relation == "self":
        statement = statement.where(table.c.customer_id == actor.organisation_id)
    if query.order_id is not None:
        statement = statement.where(table.c.order_id == query.order_id)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (table.c.opened_at, table.c.payment_id), query.after, _limit(query.limit),
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return PaymentPage(
        items=tuple(payment.view(Payment(**row._mapping), for_customer=relation == "self") for row in rows),
        next_cursor=cursor,
    )


def list_bank_lines(query: ListBankLines, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> BankLinePage:
    del now
    require(actor, query.grants, {})
    table = tables.bank_line
    statement = select(table)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (table.c.booked_at, table.c.bank_line_id), query.after, _limit(query.limit),
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return BankLinePage(
        items=tuple(
            BankLine(
                bank_line_id=row.bank_line_id,
                serial_number=row.serial_number,
                booked_at=row.booked_at,
                direction=row.direction,
                amount=Money(row.amount, row.currency),
                counterparty=row.counterparty,
                counterparty_account=row.counterparty_account,
                remittance=row.remittance,
                state=row.state,
                target=row.target,
                reason=row.reason,
            )
            for row in rows
        ),
        next_cursor=cursor,
    )


def list_bank_csv_maps(
    query: ListBankCsvMaps, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> BankCsvMapPage:
    del now
    require(actor, query.grants, {})
    table = tables.bank_csv_map
    rows = uow.connection.execute(select(table).order_by(table.c.valid_from.desc(), table.c.account).limit(1_000))
    return BankCsvMapPage(items=tuple(bank_csv.view(declared_map(row)) for row in rows))


def get_settlement(query: GetSettlement, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> SettlementView:
    del now
    return settlement.view(settlement_of(settlement_row(query, actor, uow)))


def list_settlements(query: ListSettlements, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> SettlementPage:
    del now
    relation = require(actor, query.grants, _asker(actor))
    table = tables.settlement
    statement = select(table)
    if relation == "self":
        statement = statement.where(table.c.party_id == actor.organisation_id)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    if query.order_id is not None:
        listing = select(tables.accrual.c.settlement_id).where(tables.accrual.c.order_id == query.order_id)
        statement = statement.where(table.c.settlement_id.in_(listing))
    if query.due_until is not None:
        statement = statement.where(table.c.due_on <= query.due_until, table.c.state != "paid")
    rows, cursor = page(
        uow.connection, statement, (table.c.closed_at, table.c.settlement_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return SettlementPage(items=tuple(settlement.view(settlement_of(row)) for row in rows), next_cursor=cursor)


def list_settlement_lines(
    query: ListSettlementLines, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> SettlementLinePage:
    del now
    settlement_row(query, actor, uow)
    table = tables.accrual
    statement = select(table).where(table.c.settlement_id == query.settlement_id)
    if query.order_id is not None:
        statement = statement.where(table.c.order_id == query.order_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.accepted_at, table.c.accrual_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID),
    )  # fmt: skip
    return SettlementLinePage(
        items=tuple(
            SettlementLine(
                order_id=row.order_id,
                order_number=row.order_number,
                title=row.title,
                order_net=Money(row.order_net, row.currency),
                fee=Money(row.fee, row.currency),
                base=Money(row.base, row.currency),
                base_of=row.base_of,
                net=Money(row.net, row.currency),
                tax=Money(row.tax, row.currency),
                accepted_at=row.accepted_at,
                kind=row.kind,
                corrects=row.corrects,
            )
            for row in rows
        ),
        next_cursor=cursor,
    )


def get_settlement_document(
    query: GetSettlementDocument,
    *,
    actor: Actor,
    uow: BillingUnitOfWork,
    now: datetime,
    download_url: Callable[[str, str], str],
) -> SettlementDocument:
    """*download_url*: key and file name → where the holder may fetch it."""
    del now
    row = settlement_row(query, actor, uow)
    filename = f"{row.number}.{query.form}"
    if query.form == "xlsx":
        key, sha256, size = row.sheet_key, row.sheet_sha256, row.sheet_size
    else:
        key, sha256, size = row.document_key, row.document_sha256, row.document_size
    return SettlementDocument(
        url=download_url(key, filename) if key is not None else None,
        sha256=sha256,
        size_bytes=size,
        filename=filename,
    )


def list_adjustments(query: ListAdjustments, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> AdjustmentPage:
    del now
    require(actor, query.grants, {})
    table = tables.adjustment
    statement = select(table)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (table.c.proposed_at, table.c.adjustment_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return AdjustmentPage(items=tuple(adjustment.view(adjustment_of(row)) for row in rows), next_cursor=cursor)


def get_payout(query: GetPayout, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> PayoutView:
    del now
    row = _one(uow, select(tables.payout).where(tables.payout.c.payout_id == query.payout_id))
    require(actor, query.grants, {row.party_kind: row.party_id})
    return payout.view(Payout(**row._mapping))


def list_payouts(query: ListPayouts, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> PayoutPage:
    del now
    relation = require(actor, query.grants, _asker(actor))
    table = tables.payout
    statement = select(table)
    if relation == "self":
        statement = statement.where(table.c.party_id == actor.organisation_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.created_at, table.c.payout_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return PayoutPage(items=tuple(payout.view(Payout(**row._mapping)) for row in rows), next_cursor=cursor)


def _one(uow: BillingUnitOfWork, statement: Select[Any]) -> Any:
    row = uow.connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


def settlement_row(
    query: GetSettlement | GetSettlementDocument | ListSettlementLines | ListSettlementSales | ListAllocatedIncome,
    actor: Actor,
    uow: BillingUnitOfWork,
) -> Any:
    row = _one(uow, select(tables.settlement).where(tables.settlement.c.settlement_id == query.settlement_id))
    require(actor, query.grants, {row.party_kind: row.party_id})
    return row


def _limit(wanted: int) -> int:
    return max(1, min(wanted, 200))
