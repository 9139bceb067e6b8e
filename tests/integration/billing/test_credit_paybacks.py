"""A customer's credit paid back to it: by two, to its own account, and never spent a second time."""

import base64
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from lxml import etree

from services.billing.adapters import credit_payback_repository
from services.billing.adapters.bank_status_xml import read_pain_002
from services.billing.config import settings
from services.billing.domain.bank_line import NotUndoable
from services.billing.domain.bank_line_part import PartsDiffer
from services.billing.domain.bank_order import StatusReportContradicts, StatusReportUnknown
from services.billing.domain.credit_payback import SameHands
from services.billing.domain.ledger import BANK, AccountOverdrawn, contract, customer_credit
from services.billing.domain.payout import BankAccountChanged, BankAccountNotOwn, BankAccountUnconfirmed
from services.billing.use_cases import credit_payback
from services.billing.use_cases.bank_order import read_status_report
from services.billing.use_cases.customer_credit import apply_customer_credit
from services.billing.use_cases.payment import payment_id_of
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.bank_order import ReadStatusReport
from services.shared.messages.billing.credit_payback import (
    ApproveCreditPayback,
    CancelCreditPayback,
    CreditPaybackView,
    FailCreditPayback,
    GetCreditPaybackDocument,
    ListCreditPaybacks,
    RequestCreditPayback,
)
from services.shared.messages.billing.customer_credit import ApplyCustomerCredit
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import bank_says, major
from tests.integration.billing.test_bank_lines import only_line, refusals, resolve
from tests.integration.billing.test_bank_targets import agreed, confirm, holds, says, suspended, undo
from tests.kit.fakes_billing import (
    COOLING_OFF,
    CUSTOMER_ID,
    DISPUTE_OPERATOR,
    FINANCE,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    an_organisation,
    cny,
)
from tests.kit.real_service import together

CREDIT = customer_credit(CUSTOMER_ID)


def credit_of(billing: Billing, amount: int) -> None:
    line = only_line(bank_says(billing, ("c1", "in", f"{amount // 100}.{amount % 100:02d}", "预付")))
    resolve(billing, line, ("customer_credit", CUSTOMER_ID, amount))


def ask(billing: Billing, amount: int, actor: Actor = FINANCE, customer_id: UUID = CUSTOMER_ID) -> CreditPaybackView:
    wanted = RequestCreditPayback(customer_id=customer_id, amount=cny(amount), reason="no further orders")
    return billing.run(partial(credit_payback.request_credit_payback, cooling_off=COOLING_OFF), wanted, actor)


def approve(billing: Billing, asked: CreditPaybackView, actor: Actor = OTHER_FINANCE) -> CreditPaybackView:
    wanted = ApproveCreditPayback(credit_payback_id=asked.credit_payback_id)
    return billing.run(partial(credit_payback.approve_credit_payback, cooling_off=COOLING_OFF), wanted, actor)


def fail(billing: Billing, asked: CreditPaybackView, actor: Actor = FINANCE) -> CreditPaybackView:
    wanted = FailCreditPayback(credit_payback_id=asked.credit_payback_id, reason="closed")
    return billing.run(credit_payback.fail_credit_payback, wanted, actor)


