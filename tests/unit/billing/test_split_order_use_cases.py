"""Splitting what the channel holds, and giving commission back: once each, whatever order the news comes in."""

import pytest

from services.billing.domain.channel_order import ChannelOrder, paid_in
from services.billing.domain.commission import SplitTerms
from services.billing.domain.ledger import CHANNEL, CHANNEL_HOLDS, held_for, receivable
from services.billing.domain.order import OrderCopy
from services.billing.domain.split_order import (
    ReturnExceedsSplit,
    ReturnFacts,
    SplitFacts,
    SplitOtherwise,
    SplitReturn,
)
from services.billing.use_cases import split_order
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.fee import Fee, Percentage
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import CurrencyMismatch, Money
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    GENERAL_6,
    NOW,
    ORDER_ID,
    PROVIDER_ID,
    FakeBillingUnitOfWork,
    cny,
)

REFUND_ID = derived_id("refund", "one")
OWES = receivable("provider", PROVIDER_ID)
# TV05: the customer pays 1,010.00, the company has 106.00 of it.
PAID, COMMISSION, REST = cny(101_000), cny(10_600), cny(90_400)


def order() -> OrderCopy:
    terms = SplitTerms(100_000, 1_000, 100, Fee((Percentage(1_000),)), 0, GENERAL_6, None)
    return OrderCopy(ORDER_ID, "OR-2026-000123", CUSTOMER_ID, PROVIDER_ID, None, "", "CNY", 100_000, 1_000, 101_000,
                     terms, NOW)  # fmt: skip


def paid(uow: FakeBillingUnitOfWork) -> ChannelOrder:
    made = ChannelOrder(
        payment_id_of(ORDER_ID), ORDER_ID, "OR-2026-000123", PROVIDER_ID, "CNY", PAID.amount, "open", NOW
    )
    made.pay("tx_1", NOW)
    uow.channel_orders.add(made)
    post_transaction(uow, key="channel:tx_1", kind="channel_paid", entries=paid_in(ORDER_ID, PAID), effective_at=NOW,
                     now=NOW)  # fmt: skip
    return made


def split(uow: FakeBillingUnitOfWork, commission: Money = COMMISSION) -> None:
    split_order.request_split(order(), commission=commission, uow=uow, now=NOW)


def finished(uow: FakeBillingUnitOfWork, commission: Money = COMMISSION) -> str:
    facts = SplitFacts("finished", commission, REST, "")
    return split_order.learn_split(ORDER_ID, facts, uow=uow, now=NOW)


def give_back(uow: FakeBillingUnitOfWork, amount: Money) -> SplitReturn:
    return split_order.request_return(order(), amount=amount, refund_id=REFUND_ID, uow=uow, now=NOW)


def balance(uow: FakeBillingUnitOfWork, account: str) -> int:
    return uow.ledger.standing(account, "CNY")


@pytest.fixture
def uow() -> FakeBillingUnitOfWork:
    made = FakeBillingUnitOfWork()
    paid(made)
    return made


def test_commission_becomes_ours_when_the_split_is_finished_and_only_once(uow: FakeBillingUnitOfWork) -> None:
    split(uow)
    split(uow)
    assert len(uow.calls("create_channel_split")) == 1
    assert balance(uow, CHANNEL) == 0
    assert finished(uow) == "finished"
    assert finished(uow) == "nothing_new"
    assert balance(uow, CHANNEL) == -10_600
    assert balance(uow, OWES) == 10_600
    assert balance(uow, held_for(ORDER_ID)) == balance(uow, CHANNEL_HOLDS) == 0


def test_a_second_split_with_another_commission_is_refused(uow: FakeBillingUnitOfWork) -> None:
    split(uow)
    with pytest.raises(SplitOtherwise):
        split(uow, cny(10_601))


def test_an_order_without_money_at_the_channel_is_not_split() -> None:
    with pytest.raises(split_order.NotPaidThere):
        split(FakeBillingUnitOfWork())


def test_a_commission_above_the_channels_limit_is_owed_by_the_provider(uow: FakeBillingUnitOfWork) -> None:
    split(uow, cny(30_301))
    assert uow.split_orders.held[ORDER_ID].failure == "billing.split_above_limit"
    assert [each.left for each in uow.clawbacks.open_of(PROVIDER_ID, "CNY")] == [30_301]
    assert uow.calls("create_channel_split") == []


