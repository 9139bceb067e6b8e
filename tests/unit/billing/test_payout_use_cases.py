"""What can happen to a payout between two people's wish and the money being there for good."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from services.billing.domain.bank_order import (
    CurrenciesDiffer,
    PaymentStatus,
    StatusReport,
    StatusReportContradicts,
    StatusReportUnknown,
    StatusReportUnreadable,
)
from services.billing.domain.ledger import BANK, SUSPENSE, owed, payout_transit, receivable
from services.billing.domain.payment import reference_of
from services.billing.domain.payout import (
    BankAccountNew,
    BankAccountNotOwn,
    BankAccountUnconfirmed,
    SameHands,
)
from services.billing.domain.settlement import OrderHeld
from services.billing.use_cases import bank_order, order, organisation, payout, settlement
from services.billing.use_cases.bank_statement import import_bank_statement
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import Money
from services.shared.messages.billing.bank_order import MakeBankOrder, ReadStatusReport, StatusReportView
from services.shared.messages.billing.bank_statement import ImportBankStatement
from services.shared.messages.billing.payout import (
    CancelPayout,
    FailPayout,
    PayoutCancelled,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    PayoutView,
)
from tests.kit.fakes_billing import (
    COOLING_OFF,
    FINANCE,
    INSTRUCTIONS,
    LATER,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    FakeBillingUnitOfWork,
    an_organisation,
    cny,
    order_contracted,
    statement,
)
from tests.unit.billing.test_clawback_use_cases import a_third, take_back
from tests.unit.billing.test_settlement_use_cases import (
    accepted,
    bank_says,
    changed_account,
    close,
    match,
    of_kind,
    order_of_bank,
    payable,
    release,
    start,
)

PAYABLE = owed("provider", PROVIDER_ID, "payable")
AFTER_COOLING_OFF = LATER + COOLING_OFF


def in_transit() -> tuple[FakeBillingUnitOfWork, PayoutView]:
    uow, stated = payable()
    started = start(uow, stated)
    order_of_bank(uow, release(uow, started))
    return uow, started


def paid() -> tuple[FakeBillingUnitOfWork, PayoutView]:
    uow, started = in_transit()
    assert bank_says(uow, "paid", "954.00", started.number).state == "matched"
    return uow, started


def comes_back(uow: FakeBillingUnitOfWork, serial: str, amount: str, text: str) -> Any:
    csv = statement((serial, "in", amount, text))
    wanted = ImportBankStatement(account=OWN_ACCOUNT, csv=csv)
    return import_bank_statement(wanted, actor=FINANCE, uow=uow, now=LATER, own_account=OWN_ACCOUNT).lines[0]


def answers(uow: FakeBillingUnitOfWork, *said: PaymentStatus, number: str = "BO-2026-000001") -> StatusReportView:
    wanted = ReadStatusReport(content=base64.b64encode(b"any").decode())
    return bank_order.read_status_report(
        wanted, actor=FINANCE, uow=uow, now=LATER, read=lambda _: StatusReport(number, said)
    )


def state_of(uow: FakeBillingUnitOfWork, started: PayoutView) -> str:
    return uow.payouts.held[started.payout_id].state


# the account, from the wish to the bank being told (M12)


def test_changed_account_cancels_what_is_released_too() -> None:
    """M12: released and not ordered, it goes neither to the old account nor to the new one."""
    uow, stated = payable()
    released = release(uow, start(uow, stated))
    organisation.keep_copy(changed_account("6217999999999999"), uow=uow, now=LATER)
    assert state_of(uow, released) == "cancelled"
    (told,) = uow.events(PayoutCancelled)
    assert told.reason == "account_changed"
    with pytest.raises(WrongState):
        order_of_bank(uow, released)
    assert uow.calls("write_bank_order") == []
    assert uow.ledger.balance(PAYABLE) == 95_400


def test_a_new_account_is_paid_only_after_a_while() -> None:
    """So that somebody whose account it is not can object; the first account of a party is no change."""
    uow, stated = payable()
    organisation.keep_copy(changed_account("6217999999999999"), uow=uow, now=LATER)
    with pytest.raises(BankAccountNew) as refused:
        start(uow, stated, now=AFTER_COOLING_OFF - timedelta(seconds=1))
    assert refused.value.facts == {"payable_from": AFTER_COOLING_OFF.isoformat()}
    assert start(uow, stated, now=AFTER_COOLING_OFF).account_number == "6217999999999999"


def test_taking_the_account_away_for_a_while_evades_nothing() -> None:
    """No account and then another one is a change as well; telling the same again is none."""
    uow, stated = payable()
    organisation.keep_copy(changed_account("", bank_account=None), uow=uow, now=LATER - COOLING_OFF)
    organisation.keep_copy(changed_account("6217999999999999"), uow=uow, now=LATER)
    organisation.keep_copy(changed_account("6217999999999999"), uow=uow, now=AFTER_COOLING_OFF)
    with pytest.raises(BankAccountNew):
        start(uow, stated, now=AFTER_COOLING_OFF - timedelta(seconds=1))
    start(uow, stated, now=AFTER_COOLING_OFF)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [({"verified": False}, BankAccountUnconfirmed), ({"legal_name": "青城材料测试中心（集团）"}, BankAccountNotOwn)],
    ids=["unconfirmed", "not its own"],
)
def test_only_a_confirmed_account_of_its_own_is_paid(changes: dict[str, Any], refusal: type[Exception]) -> None:
    """Neither started nor released while a second person has not confirmed it, or it is somebody else's."""
    uow, stated = payable()
    started = start(uow, stated)
    uow.organisations.put(an_organisation(**changes))
    with pytest.raises(refusal):
        release(uow, started)
    cancel(uow, started)
    with pytest.raises(refusal):
        start(uow, stated)


