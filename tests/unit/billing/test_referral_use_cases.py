"""Referrals: first touch, one station per customer at a time, never itself."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.billing.domain.referral import (
    AlreadyClaimed,
    AlreadyProtected,
    EarlierClaimOpen,
    NotACustomer,
    ReasonRequired,
    SelfReferral,
)
from services.billing.use_cases.referral import claim_referral, decide_referral
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.referral import ClaimReferral, DecideReferral, ReferralConfirmed, ReferralView
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    NOW,
    OTHER_STATION_MANAGER,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    STATION_MANAGER,
    FakeBillingUnitOfWork,
    an_organisation,
)

YEAR = timedelta(days=365)


def claim(
    uow: FakeBillingUnitOfWork, actor: Actor = STATION_MANAGER, customer: UUID = CUSTOMER_ID, now: datetime = NOW
) -> ReferralView:
    return claim_referral(ClaimReferral(customer_id=customer, evidence="介绍函"), actor=actor, uow=uow, now=now)


def decide(
    uow: FakeBillingUnitOfWork, claimed: ReferralView, decision: str = "confirm", reason: str = "",
    actor: Actor = FINANCE,
) -> ReferralView:  # fmt: skip
    command = DecideReferral.model_validate(
        {"referral_id": claimed.referral_id, "decision": decision, "reason": reason}
    )
    return decide_referral(command, actor=actor, uow=uow, now=NOW + timedelta(days=3), protection=YEAR)


def test_confirmed_protects_from_the_claim_on() -> None:
    """The time counts from the claim, not from the decision."""
    uow = FakeBillingUnitOfWork()
    view = decide(uow, claim(uow))
    assert (view.state, view.protected_until) == ("confirmed", NOW + YEAR)
    (event,) = uow.events(ReferralConfirmed)
    assert (event.station_id, event.customer_id) == (STATION_ID, CUSTOMER_ID)
    assert (event.protected_from, event.protected_until) == (NOW, NOW + YEAR)


def test_first_touch() -> None:
    """A later claim is not confirmed while an earlier one is open, nor while one is in force."""
    uow = FakeBillingUnitOfWork()
    first = claim(uow)
    second = claim(uow, OTHER_STATION_MANAGER, now=NOW + timedelta(hours=1))
    with pytest.raises(EarlierClaimOpen):
        decide(uow, second)
    decide(uow, first)
    with pytest.raises(AlreadyProtected):
        decide(uow, second)
    after = claim(uow, STATION_MANAGER, now=NOW + YEAR)
    decide(uow, second, "refuse", "in force already")
    assert decide(uow, after).state == "confirmed"


def test_refused_claim_frees_the_customer() -> None:
    """After a refusal, which needs a word, the next claim may be confirmed."""
    uow = FakeBillingUnitOfWork()
    first = claim(uow)
    second = claim(uow, OTHER_STATION_MANAGER, now=NOW + timedelta(hours=1))
    with pytest.raises(ReasonRequired):
        decide(uow, first, "refuse")
    decide(uow, first, "refuse", "no evidence")
    assert decide(uow, second).state == "confirmed"
    with pytest.raises(WrongState):
        decide(uow, first)


def test_never_itself() -> None:
    """Neither the station nor a firm with its credit code, in whatever case it is written."""
    uow = FakeBillingUnitOfWork()
    uow.organisations.put(replace(an_organisation(STATION_ID), unified_social_credit_code="91510100MA6CXXXX0A"))
    uow.organisations.put(replace(an_organisation(CUSTOMER_ID), unified_social_credit_code="91510100ma6cxxxx0a "))
    for customer in (STATION_ID, CUSTOMER_ID):
        with pytest.raises(SelfReferral):
            claim(uow, customer=customer)


def test_identity_is_checked_again_at_the_decision() -> None:
    """A credit code corrected after the claim still unmasks a self-referral."""
    uow = FakeBillingUnitOfWork()
    claimed = claim(uow)
    code = uow.organisations.held[STATION_ID].unified_social_credit_code
    uow.organisations.put(replace(an_organisation(CUSTOMER_ID), unified_social_credit_code=code))
    with pytest.raises(SelfReferral):
        decide(uow, claimed)


def test_only_customers_that_exist() -> None:
    """A provider is not brought; an unknown organisation is not found; a station we do not know yet waits."""
    uow = FakeBillingUnitOfWork()
    with pytest.raises(NotACustomer):
        claim(uow, customer=PROVIDER_ID)
    with pytest.raises(NotFound):
        claim(uow, customer=new_id())
    del uow.organisations.held[STATION_ID]
    with pytest.raises(NotYet):
        claim(uow)


def test_one_open_claim() -> None:
    """A station does not claim a customer twice while the first claim is open."""
    uow = FakeBillingUnitOfWork()
    claim(uow)
    with pytest.raises(AlreadyClaimed):
        claim(uow)


def test_roles() -> None:
    """Only a station's manager claims, only the operating company's finance decides."""
    uow = FakeBillingUnitOfWork()
    with pytest.raises(NotAllowed):
        claim(uow, REQUESTER)
    claimed = claim(uow)
    with pytest.raises(NotFound):
        decide(uow, claimed, actor=STATION_MANAGER)
