"""
Payouts: started by one, released by another, ordered from the bank, paid when the bank's statement says so.

Those that the payment institution pays go there when they are released; how it answers is in `transfer.py`.
"""

from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.bank_statement import numbers_in
from services.billing.domain.organisation import OrganisationCopy
from services.billing.domain.payout import (
    CancelReason,
    DebitWaits,
    Payout,
    payout_paid,
    payout_returned,
    payout_started,
)
from services.billing.domain.payout_channel import where_to_pay
from services.billing.domain.settlement import check_not_held
from services.billing.use_cases import janitor
from services.billing.use_cases import settlement as settlements
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.payout import (
    CancelPayout,
    FailPayout,
    PayoutCancelled,
    PayoutFailed,
    PayoutOrdered,
    PayoutPaid,
    PayoutReleased,
    PayoutReturned,
    PayoutView,
    ReleasePayout,
    StartPayout,
)

TRANSFER_TIMER = "check_transfer"

E = TypeVar("E", PayoutCancelled, PayoutFailed, PayoutOrdered, PayoutPaid, PayoutReleased, PayoutReturned)


def start_payout(
    command: StartPayout, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta
) -> PayoutView:
    """
    Prepare the transfer that pays a settlement, to the account the party has now.

    Raises:
        NotPayable, PayoutExists, OrderHeld, HoldNotOver: See Settlement.start_payout.
        DebitWaits: See there.
        BankAccountUnknown, BankAccountUnconfirmed, BankAccountNotOwn, BankAccountNew, PayoutChannelNew,
        ConnectedAccountInactive: See where_to_pay.
    """
    require(actor, command.grants, {})
    # The party first, so that a change of its account or a claw-back either is seen here or sees this payout.
    party = _party(uow.settlements.party_of(command.settlement_id), uow)
    settlement = uow.settlements.get(command.settlement_id)
    payout_id = new_id()
    settlement.start_payout(payout_id, now, uow.accruals.held_on(settlement.settlement_id))
    _look_for_debits(settlement.settlement_id, settlement.to_pay, uow)
    agreed = uow.payout_channels.agreed_of(party.organisation_id)
    way, (bank_name, account_name, account_number) = where_to_pay(party, agreed, now, cooling_off)
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
        way=way,
    )
    uow.payouts.add(payout)
    uow.settlements.save(settlement)
    return view(payout)


def release_payout(
    command: ReleasePayout, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta
) -> PayoutView:
    """
    Let it go into a bank order, or ask the institution to pay it.

    Raises:
        WrongState, SameHands, BankAccountChanged: See Payout.release.
        BankAccountUnknown, BankAccountUnconfirmed, BankAccountNotOwn, BankAccountNew, PayoutChannelNew,
        ConnectedAccountInactive: See where_to_pay.
        OrderHeld: An order of its settlement is in dispute.
        DebitWaits: See there.
    """
    require(actor, command.grants, {})
    payout, party = _locked(command.payout_id, uow)
    _look_for_debits(payout.settlement_id, payout.money, uow)
    check_not_held(uow.accruals.held_on(payout.settlement_id))
    agreed = uow.payout_channels.agreed_of(party.organisation_id)
    payout.release(hand_of(actor), where_to_pay(party, agreed, now, cooling_off), now)
    uow.publish(_event(PayoutReleased, payout))
    if payout.way == "stripe_transfer":
        _ask_institution(payout, uow, now)
    uow.payouts.save(payout)
    return view(payout)


def _look_for_debits(settlement_id: UUID, money: Money, uow: BillingUnitOfWork) -> None:
    """Raises DebitWaits."""
    failed = uow.payouts.failed_numbers(settlement_id)
    for line in uow.bank_lines.debits_in_suspense(money) if failed else ():
        if any(number in failed for number in numbers_in(line.remittance, "PO")):
            raise DebitWaits(serial_number=line.serial_number)


def _ask_institution(payout: Payout, uow: BillingUnitOfWork, now: datetime) -> None:
    payout.ask_institution()
    _into_transit(payout, uow, now)
    uow.call_outside(
        "create_transfer",
        f"transfer:{payout.payout_id}",
        {
            "payout_id": str(payout.payout_id),
            "account": payout.account_number,
            "amount": payout.amount,
            "currency": payout.currency,
        },
    )
    janitor.look_later(TRANSFER_TIMER, f"{payout.payout_id}/0", 0, uow=uow, now=now)


