"""A bank's own file on real PostgreSQL: once, by however many and in whatever files it comes."""

import base64

import pytest

from services.billing.adapters import queries
from services.billing.adapters.bank_xml import read_camt053
from services.billing.domain.bank_statement import StatementUnreadable
from services.billing.domain.ledger import contract
from services.billing.use_cases.bank_statement import import_bank_file
from services.billing.use_cases.payment import payment_id_of
from services.shared.messages.billing.bank_statement import BankStatementView, ImportBankFile
from services.shared.messages.billing.payment import GetPayment
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_repositories import at_once
from tests.kit.bank_statement_files import batch, camt053, entry
from tests.kit.fakes_billing import FINANCE, NOW, ORDER_ID, OWN_ACCOUNT, REQUESTER


def read(billing: Billing, content: bytes) -> BankStatementView:
    wanted = ImportBankFile(account=OWN_ACCOUNT, content=base64.b64encode(content).decode())
    return billing.within(
        lambda uow: import_bank_file(
            wanted, actor=FINANCE, uow=uow, now=NOW, own_account=OWN_ACCOUNT, read=read_camt053
        )
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
