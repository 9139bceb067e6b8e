"""To which account a transfer of a refund goes: to who paid, and never to one that nobody has confirmed."""

from datetime import timedelta
from typing import Any

import pytest

from services.billing.adapters import refund_queries
from services.billing.domain.payout import BankAccountNew, BankAccountNotOwn, BankAccountUnconfirmed
from services.billing.domain.refund import PayerWithoutBankAccount
from services.billing.use_cases import order, refund
from services.billing.use_cases.payer_agreement import confirm_payer_agreement, record_payer_agreement
from services.shared.kernel.errors import Conflict
from services.shared.messages.billing.payer_agreement import ConfirmPayerAgreement, RecordPayerAgreement
from services.shared.messages.billing.refund import ApproveRefund, GetRefund, RefundView, RerouteRefund
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, approve_refund, ask, card_says, paid, red_letter
from tests.integration.billing.test_bank_xml import read, reference
from tests.kit.bank_statement_files import camt053, entry
from tests.kit.fakes_billing import COOLING_OFF, CUSTOMER_ID, NOW, OTHER_FINANCE, an_organisation, order_accepted

CUSTOMERS_NAME = an_organisation(CUSTOMER_ID).legal_name
GROUP, GROUPS_ACCOUNT = "甲乙丙集团有限公司", "6230000000000000123"


def told(billing: Billing, **changes: Any) -> None:
    """What identity says of the customer from now on."""
    billing.within(lambda uow: uow.organisations.put(an_organisation(CUSTOMER_ID, **changes)))


def sent_to(billing: Billing, made: RefundView) -> tuple[str, str, str]:
    (part,) = billing.run(refund_queries.get_refund, GetRefund(refund_id=made.refund_id)).parts
    return part.state, part.account_name, part.account_number


NOT_OURS = {"account_name": "李四", "account_number": "6666000000000666"}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"verified": False}, BankAccountUnconfirmed),
        ({"verified": False, "legal_name": "攻击者有限公司", "account_name": "攻击者有限公司"}, BankAccountUnconfirmed),
        (NOT_OURS, BankAccountNotOwn),
        ({"account_changed_at": NOW - COOLING_OFF + timedelta(minutes=1)}, BankAccountNew),
        ({"account_number": "", "account_name": "", "bank_name": ""}, PayerWithoutBankAccount),
    ],
)
def test_an_account_that_nobody_confirmed_is_not_paid(
    billing: Billing, changes: dict[str, Any], refusal: type[Conflict]
) -> None:
    """What was paid by card and must go by bank is not sent there; it is once the account may be paid."""
    paid(billing)
    made = approve(billing, ask(billing, 10_000))
    card_says(billing, made, succeeded=False)
    billing.run(refund.reroute_refund, RerouteRefund(refund_id=made.refund_id, route="bank_transfer"))
    told(billing, **changes)
    with pytest.raises(refusal):
        billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id), OTHER_FINANCE)
    assert sent_to(billing, made) == ("waiting", "", "")
    told(billing)
    billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id), OTHER_FINANCE)
    assert sent_to(billing, made) == ("sent", CUSTOMERS_NAME, "6217000000008810")
    assert billing.violations() == ()


def test_who_changes_its_name_and_account_gets_nothing_by_the_red_letter(billing: Billing) -> None:
    """Nobody can be refused then: the transfer waits to be approved anew, and is refused to who does so too soon."""
    billing.contracted(method="bank_transfer")
    line = entry("1060.00", reference="B1", text=reference(billing), payer=CUSTOMERS_NAME)
    read(billing, camt053(line))
    billing.handle(order.accepted, order_accepted(method="bank_transfer"))
    made = approve(billing, ask(billing, 10_000))
    told(billing, verified=False, legal_name="攻击者有限公司", **NOT_OURS)
    red_letter(billing, made)
    assert sent_to(billing, made) == ("waiting", "", "")
    with pytest.raises(Conflict):
        billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id), OTHER_FINANCE)
    told(billing)
    billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id), OTHER_FINANCE)
    assert sent_to(billing, made) == ("sent", CUSTOMERS_NAME, "6217000000008810")
    assert billing.violations() == ()


def test_what_somebody_else_paid_goes_back_to_them(billing: Billing) -> None:
    """By an agreement on who pays: to the account that it came from, also when the customer has another one since."""
    _group_pays(billing, "1060.00", account=GROUPS_ACCOUNT)
    told(billing, verified=False, **NOT_OURS)
    made = approve(billing, ask(billing, 10_000))
    assert sent_to(billing, made) == ("sent", GROUP, GROUPS_ACCOUNT)
    assert billing.do_outside() == 1
    assert billing.violations() == ()


@pytest.mark.parametrize(("name", "account"), [(CUSTOMERS_NAME[:8], ""), ("材料中心二部", "6217 0000 0000 8810")])
def test_the_customer_by_a_name_cut_short_or_by_its_account(billing: Billing, name: str, account: str) -> None:
    """Who pays is known here by what the line was matched by: a bank may cut names, or know the account otherwise."""
    billing.contracted(method="bank_transfer")
    line = entry("1060.00", reference="B1", text=reference(billing), payer=name, payer_account=account)
    read(billing, camt053(line))
    assert sent_to(billing, approve(billing, ask(billing, 10_000))) == ("sent", CUSTOMERS_NAME, "6217000000008810")
    assert billing.violations() == ()


def test_where_the_bank_does_not_say_the_account_the_agreement_does(billing: Billing) -> None:
    """Without either nobody guesses: it is refused, nothing is booked, and goes once the agreement names one."""
    _group_pays(billing, "1060.00")
    asked = ask(billing, 10_000)
    with pytest.raises(PayerWithoutBankAccount):
        approve(billing, asked)
    _agreed(billing, GROUPS_ACCOUNT)
    assert sent_to(billing, approve(billing, asked)) == ("sent", GROUP, GROUPS_ACCOUNT)
    assert billing.violations() == ()


def test_what_the_customer_and_another_paid_together_goes_to_the_customer(billing: Billing) -> None:
    _group_pays(billing, "60.00", account=GROUPS_ACCOUNT)
    read(billing, camt053(entry("1000.00", reference="B2", text=reference(billing), payer=CUSTOMERS_NAME)))
    assert sent_to(billing, approve(billing, ask(billing, 10_000))) == ("sent", CUSTOMERS_NAME, "6217000000008810")
    assert billing.violations() == ()


def _group_pays(billing: Billing, amount: str, account: str = "") -> None:
    billing.contracted(method="bank_transfer")
    _agreed(billing, "")
    read(billing, camt053(entry(amount, reference="B1", text=reference(billing), payer=GROUP, payer_account=account)))


def _agreed(billing: Billing, account: str) -> None:
    agreement = RecordPayerAgreement(
        customer_id=CUSTOMER_ID, payer_name=GROUP, payer_account=account, evidence="代付协议 7", valid_from=NOW.date()
    )
    made = billing.run(record_payer_agreement, agreement)
    wanted = ConfirmPayerAgreement(payer_agreement_id=made.payer_agreement_id)
    billing.run(confirm_payer_agreement, wanted, OTHER_FINANCE)
