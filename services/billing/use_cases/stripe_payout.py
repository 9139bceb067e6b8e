"""What the payment institution pays out to our own bank: booked as its books tell, and matched with the bank's line."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from services.billing.domain import ledger
from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_line_part import Part, resolved
from services.billing.domain.bank_statement import references_in
from services.billing.domain.stripe_payout import (
    EARLY_DAYS_MAX,
    LATE_DAYS_MAX,
    Movement,
    StripePayout,
    by_institution,
    fee_of,
    moved,
    nearest,
    shown,
    waits_for,
)
from services.billing.use_cases.bank_line_view import tell_resolved
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.times import business_date


def learn(told: StripePayout, movements: Sequence[Movement], *, uow: BillingUnitOfWork, now: datetime) -> str:
    """
    Book what the institution's books say of a payout to us, each movement once, in whatever order they are told.

    Where the bank has told of it before, its line is matched.

    Returns:
        What came of it, a word for the record.
    """
    uow.stripe_payouts.lock()
    lines = uow.bank_lines.of_institution(told.money)
    payout = uow.stripe_payouts.find(told.psp_payout_id)
    if payout is None:
        payout = told
    else:
        payout.learn(told)
    uow.stripe_payouts.save(payout)
    booked = _show(payout, lines, uow, now)
    for each in movements:
        for key, kind, entries in ((each.key, "psp_payout", moved(each)), (f"{each.key}:fee", "psp_fee", fee_of(each))):
            done = post_transaction(uow, key=key, kind=kind, entries=entries, effective_at=each.happened_at, now=now)
            booked = booked or done
    return "booked" if booked else "nothing_new"


def around(lines: Sequence[BankLine], *, uow: BillingUnitOfWork) -> Sequence[StripePayout]:
    """Payouts of the days of *lines*, locked: those that these may show."""
    if not lines:
        return ()
    days = [business_date(line.booked_at) for line in lines]
    early, late = timedelta(days=EARLY_DAYS_MAX), timedelta(days=LATE_DAYS_MAX)
    return uow.stripe_payouts.around(min(days) - late, max(days) + early)


def take(
    line: BankLine, payouts: Sequence[StripePayout], names: Collection[str], *, uow: BillingUnitOfWork, now: datetime
) -> bool:
    """
    Book a new *line* that shows one of *payouts*, see `around`; *names*: how the institution's begins.

    Returns:
        Whether it is booked and matched. The institution's line that is not sure is held: it is for a person.
    """
    if line.held or not (any(each.named_in(line) for each in payouts) or _looks_like_one(line, names)):
        return False
    payout, line.held = shown(line, payouts)
    if payout is None:
        return False
    _book(line, payout, ledger.BANK, uow, now)
    return True


def named_by_hand(line: BankLine, parts: Sequence[Part], *, uow: BillingUnitOfWork) -> Sequence[Part]:
    """*parts* of *line*, locked; where all of it is said to be a payout of the institution, with the one it shows."""
    (first, *others) = parts
    if first.kind != "psp" or first.target_id is not None or others:
        return parts
    payout = nearest(line, around([line], uow=uow))
    return parts if payout is None else [Part("psp", payout.psp_payout_id, first.amount)]


def _looks_like_one(line: BankLine, names: Collection[str]) -> bool:
    """A payment's reference says more than a name: no customer is one of the institution's."""
    return by_institution(line, names) and not any(each.certain for each in references_in(line.remittance))


def _show(payout: StripePayout, lines: Sequence[BankLine], uow: BillingUnitOfWork, now: datetime) -> bool:
    """Match *payout* with the line of *lines* that shows it, by the same rule as when that was read."""
    waiting = sorted((line for line in lines if waits_for(line, payout)), key=lambda line: line.booked_at)
    for line in waiting:
        known = [payout if each.psp_payout_id == payout.psp_payout_id else each for each in around([line], uow=uow)]
        if line.state == "matched":
            # A person said so before the institution told of it: it is booked.
            line.resolve((Part("psp", payout.psp_payout_id, line.amount),), line.reason, line.booked_key)
            payout.shown_by(line)
            uow.stripe_payouts.save(payout)
        elif shown(line, known)[0] is payout:
            _book(line, payout, ledger.SUSPENSE, uow, now)
            tell_resolved(line, "", uow)
        else:
            continue
        uow.bank_lines.save([line])
        return True
    return False


def _book(line: BankLine, payout: StripePayout, source: str, uow: BillingUnitOfWork, now: datetime) -> None:
    part = Part("psp", payout.psp_payout_id, line.amount)
    fresh = source == ledger.BANK
    key = line.key if fresh else line.next_key()
    post_transaction(
        uow,
        key=key,
        kind="psp_payout_shown",
        entries=resolved(part, line.money, source, line.direction),
        effective_at=line.booked_at if fresh else now,
        now=now,
    )
    line.resolve((part,), "", key)
    payout.shown_by(line)
    uow.stripe_payouts.save(payout)
