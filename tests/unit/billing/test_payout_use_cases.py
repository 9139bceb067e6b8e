"""What can happen to a payout between two people's wish and the money being there for good."""

from datetime import timedelta
from typing import Any

import pytest

from services.billing.domain.ledger import BANK, SUSPENSE, owed
from services.billing.domain.payout import (
    BankAccountNew,
    BankAccountNotOwn,
    BankAccountUnconfirmed,
)
from services.billing.use_cases import order, organisation, payout, settlement
from services.billing.use_cases.bank_statement import import_bank_statement
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.payment_reference import reference_of
from services.shared.messages.billing.bank_statement import ImportBankStatement
from services.shared.messages.billing.payout import (
    CancelPayout,
    PayoutCancelled,
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
    OTHER_FINANCE,
    OWN_ACCOUNT,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    FakeBillingUnitOfWork,
    an_organisation,
    order_contracted,
    statement,
)
from tests.unit.billing.test_settlement_use_cases import (
    bank_says,
    changed_account,
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


def start_anew(uow: FakeBillingUnitOfWork, before: PayoutView) -> PayoutView:
    return start(uow, settlement.view(uow.settlements.get(before.settlement_id)))


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
