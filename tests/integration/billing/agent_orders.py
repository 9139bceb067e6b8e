"""Orders in agent mode whose money the splitting channel holds: steps that their tests have in common (TV05)."""

from datetime import datetime
from uuid import UUID

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain import ledger
from services.billing.domain.split_order import SplitOrder
from services.billing.use_cases import split_order
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.money import Money
from tests.integration.billing.conftest import Billing
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import NOW, ORDER_ID, PROVIDER_ID, amounts, cny

# A provider of 1 % VAT sells for 1,010.00; the company's commission is 100.00 and 6.00 VAT.
MONEY = amounts(100_000, 1_000) | {"tax_rate_bps": 100}
PAID, COMMISSION, REST = 101_000, 10_600, 90_400
OWES = ledger.receivable("provider", PROVIDER_ID)
HELD = ledger.held_for(ORDER_ID)
NUMBER = str(payment_id_of(ORDER_ID))


def contracted(billing: Billing, order_id: UUID = ORDER_ID, number: str = "OR-2026-000123") -> None:
    billing.contracted(order_id, number, money=MONEY, method="platform_channel", station=False)
    billing.do_outside()


def paid(billing: Billing, channel: ChannelControl, order_id: UUID = ORDER_ID, number: str = "OR-2026-000123") -> None:
    """The customer has scanned and paid; the channel is asked, as after a notice."""
    contracted(billing, order_id, number)
    channel.pay(str(payment_id_of(order_id)))
    look(billing, "channel_order", str(payment_id_of(order_id)))


def look(billing: Billing, kind: str, number: str, now: datetime = NOW) -> None:
    """Whatever led to it, the channel is asked how a thing stands."""
    key = f"look:{kind}:{number}:{billing.rows('SELECT count(*) FROM outside_call')[0][0]}"
    billing.within(lambda uow: uow.call_outside("fetch_channel_object", key, {"object": kind, "id": number}), now)
    billing.do_outside(now)


def request_split(
    billing: Billing, commission: int = COMMISSION, order_id: UUID = ORDER_ID, now: datetime = NOW
) -> SplitOrder:
    """The work is accepted: what the provider owes by it is booked, and the channel asked to split."""

    def deed(uow: BillingUnitOfWork) -> SplitOrder:
        order = uow.orders.get(order_id)
        owed = cny(commission)
        post_transaction(
            uow, key=f"accept:{order_id}", kind="acceptance", effective_at=now, now=now,
            entries=ledger.entries(("D", OWES, owed), ("C", ledger.SERVICE_REVENUE, owed)),
            order=(order_id, order.number),
        )  # fmt: skip
        return split_order.request_split(order, commission=owed, uow=uow, now=now)

    return billing.within(deed, now)


def split(billing: Billing, commission: int = COMMISSION, order_id: UUID = ORDER_ID) -> None:
    request_split(billing, commission, order_id)
    billing.do_outside()


def request_return(billing: Billing, refund_id: UUID, amount: int, now: datetime = NOW) -> None:
    """A refund takes so much of the commission: the provider is credited with it, and the channel asked."""

    def deed(uow: BillingUnitOfWork) -> None:
        order = uow.orders.get(ORDER_ID)
        post_transaction(
            uow, key=f"refund:{refund_id}:shares", kind="refund_shares", effective_at=now, now=now,
            entries=ledger.entries(("D", ledger.SERVICE_REVENUE, cny(amount)), ("C", OWES, cny(amount))),
            order=(ORDER_ID, order.number),
        )  # fmt: skip
        split_order.request_return(order, amount=Money(amount, "CNY"), refund_id=refund_id, uow=uow, now=now)

    billing.within(deed, now)
    billing.do_outside(now)


def split_state(billing: Billing) -> tuple[str, str]:
    ((state, failure),) = billing.rows("SELECT state, failure FROM split_order")
    return state, failure


def return_state(billing: Billing) -> tuple[str, str]:
    ((state, failure),) = billing.rows("SELECT state, failure FROM split_return")
    return state, failure


def channel_order_state(billing: Billing) -> str:
    ((state,),) = billing.rows("SELECT state FROM channel_order")
    return str(state)
