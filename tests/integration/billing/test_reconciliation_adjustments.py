"""What nobody books by itself is put in order by two people, against the item, for no more than it is about."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
import stripe

from services.billing.domain import ledger
from services.billing.domain.adjustment import (
    AccountNotByHand,
    ItemBookedAlready,
    ItemNotByHand,
    MoreThanItem,
    SameHandsApprove,
)
from services.billing.use_cases.adjustment import approve_adjustment, propose_adjustment, propose_reversal
from services.billing.use_cases.ledger import post_transaction
from services.shared.kernel.errors import Conflict, NotAllowed, NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.messages.billing.adjustment import ApproveAdjustment, ProposeAdjustment, ProposeReversal
from services.shared.messages.billing.reconciliation import ReconciliationItem
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_reconciliation_stripe import TOMORROW, items, reconcile, states
from tests.integration.billing.test_stripe_chargeback import paid
from tests.kit.fakes_billing import CUSTOMER_ID, DISPUTE_OPERATOR, FINANCE, NOW, OTHER_FINANCE, REQUESTER, cny
from tests.kit.real_service import together
from tests.kit.stripe_control import StripeControl, StripeStandIn
from tests.kit.stripe_sdk import pay, sdk

pytestmark = pytest.mark.usefixtures("stripe_control")

CREDIT = ledger.customer_credit(CUSTOMER_ID)
Sides = Sequence[tuple[str, str, int]]


@pytest.fixture
def client(stand_in: StripeStandIn) -> Iterator[stripe.StripeClient]:
    with sdk(stand_in.url, stand_in.api_key) as made:
        yield made


def propose(billing: Billing, item_id: UUID | None, sides: Sides, actor: object = FINANCE, **how: object) -> UUID:
    wanted = ProposeAdjustment.model_validate(
        {"kind": "reconciliation", "reason": "对账差异", "item_id": item_id, **how,
         "entries": tuple({"account": a, "side": s, "amount": n, "currency": "CNY"} for a, s, n in sides)}
    )  # fmt: skip
    return billing.run(propose_adjustment, wanted, actor, TOMORROW).adjustment_id  # type: ignore[arg-type]


def approve(billing: Billing, adjustment_id: UUID, actor: object = OTHER_FINANCE) -> None:
    billing.run(approve_adjustment, ApproveAdjustment(adjustment_id=adjustment_id), actor, TOMORROW)  # type: ignore[arg-type]


def the_item(billing: Billing, days: int = 0) -> ReconciliationItem:
    (item,) = items(billing, reconcile(billing, TOMORROW + timedelta(days=days)))
    return item


def in_order(billing: Billing, days: int = 1) -> None:
    """The next run finds nothing, no item is open, and the books hold."""
    assert states(billing, reconcile(billing, TOMORROW + timedelta(days=days))) == []
    assert billing.rows("SELECT count(*) FROM reconciliation_item WHERE resolved_at IS NULL") == [(0,)]
    assert billing.violations() == ()


def a_stray_charge(billing: Billing, client: stripe.StripeClient) -> ReconciliationItem:
    """50.00 that nobody knows of, less Stripe's fee."""
    pay(client, 5_000)
    item = the_item(billing)
    assert item.theirs is not None
    assert 0 < item.theirs < 5_000
    return item


def to_credit(item: ReconciliationItem, amount: int | None = None) -> Sides:
    amount = item.theirs if amount is None else amount
    return ((ledger.PSP, "D", amount or 0), (CREDIT, "C", amount or 0))


def test_a_charge_that_nobody_knows_of(billing: Billing, client: stripe.StripeClient) -> None:
    """With the fee taken off it: 50.00 are the customer's credit."""
    item = a_stray_charge(billing, client)
    fee = 5_000 - (item.theirs or 0)
    sides = ((ledger.PSP, "D", 5_000 - fee), (ledger.PSP_FEE, "D", fee), (CREDIT, "C", 5_000))
    approve(billing, propose(billing, item.item_id, sides))
    assert billing.balance(CREDIT) == 5_000
    in_order(billing)


def test_a_refund_made_by_hand(billing: Billing, stripe_control: StripeControl, client: stripe.StripeClient) -> None:
    charge = paid(billing, stripe_control)
    client.v1.refunds.create({"charge": charge, "amount": 1_000})
    item = the_item(billing)
    approve(billing, propose(billing, item.item_id, ((ledger.BAD_DEBT, "D", 1_000), (ledger.PSP, "C", 1_000))))
    assert billing.balance(ledger.BAD_DEBT) == -1_000
    in_order(billing)


def test_a_fee_that_changed(billing: Billing, stripe_control: StripeControl) -> None:
    paid(billing, stripe_control)
    (booked,) = stripe_control.objects("balance_transaction")
    stripe_control.change_fee(booked["id"], 700)
    item = the_item(billing)
    with pytest.raises(MoreThanItem):
        propose(billing, item.item_id, ((ledger.PSP_FEE, "D", 27), (ledger.PSP, "C", 27)))
    approve(billing, propose(billing, item.item_id, ((ledger.PSP_FEE, "D", 26), (ledger.PSP, "C", 26))))
    in_order(billing)


def test_an_entry_of_ours_too_many(billing: Billing, stripe_control: StripeControl) -> None:
    paid(billing, stripe_control)
    wrong = ledger.entries(("D", ledger.PSP, cny(500)), ("C", CREDIT, cny(500)))
    billing.within(
        lambda uow: post_transaction(
            uow, key="stripe:ch_nobody", kind="surplus_card", entries=wrong, effective_at=NOW, now=NOW
        )
    )
    item = the_item(billing)
    approve(billing, propose(billing, item.item_id, ((CREDIT, "D", 500), (ledger.PSP, "C", 500))))
    assert billing.balance(CREDIT) == 0
    in_order(billing)


