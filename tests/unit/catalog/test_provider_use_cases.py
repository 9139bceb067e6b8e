"""Applying to sell, deciding on it, and what that does to the offerings."""

from typing import Any

import pytest

from services.catalog.domain.provider import AlreadyApplied, NotOfProviderKind, NotReadyForApproval
from services.catalog.use_cases import organisation as organisations
from services.catalog.use_cases.provider import apply_as_provider, review_provider
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.catalog.offering import OfferingHidden, OfferingPublished
from services.shared.messages.catalog.provider import ApplyAsProvider, ReviewProvider
from services.shared.messages.identity.organisation import BankAccount, Organisation, OrganisationChanged
from tests.kit.fakes_catalog import (
    CATALOGUE_OPERATOR,
    FINANCE_OPERATOR,
    LAB_MANAGER,
    NOW,
    OTHER_LAB_MANAGER,
    OTHER_PROVIDER_ID,
    PROVIDER_ID,
    REQUESTER,
    TECHNICIAN,
    FakeCatalog,
    a_provider,
    an_offering,
    an_organisation,
)

APPLICATION = ApplyAsProvider(
    name_zh="青城材料测试中心", name_en="Qingcheng Materials Testing Centre", region="150100", entry_standards=("cma",)
)


def review(uow: FakeCatalog, decision: Any, actor: Actor = CATALOGUE_OPERATOR) -> str:
    command = ReviewProvider(provider_id=PROVIDER_ID, decision=decision, reason="because")
    return review_provider(command, actor=actor, uow=uow, now=NOW).state


def test_an_organisation_applies_once() -> None:
    """The organisation's id becomes the provider's; a second application is refused."""
    uow = FakeCatalog(an_organisation())
    view = apply_as_provider(APPLICATION, actor=LAB_MANAGER, uow=uow, now=NOW)
    assert (view.provider_id, view.state, view.number) == (PROVIDER_ID, "applied", "PR-2026-000001")
    with pytest.raises(AlreadyApplied):
        apply_as_provider(APPLICATION, actor=LAB_MANAGER, uow=uow, now=NOW)


def test_approval_gives_the_framework_agreement_a_number_once() -> None:
    """The platform's own series, unless the operating company says which; suspension and return change nothing."""
    uow = FakeCatalog(a_provider(state="under_review"), an_organisation())
    for decision in ("approve", "suspend", "resume"):
        review(uow, decision)
    assert [event.framework_agreement_number for event in uow.events] == ["FA-2026-000001"] * 3  # type: ignore[attr-defined]
    assert uow.providers.rows[PROVIDER_ID].framework_agreement_number == "FA-2026-000001"


def test_the_number_of_an_agreement_on_paper_is_told_on_approval() -> None:
    """Then the papers name it."""
    uow = FakeCatalog(a_provider(state="under_review"), an_organisation())
    command = ReviewProvider(provider_id=PROVIDER_ID, decision="approve", framework_agreement_number="KJ-2025-0017")
    view = review_provider(command, actor=CATALOGUE_OPERATOR, uow=uow, now=NOW)
    (approved,) = uow.events
    assert view.framework_agreement_number == "KJ-2025-0017"
    assert approved.framework_agreement_number == "KJ-2025-0017"  # type: ignore[attr-defined]


@pytest.mark.parametrize("actor", [TECHNICIAN, REQUESTER, FINANCE_OPERATOR])
def test_only_a_lab_manager_applies(actor: Actor) -> None:
    """The right is the role's, whatever the organisation."""
    with pytest.raises(NotAllowed):
        apply_as_provider(APPLICATION, actor=actor, uow=FakeCatalog(), now=NOW)


def test_a_customer_does_not_become_a_provider() -> None:
    """An organisation that signed up as something else is refused, at the latest at approval."""
    with pytest.raises(NotOfProviderKind):
        apply_as_provider(APPLICATION, actor=LAB_MANAGER, uow=FakeCatalog(an_organisation(kind="customer")), now=NOW)
    uow = FakeCatalog(an_organisation(kind="customer"), a_provider(state="under_review"))
    with pytest.raises(NotReadyForApproval) as caught:
        review(uow, "approve")
    assert caught.value.facts == {"missing": ["provider_kind"]}


