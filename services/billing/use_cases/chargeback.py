"""
Chargebacks: what the customer's bank takes back, answered with evidence, won or lost.

Whatever was told in whichever order: how it stands is fetched, money is booked by the balance transactions that
the institution lists, each once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog

from services.billing.domain.chargeback import (
    EVIDENCE_ALARM,
    Chargeback,
    ChargebackFacts,
    Movement,
    fee_charged,
    funds_moved,
    not_recovered,
    surplus_lost,
)
from services.billing.domain.commission import split
from services.billing.domain.ledger import Entry, customer_credit
from services.billing.domain.order import OrderCopy, party_share
from services.billing.domain.payment import Payment
from services.billing.use_cases import refund
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.chargeback import (
    ChargebackEvidenceDue,
    ChargebackFile,
    ChargebackLost,
    ChargebackOpened,
    ChargebackView,
    ChargebackWon,
    Evidence,
    SubmitChargebackEvidence,
)

log = structlog.get_logger("chargeback")

E = TypeVar("E", ChargebackOpened, ChargebackEvidenceDue, ChargebackWon, ChargebackLost)

CHECK_TIMER = "check_chargeback"
CHECK_EVERY = timedelta(days=1)
DUE_TIMER = "chargeback_evidence_due"


def learn(
    payment_id: UUID | None, order_id: UUID | None, facts: ChargebackFacts, *, uow: BillingUnitOfWork, now: datetime
) -> str:
    """
    Apply how a chargeback stands, in whatever order such news come.

    Returns:
        What came of it, a word for the record.
    """
    order = uow.orders.find(order_id) if order_id is not None else None
    payment = uow.payments.find(payment_id) if payment_id is not None else None
    if order is None or payment is None or payment.order_id != order.order_id:
        log.error("chargeback belongs to no payment", dispute=facts.stripe_dispute_id, charge=facts.charge_id)
        return "not_ours"
    chargeback = uow.chargebacks.find(derived_id("chargeback", facts.stripe_dispute_id))
    if chargeback is None:
        chargeback = _open(payment, facts, uow, now)
    due_before = chargeback.evidence_due_at
    changed = chargeback.learn(facts, now)
    for movement in facts.movements:
        _book_movement(chargeback, movement, uow, now)
    if chargeback.over:
        if changed:
            _decided(chargeback, order, payment, uow, now)
    else:
        _keep_open(chargeback, payment, due_before, uow)
    uow.chargebacks.save(chargeback)
    if changed and chargeback.over:
        refund.send_after_chargeback(chargeback.order_id, uow=uow, now=now)
    return chargeback.state


def submit_evidence(
    command: SubmitChargebackEvidence, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ChargebackView:
    """Raises NotFound, and as Chargeback.write."""
    require(actor, command.grants, {})
    chargeback = one(command.chargeback_id, uow)
    evidence = chargeback.write({each.name: each.text for each in command.evidence}, now, submit=command.submit)
    due_at = chargeback.evidence_due_at
    uow.call_outside(
        "submit_dispute_evidence",
        f"dispute_evidence:{chargeback.chargeback_id}:{chargeback.written}",
        {
            "evidence_id": f"{chargeback.chargeback_id}:{chargeback.written}",
            "stripe_dispute_id": chargeback.stripe_dispute_id,
            "evidence": evidence,
            "submit": command.submit,
            "submissions": chargeback.submissions,
            "due_at": due_at.isoformat() if due_at is not None else None,
        },
    )
    uow.chargebacks.save(chargeback)
    return view(chargeback)


def evidence_refused(stripe_dispute_id: str, code: str, *, submitted: bool, uow: BillingUnitOfWork) -> None:
    """
    The institution will not take what was written: it is too late, or not as it wants it.

    *submitted*: it was to go to the bank. What was only to be kept says nothing of what is on its way there.
    """
    log.error("evidence for a chargeback was refused", dispute=stripe_dispute_id, code=code)
    chargeback = uow.chargebacks.find(derived_id("chargeback", stripe_dispute_id))
    if chargeback is not None and submitted:
        chargeback.submitting = False
        uow.chargebacks.save(chargeback)


def one(chargeback_id: UUID, uow: BillingUnitOfWork) -> Chargeback:
    """Locked. Raises NotFound."""
    chargeback = uow.chargebacks.find(chargeback_id)
    if chargeback is None:
        raise NotFound
    return chargeback


def check_chargeback(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: ask the institution how an undecided one stands, once a day."""
    chargeback = uow.chargebacks.find(UUID(subject))
    if chargeback is None or chargeback.over:
        return
    chargeback.checks += 1
    uow.call_outside(
        "fetch_stripe_object",
        f"chargeback:{subject}:check:{chargeback.checks}",
        {"object": "dispute", "id": chargeback.stripe_dispute_id},
    )
    uow.chargebacks.save(chargeback)
    uow.set_timer(CHECK_TIMER, subject, now + CHECK_EVERY)


