"""
Claims: submitted with their evidence, reviewed by two, paid or rejected; or approved by themselves.

Locks are taken in one order everywhere: the order, its payments, the use of the voucher, the claim, the voucher, the
programme. Whoever changes a claim holds its order, save what the bank's statement pays, which asks nothing of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.billing.domain.claim import (
    Claim,
    ClaimBlocked,
    ClaimTooLate,
    Evidence,
    EvidenceMissing,
    NotAccepted,
    NothingToClaim,
    claim_paid,
    claim_rejected,
    claim_results,
    missing,
    provider_overpaid,
)
from services.billing.domain.payment import Instructions
from services.billing.domain.programme import Rules
from services.billing.domain.related_party import Finding, findings, repeated_reports
from services.billing.domain.voucher import (
    OrderAlreadyClaimed,
    VoucherAlreadyOnOrder,
    VoucherUse,
)
from services.billing.use_cases import programme as programmes
from services.billing.use_cases import receivable, voucher_use
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, Relation, hand_of, require
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet
from services.shared.kernel.ids import NO_ONE, new_id
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date
from services.shared.messages.billing import claim as messages
from services.shared.messages.billing.claim import (
    ClaimApproved,
    ClaimPaid,
    ClaimRejected,
    ClaimSentBack,
    ClaimSubmitted,
    ClaimView,
    RecordClaimPaid,
    ResubmitClaim,
    ReviewClaim,
    SubmitClaim,
)

E = TypeVar("E", ClaimSubmitted, ClaimSentBack, ClaimApproved, ClaimRejected, ClaimPaid)

PLATFORM = "platform"

_CLAIMANT: dict[str, Relation] = {"customer": "customer", "provider": "provider", "company": "operator"}


def submit_claim(command: SubmitClaim, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ClaimView:
    """
    Claim the programme's part of an accepted order.

    Raises:
        NotFound: No voucher is on the order, or the order is not the asker's.
        NotAllowed: The programme pays somebody else.
        VoucherAlreadyOnOrder, OrderAlreadyClaimed: Another voucher is on it.
        NotAccepted, ClaimTooLate, NothingToClaim, EvidenceMissing, ClaimBlocked: It cannot be claimed.
        WrongState: It is claimed already.
    """
    uow.orders.find(command.order_id)  # locked before its payments and the use
    use = uow.vouchers.use_on(command.order_id)
    parties: dict[Relation, UUID] = {"customer": use.holder_id, "provider": use.provider_id} if use is not None else {}
    relation = require(actor, command.grants, parties)
    if use is None:
        raise NotFound
    if use.redeem_to != "prefunded" and _CLAIMANT[use.redeem_to] != relation:
        raise NotAllowed
    if use.voucher_id != command.voucher_id:
        raise OrderAlreadyClaimed if use.state in {"claimed", "redeemed", "rejected"} else VoucherAlreadyOnOrder
    return view(_submit(use, hand_of(actor), actor.organisation_id, uow, now))


def submit_by_itself(order_id: UUID, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    The papers may be complete: where the programme wants no person, its part is claimed for whoever gets it.

    The caller holds the order.
    """
    use = uow.vouchers.use_on(order_id)
    if use is None or use.accepted_at is None or use.redeem_to == "prefunded" or use.state != "used":
        return
    rules = uow.programmes.version(use.programme_version_id).rules
    if not rules.automatic or missing(_evidence(use, uow)):
        return
    claimants = {"customer": use.holder_id, "provider": use.provider_id, "company": NO_ONE}
    found = _findings(use, rules, uow)
    if not any(each.severity == "block" for each in found):
        _submit(use, PLATFORM, claimants[use.redeem_to], uow, now)


