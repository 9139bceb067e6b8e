"""Telling the bank to pay by one file, and what it answers."""

import base64

import pytest

from services.billing.domain.bank_order import (
    CurrenciesDiffer,
    PaymentStatus,
    StatusReport,
    StatusReportContradicts,
    StatusReportUnknown,
    StatusReportUnreadable,
)
from services.billing.domain.ledger import payout_transit, receivable
from services.billing.domain.payout import (
    SameHands,
)
from services.billing.domain.settlement import OrderHeld
from services.billing.use_cases import bank_order, payout
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import Money
from services.shared.messages.billing.bank_order import MakeBankOrder, ReadStatusReport, StatusReportView
from services.shared.messages.billing.payout import (
    FailPayout,
    PayoutFailed,
    PayoutView,
)
from tests.kit.fakes_billing import (
    FINANCE,
    LATER,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    FakeBillingUnitOfWork,
    cny,
)
from tests.unit.billing.test_clawback_use_cases import a_third, take_back
from tests.unit.billing.test_payout_use_cases import PAYABLE, in_transit, paid, start_anew, state_of
from tests.unit.billing.test_settlement_use_cases import (
    accepted,
    bank_says,
    close,
    match,
    of_kind,
    order_of_bank,
    release,
    start,
)


def answers(uow: FakeBillingUnitOfWork, *said: PaymentStatus, number: str = "BO-2026-000001") -> StatusReportView:
    wanted = ReadStatusReport(content=base64.b64encode(b"any").decode())
    return bank_order.read_status_report(
        wanted, actor=FINANCE, uow=uow, now=LATER, read=lambda _: StatusReport(number, said)
    )


def two_released() -> tuple[FakeBillingUnitOfWork, list[PayoutView]]:
    uow = accepted()
    page = close(uow)
    views = [of_kind(page, kind) for kind in ("provider", "station")]
    for stated in views:
        match(uow, stated)
    return uow, [release(uow, start(uow, stated)) for stated in views]


def test_one_file_orders_several() -> None:
    """All that it names, each once."""
    uow, released = two_released()
    ordered = order_of_bank(uow, *released, *released)
    assert (ordered.count, ordered.total, ordered.written) == (2, cny(102_820), False)
    (file,) = uow.calls("write_bank_order")
    assert {each["number"]: each["amount"] for each in file["payments"]} == {
        each.number: each.amount.amount for each in released
    }
    bank_order.bank_order_kept(ordered.bank_order_id, "key", "sha", 17, uow=uow)
    assert bank_order.view(uow.bank_orders.get(ordered.bank_order_id)).written
    with pytest.raises(WrongState):
        order_of_bank(uow, released[0])


def test_one_that_cannot_go_refuses_the_file() -> None:
    """What is only started, in dispute, or of another currency."""
    uow, released = two_released()
    uow.payouts.held[released[0].payout_id].state = "created"
    with pytest.raises(WrongState):
        order_of_bank(uow, *released)
    uow, released = two_released()
    uow.accruals.hold(ORDER_ID, "dispute", NOW)
    with pytest.raises(OrderHeld):
        order_of_bank(uow, *released)
    uow, released = two_released()
    uow.payouts.held[released[0].payout_id].currency = "USD"
    with pytest.raises(CurrenciesDiffer):
        order_of_bank(uow, *released)


def test_unknown_payouts_and_strangers() -> None:
    """Nothing is ordered that does not exist, and not by whom it pays."""
    uow, started = in_transit()
    wanted = MakeBankOrder(payout_ids=(started.payout_id, new_id()))
    with pytest.raises(NotFound):
        bank_order.make_bank_order(wanted, actor=FINANCE, uow=uow, now=LATER, file_format="csv")
    with pytest.raises(NotFound):
        bank_order.make_bank_order(wanted, actor=PROVIDER_FINANCE, uow=uow, now=LATER, file_format="csv")


# what the bank answers


def test_rejected_is_payable_again_once() -> None:
    """Transit is reversed, the settlement waits for another payout; the same answer again changes nothing."""
    uow, started = in_transit()
    rejected = PaymentStatus(started.number, "RJCT", "AC04 closed", cny(95_400))
    (payment,) = answers(uow, rejected).payments
    assert (payment.outcome, payment.reason) == ("failed", "AC04 closed")
    assert uow.ledger.balance(payout_transit(started.payout_id)) == 0
    assert uow.ledger.balance(PAYABLE) == 95_400
    (payment,) = answers(uow, rejected).payments
    assert payment.outcome == "known"
    assert uow.ledger.balance(PAYABLE) == 95_400
    (told,) = uow.events(PayoutFailed)
    assert told.reason == "AC04 closed"
    again = start_anew(uow, started)
    assert again.payout_id != started.payout_id
    assert bank_says(uow, "b1", "954.00", started.number).reason == "payout_failed"


def test_a_whole_file_rejected() -> None:
    """What the bank says of all counts for each that it does not name."""
    uow, started = in_transit()
    (payment,) = answers(uow, PaymentStatus("", "RJCT", "FF01")).payments
    assert (payment.number, payment.outcome) == (started.number, "failed")


