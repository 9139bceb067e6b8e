"""The cash forecast on real PostgreSQL: each figure from what is booked and agreed, each day from today on."""

from datetime import date, timedelta

import pytest

from services.billing.adapters.cash_forecast_queries import get_cash_forecast, list_forecast_items
from services.billing.use_cases import clawback, settlement
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.kernel.times import end_of_business_day
from services.shared.messages.billing.cash_forecast import (
    CurrencyForecast,
    ForecastItem,
    GetCashForecast,
    ListForecastItems,
)
from services.shared.messages.billing.settlement import CloseSettlements
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_credit import INVOICED_ON, TV18, a_line, owed, pay
from tests.integration.billing.refunding import approve, ask, bank_says, paid, pay_all, settled
from tests.integration.billing.test_agent_orders import TV04, accepted
from tests.integration.billing.test_commission_debts import DUE as COMMISSION_DUE
from tests.integration.billing.test_commission_debts import issued
from tests.integration.billing.test_commission_payments import transfer
from tests.integration.billing.test_periods import book, close
from tests.kit.fakes_billing import DISPUTE_OPERATOR, LATER, NOW, ORDER_ID, PROVIDER_FINANCE, PROVIDER_ID, REQUESTER

DUE = date(2027, 1, 4)
OWED_BACK, ORDER = Money(31_800, "CNY"), (ORDER_ID, "OR-2026-000123")


def forecast(billing: Billing, now: object = NOW, days: int = 60) -> CurrencyForecast:
    (found,) = billing.run(get_cash_forecast, GetCashForecast(days=days), now=now).currencies  # type: ignore[arg-type]
    return found


def moves(found: CurrencyForecast) -> dict[date, tuple[int, int]]:
    """In and out of the days on which something is expected."""
    return {
        each.day: (each.expected_in, each.expected_out)
        for each in found.days if each.expected_in or each.expected_out
    }  # fmt: skip


def items(billing: Billing, day: date | None, now: object = NOW) -> list[ForecastItem]:
    return list(billing.run(list_forecast_items, ListForecastItems(day=day), now=now).items)  # type: ignore[arg-type]


def test_a_receivable_comes_on_its_day_and_is_overdue_after_it(billing: Billing) -> None:
    """TV18: 21,200.00 by 2027-01-04; the day after it is today's, as overdue."""
    a_line(billing)
    owed(billing, TV18, station=False)
    found = forecast(billing, INVOICED_ON)
    assert (found.opening, moves(found), found.overdue_in) == (0, {DUE: (2_120_000, 0)}, 0)
    assert [(each.kind, each.amount, each.reference) for each in items(billing, DUE, INVOICED_ON)] == [
        ("receivable", 2_120_000, "OR-2026-000123"),
    ]  # fmt: skip
    pay(billing, "10000.00")
    late = end_of_business_day(DUE)
    found = forecast(billing, late)
    assert (found.opening, found.overdue_in) == (1_000_000, 1_120_000)
    assert moves(found) == {DUE + timedelta(days=1): (1_120_000, 0)}
    assert [each.overdue for each in items(billing, DUE + timedelta(days=1), late)] == [True]
    pay(billing, "11200.00", "s2")
    found = forecast(billing, late)
    assert (found.opening, moves(found), found.days[-1].closing) == (2_120_000, {}, 2_120_000)


def test_commission_comes_when_it_is_due_unless_a_statement_keeps_it(billing: Billing) -> None:
    """Paid in part, it is the rest; once a statement carries it over, it is in what that pays."""
    accepted(billing, TV04)
    assert items(billing, COMMISSION_DUE) == items(billing, None) == []
    issued(billing)
    transfer(billing, "B1", "56.00")
    (expected,) = items(billing, COMMISSION_DUE)
    assert (expected.kind, expected.amount, expected.overdue) == ("commission", 5_000, False)
    assert moves(forecast(billing))[COMMISSION_DUE] == (5_000, 0)
    billing.accepted(new_id(), "OR-2026-000124", station=False)
    billing.run(settlement.close_settlements, CloseSettlements(until=date(2026, 11, 23)))
    assert items(billing, COMMISSION_DUE) == []
    stated = [each.amount for each in items(billing, None, LATER) if each.kind == "settlement"]
    assert stated == [95_400 - 5_000, 7_420]  # the provider's and the station's


