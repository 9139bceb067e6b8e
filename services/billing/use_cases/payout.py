"""Payouts: started by one, released by another, paid when the bank's statement says so."""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.billing.domain.payout import BankAccountUnknown, Payout, payout_paid, payout_started
from services.billing.domain.settlement import check_not_held
from services.billing.use_cases import settlement as settlements
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.payout import PayoutPaid, PayoutReleased, PayoutView, ReleasePayout, StartPayout

E = TypeVar("E", PayoutReleased, PayoutPaid)


def start_payout(command: StartPayout, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> PayoutView:
    """
    Prepare the transfer that pays a settlement, to the account the party has now.

    Raises:
        NotPayable, PayoutExists, OrderHeld, HoldNotOver: See Settlement.start_payout.
        BankAccountUnknown: The party has none.
    """
    require(actor, command.grants, {})
    # The party first, so that a change of its account or a claw-back either is seen here or sees this payout.
    party = uow.organisations.find(uow.settlements.party_of(command.settlement_id), lock=True)
    if party is None:
        raise NotYet("the party is not known here yet")
    settlement = uow.settlements.get(command.settlement_id)
    payout_id = new_id()
    settlement.start_payout(payout_id, now, uow.accruals.held_on(settlement.settlement_id))
    if party.bank_account is None:
        raise BankAccountUnknown
    bank_name, account_name, account_number = party.bank_account
    payout = Payout(
        payout_id=payout_id,
        number="",
        state="created",
        settlement_id=settlement.settlement_id,
        party_kind=settlement.party_kind,
        party_id=settlement.party_id,
        currency=settlement.currency,
        amount=settlement.to_pay.amount,
        bank_name=bank_name,
        account_name=account_name,
        account_number=account_number,
        created_at=now,
        created_by=hand_of(actor),
    )
    uow.payouts.add(payout)
    uow.settlements.save(settlement)
    return view(payout)


def release_payout(command: ReleasePayout, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> PayoutView:
    """
    Tell the bank to pay.

    Raises:
        WrongState, SameHands, BankAccountChanged: See Payout.release.
        OrderHeld: An order of its settlement is in dispute.
    """
    require(actor, command.grants, {})
    payout = uow.payouts.get(command.payout_id)
    check_not_held(uow.accruals.held_on(payout.settlement_id))
    party = uow.organisations.find(payout.party_id)
    payout.release(hand_of(actor), party.bank_account if party is not None else None, now)
    uow.payouts.save(payout)
    post_transaction(
        uow,
        key=f"payout:{payout.payout_id}:transit",
        kind="payout_started",
        entries=payout_started(payout.party_kind, payout.party_id, payout.payout_id, payout.money),
        effective_at=now,
        now=now,
    )
    uow.publish(_event(PayoutReleased, payout))
    uow.call_outside(
        "write_bank_order",
        f"bank_order:{payout.payout_id}",
        {
            "payout_id": str(payout.payout_id),
            "number": payout.number,
            "amount": payout.amount,
            "currency": payout.currency,
            "bank_name": payout.bank_name,
            "account_name": payout.account_name,
            "account_number": payout.account_number,
            "released_at": now.isoformat(),
        },
    )
    return view(payout)


def bank_order_kept(payout_id: UUID, key: str, *, uow: BillingUnitOfWork) -> None:
    """The order to the bank is written and kept."""
    payout = uow.payouts.get(payout_id)
    payout.bank_order_key = key
    uow.payouts.save(payout)


def pay(payout: Payout, booked_at: datetime, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The bank's statement shows *payout*."""
    payout.pay(now)
    uow.payouts.save(payout)
    settlement = uow.settlements.get(payout.settlement_id)
    settlement.pay()
    uow.settlements.save(settlement)
    post_transaction(
        uow,
        key=f"payout:{payout.payout_id}:paid",
        kind="payout_paid",
        entries=payout_paid(payout.payout_id, payout.money),
        effective_at=booked_at,
        now=now,
    )
    uow.publish(_event(PayoutPaid, payout, paid_at=now))
    settlements.announce_paid(settlement, payout.payout_id, uow=uow, now=now)


def cancel_started(party_id: UUID, *, uow: BillingUnitOfWork) -> None:
    """Take back what is started for a party and not released; its settlement can be paid anew."""
    for payout in uow.payouts.started_of(party_id):
        payout.cancel()
        uow.payouts.save(payout)
        settlement = uow.settlements.get(payout.settlement_id)
        settlement.payout_id = None
        uow.settlements.save(settlement)


def hand_of(actor: Actor) -> str:
    """Who acts, for four eyes: a person; or the machines of an organisation, taken as one."""
    if actor.member_id is not None:
        return f"member/{actor.member_id}"
    return f"{actor.kind}/{actor.organisation_id}"


def _event(kind: type[E], payout: Payout, **more: Any) -> E:
    return kind(
        payout_id=payout.payout_id,
        number=payout.number,
        settlement_id=payout.settlement_id,
        party_kind=payout.party_kind,
        party_id=payout.party_id,
        amount=payout.money,
        **more,
    )


def view(payout: Payout) -> PayoutView:
    return PayoutView(
        payout_id=payout.payout_id,
        number=payout.number,
        state=payout.state,
        settlement_id=payout.settlement_id,
        party_kind=payout.party_kind,
        party_id=payout.party_id,
        amount=payout.money,
        account_name=payout.account_name,
        account_number=payout.account_number,
        bank_name=payout.bank_name,
        created_at=payout.created_at,
        released_at=payout.released_at,
        paid_at=payout.paid_at,
    )
