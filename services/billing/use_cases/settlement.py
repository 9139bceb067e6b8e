"""Settlements: closing statements, and learning that the party's invoice matches."""

from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.billing.domain.clawback import Clawback, netted
from services.billing.domain.settlement import DayToCome, KeptFile, Settlement, received_invoice_matched
from services.billing.domain.small_enterprise import NOTICE_DAYS, PAYMENT_DAYS, in_the_morning
from services.billing.use_cases import input_vat
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound, NotYet
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date, end_of_business_day
from services.shared.messages.billing.settlement import (
    CloseSettlements,
    KeptFromSettlement,
    SettlementClosed,
    SettlementDue,
    SettlementOrdersPaid,
    SettlementPage,
    SettlementPaid,
    SettlementPayable,
    SettlementView,
)
from services.shared.messages.invoicing.received_invoice import ReceivedInvoiceMatched

E = TypeVar("E", SettlementClosed, SettlementPayable, SettlementPaid, SettlementDue)

DUE_TIMER = "settlement_due"

ORDERS_PER_EVENT_MAX = 100
"""Orders closes them in one transaction."""


def close_settlements(
    command: CloseSettlements, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, payment_days: int = PAYMENT_DAYS,
    notice_days: int = NOTICE_DAYS,
) -> SettlementPage:  # fmt: skip
    """
    State what is owed to each provider and station for what was accepted up to the end of a day.

    A party whose orders differ in currency or in the invoice that was agreed gets a statement for each,
    because it sends an invoice for each; one of very many orders is cut into several. A small enterprise's is due
    *payment_days* after its earliest line. What a provider sold itself is told on its first one; where nothing is owed
    to it, on one without money, for which no invoice is awaited. Where all that a party earned was taken back, or a
    provider's orders earned it nothing, its statement is without money too, and paid: nothing of them is open any more.

    Raises:
        DayToCome: The day, in Asia/Shanghai, has not begun: what is accepted until then would stand on later ones.
    """
    require(actor, command.grants, {})
    if command.until > business_date(now):
        raise DayToCome(until=command.until.isoformat())
    closed = uow.settlements.close(command.until, end_of_business_day(command.until), now, payment_days)
    parties = uow.organisations.find_all({settlement.party_id for settlement in closed}) if closed else {}
    for settlement in closed:
        if settlement.party_id not in parties:
            raise NotYet("a party is not known here yet")
        if settlement.invoice_awaited:
            uow.publish(
                event(
                    SettlementClosed,
                    settlement,
                    until=settlement.until,
                    closed_at=settlement.closed_at,
                    tax_rate_bps=settlement.tax_rate_bps,
                    special_invoice=settlement.special_invoice,
                )
            )
        elif not settlement.gross.amount:
            _tell_orders_paid(settlement, uow)
        if settlement.due_on is not None:
            watch_due(settlement.settlement_id, settlement.due_on, notice_days, uow=uow)
        uow.call_outside(
            "render_settlement",
            f"settlement_statement:{settlement.settlement_id}",
            {"settlement_id": str(settlement.settlement_id)},
        )
    return SettlementPage(items=tuple(view(settlement) for settlement in closed))


def watch_due(settlement_id: UUID, due_on: date, notice_days: int, *, uow: BillingUnitOfWork) -> None:
    """See that *settlement_id*, due by *due_on*, is not forgotten: first *notice_days* before."""
    uow.set_timer(DUE_TIMER, settlement_id, in_the_morning(due_on - timedelta(days=notice_days)))


def remind_of_due(subject: str, *, uow: BillingUnitOfWork, now: datetime, notice_days: int = NOTICE_DAYS) -> None:
    """Timer: a small enterprise must be paid soon, or should have been. The day after its last one is told once."""
    settlement = uow.settlements.get(UUID(subject))
    if settlement.state == "paid" or settlement.due_on is None:
        return
    today = business_date(now)
    if today < settlement.due_on - timedelta(days=notice_days):
        watch_due(settlement.settlement_id, settlement.due_on, notice_days, uow=uow)
        return
    overdue = today > settlement.due_on
    uow.publish(event(SettlementDue, settlement, due_on=settlement.due_on, overdue=overdue, to_pay=settlement.to_pay))
    if not overdue:
        uow.set_timer(DUE_TIMER, subject, in_the_morning(settlement.due_on + timedelta(days=1)))


def statement_kept(
    settlement_id: UUID, paper: KeptFile, sheet: KeptFile, *, uow: BillingUnitOfWork, now: datetime
) -> None:  # fmt: skip
    """
    The statement is printed and kept, as PDF and as a spreadsheet. One for which no invoice is awaited, over fees for
    what was cancelled, is payable with that.
    """
    # The party first, like everywhere: what it owes must not change meanwhile.
    uow.organisations.find(uow.settlements.party_of(settlement_id), lock=True)
    settlement = uow.settlements.get(settlement_id)
    awaited = settlement.state == "closed"
    settlement.issue(paper, sheet)
    uow.settlements.save(settlement)
    if awaited and settlement.state == "payable":
        _make_payable(settlement, f"payable_without_invoice:{settlement_id}", uow, now)


