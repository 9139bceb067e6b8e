"""How the money of a refund goes back: by the institution, by the bank, into credit; and learning that it did."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar
from uuid import UUID

import structlog

from services.billing.domain.bank_line import BankLine
from services.billing.domain.channel_order import advanced
from services.billing.domain.ledger import Entry
from services.billing.domain.refund import (
    Refund,
    customers_side,
    not_performed,
    paid_back,
    returned,
)
from services.billing.domain.refund_account import NOT_PAYABLE
from services.billing.domain.refund_part import RefundPart
from services.billing.use_cases import channel_order, refund_check, refund_transfer, voucher_use
from services.billing.use_cases.clawback import owe
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.refund_on_account import lower_receivables
from services.shared.kernel.money import Money
from services.shared.messages.billing.refund import (
    RefundAgreed,
    RefundFailed,
    RefundSucceeded,
)

log = structlog.get_logger("refund_payment")

E = TypeVar("E", RefundAgreed, RefundSucceeded, RefundFailed)
WithoutAccount = Literal["refuse", "wait"]


def transferred(made: Refund, part: RefundPart, line: BankLine, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The bank's statement shows *part* of *made*."""
    pay(made, replace(part, reference=line.serial_number), uow, now, line)
    uow.refunds.save(made)


def not_transferred(made: Refund, parts: Sequence[RefundPart], reason: str, *, uow: BillingUnitOfWork,
                    now: datetime) -> None:  # fmt: skip
    """The bank does not make *parts* of *made*, of which it was told: they may go another way."""
    for part in parts:
        made.move(replace(part, state="failed", failure=reason), now)
    uow.refunds.save(made)
    uow.publish(event(RefundFailed, made, failure=reason))


def bring_back(made: Refund, part: RefundPart, line: BankLine, source: str, *, uow: BillingUnitOfWork,
               now: datetime) -> None:  # fmt: skip
    """The bank sent *part* of *made* back, by *line*, whose money lies on *source*: it may go another way, once."""
    entries = returned(made.refund_id, line.money, source)
    post(made, str(part.payment_id), "refund_returned", entries, uow, now, line)
    not_transferred(made, [part], "returned", uow=uow, now=now)