def test_what_the_channel_released_is_not_split_but_owed(uow: FakeBillingUnitOfWork) -> None:
    held = uow.channel_orders.held[payment_id_of(ORDER_ID)]
    held.release()
    split(uow)
    assert uow.split_orders.held[ORDER_ID].failure == "channel_order_released"
    assert [each.left for each in uow.clawbacks.open_of(PROVIDER_ID, "CNY")] == [10_600]


def test_a_split_of_another_amount_than_asked_is_not_booked(uow: FakeBillingUnitOfWork) -> None:
    split(uow)
    assert finished(uow, cny(10_700)) == "in_doubt"
    assert balance(uow, CHANNEL) == 0
    assert uow.split_orders.held[ORDER_ID].state == "requested"


def test_news_of_a_split_nobody_asked_for_changes_nothing(uow: FakeBillingUnitOfWork) -> None:
    assert finished(uow) == "not_ours"
    assert balance(uow, CHANNEL) == 0


def test_a_failed_split_is_failed_for_ever_and_owed_once(uow: FakeBillingUnitOfWork) -> None:
    split(uow)
    split_order.split_refused(ORDER_ID, "payee_restricted", uow=uow, now=NOW)
    split_order.split_refused(ORDER_ID, "payee_restricted", uow=uow, now=NOW)
    assert finished(uow) == "nothing_new"
    assert [each.left for each in uow.clawbacks.open_of(PROVIDER_ID, "CNY")] == [10_600]


def test_a_return_waits_for_its_split_and_is_sent_once(uow: FakeBillingUnitOfWork) -> None:
    split(uow)
    give_back(uow, cny(3_533))
    assert uow.calls("create_channel_return") == []
    finished(uow)
    give_back(uow, cny(3_533))
    assert [each["amount"] for each in uow.calls("create_channel_return")] == [3_533]
    for _ in range(2):
        split_order.learn_return(REFUND_ID, 1, ReturnFacts("success", cny(3_533), ""), uow=uow, now=NOW)
    assert balance(uow, CHANNEL) == -10_600 + 3_533


def test_no_more_is_returned_than_was_split(uow: FakeBillingUnitOfWork) -> None:
    split(uow)
    with pytest.raises(ReturnExceedsSplit):
        give_back(uow, cny(10_601))
    with pytest.raises(CurrencyMismatch):
        give_back(uow, Money(1, "EUR"))
    give_back(uow, COMMISSION)
    with pytest.raises(SplitOtherwise):
        give_back(uow, cny(1))


def test_a_return_that_our_balance_is_too_low_for_books_nothing(uow: FakeBillingUnitOfWork) -> None:
    split(uow)
    finished(uow)
    give_back(uow, cny(3_533))
    facts = ReturnFacts("failed", cny(3_533), "balance_too_low")
    assert split_order.learn_return(REFUND_ID, 1, facts, uow=uow, now=NOW) == "failed"
    assert balance(uow, CHANNEL) == -10_600
    late = ReturnFacts("success", cny(3_533), "")
    assert split_order.learn_return(REFUND_ID, 1, late, uow=uow, now=NOW) == "nothing_new"


def test_what_was_never_split_is_not_returned_but_netted(uow: FakeBillingUnitOfWork) -> None:
    split(uow)
    split_order.split_refused(ORDER_ID, "payee_restricted", uow=uow, now=NOW)
    made = give_back(uow, cny(3_533))
    assert (made.state, made.netted) == ("success", 3_533)
    assert uow.calls("create_channel_return") == []


def test_less_is_owed_where_a_return_waited_for_the_split_that_failed(uow: FakeBillingUnitOfWork) -> None:
    split(uow)
    give_back(uow, cny(3_533))
    split_order.split_refused(ORDER_ID, "payee_restricted", uow=uow, now=NOW)
    assert [each.left for each in uow.clawbacks.open_of(PROVIDER_ID, "CNY")] == [10_600 - 3_533]
    assert uow.split_orders.returns[REFUND_ID].state == "success"
    assert uow.calls("create_channel_return") == []
