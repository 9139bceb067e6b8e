"""Refunds on real PostgreSQL: what goes back, what each party loses, and that it happens once."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters import refund_queries
from services.billing.domain.commission import Burden, MoreThanLeft, StationBase
from services.billing.domain.ledger import claw_back, contract, owed
from services.billing.domain.payment import reference_of
from services.billing.domain.refund import (
    NothingWaits,
    PayerWithoutBankAccount,
    RefundExceedsPaid,
    SameHands,
)
from services.billing.use_cases import order, payout, refund, settlement
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import CurrencyMismatch, Money
from services.shared.messages.billing.bank_statement import BankStatementView, ImportBankStatement
from services.shared.messages.billing.payout import ReleasePayout, StartPayout
from services.shared.messages.billing.refund import (
    ApproveRefund,
    CancelRefund,
    GetRefund,
    ListRefunds,
    RefundView,
    RequestRefund,
    RerouteRefund,
    WaiveRedLetter,
)
from services.shared.messages.billing.settlement import CloseSettlements, SettlementView
from services.shared.messages.orders.order import OrderCancelled
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    LATER,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    amounts,
    an_organisation,
    card_facts,
    cny,
    order_accepted,
    statement,
)
from tests.unit.billing.test_settlement_use_cases import match

PROVIDER_ACCRUED = owed("provider", PROVIDER_ID, "accrued")
PROVIDER_PAYABLE = owed("provider", PROVIDER_ID, "payable")
STATION_ACCRUED = owed("station", STATION_ID, "accrued")


def ask(billing: Billing, net: int, order_id: UUID = ORDER_ID, burden: Burden = "provider",
        station_base: StationBase = "remaining", currency: str = "CNY") -> RefundView:  # fmt: skip
    wanted = RequestRefund(
        order_id=order_id, net=Money(net, currency), burden=burden, station_base=station_base, reason="partly unusable"
    )
    return billing.run(refund.request_refund, wanted)


def approve(billing: Billing, asked: RefundView) -> RefundView:
    return billing.run(refund.approve_refund, ApproveRefund(refund_id=asked.refund_id), OTHER_FINANCE)


def red_letter(billing: Billing, asked: RefundView) -> None:
    billing.within(lambda uow: refund.red_letter_confirmed(asked.refund_id, uow=uow, now=NOW))


def card_says(billing: Billing, asked: RefundView, *, succeeded: bool = True, order_id: UUID = ORDER_ID) -> str:
    return billing.within(
        lambda uow: refund.card_refund_settled(
            asked.refund_id, payment_id_of(order_id), succeeded=succeeded, reference="re_1",
            failure="" if succeeded else "lost_or_stolen_card", uow=uow, now=NOW,
        )
    )  # fmt: skip


def refunded(billing: Billing, net: int, **how: Any) -> RefundView:
    """All the way to the customer's card."""
    asked = approve(billing, ask(billing, net, **how))
    if asked.state == "awaiting_red_letter":
        red_letter(billing, asked)
    card_says(billing, asked, order_id=asked.order_id)
    return billing.run(refund_queries.get_refund, GetRefund(refund_id=asked.refund_id))


def entries(billing: Billing, what: str) -> list[tuple[str, str, int]]:
    """Of the transaction whose key ends so; sorted."""
    rows = billing.rows(
        "SELECT side, account, amount FROM ledger_entry JOIN ledger_tx USING (transaction_id)"
        " WHERE idem_key LIKE %s ORDER BY side DESC, account",
        (f"%{what}",),
    )
    return [(str(side), str(account), int(amount)) for side, account, amount in rows]


def paid(billing: Billing, order_id: UUID = ORDER_ID, number: str = "OR-2026-000123", **how: Any) -> None:
    """Contracted and paid by card."""
    from services.billing.use_cases import payment

    billing.contracted(order_id, number, **how)
    gross = (how.get("money") or amounts())["gross"]
    facts = card_facts(intent_id=f"pi_{order_id}", received=gross, charge_id=f"ch_{order_id}", balance=None)
    billing.within(lambda uow: payment.learn(payment_id_of(order_id), facts, uow=uow, now=NOW))


def settled(billing: Billing, until: date = date(2026, 11, 23)) -> dict[str, SettlementView]:
    """Statements closed and their invoices matched, by kind of party."""
    page = billing.run(settlement.close_settlements, CloseSettlements(until=until))
    for stated in page.items:
        billing.within(lambda uow, stated=stated: match(uow, stated))  # type: ignore[misc]
    return {stated.party_kind: stated for stated in page.items}


def pay_all(billing: Billing) -> None:
    """Every payable settlement is paid out and the bank's statement shows it."""
    for (settlement_id,) in billing.rows("SELECT settlement_id::text FROM settlement WHERE state = 'payable'"):
        started = billing.run(payout.start_payout, StartPayout(settlement_id=UUID(settlement_id)), now=LATER)
        billing.run(payout.release_payout, ReleasePayout(payout_id=started.payout_id), OTHER_FINANCE, LATER)
        bank_says(billing, (f"po-{started.number}", "out", major(started.amount), started.number))


