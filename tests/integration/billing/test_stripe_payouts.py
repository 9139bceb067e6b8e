"""What Stripe pays out to our own bank: told by Stripe and by the bank, in any order, booked once on each side."""

from functools import partial
from itertools import permutations
from typing import Any

import pytest

from services.billing.adapters.outside_calls import LEARNERS
from services.billing.adapters.stripe_access import StripeAccess
from services.billing.adapters.stripe_gateway import StripeGateway
from services.billing.domain.ledger import BANK, PSP, PSP_TRANSIT
from services.shared.chassis.clock import SystemClock
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import bank_says
from tests.integration.billing.test_bank_targets import says, suspended
from tests.integration.billing.test_reconciliation_stripe import reconcile, states
from tests.integration.billing.test_stripe_chargeback import PAID, paid, tell
from tests.kit.fakes_billing import NOW
from tests.kit.real_service import together
from tests.kit.stripe_control import StripeControl, StripeStandIn

pytestmark = pytest.mark.usefixtures("stripe_control")

ARRIVED = "1053.26"


def sent(stripe_control: StripeControl) -> dict[str, Any]:
    stripe_control.advance_clock(10 * 86_400)
    return stripe_control.pay_out_automatically("cny")


def of_payouts(stripe_control: StripeControl) -> list[dict[str, object]]:
    return [event for event in stripe_control.objects("event") if event["type"].startswith("payout.")]


@pytest.mark.parametrize("bank_first", [True, False])
def test_both_sides_meet(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn, *, bank_first: bool
) -> None:
    """Nothing is left between them, however often either tells it; our account with Stripe is what Stripe says (I9)."""
    paid(billing, stripe_control)
    payout = sent(stripe_control)
    assert payout["amount"] == PAID
    stripe_control.settle_payout(payout["id"], "paid")

    def stripe_tells() -> None:
        events = of_payouts(stripe_control)
        tell(billing, stand_in, [*list(permutations(events))[-1], *events])

    def bank_tells() -> None:
        line = suspended(billing, "p1", "in", ARRIVED, "STRIPE PAYOUT")
        bank_says(billing, ("p1", "in", ARRIVED, "STRIPE PAYOUT"))
        says(billing, line, ("psp", None, PAID))

    first, second = (bank_tells, stripe_tells) if bank_first else (stripe_tells, bank_tells)
    first()
    assert billing.balance(PSP_TRANSIT) == (PAID if bank_first else -PAID)
    second()
    assert [billing.balance(each) for each in (PSP_TRANSIT, PSP, BANK)] == [0, 0, -PAID]
    assert states(billing, reconcile(billing)) == []
    assert billing.violations() == ()


def test_one_that_did_not_arrive(billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn) -> None:
    """It is back on our account with Stripe, by a movement of its own, also where it is learned of at one go."""
    paid(billing, stripe_control)
    payout = sent(stripe_control)
    stripe_control.settle_payout(payout["id"], "failed")
    tell(billing, stand_in, of_payouts(stripe_control)[::-1])
    assert (billing.balance(PSP_TRANSIT), billing.balance(PSP)) == (0, -PAID)
    assert billing.rows("SELECT count(*) FROM ledger_tx WHERE kind = 'psp_payout'") == [(2,)]
    assert states(billing, reconcile(billing)) == []


def test_learned_by_eight_at_once(billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn) -> None:
    """One posting."""
    paid(billing, stripe_control)
    payout = sent(stripe_control)
    gateway = StripeGateway(StripeAccess(stand_in.api_key, stand_in.url, "test", SystemClock()))
    result = gateway.fetch({"object": "payout", "id": payout["id"]}, "")

    def learn() -> str:
        return billing.within(lambda uow: LEARNERS["payout"](result, uow, NOW))

    assert sorted(map(str, together([partial(learn)] * 8))) == ["booked"] + ["nothing_new"] * 7
    assert billing.balance(PSP_TRANSIT) == -PAID
    assert billing.violations() == ()
