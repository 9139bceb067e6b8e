"""What waits in suspense on real PostgreSQL: listed with what it may be, resolved by many at once, taken back once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters import bank_queries
from services.billing.domain.bank_line_part import PartsDiffer
from services.billing.domain.ledger import AccountOverdrawn, contract, customer_credit
from services.billing.use_cases import order
from services.billing.use_cases.bank_line import confirm_bank_line, resolve_bank_line, undo_bank_line
from services.billing.use_cases.customer_credit import apply_customer_credit
from services.billing.use_cases.payer_agreement import confirm_payer_agreement, record_payer_agreement
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, Refused
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.bank_line import (
    BankLinePart,
    BankLineView,
    ConfirmBankLine,
    GetBankLine,
    ListSuspense,
    ResolveBankLine,
    UndoBankLine,
)
from services.shared.messages.billing.bank_statement import BankStatementView
from services.shared.messages.billing.customer_credit import ApplyCustomerCredit, ListCustomerCredit
from services.shared.messages.billing.payer_agreement import (
    ConfirmPayerAgreement,
    ListPayerAgreements,
    RecordPayerAgreement,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_bank_xml import read as read_file
from tests.integration.billing.test_repositories import at_once, read, reference
from tests.kit.bank_statement_files import camt053, entry
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    DISPUTE_OPERATOR,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    an_organisation,
    cny,
    order_contracted,
)

PAYMENT_ID = payment_id_of(ORDER_ID)
SECOND_ID = new_id()


def only_line(view: BankStatementView) -> UUID:
    (line,) = view.lines
    return line.bank_line_id


def resolve(
    billing: Billing, bank_line_id: UUID, *parts: tuple[str, UUID | None, int], actor: Actor = FINANCE,
    alone_max: int = 10**9,
) -> BankLineView:  # fmt: skip
    made = tuple(
        BankLinePart.model_validate({"kind": kind, "target_id": target, "amount": cny(amount)})
        for kind, target, amount in parts
    )
    wanted = ResolveBankLine(bank_line_id=bank_line_id, parts=made)
    return billing.within(lambda uow: resolve_bank_line(wanted, actor=actor, uow=uow, now=NOW, alone_max=alone_max))


def refusals(answers: list[Any]) -> list[str]:
    unexpected = [each for each in answers if isinstance(each, Exception) and not isinstance(each, Refused)]
    assert unexpected == []
    return sorted(type(each).__name__ for each in answers if isinstance(each, Refused))


def test_resolved_by_ten_at_once(billing: Billing) -> None:
    """Ten operators say at the same moment what a line is, two different things: it is booked once."""
    billing.contracted(method="bank_transfer")
    line = only_line(read(billing, ("s1", "in", "1060.00", "货款")))
    ways = [("payment", PAYMENT_ID, 106_000), ("customer_credit", CUSTOMER_ID, 106_000)]
    answers = at_once(*[lambda n=n: resolve(billing, line, ways[n % 2]) for n in range(10)])
    assert refusals(answers) == ["WrongState"] * 9
    assert billing.balance("L:suspense:bank") == 0
    assert billing.balance(contract(ORDER_ID)) + billing.balance(customer_credit(CUSTOMER_ID)) == 106_000
    assert billing.told.count("bank_line.resolved.v1") == 1
    assert billing.violations() == ()


def test_import_races_resolution(billing: Billing) -> None:
    """While operators give a line in suspense to an order its own transfers come in: the order is paid exactly once."""
    billing.contracted(method="bank_transfer")
    text = reference(billing)
    waiting = [only_line(read(billing, (f"w{n}", "in", "1060.00", "?"))) for n in range(4)]
    deeds: list[Any] = [lambda line=line: resolve(billing, line, ("payment", PAYMENT_ID, 106_000)) for line in waiting]
    deeds += [lambda n=n: read(billing, (f"i{n}", "in", "1060.00", text)) for n in range(4)]
    answers = at_once(*deeds)
    assert set(refusals(answers)) <= {"PartsDiffer"}
    assert billing.balance(contract(ORDER_ID)) == 106_000
    assert billing.told.count("payment.succeeded.v1") == 1
    total = sum(billing.balance(each) for each in (contract(ORDER_ID), customer_credit(CUSTOMER_ID), "L:suspense:bank"))
    assert (total, billing.balance("A:bank:main")) == (8 * 106_000, -8 * 106_000)
    assert billing.violations() == ()


@pytest.mark.parametrize(("amount", "text", "reason", "split"), [
    ("1500.00", "both", "amount_under", [106_000, 44_000]),
    ("2500.00", "both", "amount_over", [106_000, 106_000, 38_000]),
    ("900.00", "first", "amount_under", [90_000]),
    ("2120.00", "", "amount_exact", [106_000, 106_000]),
])  # fmt: skip
def test_a_suggestion_resolves_the_line(
    billing: Billing, amount: str, text: str, reason: str, split: list[int]
) -> None:
    """What a line names is filled in the order in which it was asked for; its parts are taken as they are."""
    billing.contracted(method="bank_transfer")
    billing.contracted(SECOND_ID, "OR-2026-000124", method="bank_transfer")
    billing.contracted(new_id(), "OR-2026-000125", method="card")
    names = {"both": "OR-2026-000123 OR-2026-000124", "first": "OR-2026-000123", "": "货款"}[text]
    line = only_line(read(billing, ("s1", "in", amount, names)))
    (suggested,) = billing.run(bank_queries.get_bank_line, GetBankLine(bank_line_id=line)).suggestions
    assert (suggested.reasons, [part.amount.amount for part in suggested.parts]) == ((reason,), split)
    resolve(billing, line, *((part.kind, part.target_id, part.amount.amount) for part in suggested.parts))
    assert billing.run(bank_queries.get_bank_line, GetBankLine(bank_line_id=line)).suggestions == ()
    held = [billing.balance(each) for each in (contract(ORDER_ID), contract(SECOND_ID), customer_credit(CUSTOMER_ID))]
    assert sorted(each for each in held if each) == sorted(split)
    assert billing.violations() == ()


def test_nothing_is_suggested_that_is_not_sure(billing: Billing) -> None:
    """Less than all of a payer's orders, unnamed; orders of two customers and another sum."""
    other = new_id()
    billing.within(lambda uow: uow.organisations.put(an_organisation(other, kind="customer", legal_name="另一家")))
    billing.contracted(method="bank_transfer")
    theirs = order_contracted(SECOND_ID, "OR-2026-000124", method="bank_transfer")
    billing.handle(order.contracted, theirs.model_copy(update={"customer_id": other}), instructions=INSTRUCTIONS)
    two = "OR-2026-000123 OR-2026-000124"
    for line in read(billing, ("s1", "in", "1059.00", "货款"), ("s2", "in", "2121.00", two)).lines:
        found = billing.run(bank_queries.get_bank_line, GetBankLine(bank_line_id=line.bank_line_id))
        assert (found.state, found.suggestions) == ("suspense", ())


