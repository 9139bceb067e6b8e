"""What waits to be approved, having been sent another way, may be sent another way again; on real PostgreSQL."""

from functools import partial

import pytest

from services.billing.domain.refund import NothingWaits, PayerWithoutBankAccount, SameHands
from services.billing.use_cases import refund
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.refund import ApproveRefund, RefundView, RerouteRefund
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, approve_refund, ask, bank_says, card_says, paid, red_letter
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    REQUESTER,
    an_organisation,
)
from tests.kit.real_service import together


def reroute(billing: Billing, made: RefundView, route: str, actor: Actor = FINANCE) -> RefundView:
    wanted = RerouteRefund.model_validate({"refund_id": made.refund_id, "route": route})
    return billing.run(refund.reroute_refund, wanted, actor)


def let_go(billing: Billing, made: RefundView, actor: Actor = OTHER_FINANCE) -> RefundView:
    return billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id), actor)


@pytest.fixture
def refused(billing: Billing) -> RefundView:
    """A refund of 106.00 that the institution did not make."""
    paid(billing)
    made = approve(billing, ask(billing, 10_000))
    card_says(billing, made, succeeded=False)
    return made


def test_a_transfer_to_a_payer_without_account_goes_into_credit(billing: Billing, refused: RefundView) -> None:
    bare = an_organisation(CUSTOMER_ID, bank_name="", account_name="", account_number="")
    billing.within(lambda uow: uow.organisations.put(bare))
    reroute(billing, refused, "bank_transfer")
    with pytest.raises(PayerWithoutBankAccount):
        let_go(billing, refused)
    for stranger in (REQUESTER, PROVIDER_FINANCE):
        with pytest.raises((NotFound, NotAllowed)):
            reroute(billing, refused, "customer_credit", stranger)
    again = reroute(billing, refused, "customer_credit", OTHER_FINANCE)
    assert [(each.route, each.state) for each in again.parts] == [("customer_credit", "waiting")]
    assert billing.balance(f"L:refund:{refused.refund_id}") == 10_600, "nothing has left"
    with pytest.raises(SameHands):
        let_go(billing, refused, OTHER_FINANCE)
    assert let_go(billing, refused, FINANCE).state == "succeeded"
    assert billing.balance(f"L:customer_credit:{CUSTOMER_ID}") == 10_600
    with pytest.raises(WrongState):
        reroute(billing, refused, "bank_transfer")
    assert billing.violations() == ()


def test_back_and_forth_until_the_bank_is_told(billing: Billing, refused: RefundView) -> None:
    """Whoever changed the way last does not let it go; what the bank has been told of fails first."""
    for route, actor in (("customer_credit", FINANCE), ("bank_transfer", OTHER_FINANCE)):
        reroute(billing, refused, route, actor)
    with pytest.raises(SameHands):
        let_go(billing, refused, OTHER_FINANCE)
    assert [each.state for each in let_go(billing, refused, FINANCE).parts] == ["sent"]
    with pytest.raises(WrongState):
        reroute(billing, refused, "customer_credit")
    with pytest.raises(NothingWaits):
        let_go(billing, refused)
    bank_says(billing, ("b2", "out", "106.00", refused.number))
    assert billing.balance(f"L:refund:{refused.refund_id}") == 0
    assert billing.violations() == ()


def test_nothing_that_goes_by_itself_is_sent_another_way(billing: Billing) -> None:
    """Neither before it is approved, nor while it waits for the red letter or is at the institution."""
    billing.accepted()
    made = ask(billing, 10_000)
    for step in (approve, red_letter):
        with pytest.raises(WrongState):
            reroute(billing, made, "customer_credit")
        step(billing, made)
    with pytest.raises(WrongState):
        reroute(billing, made, "customer_credit")
    assert billing.violations() == ()


def test_let_go_and_sent_another_way_at_once(billing: Billing, refused: RefundView) -> None:
    """Of five who let it go and five who change the way each time one is first; the money leaves once."""
    reroute(billing, refused, "customer_credit")
    goes = partial(let_go, billing, refused)
    turns = partial(reroute, billing, refused, "bank_transfer")
    together([goes, turns] * 5)
    if billing.rows("SELECT state FROM refund") == [("pending",)]:
        bank_says(billing, ("b2", "out", "106.00", refused.number))
    into_credit = billing.balance(f"L:customer_credit:{CUSTOMER_ID}")
    assert (into_credit, billing.balance("A:bank:main")) in {(10_600, 0), (0, 10_600)}
    assert billing.balance(f"L:refund:{refused.refund_id}") == 0
    assert billing.violations() == ()
