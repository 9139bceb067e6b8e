"""What a dispute does to the money: it stays, then goes back or goes on; and cancellations with a fee."""

from datetime import date
from typing import Any

import pytest

from services.billing.adapters import refund_queries
from services.billing.adapters.documents import Party, settlement_statement_pdf
from services.billing.adapters.settlement_papers import statement_of
from services.billing.adapters.settlement_queries import preview_settlements
from services.billing.domain.commission import Burden, MoreThanLeft
from services.billing.domain.ledger import contract, owed
from services.billing.domain.refund import SameHands
from services.billing.domain.settlement import OrderHeld
from services.billing.use_cases import dispute, order, refund
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.payment_reference import reference_of
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.billing.refund import ApproveRefund, CancelRefund, ListRefunds
from services.shared.messages.billing.settlement import PreviewSettlements
from services.shared.messages.orders.dispute import DisputeDecided, DisputeOpened, DisputeWithdrawn
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import (
    approve,
    approve_refund,
    ask,
    bank_says,
    card_says,
    entries,
    order_cancelled,
    paid,
    pay_all,
    red_letter,
    refunded,
    settled,
)
from tests.integration.billing.test_settlements import close, lines_of
from tests.integration.documents.reading import text_of
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_ID,
    amounts,
    cny,
    order_accepted,
)

OTHER = derived_id("order", "two")
DISPUTE_ID = derived_id("dispute", 1)
_NAMED: dict[str, Any] = {
    "dispute_id": DISPUTE_ID, "number": "DP-2026-000001", "order_id": ORDER_ID, "customer_id": CUSTOMER_ID,
    "provider_id": PROVIDER_ID,
}  # fmt: skip


def opened(**more: Any) -> DisputeOpened:
    return DisputeOpened(**{**_NAMED, **more}, reason="result_wrong", lines=(), opened_at=NOW)


def decided(net: int | None, burden: Burden = "provider", decided_by: str = "member/1") -> DisputeDecided:
    return DisputeDecided(
        **_NAMED, outcome="refund" if net else "rejected", net=cny(net) if net else None, burden=burden,
        station_base="remaining", decided_by=decided_by, decided_at=NOW,
    )  # fmt: skip


def test_money_stays_while_it_is_open(billing: Billing) -> None:
    """No statement lists the order, no payout pays it; withdrawn, all goes its way again. Twice is once."""
    billing.accepted()
    billing.handle(dispute.opened, opened())
    billing.handle(dispute.opened, opened())
    assert settled(billing) == {}
    billing.handle(dispute.withdrawn, DisputeWithdrawn(**_NAMED, withdrawn_at=NOW))
    stated = settled(billing)["provider"]
    started = billing.start_payout(stated.settlement_id)
    billing.handle(dispute.opened, opened(dispute_id=new_id()))
    with pytest.raises(OrderHeld):
        billing.release_payout(started.payout_id)
    assert billing.violations() == ()


def test_before_the_order_is_known(billing: Billing) -> None:
    """News of a dispute wait for news of its order."""
    with pytest.raises(NotYet):
        billing.handle(dispute.opened, opened())
    with pytest.raises(NotYet):
        billing.handle(dispute.decided, decided(100))