def test_split_between_the_same_orders_at_once(billing: Billing) -> None:
    """Lines split between the same orders, named in both orders, do not block each other, nor overfill one."""
    billing.contracted(method="bank_transfer")
    billing.contracted(SECOND_ID, "OR-2026-000124", method="bank_transfer")
    lines = [only_line(read(billing, (f"s{n}", "in", "1000.00", "?"))) for n in range(8)]
    halves = [("payment", PAYMENT_ID, 50_000), ("payment", payment_id_of(SECOND_ID), 50_000)]
    answers = at_once(
        *[lambda n=n, line=line: resolve(billing, line, *halves[:: 1 if n % 2 else -1]) for n, line in enumerate(lines)]
    )
    assert refusals(answers) == ["PartsDiffer"] * 6
    assert (billing.balance(contract(ORDER_ID)), billing.balance(contract(SECOND_ID))) == (100_000, 100_000)
    assert billing.balance("L:suspense:bank") == 600_000


def test_confirmed_and_undone_by_many_at_once(billing: Billing) -> None:
    """A proposal survives; of many who confirm one does, of many who take back one does; then it is free again."""
    billing.contracted(method="bank_transfer")
    line = only_line(read(billing, ("s1", "in", "500.00", "货款")))
    resolve(billing, line, ("payment", PAYMENT_ID, 50_000), alone_max=0)
    shown = billing.run(bank_queries.get_bank_line, GetBankLine(bank_line_id=line))
    assert shown.proposal is not None
    assert shown.proposal.parts[0].target_id == PAYMENT_ID
    confirm, undo = ConfirmBankLine(bank_line_id=line), UndoBankLine(bank_line_id=line, reason="错")
    answers = at_once(*[lambda: billing.run(confirm_bank_line, confirm, OTHER_FINANCE)] * 5)
    assert refusals(answers) == ["WrongState"] * 4
    answers = at_once(*[lambda: billing.run(undo_bank_line, undo)] * 5)
    assert refusals(answers) == ["WrongState"] * 4
    assert (billing.balance("L:suspense:bank"), billing.balance(contract(ORDER_ID))) == (50_000, 0)
    resolve(billing, line, ("customer_credit", CUSTOMER_ID, 50_000))
    assert billing.balance(customer_credit(CUSTOMER_ID)) == 50_000
    assert billing.violations() == ()


