"""What a provider sold itself, on its statements: told once, to it alone, and nothing of it is owed."""

import io
from datetime import date

import pytest
from openpyxl import load_workbook

from services.billing.adapters import settlement_repositories, settlement_sales
from services.billing.adapters.documents import Party, settlement_statement_pdf
from services.billing.adapters.settlement_papers import statement_of
from services.billing.adapters.statement_sheet import settlement_statement_xlsx
from services.billing.use_cases import invoice
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.settlement import (
    ListSettlementSales,
    SettlementSalePage,
    SettlementView,
)
from tests.integration.billing.agent_orders import COMMISSION, PAID, give_back, paid, split
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_credit import invoiced
from tests.integration.billing.test_agent_orders import TV05, accepted, refunded
from tests.integration.billing.test_commission_debts import issued
from tests.integration.billing.test_settlements import close, lines_of
from tests.integration.billing.test_tax_invariants import risen
from tests.integration.documents.reading import text_of
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import FINANCE, LATER, ORDER_ID, OTHER_STATION_MANAGER, PROVIDER_FINANCE, PROVIDER_ID, cny
from tests.kit.real_service import together

COMPANY = Party("西部科仪共享", "91500103MA60ABCD7X")
OTHER = derived_id("order", "sold by us")


def sales(
    billing: Billing, stated: SettlementView, actor: Actor = PROVIDER_FINANCE, **how: object
) -> SettlementSalePage:  # fmt: skip
    wanted = ListSettlementSales.model_validate({"settlement_id": stated.settlement_id, **how})
    return billing.run(settlement_sales.list_settlement_sales, wanted, actor)


def test_a_provider_to_which_nothing_is_owed_is_told_what_it_sold(billing: Billing, channel: ChannelControl) -> None:
    """Split at source; no invoice is awaited and no payout may start; the commission's invoice is told once it is."""
    paid(billing, channel)
    split(billing)
    (stated,) = close(billing).items
    assert (stated.state, stated.gross, stated.to_pay, stated.order_count) == ("paid", cny(0), cny(0), 1)
    (sale,) = sales(billing, stated).items
    assert (sale.way, sale.sold, sale.split_off) == ("agent_psp_split", cny(PAID), cny(COMMISSION))
    assert (sale.commission, sale.commission_tax, sale.invoice_number) == (cny(10_000), cny(600), "")
    money = {"net": cny(10_000), "tax": cny(600), "gross": cny(10_600)}
    billing.handle(invoice.keep_copy, invoiced(money=money).model_copy(update={"customer_id": PROVIDER_ID}))
    assert sales(billing, stated).items[0].invoice_number == "INV-2026-000001"
    assert billing.rows("SELECT count(*) FROM outbox WHERE type = 'settlement.closed.v1'") == [(0,)]
    assert lines_of(billing, stated).items == ()
    assert close(billing).items == ()
    billing.do_outside()
    assert billing.rows("SELECT state, document_key <> '', sheet_key <> '' FROM settlement") == [("paid", True, True)]
    assert billing.violations() == ()


def test_what_was_paid_directly_stands_beside_what_is_owed(billing: Billing) -> None:
    accepted(billing, TV05)
    billing.accepted(OTHER, "OR-2026-000124", station=False)
    (stated,) = close(billing).items
    assert (stated.state, stated.gross, stated.order_count) == ("closed", cny(95_400), 1)
    (sale,) = sales(billing, stated).items
    assert (sale.order_id, sale.way, sale.sold, sale.split_off) == (ORDER_ID, "agent_direct", cny(PAID), cny(0))
    (line,) = lines_of(billing, stated).items
    assert line.order_id == OTHER
    assert billing.violations() == ()


def test_a_commission_that_rose_has_two_invoices_and_is_one_sale(billing: Billing) -> None:
    made = risen(billing)
    issued(billing, 4_000, 240, refund_id=made.refund_id)
    (stated,) = close(billing).items
    (sale,) = sales(billing, stated).items
    assert (sale.commission, sale.invoice_number) == (cny(5_000), "INV-2026-000001")


def test_the_sheet_has_it_as_numbers(billing: Billing) -> None:
    accepted(billing, TV05)
    (stated,) = close(billing).items
    with billing.engine.connect() as connection:
        statement = statement_of(connection, stated.settlement_id, COMPANY)
    assert (statement.first_on, statement.lines) == (date(2026, 11, 23), ())
    (sheet,) = load_workbook(io.BytesIO(settlement_statement_xlsx(statement))).worksheets
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    (sold,) = [row for row in rows if row[0] == "OR-2026-000123"]
    assert sold[1] == "直接收款 paid directly"
    assert sold[4:] == [1010, 0, 100, 6, "—"]
    assert rows[-1][4:8] == [1010, 0, 100, 6]
    assert not [row for row in rows if str(row[0]).startswith("应开发票")]


