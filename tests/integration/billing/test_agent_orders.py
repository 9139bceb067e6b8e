"""Orders that the provider sells, on real PostgreSQL: TV04, TV05, TV20 entry by entry, and what tries to break them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters import refund_queries
from services.billing.domain.channel_order import ChannelOrder, paid_in
from services.billing.domain.direct_payment import (
    ConfirmedAlready,
    MoreThanAsked,
    MovedOutOfTime,
    NotPaidDirectly,
)
from services.billing.domain.payment import Instructions
from services.billing.domain.split_order import SplitFacts
from services.billing.use_cases import direct_payment, dispute, order, refund, settlement, split_order
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet, Refused
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.direct_payment import ConfirmDirectPayment, ConfirmDirectRefund
from services.shared.messages.billing.payment import PaymentView
from services.shared.messages.billing.refund import ApproveRefund, ListRefunds, RefundView, RequestRefund
from services.shared.messages.billing.settlement import CloseSettlements
from services.shared.messages.invoicing.received_invoice import ReceivedInvoiceMatched
from services.shared.messages.orders.dispute import DisputeDecided
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve_refund, paid
from tests.integration.billing.test_trade_vectors import booked
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_MANAGER,
    an_organisation,
    cny,
    order_accepted,
    order_cancelled,
    order_contracted,
)
from tests.kit.real_service import together
from tests.kit.trade_vectors import ACCOUNTS, AGENT_VECTORS, AgentVector, as_agent

TV04, TV05, TV20 = AGENT_VECTORS
CUSTODY = Instructions("青城银行存管专户", "6222000000000000099", "青城银行")
CONTRACT = ACCOUNTS["contract"]
OWES = ACCOUNTS["provider owes"]
DAY = date(2026, 11, 23)


def contracted(billing: Billing, how: Mapping[str, Any]) -> None:
    billing.handle(order.contracted, order_contracted(**how), instructions=INSTRUCTIONS, custody=CUSTODY)


def confirmation(amount: Money, reference: str = "BR1") -> ConfirmDirectPayment:
    return ConfirmDirectPayment(order_id=ORDER_ID, amount=amount, reference=reference, received_on=DAY)


def confirmed(billing: Billing, amount: Money, reference: str = "BR1", actor: Actor = PROVIDER_FINANCE) -> PaymentView:
    found: PaymentView = billing.run(direct_payment.confirm_direct_payment, confirmation(amount, reference), actor)
    return found


def paid_at_channel(billing: Billing, gross: Money) -> None:
    """As the channel's notification leaves it."""
    payment_id = payment_id_of(ORDER_ID)

    def pay(uow: Any) -> None:
        made = uow.channel_orders.find(payment_id)
        if made is None:
            made = ChannelOrder(payment_id, ORDER_ID, "OR-2026-000123", PROVIDER_ID, "CNY", gross.amount, "open", NOW)
            uow.channel_orders.add(made)
        if made.state == "created":
            made.open("weixin://pay")
        made.pay("tx_1", NOW)
        uow.channel_orders.save(made)
        post_transaction(uow, key="channel:tx_1", kind="channel_paid", entries=paid_in(ORDER_ID, gross),
                         effective_at=NOW, now=NOW, order=(ORDER_ID, "OR-2026-000123"))  # fmt: skip
        payment = uow.payments.find(payment_id)
        payment.receive(gross.amount, "tx_1", NOW)
        uow.payments.save(payment)

    billing.within(pay)


def accepted(billing: Billing, vector: AgentVector, model: str = "agent_direct") -> Mapping[str, Any]:
    how = as_agent(vector, model)
    contracted(billing, how)
    gross = vector.money["gross"]
    if model == "agent_psp_split":
        paid_at_channel(billing, gross)
    else:
        confirmed(billing, gross, actor=FINANCE if model == "agent_bank_custody" else PROVIDER_FINANCE)
    billing.handle(order.accepted, order_accepted(**how))
    return how


def own_money(billing: Billing) -> list[tuple[str, int]]:
    """What stands on bank, institution and customers' accounts of the company."""
    return billing.rows(
        "SELECT account, sum(posted_d - posted_c)::int FROM account_balance WHERE account LIKE 'A:bank:%'"
        " OR account LIKE 'A:psp:%' OR account LIKE 'L:contract:%' OR account LIKE 'L:customer_credit:%'"
        " OR account LIKE 'A:ar:customer:%' GROUP BY account HAVING sum(posted_d - posted_c) <> 0"
    )