def test_credit_is_spent_once(billing: Billing) -> None:
    """Five who use the same credit at the same moment use it once."""
    billing.contracted(method="bank_transfer")
    line = only_line(read(billing, ("s1", "in", "600.00", "预付")))
    resolve(billing, line, ("customer_credit", CUSTOMER_ID, 60_000))
    (held,) = billing.run(bank_queries.list_customer_credit, ListCustomerCredit()).items
    assert (held.customer_id, held.amount, held.customer_name) == (CUSTOMER_ID, cny(60_000), "青城材料测试中心")
    wanted = ApplyCustomerCredit(customer_id=CUSTOMER_ID, payment_id=PAYMENT_ID, amount=cny(50_000))
    answers = at_once(*[lambda: billing.run(apply_customer_credit, wanted)] * 5)
    assert (
        len([each for each in answers if isinstance(each, AccountOverdrawn)])
        + len([each for each in answers if not isinstance(each, Exception)])
        + len([each for each in answers if "CreditDiffers" in type(each).__name__])
        == 5
    )
    assert billing.balance(contract(ORDER_ID)) == 50_000
    assert billing.balance(customer_credit(CUSTOMER_ID)) == 10_000


def test_agreement_frees_what_waits(billing: Billing) -> None:
    """Two of them, each confirmed twice at once, match the line that waits for them once, and are listed."""
    billing.contracted(method="bank_transfer")
    read_file(billing, camt053(entry("1060.00", text=reference(billing), payer="母公司有限公司")))
    agreement = RecordPayerAgreement(
        customer_id=CUSTOMER_ID, payer_name="母公司有限公司", evidence="代付协议 1", valid_from=NOW.date()
    )
    made = at_once(*[lambda: billing.run(record_payer_agreement, agreement)] * 2)
    assert refusals(made) == []
    assert billing.balance(contract(ORDER_ID)) == 0
    confirmed = [ConfirmPayerAgreement(payer_agreement_id=each.payer_agreement_id) for each in made]
    assert refusals([attempt(billing, each, FINANCE) for each in confirmed]) == ["SameHands"] * 2
    answers = at_once(*[lambda each=each: attempt(billing, each, OTHER_FINANCE) for each in confirmed * 2])
    assert refusals(answers) == ["WrongState"] * 2
    assert billing.balance(contract(ORDER_ID)) == 106_000
    assert billing.told.count("payment.succeeded.v1") == 1
    listed = billing.run(bank_queries.list_payer_agreements, ListPayerAgreements(customer_id=CUSTOMER_ID)).items
    assert [each.payer_name for each in listed] == ["母公司有限公司"] * 2
    with pytest.raises(NotAllowed):
        billing.run(bank_queries.list_payer_agreements, ListPayerAgreements(), DISPUTE_OPERATOR)


def attempt(billing: Billing, command: ConfirmPayerAgreement, actor: Actor) -> Any:
    try:
        return billing.run(confirm_payer_agreement, command, actor)
    except Refused as refused:
        return refused


def test_account_in_any_writing(billing: Billing) -> None:
    """The customer's account suggests its payment, however its bank writes the number."""
    billing.contracted(method="bank_transfer")
    number = billing.rows("SELECT account_number FROM organisation WHERE organisation_id = %s", (CUSTOMER_ID,))[0][0]
    written = f" {number[:4]}-{number[4:]}".translate({ord(str(n)): 0xFF10 + n for n in range(10)})
    read_file(billing, camt053(entry("3.00", text="货款", payer="会计", payer_account=written)))
    (line,) = billing.run(bank_queries.list_suspense, ListSuspense()).items
    assert [each.reasons for each in line.candidates] == [("amount_under", "payer_account")]