# taking it back


def cancel(uow: FakeBillingUnitOfWork, started: PayoutView) -> PayoutView:
    wanted = CancelPayout(payout_id=started.payout_id)
    return payout.cancel_payout(wanted, actor=OTHER_FINANCE, uow=uow, now=LATER)


def test_cancelled_until_the_bank_is_told() -> None:
    """Its settlement is paid by another one; what the bank was told is not taken back, nor by its payee."""
    uow, stated = payable()
    first = start(uow, stated)
    with pytest.raises(NotFound):
        payout.cancel_payout(CancelPayout(payout_id=first.payout_id), actor=PROVIDER_FINANCE, uow=uow, now=LATER)
    assert cancel(uow, release(uow, first)).state == "cancelled"
    second = start(uow, stated)
    order_of_bank(uow, release(uow, second))
    with pytest.raises(WrongState):
        cancel(uow, second)
    with pytest.raises(WrongState):
        cancel(uow, first)


# the order to the bank


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
    assert bank_says(uow, "b1", "954.00", started.number).reason == "payout_failed"
    again = start_anew(uow, started)
    assert again.payout_id != started.payout_id


def start_anew(uow: FakeBillingUnitOfWork, before: PayoutView) -> PayoutView:
    return start(uow, settlement.view(uow.settlements.get(before.settlement_id)))


def test_a_whole_file_rejected() -> None:
    """What the bank says of all counts for each that it does not name."""
    uow, started = in_transit()
    (payment,) = answers(uow, PaymentStatus("", "RJCT", "FF01")).payments
    assert (payment.number, payment.outcome) == (started.number, "failed")


def test_accepted_moves_nothing() -> None:
    """Only the statement shows that it is paid; a rejection that comes later still counts, an acceptance after no."""
    uow, started = in_transit()
    for status, outcome in (("ACTC", "noted"), ("ACCP", "noted"), ("ACCP", "known")):
        (payment,) = answers(uow, PaymentStatus(started.number, status, status)).payments
        assert payment.outcome == outcome
    assert uow.ledger.balance(payout_transit(started.payout_id)) == 95_400
    assert uow.payouts.held[started.payout_id].bank_status == "ACCP"
    answers(uow, PaymentStatus(started.number, "RJCT", "AM04"))
    (payment,) = answers(uow, PaymentStatus(started.number, "ACSC", "ACSC")).payments
    assert (payment.outcome, state_of(uow, started)) == ("known", "failed")


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


# what comes back (M13)


