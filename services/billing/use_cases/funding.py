"""
Funding: asking a university's finance system, and what follows from what it answers.

It is asked outside every transaction (`ASK`), is told what we want, and tells how it stands; `learn` asks again until
both agree. Whoever changes a reservation holds its order's row first.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog

from services.billing.domain.commission import split
from services.billing.domain.funding import (
    OVER,
    Funding,
    FundingAgreement,
    FundingFacts,
    FundingNotInDoubt,
    NotPaidFromProject,
    ProjectStillAsked,
    held_of,
    transferred,
    transferred_back,
)
from services.billing.domain.order import OrderCopy
from services.billing.use_cases import janitor, refund_payment
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.times import business_date
from services.shared.messages.billing.funding import (
    AskFundingAgain,
    FundingExecuted,
    FundingRefused,
    FundingReleased,
    FundingRequested,
    FundingReserved,
    FundingReturned,
    FundingView,
    NameProject,
)

log = structlog.get_logger("funding")

ASK = "ask_finance_system"
CHECK_TIMER = "check_funding"
LAPSE_TIMER = "funding_lapses"
LOOK_AGAIN = timedelta(hours=1)
"""After the instant at which a reservation should have lapsed and had not."""

Agreements = Mapping[str, FundingAgreement]
"""By the university's unified social credit code."""


class Project(Protocol):
    @property
    def project_number(self) -> str: ...

    @property
    def responsible_person(self) -> str: ...


def request(
    order: OrderCopy, project: Project, legal_entity: str, agreement: FundingAgreement, *, has_system: bool,
    uow: BillingUnitOfWork, now: datetime,
) -> Funding:  # fmt: skip
    """
    Ask for what of *order* nothing is set aside for yet, from *project*; the caller holds the order.

    *has_system*: there is a finance system of *legal_entity* that could be asked; without one it is refused.
    """
    earlier = uow.fundings.of_order(order.order_id)
    n = len(earlier) + 1
    missing = _due(order) - held_of(earlier)
    made = Funding(
        funding_id=derived_id("funding", order.order_id, n),
        order_id=order.order_id,
        order_number=order.number,
        n=n,
        customer_id=order.customer_id,
        provider_id=order.provider_id,
        legal_entity=legal_entity,
        project_number=project.project_number,
        responsible_person=project.responsible_person,
        cost_category=agreement.cost_category,
        state="requested",
        wanted="reserved",
        currency=order.currency,
        amount=missing,
        fee_bps=agreement.fee_bps,
        fee_tax_bps=agreement.fee_tax_bps,
        requested_at=now,
    )
    if order.accepted_at is not None:
        made.execute(missing)
    uow.publish(_event(FundingRequested, made))
    if has_system:
        ask(made, uow)
    else:
        made.learn(FundingFacts("refused", "no_finance_system"))
        uow.publish(_event(FundingRefused, made, reason=made.reason))
    uow.fundings.add(made)
    return made


def contracted(
    order: OrderCopy, project: Project, legal_entity: str, agreements: Agreements, *, uow: BillingUnitOfWork,
    now: datetime,
) -> None:  # fmt: skip
    """Everybody has signed: the university is asked. A second time does nothing."""
    if uow.fundings.of_order(order.order_id):
        return
    agreement = agreements.get(legal_entity)
    request(order, project, legal_entity, agreement or FundingAgreement(), has_system=agreement is not None,
            uow=uow, now=now)  # fmt: skip


def name_project(
    command: NameProject, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, agreements: Agreements
) -> FundingView:
    """
    Another project is to pay what is not set aside.

    Raises:
        NotFound: The order is not the asker's, or not signed.
        NotPaidFromProject: Its payer is another one, or it is cancelled.
        ProjectStillAsked: The project before has the money, or may have it.
    """
    order = uow.orders.find(command.order_id)
    require(actor, command.grants, {"customer": order.customer_id if order is not None else None})
    if order is None:
        raise NotFound
    earlier = uow.fundings.of_order(order.order_id)
    if not earlier or earlier[-1].wanted == "released":
        raise NotPaidFromProject
    if earlier[-1].state not in OVER or _due(order) <= held_of(earlier):
        raise ProjectStillAsked
    first, known = earlier[0], agreements.get(earlier[0].legal_entity)
    # The fee was frozen when the contract was signed; the word for what is bought may have changed since.
    agreement = FundingAgreement(
        first.fee_bps, first.fee_tax_bps, known.cost_category if known is not None else first.cost_category
    )
    return view(request(order, command, first.legal_entity, agreement, has_system=known is not None, uow=uow, now=now))


