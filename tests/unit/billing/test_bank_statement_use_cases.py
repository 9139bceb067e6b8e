"""Booking every line of the bank once: exact, over, under, late, unknown."""

from datetime import timedelta

import pytest

from services.billing.domain.bank_line import LineContradicts
from services.billing.domain.bank_statement import StatementUnreadable, UnknownAccount
from services.billing.domain.ledger import BANK, SUSPENSE, contract, customer_credit
from services.billing.use_cases import order
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.bank_line import BankLineInSuspense
from services.shared.messages.billing.bank_statement import (
    BankStatementView,
    ImportBankStatement,
)
from services.shared.messages.billing.ledger import LedgerPosted
from services.shared.messages.billing.payment import PaymentSucceeded
from services.shared.messages.orders.order import OrderCancelled
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    DISPUTE_OPERATOR,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    OWN_ACCOUNT,
    PROVIDER_ID,
    REQUESTER,
    FakeBillingUnitOfWork,
    order_contracted,
    statement,
)

PAYMENT_ID = payment_id_of(ORDER_ID)


def contracted() -> tuple[FakeBillingUnitOfWork, str]:
    uow = FakeBillingUnitOfWork()
    order.contracted(order_contracted(method="bank_transfer"), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    return uow, uow.payments.held[PAYMENT_ID].reference or ""


def read(
    uow: FakeBillingUnitOfWork,
    *lines: tuple[str, str, str, str],
    actor: Actor = FINANCE,
    account: str = OWN_ACCOUNT,
    currency: str = "CNY",
) -> BankStatementView:
    command = ImportBankStatement(account=account, csv=statement(*lines, currency=currency))
    return import_bank_statement(command, actor=actor, uow=uow, now=NOW, own_account=OWN_ACCOUNT)


def booked(days: int) -> ImportBankStatement:
    """A line that came, and one that is booked so many days from now."""
    text = statement(("s2", "in", "1060.00", "?")).replace(
        "2026-11-23T16:00:00+08:00", (NOW + timedelta(days=days)).isoformat()
    )
    return ImportBankStatement(account=OWN_ACCOUNT, csv=f"{statement(('s1', 'in', '1.00', '?'))}\n{text.split()[1]}")


def test_what_comes_before_a_holiday_may_be_booked_after_it() -> None:
    uow, _ = contracted()
    import_bank_statement(booked(10), actor=FINANCE, uow=uow, now=NOW, own_account=OWN_ACCOUNT)
    assert -uow.ledger.balance(BANK) == 106_100


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_line_out_of_the_calendar_is_not_taken(at: str) -> None:
    """The database would keep it, and nobody could read the account's lines any more."""
    uow, _ = contracted()
    text = statement(("s1", "in", "1.00", "?")).replace("2026-11-23T16:00:00+08:00", at)
    command = ImportBankStatement(account=OWN_ACCOUNT, csv=text)
    with pytest.raises(StatementUnreadable):
        import_bank_statement(command, actor=FINANCE, uow=uow, now=NOW, own_account=OWN_ACCOUNT)


@pytest.mark.parametrize("days", [11, 36_500])
def test_what_no_bank_can_have_booked_yet_is_not_taken(days: int) -> None:
    """A year mistyped is in no book before it comes, and the bank's account is short of it until then."""
    uow, _ = contracted()
    with pytest.raises(StatementUnreadable) as refused:
        import_bank_statement(booked(days), actor=FINANCE, uow=uow, now=NOW, own_account=OWN_ACCOUNT)
    assert refused.value.facts == {"booked_on": (NOW + timedelta(days=days)).date().isoformat(), "problem": "booked_at"}
    assert uow.ledger.balance(BANK) == 0


def test_exact_transfer_pays() -> None:
    """The right amount with the right reference pays the order, once, however often the statement is read."""
    uow, reference = contracted()
    first = read(uow, ("s1", "in", "1060.00", f"检测费 {reference}"))
    again = read(uow, ("s1", "in", "1060.00", f"检测费 {reference}"))
    assert (first.matched, first.suspense, first.repeated) == (1, 0, 0)
    assert (again.matched, again.suspense, again.repeated) == (0, 0, 1)
    assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
    assert uow.ledger.balance(BANK) == -106_000
    (event,) = uow.events(PaymentSucceeded)
    assert event.channel_transaction_id == "s1"
    assert again.lines[0].target == f"payment/{PAYMENT_ID}"
    assert len(uow.events(LedgerPosted)) == 1


def test_surplus_is_the_customers() -> None:
    """TV12: 1,070.00 paid: 1,060.00 to the order, 10.00 to the customer's credit."""
    uow, reference = contracted()
    view = read(uow, ("s1", "in", "1070.00", reference))
    assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
    assert uow.ledger.balance(customer_credit(CUSTOMER_ID)) == 1_000
    assert view.lines[0].reason == "surplus"


def test_too_little_leaves_it_pending_until_the_rest_comes() -> None:
    """TV12: 0.50 short does not release; the rest in the same or another statement does."""
    uow, reference = contracted()
    read(uow, ("s1", "in", "1059.50", reference))
    assert (uow.payments.held[PAYMENT_ID].state, uow.payments.held[PAYMENT_ID].received) == ("pending", 105_950)
    assert not uow.events(PaymentSucceeded)
    read(uow, ("s2", "in", "0.20", reference), ("s3", "in", "0.40", reference))
    assert uow.payments.held[PAYMENT_ID].state == "succeeded"
    assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
    assert uow.ledger.balance(customer_credit(CUSTOMER_ID)) == 10
    assert [event.channel_transaction_id for event in uow.events(PaymentSucceeded)] == ["s3"]


def test_paid_already_is_credit() -> None:
    """A second full transfer is the customer's, and the order is paid once."""
    uow, reference = contracted()
    view = read(uow, ("s1", "in", "1060.00", reference), ("s2", "in", "1060.00", reference))
    assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
    assert uow.ledger.balance(customer_credit(CUSTOMER_ID)) == 106_000
    assert view.lines[1].reason == "duplicate"
    assert len(uow.events(PaymentSucceeded)) == 1


def test_cancelled_order_takes_no_money() -> None:
    """A transfer for an order that is cancelled is the customer's credit."""
    uow, reference = contracted()
    order.cancelled(
        OrderCancelled(order_id=ORDER_ID, number="", customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason=""),
        uow=uow, now=NOW,
    )  # fmt: skip
    read(uow, ("s1", "in", "1060.00", reference))
    assert uow.ledger.balance(customer_credit(CUSTOMER_ID)) == 106_000
    assert uow.ledger.balance(contract(ORDER_ID)) == 0


@pytest.mark.parametrize(
    ("text", "amount", "currency", "reason"),
    [
        ("hello", "1060.00", "CNY", "unknown_reference"),
        ("YQ202600099905", "1060.00", "CNY", "unknown_reference"),
        ("{reference}", "1060.00", "USD", "currency_differs"),
        ("{digits}", "1060.00", "USD", "currency_differs"),
        ("{digits}", "1059.00", "CNY", "unknown_reference"),
    ],
)
def test_unknown_money_waits_in_suspense(text: str, amount: str, currency: str, reason: str) -> None:
    """Money nobody can place is booked to suspense and told; no order gets it."""
    uow, reference = contracted()
    view = read(uow, ("s1", "in", amount, text.format(reference=reference, digits=reference[2:])), currency=currency)
    assert (view.suspense, view.lines[0].reason) == (1, reason)
    assert uow.ledger.balance(SUSPENSE) == int(amount.replace(".", ""))
    assert [event.reason for event in uow.events(BankLineInSuspense)] == [reason]
    assert uow.payments.held[PAYMENT_ID].received == 0


def test_digits_alone_pay_with_the_exact_amount() -> None:
    """A reference that lost its letters counts where the amount is exactly what is missing."""
    uow, reference = contracted()
    assert read(uow, ("s1", "in", "1060.00", f"order {reference[2:]}")).matched == 1


def test_two_references_in_one_line_are_nobodys() -> None:
    """Which of two orders a transfer is for is a question for a person."""
    uow, reference = contracted()
    other_id = new_id()
    order.contracted(
        order_contracted(other_id, "OR-2026-000124", method="bank_transfer"), uow=uow, now=NOW,
        instructions=INSTRUCTIONS,
    )  # fmt: skip
    other = uow.payments.held[payment_id_of(other_id)].reference
    assert read(uow, ("s1", "in", "2119.00", f"{reference} {other}")).lines[0].reason == "several_references"


def test_money_that_left_for_nothing_known_is_suspense_too() -> None:
    """An outgoing line of no payout is booked, so that the bank's balance is right, and told."""
    uow, _ = contracted()
    assert read(uow, ("s1", "out", "12.00", "bank charges")).lines[0].reason == "unknown_payout"
    assert uow.ledger.balance(BANK) == 1_200


def test_contradicting_line_refuses_the_statement() -> None:
    """A known serial number with another amount is refused, and nothing of that statement is taken."""
    uow, reference = contracted()
    read(uow, ("s1", "in", "1.00", reference))
    with pytest.raises(LineContradicts):
        read(uow, ("s1", "in", "2.00", reference))


def test_only_finance_and_only_our_account() -> None:
    """Other roles and other organisations are refused before anything is read; so is another account's statement."""
    uow, reference = contracted()
    line = ("s1", "in", "1060.00", reference)
    with pytest.raises(NotAllowed):
        read(uow, line, actor=DISPUTE_OPERATOR)
    with pytest.raises(NotFound):
        read(uow, line, actor=REQUESTER)
    with pytest.raises(UnknownAccount):
        read(uow, line, account="1")
    assert not uow.ledger.transactions
