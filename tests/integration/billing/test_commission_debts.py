"""On real PostgreSQL: commission falls due with its invoice, is reminded of and listed by age until it is paid."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters.commission_debt_repository import list_commission_debts
from services.billing.use_cases import commission_debt, invoice, split_order
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.times import business_date, end_of_business_day
from services.shared.messages.billing.commission_debt import CommissionDebtView, ListCommissionDebts
from services.shared.messages.invoicing.invoice import InvoiceIssued
from tests.integration.billing import agent_orders, on_project_funds
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_project_funds import finance, university
from tests.integration.billing.refunding import approve, ask
from tests.integration.billing.test_agent_orders import TV04, accepted
from tests.integration.billing.test_commission_payments import REFERENCE, transfer
from tests.integration.billing.test_tax_invariants import risen
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import (
    DISPUTE_OPERATOR,
    FINANCE,
    NOW,
    ORDER_ID,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    cny,
)
from tests.kit.finance_control import FinanceControl
from tests.kit.real_service import together

__all__ = ["finance", "university"]

DUE = business_date(NOW) + timedelta(days=15)
WEEK = timedelta(days=7)


def issued(billing: Billing, net: int = 10_000, tax: int = 600, *, refund_id: UUID | None = None) -> None:
    """Invoicing says so, twice."""
    told = InvoiceIssued(
        invoice_id=derived_id("invoice", refund_id or ORDER_ID), refund_id=refund_id,
        number="INV-2026-000002" if refund_id else "INV-2026-000001", order_id=ORDER_ID, order_number="OR-2026-000123",
        customer_id=PROVIDER_ID, net=cny(net), tax=cny(tax), gross=cny(net + tax), tax_rate_bps=600, issued_at=NOW,
        pdf_sha256="0" * 64, xml_sha256="0" * 64, due_on=DUE,
    )  # fmt: skip
    for _ in range(2):
        billing.handle(invoice.keep_copy, told)
        billing.handle(commission_debt.invoiced, told)


def listed(billing: Billing, now: datetime = NOW, actor: Actor = FINANCE) -> list[CommissionDebtView]:
    wanted = ListCommissionDebts()
    page = billing.within(lambda uow: list_commission_debts(wanted, actor=actor, uow=uow, now=now), now)
    return list(page.items)


def remind(billing: Billing, now: datetime) -> int:
    """The timer runs, five times at once and once more. Answers how many reminders were told so far."""
    ((subject,),) = billing.rows("SELECT clawback_id::text FROM commission_debt")

    def run() -> Any:
        return billing.within(lambda uow: commission_debt.remind(subject, uow=uow, now=now), now)

    together([run] * 5)
    run()
    return int(billing.told.count("commission.reminded.v1"))


def test_from_the_invoice_to_the_last_reminder(billing: Billing) -> None:
    """Nothing is due before the invoice; then one line, and three reminders a week apart, however often it is run."""
    accepted(billing, TV04)
    assert listed(billing) == []
    issued(billing)
    (debt,) = listed(billing)
    assert (debt.left, debt.due_on, debt.days_overdue, debt.invoice_number, debt.reference) == (
        cny(10_600), DUE, 0, "INV-2026-000001", REFERENCE,
    )  # fmt: skip
    overdue = end_of_business_day(DUE)
    assert billing.rows("SELECT due_at FROM timer WHERE kind = 'remind_of_commission'") == [(overdue,)]
    assert remind(billing, overdue - timedelta(seconds=1)) == 0
    assert [remind(billing, overdue + days) for days in (WEEK * 0, WEEK - timedelta(seconds=1), WEEK, 2 * WEEK)] == [
        1, 1, 2, 3,
    ]  # fmt: skip
    assert remind(billing, overdue + 10 * WEEK) == 3
    (debt,) = listed(billing, overdue + 2 * WEEK)
    assert (debt.reminders, debt.days_overdue) == (3, 15)


def test_what_is_paid_is_reminded_of_no_more(billing: Billing) -> None:
    """A part leaves the rest; the last transfer, which names it, ends it."""
    accepted(billing, TV04)
    issued(billing)
    transfer(billing, "B1", "50.00")
    (debt,) = listed(billing)
    assert (debt.amount, debt.left) == (cny(10_600), cny(5_600))
    transfer(billing, "B2", "56.00")
    assert listed(billing) == []
    assert remind(billing, end_of_business_day(DUE)) == 0


def test_what_it_is_more_after_a_refund_is_due_by_its_own_invoice(billing: Billing) -> None:
    made = risen(billing)
    issued(billing, 4_000, 240, refund_id=made.refund_id)
    assert [(each.left, each.invoice_number) for each in listed(billing)] == [(cny(4_240), "INV-2026-000002")]
    approve(billing, ask(billing, 1_000))
    assert billing.violations() == ()


def test_where_the_channel_did_not_split_it_is_due_at_once(billing: Billing, channel: ChannelControl) -> None:
    """Its invoice said that the channel pays: no due date of it counts."""
    agent_orders.paid(billing, channel)
    agent_orders.accept(billing)
    billing.within(lambda uow: split_order.split_refused(ORDER_ID, "refused", uow=uow, now=NOW))
    (debt,) = listed(billing, NOW + timedelta(days=2))
    assert (debt.left, debt.due_on, debt.days_overdue, debt.invoice_number) == (
        cny(10_600), business_date(NOW), 2, "",
    )  # fmt: skip


def test_the_fee_of_an_internal_order_is_due_by_its_invoice(finance: FinanceControl, billing: Billing) -> None:
    on_project_funds.executed(billing)
    assert listed(billing) == []
    issued(billing, 5_000, 300)
    assert [(each.left, each.due_on, each.invoice_number) for each in listed(billing)] == [
        (cny(5_300), DUE, "INV-2026-000001")
    ]
    assert remind(billing, end_of_business_day(DUE)) == 1


def test_finance_alone_lists_them(billing: Billing) -> None:
    for actor in (PROVIDER_FINANCE, REQUESTER):
        with pytest.raises(NotFound):
            listed(billing, actor=actor)
    with pytest.raises(NotAllowed):
        listed(billing, actor=DISPUTE_OPERATOR)
