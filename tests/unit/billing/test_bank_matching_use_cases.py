"""Who paid, for what, and how sure that is."""

from datetime import date

import pytest

from services.billing.domain.payer_agreement import one_form
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.bank_line import (
    BankLineResolved,
)
from services.shared.messages.billing.payment import PaymentSucceeded
from tests.kit.fakes_billing import (
    ORDER_ID,
    an_organisation,
)
from tests.kit.finance_desk import Desk

PAYMENT_ID = payment_id_of(ORDER_ID)
SECOND_ID, THIRD_ID = new_id(), new_id()
SECOND_CUSTOMER = new_id()
MOTHER = "青城集团有限公司"


@pytest.mark.parametrize(
    "name",
    [
        "青城材料测试中心",
        " 青城 材料测试中心 ",
        "青城材料测试中心(青城)"[:8],
        "（青城）材料测试中心".replace("（青城）", "青城"),
    ],
)
def test_names_as_banks_print_them(name: str) -> None:
    """Spaces, width and brackets make no other payer."""
    desk = Desk()
    assert desk.came("1060.00", desk.reference(), payer=name).state == "matched"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("江淮新材料有限公司", "江淮新材料有限责任公司"),
        ("江淮（合肥）新材料有限公司", "江淮(合肥)新材料有限公司"),
        ("ＡＢＣ新材料有限公司", "abc 新材料有限公司"),
        ("Acme Co., Ltd.", "ACME COMPANY LIMITED"),
    ],
)
def test_one_firm(one: str, other: str) -> None:
    """What is one firm in two writings is one name."""
    assert one_form(one) == one_form(other)


def test_two_firms() -> None:
    """A daughter is not its mother."""
    assert one_form("江淮新材料有限公司") != one_form("江淮新材料（合肥）有限公司")


def test_wrong_payer_waits_until_an_agreement() -> None:
    """M10: somebody else's money pays no order, until a 代付协议 is recorded; then it does, and the next at once."""
    desk = Desk()
    line = desk.came("1060.00", desk.reference(), payer=MOTHER)
    assert (line.state, line.reason) == ("suspense", "payer_mismatch")
    assert desk.balances() == (106_000, 106_000, 0, 0)
    desk.agreed("另一家有限公司")
    desk.agreed(MOTHER, until=date(2026, 11, 22))
    assert desk.balances() == (106_000, 106_000, 0, 0)
    desk.agreed("青城集团有限责任公司")
    assert desk.balances() == (106_000, 0, 106_000, 0)
    assert [event.by for event in desk.uow.events(BankLineResolved)] == [""]
    assert len(desk.uow.events(PaymentSucceeded)) == 1
    second = desk.waits_for(SECOND_ID, "OR-2026-000124")
    assert desk.came("1060.00", second, payer=MOTHER).state == "matched"


def test_the_same_transfer_again_is_credit() -> None:
    """M10, duplicate: the same payer, amount and reference again is the customer's credit; the order is paid once."""
    desk = Desk()
    desk.came("1060.00", desk.reference())
    assert desk.came("1060.00", desk.reference()).reason == "duplicate"
    assert desk.balances() == (212_000, 0, 106_000, 106_000)
    assert len(desk.uow.events(PaymentSucceeded)) == 1


def test_a_reused_reference_waits() -> None:
    """M10: for another amount, or where another order waits for as much, a person says what it is for."""
    desk = Desk()
    desk.came("1060.00", desk.reference())
    assert desk.came("500.00", desk.reference()).reason == "reference_reused"
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    assert desk.came("1060.00", desk.reference()).reason == "reference_reused"
    assert desk.came("1060.00", desk.reference(), payer=MOTHER).reason == "payer_mismatch"
    assert desk.balances()[1] == 262_000


@pytest.mark.parametrize(
    ("amount", "payer", "state", "reason"),
    [
        ("1070.00", "青城材料测试中心", "matched", "surplus"),
        ("1059.50", "青城材料测试中心", "matched", "partial"),
        ("1060.00", "", "matched", ""),
        ("1070.00", "", "suspense", "payer_unknown"),
        ("1059.50", "", "suspense", "payer_unknown"),
    ],
)
def test_how_sure_it_must_be(amount: str, payer: str, state: str, reason: str) -> None:
    """TV12, M10: over and under are taken from the customer itself; of an unknown payer only what is exact."""
    desk = Desk()
    line = desk.came(amount, desk.reference(), payer=payer)
    assert (line.state, line.reason) == (state, reason)


def test_one_transfer_for_several_orders() -> None:
    """Split by itself where one customer names them all and the sum is exactly what is missing; else it waits."""
    desk = Desk()
    second = desk.waits_for(SECOND_ID, "OR-2026-000124")
    line = desk.came("2120.00", f"{desk.reference()} {second}")
    assert line.state == "matched"
    assert set(line.target.split(", ")) == {f"payment/{PAYMENT_ID}", f"payment/{payment_id_of(SECOND_ID)}"}
    assert (desk.missing(), desk.missing(SECOND_ID)) == (0, 0)
    assert len(desk.uow.events(PaymentSucceeded)) == 2
    desk.uow.organisations.put(an_organisation(SECOND_CUSTOMER))
    third = desk.waits_for(THIRD_ID, "OR-2026-000125", SECOND_CUSTOMER)
    fourth = desk.waits_for(new_id(), "OR-2026-000126")
    assert desk.came("2120.00", f"{third} {fourth}").reason == "several_references"


@pytest.mark.parametrize("text", [
    "订单 OR-2026-000123 OR-2026-000124",
    "OR-2026-000123，or 2026 000124",
    "OR2026000123OR2026000124",
    "货款 {0} OR-2026-000124",
    "订单 OR-2026-000123/OR-2026-000124 OR-2026-000123",
    "{2} {3}",
])  # fmt: skip
def test_one_transfer_that_names_orders_in_any_way(text: str) -> None:
    """By order numbers, by references, by their digits alone, mixed or twice; each once and exactly their sum."""
    desk = Desk()
    second = desk.waits_for(SECOND_ID, "OR-2026-000124")
    said = text.format(desk.reference(), second, desk.reference()[2:], second[2:])
    assert desk.came("2120.00", said).state == "matched"
    assert (desk.missing(), desk.missing(SECOND_ID)) == (0, 0)


@pytest.mark.parametrize(("amount", "payer", "reason"), [
    ("2120.01", "青城材料测试中心", "unknown_reference"),
    ("1060.00", "青城材料测试中心", "several_references"),
    ("2120.00", MOTHER, "payer_mismatch"),
])  # fmt: skip
def test_one_transfer_for_orders_that_is_not_sure(amount: str, payer: str, reason: str) -> None:
    """Another sum, or as much as each of them alone, or somebody else's money: it waits."""
    desk = Desk()
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    line = desk.came(amount, "OR-2026-000123 OR-2026-000124", payer=payer)
    assert (line.state, line.reason) == ("suspense", reason)
    assert desk.balances()[2:] == (0, 0)


def test_one_order_by_its_number() -> None:
    """Exactly what it misses from its customer; a number without check digits of an unknown payer is for a person."""
    desk = Desk()
    assert desk.came("1060.00", "OR-2026-000123", payer="").reason == "payer_unknown"
    assert desk.came("1060.00", "OR-2026-000123").state == "matched"
    assert desk.came("1060.00", "OR-2026-000999").reason == "unknown_reference"
