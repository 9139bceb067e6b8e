"""Small enterprises: a party declares its size, the company's staff confirms it, statements get their last day."""

from datetime import datetime

from services.billing.domain.small_enterprise import NOTICE_DAYS, PAYMENT_DAYS, SmallEnterprise
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.settlement import watch_due
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.small_enterprise import (
    DecideSmallEnterprise,
    DeclareSmallEnterprise,
    SmallEnterpriseView,
)


def declare_small_enterprise(
    command: DeclareSmallEnterprise, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> SmallEnterpriseView:
    """A party says how large it is; each says it of itself."""
    require(actor, command.grants, {"self": actor.organisation_id})
    declared = SmallEnterprise(
        declaration_id=new_id(), organisation_id=actor.organisation_id, state="declared", is_small=command.is_small,
        since=command.since, declared_at=now, declared_by=hand_of(actor),
    )  # fmt: skip
    uow.small_enterprises.add(declared)
    return view(declared)


def decide_small_enterprise(
    command: DecideSmallEnterprise, *, actor: Actor, uow: BillingUnitOfWork, now: datetime,
    payment_days: int = PAYMENT_DAYS, notice_days: int = NOTICE_DAYS,
) -> SmallEnterpriseView:  # fmt: skip
    """
    The company's staff has looked it up: what is not paid yet is due by it, on statements that are closed too.

    Raises:
        NotFound, WrongState: See there.
    """
    require(actor, command.grants, {})
    # Else a statement could be closed between, without its last day.
    uow.small_enterprises.hold_closing()
    declared = uow.small_enterprises.get(command.declaration_id)
    uow.organisations.find(declared.organisation_id, lock=True)
    declared.decide(confirmed=command.confirmed, by=hand_of(actor), now=now)
    uow.small_enterprises.save(declared)
    if command.confirmed:
        for settlement_id, due_on in uow.settlements.set_due(declared.organisation_id, payment_days).items():
            watch_due(settlement_id, due_on, notice_days, uow=uow)
    return view(declared)


def view(declared: SmallEnterprise) -> SmallEnterpriseView:
    return SmallEnterpriseView(
        declaration_id=declared.declaration_id,
        organisation_id=declared.organisation_id,
        state=declared.state,
        is_small=declared.is_small,
        since=declared.since,
        declared_at=declared.declared_at,
        decided_at=declared.decided_at,
    )
