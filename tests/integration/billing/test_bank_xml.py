"""A bank's own file on real PostgreSQL: once, by however many and in whatever files it comes."""

import base64

import pytest

from services.billing.adapters import queries
from services.billing.adapters.bank_xml import read_camt
from services.billing.domain.bank_statement import StatementUnreadable
from services.billing.domain.ledger import contract
from services.billing.use_cases.bank_statement import import_bank_file
from services.billing.use_cases.payment import payment_id_of
from services.shared.messages.billing.bank_statement import BankStatementView, ImportBankFile, ListBankLines
from services.shared.messages.billing.payment import GetPayment
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_repositories import at_once
from tests.kit.bank_statement_files import batch, camt053, camt054, entry
from tests.kit.fakes_billing import FINANCE, NOW, ORDER_ID, OWN_ACCOUNT, REQUESTER


def read(billing: Billing, content: bytes) -> BankStatementView:
    wanted = ImportBankFile(account=OWN_ACCOUNT, content=base64.b64encode(content).decode())
    return billing.within(
        lambda uow: import_bank_file(wanted, actor=FINANCE, uow=uow, now=NOW, own_account=OWN_ACCOUNT, read=read_camt)
    )


def reference(billing: Billing) -> str:
    payment_id = payment_id_of(ORDER_ID)
    return billing.run(queries.get_payment, GetPayment(payment_id=payment_id), REQUESTER).reference or ""


def test_one_file_read_by_twenty_at_once(billing: Billing) -> None:
    """Twenty who read a file at the same time book each of its lines once, with the bank's reference or without."""
    billing.contracted(method="bank_transfer")
    content = camt053(
        entry("1060.00", reference="B1", text=reference(billing)),
        entry("5.00"),
        entry("5.00"),
        batch("3.00", ("1.00", "a"), ("2.00", "b"), reference="B2"),
        closing="1073.00",
    )
    views = at_once(*[lambda: read(billing, content)] * 20)
    assert sorted((view.matched, view.suspense, view.repeated) for view in views) == [(0, 0, 5)] * 19 + [(1, 4, 0)]
    assert billing.balance(contract(ORDER_ID)) == 106_000
    assert billing.balance("L:suspense:bank") == 1_300
    assert billing.told.count("payment.succeeded.v1") == 1
    assert billing.violations() == ()


def test_a_wrong_file_leaves_nothing(billing: Billing) -> None:
    """What is wrong in its last entry, or with its sum, leaves no line of a file behind."""
    for content in (camt053(entry("1.00"), entry("x")), camt053(entry("1.00"), closing="2.00")):
        with pytest.raises(StatementUnreadable):
            read(billing, content)
    assert billing.rows("SELECT count(*) FROM bank_line") == [(0,)]


def test_statement_and_notification_at_once(billing: Billing) -> None:
    """Ten notifications and ten statements of the same two lines, read at the same time, book them once."""
    lines = (entry("5.00", reference="B1", own="T1", end_to_end="E1"), entry("7.00", text="rent"))
    booked = [camt053(*lines), camt054(*lines)]
    at_once(*[lambda n=n: read(billing, booked[n % 2]) for n in range(20)])
    assert billing.rows("SELECT count(*), sum(amount) FROM bank_line") == [(2, 1_200)]
    assert billing.balance("L:suspense:bank") == 1_200
    assert billing.rows("SELECT kind, count(*) FROM bank_file GROUP BY 1 ORDER BY 1") == [
        ("camt.053", 1),
        ("camt.054", 1),
    ]
    again = read(billing, camt053(*lines))
    assert (again.file_repeated, again.repeated, again.lines[0].serial_number) == (True, 2, "B1")
    assert billing.violations() == ()


def test_announced_booked_and_withdrawn(billing: Billing) -> None:
    """An announcement is stored, shown and moves nothing; booked otherwise it takes over what the bank then says."""
    read(billing, camt054(entry("5.00", reference="B1", status="PDNG"), entry("3.00", reference="B2", status="PDNG")))
    shown = billing.run(queries.list_bank_lines, ListBankLines(state="announced")).items
    assert {line.serial_number for line in shown} == {"B1", "B2"}
    assert billing.balance("L:suspense:bank") == 0
    read(billing, camt053(entry("5.10", reference="B1"), batch("3.00", ("1.00", "a"), ("2.00", "b"), reference="B2")))
    assert billing.rows("SELECT serial_number, amount, state FROM bank_line ORDER BY 1") == [
        ("B1", 510, "suspense"), ("B2", 300, "withdrawn"), ("B2/1", 100, "suspense"), ("B2/2", 200, "suspense"),
    ]  # fmt: skip
    assert billing.balance("L:suspense:bank") == 810
    assert billing.violations() == ()
