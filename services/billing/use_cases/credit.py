"""Credit: agreeing a line by two, deciding on each order, and letting go of what an order does not need any more."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.billing.domain.credit import (
    LINE,
    Credit,
    CreditLine,
    CreditProposal,
    CreditTerms,
    Exposure,
    OnlyCustomers,
)
from services.billing.domain.order import OrderCopy
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date
from services.shared.messages.billing import credit as messages
from services.shared.messages.billing.credit import (
    ApproveCreditLine,
    CreditGranted,
    CreditLineApproved,
    CreditLineSuspended,
    CreditLineView,
    CreditRefused,
    ProposeCreditLine,
    SuspendCreditLine,
)

OVERDUE = "overdue"


def propose_credit_line(
    command: ProposeCreditLine, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, block_overdue_days: int
) -> CreditLineView:
    """
    Write down terms for another to approve; they replace what was proposed before and change nothing yet.

    Raises:
        NotFound: There is no such organisation.
        OnlyCustomers: It is none.
        AlreadyOver: See CreditLine.propose.
    """
    require(actor, command.grants, {})
    customer = uow.organisations.find(command.customer_id)
    if customer is None:
        raise NotFound
    if customer.kind != "customer":
        raise OnlyCustomers
    currency = command.limit.currency
    line = uow.credit.new_line(command.customer_id, currency, now)
    terms = CreditTerms(command.limit.amount, command.net_days, command.before_work_bps, command.valid_until)
    line.propose(CreditProposal(new_id(), terms, hand_of(actor), now), business_date(now))
    uow.credit.save_line(line)
    return _shown(line, uow, now, block_overdue_days)


def approve_credit_line(
    command: ApproveCreditLine, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, block_overdue_days: int
) -> CreditLineView:
    """
    Put proposed terms in force; a suspended line gives credit again.

    Raises:
        NoSuchProposal, SameHands: See CreditLine.approve.
    """
    require(actor, command.grants, {})
    line = uow.credit.line(command.credit_line_id)
    terms = line.approve(command.proposal_id, hand_of(actor), now)
    uow.credit.save_line(line)
    uow.publish(
        CreditLineApproved(
            credit_line_id=line.credit_line_id,
            customer_id=line.customer_id,
            limit=Money(terms.limit, line.currency),
            net_days=terms.net_days,
            before_work_bps=terms.before_work_bps,
            valid_until=terms.valid_until,
            approved_at=now,
        )
    )
    return _shown(line, uow, now, block_overdue_days)


def suspend_credit_line(
    command: SuspendCreditLine, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, block_overdue_days: int
) -> CreditLineView:
    """Raises WrongState: It is not active."""
    require(actor, command.grants, {})
    line = uow.credit.line(command.credit_line_id)
    _suspend(line, command.reason, uow)
    return _shown(line, uow, now, block_overdue_days)


def suspend_overdue(customer_id: UUID, currency: str, *, uow: BillingUnitOfWork) -> None:
    """The last reminder was in vain: the line waits for somebody who approves it anew."""
    line = uow.credit.line_of(customer_id, currency)
    if line is not None and LINE.allows("suspend", line.state):
        _suspend(line, OVERDUE, uow)


def _suspend(line: CreditLine, reason: str, uow: BillingUnitOfWork) -> None:
    line.suspend(reason)
    uow.credit.save_line(line)
    uow.publish(CreditLineSuspended(credit_line_id=line.credit_line_id, customer_id=line.customer_id, reason=reason))


def decide(
    order: OrderCopy, amount: int, net_days: int, *, uow: BillingUnitOfWork, now: datetime, block_overdue_days: int
) -> bool:
    """
    Grant *amount* (minor units) of *order* on its customer's line, or refuse: once, under the line's lock.

    However many orders ask at the same time, what is granted and what is unpaid stays within the limit.

    Returns:
        Whether it is granted.
    """
    decided = uow.credit.of_order(order.order_id)
    if decided is not None:
        return decided.state == "granted"
    today = business_date(now)
    line = uow.credit.line_of(order.customer_id, order.currency)
    exposure = uow.credit.exposure(order.customer_id, order.currency, today, block_overdue_days)
    refusal = line.refusal(amount, exposure, today) if line is not None else "no_line"
    credit = Credit(
        credit_id=derived_id("credit", order.order_id),
        order_id=order.order_id,
        order_number=order.number,
        customer_id=order.customer_id,
        credit_line_id=line.credit_line_id if line is not None else None,
        currency=order.currency,
        amount=amount,
        state="refused" if refusal else "granted",
        reason=refusal or "",
        decided_at=now,
    )
    uow.credit.add(credit)
    told: dict[str, Any] = {
        "credit_id": credit.credit_id,
        "order_id": order.order_id,
        "order_number": order.number,
        "customer_id": order.customer_id,
        "amount": credit.money,
    }
    if refusal is not None:
        uow.publish(CreditRefused(**told, reason=refusal))
    else:
        uow.publish(CreditGranted(**told, net_days=net_days))
    return refusal is None


def fall_due(order: OrderCopy, *, uow: BillingUnitOfWork) -> Money:
    """The work of *order* is accepted. Returns what of its price was on credit: it is owed from now on."""
    credit = uow.credit.of_order(order.order_id)
    if credit is None or credit.state != "granted":
        return Money(0, order.currency)
    credit.fall_due()
    uow.credit.save(credit)
    return credit.money


def release(order_id: UUID, *, uow: BillingUnitOfWork) -> None:
    """The order is cancelled: what was granted to it is free again."""
    credit = uow.credit.of_order(order_id)
    if credit is not None and credit.state == "granted":
        credit.release()
        uow.credit.save(credit)


def _shown(line: CreditLine, uow: BillingUnitOfWork, now: datetime, block_overdue_days: int) -> CreditLineView:
    today = business_date(now)
    return view(line, uow.credit.exposure(line.customer_id, line.currency, today, block_overdue_days), now)


def view(line: CreditLine, exposure: Exposure, now: datetime) -> CreditLineView:
    def money(amount: int) -> Money:
        return Money(amount, line.currency)

    def terms(agreed: CreditTerms) -> dict[str, object]:
        return {**vars(agreed), "limit": money(agreed.limit)}

    proposal = line.proposal
    return CreditLineView(
        credit_line_id=line.credit_line_id,
        customer_id=line.customer_id,
        state=line.state,
        terms=messages.CreditTerms.model_validate(terms(line.terms)) if line.terms is not None else None,
        proposal=messages.CreditProposal.model_validate(
            {**terms(proposal.terms), "proposal_id": proposal.proposal_id, "proposed_at": proposal.at}
        )
        if proposal is not None
        else None,
        suspended_for=line.suspended_for,
        granted=money(exposure.granted),
        receivable=money(exposure.receivable),
        overdue=money(exposure.overdue),
        available=money(line.available(exposure, business_date(now))),
    )
