"""Referrals: claiming a customer, proving and deciding the claim, and taking a decision back."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.billing.domain.referral import (
    AlreadyProtected,
    EarlierClaimOpen,
    EvidenceFile,
    ReasonRequired,
    Referral,
    check_claim,
    checked_touch,
)
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound, NotYet
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.referral import (
    ClaimReferral,
    DecideReferral,
    ReferralConfirmed,
    ReferralRefused,
    ReferralRevoked,
    ReferralView,
    RevokeReferral,
    SubmitReferralEvidence,
)

KEEP_EVIDENCE = "keep_referral_evidence"


def claim_referral(
    command: ClaimReferral, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, upload_url: Callable[[str], str]
) -> ReferralView:
    """
    A station says that it brought a customer.

    *upload_url*: key → where the file may be put.
    """
    require(actor, command.grants, {"self": actor.organisation_id})
    touched_on = checked_touch(command.touched_on, now)
    _check_parties(actor.organisation_id, command.customer_id, uow)
    referral = Referral(
        referral_id=new_id(),
        station_id=actor.organisation_id,
        customer_id=command.customer_id,
        state="claimed",
        evidence=command.evidence,
        touched_on=touched_on,
        claimed_at=now,
        file=EvidenceFile(**dict(command.file)) if command.file is not None else None,
    )
    uow.referrals.add(referral)
    return view(referral, now, upload_url(referral.upload_key) if referral.file is not None else None)


def submit_referral_evidence(
    command: SubmitReferralEvidence, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ReferralView:
    """The file is uploaded: have it looked at."""
    referral = uow.referrals.get(command.referral_id)
    require(actor, command.grants, {"station": referral.station_id})
    file = referral.submit_file()
    uow.referrals.save(referral)
    uow.call_outside(
        KEEP_EVIDENCE,
        f"{KEEP_EVIDENCE}:{referral.referral_id}:{file.attempts}",
        {
            "referral_id": str(referral.referral_id),
            "upload_key": referral.upload_key,
            "record_key": referral.record_key,
            "sha256": file.sha256,
            "size_bytes": file.size_bytes,
            "media_type": file.media_type,
        },
    )
    return view(referral, now)


def evidence_looked_at(referral_id: UUID, *, kept: bool, problem: str = "", uow: BillingUnitOfWork) -> None:
    """It is the declared file and kept; or it is not, and the station may upload it again."""
    referral = uow.referrals.get(referral_id)
    referral.file_looked_at(kept=kept, problem=problem)
    uow.referrals.save(referral)


def decide_referral(
    command: DecideReferral, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, protection: timedelta
) -> ReferralView:
    """
    The operating company decides; for *protection* from the claim on the customer is the station's.

    Raises:
        SelfReferral, RelatedParties: As is known now.
        EvidenceAwaited: Its file is not here.
        AlreadyProtected: Another station's protection covers part of that time.
        EarlierClaimOpen: First touch: an earlier claim is decided first, or refused in the same breath.
    """
    require(actor, command.grants, {})
    referral = uow.referrals.get(command.referral_id)
    if command.decision == "refuse":
        _refuse(referral, command.reason, uow)
        return view(referral, now)
    # Two decisions about one customer wait for each other here, so that both see what the other did.
    uow.organisations.find(referral.customer_id, lock=True)
    _check_parties(referral.station_id, referral.customer_id, uow)  # what is known of them may have changed
    referral.confirm(command.reason, protection)
    everybody = uow.referrals.of_customer(referral.customer_id)
    others = [each for each in everybody if each.referral_id != referral.referral_id]
    if any(referral.overlaps(other) for other in others if other.state == "confirmed"):
        raise AlreadyProtected
    _settle(referral, [each for each in others if each.state == "claimed"], command, uow)
    uow.referrals.save(referral)
    if referral.protected_from is None or referral.protected_until is None:
        raise AssertionError("a confirmed referral protects")
    uow.publish(
        ReferralConfirmed(
            referral_id=referral.referral_id,
            customer_id=referral.customer_id,
            station_id=referral.station_id,
            protected_from=referral.protected_from,
            protected_until=referral.protected_until,
        )
    )
    return view(referral, now)


def _settle(referral: Referral, open_: Sequence[Referral], command: DecideReferral, uow: BillingUnitOfWork) -> None:
    """The conflict with the other open claims: decided by who is confirmed, or by who came first."""
    if command.refuse_others:
        if open_ and not command.reason:
            raise ReasonRequired
        for other in open_:
            _refuse(uow.referrals.get(other.referral_id), command.reason, uow)
    elif any(other.claimed_at < referral.claimed_at for other in open_):
        raise EarlierClaimOpen


def _refuse(referral: Referral, reason: str, uow: BillingUnitOfWork) -> None:
    referral.refuse(reason)
    uow.referrals.save(referral)
    uow.publish(
        ReferralRefused(
            referral_id=referral.referral_id,
            customer_id=referral.customer_id,
            station_id=referral.station_id,
            reason=reason,
        )
    )


def revoke_referral(command: RevokeReferral, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ReferralView:
    """It was not as it seemed. Contracts that are signed keep what was frozen."""
    require(actor, command.grants, {})
    referral = uow.referrals.get(command.referral_id)
    until = referral.revoke(command.reason, now)
    uow.referrals.save(referral)
    uow.publish(
        ReferralRevoked(
            referral_id=referral.referral_id,
            customer_id=referral.customer_id,
            station_id=referral.station_id,
            protected_until=until,
            reason=command.reason,
        )
    )
    return view(referral, now)


def _check_parties(station_id: UUID, customer_id: UUID, uow: BillingUnitOfWork) -> None:
    known = uow.organisations.find_all({station_id, customer_id})
    if station_id not in known:
        raise NotYet("the station is not known here yet")
    if customer_id not in known:
        raise NotFound
    check_claim(known[station_id], known[customer_id], uow.relations.of({station_id, customer_id}))


def view(referral: Referral, now: datetime, upload_url: str | None = None) -> ReferralView:
    over = referral.state == "confirmed" and referral.protected_until is not None and referral.protected_until <= now
    file = referral.file
    return ReferralView(
        referral_id=referral.referral_id,
        station_id=referral.station_id,
        customer_id=referral.customer_id,
        state="expired" if over else referral.state,
        evidence=referral.evidence,
        claimed_at=referral.claimed_at,
        protected_until=referral.protected_until,
        reason=referral.reason,
        touched_on=referral.touched_on,
        evidence_file="none" if file is None else "awaited" if file.key is None else "kept",
        evidence_problem=file.problem if file is not None else "",
        upload_url=upload_url,
    )
