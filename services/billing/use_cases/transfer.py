"""
Transfers: payouts that the payment institution pays to a party's connected account, from our balance there.

Two people have wanted it when it is released; from then on only what the institution says decides. Too little balance
and an account that may not receive are normal answers: the settlement is payable again, and a person starts anew.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from services.billing.domain import ledger
from services.billing.domain.payment import CHECK_DELAYS
from services.billing.domain.payout import Payout
from services.billing.use_cases import janitor
from services.billing.use_cases import payout as payouts
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money

log = structlog.get_logger("transfer")

CHECK_TIMER = payouts.TRANSFER_TIMER


@dataclass(frozen=True)
class TransferFacts:
    """
    How a transfer stands at the institution, fetched just now.

    Attributes:
        reversed: How much of *money* came back, in its minor units.
    """

    transfer_id: str
    account_id: str
    money: Money
    reversed: int


def learn(payout_id: UUID | None, facts: TransferFacts, *, uow: BillingUnitOfWork, now: datetime) -> str:
    """
    Apply how a transfer stands, in whatever order such news come.

    Returns:
        What came of it, a word for the record.
    """
    payout = _locked(payout_id, uow)
    if payout is None or payout.way != "stripe_transfer":
        # Made by hand in the institution's dashboard: reconciliation shows it, nothing here knows what it is for.
        log.error("a transfer that we did not ask for", transfer=facts.transfer_id)
        return "not_ours"
    if (payout.money, payout.account_number) != (facts.money, facts.account_id):
        log.error("a transfer differs from its payout", transfer=facts.transfer_id, payout=payout.number)
        return "differs"
    if payout.state == "in_transit":
        payout.transfer_id = facts.transfer_id
        payouts.pay(payout, now, ledger.PSP, uow=uow, now=now)
    if payout.state == "failed" and facts.reversed < facts.money.amount:
        _take_back(payout, facts, uow)
        return "made_too_late"
    if payout.state != "paid" or not facts.reversed:
        return payout.state
    if facts.reversed < facts.money.amount:
        # We never ask for a part: somebody did it by hand, and must say what it is.
        log.error("a part of a transfer was reversed", payout=payout.number, reversed=facts.reversed)
        return "partly_reversed"
    payouts.bring_back(payout, ledger.PSP, now, uow=uow, now=now)
    return "returned"


def refused(payout_id: UUID, reason: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The institution will not make the transfer of a payout; what it says of the account is asked anew."""
    payout = _locked(payout_id, uow)
    if payout is None or payout.state != "in_transit":
        return
    payouts.fail(payout, reason, uow=uow, now=now)
    uow.call_outside(
        "fetch_stripe_object",
        f"transfer:{payout_id}:refused",
        {"object": "account", "id": payout.account_number},
    )


def reversal_refused(payout_id: UUID, transfer_id: str) -> None:
    """The money of a transfer that was given up cannot be taken back: the party has it, and is owed it no more."""
    log.error("a transfer made too late cannot be taken back", payout_id=str(payout_id), transfer=transfer_id)


def check_transfer(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer, its subject the payout and how often it was looked at: a transfer may be reversed without our hearing."""
    ident, _, checks = subject.partition("/")
    payout = _locked(UUID(ident), uow)
    looks = int(checks) + 1
    if payout is None or payout.state not in {"in_transit", "paid"}:
        return
    if payout.state == "paid" and looks > len(CHECK_DELAYS):
        return
    # Before the institution has told an id, the call that makes it is still tried.
    asked = [{"object": "transfer", "id": payout.transfer_id}] if payout.transfer_id else []
    janitor.look(CHECK_TIMER, f"{ident}/{looks}", looks, asked, uow=uow, now=now)


def _take_back(payout: Payout, facts: TransferFacts, uow: BillingUnitOfWork) -> None:
    """It was given up and made nevertheless, by a call that was slower: its settlement is paid by another one."""
    log.error("a transfer that was given up was made", transfer=facts.transfer_id, payout=payout.number)
    uow.call_outside(
        "reverse_transfer",
        f"transfer:{payout.payout_id}:take_back",
        {
            "payout_id": str(payout.payout_id),
            "transfer_id": facts.transfer_id,
            "reversal_id": f"given_up/{payout.payout_id}",
            "amount": facts.money.amount - facts.reversed,
        },
    )


def _locked(payout_id: UUID | None, uow: BillingUnitOfWork) -> Payout | None:
    """The party before it, like everywhere."""
    if payout_id is None:
        return None
    try:
        uow.organisations.find(uow.payouts.party_of(payout_id), lock=True)
        return uow.payouts.get(payout_id)
    except NotFound:
        return None