@pytest.mark.parametrize(
    ("burden", "provider", "kept", "vat_due"),
    [("provider", 2_385_000, 75_000, 4_500), ("company", 4_770_000, -2_175_000, -130_500)],
)
def test_refund_follows_the_decision_once(
    billing: Billing, burden: Burden, provider: int, kept: int, vat_due: int
) -> None:
    """TV13 through a dispute: half of 50,000.00 goes back, at the provider's or the company's cost."""
    billing.accepted(money=amounts(5_000_000, 300_000))
    billing.handle(dispute.opened, opened())
    for _ in range(2):
        billing.handle(dispute.decided, decided(2_500_000, burden))
    (made,) = billing.run(refund_queries.list_refunds, ListRefunds(order_id=ORDER_ID)).items
    assert (made.cause, made.state, made.gross) == ("dispute", "awaiting_red_letter", cny(2_650_000))
    red_letter(billing, made)
    card_says(billing, made)
    assert entries(billing, f"{made.refund_id}:1") == [
        ("D", "L:vat:output", 150_000), ("D", "R:service", 2_500_000),
        ("C", f"L:refund:{made.refund_id}", 2_650_000),
    ]  # fmt: skip
    stated = settled(billing)
    assert (stated["provider"].gross, stated["station"].gross) == (cny(provider), cny(185_500))
    cost = billing.balance("E:provider_service") + billing.balance("E:station_share")
    assert billing.balance("R:service") + cost == kept
    assert billing.balance("L:vat:output") + billing.balance("A:vat:input_pending") == vat_due
    ((told,),) = billing.rows("SELECT data::jsonb FROM outbox WHERE type = 'refund.succeeded.v1'")
    assert told["dispute_id"] == str(DISPUTE_ID)
    assert billing.violations() == ()


def test_who_decided_does_not_let_the_transfer_go(billing: Billing) -> None:
    """A transfer of a decided refund waits for a second pair of eyes."""
    billing.contracted(method="bank_transfer")
    bank_says(billing, ("b1", "in", "1060.00", reference_of("OR-2026-000123")))
    billing.handle(dispute.decided, decided(10_000, decided_by=f"member/{FINANCE.member_id}"))
    (made,) = billing.run(refund_queries.list_refunds, ListRefunds()).items
    assert (made.state, made.parts[0].state) == ("pending", "waiting")
    with pytest.raises(SameHands):
        billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id))
    sent = billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id), OTHER_FINANCE)
    assert sent.parts[0].state == "sent"


def test_more_than_is_left_is_told_and_the_order_goes_on(billing: Billing) -> None:
    """
    Another refund was agreed meanwhile: finance is told once that the decision cannot be carried out, cancels what it
    led to and agrees what is left; the order's later news are taken, and it is settled.
    """
    paid(billing)
    approve(billing, ask(billing, 20_000))
    for _ in range(2):
        billing.handle(dispute.decided, decided(100_000))
    made = next(
        each for each in billing.run(refund_queries.list_refunds, ListRefunds()).items if each.cause == "dispute"
    )
    assert (made.state, made.net, made.parts) == ("requested", cny(100_000), ())
    (told,) = billing.rows("SELECT data::jsonb ->> 'failure' FROM outbox WHERE type = 'refund.failed.v1'")
    assert told == ("billing.refund_exceeds_remaining",)
    with pytest.raises(MoreThanLeft):
        billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id), OTHER_FINANCE)
    billing.handle(order.accepted, order_accepted())
    billing.run(refund.cancel_refund, CancelRefund(refund_id=made.refund_id))
    approve(billing, ask(billing, 30_000))
    assert set(settled(billing)) == {"provider", "station"}
    assert billing.violations() == ()


def test_cancelled_after_payment_with_a_fee(billing: Billing) -> None:
    """TV22: of 1,060.00 are kept 212.00, without VAT; 190.80 of it is the provider's; 848.00 goes back."""
    paid(billing)
    for _ in range(2):
        billing.handle(order.cancelled, order_cancelled(kept=cny(21_200), to_provider=cny(19_080)))
    assert entries(billing, f"cancel:{ORDER_ID}") == [
        ("D", contract(ORDER_ID), 21_200),
        ("C", owed("provider", PROVIDER_ID, "accrued"), 19_080), ("C", "R:cancellation_fee", 2_120),
    ]  # fmt: skip
    (made,) = billing.run(refund_queries.list_refunds, ListRefunds()).items
    assert (made.state, made.net, made.tax, made.gross) == ("pending", cny(84_800), cny(0), cny(84_800))
    assert made.parts[0].state == "sent"  # to the card that paid, without anybody's doing
    card_says(billing, made)
    assert entries(billing, f"{made.refund_id}:1") == [
        ("D", contract(ORDER_ID), 84_800), ("C", f"L:refund:{made.refund_id}", 84_800),
    ]  # fmt: skip
    assert billing.balance(contract(ORDER_ID)) == 0
    assert billing.balance("L:vat:output") == 0
    stated = settled(billing)["provider"]
    assert (stated.net, stated.tax) == (cny(19_080), cny(0))
    assert billing.balance(owed("provider", PROVIDER_ID, "payable")) == 19_080
    assert billing.violations() == ()


