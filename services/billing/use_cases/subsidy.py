"""
Subsidies: a provider claims for a period, two review it, the authority pays the provider; refunds lower it.

Locks are taken in one order everywhere: the orders, the subsidy, the programme, the provider's year.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.billing.domain.claim import ClaimTooLate
from services.billing.domain.programme import Left, Rules, WrongSide, version_at
from services.billing.domain.related_party import Finding, findings
from services.billing.domain.subsidy import (
    Candidate,
    LeftOut,
    NothingToSubsidise,
    PeriodNotOver,
    SubsidisedOrder,
    Subsidy,
    SubsidyExists,
    claim_deadline,
    holder_results,
    order_results,
    period_from,
    subsidy_on,
)
from services.billing.use_cases import programme as programmes
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.voucher_use import findings_message, results_message
from services.shared.kernel.actor import Actor, Relation, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.kernel.times import end_of_business_day
from services.shared.messages.billing import subsidy as messages
from services.shared.messages.billing.claim import Evidence
from services.shared.messages.billing.subsidy import (
    RecordSubsidyPaid,
    ResubmitSubsidy,
    ReviewSubsidy,
    SubmitSubsidy,
    SubsidyApproved,
    SubsidyPaid,
    SubsidyReduced,
    SubsidyRejected,
    SubsidySentBack,
    SubsidySubmitted,
    SubsidyView,
)

E = TypeVar(
    "E", SubsidySubmitted, SubsidySentBack, SubsidyApproved, SubsidyRejected, SubsidyPaid, SubsidyReduced
)  # fmt: skip


def submit_subsidy(command: SubmitSubsidy, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> SubsidyView:
    """
    Claim for a period that is over, by the rules that were in force on its last day.

    Raises:
        NotFound: There is no such programme.
        WrongSide, NotInForce, PeriodUnknown, PeriodNotOver, ClaimTooLate: It cannot be claimed.
        NothingToSubsidise: The rules give nothing.
        SubsidyExists: It is claimed already.
    """
    require(actor, command.grants, {"provider": actor.organisation_id})
    programme = uow.programmes.find(command.programme_id)
    if programme is None:
        raise NotFound
    if programme.side != "provider":
        raise WrongSide
    versions = uow.programmes.versions(programme.programme_id)
    last_on = period_from(version_at(versions, now).rules, command.first_on)
    if now < end_of_business_day(last_on):
        raise PeriodNotOver(last_on=last_on.isoformat())
    version = version_at(versions, end_of_business_day(last_on) - timedelta(microseconds=1))
    subsidy = Subsidy(
        subsidy_id=new_id(),
        number="",
        state="submitted",
        programme_id=programme.programme_id,
        programme_version_id=version.programme_version_id,
        provider_id=actor.organisation_id,
        currency=programme.currency,
        first_on=command.first_on,
        last_on=period_from(version.rules, command.first_on),
        year=command.first_on.year,
        left=Left(budget=0),
        submitted_at=now,
        submitted_by=hand_of(actor),
    )
    uow.subsidies.lock_orders(subsidy)
    if uow.subsidies.claimed(subsidy):
        raise SubsidyExists
    orders = _gather(subsidy, version.rules, uow, now)
    uow.subsidies.add(subsidy, orders)
    _commit(subsidy, subsidy.amount, uow)
    _tell_submitted(subsidy, orders, uow)
    return view(subsidy, orders)


def resubmit_subsidy(command: ResubmitSubsidy, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> SubsidyView:
    """What was sent back is mended: the orders and rules again. Raises as `submit_subsidy`."""
    found = uow.subsidies.find(command.subsidy_id)
    require(actor, command.grants, {"provider": found.provider_id if found is not None else None})
    if found is None:
        raise NotFound
    uow.subsidies.lock_orders(found)
    subsidy = uow.subsidies.get(found.subsidy_id)
    subsidy.resubmit(hand_of(actor), now)
    _commit(subsidy, -subsidy.amount, uow)  # what it held is there for it again
    rules = uow.programmes.version(subsidy.programme_version_id).rules
    orders = _gather(subsidy, rules, uow, now)
    _commit(subsidy, subsidy.amount, uow)
    uow.subsidies.put_orders(subsidy, orders)
    uow.subsidies.save(subsidy)
    _tell_submitted(subsidy, orders, uow)
    return view(subsidy, orders)


def review_subsidy(command: ReviewSubsidy, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> SubsidyView:
    """
    The first or the second reviewer decides. What is rejected frees its orders, and the programme's money.

    Raises:
        AuthorityDecides, WrongState, SameHands, ReasonRequired: See Reviewed.
    """
    subsidy, relation = _reviewed(command, actor, uow)
    rules = uow.programmes.version(subsidy.programme_version_id).rules
    subsidy.check_reviewer(rules, authority=relation == "authority")
    if command.decision == "reject":
        subsidy.reject(hand_of(actor), command.reason)
        uow.subsidies.free_orders(subsidy.subsidy_id)
        _commit(subsidy, -subsidy.amount, uow)
        uow.publish(_event(SubsidyRejected, subsidy, reason=subsidy.reason))
    elif command.decision == "send_back":
        subsidy.send_back(hand_of(actor), command.reason)
        uow.publish(_event(SubsidySentBack, subsidy, reason=subsidy.reason))
    elif subsidy.approve(hand_of(actor), now):
        uow.publish(_event(SubsidyApproved, subsidy))
    uow.subsidies.save(subsidy)
    return view(subsidy, uow.subsidies.orders_of(subsidy.subsidy_id))


def record_subsidy_paid(
    command: RecordSubsidyPaid, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> SubsidyView:
    """The authority has paid the provider. Raises WrongState, NothingToSubsidise."""
    subsidy, _ = _reviewed(command, actor, uow)
    subsidy.pay(command.reference, now)
    uow.subsidies.save(subsidy)
    uow.publish(_event(SubsidyPaid, subsidy, reference=command.reference))
    return view(subsidy, uow.subsidies.orders_of(subsidy.subsidy_id))


def lower_for_refund(order_id: UUID, net: int, gross: int, *, uow: BillingUnitOfWork) -> None:
    """
    Of an order, which the caller has locked, *net* and *gross* (minor units) remain after a refund.

    A subsidy that counts it is computed again on what remains; what was paid beyond that is to be given back.
    """
    subsidy = uow.subsidies.counting(order_id)
    if subsidy is None:
        return
    counted = next(each for each in uow.subsidies.orders_of(subsidy.subsidy_id) if each.order_id == order_id)
    rules = uow.programmes.version(subsidy.programme_version_id).rules
    less = subsidy.lower(rules, counted.net - net, counted.gross - gross)
    uow.subsidies.put_order(subsidy.subsidy_id, replace(counted, net=net, gross=gross))
    uow.subsidies.save(subsidy)
    _commit(subsidy, -less, uow)
    if less:
        back = Money(subsidy.to_give_back, subsidy.currency)
        uow.publish(_event(SubsidyReduced, subsidy, reduced_by=Money(less, subsidy.currency), to_give_back=back))


def pack_kept(
    subsidy_id: UUID, submitted_at: datetime, kept: tuple[str, str, int], *, uow: BillingUnitOfWork
) -> None:  # fmt: skip
    """See Reviewed.keep_pack."""
    subsidy = uow.subsidies.get(subsidy_id)
    if subsidy.keep_pack(submitted_at, kept):
        uow.subsidies.save(subsidy)


def _gather(subsidy: Subsidy, rules: Rules, uow: BillingUnitOfWork, now: datetime) -> tuple[SubsidisedOrder, ...]:
    """The orders that count and each rule's result, as they are now; the caller has locked the orders."""
    until = claim_deadline(rules, subsidy.last_on)
    if now >= until:
        raise ClaimTooLate(claim_until=until.isoformat())
    candidates = _checked(uow.subsidies.candidates(subsidy), subsidy.provider_id, rules, uow)
    orders = tuple(_counted(each) for each in candidates if not each.left_out_by(rules))
    subsidy.left_out = tuple(
        LeftOut(each.order_id, each.order_number, rule) for each in candidates if (rule := each.left_out_by(rules))
    )
    programme = programmes.locked(subsidy.programme_id, uow)
    cap = rules.cap_holder_year
    committed = uow.programmes.open_year(subsidy.programme_id, subsidy.provider_id, subsidy.year, cap)
    in_year = None if cap is None else max(0, cap - committed)
    subsidy.left = Left(budget=max(0, programme.left(rules, 0)), year=in_year)
    subsidy.net, subsidy.gross = sum(each.net for each in orders), sum(each.gross for each in orders)
    provider = programmes.known_organisation(subsidy.provider_id, uow)
    subsidy.findings = tuple(found for each in candidates if not each.left_out_by(rules) for found in each.findings)
    subsidy.amount, amounts = subsidy_on(rules, subsidy.net, subsidy.gross, subsidy.left)
    about_provider = holder_results(rules, provider.unified_social_credit_code)
    subsidy.results = (*about_provider, *amounts, *order_results(orders, subsidy.findings))
    subsidy.order_count = len(orders)
    failed = [each.rule for each in (*about_provider, *amounts) if each.outcome == "failed"]
    if failed or not subsidy.amount:
        raise NothingToSubsidise(rules=failed or ["something_left"])
    return orders