def test_all_the_way_and_back(billing: Billing) -> None:
    """Asked for, let go by another, ordered by a file, told by the bank twice; sent back, it is credit again, once."""
    credit_of(billing, 60_000)
    asked = ask(billing, 50_000)
    assert (asked.state, billing.balance(CREDIT)) == ("requested", 60_000)
    with pytest.raises(SameHands):
        approve(billing, asked, FINANCE)
    assert approve(billing, asked).state == "ordered"
    with pytest.raises(WrongState):
        approve(billing, asked)
    assert billing.balance(CREDIT) == 10_000
    assert billing.violations() == ()
    billing.do_outside()
    store = ObjectStore(str(settings().object_store_url), settings().bucket, settings().records_bucket)
    read = partial(
        credit_payback_repository.get_credit_payback_document, download_url=lambda key, name: f"{key}#{name}"
    )
    wanted = GetCreditPaybackDocument(credit_payback_id=asked.credit_payback_id)
    document = billing.run(read, wanted)
    body = etree.fromstring(store.fetch(str(document.url).split("#")[0]))
    assert (body.findtext(".//{*}EndToEndId"), body.findtext(".//{*}InstdAmt")) == (asked.number, "500.00")
    assert body.findtext(".//{*}CdtrAcct//{*}Id/{*}Othr/{*}Id") == "6217000000008810"
    assert bank_says(billing, ("b1", "out", "500.01", asked.number)).lines[0].state == "suspense"
    for _ in range(2):
        paid = bank_says(billing, ("b2", "out", "500.00", f"退还 {asked.number}"))
    assert paid.lines[0].target == f"credit_payback/{asked.credit_payback_id}"
    assert bank_says(billing, ("b3", "out", "500.00", asked.number)).lines[0].state == "suspense"
    back = bank_says(billing, ("r1", "in", "500.00", asked.number))
    assert (back.lines[0].state, back.lines[0].reason) == ("matched", "returned")
    assert bank_says(billing, ("r2", "in", "500.00", asked.number)).lines[0].state == "suspense"
    assert billing.balance(CREDIT) == 60_000
    assert told(billing) == ["ordered", "paid", "returned"]
    (listed,) = billing.run(credit_payback_repository.list_credit_paybacks, ListCreditPaybacks()).items
    assert (listed.state, listed.failure) == ("returned", "returned")
    assert billing.violations() == ()


def test_what_the_bank_does_not_make(billing: Billing) -> None:
    """Said by another than who let it go, or nobody has asked the bank yet: it is the customer's credit."""
    credit_of(billing, 50_000)
    first, second = ask(billing, 50_000), ask(billing, 50_000)
    approve(billing, first)
    with pytest.raises(AccountOverdrawn):
        approve(billing, second)
    with pytest.raises(SameHands):
        fail(billing, first, OTHER_FINANCE)
    assert fail(billing, first).state == "failed"
    with pytest.raises(WrongState):
        fail(billing, first)
    cancel = CancelCreditPayback(credit_payback_id=second.credit_payback_id)
    assert billing.run(credit_payback.cancel_credit_payback, cancel).state == "cancelled"
    with pytest.raises(WrongState):
        approve(billing, second)
    assert billing.balance(CREDIT) == 50_000
    assert told(billing) == ["ordered", "failed"]
    late = bank_says(billing, ("b1", "out", "500.00", first.number)).lines[0]
    assert late.state == "suspense"
    agreed(billing, late.bank_line_id, ("credit_payback", first.credit_payback_id, 50_000))
    assert (state_of(billing), billing.balance(CREDIT)) == ("paid", 0)
    with pytest.raises(NotUndoable):
        undo(billing, late.bank_line_id)
    holds(billing)


def test_paid_all_the_same_when_it_is_spent(billing: Billing) -> None:
    """The bank makes one that it had refused when an order has been paid with the credit: nobody books it away."""
    billing.contracted(method="bank_transfer")
    credit_of(billing, 50_000)
    asked = approve(billing, ask(billing, 50_000))
    fail(billing, asked)
    use = ApplyCustomerCredit(customer_id=CUSTOMER_ID, payment_id=payment_id_of(ORDER_ID), amount=cny(50_000))
    billing.run(apply_customer_credit, use)
    line = suspended(billing, "b1", "out", "500.00")
    says(billing, line, ("credit_payback", asked.credit_payback_id, 50_000))
    with pytest.raises(AccountOverdrawn):
        confirm(billing, line)
    assert (state_of(billing), billing.balance(contract(ORDER_ID))) == ("failed", 50_000)
    assert billing.violations() == ()