def transferred_to_project(made: Refund, part: RefundPart, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """*part* of an internal order is back at its project; none of it was ever ours, so nothing is booked here."""
    made.move(replace(part, state="succeeded"), now)
    if made.state == "succeeded":
        _tell_succeeded(made, uow, now)


def given_back_by_provider(
    made: Refund, part: RefundPart, reference: str, *, uow: BillingUnitOfWork, now: datetime
) -> None:  # fmt: skip
    """Whoever had the customer's money says that it is back; none of it was ever ours, so nothing is booked here."""
    made.move(replace(part, state="succeeded", reference=reference), now)
    if made.state == "succeeded":
        _tell_succeeded(made, uow, now)


def project_has(order_id: UUID, funding_id: UUID, returned: int, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """*returned* (minor units), all refunds of an order together, is back at the project of *funding_id*."""
    for made in sorted(uow.refunds.of_order(order_id), key=lambda each: each.n):
        part = made.part(funding_id)
        if part is None or not made.performed:
            continue
        returned -= part.amount
        if returned < 0:
            return
        if part.state == "sent":
            transferred_to_project(made, part, uow=uow, now=now)
            uow.refunds.save(made)


def channel_refund_settled(
    refund_id: UUID, payment_id: UUID, turn: int, amount: Money, *, failure: str, from_held: int,
    uow: BillingUnitOfWork, now: datetime,
) -> str:  # fmt: skip
    """
    What became of a refund at the splitting channel, in whatever order such news come.

    Args:
        refund_id: Ours.
        payment_id: Of which it gives back.
        turn: Of its part.
        amount: As the channel knows it.
        failure: Why the channel cannot make it; empty: the payer has it.
        from_held: What of it was held for the order (minor units); the rest was on the provider's balance.
        uow: The transaction.
        now: Business time.

    Returns:
        What came of it, a word for the record.
    """
    made = uow.refunds.get(refund_id)
    part = made.part(payment_id)
    if part is None or (part.route, part.state, part.turn) != ("platform_channel", "sent", turn):
        return "nothing_new"
    if amount != made.money(part.amount):
        log.error("refunded otherwise than asked", refund=made.number, asked=part.amount, refunded=str(amount))
        return "in_doubt"
    if failure:
        _channel_refund_failed(made, part, failure, uow, now)
    else:
        key = f"refund:{made.refund_id}:paid:{part.way}"
        channel_order.gone_back(made.order_id, made.money(from_held), key, uow=uow, now=now)
        made.move(replace(part, state="succeeded", reference=channel_number(made, part)), now)
        if made.state == "succeeded":
            _tell_succeeded(made, uow, now)
    uow.refunds.save(made)
    return "refund_failed" if failure else "refunded"


def _channel_refund_failed(
    made: Refund, part: RefundPart, failure: str, uow: BillingUnitOfWork, now: datetime
) -> None:  # fmt: skip
    made.move(replace(part, state="failed", failure=failure), now)
    uow.publish(event(RefundFailed, made, failure=failure))


def channel_number(made: Refund, part: RefundPart) -> str:
    """Ours of this try, at the splitting channel."""
    return f"{made.refund_id}/{part.payment_id}/{part.turn}"


def order_kept(refund_id: UUID, payment_id: UUID, key: str, sha256: str, size: int, *, uow: BillingUnitOfWork) -> None:
    """The order to the bank is written and kept."""
    made = uow.refunds.get(refund_id)
    made.keep_order(payment_id, key, sha256, size)
    uow.refunds.save(made)


def let_go(
    made: Refund, uow: BillingUnitOfWork, now: datetime, *, cooling_off: timedelta | None = None,
    without_account: WithoutAccount = "refuse",
) -> None:  # fmt: skip
    """Book the customer's side and send the money, as `send` does. The order and its payments are locked."""
    entries: Sequence[Entry]
    if made.by_provider:
        entries = ()  # what our commission loses by it is booked with the shares
    elif made.performed:
        entries = customers_side(made, lower_receivables(made, uow=uow, now=now))
        voucher_use.credit_bearer(made, uow=uow, now=now)
    else:
        entries = not_performed(made.order_id, made)
    post(made, str(made.n), "refund", entries, uow, now)
    if not made.parts:  # all of it was the programme's, or not paid yet
        made.succeed(now)
        _tell_succeeded(made, uow, now)
    send(made, uow, now, cooling_off=cooling_off, without_account=without_account)


def send(
    made: Refund, uow: BillingUnitOfWork, now: datetime, *, cooling_off: timedelta | None = None,
    without_account: WithoutAccount = "refuse",
) -> None:  # fmt: skip
    """
    Send each part that waits; a transfer, or credit, only once a second pair of eyes has seen it.

    The institution refunds no charge that the customer's bank disputes: such a part waits until that is decided.
    *cooling_off*: how long a changed bank account is not paid; None: transfers wait until somebody approves them.
    *without_account*: whether a transfer that has no account to go to is refused, or waits to be approved anew.

    Raises:
        NOT_PAYABLE: It is to be refused.
    """
    for part in made.parts:
        if part.state != "waiting":
            continue
        if part.route == "chargeback" or (part.route == "customer_credit" and made.approved_by):
            pay(made, part, uow, now)
        elif part.route == "card":
            if uow.chargebacks.disputed(part.charge_id):
                continue
            made.move(replace(part, state="sent"), now)
            uow.call_outside(
                "create_stripe_refund",
                f"stripe_refund:{made.refund_id}:{part.payment_id}",
                {
                    # One refund at the institution for each part: it knows no other name of it.
                    "refund_id": f"{made.refund_id}/{part.payment_id}",
                    "payment_id": str(part.payment_id),
                    "charge_id": part.charge_id,
                    "amount": part.amount,
                    "currency": made.currency,
                    "reason": made.cause,
                },
            )
        elif part.route == "direct_transfer":
            made.move(replace(part, state="sent"), now)  # until the provider says that it has given it back
        elif part.route == "platform_channel":
            _send_by_channel(made, part, uow, now)
        elif part.route == "bank_transfer" and made.approved_by and cooling_off is not None:
            try:
                account = refund_transfer.account_of(made, part, now, cooling_off, uow=uow)
            except NOT_PAYABLE as error:
                if without_account == "refuse":
                    raise
                made.move(replace(part, failure=error.code), now)
            else:
                paying = _advance(made, part, uow, now) if part.at_channel else part
                refund_transfer.order(made, paying, account, uow=uow, now=now)


def _send_by_channel(made: Refund, part: RefundPart, uow: BillingUnitOfWork, now: datetime) -> None:
    """Not before the provider has back what it is to give of our commission, or cannot have it."""
    returned_before = uow.split_orders.find_return(made.refund_id)
    if returned_before is not None and returned_before.state == "processing":
        return
    paid = uow.channel_orders.of_order(made.order_id)
    if paid is None or paid.refundable_until is None or now > paid.refundable_until:
        _channel_refund_failed(made, part, "refund_days_over", uow, now)
        return
    made.move(replace(part, state="sent"), now)
    number = channel_number(made, part)
    uow.call_outside(
        "create_channel_refund",
        f"channel_refund:{number}",
        {
            "number": number,
            "payment_id": str(part.payment_id),
            "amount": part.amount,
            "currency": made.currency,
        },
    )
    refund_check.watch_channel_refund(number, uow=uow, now=now)


def _advance(made: Refund, part: RefundPart, uow: BillingUnitOfWork, now: datetime) -> RefundPart:
    """The company pays for the provider, which owes it: what it is owed next is netted against that."""
    paid = uow.channel_orders.of_order(made.order_id)
    if paid is None:
        raise TypeError(f"{made.order_number} has no order at the channel")
    amount = made.money(part.amount)
    key = f"refund:{made.refund_id}:advanced:{part.payment_id}"
    owe("provider", paid.payee_id, amount, (made.order_id, made.order_number), key=key, uow=uow, now=now)
    entries = advanced(made.refund_id, paid.payee_id, amount)
    post(made, f"advanced:{part.payment_id}", "refund_advanced", entries, uow, now)
    return replace(part, at_channel=False)


def pay(made: Refund, part: RefundPart, uow: BillingUnitOfWork, now: datetime, line: BankLine | None = None) -> None:
    """The payer has *part*: once for each way it takes, for one that failed may go another way; or by *line*."""
    entries = paid_back(made.refund_id, part, made.customer_id, made.money(part.amount))
    what = f"paid:{part.way}" if line is None else str(part.payment_id)
    post(made, what, "refund_paid", entries, uow, now, line)
    mark_paid(made, part, uow, now)


def mark_transferred(
    made: Refund, part: RefundPart, serial_number: str, *, uow: BillingUnitOfWork, now: datetime
) -> None:
    """A person says that the bank has made *part*, or that it had not come back; the caller books it."""
    mark_paid(made, replace(part, reference=serial_number, failure=""), uow, now)
    uow.refunds.save(made)


def mark_paid(made: Refund, part: RefundPart, uow: BillingUnitOfWork, now: datetime) -> None:
    made.move(replace(part, state="succeeded"), now)
    if made.state == "succeeded":
        _tell_succeeded(made, uow, now)


def _tell_succeeded(made: Refund, uow: BillingUnitOfWork, now: datetime) -> None:
    uow.publish(event(RefundSucceeded, made, dispute_id=made.dispute_id, succeeded_at=now))


def post(made: Refund, what: str, kind: str, entries: Sequence[Entry], uow: BillingUnitOfWork, now: datetime,
          line: BankLine | None = None) -> None:  # fmt: skip
    """As *what* of the refund; what *line* shows is that line's, for a transfer may be made several times."""
    post_transaction(
        uow,
        key=f"refund:{made.refund_id}:{what}" if line is None else f"{line.key}:{made.refund_id}:{what}",
        kind=kind,
        entries=entries,
        effective_at=now if line is None else line.booked_at,
        now=now,
        order=(made.order_id, made.order_number),
    )


def event(kind: type[E], made: Refund, **more: Any) -> E:
    return kind(
        refund_id=made.refund_id,
        number=made.number,
        order_id=made.order_id,
        order_number=made.order_number,
        customer_id=made.customer_id,
        cause=made.cause,
        net=made.money(made.net),
        tax=made.money(made.tax),
        gross=made.money(made.gross),
        on_account=made.money(made.on_account),
        paid_back=made.money(made.to_payer),
        **more,
    )
