"""A customer's credit paid back to it; and what a programme is to have back, to its authority."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_statement import numbers_in
from services.billing.domain.credit_payback import LIFECYCLE, CreditPayback, ordered, paid, returned
from services.billing.domain.ledger import AccountOverdrawn
from services.billing.domain.organisation import OrganisationCopy
from services.billing.domain.payout import account_to_pay
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.credit_payback import (
    ApproveCreditPayback,
    CancelCreditPayback,
    CreditPaybackFailed,
    CreditPaybackOrdered,
    CreditPaybackPaid,
    CreditPaybackReturned,
    CreditPaybackView,
    FailCreditPayback,
    RequestCreditPayback,
    RequestProgrammePayback,
)

E = TypeVar("E", CreditPaybackOrdered, CreditPaybackPaid, CreditPaybackFailed, CreditPaybackReturned)


def request_credit_payback(
    command: RequestCreditPayback, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta
) -> CreditPaybackView:
    """
    Ask for a customer's credit to be paid back to its own account; nothing is booked before somebody else lets it go.

    Raises:
        NotFound: There is no such customer.
        AccountOverdrawn: There is less credit; it is looked at again when it is let go.
        BankAccountUnknown, BankAccountUnconfirmed, BankAccountNotOwn, BankAccountNew: See account_to_pay.
    """
    require(actor, command.grants, {})
    return _request(command, command.customer_id, None, actor, uow, now, cooling_off)


def request_programme_payback(
    command: RequestProgrammePayback, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta
) -> CreditPaybackView:
    """
    Ask for what a programme has paid too much of to be given back to its authority; else as `request_credit_payback`.

    Raises:
        NotFound: There is no such programme.
        AccountOverdrawn, BankAccountUnknown, BankAccountUnconfirmed, BankAccountNotOwn, BankAccountNew: See there.
    """
    require(actor, command.grants, {})
    return _request(command, None, command.programme_id, actor, uow, now, cooling_off)


def _request(
    command: RequestCreditPayback | RequestProgrammePayback, customer_id: UUID | None, programme_id: UUID | None,
    actor: Actor, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta,
) -> CreditPaybackView:  # fmt: skip
    payee = _payee(customer_id, programme_id, uow)
    bank_name, account_name, account_number = account_to_pay(payee, now, cooling_off)
    payback = CreditPayback(
        credit_payback_id=new_id(),
        number="",
        state="requested",
        customer_id=customer_id,
        programme_id=programme_id,
        currency=command.amount.currency,
        amount=command.amount.amount,
        reason=command.reason,
        bank_name=bank_name,
        account_name=account_name,
        account_number=account_number,
        requested_at=now,
        requested_by=hand_of(actor),
    )
    if payback.amount > uow.ledger.standing(payback.owed_on, payback.currency):
        raise AccountOverdrawn
    uow.credit_paybacks.add(payback)
    return view(payback)


def approve_credit_payback(
    command: ApproveCreditPayback, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, cooling_off: timedelta
) -> CreditPaybackView:
    """
    The second pair of eyes: the bank is told.

    Raises:
        WrongState, SameHands, BankAccountChanged: See CreditPayback.approve.
        BankAccountUnknown, BankAccountUnconfirmed, BankAccountNotOwn, BankAccountNew: See account_to_pay.
        AccountOverdrawn: Orders were paid with it meanwhile.
    """
    require(actor, command.grants, {})
    payback = uow.credit_paybacks.get(command.credit_payback_id)
    account = account_to_pay(_payee(payback.customer_id, payback.programme_id, uow), now, cooling_off)
    payback.approve(hand_of(actor), account, now)
    uow.credit_paybacks.save(payback)
    uow.publish(_event(CreditPaybackOrdered, payback, ordered_at=now))
    key = f"credit_payback:{payback.credit_payback_id}:ordered"
    post_transaction(uow, key=key, kind="credit_payback", entries=ordered(payback), effective_at=now, now=now)
    uow.call_outside(
        "write_credit_payback",
        f"credit_payback:{payback.credit_payback_id}",
        {
            "credit_payback_id": str(payback.credit_payback_id),
            "number": payback.number,
            "order_number": payback.number,
            "ordered_at": now.isoformat(),
            "amount": payback.amount,
            "currency": payback.currency,
            "bank_name": payback.bank_name,
            "account_name": payback.account_name,
            "account_number": payback.account_number,
        },
    )
    return view(payback)


def cancel_credit_payback(
    command: CancelCreditPayback, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> CreditPaybackView:
    """Raises WrongState: The bank has been told."""
    del now
    require(actor, command.grants, {})
    payback = uow.credit_paybacks.get(command.credit_payback_id)
    payback.cancel()
    uow.credit_paybacks.save(payback)
    return view(payback)


def fail_credit_payback(
    command: FailCreditPayback, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> CreditPaybackView:
    """
    The bank did not make it, says somebody else than who let it go: it is owed as before.

    Raises: WrongState, SameHands.
    """
    require(actor, command.grants, {})
    payback = uow.credit_paybacks.get(command.credit_payback_id)
    payback.fail(command.reason, hand_of(actor))
    _give_up(payback, uow, now)
    return view(payback)


def refused_by_bank(payback: CreditPayback, reason: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The bank answers that it will not make it. Raises WrongState."""
    payback.refuse(reason)
    _give_up(payback, uow, now)