def test_lines_without_its_number(billing: Billing) -> None:
    """Said by two: the debit and the return, each once, whole, in its direction and state; the return may be undone."""
    credit_of(billing, 50_000)
    asked = approve(billing, ask(billing, 50_000))
    mine = asked.credit_payback_id
    out = suspended(billing, "b1", "out", "500.00", "转账")
    back = suspended(billing, "r1", "in", "500.00", "退汇")
    refused: list[tuple[UUID, str, UUID, int, type[Exception]]] = [
        (out, "credit_payback", mine, 49_999, PartsDiffer),
        (out, "credit_payback_return", mine, 50_000, PartsDiffer),
        (back, "credit_payback_return", mine, 50_000, WrongState),
        (out, "credit_payback", new_id(), 50_000, NotFound),
        (out, "credit_payback", CUSTOMER_ID, 50_000, NotFound),
    ]
    for line, kind, target, amount, refusal in refused:
        with pytest.raises(refusal):
            says(billing, line, (kind, target, amount), *[("fee", None, 1)] * (50_000 - amount))
    with pytest.raises(NotAllowed):
        says(billing, out, ("credit_payback", mine, 50_000), actor=DISPUTE_OPERATOR)
    says(billing, out, ("credit_payback", mine, 50_000))
    answers = together([partial(confirm, billing, out)] * 5)
    assert refusals(answers) == ["WrongState"] * 4
    assert (state_of(billing), billing.balance(f"L:credit_payback:{mine}")) == ("paid", 0)
    agreed(billing, back, ("credit_payback_return", mine, 50_000))
    assert (state_of(billing), billing.balance(CREDIT)) == ("returned", 50_000)
    holds(billing)
    undo(billing, back)
    assert (state_of(billing), billing.balance(CREDIT)) == ("paid", 0)
    agreed(billing, back, ("credit_payback_return", mine, 50_000))
    assert told(billing) == ["ordered", "paid", "returned", "paid", "returned"]
    holds(billing)


def test_a_file_that_lists_the_newest_first(billing: Billing) -> None:
    """What was made and what came back of it in one file, the return above the debit: both are booked."""
    credit_of(billing, 50_000)
    asked = approve(billing, ask(billing, 50_000))
    read = bank_says(billing, ("r1", "in", "500.00", asked.number), ("b1", "out", "500.00", asked.number))
    assert (read.matched, read.suspense) == (2, 0)
    assert (state_of(billing), billing.balance(CREDIT)) == ("returned", 50_000)
    assert told(billing) == ["ordered", "paid", "returned"]
    holds(billing)


def test_what_the_bank_answers(billing: Billing) -> None:
    """pain.002: noted, refused once, contradicted by the statement; of another amount, number or time: nothing."""
    credit_of(billing, 50_000)
    asked = ask(billing, 20_000)
    with pytest.raises(StatusReportUnknown):
        answered(billing, asked.number, "RJCT")
    approve(billing, asked)
    for number, amount, refusal in (("CP-2026-009999", 20_000, StatusReportUnknown),
                                    (asked.number, 20_001, StatusReportContradicts)):  # fmt: skip
        with pytest.raises(refusal):
            answered(billing, number, "RJCT", amount)
    assert answered(billing, asked.number, "ACCP") == "noted"
    assert (state_of(billing), billing.balance(CREDIT)) == ("ordered", 30_000)
    answers = together([partial(answered, billing, asked.number, "RJCT")] * 4)
    assert sorted(map(str, answers)) == ["failed", "known", "known", "known"]
    assert (state_of(billing), billing.balance(CREDIT)) == ("failed", 50_000)
    assert answered(billing, asked.number, "ACSC") == "contradicts"
    second = approve(billing, ask(billing, 30_000))
    bank_says(billing, ("b2", "out", "300.00", second.number))
    assert answered(billing, second.number, "RJCT") == "contradicts"
    assert billing.balance(CREDIT) == 20_000
    assert told(billing) == ["ordered", "failed", "ordered", "paid"]
    assert billing.violations() == ()


def told(billing: Billing) -> list[str]:
    return [each.split(".")[1] for each in billing.told if each.startswith("credit_payback.")]


def state_of(billing: Billing) -> str:
    """Of the first that was asked for."""
    (state, *_) = billing.rows("SELECT state FROM credit_payback ORDER BY number")
    return str(state[0])