def bank_says(billing: Billing, *lines: tuple[str, str, str, str]) -> BankStatementView:
    wanted = ImportBankStatement(account=OWN_ACCOUNT, csv=statement(*lines))
    return billing.within(
        lambda uow: import_bank_statement(wanted, actor=FINANCE, uow=uow, now=LATER, own_account=OWN_ACCOUNT)
    )


def major(amount: Money) -> str:
    return f"{amount.amount // 100}.{amount.amount % 100:02d}"


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
    assert [line.net.amount for line in stated["provider"].orders] == [90_000, -11_111]
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
        ("D", claw_back("provider", PROVIDER_ID), 11_800), ("D", claw_back("station", STATION_ID), 918),
        ("D", PROVIDER_PAYABLE, 20_000), ("D", owed("station", STATION_ID, "payable"), 1_555),
    ]  # fmt: skip
    assert ("C", "E:provider_service", 30_000) in entries(billing, f"{made.refund_id}:shares")
    assert billing.told.count("settlement.paid.v1") == 4  # two were transferred, two are kept whole
    third = derived_id("order", "third")
    billing.accepted(third, "OR-2026-000125")
    stated = settled(billing)["provider"]
    assert entries(billing, f"{stated.settlement_id}:claw_back") == [
        ("D", PROVIDER_PAYABLE, 11_800), ("C", claw_back("provider", PROVIDER_ID), 11_800),
    ]  # fmt: skip
    assert billing.balance(PROVIDER_PAYABLE) == 95_400 - 11_800
    pay_all(billing)
    assert billing.balance(PROVIDER_PAYABLE) == 0
    assert billing.balance(claw_back("provider", PROVIDER_ID)) == 0
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


def test_transfer_goes_back_to_its_payer(billing: Billing) -> None:
    """A bank payment goes back by an order to the bank, once a second pair of eyes has seen it; the bank confirms."""
    billing.contracted(method="bank_transfer")
    bank_says(billing, ("b1", "in", "1060.00", reference_of("OR-2026-000123")))
    asked = ask(billing, 10_000)
    with pytest.raises(SameHands):
        billing.run(refund.approve_refund, ApproveRefund(refund_id=asked.refund_id))
    made = approve(billing, asked)
    assert (made.parts[0].state, made.parts[0].account_number) == ("sent", "6217000000008810")
    assert billing.do_outside() == 1
    line = ("b2", "out", "106.01", f"refund {made.number}")
    assert bank_says(billing, line).lines[0].reason == "refund_differs"
    view = bank_says(billing, ("b3", "out", "106.00", f"退款 {made.number.lower()}"))
    assert view.lines[0].target == f"refund/{made.refund_id}"
    assert entries(billing, ":bank_transfer") == [
        ("D", f"L:refund:{made.refund_id}", 10_600), ("C", "A:bank:main", 10_600),
    ]  # fmt: skip
    read = billing.run(refund_queries.get_refund, GetRefund(refund_id=made.refund_id), REQUESTER)
    assert read.state == "succeeded"
    again = bank_says(billing, ("b4", "out", "106.00", made.number))  # a second transfer is nobody's
    assert again.lines[0].reason == "refund_differs"
    assert billing.violations() == ()


def test_payer_without_account(billing: Billing) -> None:
    """Without an account to which it could go nothing is booked; the request stays."""
    billing.contracted(method="bank_transfer")
    bank_says(billing, ("b1", "in", "1060.00", reference_of("OR-2026-000123")))
    bare = an_organisation(CUSTOMER_ID, bank_name="", account_name="", account_number="")
    billing.within(lambda uow: uow.organisations.put(bare))
    asked = ask(billing, 10_000)
    with pytest.raises(PayerWithoutBankAccount):
        approve(billing, asked)
    assert billing.balance(contract(ORDER_ID)) == 106_000
    billing.run(refund.cancel_refund, CancelRefund(refund_id=asked.refund_id))
    with pytest.raises(WrongState):
        billing.run(refund.cancel_refund, CancelRefund(refund_id=asked.refund_id))
    with pytest.raises(NothingWaits):
        approve(billing, asked)
    assert billing.violations() == ()


def test_card_that_fails_goes_another_way(billing: Billing) -> None:
    """A refund that the card's bank sends back, even after it had succeeded, goes another way with four eyes."""
    paid(billing)
    made = approve(billing, ask(billing, 10_000))
    assert card_says(billing, made) == "refunded"
    assert card_says(billing, made, succeeded=False) == "refund_failed"
    assert card_says(billing, made, succeeded=False) == card_says(billing, made) == "nothing_new"
    assert billing.balance("A:psp:stripe") == -106_000
    assert billing.balance(f"L:refund:{made.refund_id}") == 10_600
    rerouted = billing.run(
        refund.reroute_refund, RerouteRefund(refund_id=made.refund_id, route="customer_credit"), OTHER_FINANCE
    )
    assert (rerouted.state, rerouted.parts[0].state) == ("pending", "waiting")
    with pytest.raises(SameHands):
        approve(billing, made)
    done = billing.run(refund.approve_refund, ApproveRefund(refund_id=made.refund_id))
    assert done.state == "succeeded"
    assert billing.balance(f"L:customer_credit:{CUSTOMER_ID}") == 10_600
    assert (billing.told.count("refund.failed.v1"), billing.told.count("refund.succeeded.v1")) == (1, 2)
    assert billing.violations() == ()


