"""Notices of the splitting channel: only genuine and fresh ones, in any order; and calls that are killed midway."""

import json

import pytest

from services.billing.adapters.channel_notices import ChannelNotices, NoticeInvalid
from services.billing.config import settings
from services.billing.domain.ledger import CHANNEL
from services.billing.use_cases import channel_notice
from services.shared.messages.billing.payment import StripeEventReceipt
from services.shared.messages.billing.split_order import RecordChannelNotice
from tests.integration.billing.agent_orders import (
    COMMISSION,
    HELD,
    PAID,
    PAYMENT,
    accept,
    contracted,
    look,
    paid,
    split_state,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_stripe_kills import caller
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import ORDER_ID
from tests.kit.waiting import wait_until


def notice(channel: ChannelControl, kind: str, number: str, offset_s: int = 0) -> RecordChannelNotice:
    headers, body = channel.sign({"type": f"{kind}.changed", "about": {"kind": kind, "number": number}}, offset_s)
    return RecordChannelNotice(
        body=body, notice_id=headers["webhook-id"], timestamp=headers["webhook-timestamp"],
        signature=headers["webhook-signature"],
    )  # fmt: skip


def record(billing: Billing, wanted: RecordChannelNotice) -> StripeEventReceipt:
    verify = ChannelNotices((settings().channel_webhook_secret,)).verify
    return billing.run(
        lambda *given, **more: channel_notice.record_channel_notice(*given, **more, verify=verify), wanted
    )


def test_a_notice_is_evidence_and_what_it_is_about_is_fetched(billing: Billing, channel: ChannelControl) -> None:
    """It says paid before anybody has paid: the channel itself is asked, and says otherwise."""
    contracted(billing)
    record(billing, notice(channel, "order", PAYMENT))
    billing.do_outside()
    assert billing.rows("SELECT state FROM payment") == [("pending",)]
    assert billing.rows("SELECT outcome FROM stripe_event") == [("open",)]


def test_the_same_notice_again_takes_no_second_effect(billing: Billing, channel: ChannelControl) -> None:
    contracted(billing)
    channel.pay(PAYMENT)
    told = [record(billing, notice(channel, "order", PAYMENT)).seen_before for _ in range(3)]
    billing.do_outside()
    assert told == [False, True, True]
    assert billing.balance(HELD) == PAID
    assert billing.rows("SELECT count(*) FROM outside_call WHERE kind = 'fetch_channel_object'") == [(1,)]


def test_a_split_told_before_the_payment_is_booked_after_it(billing: Billing, channel: ChannelControl) -> None:
    """The notice of the payment is late; the janitor learned of it. Whatever order they come in, each counts once."""
    paid(billing, channel)
    accept(billing)
    billing.do_outside()
    for kind, number in (("split", str(ORDER_ID)), ("order", PAYMENT), ("split", str(ORDER_ID))):
        look(billing, f"channel_{kind}", number)
    assert split_state(billing) == ("finished", "")
    assert billing.balance(CHANNEL) == -COMMISSION
    assert billing.violations() == ()


@pytest.mark.parametrize("offset_s", [-301, 310, 86_400])
def test_one_signed_too_long_ago_or_in_the_future_is_refused(
    billing: Billing, channel: ChannelControl, offset_s: int
) -> None:
    with pytest.raises(NoticeInvalid):
        record(billing, notice(channel, "order", PAYMENT, offset_s))
    assert billing.rows("SELECT count(*) FROM stripe_event") == [(0,)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("body", f'{{"type": "order.paid", "about": {{"kind": "order", "number": "{ORDER_ID}"}}}}'),
        ("notice_id", "note_other"),
        ("timestamp", "1795000000"),
        ("timestamp", "soon"),
        ("signature", "v1,AAAA"),
        ("signature", ""),
    ],
)
def test_an_altered_one_is_refused(billing: Billing, channel: ChannelControl, field: str, value: str) -> None:
    genuine = notice(channel, "order", PAYMENT)
    with pytest.raises(NoticeInvalid):
        record(billing, genuine.model_copy(update={field: value}))
    assert billing.rows("SELECT count(*) FROM stripe_event") == [(0,)]


def test_without_a_secret_all_are_refused(channel: ChannelControl) -> None:
    with pytest.raises(NoticeInvalid):
        ChannelNotices(()).verify(notice(channel, "order", PAYMENT))


@pytest.mark.parametrize("about", [{"kind": "order", "number": "'; --"}, {"kind": "payee", "number": PAYMENT}])
def test_one_about_what_is_not_ours_is_kept_and_asks_for_nothing(
    billing: Billing, channel: ChannelControl, about: dict[str, str]
) -> None:
    headers, body = channel.sign({"type": "x", "about": about})
    record(
        billing,
        RecordChannelNotice(body=body, notice_id=headers["webhook-id"], timestamp=headers["webhook-timestamp"],
                            signature=headers["webhook-signature"]),
    )  # fmt: skip
    assert billing.rows("SELECT outcome FROM stripe_event") == [("not_ours",)]
    assert billing.rows("SELECT count(*) FROM outside_call") == [(0,)]
    assert json.loads(body)["about"] == about


@pytest.mark.parametrize("moment", ["outside_call_sent", "outside_call_done"])
def test_killed_over_a_split_it_is_taken_up_and_counts_once(
    billing: Billing, channel: ChannelControl, moment: str
) -> None:
    """Before the channel hears of it, and after it has split: one split, and the commission is booked once."""
    paid(billing, channel)
    accept(billing)
    with caller(billing, f"{moment}:crash") as process:
        assert process.wait(timeout=60) == 137
    assert len(channel.things("split")) == (moment == "outside_call_done")
    assert billing.balance(CHANNEL) == 0
    with caller(billing):
        wait_until(lambda: billing.balance(CHANNEL) == -COMMISSION)
    assert len(channel.things("split")) == 1
    assert billing.violations() == ()