def answered(billing: Billing, number: str, status: str, amount: int | None = None) -> str:
    """What came of the bank's answer to one order; *amount* in minor units, where it repeats it."""
    told_amount = (
        f'<OrgnlTxRef><Amt><InstdAmt Ccy="CNY">{major(cny(amount))}</InstdAmt></Amt></OrgnlTxRef>' if amount else ""
    )
    body = (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlGrpInfAndSts>'
        f"<OrgnlMsgId>{number}</OrgnlMsgId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><TxInfAndSts>"
        f"<OrgnlEndToEndId>{number}</OrgnlEndToEndId><TxSts>{status}</TxSts>{told_amount}"
        "</TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )
    content = base64.b64encode(body.encode()).decode()
    use_case = partial(read_status_report, read=read_pain_002)
    (payment,) = billing.run(use_case, ReadStatusReport(content=content)).payments
    return payment.outcome


def test_to_nobody_else(billing: Billing) -> None:
    """Not above the credit, to no other holder, to no account that changed since; by finance alone."""
    credit_of(billing, 50_000)
    with pytest.raises(AccountOverdrawn):
        ask(billing, 50_001)
    for nobody in (PROVIDER_ID, ORDER_ID):
        with pytest.raises(NotFound):
            ask(billing, 1, customer_id=nobody)
    for stranger in (REQUESTER, DISPUTE_OPERATOR):
        with pytest.raises((NotFound, NotAllowed)):
            ask(billing, 1, stranger)
    asked = ask(billing, 50_000)
    changes: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"account_number": "6217000000000009"}, BankAccountChanged),
        ({"account_name": "别人"}, BankAccountNotOwn),
        ({"verified": False}, BankAccountUnconfirmed),
    ]
    for change, refusal in changes:
        billing.within(lambda uow, change=change: uow.organisations.put(an_organisation(CUSTOMER_ID, **change)))  # type: ignore[misc]
        with pytest.raises(refusal):
            approve(billing, asked)
    assert billing.balance(CREDIT) == 50_000


@pytest.mark.parametrize("round_", range(3))
def test_races_with_an_order_that_is_paid_with_it(billing: Billing, round_: int) -> None:
    """Two paybacks of all of it and three orders' payments at once: the credit is spent once, whoever is first."""
    del round_
    billing.contracted(method="bank_transfer")
    credit_of(billing, 60_000)
    paybacks = [ask(billing, 60_000) for _ in range(2)]
    use = ApplyCustomerCredit(customer_id=CUSTOMER_ID, payment_id=payment_id_of(ORDER_ID), amount=cny(35_000))
    deeds: list[Any] = [partial(approve, billing, each) for each in paybacks]
    deeds += [partial(billing.run, apply_customer_credit, use)] * 3
    answers = together(deeds)
    assert set(refusals(answers)) == {"AccountOverdrawn"}
    assert len(refusals(answers)) == 4
    used = billing.balance(contract(ORDER_ID))
    ordered = sum(billing.balance(f"L:credit_payback:{each.credit_payback_id}") for each in paybacks)
    assert (used, ordered) in {(35_000, 0), (0, 60_000)}
    assert billing.balance(CREDIT) + used + ordered == 60_000
    assert billing.violations() == ()


@pytest.mark.parametrize("round_", range(3))
def test_failed_and_made_at_once(billing: Billing, round_: int) -> None:
    """A person says that it failed while the bank's files show it made: one counts, and the money adds up."""
    del round_
    credit_of(billing, 50_000)
    asked = approve(billing, ask(billing, 50_000))
    pays = [partial(bank_says, billing, ("b1", "out", "500.00", asked.number), (f"x{n}", "in", "1.00", "?"))
            for n in range(3)]  # fmt: skip
    together([partial(fail, billing, asked), *pays, partial(fail, billing, asked)])
    ((state,),) = billing.rows("SELECT state FROM credit_payback")
    expected = {"paid": 0, "failed": 50_000}
    assert billing.balance(CREDIT) == expected[str(state)]
    assert billing.balance(BANK) == -300
    assert billing.violations() == ()
