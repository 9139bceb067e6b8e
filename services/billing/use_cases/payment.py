"""Payments: asking for money, and learning that it came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import structlog

from services.billing.domain import ledger
from services.billing.domain.order import OrderCopy
from services.billing.domain.payment import (
    CHECK_DELAYS,
    LIFECYCLE,
    CardFacts,
    Instructions,
    Payment,
    PaymentMethod,
    psp_fee,
    receipt,
    surplus_card,
)
from services.billing.domain.receivable import Receivable
from services.billing.use_cases import channel_order, checkout, janitor
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.kernel.payment_reference import reference_of
from services.shared.messages.billing.payment import (
    PaymentFailed,
    PaymentInDoubt,
    PaymentOpened,
    PaymentSucceeded,
    PaymentView,
)

log = structlog.get_logger("payment")

E = TypeVar("E", PaymentOpened, PaymentSucceeded, PaymentFailed, PaymentInDoubt)

CHECK_TIMER = "check_card_payment"


def payment_id_of(order_id: UUID, part: int = 1) -> UUID:
    """The payment of an order, or the one of its further *part*s."""
    return derived_id("payment", order_id, part)


@dataclass(frozen=True)
class Ask:
    """
    What a customer is asked for.

    Attributes:
        amount: Minor units of the order's currency.
        part: Which payment of the order it is.
        receivable: What it pays, once the work is accepted.
    """

    amount: int
    part: int = 1
    receivable: Receivable | None = None

    @property
    def due_on(self) -> date | None:
        """None: at once."""
        return self.receivable.due_on if self.receivable is not None else None


def open_payment(
    order: OrderCopy,
    method: PaymentMethod,
    *,
    uow: BillingUnitOfWork,
    now: datetime,
    instructions: Instructions,
    ask: Ask | None = None,
) -> Payment:
    """
    Ask the customer of *order* for its gross amount, or what else there is to *ask* for. A second time does nothing.

    All payments by transfer of an order have one reference: the money goes to the one that waits.
    """
    ask = ask or Ask(order.gross)
    payment = Payment(
        payment_id=payment_id_of(order.order_id, ask.part),
        order_id=order.order_id,
        order_number=order.number,
        customer_id=order.customer_id,
        method=method,
        state="created",
        currency=order.currency,
        amount=ask.amount,
        opened_at=now,
        part=ask.part,
        receivable_id=ask.receivable.receivable_id if ask.receivable is not None else None,
    )
    if method == "bank_transfer":  # by it the money finds its order on our statement
        payment.reference = reference_of(order.number)
    if method in {"bank_transfer", "direct_transfer"}:
        payment.state = LIFECYCLE.after("await_money", payment.state)
        payment.account_name = instructions.account_name
        payment.account_number = instructions.account_number
        payment.bank_name = instructions.bank_name
    if payment.amount == 0 or method == "platform_channel":  # whose fee the provider bears
        payment.fee_booked = True
    if payment.amount == 0:
        payment.succeed("", now)
    if not uow.payments.add(payment):
        return payment
    uow.publish(_event(PaymentOpened, payment, reference=payment.reference, due_on=ask.due_on))
    if payment.state == "succeeded":
        uow.publish(_event(PaymentSucceeded, payment, channel_transaction_id="", succeeded_at=now))
    elif method == "platform_channel":
        channel_order.make(payment, order.provider_id, uow=uow, now=now)
    elif method == "card":
        uow.call_outside(
            "create_payment_intent",
            f"payment_intent:{payment.payment_id}",
            {
                "payment_id": str(payment.payment_id),
                "order_id": str(payment.order_id),
                "order_number": payment.order_number,
                "amount": payment.amount,
                "currency": payment.currency,
            },
        )
        uow.set_timer(CHECK_TIMER, payment.payment_id, now + CHECK_DELAYS[0])
    return payment


def cancel_payments(order_id: UUID, *, uow: BillingUnitOfWork) -> None:
    """The order is cancelled. Money that comes all the same goes to the customer's credit."""
    for payment in uow.payments.of_order(order_id):
        withdraw(payment, uow)


def withdraw(payment: Payment, uow: BillingUnitOfWork) -> None:
    """Nobody waits for it any more, unless it has ended."""
    if not LIFECYCLE.allows("cancel", payment.state):
        return
    payment.cancel()
    uow.payments.save(payment)
    if payment.method == "platform_channel":
        channel_order.close(payment.payment_id, uow=uow)
    elif payment.method == "card":
        _cancel_intent(payment, payment.intent_id, uow)
        checkout.close_open(payment.payment_id, uow=uow)