def test_accepted_moves_nothing() -> None:
    """Only the statement shows that it is paid; a rejection that comes later still counts."""
    uow, started = in_transit()
    for status, outcome in (("ACTC", "noted"), ("ACCP", "noted"), ("ACCP", "known")):
        (payment,) = answers(uow, PaymentStatus(started.number, status, status)).payments
        assert payment.outcome == outcome
    assert uow.ledger.balance(payout_transit(started.payout_id)) == 95_400
    assert uow.payouts.held[started.payout_id].bank_status == "ACCP"
    answers(uow, PaymentStatus(started.number, "RJCT", "AM04"))
    (payment,) = answers(uow, PaymentStatus(started.number, "ACCP", "ACCP")).payments
    assert (payment.outcome, state_of(uow, started)) == ("known", "failed")


@pytest.mark.parametrize("settled", ["ACSC", "ACCC"])
def test_paid_after_it_was_rejected_is_for_a_person(settled: str) -> None:
    """It is payable again: whoever pays it anew pays twice, unless the bank is asked. So often as it is said."""
    uow, started = in_transit()
    answers(uow, PaymentStatus(started.number, "RJCT", "AM04"))
    for _ in range(2):
        (payment,) = answers(uow, PaymentStatus(started.number, settled, "")).payments
        assert (payment.outcome, state_of(uow, started)) == ("contradicts", "failed")


@pytest.mark.parametrize("settled", ["ACSC", "ACCC"])
def test_rejected_after_it_was_said_to_be_paid_is_for_a_person(settled: str) -> None:
    """Nothing is payable again by it, also where an older word arrives in between."""
    uow, started = in_transit()
    for status, outcome in ((settled, "noted"), (settled, "known"), ("ACCP", "known"), ("RJCT", "contradicts"),
                            ("CANC", "contradicts")):  # fmt: skip
        (payment,) = answers(uow, PaymentStatus(started.number, status, "")).payments
        assert payment.outcome == outcome
    assert state_of(uow, started) == "in_transit"
    assert (uow.ledger.balance(payout_transit(started.payout_id)), uow.ledger.balance(PAYABLE)) == (95_400, 0)
    assert not uow.events(PayoutFailed)
    assert bank_says(uow, "b1", "954.00", started.number).target == f"payout/{started.payout_id}"


def test_rejected_after_it_was_paid_is_for_a_person() -> None:
    """The money has left by the statement: that it is back only a line can say."""
    uow, started = paid()
    (payment,) = answers(uow, PaymentStatus(started.number, "RJCT", "AC04")).payments
    assert payment.outcome == "contradicts"
    assert (state_of(uow, started), uow.ledger.balance(PAYABLE)) == ("paid", 0)


def test_answers_to_something_else_are_refused() -> None:
    """To an order of nobody, over a payment not in it, over another amount, or no base64: nothing is taken."""
    uow, started = in_transit()
    rejected = PaymentStatus(started.number, "RJCT", "")
    with pytest.raises(StatusReportUnknown):
        answers(uow, rejected, number="BO-2026-000009")
    with pytest.raises(StatusReportContradicts):
        answers(uow, rejected, PaymentStatus("PO-2026-000009", "RJCT", ""))
    for amount in (cny(95_399), Money(95_400, "USD")):
        with pytest.raises(StatusReportContradicts):
            answers(uow, PaymentStatus(started.number, "RJCT", "", amount))
    with pytest.raises(StatusReportUnreadable):
        bank_order.read_status_report(
            ReadStatusReport(content="~"), actor=FINANCE, uow=uow, now=LATER, read=lambda _: StatusReport("", ())
        )
    with pytest.raises(NotFound):
        bank_order.read_status_report(
            ReadStatusReport(content="eA=="), actor=PROVIDER_FINANCE, uow=uow, now=LATER,
            read=lambda _: StatusReport("", ()),
        )  # fmt: skip
    assert state_of(uow, started) == "in_transit"


def test_said_by_hand_by_a_third_pair_of_eyes() -> None:
    """Where the bank answers by no file; not by who released it, and not of what has not left or is paid."""
    uow, started = in_transit()
    wanted = FailPayout(payout_id=started.payout_id, reason="户名不符")
    with pytest.raises(SameHands):
        payout.fail_payout(wanted, actor=OTHER_FINANCE, uow=uow, now=LATER)
    view = payout.fail_payout(wanted, actor=FINANCE, uow=uow, now=LATER)
    assert (view.state, view.failure) == ("failed", "户名不符")
    with pytest.raises(WrongState):
        payout.fail_payout(wanted, actor=FINANCE, uow=uow, now=LATER)
    uow, started = paid()
    with pytest.raises(WrongState):
        payout.fail_payout(FailPayout(payout_id=started.payout_id, reason="x"), actor=FINANCE, uow=uow, now=LATER)


def test_what_was_owed_meanwhile_is_kept_when_it_failed() -> None:
    """A refund while the bank was told: owed first, kept from the settlement once it is payable anew."""
    uow, started = in_transit()
    take_back(uow, a_third(uow))
    assert uow.ledger.balance(receivable("provider", PROVIDER_ID)) == -31_800
    answers(uow, PaymentStatus(started.number, "RJCT", "AC04"))
    assert uow.ledger.balance(receivable("provider", PROVIDER_ID)) == 0
    assert uow.ledger.balance(PAYABLE) == 95_400 - 31_800
    assert start_anew(uow, started).amount == cny(95_400 - 31_800)