def test_suspense_by_age_with_suggestions(billing: Billing) -> None:
    """The oldest or largest first, in pages; sums by age; the likeliest payments with score and reasons."""
    billing.contracted(method="bank_transfer")
    billing.contracted(SECOND_ID, "OR-2026-000124", method="bank_transfer", money=None)
    for days, amount in ((0, "1060.00"), (10, "5.00"), (40, "7.00"), (45, "2.00")):
        day = (NOW - timedelta(days=days)).date().isoformat()
        read_file(billing, camt053(entry(amount, text="货款", payer="青城材料测试中心").replace("2026-11-23", day)))
    page = billing.run(bank_queries.list_suspense, ListSuspense(limit=3))
    assert [line.age_days for line in page.items] == [45, 40, 10]
    rest = billing.run(bank_queries.list_suspense, ListSuspense(limit=3, after=page.next_cursor))
    assert [line.amount.amount for line in rest.items] == [106_000]
    assert [(each.bucket, each.count, each.amount.amount) for each in page.ages] == [
        ("0-7", 1, 106_000), ("8-30", 1, 500), ("over-30", 2, 900),
    ]  # fmt: skip
    largest = billing.run(bank_queries.list_suspense, ListSuspense(order="amount", limit=2))
    assert [line.amount.amount for line in largest.items] == [106_000, 700]
    old = billing.run(bank_queries.list_suspense, ListSuspense(bucket="over-30"))
    assert [line.amount.amount for line in old.items] == [200, 700]
    (line,) = rest.items
    assert [each.order_id for each in line.candidates] in ([ORDER_ID, SECOND_ID], [SECOND_ID, ORDER_ID])
    assert (line.candidates[0].score, line.candidates[0].reasons) == (40, ("amount_exact", "payer_name"))
    assert line.candidates[0].customer_name == "青城材料测试中心"
    resolve(billing, line.bank_line_id, ("payment", line.candidates[0].payment_id, 106_000))
    assert billing.run(bank_queries.get_bank_line, GetBankLine(bank_line_id=line.bank_line_id)).candidates == ()
    with pytest.raises(NotAllowed):
        billing.run(bank_queries.list_suspense, ListSuspense(), DISPUTE_OPERATOR)


def test_wrong_parts_change_nothing(billing: Billing) -> None:
    """What is refused half-way leaves the line, the payment and the ledger as they were."""
    billing.contracted(method="bank_transfer")
    line = only_line(read(billing, ("s1", "in", "2000.00", "货款")))
    with pytest.raises(PartsDiffer):
        resolve(billing, line, ("customer_credit", CUSTOMER_ID, 1), ("payment", PAYMENT_ID, 199_999))
    with pytest.raises(WrongState):
        billing.run(undo_bank_line, UndoBankLine(bank_line_id=line, reason="错"))
    assert billing.rows("SELECT state, turn FROM bank_line") == [("suspense", 0)]
    assert billing.rows("SELECT received FROM payment") == [(0,)]
    assert billing.balance("L:suspense:bank") == 200_000


def test_what_does_not_fit_suspense_is_told(billing: Billing) -> None:
    """A line that left suspense without a posting, or whose parts are not all of it, raises the alarm."""
    waiting = only_line(read(billing, ("s1", "in", "5.00", "?")))
    read(billing, ("s2", "in", "7.00", "?"))
    assert billing.violations() == ()
    billing.database.change("UPDATE bank_line SET state = 'matched' WHERE serial_number = 's2'")
    assert billing.violations() == ("I17 suspense holds what waits in it: in CNY the ledger holds 1200, the lines 500",)
    billing.database.change("UPDATE bank_line SET state = 'suspense' WHERE serial_number = 's2'")
    resolve(billing, waiting, ("interest", None, 500))
    billing.database.change("UPDATE bank_line SET amount = 400 WHERE serial_number = 's1'")
    assert billing.violations() == ("I17 a bank line is the sum of its parts: s1",)
