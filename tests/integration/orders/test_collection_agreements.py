"""Collection agreements on real PostgreSQL: approved once, one an instant, and no clearing whoever writes."""

import pytest
from sqlalchemy.exc import IntegrityError

from services.orders.adapters.collection_agreements import list_collection_agreements
from services.orders.use_cases import collection_agreement as use_cases
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed
from services.shared.messages.orders.collection_agreement import (
    ApproveCollectionAgreement,
    CollectionAgreementView,
    ListCollectionAgreements,
    ProposeCollectionAgreement,
)
from tests.integration.orders.conftest import Orders
from tests.kit.fakes_orders import (
    AS_AGENT,
    CONTRACT_OPERATOR,
    LAB_MANAGER,
    NOW,
    OPERATOR_ID,
    OTHER_LAB_MANAGER,
    PROVIDER_ID,
    REQUESTER,
    an_actor,
)
from tests.kit.real_service import together

SECOND = an_actor(OPERATOR_ID, "contract_operator", operator=True)
PROPOSAL = ProposeCollectionAgreement(
    provider_id=PROVIDER_ID, collection_model="agent_direct", collecting_account="provider_account", reason=AS_AGENT,
    valid_from=NOW,
)  # fmt: skip


def proposed(orders: Orders) -> CollectionAgreementView:
    found: CollectionAgreementView = orders.run(use_cases.propose_collection_agreement, PROPOSAL, CONTRACT_OPERATOR)
    return found


def test_approved_once(orders: Orders) -> None:
    """Ten approve at once: one does, and it is told once."""
    command = ApproveCollectionAgreement(collection_agreement_id=proposed(orders).collection_agreement_id)
    done = together([lambda: orders.run(use_cases.approve_collection_agreement, command, SECOND)] * 10)
    assert sum(isinstance(each, CollectionAgreementView) for each in done) == 1
    assert len(orders.rows("SELECT 1 FROM outbox WHERE type = 'collection_agreement.approved.v1'")) == 1


def test_one_an_instant(orders: Orders) -> None:
    """Ten propose at once for the same instant: one is kept."""
    done = together([lambda: proposed(orders)] * 10)
    assert sum(isinstance(each, CollectionAgreementView) for each in done) == 1


@pytest.mark.parametrize(
    "change",
    ["collecting_account = 'company_account'", "state = 'approved', approved_at = now(), approved_by = proposed_by"],
)
def test_the_table_refuses_too(orders: Orders, change: str) -> None:
    """Neither clearing on the own account nor one pair of eyes can be written, by whatever code."""
    proposed(orders)
    with pytest.raises(IntegrityError):
        orders.within(lambda uow: uow.connection.exec_driver_sql(f"UPDATE collection_agreement SET {change}"))


def test_a_provider_reads_its_own(orders: Orders) -> None:
    found = proposed(orders)

    def seen(actor: Actor) -> list[CollectionAgreementView]:
        return list(orders.run(list_collection_agreements, ListCollectionAgreements(), actor).items)

    assert seen(CONTRACT_OPERATOR) == seen(LAB_MANAGER) == [found]
    assert seen(OTHER_LAB_MANAGER) == []
    with pytest.raises(NotAllowed):
        seen(REQUESTER)
