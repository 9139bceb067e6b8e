"""What a station's share is taken of, the fee or the margin, stands on its statement in every form, and adds up."""

import io

import pytest
from openpyxl import load_workbook

from services.billing.adapters.documents import Party, settlement_statement_pdf
from services.billing.adapters.settlement_papers import statement_of
from services.billing.adapters.statement_sheet import settlement_statement_xlsx
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.settlement import SettlementView
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import refunded
from tests.integration.billing.test_settlements import close, lines_of
from tests.integration.documents.reading import text_of
from tests.kit.fakes_billing import ORDER_ID, STATION_MANAGER, amounts, cny

COMPANY = Party("西部科仪共享", "91500103MA60ABCD7X")
OTHER = derived_id("order", "by its fee")


def resold(billing: Billing, base: str) -> None:
    """N 5,444.40 bought for 3,802.48: a fee of 544.44, and a margin of 1,641.92."""
    billing.accepted(money=amounts(544_440, 32_666), buy_net=cny(380_248), station_base=base)


def of_station(billing: Billing) -> SettlementView:
    (stated,) = [each for each in close(billing).items if each.party_kind == "station"]
    return stated


def printed(billing: Billing, stated: SettlementView) -> tuple[str, list[list[object]]]:
    """The text of its PDF without white space, and the rows of its sheet."""
    with billing.engine.connect() as connection:
        statement = statement_of(connection, stated.settlement_id, COMPANY)
    (sheet,) = load_workbook(io.BytesIO(settlement_statement_xlsx(statement))).worksheets
    return text_of(settlement_statement_pdf(statement)), [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.mark.parametrize(
    ("base", "of", "kept", "earned", "name"),
    [
        ("margin", 164_192, 49_258, 114_934, "转售差价Resalemargins1,641.92运营机构留存Keptbythecompany-492.58"),
        ("fee", 54_444, 16_333, 38_111, "管理费Managementfees544.44运营机构留存Keptbythecompany-163.33"),
    ],
)
def test_the_base_less_what_the_company_keeps_is_the_share(
    billing: Billing, base: str, of: int, kept: int, earned: int, name: str
) -> None:
    """70 % of the margin, or of the fee: a station can follow it on paper, in the sheet and in its lines."""
    resold(billing, base)
    stated = of_station(billing)
    (line,) = lines_of(billing, stated, STATION_MANAGER).items
    assert (line.base, line.base_of, line.net) == (cny(of), base, cny(earned))
    text, rows = printed(billing, stated)
    assert name in text
    (row,) = [row for row in rows if row[0] == "OR-2026-000123"]
    assert row[4:7] == [of / 100, -kept / 100, earned / 100]
    assert ("转售差价" in text) is (base == "margin")
    assert billing.violations() == ()


def test_both_bases_on_one_statement_are_told_apart_and_so_is_what_is_taken_back(billing: Billing) -> None:
    """A third of the resold order is given back: its correction is of the margin too. Sums are kind by kind."""
    resold(billing, "margin")
    billing.accepted(OTHER, "OR-2026-000124")
    refunded(billing, 181_480)
    stated = of_station(billing)
    lines = {(line.order_id, line.kind): line for line in lines_of(billing, stated, STATION_MANAGER).items}
    taken = lines[(ORDER_ID, "correction")]
    assert (taken.base, taken.base_of, taken.net) == (cny(-54_731), "margin", cny(-38_311))
    assert lines[(OTHER, "acceptance")].base_of == "fee"
    text, rows = printed(billing, stated)
    assert "管理费Managementfees100.00转售差价Resalemargins1,094.61运营机构留存Keptbythecompany-358.38" in text
    assert "管理费或差价Feeormargin" in text
    marked = {str(row[0]): str(row[3]) for row in rows if str(row[0]).startswith("OR-")}
    assert "of the margin" in marked["OR-2026-000123"]
    assert "of the margin" not in marked["OR-2026-000124"]


def test_a_provider_sees_neither(billing: Billing) -> None:
    """What the company resells its work for is no affair of the provider's."""
    resold(billing, "margin")
    (stated,) = [each for each in close(billing).items if each.party_kind == "provider"]
    (line,) = lines_of(billing, stated).items
    assert (line.order_net, line.fee, line.base, line.base_of) == (cny(380_248), cny(0), cny(380_248), "order_net")
    text, _ = printed(billing, stated)
    assert "5,444.40" not in text
    assert "差价" not in text