def resubmit_claim(command: ResubmitClaim, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ClaimView:
    """What was sent back is mended: evidence and rules again. Raises as `submit_claim`."""
    claim = uow.claims.find(command.claim_id)
    require(actor, command.grants, {"self": claim.claimant_id if claim is not None else None})
    if claim is None:
        raise NotFound
    claim, use = _locked(claim, uow)
    claim.resubmit(hand_of(actor), now)
    _gather(claim, use, uow, now)
    uow.claims.save(claim)
    _tell_submitted(claim, use, uow)
    return view(claim)


def review_claim(
    command: ReviewClaim, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, instructions: Instructions,
    reminder_days: Sequence[int],
) -> ClaimView:  # fmt: skip
    """
    The first or the second reviewer decides. *instructions*, *reminder_days*: for a customer who bears a rejection.

    Raises:
        AuthorityDecides, WrongState, SameHands, ReasonRequired: See Claim.
    """
    claim, use, relation = _reviewed(command, actor, uow)
    rules = uow.programmes.version(claim.programme_version_id).rules
    claim.check_reviewer(rules, authority=relation == "authority")
    if command.decision == "reject":
        _reject(claim, use, hand_of(actor), command.reason, uow, now)
        # Refunds may have left nothing of it: then nobody owes anything.
        if use.redeem_to == "company" and use.shortfall_payer == "customer" and use.amount:
            _call_for_shortfall(claim, use, uow, now, instructions, reminder_days)
        return view(claim)
    if command.decision == "send_back":
        claim.send_back(hand_of(actor), command.reason)
        uow.publish(_event(ClaimSentBack, claim, reason=claim.reason))
    elif claim.approve(hand_of(actor), now):
        uow.publish(_event(ClaimApproved, claim))
    uow.claims.save(claim)
    return view(claim)


def record_claim_paid(command: RecordClaimPaid, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ClaimView:
    """
    The authority paid customer or provider itself. What is more than a refund has left of it, a provider owes.

    Raises:
        NothingToClaim: Its money comes to our bank, whose statement says so.
        WrongState: It is not approved.
    """
    claim, use, _ = _reviewed(command, actor, uow)
    if claim.redeem_to == "company":
        raise NothingToClaim
    paid(claim, use, claim.amount, command.reference, uow, now)
    over = claim.money - use.money
    if claim.redeem_to == "provider" and over.amount:
        voucher_use.post(use, "overpaid", provider_overpaid(use, over), now, uow, now)
        voucher_use.provider_owes(use, over, f"voucher:{use.use_id}:overpaid", uow=uow, now=now)
    return view(claim)


def pay_by_bank(
    claim: Claim, amount: Money, key: str, booked_at: datetime, *, uow: BillingUnitOfWork, now: datetime
) -> bool:
    """
    A line of the bank's statement (*key*) names an approved claim of the company, whose use and row are locked.

    Returns:
        Whether it pays the claim: exactly, or exactly what a refund has left of it.
    """
    use = use_of(claim, uow)
    if not claim.awaits(amount, use.money):
        return False
    post_transaction(
        uow, key=key, kind="claim_paid", entries=claim_paid(use, amount), effective_at=booked_at, now=now,
        order=(use.order_id, use.order_number),
    )  # fmt: skip
    paid(claim, use, amount.amount, key, uow, now)
    return True


def _reject(claim: Claim, use: VoucherUse, by: str, reason: str, uow: BillingUnitOfWork, now: datetime) -> None:
    """The programme will not pay: who bears it was frozen with the reservation; the holder may use the rest again."""
    claim.reject(by, reason, uow.programmes.version(claim.programme_version_id).rules, now)
    uow.claims.save(claim)
    use.reject(use.shortfall_payer)
    _bear_shortfall(use, uow, now)
    uow.publish(_event(ClaimRejected, claim, reason=reason, shortfall_payer=use.shortfall_payer, due_on=claim.due_on))


def _call_for_shortfall(
    claim: Claim, use: VoucherUse, uow: BillingUnitOfWork, now: datetime, instructions: Instructions,
    reminder_days: Sequence[int],
) -> None:  # fmt: skip
    """The customer owes the programme's part from today on; the invoice is the one it has, over the whole price."""
    order = uow.orders.find(use.order_id)
    if order is None:
        raise NotYet("the order is not known here")
    days = uow.programmes.version(use.programme_version_id).rules.shortfall_days
    owed = receivable.add_receivable(order, use.amount, "voucher_claim", days, uow=uow, now=now)
    invoice = next((each.number for each in claim.evidence if each.kind == "invoice"), "")
    receivable.call_for(
        owed, order, invoice, business_date(now), uow=uow, now=now, instructions=instructions,
        reminder_days=reminder_days,
    )  # fmt: skip


def _bear_shortfall(use: VoucherUse, uow: BillingUnitOfWork, now: datetime) -> None:
    """*use* is rejected just now: book who bears it, and give the programme and the holder what was promised back."""
    uow.vouchers.save_use(use)
    voucher_use.post(use, "rejected", claim_rejected(use, use.shortfall_payer), now, uow, now)
    if use.redeem_to == "company" and use.shortfall_payer == "provider":
        voucher_use.provider_owes(use, use.money, f"voucher:{use.use_id}:shortfall", uow=uow, now=now)
    voucher_use.give_up(use, uow)


def pack_kept(
    claim_id: UUID, submitted_at: datetime, kept: tuple[str, str, int], *, uow: BillingUnitOfWork
) -> None:  # fmt: skip
    """See Reviewed.keep_pack."""
    claim = uow.claims.get(claim_id)
    if claim.keep_pack(submitted_at, kept):
        uow.claims.save(claim)


def lapse(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: nobody has claimed in time. Where the company should have, it bears its own delay."""
    use = uow.vouchers.find_use(UUID(subject))
    if use is None or use.state != "used" or use.claim_until is None or now < use.claim_until:
        return
    use.reject("company")
    _bear_shortfall(use, uow, now)


def _submit(use: VoucherUse, by: str, claimant_id: UUID, uow: BillingUnitOfWork, now: datetime) -> Claim:
    if use.redeem_to == "prefunded":
        raise NothingToClaim
    if use.accepted_at is None:
        raise NotAccepted
    if use.claim_until is not None and now >= use.claim_until:
        raise ClaimTooLate(claim_until=use.claim_until.isoformat())
    claim = Claim(
        claim_id=new_id(),
        number="",
        state="submitted",
        programme_id=use.programme_id,
        programme_version_id=use.programme_version_id,
        claimant_id=claimant_id,
        redeem_to=use.redeem_to,
        currency=use.currency,
        amount=use.amount,
        submitted_at=now,
        submitted_by=by,
        use_id=use.use_id,
        order_id=use.order_id,
        order_number=use.order_number,
        voucher_id=use.voucher_id,
    )
    use.claim()
    _gather(claim, use, uow, now)
    uow.vouchers.save_use(use)
    uow.claims.add(claim)
    uow.cancel_timer(voucher_use.LAPSE_TIMER, use.use_id)
    _tell_submitted(claim, use, uow)
    return claim


def _gather(claim: Claim, use: VoucherUse, uow: BillingUnitOfWork, now: datetime) -> None:
    """Evidence, findings and the result of each rule, as they are now; approve where nobody need look."""
    if use.amount == 0:
        raise NothingToClaim
    rules = uow.programmes.version(use.programme_version_id).rules
    evidence = _evidence(use, uow)
    absent = missing(evidence)
    if absent:
        raise EvidenceMissing(missing=absent)
    found = _findings(use, rules, uow)
    blocking = [each.kind for each in found if each.severity == "block"]
    if blocking:
        raise ClaimBlocked(findings=list(blocking))
    received = sum(payment.received - payment.refunded for payment in uow.payments.of_order(use.order_id))
    claim.amount, claim.evidence, claim.findings = use.amount, evidence, found
    claim.results = claim_results(use, rules, received, evidence, found, now)
    if rules.automatic and claim.every_rule_holds:
        claim.approve_automatically(now)


def _evidence(use: VoucherUse, uow: BillingUnitOfWork) -> tuple[Evidence, ...]:
    paid = [
        Evidence("receipt", payment.payment_id, payment.charge_id or payment.order_number, "", payment.succeeded_at)
        for payment in uow.payments.of_order(use.order_id)
        if payment.succeeded_at is not None
    ]
    accepted = [Evidence("acceptance", use.order_id, use.order_number, "", use.accepted_at)] if use.accepted_at else []
    return (*uow.evidence.of(use.order_id), *paid, *accepted)


def _findings(use: VoucherUse, rules: Rules, uow: BillingUnitOfWork) -> tuple[Finding, ...]:
    """As they are now, and those of the reservation that nobody would find any more."""
    holder = programmes.known_organisation(use.holder_id, uow)
    provider = programmes.known_organisation(use.provider_id, uow)
    relations = uow.relations.of((use.holder_id, use.provider_id))
    now_found = findings(holder, provider, relations, (), (), rules, use.reserved_at)
    now_found += repeated_reports(uow.evidence.reports_claimed_elsewhere(use.order_id), rules)
    kinds = {each.kind for each in now_found}
    return (*now_found, *(each for each in use.findings if each.kind not in kinds))


def paid(claim: Claim, use: VoucherUse, amount: int, reference: str, uow: BillingUnitOfWork, now: datetime) -> None:
    claim.pay(amount, reference, now)
    uow.claims.save(claim)
    use.redeem()
    uow.vouchers.save_use(use)
    voucher_use.tell_redeemed(use, uow)
    uow.publish(_event(ClaimPaid, claim, paid=Money(amount, claim.currency), reference=reference))


def _reviewed(
    command: ReviewClaim | RecordClaimPaid, actor: Actor, uow: BillingUnitOfWork
) -> tuple[Claim, VoucherUse, Relation]:
    """The claim and its use, locked, and as what the asker may review it. Raises NotFound, NotAllowed."""
    claim = uow.claims.find(command.claim_id)
    programme = uow.programmes.find(claim.programme_id) if claim is not None else None
    relation = require(actor, command.grants, {"authority": programme.authority_id if programme is not None else None})
    if claim is None:
        raise NotFound
    return *_locked(claim, uow), relation


def _locked(claim: Claim, uow: BillingUnitOfWork) -> tuple[Claim, VoucherUse]:
    """*claim* and its use, after their order."""
    uow.orders.get(claim.order_id)
    use = use_of(claim, uow)
    return uow.claims.get(claim.claim_id), use


def use_of(claim: Claim, uow: BillingUnitOfWork) -> VoucherUse:
    """Locked. Raises NotFound."""
    use = uow.vouchers.find_use(claim.use_id)
    if use is None:
        raise NotFound
    return use


def _tell_submitted(claim: Claim, use: VoucherUse, uow: BillingUnitOfWork) -> None:
    parties = {"claimant": claim.claimant_id, "holder": use.holder_id, "provider": use.provider_id}
    about = programmes.names_on_cover(claim.programme_id, parties, uow)
    uow.publish(_event(ClaimSubmitted, claim, automatic=claim.automatic))
    if claim.state == "approved":
        uow.publish(_event(ClaimApproved, claim))
    uow.call_outside(
        "build_claim_pack",
        f"claim_pack:{claim.claim_id}:{claim.submitted_at.isoformat()}",
        {"claim": view(claim).model_dump(mode="json"), "about": about},
    )


def _event(kind: type[E], claim: Claim, **more: Any) -> E:
    return kind(
        claim_id=claim.claim_id,
        number=claim.number,
        programme_id=claim.programme_id,
        party_id=claim.claimant_id,
        order_id=claim.order_id,
        order_number=claim.order_number,
        amount=claim.money,
        **more,
    )


def view(claim: Claim) -> ClaimView:
    return ClaimView(
        claim_id=claim.claim_id,
        number=claim.number,
        state=claim.state,
        programme_id=claim.programme_id,
        claimant_id=claim.claimant_id,
        redeem_to=claim.redeem_to,
        order_id=claim.order_id,
        order_number=claim.order_number,
        voucher_id=claim.voucher_id,
        amount=claim.money,
        paid=Money(claim.paid, claim.currency),
        evidence=tuple(messages.Evidence(**vars(each)) for each in claim.evidence),
        results=voucher_use.results_message(claim.results),
        findings=voucher_use.findings_message(claim.findings),
        automatic=claim.automatic,
        reason=claim.reason,
        submitted_at=claim.submitted_at,
        approved_at=claim.approved_at,
        paid_at=claim.paid_at,
        due_on=claim.due_on,
        pack_sha256=claim.pack_sha256,
    )
