"""
Lines in suspense that are money we sent, or that came back of it: payouts, refunds, credit paybacks, taxes, named by
a person.

What names them itself is matched by `bank_statement.py`; here is what the bank told without our number, in another sum,
or against what it had said before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.billing.domain import credit_payback as payback_books
from services.billing.domain.bank_line import BankLine, NotUndoable
from services.billing.domain.bank_line_part import (
    OF_PAYBACKS,
    OF_PAYOUTS,
    OF_REFUNDS,
    Part,
    PartsDiffer,
    TaxExceedsPayable,
)
from services.billing.domain.clawback import Clawback
from services.billing.domain.credit_payback import CreditPayback
from services.billing.domain.ledger import CHANNEL, VAT_PAYABLE, Entry
from services.billing.domain.payout import (
    PaidByInstitution,
    Payout,
    payout_paid,
    payout_paid_late,
    payout_paid_twice,
    payout_returned,
)
from services.billing.domain.refund import Refund, paid_back, returned
from services.billing.domain.refund_part import RefundPart
from services.billing.domain.stripe_payout import StripePayout
from services.billing.use_cases import credit_payback, refund_payment
from services.billing.use_cases import payout as payouts
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import Money

_FROM = {"payout": {"in_transit", "failed"}, "payout_return": {"paid"}, "party_debt": {"failed", "paid"}}
_PAYBACK_FROM = {"credit_payback": {"ordered", "failed"}, "credit_payback_return": {"paid"}}
"""In which states a payout, or a credit payback, is of which a person may say each of these."""


@dataclass(frozen=True, slots=True)
class Transfers:
    """Those that the parts of a line name, locked."""

    refunds: Mapping[UUID, Refund]
    paybacks: Mapping[UUID, CreditPayback]
    payouts: Mapping[UUID, Payout]
    to_our_bank: Mapping[UUID, StripePayout]


def check_standing(line: BankLine, parts: Sequence[Part], *, uow: BillingUnitOfWork) -> None:
    """
    No more tax, and no more commission from the splitting channel, than stands there; before a payment is locked.

    Raises:
        TaxExceedsPayable: See there.
        PartsDiffer: It is more than our balance at the channel can have become.
    """
    tax, withdrawn = (sum(part.amount for part in parts if part.kind == kind) for kind in ("tax", "channel"))
    if tax or withdrawn:
        uow.bank_lines.lock(line.account)  # so that two who say it of the same money see each other
    if tax and tax > uow.ledger.standing(VAT_PAYABLE, line.currency):
        raise TaxExceedsPayable
    if withdrawn and withdrawn > -uow.ledger.standing(CHANNEL, line.currency):
        raise PartsDiffer


def named(line: BankLine, parts: Sequence[Part], *, uow: BillingUnitOfWork) -> Transfers:
    """
    The refunds, credit paybacks, payouts and the institution's payouts of *parts*; payments are locked before them.

    Raises:
        NotFound: One is none of ours.
        PartsDiffer: A part names none, or not all of it; or a payout of the institution that no such line is to show.
        WrongState: The bank cannot have done that with it.
        PaidByInstitution: The bank has no part in it.
    """
    refund_ids = {_target(part) for part in parts if part.kind in OF_REFUNDS}
    wanted = [_target(part) for part in parts if part.kind in OF_PAYOUTS]
    if len(set(wanted)) < len(wanted):
        raise PartsDiffer
    refunds = uow.refunds.find_all(refund_ids) if refund_ids else {}
    if len(refunds) < len(refund_ids):
        raise NotFound
    payback_ids = sorted({_target(part) for part in parts if part.kind in OF_PAYBACKS})
    paybacks = {each: uow.credit_paybacks.get(each) for each in payback_ids}
    ours = {each.payout_id: each for each in uow.payouts.get_all(wanted)} if wanted else {}
    told = {part.target_id for part in parts if part.kind == "psp" and part.target_id is not None}
    found = Transfers(refunds, paybacks, ours, uow.stripe_payouts.get_all(told) if told else {})
    for part in parts:
        money = Money(part.amount, line.currency)
        if part.kind in OF_PAYOUTS:
            _check_payout(part, found.payouts[_target(part)], money)
        if part.kind in OF_REFUNDS:
            _transfer(part, found.refunds[_target(part)], money)
        if part.kind in OF_PAYBACKS:
            _check_payback(part, found.paybacks[_target(part)], money)
        if part.kind == "psp" and part.target_id is not None:
            _check_to_our_bank(line, found.to_our_bank[part.target_id], money)
    return found


def entries_of(part: Part, money: Money, found: Transfers, source: str) -> tuple[Entry, ...]:
    """That book *part*, which lies on *source*."""
    if part.kind in OF_REFUNDS:
        made = found.refunds[_target(part)]
        if part.kind == "refund_return":
            return returned(made.refund_id, money, source)
        return paid_back(made.refund_id, _transfer(part, made, money), made.customer_id, money, source)
    if part.kind in OF_PAYBACKS:
        payback = found.paybacks[_target(part)]
        made_or_back = payback_books.paid if part.kind == "credit_payback" else payback_books.returned
        return made_or_back(payback, source)
    payout = found.payouts[_target(part)]
    if part.kind == "payout_return":
        return payout_returned(payout.party_kind, payout.party_id, money, source)
    if part.kind == "party_debt":
        return payout_paid_twice(payout, source)
    if payout.state == "failed":
        return payout_paid_late(payout, source)
    return payout_paid(payout.payout_id, money, source)


def take_effect(line: BankLine, part: Part, found: Transfers, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    What follows from *part*, which is booked.

    Raises:
        PaidOtherwise: A payout that had failed, whose settlement is paid by another one.
    """
    money = Money(part.amount, line.currency)
    if part.kind == "psp":
        if part.target_id is not None:
            found.to_our_bank[part.target_id].shown_by(line)
            uow.stripe_payouts.save(found.to_our_bank[part.target_id])
        return
    if part.kind in OF_REFUNDS:
        made = found.refunds[_target(part)]
        transfer = _transfer(part, made, money)
        if part.kind == "refund":
            refund_payment.mark_transferred(made, transfer, line.serial_number, uow=uow, now=now)
        else:
            refund_payment.not_transferred(made, [transfer], "returned", uow=uow, now=now)
        return
    if part.kind in OF_PAYBACKS:
        mark = credit_payback.mark_paid if part.kind == "credit_payback" else credit_payback.mark_returned
        mark(found.paybacks[_target(part)], line.booked_at, uow=uow)
        return
    payout = found.payouts[_target(part)]
    if part.kind == "payout":
        payouts.mark_paid(payout, uow=uow, now=now)
    elif part.kind == "payout_return":
        payouts.mark_returned(payout, uow=uow, now=now)
    else:
        _owe(line, payout, uow, now)