def test_for_a_cancellation_fee_no_invoice_is_awaited(billing: Billing) -> None:
    """
    Beside an order of an all-in provider of no tax, whose invoice is as ordinary: the fee has a statement of its own,
    payable once it is printed, once. It is called what it is, on paper too, and is paid out.
    """
    exempt: dict[str, Any] = {"station": False, "provider_tax": TaxProfile("exempt", can_issue_special=False)}
    billing.accepted(OTHER, "OR-2026-000124", **exempt)
    paid(billing)
    billing.handle(order.cancelled, order_cancelled(kept=cny(21_200), to_provider=cny(19_080)))
    previewed = billing.run(preview_settlements, PreviewSettlements(until=date(2026, 11, 23))).items
    assert sorted(each.gross.amount for each in previewed) == [19_080, 90_000]
    work, fee = sorted(close(billing).items, key=lambda each: not each.invoice_awaited)
    assert (work.gross, fee.gross, fee.invoice_awaited, fee.state) == (cny(90_000), cny(19_080), False, "closed")
    told = billing.rows("SELECT data::jsonb ->> 'number' FROM outbox WHERE type = 'settlement.closed.v1'")
    assert told == [(work.number,)], "who awaits invoices hears nothing of it"
    (line,) = lines_of(billing, fee).items
    assert (line.kind, line.net, line.tax) == ("cancellation_fee", cny(19_080), cny(0))
    with billing.engine.connect() as connection:
        statement = statement_of(connection, fee.settlement_id, Party("x", "y"))
    text = text_of(settlement_statement_pdf(statement))
    assert "取消费cancellationfee" in text
    assert "Cancellationfees,withoutVAT190.80" in text
    assert "无需开具发票" in text
    for wrong in ("增值税普通发票", "Acceptedwork", "先票后款"):
        assert wrong not in text
    billing.do_outside()
    billing.do_outside()
    assert billing.rows("SELECT state FROM settlement ORDER BY number") == [("awaiting_invoice",), ("payable",)]
    assert billing.balance(owed("provider", PROVIDER_ID, "payable")) == 19_080
    assert billing.rows("SELECT count(*) FROM outbox WHERE type = 'settlement.payable.v1'") == [(1,)]
    billing.pay_out(fee.settlement_id)
    assert billing.violations() == ()


def test_what_is_owed_is_kept_of_a_cancellation_fee(billing: Billing) -> None:
    """A claw-back is netted with it like with a statement that an invoice made payable."""
    billing.accepted(OTHER, "OR-2026-000124", station=False)
    settled(billing)
    pay_all(billing)
    refunded(billing, 10_000, order_id=OTHER)
    paid(billing)
    billing.handle(order.cancelled, order_cancelled(kept=cny(21_200), to_provider=cny(19_080)))
    settled(billing)
    assert billing.balance(owed("provider", PROVIDER_ID, "payable")) == 19_080 - 9_540
    assert billing.violations() == ()


def test_fee_is_never_more_than_was_paid(billing: Billing) -> None:
    """Where less was paid than the fee, that is kept and nobody is asked for more."""
    billing.contracted()
    billing.handle(order.cancelled, order_cancelled(kept=cny(21_200), to_provider=cny(19_080)))
    assert billing.rows("SELECT count(*) FROM ledger_tx") == [(0,)]
    assert billing.violations() == ()