@pytest.mark.parametrize(
    ("lacks", "missing"), [({"verified": False}, "verified_identity"), ({"has_bank_account": False}, "bank_account")]
)
def test_approval_needs_what_identity_knows(lacks: dict[str, bool], missing: str) -> None:
    """Identity checked and a bank account: without them nobody is let in."""
    uow = FakeCatalog(an_organisation(**lacks), a_provider(state="under_review"))
    with pytest.raises(NotReadyForApproval) as caught:
        review(uow, "approve")
    assert caught.value.facts == {"missing": [missing]}
    assert uow.events == []


def test_approval_needs_an_entry_standard() -> None:
    """A laboratory that meets no standard of entry is not let in."""
    uow = FakeCatalog(an_organisation(), a_provider(state="under_review", entry_standards=()))
    with pytest.raises(NotReadyForApproval):
        review(uow, "approve")


def test_a_decision_waits_for_the_copy_of_the_organisation() -> None:
    """An organisation that identity has not told of yet is neither approved nor refused."""
    with pytest.raises(NotYet):
        review(FakeCatalog(a_provider(state="under_review")), "approve")


@pytest.mark.parametrize(
    ("actor", "error"),
    [(LAB_MANAGER, NotFound), (OTHER_LAB_MANAGER, NotFound), (REQUESTER, NotFound), (FINANCE_OPERATOR, NotAllowed)],
)
def test_only_the_operating_company_decides(actor: Actor, error: type[Exception]) -> None:
    """A provider does not approve itself, nor learn that a decision could be made."""
    uow = FakeCatalog(an_organisation(), a_provider(state="under_review"))
    with pytest.raises(error):
        review(uow, "approve", actor)
    assert uow.providers.rows[PROVIDER_ID].state == "under_review"


def test_suspension_hides_and_return_shows_what_it_hid() -> None:
    """Only what the suspension hid comes back; another provider's offerings and the drafts stay as they are."""
    published, draft = an_offering(), an_offering(state="draft")
    hidden = an_offering(state="hidden", hidden_by="provider")
    others = an_offering(provider_id=OTHER_PROVIDER_ID)
    uow = FakeCatalog(an_organisation(), a_provider(), published, draft, hidden, others)
    assert review(uow, "suspend") == "suspended"
    assert uow.told() == ["provider.suspended.v1", "offering.hidden.v1"]
    assert isinstance(uow.events[1], OfferingHidden)
    assert uow.events[1].offering_id == published.offering_id
    assert uow.listings.rows == {}
    assert review(uow, "resume") == "approved"
    assert uow.told()[2:] == ["provider.approved.v1", "offering.published.v1"]
    assert isinstance(uow.events[3], OfferingPublished)
    assert (uow.events[3].content.title_en, len(uow.events[3].prices)) == (published.content.title_en, 1)
    assert list(uow.listings.rows) == [published.offering_id]
    states = {one.offering_id: one.state for one in uow.offerings.rows.values()}
    assert states == {
        published.offering_id: "published",
        draft.offering_id: "draft",
        hidden.offering_id: "hidden",
        others.offering_id: "published",
    }


def test_the_last_word_of_identity_counts() -> None:
    """The copy follows the events; the same event twice leaves the same copy."""
    told = Organisation(
        organisation_id=PROVIDER_ID, number="ORG-2026-000001", kind="provider", legal_name="青城",
        legal_name_en="Qingcheng",
        unified_social_credit_code="91150100MA0N0TTY2Q", address="", mail="lab@qingcheng.example", phone="",
        tax_profile=TaxProfile("general_6", can_issue_special=True),
        bank_account=BankAccount(bank_name="银行", account_name="青城", account_number="1"), verified=True,
        registered_at=NOW,
    )  # fmt: skip
    uow = FakeCatalog(an_organisation(has_bank_account=False, verified=False))
    for _ in range(2):
        organisations.keep_copy(OrganisationChanged(organisation_id=PROVIDER_ID, organisation=told), uow=uow, now=NOW)
    assert uow.organisations.rows[PROVIDER_ID] == an_organisation(legal_name="青城", legal_name_en="Qingcheng")