def test_returned_is_credited_once() -> None:
    """M13: the money is back and payable again; the same line, or another one, credits nothing more."""
    uow, started = paid()
    line = comes_back(uow, "back", "954.00", f"退汇 {started.number}")
    assert (line.state, line.target, line.reason) == ("matched", f"payout/{started.payout_id}", "returned")
    assert (uow.ledger.balance(PAYABLE), uow.ledger.balance(BANK)) == (95_400, 0)
    assert uow.settlements.held[started.settlement_id].state == "payable"
    assert len(uow.events(PayoutReturned)) == 1
    comes_back(uow, "back", "954.00", f"退汇 {started.number}")
    assert uow.ledger.balance(PAYABLE) == 95_400
    assert comes_back(uow, "back-again", "954.00", started.number).reason == "payout_returned"
    assert (uow.ledger.balance(PAYABLE), uow.ledger.balance(SUSPENSE)) == (95_400, 95_400)


def test_paid_anew_after_it_came_back() -> None:
    """The settlement is paid by another payout, and is paid in the end."""
    uow, started = paid()
    comes_back(uow, "back", "954.00", started.number)
    again = start_anew(uow, started)
    order_of_bank(uow, release(uow, again))
    bank_says(uow, "paid-anew", "954.00", again.number)
    assert uow.settlements.held[started.settlement_id].state == "paid"
    assert (uow.ledger.balance(PAYABLE), uow.ledger.balance(BANK)) == (0, 95_400)
    assert len(uow.events(PayoutPaid)) == 2


def test_returned_with_another_amount_waits() -> None:
    """M13: less, or more, than was paid is nobody's until somebody looks."""
    uow, started = paid()
    for serial, amount in (("b1", "944.00"), ("b2", "954.01")):
        assert comes_back(uow, serial, amount, started.number).reason == "amount_differs"
    assert (state_of(uow, started), uow.ledger.balance(PAYABLE)) == ("paid", 0)


def test_back_before_it_was_paid() -> None:
    """M13: the bank tells of the return first; both are booked once it tells of the payment, whatever came between."""
    uow, started = in_transit()
    assert comes_back(uow, "back", "954.00", started.number).reason == "payout_in_transit"
    assert comes_back(uow, "back-2", "954.00", started.number).reason == "payout_in_transit"
    assert uow.ledger.balance(PAYABLE) == 0
    bank_says(uow, "paid", "954.00", started.number)
    assert state_of(uow, started) == "returned"
    assert (uow.ledger.balance(PAYABLE), uow.ledger.balance(SUSPENSE)) == (95_400, 95_400)
    first, second = (line for line in uow.bank_lines.held.values() if line.direction == "in")
    assert {first.state, second.state} == {"matched", "suspense"}


def test_an_early_return_that_somebody_resolved_stays_so() -> None:
    """What a person has decided about the line is not decided a second time."""
    uow, started = in_transit()
    comes_back(uow, "back", "954.00", started.number)
    (line,) = uow.bank_lines.held.values()
    line.match("payment/another")
    bank_says(uow, "paid", "954.00", started.number)
    assert (state_of(uow, started), line.target) == ("paid", "payment/another")


def test_both_in_one_file() -> None:
    """In whatever order they stand in it."""
    uow, started = in_transit()
    csv = statement(("back", "in", "954.00", started.number), ("paid", "out", "954.00", started.number))
    wanted = ImportBankStatement(account=OWN_ACCOUNT, csv=csv)
    view = import_bank_statement(wanted, actor=FINANCE, uow=uow, now=LATER, own_account=OWN_ACCOUNT)
    assert [line.state for line in view.lines] == ["matched", "matched"]
    assert state_of(uow, started) == "returned"


def test_a_customer_who_names_a_payout_pays_its_order() -> None:
    """A line with a customer's reference is the customer's, whatever else stands in it."""
    uow, started = paid()
    other = order_contracted(derived_id("order", "two"), "OR-2026-000124", method="bank_transfer")
    order.contracted(other, uow=uow, now=NOW, instructions=INSTRUCTIONS)
    line = comes_back(uow, "in", "954.00", f"{started.number} {reference_of('OR-2026-000124')}")
    assert line.target.startswith("payment/")
    assert state_of(uow, started) == "paid"