def test_beyond_the_last_day_is_later(billing: Billing) -> None:
    a_line(billing)
    owed(billing, TV18, station=False)
    found = forecast(billing, INVOICED_ON, days=30)
    assert (len(found.days), moves(found), found.later_in) == (30, {}, 2_120_000)
    assert forecast(billing, INVOICED_ON, days=31).later_in == 0


def test_from_the_payment_to_the_payout(billing: Billing) -> None:
    """TV01: asked for without a date; held; the statement without one until its invoice; the payout today."""
    billing.contracted()
    assert (forecast(billing).undated_in, moves(forecast(billing))) == (106_000, {})
    paid(billing)
    billing.accepted()
    assert (forecast(billing).opening, forecast(billing).undated_in) == (106_000, 0)
    stated = settled(billing)
    found = forecast(billing, LATER)
    today = found.days[0].day
    assert moves(found) == {today: (0, 95_400 + 7_420)}
    assert found.days[0].closing == 106_000 - 95_400 - 7_420
    started = billing.pay_out(stated["provider"].settlement_id)
    assert {(each.kind, each.reference) for each in items(billing, today, LATER)} == {
        ("payout", started.number), ("settlement", stated["station"].number),
    }  # fmt: skip
    assert moves(forecast(billing, LATER)) == {today: (0, 95_400 + 7_420)}, "once, whichever it is now"
    bank_says(billing, ("po", "out", "954.00", started.number))
    found = forecast(billing, LATER)
    assert (found.opening, moves(found)) == (106_000 - 95_400, {today: (0, 7_420)})


def test_a_refund_has_no_day_before_its_red_letter(billing: Billing) -> None:
    billing.accepted()
    approve(billing, ask(billing, 33_333))
    assert (forecast(billing).undated_out, moves(forecast(billing))) == (35_333, {})
    assert [(each.kind, each.direction) for each in items(billing, None)] == [("refund", "out")]


def test_vat_is_paid_on_the_filing_day(billing: Billing) -> None:
    """Of the month that is closed, by the 15th; after it the next 15th."""
    book(billing, "a", 100)
    close(billing)
    early, late = end_of_business_day(date(2026, 12, 14)), end_of_business_day(date(2026, 12, 15))
    assert moves(forecast(billing, early)) == {date(2026, 12, 15): (0, 100)}
    assert moves(forecast(billing, late)) == {date(2027, 1, 15): (0, 100)}


@pytest.mark.parametrize(("actor", "refusal"), [
    (REQUESTER, NotFound), (PROVIDER_FINANCE, NotFound), (DISPUTE_OPERATOR, NotAllowed),
])  # fmt: skip
def test_only_finance_reads_it(billing: Billing, actor: Actor, refusal: type[Exception]) -> None:
    for use_case, wanted in (
        (get_cash_forecast, GetCashForecast()), (list_forecast_items, ListForecastItems()),
    ):  # fmt: skip
        with pytest.raises(refusal):
            billing.run(use_case, wanted, actor)


def test_a_statement_takes_what_it_carries_over(billing: Billing) -> None:
    """What the paper says is to be paid, also before the invoice is there."""
    billing.accepted(station=False)
    settled(billing)
    pay_all(billing)
    billing.within(lambda uow: clawback.owe("provider", PROVIDER_ID, OWED_BACK, ORDER, key="k", uow=uow, now=LATER))
    billing.accepted(new_id(), "OR-2026-000124", station=False)
    billing.run(settlement.close_settlements, CloseSettlements(until=date(2026, 11, 23)))
    (stated,) = items(billing, None, LATER)
    assert (stated.kind, stated.amount) == ("settlement", 95_400 - 31_800)