def _give_up(payback: CreditPayback, uow: BillingUnitOfWork, now: datetime) -> None:
    uow.credit_paybacks.save(payback)
    post_transaction(
        uow,
        key=f"credit_payback:{payback.credit_payback_id}:failed",
        kind="credit_payback_failed",
        entries=ledger.mirrored(ordered(payback)),
        effective_at=now,
        now=now,
    )
    uow.publish(_event(CreditPaybackFailed, payback, reason=payback.failure))


def mark_paid(payback: CreditPayback, at: datetime, *, uow: BillingUnitOfWork) -> None:
    """The bank has made it, perhaps after it had said that it had not; booked by the caller. Raises WrongState."""
    payback.pay(at)
    uow.credit_paybacks.save(payback)
    uow.publish(_event(CreditPaybackPaid, payback, paid_at=at))


def mark_returned(payback: CreditPayback, at: datetime, *, uow: BillingUnitOfWork) -> None:
    """Its bank sent it back; booked by the caller. Raises WrongState."""
    payback.bring_back()
    uow.credit_paybacks.save(payback)
    uow.publish(_event(CreditPaybackReturned, payback, returned_at=at))


def mark_kept(payback: CreditPayback, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """What was taken for its return was not; booked by the caller. Raises WrongState."""
    payback.keep_paid()
    uow.credit_paybacks.save(payback)
    uow.publish(_event(CreditPaybackPaid, payback, paid_at=payback.paid_at or now))


def document_kept(credit_payback_id: UUID, key: str, sha256: str, size: int, *, uow: BillingUnitOfWork) -> None:
    """The file for the bank is written and kept."""
    payback = uow.credit_paybacks.get(credit_payback_id)
    payback.keep(key, sha256, size)
    uow.credit_paybacks.save(payback)


def take(line: BankLine, known: Mapping[str, CreditPayback], *, uow: BillingUnitOfWork, now: datetime) -> bool:
    """
    Book a line that names one payback (CP-2026-000123), and exactly its amount: made, or sent back.

    Returns:
        Whether it is booked and matched; anything else is for a person.
    """
    found = [known[number] for number in numbers_in(line.remittance, "CP") if number in known]
    # Some banks book a return as the reversal of what they paid.
    held = line.held if line.direction == "out" or line.held != "reversal" else ""
    if held or len(found) != 1 or found[0].money != line.money:
        return False
    (payback,) = found
    if not LIFECYCLE.allows("pay" if line.direction == "out" else "return", payback.state):
        return False
    if line.direction == "out":
        kind, entries = "credit_payback_paid", paid(payback, ledger.BANK)
        mark_paid(payback, line.booked_at, uow=uow)
    else:
        kind, entries = "credit_payback_returned", returned(payback, ledger.BANK)
        mark_returned(payback, line.booked_at, uow=uow)
    post_transaction(uow, key=line.key, kind=kind, entries=entries, effective_at=line.booked_at, now=now)
    line.match(f"credit_payback/{payback.credit_payback_id}", "returned" if line.direction == "in" else "")
    return True


def _event(kind: type[E], payback: CreditPayback, **more: object) -> E:
    facts = {name: getattr(payback, name) for name in ("credit_payback_id", "number", "customer_id", "programme_id")}
    return kind.model_validate({**facts, "amount": payback.money, **more})


def _payee(customer_id: UUID | None, programme_id: UUID | None, uow: BillingUnitOfWork) -> OrganisationCopy:
    """The customer, or the programme's authority; locked, so that a change of its account is seen here or sees this."""
    programme = uow.programmes.find(programme_id) if programme_id is not None else None
    payee_id, kind = (programme.authority_id, "authority") if programme is not None else (customer_id, "customer")
    payee = uow.organisations.find(payee_id, lock=True) if payee_id is not None else None
    if payee is None or payee.kind != kind:
        raise NotFound
    return payee


def view(payback: CreditPayback) -> CreditPaybackView:
    return CreditPaybackView(
        credit_payback_id=payback.credit_payback_id,
        number=payback.number,
        state=payback.state,
        customer_id=payback.customer_id,
        programme_id=payback.programme_id,
        amount=payback.money,
        reason=payback.reason,
        bank_name=payback.bank_name,
        account_name=payback.account_name,
        account_number=payback.account_number,
        requested_at=payback.requested_at,
        approved_at=payback.approved_at,
        paid_at=payback.paid_at,
        failure=payback.failure,
        written=payback.document_key is not None,
    )
