"""Orders in agent mode whose money the splitting channel holds: steps that their tests have in common (TV05)."""

from datetime import datetime
from uuid import UUID

from services.billing.domain import ledger
from services.billing.use_cases import order
from services.billing.use_cases.payment import payment_id_of
from services.shared.messages.billing.refund import RefundView
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, ask, red_letter
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import NOW, ORDER_ID, PROVIDER_ID, order_accepted
from tests.kit.trade_vectors import AGENT_VECTORS, as_agent

# A provider of 1 % VAT sells for 1,010.00; the company's commission is 100.00 and 6.00 VAT.
TV05 = as_agent(next(each for each in AGENT_VECTORS if each.name == "TV05"), "agent_psp_split")
PAID, COMMISSION, REST = 101_000, 10_600, 90_400
NUMBERED = "OR-2026-000123"
OWES = ledger.receivable("provider", PROVIDER_ID)
HELD = ledger.held_for(ORDER_ID)
PAYMENT = str(payment_id_of(ORDER_ID))
"""Our number of the order at the channel."""


def contracted(billing: Billing, order_id: UUID = ORDER_ID, number: str = NUMBERED) -> None:
    billing.contracted(order_id, number, **TV05)
    billing.do_outside()


def paid(billing: Billing, channel: ChannelControl, order_id: UUID = ORDER_ID, number: str = NUMBERED) -> None:
    """The customer has scanned and paid; the channel is asked, as after a notice."""
    contracted(billing, order_id, number)
    channel.pay(str(payment_id_of(order_id)))
    look(billing, "channel_order", str(payment_id_of(order_id)))


def look(billing: Billing, kind: str, number: str, now: datetime = NOW) -> None:
    """Whatever led to it, the channel is asked how a thing stands."""
    key = f"look:{kind}:{number}:{billing.rows('SELECT count(*) FROM outside_call')[0][0]}"
    billing.within(lambda uow: uow.call_outside("fetch_channel_object", key, {"object": kind, "id": number}), now)
    billing.do_outside(now)


def accept(billing: Billing, order_id: UUID = ORDER_ID, number: str = NUMBERED, now: datetime = NOW) -> None:
    """The customer accepts the work: the channel is to split."""
    billing.handle(order.accepted, order_accepted(order_id, number, at=now, **TV05), now)


def split(billing: Billing, order_id: UUID = ORDER_ID, number: str = NUMBERED) -> None:
    accept(billing, order_id, number)
    billing.do_outside()


def give_back(billing: Billing, net: int) -> RefundView:
    """A refund of *net* is agreed; what follows is asked of the channel."""
    made = approve(billing, ask(billing, net))
    if made.state == "awaiting_red_letter":
        red_letter(billing, made)
    billing.do_outside()
    return made


def split_state(billing: Billing) -> tuple[str, str]:
    ((state, failure),) = billing.rows("SELECT state, failure FROM split_order")
    return state, failure


def return_state(billing: Billing) -> tuple[str, str]:
    ((state, failure),) = billing.rows("SELECT state, failure FROM split_return")
    return state, failure


def refund_part(billing: Billing) -> tuple[str, str, str]:
    """Route, state and failure of the only part of the only refund."""
    ((parts,),) = billing.rows("SELECT parts FROM refund")
    (part,) = parts
    return part["route"], part["state"], part["failure"]


def channel_order_state(billing: Billing) -> str:
    ((state,),) = billing.rows("SELECT state FROM channel_order")
    return str(state)