@pytest.mark.parametrize("model", ["agent_direct", "agent_bank_custody", "agent_psp_split"])
@pytest.mark.parametrize("vector", AGENT_VECTORS, ids=lambda vector: vector.name)
def test_entries(billing: Billing, vector: AgentVector, model: str) -> None:
    """The commission and the station's share are booked; of the customer's money nothing ever was ours (I14)."""
    how = accepted(billing, vector, model)
    assert booked(billing, f"accept:{ORDER_ID}") == list(vector.accepted)
    due = cny(vector.money["gross"].amount - vector.provider_keeps)
    assert own_money(billing) == []
    if model == "agent_psp_split":
        facts = SplitFacts("finished", due, cny(vector.provider_keeps), "")
        billing.within(lambda uow: split_order.learn_split(ORDER_ID, facts, uow=uow, now=NOW))
        assert own_money(billing) == [("A:psp:channel", due.amount)]
        assert billing.balance(OWES) == 0
    else:
        assert billing.balance(OWES) == -due.amount
    assert billing.told.count("seller.paid.v1") == billing.told.count("commission.earned.v1") == 1
    assert "revenue.recognised.v1" not in billing.told
    held = billing.rows("SELECT sum(posted_c - posted_d)::int FROM account_balance WHERE account LIKE 'M:order:%'")
    assert held in ([(0,)], [(None,)])
    billing.handle(order.accepted, order_accepted(**how))
    assert billing.told.count("commission.earned.v1") == 1
    _settle_station(billing)
    assert billing.balance("R:commission") + billing.balance("E:station_share") == vector.kept
    assert billing.balance("L:vat:output") + billing.balance("A:vat:input_pending") == vector.vat_due
    assert billing.violations() == ()


def _settle_station(billing: Billing) -> None:
    closed = billing.run(settlement.close_settlements, CloseSettlements(until=DAY))
    told = [(each.state, each.gross, each.to_pay) for each in closed.items if each.party_kind == "provider"]
    assert told == [("paid", cny(0), cny(0))], "its sales, for information"
    for each in (each for each in closed.items if each.party_kind == "station"):
        billing.handle(
            settlement.invoice_matched,
            ReceivedInvoiceMatched(
                received_invoice_id=derived_id("received_invoice", each.party_kind), number="1", kind="special",
                settlement_id=each.settlement_id, party_id=each.party_id, net=each.net, tax=each.tax, gross=each.gross,
                issued_on=DAY,
            ),
        )  # fmt: skip


def test_the_customer_is_told_the_providers_account(billing: Billing) -> None:
    """Never the company's; and no reference by which our bank's statement would take it for ours."""
    contracted(billing, as_agent(TV04))
    rows = billing.rows("SELECT method, account_number, reference FROM payment")
    assert rows == [("direct_transfer", an_organisation().account_number, None)]


def test_no_account_nowhere_to_pay(billing: Billing) -> None:
    """Where neither provider nor custody has told an account, the customer is asked for nothing yet."""
    without = replace(an_organisation(), account_number="")
    billing.within(lambda uow: uow.organisations.put(without))
    with pytest.raises(NotYet):
        contracted(billing, as_agent(TV04))
    with pytest.raises(NotYet):
        billing.handle(
            order.contracted, order_contracted(**as_agent(TV04, "agent_bank_custody")), instructions=INSTRUCTIONS
        )


@pytest.mark.parametrize(
    ("actor", "refusal"), [(FINANCE, NotAllowed), (REQUESTER, NotFound), (STATION_MANAGER, NotFound)]
)  # fmt: skip
def test_only_who_has_the_money_says_so(billing: Billing, actor: Actor, refusal: type[Refused]) -> None:
    """Not the customer, not the station, and not the company for the provider; nor the provider for custody."""
    contracted(billing, as_agent(TV04))
    with pytest.raises(refusal):
        confirmed(billing, cny(106_000), actor=actor)
    billing.begin_anew()
    contracted(billing, as_agent(TV04, "agent_bank_custody"))
    with pytest.raises(NotAllowed):
        confirmed(billing, cny(106_000))
    assert "payment.succeeded.v1" not in billing.told