def take(
    payment: Payment, money: Money, charge_id: str, into: str, *, uow: BillingUnitOfWork, now: datetime
) -> tuple[int, Sequence[ledger.Entry]]:
    """
    Take *money* for *payment* as far as anything waits for it: the one place where it is decided what money pays.

    Before acceptance it is held for the order; afterwards it pays what the customer owes, also what was given up;
    what is over, or has been paid otherwise meanwhile, is the customer's credit. The caller saves *payment*, and
    tells when it has succeeded.

    Args:
        payment: What the money came for.
        money: In the payment's currency.
        charge_id: Of the institution, or the bank's serial number.
        into: The account of ours where it is.
        uow: The transaction.
        now: When.

    Returns:
        How much nothing waited for, in minor units, and the entries that book all of it.
    """
    taken = payment.receive(money.amount, charge_id, now)
    owed_on = ledger.contract(payment.order_id)
    if payment.receivable_id is not None:
        receivable = uow.receivables.get(payment.receivable_id)
        owed_on = receivable.account
        taken = min(taken, receivable.takes)
        receivable.receive(taken)
        uow.receivables.save(receivable)
        if receivable.state == "paid":
            for other in uow.payments.of_order(payment.order_id):
                if other.receivable_id == payment.receivable_id and other.payment_id != payment.payment_id:
                    withdraw(other, uow)
    surplus = Money(money.amount - taken, money.currency)
    return surplus.amount, receipt(into, owed_on, payment.customer_id, money - surplus, surplus)