def _checked(
    candidates: Sequence[Candidate], provider_id: UUID, rules: Rules, uow: BillingUnitOfWork
) -> tuple[Candidate, ...]:
    """*candidates* with what the related-party checks find of each customer."""
    customers = {each.customer_id for each in candidates}
    provider = programmes.known_organisation(provider_id, uow)
    known = uow.organisations.find_all(customers)
    relations = uow.relations.of({provider_id, *customers})
    found: dict[UUID, tuple[Finding, ...]] = {
        customer_id: findings(known[customer_id], provider, relations, (), (), rules, accepted_at)
        for customer_id, accepted_at in {each.customer_id: each.accepted_at for each in candidates}.items()
        if customer_id in known
    }
    return tuple(
        replace(each, findings=tuple(
            replace(sign, facts={**sign.facts, "order": each.order_number}) for sign in found.get(each.customer_id, ())
        ))
        for each in candidates
    )  # fmt: skip


def _counted(each: Candidate) -> SubsidisedOrder:
    return SubsidisedOrder(
        each.order_id, each.order_number, each.customer_id, each.accepted_at, each.net, each.gross, each.evidence
    )


def _commit(subsidy: Subsidy, change: int, uow: BillingUnitOfWork) -> None:
    programme = programmes.locked(subsidy.programme_id, uow)
    programmes.commit(programme, subsidy.provider_id, subsidy.year, change, uow)


