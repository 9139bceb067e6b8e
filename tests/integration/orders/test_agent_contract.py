"""An order that the provider sells, on real parts: one contract of three, at the provider's rate, signed by all."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.orders.adapters import document_queries
from services.orders.domain.collection_agreement import CollectionAgreement
from services.orders.use_cases import contract
from services.orders.use_cases.order import place_order
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import CollectingAccount
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.orders.contract import GetContractDocument, SignContract
from services.shared.messages.orders.order import OfferingWanted, OrderReceipt, PaymentMethod, PlaceOrder
from tests.integration.documents.reading import text_of
from tests.integration.orders.conftest import Orders
from tests.integration.orders.test_order_journey import get, see
from tests.kit.fakes_orders import (
    AS_AGENT,
    CONTRACT_OPERATOR,
    LAB_MANAGER,
    NOW,
    OFFERING_ID,
    PROVIDER_ID,
    REQUESTER,
    a_price,
    an_offering,
    an_organisation,
)

WAYS: list[tuple[CollectionModel, CollectingAccount, PaymentMethod, str]] = [
    ("agent_psp_split", "splitting_channel", "platform_channel", "分账"),
    ("agent_bank_custody", "custody_account", "direct_transfer", "存管"),
    ("agent_direct", "provider_account", "direct_transfer", "直接付入乙方账户"),
]


def agreed(orders: Orders, model: CollectionModel, account: CollectingAccount, **changes: Any) -> None:
    found = CollectionAgreement(
        collection_agreement_id=new_id(), provider_id=PROVIDER_ID, collection_model=model, collecting_account=account,
        reason=AS_AGENT, valid_from=NOW - timedelta(days=1), state="approved", proposed_at=NOW, proposed_by="a",
        approved_at=NOW, approved_by="b",
    )  # fmt: skip
    orders.within(lambda uow: uow.collection_agreements.add(replace(found, **changes)))


def sold_by_provider(orders: Orders, method: PaymentMethod) -> OrderReceipt:
    """TV05: 1,000.00 at 1 %."""
    small = TaxProfile("small_scale_3_reduced_1", can_issue_special=True)
    orders.within(
        lambda uow: uow.organisations.put(
            an_organisation(PROVIDER_ID, "provider", legal_name="青城小规模检测所", tax_profile=small)
        )
    )
    orders.within(lambda uow: uow.offerings.put(an_offering(prices=(a_price(100_000),))))
    wanted = PlaceOrder(offerings=(OfferingWanted(offering_id=OFFERING_ID, quantity=1),), payment_method=method)
    placed: OrderReceipt = orders.run(place_order, wanted, REQUESTER)
    orders.do_outside()
    return placed


@pytest.mark.parametrize(("model", "account", "method", "clause"), WAYS, ids=str)
def test_one_contract_of_three(
    orders: Orders, model: CollectionModel, account: CollectingAccount, method: PaymentMethod, clause: str
) -> None:
    """It names the provider as seller, its rate, where the money goes, and no commission; all three sign it."""
    agreed(orders, model, account)
    placed = sold_by_provider(orders, method)
    assert str(placed.amounts.gross) == "CNY 1,010.00"
    summary = see(orders, placed.order_id, LAB_MANAGER).contract
    assert summary is not None
    ((paper, sha256),) = ((each.paper, each.sha256) for each in summary.documents)
    wanted = GetContractDocument(contract_id=summary.contract_id, paper=paper)
    link = orders.run(document_queries.get_contract_document, wanted, LAB_MANAGER)
    said = text_of(get(link.url))
    for words in ("青城小规模检测所", "丙方（代理人）", "丙方不是服务的销售方", clause, "增值税1%", "1,010.00"):
        assert words in said
    for words in ("100.00", "管理费", "佣金比例", "合同负债"):
        assert words not in said
    for actor in (REQUESTER, LAB_MANAGER, CONTRACT_OPERATOR):
        signed = SignContract(contract_id=summary.contract_id, signatory="王敏", sha256=sha256)
        orders.run(contract.sign_contract, signed, actor)
    view = see(orders, placed.order_id, CONTRACT_OPERATOR)
    assert view.terms is not None
    assert (view.state, view.terms.collection_model, view.terms.collection_reason) == ("contracted", model, AS_AGENT)
    with pytest.raises(NotFound):
        orders.run(
            document_queries.get_contract_document,
            GetContractDocument(contract_id=summary.contract_id, paper="order_sheet"),
            LAB_MANAGER,
        )


def test_the_shelf_knows_the_agreement_in_force(orders: Orders) -> None:
    """The later one counts; another provider's, or one that is not approved, does not."""
    agreed(orders, "agent_direct", "provider_account")
    agreed(orders, "agent_psp_split", "splitting_channel", valid_from=NOW)
    agreed(orders, "agent_bank_custody", "custody_account", valid_from=NOW, provider_id=new_id())
    agreed(
        orders, "agent_bank_custody", "custody_account", valid_from=NOW + timedelta(seconds=-1), state="proposed",
        approved_at=None, approved_by="",
    )  # fmt: skip
    placed = sold_by_provider(orders, "platform_channel")
    rows = orders.rows("SELECT collection ->> 'collection_model' FROM orders WHERE order_id = %s", (placed.order_id,))
    assert rows == [("agent_psp_split",)]
