"""Reconciliation: runs by hand and every day, what they learn from outside, and the alarm over what stays open."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import structlog

from services.billing.domain.reconciliation import (
    LOOK_BACK,
    SOURCES,
    Balance,
    ChannelBill,
    ListedMovement,
    Run,
    Source,
    compared_until,
    next_daily_run,
)
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from services.shared.messages.billing.reconciliation import (
    ReconciledBalance,
    ReconciliationOverdue,
    ReconciliationView,
    StartReconciliation,
)

log = structlog.get_logger("reconciliation")

DAILY_TIMER = "reconcile_daily"
ALARM_TIMER = "tell_overdue_items"
ALARM_AFTER = timedelta(hours=1)
"""From the beginning of the daily runs: until then they have ended, or something is wrong."""
UNFINISHED_AFTER = timedelta(days=1)


def start_reconciliation(
    command: StartReconciliation, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, overdue_after: timedelta
) -> ReconciliationView:
    """
    Compare a source once more, whatever was compared before.

    Raises:
        DayNotBegun: See there.
    """
    require(actor, command.grants, {})
    day = command.day or business_date(now) - timedelta(days=1)
    run = _start(
        command.source, day, hand_of(actor), uow=uow, now=now, overdue_after=overdue_after,
        since_ever=command.since_ever,
    )  # fmt: skip
    return view(run)


def reconcile_daily(subject: str, *, uow: BillingUnitOfWork, now: datetime, at: time, overdue_after: timedelta) -> None:
    """Timer: compare yesterday with every source. *at*: the time of day (Asia/Shanghai) of the next runs."""
    yesterday = business_date(now) - timedelta(days=1)
    for source in SOURCES:
        _start(source, yesterday, "timer", uow=uow, now=now, overdue_after=overdue_after)
    uow.set_timer(DAILY_TIMER, subject, next_daily_run(now, at))
    uow.set_timer(ALARM_TIMER, subject, now + ALARM_AFTER)


def tell_overdue(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer, once a day: say what is not in order for longer than it may be; nothing where all is."""
    del subject
    overdue = uow.reconciliations.overdue(now - UNFINISHED_AFTER, now)
    if not overdue:
        return
    log.error("items of reconciliation are overdue", items=overdue.items, oldest_days=overdue.oldest_days,
              unfinished_runs=overdue.unfinished_runs)  # fmt: skip
    uow.publish(
        ReconciliationOverdue(
            day=business_date(now),
            stripe_items=overdue.items.get("stripe", 0),
            bank_items=overdue.items.get("bank", 0),
            voucher_items=overdue.items.get("vouchers", 0),
            channel_items=overdue.items.get("channel", 0),
            items=sum(overdue.items.values()),
            oldest_days=overdue.oldest_days,
            unfinished_runs=overdue.unfinished_runs,
        )
    )


def _start(
    source: Source, day: date, asked_by: str, *, uow: BillingUnitOfWork, now: datetime, overdue_after: timedelta,
    since_ever: bool = False,
) -> Run:  # fmt: skip
    run = Run(
        run_id=new_id(),
        source=source,
        day=day,
        until=compared_until(day, now),
        asked_by=asked_by,
        started_at=now,
    )
    uow.reconciliations.add(run)
    if source == "stripe":
        newest = None if since_ever else uow.reconciliations.newest_movement()
        since = int((newest - LOOK_BACK).timestamp()) if newest is not None else 0
        _list_more(run.run_id, since, {"after": "", "newest": 0}, 1, uow)
    elif source == "channel":
        again = None if since_ever else run.until - LOOK_BACK
        _ask_bills(run, uow.reconciliations.bills_wanted(run.until, again), overdue_after, uow, now)
    else:
        balances = uow.reconciliations.bank_balances(run.until) if source == "bank" else ()
        _compare(run, balances, overdue_after, uow, now)
    return run


