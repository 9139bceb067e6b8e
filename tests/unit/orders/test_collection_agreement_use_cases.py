"""How a provider's orders are collected: agreed by two, never on an account of the company as agent."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.orders.domain.collection_agreement import (
    ACCOUNTS,
    AccountDiffers,
    CollectionAgreementExists,
    ExemptAsPrincipal,
    ReasonContradicts,
    SameHands,
    SeparateTransfersAsAgent,
    UnlicensedClearing,
    check_agreement,
    collection_of,
    in_force,
)
from services.orders.domain.provider import ProviderNotFound
from services.orders.use_cases import collection_agreement as use_cases
from services.shared.kernel.actor import Actor
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import CollectingAccount, CollectionReason
from services.shared.kernel.errors import NotAllowed, NotFound, Refused
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.orders.collection_agreement import (
    ApproveCollectionAgreement,
    CollectionAgreementApproved,
    CollectionAgreementView,
    ProposeCollectionAgreement,
    WithdrawCollectionAgreement,
)
from tests.kit.fakes_orders import (
    AS_AGENT,
    CONTRACT_OPERATOR,
    LAB_MANAGER,
    NOW,
    OPERATOR_ID,
    OTHER_PROVIDER_ID,
    PROVIDER_ID,
    REQUESTER,
    FakeOrdersService,
    a_shop,
    an_actor,
)

SECOND = an_actor(OPERATOR_ID, "contract_operator", operator=True)
FINANCE = an_actor(OPERATOR_ID, "finance_operator", operator=True)


def proposal(**changes: Any) -> ProposeCollectionAgreement:
    fields: dict[str, Any] = {
        "provider_id": PROVIDER_ID, "collection_model": "agent_direct", "collecting_account": "provider_account",
        "reason": AS_AGENT, "valid_from": NOW, **changes,
    }  # fmt: skip
    return ProposeCollectionAgreement(**fields)


def propose(shop: FakeOrdersService, actor: Actor = CONTRACT_OPERATOR, **changes: Any) -> CollectionAgreementView:
    return use_cases.propose_collection_agreement(proposal(**changes), actor=actor, uow=shop, now=NOW)


def approve(shop: FakeOrdersService, found: CollectionAgreementView, actor: Actor = SECOND) -> CollectionAgreementView:
    command = ApproveCollectionAgreement(collection_agreement_id=found.collection_agreement_id)
    return use_cases.approve_collection_agreement(command, actor=actor, uow=shop, now=NOW)


@pytest.mark.parametrize(
    ("model", "account", "refusal"),
    [
        ("agent_psp_split", "company_account", UnlicensedClearing),
        ("agent_bank_custody", "company_account", UnlicensedClearing),
        ("agent_direct", "company_account", UnlicensedClearing),
        ("agent_psp_split", "stripe_separate_transfers", SeparateTransfersAsAgent),
        ("agent_direct", "splitting_channel", AccountDiffers),
        ("principal_own_account", "provider_account", AccountDiffers),
        ("principal_own_account", "stripe_destination_charge", AccountDiffers),
    ],
)
def test_accounts_refused(model: CollectionModel, account: CollectingAccount, refusal: type[Refused]) -> None:
    """As agent the money is never the company's, not for a moment."""
    with pytest.raises(refusal):
        check_agreement(model, account, AS_AGENT)


@pytest.mark.parametrize("model", sorted(ACCOUNTS))
def test_accounts_allowed(model: CollectionModel) -> None:
    """Each model has its accounts, and no account serves principal and agent."""
    principal = model == "principal_own_account"
    reason = CollectionReason("company", named_performer=False, price_discretion="company", text="re-invoiced")
    for account in ACCOUNTS[model]:
        check_agreement(model, account, reason if principal else AS_AGENT)
        assert (account in ACCOUNTS["principal_own_account"]) == principal