def check_card_payment(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: ask the payment institution about a payment that has not come to an end here."""
    payment = uow.payments.find(UUID(subject))
    if payment is None or not payment.worth_checking:
        return
    payment.checks += 1
    uow.payments.save(payment)
    if payment.checks > len(CHECK_DELAYS) and payment.state in {"pending", "failed"}:
        return  # the customer has not paid, which is no fault of anybody's
    asked = [{"object": "payment_intent", "id": payment.intent_id}] if payment.intent_id is not None else []
    janitor.look(CHECK_TIMER, payment.payment_id, payment.checks, asked, uow=uow, now=now)


def refuse(payment_id: UUID, failure: str, charge_id: str, *, uow: BillingUnitOfWork) -> None:
    """The institution, or the splitting channel, will not take this payment as it was asked."""
    payment = uow.payments.find(payment_id)
    if payment is not None and LIFECYCLE.allows("fail", payment.state):
        _refuse(payment, failure, charge_id, uow)
        uow.payments.save(payment)


def learn(payment_id: UUID | None, facts: CardFacts, *, uow: BillingUnitOfWork, now: datetime) -> str:
    """
    Apply how a payment intent stands at the payment institution, in whatever order such news come.

    Money is booked by the charge that brought it, once: to the order while it waits for exactly this
    much, to the customer's credit when the order does not wait any more, not at all when it is not what
    was asked; then the payment is in doubt and a person decides.

    Returns:
        What came of it, a word for the record.
    """
    payment = uow.payments.find(payment_id) if payment_id is not None else None
    if payment is None:
        log.error("payment intent belongs to no payment", payment_intent=facts.intent_id)
        return "not_ours"
    if payment.intent_id is None and facts.checkout_id is None:
        payment.known_to_institution(facts.intent_id, facts.client_secret)
    payment.action_required = facts.status == "action_required" and payment.payable_by_card
    if facts.status == "succeeded":
        outcome = _paid(payment, facts, uow, now)
    elif facts.status == "refused" and LIFECYCLE.allows("fail", payment.state):
        outcome = "refused"
        if payment.charge_id != facts.charge_id or payment.state != "failed":
            _refuse(payment, facts.failure, facts.charge_id, uow)
    elif facts.status == "cancelled":
        outcome = _intent_cancelled(payment, facts)
    elif not payment.payable_by_card and facts.checkout_id is None:
        # It was made too late: paid on another way, or cancelled.
        _cancel_intent(payment, facts.intent_id, uow)
        outcome = "closed"
    else:
        outcome = "nothing_new"
    uow.payments.save(payment)
    return outcome


def _intent_cancelled(payment: Payment, facts: CardFacts) -> str:
    """A page that closes takes its own intent along; the payment waits on."""
    if facts.intent_id != payment.intent_id or not LIFECYCLE.allows("cancel", payment.state):
        return "nothing_new"
    payment.cancel()
    return "cancelled"


def _cancel_intent(payment: Payment, intent_id: str | None, uow: BillingUnitOfWork) -> None:
    uow.call_outside(
        "cancel_payment_intent",
        f"cancel_payment_intent:{payment.payment_id}:{intent_id or ''}",
        {"payment_id": str(payment.payment_id), "payment_intent_id": intent_id},
    )


def _asked_for(payment: Payment, facts: CardFacts, uow: BillingUnitOfWork) -> bool:
    """Whether we made this intent: the payment's own, or that of a page of its."""
    if facts.checkout_id is None:
        return facts.intent_id == payment.intent_id
    page = uow.checkouts.find(facts.checkout_id)
    return page is not None and page.payment_id == payment.payment_id


def _paid(payment: Payment, facts: CardFacts, uow: BillingUnitOfWork, now: datetime) -> str:
    if payment.state == "unknown":
        return "in_doubt"
    if not (payment.state == "succeeded" and payment.charge_id == facts.charge_id):
        waiting = LIFECYCLE.allows("succeed", payment.state)
        exact = facts.received == payment.money and _asked_for(payment, facts, uow)
        if (waiting and not exact) or facts.received.currency != payment.currency:
            return doubt(payment, facts.received, uow)
        _book_receipt(payment, facts, uow, now, to_order=waiting)
    if facts.balance is None:
        return "paid_fee_later"
    _book_fee(payment, facts, uow, now)
    return "paid"


def _book_receipt(payment: Payment, facts: CardFacts, uow: BillingUnitOfWork, now: datetime, *, to_order: bool) -> None:
    entries: Sequence[ledger.Entry]
    if to_order:
        _, entries = take(payment, facts.received, facts.charge_id, ledger.PSP, uow=uow, now=now)
    else:
        entries = surplus_card(payment.customer_id, facts.received)
    post_transaction(
        uow,
        # By the charge and not by its balance transaction, which may come later than the money.
        key=f"stripe:{facts.charge_id}",
        kind="receipt_card" if to_order else "surplus_card",
        entries=entries,
        effective_at=now,
        now=now,
        order=(payment.order_id, payment.order_number),
    )
    if to_order:
        announce_success(payment, facts.charge_id, uow=uow, now=now)
        checkout.close_open(payment.payment_id, uow=uow, paid_on=facts.checkout_id)
        if facts.checkout_id is not None:
            _cancel_intent(payment, payment.intent_id, uow)
    else:
        log.warning("paid once more than asked", payment_id=str(payment.payment_id), charge=facts.charge_id)


def announce_success(payment: Payment, channel_transaction_id: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Tell that *payment* has succeeded just now."""
    uow.publish(_event(PaymentSucceeded, payment, channel_transaction_id=channel_transaction_id, succeeded_at=now))


def _book_fee(payment: Payment, facts: CardFacts, uow: BillingUnitOfWork, now: datetime) -> None:
    balance = facts.balance
    if balance is None:
        return
    if balance.currency != payment.currency:
        # The institution converted: booking that needs a rate, which reconciliation has and we have not.
        log.error("fee is in another currency", payment_id=str(payment.payment_id), currency=balance.currency)
        return
    post_transaction(
        uow,
        key=f"stripe:{balance.balance_transaction_id}:fee",
        kind="psp_fee",
        entries=psp_fee(Money(balance.fee, balance.currency), Money(balance.fee_vat, balance.currency)),
        effective_at=now,
        now=now,
        order=(payment.order_id, payment.order_number),
    )
    if facts.charge_id == payment.charge_id:
        payment.fee_booked = True


def _refuse(payment: Payment, failure: str, charge_id: str, uow: BillingUnitOfWork) -> None:
    payment.refuse(failure, charge_id)
    uow.publish(_event(PaymentFailed, payment, failure=failure))


def doubt(payment: Payment, received: Money, uow: BillingUnitOfWork) -> str:
    """What came is not what was asked: nothing is booked, a person must look. Returns a word for the record."""
    log.error("paid otherwise than asked", payment_id=str(payment.payment_id), asked=str(payment.money),
              received=str(received))  # fmt: skip
    if LIFECYCLE.allows("doubt", payment.state):
        payment.doubt("amount_differs")
        uow.publish(_event(PaymentInDoubt, payment, received=received, reason="amount_differs"))
    return "in_doubt"


def _event(kind: type[E], payment: Payment, **more: Any) -> E:
    return kind(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        order_number=payment.order_number,
        customer_id=payment.customer_id,
        method=payment.method,
        amount=payment.money,
        **more,
    )


def view(payment: Payment, *, for_customer: bool) -> PaymentView:
    """With the client secret one pays: it is the customer's alone."""
    return PaymentView(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        order_number=payment.order_number,
        customer_id=payment.customer_id,
        method=payment.method,
        state=payment.state,
        amount=payment.money,
        received=Money(payment.received, payment.currency),
        client_secret=payment.client_secret if for_customer and payment.method == "card" else None,
        code_url=payment.client_secret or None if for_customer and payment.method == "platform_channel" else None,
        reference=payment.reference,
        account_name=payment.account_name,
        account_number=payment.account_number,
        bank_name=payment.bank_name,
        failure=payment.failure,
        action_required=payment.action_required,
        succeeded_at=payment.succeeded_at,
    )
