"""Commission that a provider owes, paid by its transfer on real PostgreSQL, and what tries to break that (TV04)."""

from collections.abc import Iterator

import pytest

from services.billing.domain.ledger import BANK, SUSPENSE
from services.billing.use_cases import settlement
from services.billing.use_cases.bank_statement import import_bank_statement
from services.shared.messages.billing.bank_statement import BankStatementView, ImportBankStatement
from services.shared.messages.billing.settlement import CloseSettlements
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import entries
from tests.integration.billing.test_agent_orders import DAY, OWES, TV04, accepted, refunded
from tests.kit.fakes_billing import FINANCE, NOW, OWN_ACCOUNT, an_organisation, statement
from tests.kit.real_service import together
from tests.kit.trade_vectors import ACCOUNTS

OWED = 10_600
REFERENCE = "CM-2026-000123"
PROVIDER = an_organisation().legal_name


@pytest.fixture(autouse=True)
def everything_holds(billing: Billing) -> Iterator[None]:
    """Whatever a test did: no invariant is hurt after it."""
    yield
    assert billing.violations() == ()


def transfer(
    billing: Billing, serial: str, amount: str, text: str = REFERENCE, payer: str = PROVIDER
) -> BankStatementView:
    """A line of the bank's statement, which finance reads."""
    wanted = ImportBankStatement(account=OWN_ACCOUNT, csv=statement((serial, "in", amount, text), payer=payer))
    made: BankStatementView = billing.within(
        lambda uow: import_bank_statement(wanted, actor=FINANCE, uow=uow, now=NOW, own_account=OWN_ACCOUNT)
    )
    return made


def left(billing: Billing) -> int:
    return int(billing.rows('SELECT sum("left")::int FROM clawback')[0][0])


def test_a_transfer_that_names_it_pays_it(billing: Billing) -> None:
    """D bank, C what the provider owes; the same statement again does nothing."""
    accepted(billing, TV04)
    assert (left(billing), billing.balance(OWES)) == (OWED, -OWED)
    (line,) = transfer(billing, "B1", "106.00", "佣金 CM2026000123 commission").lines
    assert (line.state, line.reason) == ("matched", "")
    assert line.target.startswith("commission/")
    assert entries(billing, ":B1") == [("D", BANK, OWED), ("C", OWES, OWED)]
    assert transfer(billing, "B1", "106.00", "佣金 CM2026000123 commission").file_repeated
    assert (left(billing), billing.balance(OWES), billing.balance(BANK)) == (0, 0, -OWED)


def test_in_parts_and_more_than_is_owed(billing: Billing) -> None:
    """A part leaves the rest owed; what is over is on the provider's next statement, and so is what comes again."""
    accepted(billing, TV04)
    transfer(billing, "B1", "50.00")
    assert left(billing) == OWED - 5_000
    (line,) = transfer(billing, "B2", "60.00").lines
    assert (line.state, line.reason) == ("matched", "surplus")
    assert (left(billing), billing.balance(OWES)) == (0, 0)
    transfer(billing, "B3", "106.00")
    over = 400 + OWED
    assert billing.balance(ACCOUNTS["provider accrued"]) == over
    closed = billing.run(settlement.close_settlements, CloseSettlements(until=DAY))
    assert [each.gross.amount for each in closed.items if each.party_kind == "provider"] == [over]


@pytest.mark.parametrize(
    ("text", "payer"),
    [
        pytest.param(REFERENCE, "某某有限公司", id="somebody else paid"),
        pytest.param(f"{REFERENCE} CM-2026-000124", "", id="nobody says who paid"),
        pytest.param("CM-2026-000999", PROVIDER, id="no such order"),
        pytest.param("佣金 commission", PROVIDER, id="no reference"),
    ],
)
def test_what_is_unsure_waits_for_a_person(billing: Billing, text: str, payer: str) -> None:
    accepted(billing, TV04)
    (line,) = transfer(billing, "B1", "106.00", text, payer).lines
    assert line.state == "suspense"
    assert (left(billing), billing.balance(SUSPENSE)) == (OWED, OWED)


def test_ten_transfers_at_once_pay_it_once(billing: Billing) -> None:
    """One of them pays it, all others are the provider's again."""
    accepted(billing, TV04)
    done = together([lambda n=n: transfer(billing, f"B{n}", "106.00") for n in range(10)])  # type: ignore[misc]
    assert all(isinstance(each, BankStatementView) for each in done)
    assert (left(billing), billing.balance(OWES)) == (0, 0)
    assert billing.balance(ACCOUNTS["provider accrued"]) == 9 * OWED
    assert billing.balance(BANK) == -10 * OWED


def test_a_refund_after_it_was_paid_is_owed_to_the_provider(billing: Billing) -> None:
    """Half of the net: half of the commission is on its next statement, and nothing is owed."""
    accepted(billing, TV04)
    transfer(billing, "B1", "106.00")
    refunded(billing, 50_000)
    assert (left(billing), billing.balance(OWES)) == (0, 0)
    assert billing.balance(ACCOUNTS["provider accrued"]) == OWED // 2