def order(payout: Payout, bank_order_id: UUID, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    The bank is told to pay *payout*.

    Raises:
        WrongState: It is not released.
        OrderHeld: An order of its settlement is in dispute.
    """
    check_not_held(uow.accruals.held_on(payout.settlement_id))
    payout.order(bank_order_id)
    uow.payouts.save(payout)
    _into_transit(payout, uow, now)
    uow.publish(_event(PayoutOrdered, payout, bank_order_id=bank_order_id))


def _into_transit(payout: Payout, uow: BillingUnitOfWork, now: datetime) -> None:
    post_transaction(
        uow,
        key=f"payout:{payout.payout_id}:transit",
        kind="payout_started",
        entries=payout_started(payout.party_kind, payout.party_id, payout.payout_id, payout.money),
        effective_at=now,
        now=now,
    )


def cancel_payout(command: CancelPayout, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> PayoutView:
    """
    Take back what is started or released; its settlement can be paid anew.

    Raises:
        WrongState: The bank has been told.
    """
    require(actor, command.grants, {})
    payout, _ = _locked(command.payout_id, uow)
    _cancel(payout, "by_hand", uow, now)
    return view(payout)


def cancel_started(party_id: UUID, reason: CancelReason, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    Take back all of a party's payouts of which the bank was not told; their settlements can be paid anew.

    The caller holds the party's lock.
    """
    for payout in uow.payouts.started_of(party_id):
        _cancel(payout, reason, uow, now)


def fail_payout(command: FailPayout, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> PayoutView:
    """
    The bank did not pay, says somebody else than who released it: for banks that answer by no file.

    Raises: WrongState, SameHands, PaidByInstitution.
    """
    require(actor, command.grants, {})
    payout, _ = _locked(command.payout_id, uow)
    fail(payout, command.reason, uow=uow, now=now, by=hand_of(actor))
    return view(payout)


def fail(payout: Payout, reason: str, *, uow: BillingUnitOfWork, now: datetime, by: str = "") -> None:
    """The bank or the institution did not pay *payout*, whose party is locked: it is payable again."""
    payout.fail(reason, by)
    uow.payouts.save(payout)
    post_transaction(
        uow,
        key=f"payout:{payout.payout_id}:failed",
        kind="payout_failed",
        entries=ledger.mirrored(payout_started(payout.party_kind, payout.party_id, payout.payout_id, payout.money)),
        effective_at=now,
        now=now,
    )
    uow.publish(_event(PayoutFailed, payout, reason=reason))
    settlements.payable_anew(payout.settlement_id, payout.payout_id, uow=uow, now=now)


def pay(payout: Payout, booked_at: datetime, source: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    *payout*, whose party is locked, was paid from *source*, an account of the ledger, at *booked_at*.

    Had the bank sent it back before, that is booked now.
    """
    mark_paid(payout, uow=uow, now=now)
    post_transaction(
        uow,
        key=f"payout:{payout.payout_id}:paid",
        kind="payout_paid",
        entries=payout_paid(payout.payout_id, payout.money, source),
        effective_at=booked_at,
        now=now,
    )
    line = uow.bank_lines.find(payout.early_return) if payout.early_return is not None else None
    if line is not None and line.state == "suspense":  # nobody has resolved it by hand meanwhile
        bring_back(payout, ledger.SUSPENSE, line.booked_at, uow=uow, now=now)
        line.match(f"payout/{payout.payout_id}", "returned")
        uow.bank_lines.save([line])


def mark_paid(payout: Payout, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    *payout*, whose party is locked, is paid: under way, or failed before, or come back (which it had not); not booked.

    Raises:
        PaidOtherwise: It had failed or come back, and its settlement is paid by another one.
    """
    settlement = uow.settlements.get(payout.settlement_id)
    if payout.state == "in_transit":
        payout.pay(now)
        settlement.pay()
    else:
        if payout.state == "returned":
            payout.keep()
        else:
            payout.pay_late(now)
        settlement.pay_by(payout.payout_id, payout.money)
    uow.payouts.save(payout)
    uow.settlements.save(settlement)
    uow.publish(_event(PayoutPaid, payout, paid_at=now))
    settlements.announce_paid(settlement, payout.payout_id, uow=uow, now=now)


def mark_returned(payout: Payout, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """*payout*, whose party is locked, came back, which is booked: it is payable again. Raises WrongState."""
    payout.bring_back()
    uow.payouts.save(payout)
    uow.publish(_event(PayoutReturned, payout, returned_at=now))
    settlements.payable_anew(payout.settlement_id, payout.payout_id, uow=uow, now=now)


def bring_back(payout: Payout, source: str, at: datetime, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    *payout*, whose party is locked, came back at *at*: it is payable again, once.

    *source*: the account on which its money lies: the bank's, the institution's or, where it came too early, suspense.
    """
    post_transaction(
        uow,
        key=f"payout:{payout.payout_id}:returned",
        kind="payout_returned",
        entries=payout_returned(payout.party_kind, payout.party_id, payout.money, source),
        effective_at=at,
        now=now,
    )
    mark_returned(payout, uow=uow, now=now)


def _cancel(payout: Payout, reason: CancelReason, uow: BillingUnitOfWork, now: datetime) -> None:
    payout.cancel()
    uow.payouts.save(payout)
    uow.publish(_event(PayoutCancelled, payout, reason=reason))
    settlements.payable_anew(payout.settlement_id, payout.payout_id, uow=uow, now=now)


def _locked(payout_id: UUID, uow: BillingUnitOfWork) -> tuple[Payout, OrganisationCopy]:
    party = _party(uow.payouts.party_of(payout_id), uow)
    return uow.payouts.get(payout_id), party


def lock_party(payout_id: UUID, *, uow: BillingUnitOfWork) -> None:
    """Raises NotFound."""
    _party(uow.payouts.party_of(payout_id), uow)


def _party(party_id: UUID, uow: BillingUnitOfWork) -> OrganisationCopy:
    party = uow.organisations.find(party_id, lock=True)
    if party is None:
        raise NotYet("the party is not known here yet")
    return party


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
        bank_order_id=payout.bank_order_id,
        bank_status=payout.bank_status,
        failure=payout.failure,
        way=payout.way,
        transfer_id=payout.transfer_id,
    )
