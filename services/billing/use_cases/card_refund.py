"""What became of a refund to a card at the payment institution; and of what a chargeback had taken by then."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.chargeback import Chargeback, recovered_late
from services.billing.domain.refund import Refund, returned
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.refund_payment import event, mark_paid, pay, post
from services.shared.messages.billing.refund import RefundFailed


def card_refund_settled(
    refund_id: UUID, payment_id: UUID, *, succeeded: bool, reference: str, failure: str = "", uow: BillingUnitOfWork,
    now: datetime,
) -> str:  # fmt: skip
    """
    What became of a refund at the payment institution, in whatever order such news come.

    Args:
        refund_id: Ours.
        payment_id: Whose charge it gives back.
        succeeded: The institution has paid it; not: it cannot, or the card's bank sent it back.
        reference: The institution's refund.
        failure: Its code.
        uow: The transaction.
        now: Business time.

    Returns:
        What came of it, a word for the record.
    """
    lost = () if succeeded else _lost_chargebacks(refund_id, payment_id, uow)
    made = uow.refunds.get(refund_id)
    part = made.part(payment_id)
    if part is None or part.route != "card" or part.state == "failed" or (succeeded and part.state == "succeeded"):
        return "nothing_new"
    if succeeded:
        pay(made, replace(part, reference=reference), uow, now)
    else:
        if part.state == "succeeded":
            amount = made.money(part.amount)
            entries = returned(made.refund_id, amount, ledger.PSP)
            post(made, f"returned:{payment_id}", "refund_returned", entries, uow, now)
        made.move(replace(part, state="failed", reference=reference, failure=failure), now)
        for chargeback in lost:
            _recover(made, payment_id, chargeback, uow, now)
        if any(each.state == "failed" for each in made.parts if each.payment_id == payment_id):
            uow.publish(event(RefundFailed, made, failure=failure))
    uow.refunds.save(made)
    return "refunded" if succeeded else "refund_failed"


def _lost_chargebacks(refund_id: UUID, payment_id: UUID, uow: BillingUnitOfWork) -> Sequence[Chargeback]:
    """Of the charge that is refunded. The order, its payment and the chargebacks are locked."""
    uow.orders.of_refund(refund_id)
    payment = uow.payments.find(payment_id)
    return uow.chargebacks.lost_of(payment.charge_id) if payment is not None and payment.charge_id else ()


def _recover(made: Refund, payment_id: UUID, lost: Chargeback, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    The card's part of *payment_id* was under way when the bank kept the money of *lost*.

    As far as that was a bad debt the payer has it by the chargeback, and we have lost less; the rest has failed.
    """
    part = made.part(payment_id)
    if part is None or part.state != "failed" or lost.bad_debt == 0:
        return
    taken = made.take_by_chargeback(part, lost.chargeback_id, lost.bad_debt)
    lost.bad_debt -= taken.amount
    uow.chargebacks.save(lost)
    # A whole part is named by the way that it did not take.
    late = f"late:{taken.way if taken.divided_by else part.way}"
    entries = recovered_late(made.refund_id, made.money(taken.amount))
    post(made, late, "refund_paid", entries, uow, now)
    mark_paid(made, taken, uow, now)