def test_money_waits_for_the_red_letter(billing: Billing) -> None:
    """Of an accepted order nothing leaves before the red-letter form is confirmed, or two people waive it."""
    billing.accepted()
    first, second = approve(billing, ask(billing, 10_000)), approve(billing, ask(billing, 20_000))
    assert (first.state, second.state) == ("awaiting_red_letter", "awaiting_red_letter")
    assert billing.rows("SELECT count(*) FROM outside_call WHERE kind = 'create_stripe_refund'") == [(0,)]
    assert billing.balance("R:service") == 100_000
    assert billing.balance(PROVIDER_ACCRUED) == 63_000  # what the parties have comes down at once
    assert billing.violations() == ()
    red_letter(billing, first)
    red_letter(billing, first)
    assert billing.balance("R:service") == 90_000
    waive = WaiveRedLetter(refund_id=second.refund_id)
    assert billing.run(refund.waive_red_letter, waive).state == "awaiting_red_letter"
    with pytest.raises(SameHands):
        billing.run(refund.waive_red_letter, waive)
    assert billing.run(refund.waive_red_letter, waive, OTHER_FINANCE).state == "pending"
    with pytest.raises(WrongState):
        billing.run(refund.waive_red_letter, waive, OTHER_FINANCE)
    red_letter(billing, second)  # comes after all, and changes nothing
    assert billing.balance("R:service") == 70_000
    assert billing.violations() == ()


def test_never_more_than_was_paid(billing: Billing) -> None:
    """I6: neither more than the order's net nor more than came in; foreign currency and strangers are refused."""
    paid(billing)
    with pytest.raises(MoreThanLeft):
        ask(billing, 100_001)
    with pytest.raises(CurrencyMismatch):
        ask(billing, 100, currency="USD")
    with pytest.raises(NotFound):
        ask(billing, 100, order_id=new_id())
    first, second = ask(billing, 60_000), ask(billing, 60_000)
    approve(billing, first)
    with pytest.raises(MoreThanLeft):
        approve(billing, second)
    unpaid = derived_id("order", "unpaid")
    billing.contracted(unpaid, "OR-2026-000126")
    with pytest.raises(RefundExceedsPaid):
        ask(billing, 100, order_id=unpaid)
    for stranger in (REQUESTER, PROVIDER_FINANCE):
        with pytest.raises((NotFound, NotAllowed)):
            billing.run(refund.approve_refund, ApproveRefund(refund_id=first.refund_id), stranger)
    assert billing.violations() == ()


def test_customer_sees_its_own(billing: Billing) -> None:
    """A customer sees its refunds, nobody else's; providers learn of none."""
    paid(billing)
    made = ask(billing, 10_000)
    (own,) = billing.run(
        refund_queries.list_refunds, ListRefunds(order_id=ORDER_ID, state="requested"), REQUESTER
    ).items
    assert own.refund_id == made.refund_id
    assert billing.run(refund_queries.list_refunds, ListRefunds(), PROVIDER_FINANCE).items == ()
    for unknown in (made.refund_id, new_id()):
        with pytest.raises(NotFound):
            billing.run(refund_queries.get_refund, GetRefund(refund_id=unknown), PROVIDER_FINANCE)
    assert len(billing.run(refund_queries.list_refunds, ListRefunds()).items) == 1


def test_cancelled_order_gives_back_what_was_paid(billing: Billing) -> None:
    """A partly paid order is cancelled: what came in goes back to its payer, once, after a second pair of eyes."""
    billing.contracted(method="bank_transfer")
    bank_says(billing, ("b1", "in", "500.00", reference_of("OR-2026-000123")))
    for _ in range(2):
        billing.handle(order.cancelled, order_cancelled())
    (made,) = billing.run(refund_queries.list_refunds, ListRefunds()).items
    assert (made.cause, made.state, made.gross, made.tax) == ("cancellation", "pending", cny(50_000), cny(0))
    assert made.parts[0].state == "waiting"
    approve(billing, made)
    bank_says(billing, ("b2", "out", "500.00", made.number))
    assert billing.balance(contract(ORDER_ID)) == 0
    assert billing.balance("A:bank:main") == 0
    assert billing.violations() == ()


def test_order_cancelled_before_anything_was_paid(billing: Billing) -> None:
    """Nothing is refunded of nothing, neither of an order that was contracted nor of one that never was."""
    billing.contracted()
    billing.handle(order.cancelled, order_cancelled())
    billing.handle(order.cancelled, order_cancelled(new_id()))
    assert billing.run(refund_queries.list_refunds, ListRefunds()).items == ()
    assert "refund.agreed.v1" not in billing.told


def order_cancelled(order_id: UUID = ORDER_ID, **more: Any) -> OrderCancelled:
    return OrderCancelled(
        order_id=order_id, number="OR-2026-000123", customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason="", **more
    )
