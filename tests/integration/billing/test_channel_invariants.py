"""I14: what would make an agent order's money ours, or lose it at the channel, is seen by the check."""

from collections.abc import Sequence

import pytest

from services.billing.domain import ledger
from services.billing.domain.ledger import Entry, entries
from services.billing.domain.split_order import SplitFacts
from services.billing.use_cases import split_order
from services.billing.use_cases.ledger import post_transaction
from tests.integration.billing.agent_orders import COMMISSION, HELD, NUMBERED, OWES, REST, accept, paid, split
from tests.integration.billing.conftest import Billing
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import CUSTOMER_ID, NOW, ORDER_ID, cny

TEN = cny(1_000)


def book(billing: Billing, given: Sequence[Entry]) -> None:
    billing.within(
        lambda uow: post_transaction(
            uow, key="wrong", kind="wrong", entries=given, effective_at=NOW, now=NOW, order=(ORDER_ID, NUMBERED)
        )
    )


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (entries(("D", ledger.BANK, TEN), ("C", ledger.SUSPENSE, TEN)), "I14 no account of ours"),
        (entries(("D", ledger.PSP, TEN), ("C", ledger.SERVICE_REVENUE, TEN)), "I14 no account of ours"),
        (entries(("D", ledger.PSP_FEE, TEN), ("C", ledger.contract(ORDER_ID), TEN)), "I14 no account of ours"),
        (
            entries(("D", ledger.PSP_FEE, TEN), ("C", ledger.customer_credit(CUSTOMER_ID), TEN)),
            "I14 no account of ours",
        ),
        (entries(("D", ledger.CHANNEL, TEN), ("C", ledger.SERVICE_REVENUE, TEN)), "I14 our balance at the channel"),
        (entries(("D", ledger.CHANNEL_HOLDS, TEN), ("C", ledger.SERVICE_REVENUE, TEN)), "I14 memo accounts balance"),
        (entries(("D", ledger.CHANNEL_HOLDS, TEN), ("C", HELD, TEN)), "I14 the channel holds for an order"),
    ],
)
def test_it_is_seen(billing: Billing, channel: ChannelControl, given: Sequence[Entry], name: str) -> None:
    paid(billing, channel)
    split(billing)
    assert billing.violations() == ()
    book(billing, given)
    assert [each for each in billing.violations() if each.startswith(name)]


def test_what_is_split_and_still_held_for_nobody_is_seen(billing: Billing, channel: ChannelControl) -> None:
    """The channel says that it has shared out less than it held, and no refund takes the rest."""
    paid(billing, channel)
    accept(billing)
    facts = SplitFacts("finished", cny(COMMISSION), cny(REST - 1), "")
    billing.within(lambda uow: split_order.learn_split(ORDER_ID, facts, uow=uow, now=NOW))
    assert [each for each in billing.violations() if each.startswith("I14 the channel holds for an order")]


def test_more_is_not_taken_out_of_an_order_than_the_channel_holds(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    split(billing)
    with pytest.raises(ledger.AccountOverdrawn):
        book(billing, entries(("D", HELD, TEN), ("C", ledger.CHANNEL_HOLDS, TEN)))


def test_more_withdrawn_than_is_ours_is_seen(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    split(billing)
    more = cny(COMMISSION + 1)
    billing.within(
        lambda uow: post_transaction(
            uow, key="bank:x", kind="suspense_resolved", effective_at=NOW, now=NOW,
            entries=entries(("D", OWES, more), ("C", ledger.CHANNEL, more)),
        )
    )  # fmt: skip
    assert [each for each in billing.violations() if each.startswith("I14 nothing is withdrawn")]