@pytest.mark.parametrize(
    "reason",
    [
        CollectionReason("company", named_performer=True, price_discretion="provider", text="x"),
        CollectionReason("provider", named_performer=False, price_discretion="provider", text="x"),
        CollectionReason("provider", named_performer=True, price_discretion="company", text="x"),
    ],
)
def test_the_reason_decides(reason: CollectionReason) -> None:
    """Whoever controls the service and its price sells it (CAS 14); the wish to be agent is no reason."""
    with pytest.raises(ReasonContradicts):
        check_agreement("agent_psp_split", "splitting_channel", reason)
    with pytest.raises(ReasonContradicts):
        check_agreement("principal_own_account", "company_account", AS_AGENT)


def test_two_agree() -> None:
    """It holds once another has approved it, is told once, and is approved once."""
    shop = a_shop()
    found = propose(shop)
    with pytest.raises(SameHands):
        approve(shop, found, CONTRACT_OPERATOR)
    assert shop.collection_agreements.of_provider(PROVIDER_ID) == []
    assert approve(shop, found).state == "approved"
    with pytest.raises(WrongState):
        approve(shop, found)
    told = [each for each in shop.events if isinstance(each, CollectionAgreementApproved)]
    assert [each.collection_agreement_id for each in told] == [found.collection_agreement_id]


@pytest.mark.parametrize(
    ("actor", "refusal"), [(FINANCE, NotAllowed), (LAB_MANAGER, NotFound), (REQUESTER, NotFound)]
)  # fmt: skip
def test_nobody_else(actor: Actor, refusal: type[Refused]) -> None:
    """Contracts staff only: neither the provider nor the customer chooses who the seller is, nor does finance."""
    shop = a_shop()
    found = propose(shop)
    withdrawal = WithdrawCollectionAgreement(collection_agreement_id=found.collection_agreement_id)
    with pytest.raises(refusal):
        propose(shop, actor)
    with pytest.raises(refusal):
        approve(shop, found, actor)
    with pytest.raises(refusal):
        use_cases.withdraw_collection_agreement(withdrawal, actor=actor, uow=shop, now=NOW)


def test_withdrawn_is_nothing() -> None:
    """What is withdrawn is not approved any more, and leaves its instant free."""
    shop = a_shop()
    found = propose(shop)
    with pytest.raises(CollectionAgreementExists):
        propose(shop)
    use_cases.withdraw_collection_agreement(
        WithdrawCollectionAgreement(collection_agreement_id=found.collection_agreement_id),
        actor=SECOND, uow=shop, now=NOW,
    )  # fmt: skip
    with pytest.raises(WrongState):
        approve(shop, found)
    approve(shop, propose(shop))


def test_unknown_provider() -> None:
    with pytest.raises(ProviderNotFound):
        propose(a_shop(), provider_id=OTHER_PROVIDER_ID)


@pytest.mark.parametrize(
    ("at", "model"),
    [
        (NOW - timedelta(days=2), None),
        (NOW - timedelta(days=1), "agent_direct"),
        (NOW, "principal_own_account"),
        (NOW + timedelta(days=9), "principal_own_account"),
    ],
)
def test_in_force(at: datetime, model: str | None) -> None:
    """The approved one that began last; what is only proposed counts for nothing."""
    shop = a_shop()
    approve(shop, propose(shop, valid_from=NOW - timedelta(days=1)))
    own = CollectionReason("company", named_performer=False, price_discretion="company", text="re-invoiced")
    back: dict[str, Any] = {
        "collection_model": "principal_own_account",
        "collecting_account": "company_account",
        "reason": own,
    }
    approve(shop, propose(shop, valid_from=NOW, **back))
    propose(shop, valid_from=NOW + timedelta(days=1))
    found = in_force(shop.collection_agreements.of_provider(PROVIDER_ID), at)
    assert (found.collection_model if found is not None else None) == model


def test_exempt_needs_agent() -> None:
    """TV20 as principal is refused: only the provider's own contract can be exempt."""
    with pytest.raises(ExemptAsPrincipal):
        collection_of(None, "technology_development")
