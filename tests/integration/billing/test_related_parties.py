"""Declared relations on real PostgreSQL: withdrawn, declared again, read; by whom."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from services.billing.adapters.related_party_repository import list_relations
from services.billing.domain.related_party import RelationWithdrawn
from services.billing.use_cases.related_party import declare_relation, withdraw_relation
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.messages.billing.related_party import DeclareRelation, ListRelations, WithdrawRelation
from tests.integration.billing.claim_books import done, submit
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import CUSTOMER_ID, FINANCE, PROVIDER_FINANCE, PROVIDER_ID, an_actor

BUYER = an_actor(CUSTOMER_ID, "approver")
DECLARED = DeclareRelation(owner_id=CUSTOMER_ID, owned_id=PROVIDER_ID, kind="control")


def test_a_withdrawn_relation_is_no_sign_and_may_be_declared_again(books: Billing) -> None:
    """By the company alone, once, with a reason; who stands in it reads it, nobody else."""
    first = books.run(declare_relation, DECLARED, BUYER)
    withdrawn = WithdrawRelation(relation_id=first.relation_id, reason="wrong firm")
    for asked, asker in ((withdrawn, BUYER), (WithdrawRelation(relation_id=new_id(), reason="x"), FINANCE)):
        with pytest.raises(NotFound):
            books.run(withdraw_relation, asked, asker)
    books.run(withdraw_relation, withdrawn)
    with pytest.raises(RelationWithdrawn):
        books.run(withdraw_relation, withdrawn)
    assert submit(books, done(books)).findings == ()
    again = books.run(declare_relation, DECLARED, BUYER)
    assert again.relation_id != first.relation_id
    pages = [
        books.run(list_relations, ListRelations(organisation_id=other), asker).items
        for asker, other in (
            (FINANCE, None), (FINANCE, PROVIDER_ID), (BUYER, None), (PROVIDER_FINANCE, CUSTOMER_ID),
            (FINANCE, derived_id("stranger")), (an_actor(derived_id("stranger"), "approver"), None),
        )
    ]  # fmt: skip
    seen = [(each.relation_id, each.withdrawal_reason) for each in pages[0]]
    assert seen == [(again.relation_id, ""), (first.relation_id, "wrong firm")]
    assert pages == [pages[0]] * 4 + [()] * 2


def test_declared_by_many_at_once_it_stands_once(books: Billing) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: books.run(declare_relation, DECLARED, BUYER).relation_id, range(16)))
    assert books.rows("SELECT relation_id FROM declared_relation") == [(str(made[0]),)]
    assert set(made) == {made[0]}