def invoice_matched(event_: ReceivedInvoiceMatched, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The party's invoice says what the statement says: what was accrued becomes payable, with its tax."""
    # The party first, like everywhere: what it owes must not change meanwhile.
    uow.organisations.find(event_.party_id, lock=True)
    try:
        settlement = uow.settlements.get(event_.settlement_id)
    except NotFound:
        raise NotYet("the settlement is not known here") from None
    if settlement.received_invoice_id == event_.received_invoice_id:
        return
    settlement.match(event_.received_invoice_id, event_.net, event_.tax)
    uow.settlements.save(settlement)
    _make_payable(settlement, f"received_invoice:{event_.received_invoice_id}", uow, now, event_)


def _make_payable(
    settlement: Settlement, key: str, uow: BillingUnitOfWork, now: datetime,
    invoice: ReceivedInvoiceMatched | None = None,
) -> None:  # fmt: skip
    """Book under *key* that a statement is payable, by its *invoice* where one is awaited; keep what its party owes."""
    post_transaction(
        uow,
        key=key,
        kind="received_invoice" if invoice is not None else "payable_without_invoice",
        # The settlement's own amounts: the tax inside an ordinary invoice is cost to us, not input VAT.
        entries=received_invoice_matched(
            settlement.party_kind,
            settlement.party_id,
            Money(settlement.net, settlement.currency),
            Money(settlement.tax, settlement.currency),
        ),
        effective_at=now,
        now=now,
    )
    if invoice is not None:
        input_vat.invoice_matched(settlement, invoice.received_invoice_id, invoice.number, uow=uow, now=now)
    uow.publish(event(SettlementPayable, settlement, payable_from=settlement.payable_from))
    _net(settlement, f"netting:{settlement.settlement_id}", uow, now)


def payable_anew(settlement_id: UUID, payout_id: UUID, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    *payout_id* of it was cancelled, failed or came back; the caller holds the party's lock.

    What the party has come to owe meanwhile is kept from it.
    """
    settlement = uow.settlements.get(settlement_id)
    settlement.reopen()
    uow.settlements.save(settlement)
    _net(settlement, f"netting:{settlement_id}:{payout_id}", uow, now)


def _net(settlement: Settlement, key: str, uow: BillingUnitOfWork, now: datetime) -> None:
    """Keep from a statement that has just become payable what its party owes."""
    kept = 0
    for clawback in uow.clawbacks.open_of(settlement.party_id, settlement.currency):
        kept += keep_back(clawback, settlement, uow=uow, now=now)
        uow.clawbacks.save(clawback)
    post_transaction(
        uow,
        key=key,
        kind="clawback_netted",
        entries=netted(settlement.party_kind, settlement.party_id, Money(kept, settlement.currency)),
        effective_at=now,
        now=now,
    )


def keep_back(clawback: Clawback, settlement: Settlement, *, uow: BillingUnitOfWork, now: datetime) -> int:
    """
    Keep from a payable settlement what it can towards *clawback*; the caller holds the party's lock and posts.

    Returns:
        How much, in minor units. A settlement of which nothing is left to pay is paid with that.
    """
    taken = settlement.keep(clawback)
    if taken:
        uow.settlements.save(settlement)
        if settlement.state == "paid":
            announce_paid(settlement, None, uow=uow, now=now)
    return taken


def announce_paid(settlement: Settlement, payout_id: UUID | None, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """*payout_id*: none where all of it was kept because of claw-backs."""
    uow.publish(event(SettlementPaid, settlement, payout_id=payout_id, paid_at=now))
    _tell_orders_paid(settlement, uow)


def _tell_orders_paid(settlement: Settlement, uow: BillingUnitOfWork) -> None:
    """One that tells sales alone has no lines, and ends no order."""
    if settlement.party_kind != "provider":
        return
    order_ids = uow.accruals.orders_on(settlement.settlement_id)
    for first in range(0, len(order_ids), ORDERS_PER_EVENT_MAX):
        uow.publish(
            SettlementOrdersPaid(
                settlement_id=settlement.settlement_id,
                provider_id=settlement.party_id,
                order_ids=tuple(order_ids[first : first + ORDERS_PER_EVENT_MAX]),
            )
        )


def event(kind: type[E], settlement: Settlement, **more: Any) -> E:
    """An event about *settlement* with what all of them carry."""
    return kind(
        settlement_id=settlement.settlement_id,
        number=settlement.number,
        party_kind=settlement.party_kind,
        party_id=settlement.party_id,
        net=Money(settlement.net, settlement.currency),
        tax=Money(settlement.tax, settlement.currency),
        gross=settlement.gross,
        order_count=settlement.order_count,
        **more,
    )


def view(settlement: Settlement) -> SettlementView:
    def money(amount: int) -> Money:
        return Money(amount, settlement.currency)

    return SettlementView(
        settlement_id=settlement.settlement_id,
        number=settlement.number,
        state=settlement.state,
        party_kind=settlement.party_kind,
        party_id=settlement.party_id,
        party_name=settlement.party_name,
        until=settlement.until,
        order_count=settlement.order_count,
        net=money(settlement.net),
        tax=money(settlement.tax),
        gross=settlement.gross,
        kept=tuple(
            KeptFromSettlement(order_number=each.order_number, corrects=each.corrects, amount=money(each.amount))
            for each in settlement.kept
        ),
        to_pay=settlement.to_pay,
        payable_from=settlement.payable_from,
        due_on=settlement.due_on,
        invoice_awaited=settlement.invoice_awaited,
        closed_at=settlement.closed_at,
        payout_id=settlement.payout_id,
    )