def remind_of_evidence(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: the deadline is near and the bank was told nothing."""
    del now
    chargeback = uow.chargebacks.find(UUID(subject))
    if chargeback is None or chargeback.over or chargeback.submissions or chargeback.evidence_due_at is None:
        return
    log.warning("evidence for a chargeback is due", order_number=chargeback.order_number,
                due_at=chargeback.evidence_due_at.isoformat())  # fmt: skip
    uow.publish(_event(ChargebackEvidenceDue, chargeback, evidence_due_at=chargeback.evidence_due_at))


def _open(payment: Payment, facts: ChargebackFacts, uow: BillingUnitOfWork, now: datetime) -> Chargeback:
    chargeback = Chargeback(
        chargeback_id=derived_id("chargeback", facts.stripe_dispute_id),
        stripe_dispute_id=facts.stripe_dispute_id,
        charge_id=facts.charge_id,
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        order_number=payment.order_number,
        customer_id=payment.customer_id,
        # Its stage is learned right after this.
        state="inquiry",
        reason=facts.reason,
        currency=facts.amount.currency,
        amount=facts.amount.amount,
        opened_at=now,
    )
    uow.chargebacks.add(chargeback)
    uow.publish(_event(ChargebackOpened, chargeback, evidence_due_at=facts.evidence_due_at))
    uow.set_timer(CHECK_TIMER, chargeback.chargeback_id, now + CHECK_EVERY)
    return chargeback


def _book_movement(chargeback: Chargeback, movement: Movement, uow: BillingUnitOfWork, now: datetime) -> None:
    if movement.currency != chargeback.currency:
        # The institution converted: booking that needs a rate, which reconciliation has and we have not.
        log.error("chargeback is in another currency", dispute=chargeback.stripe_dispute_id, currency=movement.currency)
        return
    amount = Money(movement.amount, movement.currency)
    fee, vat = Money(movement.fee, movement.currency), Money(movement.fee_vat, movement.currency)
    key = f"stripe:{movement.balance_transaction_id}"
    _post(chargeback, key, "chargeback", funds_moved(chargeback.chargeback_id, amount), uow, now)
    _post(chargeback, f"{key}:fee", "chargeback_fee", fee_charged(fee, vat), uow, now)


def _keep_open(chargeback: Chargeback, payment: Payment, due_before: datetime | None, uow: BillingUnitOfWork) -> None:
    if chargeback.state != "inquiry" and _of_the_order(chargeback, payment):
        uow.accruals.hold(chargeback.order_id, _hold(chargeback), chargeback.opened_at)
    if chargeback.evidence_due_at not in (None, due_before):
        uow.set_timer(DUE_TIMER, chargeback.chargeback_id, chargeback.evidence_due_at - EVIDENCE_ALARM)


def _decided(chargeback: Chargeback, order: OrderCopy, payment: Payment, uow: BillingUnitOfWork, now: datetime) -> None:
    if chargeback.state == "lost":
        before = order.left
        _lose(chargeback, order, payment, uow, now)
        at_work = order.accepted_at is None and order.left != before
        _, provider_net, _ = party_share(order, "provider", split(order.split_terms, order.left))
        uow.publish(
            _event(
                ChargebackLost,
                chargeback,
                bad_debt=Money(chargeback.bad_debt, chargeback.currency),
                provider_id=order.provider_id,
                at_work=at_work,
                provider_net=Money(provider_net, chargeback.currency),
            )
        )
    else:
        uow.publish(_event(ChargebackWon, chargeback))
    uow.accruals.unhold(chargeback.order_id, _hold(chargeback))
    uow.cancel_timer(CHECK_TIMER, chargeback.chargeback_id)
    uow.cancel_timer(DUE_TIMER, chargeback.chargeback_id)


def _lose(chargeback: Chargeback, order: OrderCopy, payment: Payment, uow: BillingUnitOfWork, now: datetime) -> None:
    """The customer keeps the money: the order comes down by what a refund of it would be, the rest is a bad debt."""
    lost = Money(chargeback.withdrawn, chargeback.currency)
    if _of_the_order(chargeback, payment):
        back = refund.refund_for_chargeback(order, payment, chargeback.chargeback_id, lost.amount, uow=uow, now=now)
    else:
        credit = uow.ledger.standing(customer_credit(chargeback.customer_id), chargeback.currency)
        back = min(credit, lost.amount)
        entries = surplus_lost(chargeback.chargeback_id, chargeback.customer_id, Money(back, chargeback.currency))
        _post(chargeback, f"chargeback:{chargeback.chargeback_id}:lost", "chargeback_lost", entries, uow, now)
    chargeback.bad_debt = lost.amount - back
    rest = not_recovered(chargeback.chargeback_id, Money(chargeback.bad_debt, chargeback.currency))
    _post(chargeback, f"chargeback:{chargeback.chargeback_id}:bad_debt", "bad_debt", rest, uow, now)


def _of_the_order(chargeback: Chargeback, payment: Payment) -> bool:
    """Whether it is of the charge that paid the order, and not of one that went to the customer's credit."""
    return chargeback.charge_id == payment.charge_id


def _hold(chargeback: Chargeback) -> str:
    return f"chargeback:{chargeback.chargeback_id}"


def _post(
    chargeback: Chargeback, key: str, kind: str, entries: Sequence[Entry], uow: BillingUnitOfWork, now: datetime
) -> None:
    post_transaction(
        uow, key=key, kind=kind, entries=entries, effective_at=now, now=now,
        order=(chargeback.order_id, chargeback.order_number),
    )  # fmt: skip


def _event(kind: type[E], chargeback: Chargeback, **more: Any) -> E:
    return kind(
        chargeback_id=chargeback.chargeback_id,
        payment_id=chargeback.payment_id,
        order_id=chargeback.order_id,
        order_number=chargeback.order_number,
        customer_id=chargeback.customer_id,
        amount=chargeback.money,
        reason=chargeback.reason,
        **more,
    )


def view(chargeback: Chargeback, upload: tuple[str, str] | None = None) -> ChargebackView:
    """*upload*: the name of a file, and where it may be put."""

    def money(amount: int) -> Money:
        return Money(amount, chargeback.currency)

    return ChargebackView(
        chargeback_id=chargeback.chargeback_id,
        stripe_dispute_id=chargeback.stripe_dispute_id,
        payment_id=chargeback.payment_id,
        order_id=chargeback.order_id,
        order_number=chargeback.order_number,
        customer_id=chargeback.customer_id,
        state=chargeback.state,
        reason=chargeback.reason,
        amount=chargeback.money,
        withdrawn=money(chargeback.withdrawn),
        opened_at=chargeback.opened_at,
        evidence_due_at=chargeback.evidence_due_at,
        submissions=chargeback.submissions,
        evidence=tuple(Evidence(name=name, text=text) for name, text in sorted(chargeback.evidence.items())),
        bad_debt=money(chargeback.bad_debt),
        closed_at=chargeback.closed_at,
        files=tuple(
            ChargebackFile(
                name=name,
                state=file.state,
                sha256=file.sha256,
                size_bytes=file.size_bytes,
                media_type=file.media_type,
                problem=file.problem,
                upload_url=upload[1] if upload is not None and upload[0] == name else None,
            )
            for name, file in sorted(chargeback.files.items())
        ),
        submitting=chargeback.submitting,
    )