def ask_funding_again(command: AskFundingAgain, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> FundingView:
    """Raises FundingNotInDoubt: It has answered."""
    require(actor, command.grants, {})
    _, funding = locked(command.funding_id, uow)
    if funding.state != "unknown":
        raise FundingNotInDoubt
    funding.checks = 0
    ask(funding, uow)
    janitor.look_later(CHECK_TIMER, funding.funding_id, 0, uow=uow, now=now)
    uow.fundings.save(funding)
    return view(funding)


def execute(order: OrderCopy, gross: int, *, uow: BillingUnitOfWork) -> None:
    """The work of *order* is accepted: *gross* (minor units) of what is set aside is to be transferred."""
    due = gross
    for funding in uow.fundings.of_order(order.order_id):
        if funding.state in OVER:
            continue
        funding.execute(due)
        due -= funding.to_execute
        _pursue(funding, uow)
        uow.fundings.save(funding)
    if due:
        log.error("an order was accepted for which no project funds are set aside", order=order.number, missing=due)


def release(order_id: UUID, *, uow: BillingUnitOfWork) -> None:
    """The order is cancelled: nothing is wanted of any project any more."""
    for funding in uow.fundings.of_order(order_id):
        funding.release()
        if funding.state not in OVER:
            _pursue(funding, uow)
        uow.fundings.save(funding)


def give_back(order: OrderCopy, amount: int, *, uow: BillingUnitOfWork) -> list[tuple[UUID, int]]:
    """
    Of an accepted *order*, *amount* (minor units) is to be transferred back to the projects that paid.

    Returns:
        By which reservation how much; they sum to less where less was transferred.
    """
    ways: list[tuple[UUID, int]] = []
    for funding in uow.fundings.of_order(order.order_id):
        if funding.state in OVER:
            continue
        taken = funding.give_back(amount)
        if not taken:
            continue
        amount -= taken
        ways.append((funding.funding_id, taken))
        _pursue(funding, uow)
        uow.fundings.save(funding)
    return ways


def learn(payload: Mapping[str, Any], facts: FundingFacts, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """What the finance system has answered to *payload*; answers may come late and in any order."""
    order, funding = locked(UUID(payload["funding_id"]), uow)
    before = replace(funding)
    try:
        funding.learn(facts)
    except WrongState as error:
        log.error("a finance system contradicts itself", order=order.number, told=facts.status, error=str(error))
        funding.doubt()
    if funding.state == "reserved" and funding.reserved_at is None:
        funding.reserved_at = now
    moved = (funding.state, funding.executed, funding.returned) != (before.state, before.executed, before.returned)
    if not funding.settled:
        if moved or payload["asked_for"] != _asked_for(funding):
            ask(funding, uow)
        elif payload["asked"] == funding.asked:
            doubt(funding, uow, now)
    if funding.state != "unknown":
        funding.checks = 0
        uow.cancel_timer(CHECK_TIMER, funding.funding_id)
    uow.fundings.save(funding)
    _tell(order, before, funding, uow, now)


def locked(funding_id: UUID, uow: BillingUnitOfWork) -> tuple[OrderCopy, Funding]:
    """It and its order. Raises NotFound."""
    order = uow.orders.get(uow.fundings.order_of(funding_id))
    return order, uow.fundings.get(funding_id)


def _due(order: OrderCopy) -> int:
    """What the university is to transfer for *order*: what was accepted, or what is left of it until then."""
    return (order.split or split(order.split_terms, order.left)).gross


def _pursue(funding: Funding, uow: BillingUnitOfWork) -> None:
    """Ask for what is wanted now. A call that is under way, or a look that is to come, goes on by itself."""
    if funding.state in {"reserved", "executed"} and not funding.settled:
        ask(funding, uow)


def doubt(funding: Funding, uow: BillingUnitOfWork, now: datetime) -> None:
    """It is not known how it stands: it is looked at later."""
    funding.doubt()
    if funding.checks == 0:
        janitor.look_later(CHECK_TIMER, funding.funding_id, 0, uow=uow, now=now)


def _asked_for(funding: Funding) -> list[Any]:
    return [funding.next_wanted, funding.to_execute, funding.to_return]


def ask(funding: Funding, uow: BillingUnitOfWork) -> None:
    """Ask for what is wanted now; the caller saves it."""
    funding.asked += 1
    wanted, to_execute, to_return = _asked_for(funding)
    uow.call_outside(
        ASK,
        f"{ASK}:{funding.funding_id}:{funding.asked}",
        {
            "funding_id": str(funding.funding_id),
            "asked": funding.asked,
            "asked_for": [wanted, to_execute, to_return],
            "legal_entity": funding.legal_entity,
            "key": funding.key,
            "wanted": wanted,
            "to_execute": to_execute,
            "to_return": to_return,
            "order_number": funding.order_number,
            "requested_on": business_date(funding.requested_at).isoformat(),
            "project_number": funding.project_number,
            "responsible_person": funding.responsible_person,
            "cost_category": funding.cost_category,
            "amount": funding.amount,
            "currency": funding.currency,
        },
    )


def _tell(order: OrderCopy, before: Funding, funding: Funding, uow: BillingUnitOfWork, now: datetime) -> None:
    """Say and book what is new of *funding*, and go on where something is missing."""
    became = funding.state if funding.state != before.state else None
    cancelled = funding.wanted == "released"
    if funding.reserved_at is not None and before.reserved_at is None and not cancelled:
        uow.publish(_event(FundingReserved, funding))
    if funding.state == "reserved" and funding.expires_at is not None:
        uow.set_timer(LAPSE_TIMER, funding.funding_id, max(funding.expires_at, now + LOOK_AGAIN))
    if became == "refused" and not cancelled:
        uow.publish(_event(FundingRefused, funding, reason=funding.reason))
    if became in {"released", "lapsed"} and funding.reserved_at is not None:
        uow.publish(_event(FundingReleased, funding, reason="cancelled" if cancelled else "lapsed"))
    if funding.executed > before.executed:
        _executed(order, before, funding, uow, now)
    if funding.returned > before.returned:
        _returned(order, before, funding, uow, now)
    short = before.executed < funding.executed < before.to_execute
    if (short or became == "lapsed") and not cancelled and _due(order) > held_of(uow.fundings.of_order(order.order_id)):
        agreement = FundingAgreement(funding.fee_bps, funding.fee_tax_bps, funding.cost_category)
        request(order, funding, funding.legal_entity, agreement, has_system=True, uow=uow, now=now)


def _executed(order: OrderCopy, before: Funding, funding: Funding, uow: BillingUnitOfWork, now: datetime) -> None:
    amount = funding.money(funding.executed - before.executed)
    post_transaction(
        uow,
        key=f"funding:{funding.funding_id}:executed:{funding.executed}",
        kind="funding_executed",
        entries=transferred(order.order_id, funding.customer_id, amount),
        effective_at=now,
        now=now,
        order=(order.order_id, order.number),
    )
    done = sum(each.executed for each in uow.fundings.of_order(order.order_id))
    left = funding.money(max(0, _due(order) - done))
    uow.publish(_event(FundingExecuted, funding, executed=funding.money(funding.executed), left=left))
    if funding.executed < before.to_execute:
        log.error("a finance system transferred less than it had set aside", order=order.number,
                  asked=before.to_execute, transferred=funding.executed)  # fmt: skip


def _returned(order: OrderCopy, before: Funding, funding: Funding, uow: BillingUnitOfWork, now: datetime) -> None:
    amount = funding.money(funding.returned - before.returned)
    post_transaction(
        uow,
        key=f"funding:{funding.funding_id}:returned:{funding.returned}",
        kind="funding_returned",
        entries=transferred_back(order.order_id, funding.customer_id, amount),
        effective_at=now,
        now=now,
        order=(order.order_id, order.number),
    )
    uow.publish(_event(FundingReturned, funding, returned=funding.money(funding.returned)))
    refund_payment.project_has(order.order_id, funding.funding_id, funding.returned, uow=uow, now=now)


def _event(kind: Any, funding: Funding, **more: Any) -> Any:
    return kind(
        funding_id=funding.funding_id,
        order_id=funding.order_id,
        order_number=funding.order_number,
        customer_id=funding.customer_id,
        provider_id=funding.provider_id,
        project_number=funding.project_number,
        responsible_person=funding.responsible_person,
        amount=funding.money(funding.amount),
        **more,
    )


def view(funding: Funding) -> FundingView:
    return FundingView(
        funding_id=funding.funding_id,
        order_id=funding.order_id,
        order_number=funding.order_number,
        n=funding.n,
        customer_id=funding.customer_id,
        provider_id=funding.provider_id,
        project_number=funding.project_number,
        responsible_person=funding.responsible_person,
        cost_category=funding.cost_category,
        state=funding.state,
        amount=funding.money(funding.amount),
        executed=funding.money(funding.executed),
        returned=funding.money(funding.returned),
        reason=funding.reason,
        requested_at=funding.requested_at,
        expires_at=funding.expires_at,
    )