def _list_more(run_id: UUID, since: int, place: Mapping[str, Any], piece: int, uow: BillingUnitOfWork) -> None:
    uow.call_outside(
        "list_stripe_movements",
        f"reconciliation:{run_id}:{piece}",
        {"run_id": str(run_id), "since": since, "piece": piece, **place},
    )


def movements_listed(
    asked: Mapping[str, Any], movements: Sequence[ListedMovement], place: Mapping[str, Any],
    balances: Mapping[str, int], *, uow: BillingUnitOfWork, now: datetime, overdue_after: timedelta,
) -> None:  # fmt: skip
    """
    The institution has listed a piece of its books, newest first.

    Args:
        asked: What the call was asked.
        movements: Kept in place of what was known of them.
        place: Where the next piece begins; its `after` is none where this was the last one.
        balances: With the last piece: currency → what stood there in all then, minor units.
        uow: The transaction.
        now: Business time.
        overdue_after: How old an item may become.
    """
    run_id = UUID(asked["run_id"])
    uow.reconciliations.keep_movements(movements)
    if place["after"] is not None:
        _list_more(run_id, asked["since"], place, asked["piece"] + 1, uow)
        return
    run = uow.reconciliations.get(run_id)
    if run.state == "running":
        _compare(run, uow.reconciliations.stripe_balances(balances), overdue_after, uow, now)


def _ask_bills(run: Run, days: Sequence[date], overdue_after: timedelta, uow: BillingUnitOfWork, now: datetime) -> None:
    """One after the other; then what they list is compared."""
    if not days:
        _compare(run, uow.reconciliations.channel_balances(run.until), overdue_after, uow, now)
        return
    uow.call_outside(
        "list_channel_bill",
        f"reconciliation:{run.run_id}:{days[0]}",
        {"run_id": str(run.run_id), "days": [day.isoformat() for day in days]},
    )


def bill_listed(
    asked: Mapping[str, Any], bill: ChannelBill | None, *, uow: BillingUnitOfWork, now: datetime,
    overdue_after: timedelta,
) -> None:  # fmt: skip
    """The splitting channel's *bill* of the first of the days that the call *asked* for; none: it has none yet."""
    run = uow.reconciliations.get(UUID(asked["run_id"]))
    if bill is not None:
        uow.reconciliations.keep_bill(bill, now)
    if run.state == "running":
        left = [date.fromisoformat(day) for day in asked["days"][1:]]
        _ask_bills(run, left, overdue_after, uow, now)


def movements_not_listed(run_id: UUID, code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The institution refuses to list its books: the run has nothing to compare."""
    run = uow.reconciliations.get(run_id)
    log.error("a reconciliation failed", source=run.source, day=run.day.isoformat(), code=code)
    run.fail(code, now)
    uow.reconciliations.save(run)


def _compare(
    run: Run, balances: tuple[Balance, ...], overdue_after: timedelta, uow: BillingUnitOfWork, now: datetime
) -> None:
    found = uow.reconciliations.compare(run, balances, now, overdue_after)
    run.finish(found, balances, now)
    uow.reconciliations.save(run)
    log.info("reconciled", source=run.source, day=run.day.isoformat(), matched=found.matched,
             ours_only=found.ours_only, theirs_only=found.theirs_only, amount_differs=found.amount_differs,
             overdue=found.overdue)  # fmt: skip


def view(run: Run) -> ReconciliationView:
    return ReconciliationView(
        run_id=run.run_id,
        source=run.source,
        day=run.day,
        until=run.until,
        state=run.state,
        asked_by=run.asked_by,
        started_at=run.started_at,
        finished_at=run.finished_at,
        matched=run.found.matched,
        ours_only=run.found.ours_only,
        theirs_only=run.found.theirs_only,
        amount_differs=run.found.amount_differs,
        overdue=run.found.overdue,
        balances=tuple(
            ReconciledBalance(
                currency=each.currency, theirs=each.theirs, ours=each.ours, before=each.before, on=each.on
            )
            for each in run.balances
        ),
        failure=run.failure,
    )