def undo(line: BankLine, part: Part, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    *part*, whose booking the caller reverses, was wrong.

    Raises:
        NotUndoable: It was told as paid; or something else has come of it meanwhile.
        PaidOtherwise: The settlement of a payout that came back is paid by another one.
    """
    if part.kind in {"payout", "refund", "credit_payback"}:
        raise NotUndoable
    if part.kind == "psp" and part.target_id is not None:
        (told,) = uow.stripe_payouts.get_all([part.target_id]).values()
        told.not_shown_by(line)
        uow.stripe_payouts.save(told)
    if part.kind == "credit_payback_return":
        credit_payback.mark_kept(uow.credit_paybacks.get(_target(part)), uow=uow, now=now)
    if part.kind == "payout_return":
        (payout,) = uow.payouts.get_all([_target(part)])
        payouts.mark_paid(payout, uow=uow, now=now)
    elif part.kind == "refund_return":
        made = uow.refunds.get(_target(part))
        transfer = made.transfer_failed(Money(part.amount, line.currency), "returned")
        if transfer is None:
            raise NotUndoable
        refund_payment.mark_transferred(made, transfer, transfer.reference, uow=uow, now=now)
    elif part.kind == "party_debt":
        payouts.lock_party(_target(part), uow=uow)
        debt = uow.clawbacks.of_key(_debt_key(line))
        if debt is None or debt.left < debt.amount:
            raise NotUndoable
        debt.take(debt.left)
        uow.clawbacks.save(debt)


def _target(part: Part) -> UUID:
    if part.target_id is None:
        raise PartsDiffer
    return part.target_id


def _check_payout(part: Part, payout: Payout, money: Money) -> None:
    if payout.way != "bank":
        raise PaidByInstitution
    if payout.money != money:
        raise PartsDiffer
    if payout.state not in _FROM[part.kind]:
        raise WrongState(noun="payout", state=payout.state, verb=part.kind)


def _check_to_our_bank(line: BankLine, payout: StripePayout, money: Money) -> None:
    if payout.money != money or payout.awaited != line.direction:
        raise PartsDiffer


def _check_payback(part: Part, payback: CreditPayback, money: Money) -> None:
    if payback.money != money:
        raise PartsDiffer
    if payback.state not in _PAYBACK_FROM[part.kind]:
        raise WrongState(noun="credit_payback", state=payback.state, verb=part.kind)


def _transfer(part: Part, made: Refund, money: Money) -> RefundPart:
    if part.kind == "refund_return":
        found = made.transfer_made(money)
    else:
        found = made.transfer_of(money) or made.transfer_failed(money)
    if found is None:
        raise PartsDiffer
    return found


def _owe(line: BankLine, payout: Payout, uow: BillingUnitOfWork, now: datetime) -> None:
    """The party has it twice: its next statement is netted against it."""
    settlement = uow.settlements.get(payout.settlement_id)
    uow.clawbacks.add(
        Clawback(
            clawback_id=new_id(),
            key=_debt_key(line),
            party_kind=payout.party_kind,
            party_id=payout.party_id,
            order_id=uow.accruals.orders_on(settlement.settlement_id)[0],
            order_number=payout.number,
            corrects=settlement.number,
            currency=payout.currency,
            amount=payout.amount,
            left=payout.amount,
            opened_at=now,
        )
    )


def _debt_key(line: BankLine) -> str:
    """Of this time that the line is booked so."""
    return f"{line.key}:{line.turn}:debt"