def _reviewed(
    command: ReviewSubsidy | RecordSubsidyPaid, actor: Actor, uow: BillingUnitOfWork
) -> tuple[Subsidy, Relation]:
    """The subsidy, locked, and as what the asker may review it. Raises NotFound, NotAllowed."""
    found = uow.subsidies.find(command.subsidy_id)
    programme = uow.programmes.find(found.programme_id) if found is not None else None
    relation = require(actor, command.grants, {"authority": programme.authority_id if programme is not None else None})
    return uow.subsidies.get(command.subsidy_id), relation


def _tell_submitted(subsidy: Subsidy, orders: Sequence[SubsidisedOrder], uow: BillingUnitOfWork) -> None:
    about = programmes.names_on_cover(subsidy.programme_id, {"claimant": subsidy.provider_id}, uow)
    uow.publish(_event(SubsidySubmitted, subsidy, order_count=subsidy.order_count))
    uow.call_outside(
        "build_claim_pack",
        f"subsidy_pack:{subsidy.subsidy_id}:{subsidy.submitted_at.isoformat()}",
        {"subsidy": view(subsidy, orders).model_dump(mode="json"), "about": about},
    )


def _event(kind: type[E], subsidy: Subsidy, **more: Any) -> E:
    return kind(
        subsidy_id=subsidy.subsidy_id,
        number=subsidy.number,
        programme_id=subsidy.programme_id,
        party_id=subsidy.provider_id,
        first_on=subsidy.first_on,
        last_on=subsidy.last_on,
        amount=subsidy.money,
        **more,
    )


def view(subsidy: Subsidy, orders: Sequence[SubsidisedOrder] = ()) -> SubsidyView:
    def money(amount: int) -> Money:
        return Money(amount, subsidy.currency)

    return SubsidyView(
        subsidy_id=subsidy.subsidy_id,
        number=subsidy.number,
        state=subsidy.state,
        programme_id=subsidy.programme_id,
        provider_id=subsidy.provider_id,
        first_on=subsidy.first_on,
        last_on=subsidy.last_on,
        net=money(subsidy.net),
        gross=money(subsidy.gross),
        amount=subsidy.money,
        paid=money(subsidy.paid),
        to_give_back=money(subsidy.to_give_back),
        order_count=subsidy.order_count,
        orders=tuple(
            messages.SubsidisedOrder(
                order_id=each.order_id,
                order_number=each.order_number,
                accepted_at=each.accepted_at,
                net=money(each.net),
                gross=money(each.gross),
                evidence=tuple(Evidence(**vars(paper)) for paper in each.evidence),
            )
            for each in orders
        ),
        left_out=tuple(messages.LeftOut(**vars(each)) for each in subsidy.left_out),
        results=results_message(subsidy.results),
        findings=findings_message(subsidy.findings),
        reason=subsidy.reason,
        submitted_at=subsidy.submitted_at,
        approved_at=subsidy.approved_at,
        paid_at=subsidy.paid_at,
        pack_sha256=subsidy.pack_sha256,
    )
