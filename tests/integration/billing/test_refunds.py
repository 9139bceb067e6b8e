"""What each party loses by a refund, on real PostgreSQL."""

import pytest

from services.billing.domain.commission import Burden, MoreThanLeft
from services.billing.domain.ledger import contract, owed, receivable
from services.billing.use_cases import order
from services.shared.kernel.ids import derived_id
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import (
    PROVIDER_ACCRUED,
    PROVIDER_PAYABLE,
    STATION_ACCRUED,
    approve,
    ask,
    card_says,
    entries,
    paid,
    pay_all,
    refunded,
    settled,
)
from tests.kit.fakes_billing import (
    ORDER_ID,
    PROVIDER_ID,
    STATION_ID,
    amounts,
    cny,
    order_accepted,
)


def test_before_acceptance_the_split_is_of_what_is_left(billing: Billing) -> None:
    """TV10b before acceptance: 130.86 goes back, and acceptance books the rest as if it had been all."""
    paid(billing)
    asked = ask(billing, 12_345)
    assert (asked.state, asked.net, asked.tax, asked.gross) == ("requested", cny(12_345), cny(741), cny(13_086))
    assert billing.balance(contract(ORDER_ID)) == 106_000  # nothing moves before somebody else has looked
    approved = approve(billing, asked)
    assert (approved.state, approved.parts[0].state) == ("pending", "sent")
    assert entries(billing, f"{asked.refund_id}:1") == [
        ("D", contract(ORDER_ID), 13_086), ("C", f"L:refund:{asked.refund_id}", 13_086),
    ]  # fmt: skip
    ((payload,),) = billing.rows("SELECT payload FROM outside_call WHERE kind = 'create_stripe_refund'")
    assert (payload["amount"], payload["charge_id"]) == (13_086, f"ch_{ORDER_ID}")
    assert card_says(billing, asked) == "refunded"
    assert card_says(billing, asked) == "nothing_new"
    assert entries(billing, ":card") == [
        ("D", f"L:refund:{asked.refund_id}", 13_086), ("C", "A:psp:stripe", 13_086),
    ]  # fmt: skip
    billing.handle(order.accepted, order_accepted())
    assert entries(billing, f"accept:{ORDER_ID}") == [
        ("D", "E:provider_service", 78_889), ("D", "E:station_share", 6_136), ("D", contract(ORDER_ID), 92_914),
        ("C", PROVIDER_ACCRUED, 78_889), ("C", STATION_ACCRUED, 6_136), ("C", "L:vat:output", 5_259),
        ("C", "R:service", 87_655),
    ]  # fmt: skip
    assert billing.told.count("refund.agreed.v1") == billing.told.count("refund.succeeded.v1") == 1
    assert billing.violations() == ()


def test_thirds_sum_to_the_order(billing: Billing) -> None:
    """TV10: three refunds of a third; every part of the split goes down by what stands less what remains."""
    billing.accepted()
    made = [refunded(billing, net) for net in (33_333, 33_333, 33_334)]
    assert [each.gross.amount for each in made] == [35_333, 35_333, 35_334]
    takes = [row[0] for row in billing.rows("SELECT takes FROM refund ORDER BY n")]
    gross = [(t["provider_net"] + t["provider_tax"], t["station_share"] + t["station_tax"]) for t in takes]
    assert gross == [(31_800, 2_473), (31_799, 2_474), (31_801, 2_473)]
    assert [t["kept"] for t in takes] == [1_000, 1_000, 1_000]
    assert [t["tax"] - t["provider_tax"] - t["station_tax"] for t in takes] == [60, 60, 60]
    assert entries(billing, f"{made[0].refund_id}:1") == [
        ("D", "L:vat:output", 2_000), ("D", "R:service", 33_333), ("C", f"L:refund:{made[0].refund_id}", 35_333),
    ]  # fmt: skip
    assert entries(billing, f"{made[0].refund_id}:shares") == [
        ("D", PROVIDER_ACCRUED, 30_000), ("D", STATION_ACCRUED, 2_333),
        ("C", "E:provider_service", 30_000), ("C", "E:station_share", 2_333),
    ]  # fmt: skip
    for account in ("R:service", "L:vat:output", "E:provider_service", "E:station_share", PROVIDER_ACCRUED):
        assert billing.balance(account) == 0
    assert billing.balance("A:psp:stripe") == 0
    with pytest.raises(MoreThanLeft):
        ask(billing, 1)
    assert settled(billing) == {}  # nothing is owed to anybody
    assert billing.violations() == ()


