"""Closing a month's books."""

from datetime import datetime

from services.billing.domain import ledger
from services.billing.domain.period import (
    BooksDoNotHold,
    ClosedPeriod,
    Period,
    PeriodHasOpenItems,
    check_order,
    period_of,
    vat_month_end,
)
from services.billing.use_cases.ledger import announce_blocks, post_transactions
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.money import Money
from services.shared.messages.billing.period import ClosePeriod, PeriodClosed, PeriodView


def close_period(command: ClosePeriod, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> PeriodView:
    """
    Lock a month: book its VAT, seal the chain, keep what stands on every account.

    Raises:
        PeriodUnknown, PeriodNotOver, PeriodClosedAlready, EarlierPeriodOpen: See there.
        BooksDoNotHold: An invariant does not hold.
        PeriodHasOpenItems: See `adapters/period_items.py`.
    """
    require(actor, command.grants, {})
    period = period_of(command.period)
    # Before anybody has to wait for us: this reads the whole ledger.
    check_order(period, uow.periods.last_until(), now)
    _, found = uow.ledger.check()
    if violated := sorted(name for name, sentences in found.items() if sentences):
        raise BooksDoNotHold(invariants=violated)
    uow.periods.hold_books()
    check_order(period, uow.periods.last_until(), now)
    if items := uow.periods.open_items(period.until):
        raise PeriodHasOpenItems(items=list(items))
    _book_vat(period, uow, now)
    while blocks := uow.ledger_chain.seal(now, books_held=True):
        announce_blocks(blocks, uow, now)
    closed = uow.periods.close(period, hand_of(actor), now)
    uow.publish(
        PeriodClosed(
            period=closed.name,
            until=closed.until,
            closed_at=closed.closed_at,
            trial_balance_sha256=closed.trial_balance_sha256,
            block=closed.block,
        )
    )
    return view(closed)


def _book_vat(period: Period, uow: BillingUnitOfWork, now: datetime) -> None:
    def of(currency: str) -> ledger.Posting:
        output = uow.periods.stands(ledger.OUTPUT_VAT, currency, period.until)
        confirmed = uow.periods.stands(ledger.INPUT_VAT, currency, period.until)
        entries = vat_month_end(Money(-output, currency), Money(confirmed, currency))
        return ledger.Posting(f"vat:{period.name}:{currency}", "vat_month_end", entries, period.last_instant)

    post_transactions(uow, [of(currency) for currency in uow.periods.vat_currencies()], now=now)


def view(closed: ClosedPeriod) -> PeriodView:
    return PeriodView(
        period=closed.name,
        until=closed.until,
        closed_at=closed.closed_at,
        closed_by=closed.closed_by,
        trial_balance_sha256=closed.trial_balance_sha256,
        block=closed.block,
    )