def test_in_parts_and_taken_back(billing: Billing, client: stripe.StripeClient) -> None:
    """A part leaves the rest open, which another run makes room for; taken back, the item is there once more."""
    item = a_stray_charge(billing, client)
    whole = item.theirs or 0
    first = propose(billing, item.item_id, to_credit(item, 1_000))
    approve(billing, first)
    rest = the_item(billing, 1)
    assert (rest.item_id, rest.state, rest.ours, rest.theirs) == (item.item_id, "amount_differs", 1_000, whole)
    with pytest.raises(MoreThanItem):
        propose(billing, item.item_id, to_credit(item))
    approve(billing, propose(billing, item.item_id, to_credit(item, whole - 1_000)))
    in_order(billing, 2)
    booked = derived_id("ledger_tx", f"adjustment:{first}")
    back = billing.run(propose_reversal, ProposeReversal(transaction_id=booked, reason="误记"), now=TOMORROW)
    approve(billing, back.adjustment_id)
    again = the_item(billing, 3)
    assert (again.item_id, again.ours, again.theirs) == (item.item_id, whole - 1_000, whole)


def test_the_same_hands_do_not_approve(billing: Billing, client: stripe.StripeClient) -> None:
    item = a_stray_charge(billing, client)
    proposed = propose(billing, item.item_id, to_credit(item))
    with pytest.raises(SameHandsApprove):
        approve(billing, proposed, FINANCE)
    assert billing.balance(CREDIT) == 0


@pytest.mark.parametrize(
    ("sides", "refused"),
    [
        (((ledger.PSP, "D", 5_001), (CREDIT, "C", 5_001)), MoreThanItem),
        (((CREDIT, "D", 100), (ledger.PSP, "C", 100)), MoreThanItem),  # the wrong way
        (((ledger.BANK, "D", 100), (CREDIT, "C", 100)), MoreThanItem),  # of another account
        (((ledger.PSP, "D", 100), (ledger.BANK, "C", 100)), MoreThanItem),
        (((ledger.PSP_FEE, "D", 100), (CREDIT, "C", 100)), MoreThanItem),  # of none that is compared
        (((ledger.PSP, "D", 100), (ledger.SUSPENSE, "C", 100)), AccountNotByHand),  # what waits there are bank lines
        (((ledger.PSP, "D", 100), (ledger.SERVICE_REVENUE, "C", 100)), AccountNotByHand),
        (((ledger.PSP, "D", 100), (ledger.OUTPUT_VAT, "C", 100)), AccountNotByHand),
    ],
)
def test_no_more_than_the_item_and_nothing_else(
    billing: Billing, client: stripe.StripeClient, sides: Sides, refused: type[Exception]
) -> None:
    item = a_stray_charge(billing, client)
    with pytest.raises(refused):
        propose(billing, item.item_id, sides)


def test_of_an_item_that_is_there_and_open(billing: Billing, client: stripe.StripeClient) -> None:
    """None named, an unknown one, named by another kind, one in order; and by nobody but finance."""
    item = a_stray_charge(billing, client)
    with pytest.raises(ItemNotByHand):
        propose(billing, None, to_credit(item))
    with pytest.raises(NotFound):
        propose(billing, new_id(), to_credit(item))
    with pytest.raises(ItemNotByHand):
        propose(billing, item.item_id, ((ledger.PSP_FEE, "D", 1), (ledger.BANK_FEE, "C", 1)), kind="reclassification")
    with pytest.raises(NotAllowed):
        propose(billing, item.item_id, to_credit(item), DISPUTE_OPERATOR)
    with pytest.raises(NotFound):
        propose(billing, item.item_id, to_credit(item), REQUESTER)
    approve(billing, propose(billing, item.item_id, to_credit(item)))
    in_order(billing)
    with pytest.raises(ItemNotByHand):
        propose(billing, item.item_id, to_credit(item))


def test_once_for_what_a_run_found(billing: Billing, client: stripe.StripeClient) -> None:
    """While one waits, and when it is booked; the item is open still, for no run has looked since."""
    item = a_stray_charge(billing, client)
    proposed = propose(billing, item.item_id, to_credit(item, 1_000))
    for _ in range(2):
        with pytest.raises(ItemBookedAlready):
            propose(billing, item.item_id, to_credit(item, 1_000))
        if billing.balance(CREDIT) == 0:
            approve(billing, proposed)
    with pytest.raises(Conflict):
        approve(billing, proposed)
    assert billing.balance(CREDIT) == 1_000


def test_ten_propose_at_once(billing: Billing, client: stripe.StripeClient) -> None:
    item = a_stray_charge(billing, client)
    made: list[UUID | Conflict] = []

    def one() -> None:
        try:
            made.append(propose(billing, item.item_id, to_credit(item)))
        except Conflict as error:
            made.append(error)

    together([one] * 10)
    assert len([each for each in made if isinstance(each, UUID)]) == 1
    assert len(made) == 10


def test_what_is_in_order_meanwhile_is_not_booked(billing: Billing, stripe_control: StripeControl) -> None:
    """The webhook was late: the janitor books the charge, a run has it in order, the approval is refused."""
    billing.contracted()
    billing.do_outside()
    ((secret,),) = billing.rows("SELECT client_secret FROM payment")
    stripe_control.confirm_payment(secret)
    item = the_item(billing)
    proposed = propose(billing, item.item_id, to_credit(item))
    billing.run_timers(NOW + timedelta(minutes=2))
    billing.do_outside(NOW + timedelta(minutes=2))
    reconcile(billing, TOMORROW + timedelta(days=1))
    with pytest.raises(ItemNotByHand):
        approve(billing, proposed)
    assert billing.balance(CREDIT) == 0