@pytest.mark.parametrize("days", [-1, 1, 365])
def test_a_day_before_the_contract_or_to_come_is_refused(billing: Billing, days: int) -> None:
    """Of a payment, which would release the work, and of what is said to be given back. Nothing is kept of it."""
    contracted(billing, as_agent(TV04))
    wrong = confirmation(cny(106_000)).model_copy(update={"received_on": DAY + timedelta(days=days)})
    with pytest.raises(MovedOutOfTime):
        billing.run(direct_payment.confirm_direct_payment, wrong, PROVIDER_FINANCE)
    assert billing.rows("SELECT count(*) FROM direct_movement") == [(0,)]
    assert confirmed(billing, cny(106_000)).state == "succeeded"
    made = refunded(billing, 50_000)
    back = ConfirmDirectRefund(refund_id=made.refund_id, reference="BR9", paid_on=DAY + timedelta(days=days))
    with pytest.raises(MovedOutOfTime):
        billing.run(direct_payment.confirm_direct_refund, back, PROVIDER_FINANCE)
    assert given_back(billing, made).state == "succeeded"


def test_each_movement_counts_once(billing: Billing) -> None:
    """Ten confirm the same transfer at once: one does. Two transfers make the whole, and no fen more."""
    contracted(billing, as_agent(TV04))
    done = together([lambda: confirmed(billing, cny(53_000))] * 10)
    assert sum(isinstance(each, PaymentView) for each in done) == 1
    with pytest.raises(ConfirmedAlready):
        confirmed(billing, cny(53_000))
    with pytest.raises(MoreThanAsked):
        confirmed(billing, cny(53_001), "BR2")
    assert confirmed(billing, cny(53_000), "BR2").state == "succeeded"
    with pytest.raises(NotPaidDirectly):
        confirmed(billing, cny(1), "BR3")
    assert billing.told.count("payment.succeeded.v1") == 1


def refunded(billing: Billing, net: int, burden: Any = "provider", now: datetime | None = None) -> RefundView:
    asked = billing.run(
        refund.request_refund,
        RequestRefund(order_id=ORDER_ID, net=cny(net), burden=burden, reason="result wrong"),
        now=now,
    )
    made: RefundView = billing.run(approve_refund, ApproveRefund(refund_id=asked.refund_id), OTHER_FINANCE, now)
    return made


def given_back(
    billing: Billing, made: RefundView, actor: Actor = PROVIDER_FINANCE, reference: str = "BR9"
) -> RefundView:
    wanted = ConfirmDirectRefund(refund_id=made.refund_id, reference=reference, paid_on=DAY)
    found: RefundView = billing.run(direct_payment.confirm_direct_refund, wanted, actor)
    return found


def test_a_refund_in_thirds_takes_its_part_of_the_commission(billing: Billing) -> None:
    """TV10 as agent: commission and station come down by what is recomputed; together they are the original."""
    accepted(billing, TV04)
    grosses = []
    for n, net in enumerate((33_333, 33_333, 33_334)):
        made = refunded(billing, net)
        grosses.append(made.gross.amount)
        assert made.state == "pending"
        with pytest.raises(NotAllowed):
            given_back(billing, made, FINANCE)
        assert given_back(billing, made, reference=f"BR{n + 2}").state == "succeeded"
        assert billing.violations() == ()
    assert grosses == [35_333, 35_333, 35_334]
    assert billing.told.count("commission.reduced.v1") == billing.told.count("refund.succeeded.v1") == 3
    for account in ("R:commission", "L:vat:output", "E:station_share", OWES):
        assert billing.balance(account) == 0, account
    assert own_money(billing) == []


def test_a_refund_after_the_commission_was_netted_is_owed_to_the_provider(billing: Billing) -> None:
    """What it does not owe any more its next statement pays."""
    accepted(billing, TV04)

    def net(uow: Any) -> None:
        for owed in uow.clawbacks.open_of(PROVIDER_ID, "CNY"):
            owed.take(10_000)
            uow.clawbacks.save(owed)

    billing.within(net)
    made = refunded(billing, 50_000)
    shares = billing.rows(
        "SELECT side, account, amount FROM ledger_entry JOIN ledger_tx USING (seq) WHERE idem_key = %s ORDER BY line",
        (f"refund:{made.refund_id}:shares",),
    )
    assert shares[:4] == [
        ("D", "R:commission", 5_000), ("D", "L:vat:output", 300), ("C", OWES, 600),
        ("C", ACCOUNTS["provider accrued"], 4_700),
    ]  # fmt: skip


