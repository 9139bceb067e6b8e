"""Publishing commission plans, and what an order would yield by them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from services.billing.domain.commission import SplitTerms, split
from services.billing.domain.commission_plan import CommissionPlan, NoPlan, check_plan, components_of
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import Invalid, NotFound
from services.shared.kernel.fee import Fee, Scope, plan_in_force
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import CurrencyMismatch, Money, allocate
from services.shared.kernel.rate import share
from services.shared.messages.billing.commission_plan import (
    CommissionPlanPublished,
    CommissionPlanView,
    PreviewSplit,
    PublishCommissionPlan,
    SplitPreview,
)


class LinesDiffer(Invalid):
    """The lines do not sum to the order's net."""

    code = "billing.lines_differ_from_net"


class PartAboveNet(Invalid):
    """The company takes off, or pays the provider, at most the order's net."""

    code = "billing.part_above_net"


def publish_commission_plan(
    command: PublishCommissionPlan, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> CommissionPlanView:
    """
    Signed contracts keep theirs, so a plan may be valid from any instant.

    Raises:
        FeeInvalid, ValidityEmpty, PlanExists, PlansOverlap
        NotFound: The provider or the station is not known.
    """
    require(actor, command.grants, {})
    plan = CommissionPlan(
        commission_plan_id=new_id(),
        scope=Scope(command.provider_id, command.offering_class, command.station_id, command.currency),
        valid_from=command.valid_from,
        valid_until=command.valid_until,
        components=components_of(command.fee_bps, command.components),
        station_bps=command.station_bps,
        published_at=now,
        published_by=hand_of(actor),
    )
    named = {each for each in (command.provider_id, command.station_id) if each is not None}
    if named and len(uow.organisations.find_all(named)) < len(named):
        raise NotFound
    check_plan(plan, uow.plans.of_scope(plan.scope))
    uow.plans.add(plan)
    uow.publish(CommissionPlanPublished.model_validate(_told(plan)))
    return view(plan)


def preview_split(query: PreviewSplit, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> SplitPreview:
    """
    What an order that is signed now, or at the instant that is asked for, would yield.

    Raises:
        NoPlan: None is in force for it; NotFound: The one that is named is not there.
        LinesDiffer, PartAboveNet, CurrencyMismatch
    """
    require(actor, query.grants, {})
    currency = query.net.currency
    order = Scope(query.provider_id, query.offering_class, query.station_id, currency)
    if query.commission_plan_id is not None:
        plan = uow.plans.get(query.commission_plan_id)
        if plan.scope.currency not in {None, currency}:
            raise CurrencyMismatch
    else:
        found = plan_in_force(uow.plans.for_provider(query.provider_id), order, query.at or now)
        if found is None:
            raise NoPlan
        plan = found
    return _preview(query, plan)


def _preview(query: PreviewSplit, plan: CommissionPlan) -> SplitPreview:
    net, currency = query.net.amount, query.net.currency
    parts_given = (*query.line_nets, query.volume_before, query.discount, query.buy_net)
    if any(each is not None and each.currency != currency for each in parts_given):
        raise CurrencyMismatch
    if query.line_nets and sum(each.amount for each in query.line_nets) != net:
        raise LinesDiffer
    discount = query.discount.amount if query.discount is not None else 0
    buy_net = query.buy_net.amount if query.buy_net is not None else None
    if max(discount, buy_net or 0) > net:
        raise PartAboveNet
    volume_before = query.volume_before.amount if query.volume_before is not None else 0
    parts = split(
        SplitTerms(
            net=net,
            tax=share(net - discount, query.tax_rate_bps),
            tax_rate_bps=query.tax_rate_bps,
            fee=Fee(plan.components, volume_before),
            station_bps=plan.station_bps,
            provider_tax=query.provider_tax,
            station_tax=query.station_tax if query.station_id is not None else None,
            discount=discount,
            buy_net=buy_net,
        )
    )
    figures = {**asdict(parts), "base": net, "gross": parts.gross, "vat_due": parts.vat_due}
    del figures["net"], figures["station_base"]
    by_line = allocate(parts.fee, [each.amount for each in query.line_nets]) if query.line_nets else []
    return SplitPreview(
        commission_plan_id=plan.commission_plan_id,
        line_fees=tuple(Money(each, currency) for each in by_line),
        **{name: Money(amount, currency) for name, amount in figures.items()},
    )


def view(plan: CommissionPlan) -> CommissionPlanView:
    return CommissionPlanView(**_told(plan), published_at=plan.published_at)


def _told(plan: CommissionPlan) -> dict[str, Any]:
    """What event and view both say."""
    return {
        "commission_plan_id": plan.commission_plan_id,
        "valid_from": plan.valid_from,
        "valid_until": plan.valid_until,
        "fee_bps": plan.fee_bps,
        "station_bps": plan.station_bps,
        "components": plan.components,
        "provider_id": plan.scope.provider_id,
        "offering_class": plan.scope.offering_class,
        "station_id": plan.scope.station_id,
        "currency": plan.scope.currency,
    }