def test_what_is_accepted_later_stands_on_the_next_one(billing: Billing) -> None:
    accepted(billing, TV05)
    assert close(billing, date(2026, 11, 22)).items == ()
    assert len(close(billing).items) == 1


def test_closed_ten_times_at_once_each_is_told_once(billing: Billing) -> None:
    accepted(billing, TV05)
    answers = together([lambda: close(billing).items] * 10)
    assert sorted(len(each) for each in answers) == [0] * 9 + [1]  # type: ignore[arg-type]
    assert billing.rows("SELECT count(*) FROM stated_sale") == billing.rows("SELECT count(*) FROM settlement") == [(1,)]


def test_very_many_are_cut(billing: Billing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement_repositories, "ORDERS_PER_STATEMENT_MAX", 2)
    accepted(billing, TV05)
    for n in range(4):
        billing.database.change(
            "INSERT INTO contracted_order SELECT (jsonb_populate_record(o, jsonb_build_object("
            f"'order_id', '{derived_id('order', str(n))}', 'number', 'OR-2026-90000{n}'))).* FROM contracted_order o"
            f" WHERE order_id = '{ORDER_ID}'"
        )
    stated = close(billing).items
    assert [each.order_count for each in stated] == [2, 2, 1]
    assert len({sale.order_id for each in stated for sale in sales(billing, each).items}) == 5
    first = sales(billing, stated[0], limit=1)
    assert first.next_cursor is not None
    assert len(sales(billing, stated[0], after=first.next_cursor).items) == 1


def test_nobody_else_sees_them(billing: Billing) -> None:
    accepted(billing, TV05)
    (stated,) = close(billing).items
    assert len(sales(billing, stated, FINANCE).items) == 1
    with pytest.raises(NotFound):
        sales(billing, stated, OTHER_STATION_MANAGER)


def test_what_is_not_accepted_is_not_told(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    assert close(billing).items == ()


def test_what_was_given_back_before_the_statement_stands_below_the_sale(billing: Billing) -> None:
    """Half of it: the sale as accepted, what was taken back, and sums of what is left, in every form."""
    accepted(billing, TV05)
    refunded(billing, 50_000)
    billing.accepted(OTHER, "OR-2026-000124", station=False)
    (stated,) = close(billing).items
    (sale,) = sales(billing, stated).items
    assert (sale.sold, sale.commission, sale.commission_tax) == (cny(PAID), cny(10_000), cny(600))
    assert (sale.refunded, sale.commission_reduced, sale.commission_tax_reduced) == (cny(50_500), cny(5_000), cny(300))
    with billing.engine.connect() as connection:
        statement = statement_of(connection, stated.settlement_id, COMPANY)
    (sheet,) = load_workbook(io.BytesIO(settlement_statement_xlsx(statement))).worksheets
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    sold, back = [row for row in rows if row[0] == "OR-2026-000123"]
    assert (sold[4:], back[1], back[4:]) == ([1010, 0, 100, 6, "—"], "已退款 given back", [-505, 0, -50, -3, "—"])
    assert rows[-1][4:8] == [505, 0, 50, 3]
    text = text_of(settlement_statement_pdf(statement))
    assert "-505.00" in text
    assert "CommissionwithVAT,CNY53.00" in text
    refunded(billing, 50_000, now=LATER)
    assert sales(billing, stated).items == (sale,), "what is taken back later changes no statement"


def test_what_is_wholly_given_back_is_told_as_nothing_sold(billing: Billing, channel: ChannelControl) -> None:
    """At the channel: it has returned what it split off for us, too."""
    paid(billing, channel)
    split(billing)
    give_back(billing, 100_000)
    billing.do_outside()
    (stated,) = close(billing, date(2026, 11, 23)).items
    (sale,) = sales(billing, stated).items
    assert (sale.sold, sale.split_off) == (sale.refunded, sale.split_returned) == (cny(PAID), cny(COMMISSION))
    assert (sale.commission_reduced, sale.commission_tax_reduced) == (sale.commission, sale.commission_tax)
    with billing.engine.connect() as connection:
        statement = statement_of(connection, stated.settlement_id, COMPANY)
    assert statement.sum_of(each.sold for each in statement.sales) == cny(0)
    assert "销售合计" in str(list(load_workbook(io.BytesIO(settlement_statement_xlsx(statement))).worksheets[0].values))