def test_the_company_bears_at_most_its_commission(billing: Billing) -> None:
    """The provider keeps all; more than the commission was never ours to give."""
    accepted(billing, TV05)
    with pytest.raises(Refused):
        refunded(billing, 10_001, "company")
    made = refunded(billing, 10_000, "company")
    assert made.gross == cny(10_100)
    assert (billing.balance("R:commission"), billing.balance(OWES)) == (0, 0)
    assert billing.violations() == ()


def test_a_split_order_gives_commission_back_at_the_channel(billing: Billing) -> None:
    """Refund before the split is finished: asked once, waits for it, and the ledger stays whole."""
    accepted(billing, TV05, "agent_psp_split")
    made = refunded(billing, 50_000)
    again = billing.rows("SELECT amount, state FROM split_return WHERE refund_id = %s", (made.refund_id,))
    assert again == [(5_300, "processing")]
    assert billing.balance("R:commission") == 5_000
    assert own_money(billing) == []


def test_cancelled_before_work_all_goes_back(billing: Billing) -> None:
    """By the provider, without a fee; the ledger sees nothing of it."""
    contracted(billing, as_agent(TV04))
    confirmed(billing, cny(106_000))
    billing.handle(order.cancelled, order_cancelled())
    ((refund_id, state),) = billing.rows("SELECT refund_id, state FROM refund")
    assert state == "pending"
    wanted = ConfirmDirectRefund(refund_id=UUID(str(refund_id)), reference="BR2", paid_on=DAY)
    found = together([lambda: billing.run(direct_payment.confirm_direct_refund, wanted, PROVIDER_FINANCE)] * 5)
    assert sum(isinstance(each, RefundView) for each in found) == 1
    assert billing.rows("SELECT count(*) FROM ledger_tx") == [(0,)]
    assert billing.violations() == ()


def test_what_was_confirmed_is_not_changed(billing: Billing) -> None:
    contracted(billing, as_agent(TV04))
    confirmed(billing, cny(106_000))
    with pytest.raises(Exception, match="direct_movement"):
        billing.within(lambda uow: uow.connection.exec_driver_sql("UPDATE direct_movement SET amount = 1"))


@pytest.mark.parametrize("agent", [True, False], ids=["agent by contract", "principal by contract"])
def test_the_contract_says_who_sells_and_not_the_acceptance(billing: Billing, *, agent: bool) -> None:
    """A collection agreement that changed in between changes no order: it is booked as it was signed."""
    how = as_agent(TV04)
    if agent:
        contracted(billing, how)
        confirmed(billing, cny(106_000))
        billing.handle(order.accepted, order_accepted())
    else:
        paid(billing)
        billing.handle(order.accepted, order_accepted(**how))
    assert (billing.balance("R:commission") > 0, billing.balance("R:service") > 0) == (agent, not agent)
    assert billing.told.count("commission.earned.v1") == billing.told.count("seller.paid.v1") == int(agent)
    assert billing.told.count("revenue.recognised.v1") == int(not agent)
    assert billing.violations() == ()


def test_a_card_that_pays_an_agents_order_is_not_accepted_for_it(billing: Billing) -> None:
    """An unpaid order at the splitting channel books no commission: somebody must look."""
    how = as_agent(TV04, "agent_psp_split")
    contracted(billing, how)
    with pytest.raises(split_order.NotPaidThere):
        billing.handle(order.accepted, order_accepted(at=NOW + timedelta(hours=1), **how))
    assert billing.balance("R:commission") == 0


def test_decided_at_our_cost_beyond_the_commission(billing: Billing) -> None:
    """As agent the company never had the rest: finance is told, and the decision is no dead end for the order."""
    how = as_agent(TV04, "agent_direct")
    contracted(billing, how)
    confirmed(billing, TV04.money["gross"])
    event = DisputeDecided(
        dispute_id=derived_id("dispute", 1), number="DP-2026-000001", order_id=ORDER_ID, customer_id=CUSTOMER_ID,
        provider_id=PROVIDER_ID, outcome="refund", net=TV04.money["net"], burden="company", station_base="remaining",
        decided_by="member/1", decided_at=NOW,
    )  # fmt: skip
    for _ in range(2):
        billing.handle(dispute.decided, event)
    (made,) = billing.run(refund_queries.list_refunds, ListRefunds()).items
    assert (made.cause, made.state, billing.told.count("refund.failed.v1")) == ("dispute", "requested", 1)
    billing.handle(order.accepted, order_accepted(**how))
    assert billing.balance("R:commission") > 0
    assert billing.violations() == ()
