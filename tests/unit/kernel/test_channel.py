"""Which channel an order may go by, and what it refuses."""

import pytest

from services.shared.kernel.channel import (
    CHANNELS,
    ChannelCannotSplit,
    ChannelName,
    ChannelOfOtherMode,
    CollectionModel,
    HoldTooLong,
    OwnAccountInAgentMode,
    SplitAboveLimit,
    check_channel,
    check_hold,
    check_split,
)
from services.shared.kernel.money import CurrencyMismatch, Money


@pytest.mark.parametrize("model", ["agent_psp_split", "agent_bank_custody", "agent_direct"])
def test_agent_money_goes_to_no_account_of_the_company(model: CollectionModel) -> None:
    with pytest.raises(OwnAccountInAgentMode):
        check_channel(model, "bank_own_account")
    with pytest.raises(ChannelCannotSplit):
        check_channel(model, "stripe")
    check_channel(model, "platform_channel")
    check_channel(model, "bank_custody")


@pytest.mark.parametrize("channel", ["platform_channel", "bank_custody"])
def test_the_companys_own_sale_goes_to_no_other_payee(channel: ChannelName) -> None:
    with pytest.raises(ChannelOfOtherMode):
        check_channel("principal_own_account", channel)


def test_nobody_else_is_paid_where_the_company_is_the_payee() -> None:
    assert {each.name for each in CHANNELS.values() if each.payee == "company"} == {"stripe", "bank_own_account"}
    assert not any(each.for_agents for each in CHANNELS.values() if each.payee == "company")


def test_the_limit_of_a_split_is_exact_to_the_minor_unit() -> None:
    paid = Money(101_001, "CNY")
    check_split("platform_channel", Money(30_300, "CNY"), paid)  # 30 % of it is 30,300.3
    with pytest.raises(SplitAboveLimit) as refused:
        check_split("platform_channel", Money(30_301, "CNY"), paid)
    assert refused.value.facts["max_split_bps"] == 3_000
    check_split("bank_custody", Money(101_001, "CNY"), paid)


def test_nothing_is_split_in_another_currency_or_where_nothing_splits() -> None:
    with pytest.raises(CurrencyMismatch):
        check_split("platform_channel", Money(1, "EUR"), Money(100, "CNY"))
    with pytest.raises(ChannelCannotSplit):
        check_split("stripe", Money(0, "CNY"), Money(100, "CNY"))


def test_an_order_is_not_held_for_longer_than_the_channel_holds() -> None:
    check_hold("platform_channel", 180)
    with pytest.raises(HoldTooLong):
        check_hold("platform_channel", 181)
    check_hold("bank_custody", 10_000)
