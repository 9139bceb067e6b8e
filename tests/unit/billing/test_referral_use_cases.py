"""Referrals: first touch, one station per customer at a time, never itself."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.domain.referral import (
    AlreadyClaimed,
    AlreadyProtected,
    EarlierClaimOpen,
    EvidenceAwaited,
    NoEvidenceDeclared,
    NotACustomer,
    NotInForce,
    ReasonRequired,
    RelatedParties,
    SelfReferral,
    TouchInFuture,
)
from services.billing.domain.related_party import DeclaredRelation
from services.billing.use_cases.referral import (
    claim_referral,
    decide_referral,
    evidence_looked_at,
    revoke_referral,
    submit_referral_evidence,
    view,
)
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.referral import (
    ClaimReferral,
    DecideReferral,
    EvidenceFile,
    ReferralConfirmed,
    ReferralRefused,
    ReferralRevoked,
    ReferralView,
    RevokeReferral,
    SubmitReferralEvidence,
)
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
    uow: FakeBillingUnitOfWork,
    actor: Actor = STATION_MANAGER,
    customer: UUID = CUSTOMER_ID,
    now: datetime = NOW,
    **more: Any,
) -> ReferralView:
    command = ClaimReferral(customer_id=customer, evidence="介绍函", **more)
    return claim_referral(command, actor=actor, uow=uow, now=now, upload_url=lambda key: f"put://{key}")


def decide(
    uow: FakeBillingUnitOfWork, claimed: ReferralView, decision: str = "confirm", reason: str = "",
    actor: Actor = FINANCE, **more: Any,
) -> ReferralView:  # fmt: skip
    command = DecideReferral.model_validate(
        {"referral_id": claimed.referral_id, "decision": decision, "reason": reason, **more}
    )
    return decide_referral(command, actor=actor, uow=uow, now=NOW + timedelta(days=3), protection=YEAR)


def test_confirmed_protects_from_the_claim_on() -> None:
    """The time counts from the claim, not from the decision."""
    uow = FakeBillingUnitOfWork()
    decided = decide(uow, claim(uow))
    assert (decided.state, decided.protected_until) == ("confirmed", NOW + YEAR)
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


def test_a_conflict_is_decided_by_the_evidence_of_both() -> None:
    """Who decides may take the later claim; the earlier one is refused in the same breath, and told why."""
    uow = FakeBillingUnitOfWork()
    first = claim(uow)
    second = claim(uow, OTHER_STATION_MANAGER, now=NOW + timedelta(hours=1))
    with pytest.raises(ReasonRequired):
        decide(uow, second, refuse_others=True)
    assert {each.state for each in uow.referrals.held.values()} == {"claimed"}
    assert decide(uow, second, reason="visit record of May", refuse_others=True).state == "confirmed"
    (refused,) = uow.events(ReferralRefused)
    assert (refused.referral_id, refused.station_id) == (first.referral_id, STATION_ID)
    assert refused.reason == uow.referrals.held[first.referral_id].reason == "visit record of May"
    with pytest.raises(WrongState):
        decide(uow, first)


@pytest.mark.parametrize(
    "pairs",
    [
        ((STATION_ID, CUSTOMER_ID),),
        ((CUSTOMER_ID, STATION_ID),),
        ((PROVIDER_ID, STATION_ID), (PROVIDER_ID, CUSTOMER_ID)),
    ],
)
def test_never_its_own_hands(pairs: tuple[tuple[UUID, UUID], ...]) -> None:
    """One controls the other, or a third both: refused at the claim, and at the decision where it is learnt later."""
    uow = FakeBillingUnitOfWork()
    claimed = claim(uow)
    for owner, owned in pairs:
        uow.relations.add(DeclaredRelation(owner, owned, "control", "test", NOW, ""))
    with pytest.raises(RelatedParties):
        decide(uow, claimed)
    with pytest.raises(RelatedParties):
        claim(uow, STATION_MANAGER, now=NOW + timedelta(days=1))


def test_a_shareholding_is_no_control() -> None:
    """Nor is the control of somebody else."""
    uow = FakeBillingUnitOfWork()
    uow.relations.add(DeclaredRelation(STATION_ID, CUSTOMER_ID, "shareholding", "test", NOW, ""))
    uow.relations.add(DeclaredRelation(PROVIDER_ID, CUSTOMER_ID, "control", "test", NOW, ""))
    assert decide(uow, claim(uow)).state == "confirmed"


FILE = EvidenceFile(sha256="ab" * 32, size_bytes=9, media_type="application/pdf")


def test_a_declared_file_is_there_before_it_is_confirmed() -> None:
    """What is uploaded is looked at; what is not the declared file may be uploaded again; what is kept stays."""
    uow = FakeBillingUnitOfWork()
    claimed = claim(uow, file=FILE, touched_on=date(2026, 5, 4))
    assert claimed.upload_url == f"put://referrals/{claimed.referral_id}"
    assert (claimed.evidence_file, claimed.touched_on) == ("awaited", date(2026, 5, 4))
    with pytest.raises(EvidenceAwaited):
        decide(uow, claimed)
    submit = SubmitReferralEvidence(referral_id=claimed.referral_id)
    with pytest.raises(NotFound):
        submit_referral_evidence(submit, actor=OTHER_STATION_MANAGER, uow=uow, now=NOW)
    submit_referral_evidence(submit, actor=STATION_MANAGER, uow=uow, now=NOW)
    evidence_looked_at(claimed.referral_id, kept=False, problem="upload_mismatch", uow=uow)
    assert submit_referral_evidence(submit, actor=STATION_MANAGER, uow=uow, now=NOW).evidence_problem == ""
    evidence_looked_at(claimed.referral_id, kept=True, uow=uow)
    evidence_looked_at(claimed.referral_id, kept=False, problem="late", uow=uow)
    assert [key.rpartition(":")[2] for key in uow.outside] == ["1", "2"]
    with pytest.raises(NoEvidenceDeclared):
        submit_referral_evidence(submit, actor=STATION_MANAGER, uow=uow, now=NOW)
    assert decide(uow, claimed).evidence_file == "kept"


def test_the_first_contact_lies_behind() -> None:
    """By the calendar of Shanghai."""
    uow = FakeBillingUnitOfWork()
    with pytest.raises(TouchInFuture):
        claim(uow, touched_on=date(2026, 11, 24))
    assert claim(uow, touched_on=date(2026, 11, 23)).touched_on == date(2026, 11, 23)
    assert claim(uow, OTHER_STATION_MANAGER).touched_on == date(2026, 11, 23)


def test_a_protection_ends_by_its_time_or_by_revocation() -> None:
    """Expired it is shown as such and cannot be revoked; revoked it protects until then, and frees the customer."""
    uow = FakeBillingUnitOfWork()
    confirmed = decide(uow, claim(uow))
    assert view(uow.referrals.get(confirmed.referral_id), NOW + YEAR).state == "expired"
    wanted = RevokeReferral(referral_id=confirmed.referral_id, reason="the record was forged")
    with pytest.raises(NotInForce):
        revoke_referral(wanted, actor=FINANCE, uow=uow, now=NOW + YEAR)
    with pytest.raises(NotFound):
        revoke_referral(wanted, actor=STATION_MANAGER, uow=uow, now=NOW)
    later = NOW + timedelta(days=9)
    assert revoke_referral(wanted, actor=FINANCE, uow=uow, now=later).protected_until == later
    (event,) = uow.events(ReferralRevoked)
    assert (event.protected_until, event.reason) == (later, "the record was forged")
    with pytest.raises(WrongState):
        revoke_referral(wanted, actor=FINANCE, uow=uow, now=later)
    assert decide(uow, claim(uow, OTHER_STATION_MANAGER, now=later)).state == "confirmed"
