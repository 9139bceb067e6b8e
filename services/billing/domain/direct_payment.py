"""
A direct payment: the customer paid the provider, which sold, or into a bank's custody; never the company.

Whoever has the money confirms each movement by the reference of its own bank, once. That is all the evidence that the
company has of it, so it is kept and never changed.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date

CUSTODY_HOLDS = "M:channel:custody"
"""Memo, outside the trial balance: what the bank has in custody for others' orders."""


class NotPaidDirectly(Conflict):
    """The money of this order does not go to the provider directly, or nobody waits for it any more."""

    code = "billing.payment_not_direct"


class MoreThanAsked(Conflict):
    """More is confirmed than the customer is asked for."""

    code = "billing.direct_payment_exceeds"


class ConfirmedAlready(Conflict):
    """This movement of the bank account is confirmed already."""

    code = "billing.direct_payment_confirmed"


class MovedOutOfTime(Invalid):
    """The day of a movement is one between the order's contract and today."""

    code = "billing.direct_payment_out_of_time"


@dataclass(frozen=True)
class DirectMovement:
    """
    One movement of the provider's bank account, or of custody.

    Attributes:
        direction: `in`: the customer paid. `out`: it was given back.
        amount: Minor units of *currency*.
        reference: Of the bank that moved it; once for a payment and a direction.
        moved_on: The bank's day.
        confirmed_by: Whose word it is.
    """

    movement_id: UUID
    payment_id: UUID
    order_id: UUID
    direction: Literal["in", "out"]
    amount: int
    currency: str
    reference: str
    moved_on: date
    confirmed_by: str
    confirmed_at: datetime


def into_custody(order_id: UUID, money: Money) -> tuple[ledger.Entry, ...]:
    """A bank keeps *money* for an order that the provider sold."""
    return ledger.entries(("D", CUSTODY_HOLDS, money), ("C", ledger.held_for(order_id), money))


def out_of_custody(order_id: UUID, money: Money) -> tuple[ledger.Entry, ...]:
    """It does not any more: the provider or the customer has it."""
    return ledger.entries(("D", ledger.held_for(order_id), money), ("C", CUSTODY_HOLDS, money))


def check_day(moved_on: date, contracted_at: datetime, now: datetime) -> None:
    """
    Nobody was asked for money before the contract, and no bank knows tomorrow; days are Asia/Shanghai's.

    Raises:
        MovedOutOfTime: *moved_on* is not between.
    """
    first, last = business_date(contracted_at), business_date(now)
    if not first <= moved_on <= last:
        raise MovedOutOfTime(first=first.isoformat(), last=last.isoformat())