def test_refund_of_an_odd_amount_after_acceptance(billing: Billing) -> None:
    """TV10b."""
    billing.accepted()
    made = refunded(billing, 12_345)
    assert made.gross == cny(13_086)
    ((takes,),) = billing.rows("SELECT takes FROM refund")
    assert takes["provider_net"] + takes["provider_tax"] == 11_778
    assert takes["station_share"] + takes["station_tax"] == 916
    assert (takes["kept"], takes["tax"] - takes["provider_tax"] - takes["station_tax"]) == (370, 22)
    stated = settled(billing)  # the next statement lists the order and what the refund takes
    listed = billing.rows(
        "SELECT net FROM accrual WHERE settlement_id = %s ORDER BY kind", (str(stated["provider"].settlement_id),)
    )
    assert listed == [(90_000,), (-11_111,)]
    assert stated["provider"].gross == cny(95_400 - 11_778)
    assert billing.balance(PROVIDER_PAYABLE) == 95_400 - 11_778
    assert billing.violations() == ()


def test_after_the_payout_the_provider_owes_it(billing: Billing) -> None:
    """TV11: 200.00 is payable to the provider; the rest of 318.00 is kept of its next statement."""
    billing.accepted()
    settled(billing)
    pay_all(billing)
    small = derived_id("order", "small")
    billing.accepted(small, "OR-2026-000124", money=amounts(20_964, 1_258))  # provider: 188.68 + 11.32
    assert settled(billing)["provider"].gross == cny(20_000)
    made = approve(billing, ask(billing, 33_333))
    assert made.state == "awaiting_red_letter"
    assert entries(billing, f"{made.refund_id}:shares")[:4] == [
        ("D", receivable("provider", PROVIDER_ID), 11_800), ("D", receivable("station", STATION_ID), 918),
        ("D", PROVIDER_PAYABLE, 20_000), ("D", owed("station", STATION_ID, "payable"), 1_555),
    ]  # fmt: skip
    assert ("C", "E:provider_service", 30_000) in entries(billing, f"{made.refund_id}:shares")
    assert billing.told.count("settlement.paid.v1") == 4  # two were transferred, two are kept whole
    third = derived_id("order", "third")
    billing.accepted(third, "OR-2026-000125")
    stated = settled(billing)["provider"]
    assert entries(billing, f"netting:{stated.settlement_id}") == [
        ("D", PROVIDER_PAYABLE, 11_800), ("C", receivable("provider", PROVIDER_ID), 11_800),
    ]  # fmt: skip
    assert billing.balance(PROVIDER_PAYABLE) == 95_400 - 11_800
    pay_all(billing)
    assert billing.balance(PROVIDER_PAYABLE) == 0
    assert billing.balance(receivable("provider", PROVIDER_ID)) == 0
    assert billing.violations() == ()


@pytest.mark.parametrize(
    ("burden", "provider", "kept", "vat_due"),
    [("provider", 2_385_000, 75_000, 4_500), ("company", 4_770_000, -2_175_000, -130_500)],
)
@pytest.mark.parametrize("accepted_before", [False, True])
def test_who_bears_it(
    billing: Billing, burden: Burden, provider: int, kept: int, vat_due: int, *, accepted_before: bool
) -> None:
    """TV13: half of 50,000.00 goes back; the provider at fault earns half, or all of it at the company's cost."""
    money = amounts(5_000_000, 300_000)
    if accepted_before:
        billing.accepted(money=money)
    else:
        paid(billing, money=money)
    made = refunded(billing, 2_500_000, burden=burden)
    if not accepted_before:
        billing.handle(order.accepted, order_accepted(money=money))
    assert made.gross == cny(2_650_000)
    stated = settled(billing)
    assert (stated["provider"].gross, stated["station"].gross) == (cny(provider), cny(185_500))
    cost = billing.balance("E:provider_service") + billing.balance("E:station_share")
    assert billing.balance("R:service") + cost == kept
    assert billing.balance("L:vat:output") + billing.balance("A:vat:input_pending") == vat_due
    assert billing.balance("A:psp:stripe") == -2_650_000
    assert billing.violations() == ()


def test_station_keeps_its_share_where_decided_so(billing: Billing) -> None:
    """*station_base* original: the station's share is not touched by the refund."""
    billing.accepted()
    refunded(billing, 50_000, station_base="original")
    assert billing.balance(STATION_ACCRUED) == 7_000
    assert billing.balance(PROVIDER_ACCRUED) == 45_000
    assert billing.violations() == ()
