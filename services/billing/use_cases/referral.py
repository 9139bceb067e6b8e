"""Referrals: claiming a customer, and deciding on the claim."""

from datetime import datetime, timedelta

from services.billing.domain.referral import (
    AlreadyProtected,
    EarlierClaimOpen,
    Referral,
    check_claim,
)
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound, NotYet
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.referral import ClaimReferral, DecideReferral, ReferralConfirmed, ReferralView


def claim_referral(command: ClaimReferral, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ReferralView:
    """A station says that it brought a customer."""
    require(actor, command.grants, {"self": actor.organisation_id})
    station = uow.organisations.find(actor.organisation_id)
    if station is None:
        raise NotYet("the station is not known here yet")
    customer = uow.organisations.find(command.customer_id)
    if customer is None:
        raise NotFound
    check_claim(station, customer)
    referral = Referral(
        referral_id=new_id(),
        station_id=station.organisation_id,
        customer_id=customer.organisation_id,
        state="claimed",
        evidence=command.evidence,
        claimed_at=now,
    )
    uow.referrals.add(referral)
    return view(referral)


def decide_referral(
    command: DecideReferral, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, protection: timedelta
) -> ReferralView:
    """
    The operating company decides; for *protection* from the claim on the customer is the station's.

    Raises:
        AlreadyProtected: Another station's protection covers part of that time.
        EarlierClaimOpen: First touch: an earlier claim is decided first.
    """
    del now
    require(actor, command.grants, {})
    referral = uow.referrals.get(command.referral_id)
    if command.decision == "refuse":
        referral.refuse(command.reason)
        uow.referrals.save(referral)
        return view(referral)
    # Two decisions about one customer wait for each other here, so that both see what the other did.
    station, customer = (
        uow.organisations.find(referral.station_id),
        uow.organisations.find(referral.customer_id, lock=True),
    )
    if station is None or customer is None:
        raise NotYet("an organisation is not known here yet")
    check_claim(station, customer)  # its credit code may have been corrected since the claim
    referral.confirm(command.reason, protection)
    others = [other for other in uow.referrals.of_customer(referral.customer_id) if other != referral]
    others = [other for other in others if other.referral_id != referral.referral_id]
    if any(other.state == "claimed" and other.claimed_at < referral.claimed_at for other in others):
        raise EarlierClaimOpen
    if any(referral.overlaps(other) for other in others if other.state == "confirmed"):
        raise AlreadyProtected
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
    return view(referral)


def view(referral: Referral) -> ReferralView:
    return ReferralView(
        referral_id=referral.referral_id,
        station_id=referral.station_id,
        customer_id=referral.customer_id,
        state=referral.state,
        evidence=referral.evidence,
        claimed_at=referral.claimed_at,
        protected_until=referral.protected_until,
        reason=referral.reason,
    )
