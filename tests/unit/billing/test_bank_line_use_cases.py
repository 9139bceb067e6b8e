"""Who paid, for what, and how sure that is; what waits in suspense is resolved, confirmed and taken back."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.billing.domain.bank_line import NotUndoable, PartsDiffer, SameHandsResolve
from services.billing.domain.bank_matching import AgreementEndsBefore, one_form
from services.billing.domain.customer_credit import CreditDiffers
from services.billing.domain.ledger import (
    BANK,
    BANK_FEE,
    INTEREST,
    SUSPENSE,
    AccountOverdrawn,
    contract,
    customer_credit,
)
from services.billing.use_cases import order
from services.billing.use_cases.bank_line import confirm_bank_line, resolve_bank_line, undo_bank_line
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.customer_credit import apply_customer_credit
from services.billing.use_cases.payer_agreement import record_payer_agreement
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, Refused
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.bank_line import (
    BankLinePart,
    BankLineReopened,
    BankLineResolved,
    BankLineView,
    ConfirmBankLine,
    ResolveBankLine,
    UndoBankLine,
)
from services.shared.messages.billing.bank_statement import BankLine, ImportBankStatement
from services.shared.messages.billing.customer_credit import ApplyCustomerCredit
from services.shared.messages.billing.payer_agreement import RecordPayerAgreement
from services.shared.messages.billing.payment import PaymentSucceeded
from services.shared.messages.orders.order import OrderCancelled
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    DISPUTE_OPERATOR,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    PROVIDER_ID,
    REQUESTER,
    FakeBillingUnitOfWork,
    an_organisation,
    cny,
    order_contracted,
    statement,
)

PAYMENT_ID = payment_id_of(ORDER_ID)
SECOND_ID, THIRD_ID = new_id(), new_id()
SECOND_CUSTOMER = new_id()
MOTHER = "青城集团有限公司"


class Desk:
    """Finance at the company's account: orders wait for transfers of 1,060.00 each."""

    def __init__(self) -> None:
        self.uow = FakeBillingUnitOfWork()
        self.read_so_far = 0
        self.waits_for(ORDER_ID, "OR-2026-000123")

    def waits_for(self, order_id: UUID, number: str, customer_id: UUID = CUSTOMER_ID) -> str:
        event = order_contracted(order_id, number, method="bank_transfer").model_copy(
            update={"customer_id": customer_id}
        )
        order.contracted(event, uow=self.uow, now=NOW, instructions=INSTRUCTIONS)
        return self.reference(order_id)

    def reference(self, order_id: UUID = ORDER_ID) -> str:
        return self.uow.payments.held[payment_id_of(order_id)].reference or ""

    def missing(self, order_id: UUID = ORDER_ID) -> int:
        return self.uow.payments.held[payment_id_of(order_id)].missing

    def came(self, amount: str, text: str = "", payer: str = "青城材料测试中心", direction: str = "in") -> BankLine:
        self.read_so_far += 1
        csv = statement((f"s{self.read_so_far}", direction, amount, text), payer=payer)
        command = ImportBankStatement(account=OWN_ACCOUNT, csv=csv)
        (line,) = import_bank_statement(command, actor=FINANCE, uow=self.uow, now=NOW, own_account=OWN_ACCOUNT).lines
        return line

    def resolve(
        self, line: BankLine, *parts: tuple[str, UUID | None, int], actor: Actor = FINANCE, alone_max: int = 10**9
    ) -> BankLineView:
        made = tuple(
            BankLinePart.model_validate({"kind": kind, "target_id": target, "amount": cny(amount)})
            for kind, target, amount in parts
        )
        command = ResolveBankLine(bank_line_id=line.bank_line_id, parts=made, reason="看过回单")
        return resolve_bank_line(command, actor=actor, uow=self.uow, now=NOW, alone_max=alone_max)

    def confirm(self, line: BankLine, actor: Actor) -> BankLineView:
        return confirm_bank_line(ConfirmBankLine(bank_line_id=line.bank_line_id), actor=actor, uow=self.uow, now=NOW)

    def undo(self, line: BankLine, actor: Actor = FINANCE) -> BankLineView:
        command = UndoBankLine(bank_line_id=line.bank_line_id, reason="认错订单")
        return undo_bank_line(command, actor=actor, uow=self.uow, now=NOW)

    def balances(self) -> tuple[int, int, int, int]:
        """Bank (debit), suspense, the first order, the customer's credit (credit)."""
        balance = self.uow.ledger.balance
        return -balance(BANK), balance(SUSPENSE), balance(contract(ORDER_ID)), balance(customer_credit(CUSTOMER_ID))


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
    agree(desk, payer="另一家有限公司")
    agree(desk, until=date(2026, 11, 22))
    assert desk.balances() == (106_000, 106_000, 0, 0)
    agree(desk, payer="青城集团有限责任公司")
    assert desk.balances() == (106_000, 0, 106_000, 0)
    assert [event.by for event in desk.uow.events(BankLineResolved)] == [""]
    assert len(desk.uow.events(PaymentSucceeded)) == 1
    second = desk.waits_for(SECOND_ID, "OR-2026-000124")
    assert desk.came("1060.00", second, payer=MOTHER).state == "matched"


def agree(
    desk: Desk, payer: str = MOTHER, until: date | None = None, actor: Actor = FINANCE, customer: UUID = CUSTOMER_ID
) -> None:
    command = RecordPayerAgreement(
        customer_id=customer,
        payer_name=payer,
        evidence="合同室 2026-17",
        valid_from=date(2026, 11, 1),
        valid_until=until,
    )
    record_payer_agreement(command, actor=actor, uow=desk.uow, now=NOW)


def test_agreements_are_finances() -> None:
    """Nobody else records one, nor for a customer that is none."""
    desk = Desk()
    for actor, refusal in ((DISPUTE_OPERATOR, NotAllowed), (REQUESTER, NotFound)):
        with pytest.raises(refusal):
            agree(desk, actor=actor)
    with pytest.raises(NotFound):
        agree(desk, customer=PROVIDER_ID)
    with pytest.raises(AgreementEndsBefore):
        agree(desk, until=date(2026, 10, 1))


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
    assert line.target == f"payment/{PAYMENT_ID}, payment/{payment_id_of(SECOND_ID)}"
    assert (desk.missing(), desk.missing(SECOND_ID)) == (0, 0)
    assert len(desk.uow.events(PaymentSucceeded)) == 2
    desk.uow.organisations.put(an_organisation(SECOND_CUSTOMER))
    third = desk.waits_for(THIRD_ID, "OR-2026-000125", SECOND_CUSTOMER)
    fourth = desk.waits_for(new_id(), "OR-2026-000126")
    assert desk.came("2120.00", f"{third} {fourth}").reason == "several_references"


def test_resolved_in_parts() -> None:
    """The operator splits a line between orders and the customer's credit: suspense empties into them, once."""
    desk = Desk()
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    line = desk.came("2000.00", "货款")
    parts = (
        ("payment", PAYMENT_ID, 106_000),
        ("payment", payment_id_of(SECOND_ID), 90_000),
        ("customer_credit", CUSTOMER_ID, 4_000),
    )
    shown = desk.resolve(line, *parts)
    assert (shown.state, [part.amount.amount for part in shown.parts]) == ("matched", [106_000, 90_000, 4_000])
    assert desk.balances() == (200_000, 0, 106_000, 4_000)
    assert (desk.missing(), desk.missing(SECOND_ID)) == (0, 16_000)
    with pytest.raises(WrongState):
        desk.resolve(line, *parts)
    (event,) = desk.uow.events(BankLineResolved)
    assert (event.reason, len(event.parts)) == ("看过回单", 3)


def test_parts_must_fit() -> None:
    """Not more or less than the line, nor than an order waits for, nor twice the same, nor against its direction."""
    desk = Desk()
    line = desk.came("2000.00", "货款")
    wrong: list[tuple[tuple[str, UUID | None, int], ...]] = [
        (("payment", PAYMENT_ID, 106_000),),
        (("payment", PAYMENT_ID, 200_000),),
        (("payment", PAYMENT_ID, 100_000), ("payment", PAYMENT_ID, 100_000)),
        (("payment", None, 200_000),),
        (("fee", None, 200_000),),
        (("returned", line.bank_line_id, 200_000),),
        (("customer_credit", None, 200_000),),
    ]
    for parts in wrong:
        with pytest.raises(PartsDiffer):
            desk.resolve(line, *parts)
    for target in (
        ("payment", new_id(), 200_000),
        ("customer_credit", PROVIDER_ID, 200_000),
        ("returned", new_id(), 200_000),
    ):
        with pytest.raises(NotFound):
            desk.resolve(line, target)
    with pytest.raises(NotAllowed):
        desk.resolve(line, ("payment", PAYMENT_ID, 200_000), actor=DISPUTE_OPERATOR)
    assert desk.balances() == (200_000, 200_000, 0, 0)


def test_the_banks_own() -> None:
    """A fee that went out is cost, interest that came in is revenue."""
    desk = Desk()
    desk.resolve(desk.came("12.00", "手续费", direction="out"), ("fee", None, 1_200))
    desk.resolve(desk.came("3.00", "结息"), ("interest", None, 300))
    assert (desk.uow.ledger.balance(BANK_FEE), desk.uow.ledger.balance(INTEREST)) == (-1_200, 300)
    assert desk.uow.ledger.balance(SUSPENSE) == 0


def test_money_that_was_sent_back() -> None:
    """What came in by mistake and went out again is a pair; either opens with the other."""
    desk = Desk()
    came, went = desk.came("50.00", "误付"), desk.came("50.00", "退回", direction="out")
    with pytest.raises(PartsDiffer):
        desk.resolve(came, ("returned", desk.came("51.00", "退回", direction="out").bank_line_id, 5_000))
    desk.resolve(went, ("returned", came.bank_line_id, 5_000))
    states = {line.serial_number: line.state for line in desk.uow.bank_lines.held.values()}
    assert states == {"s1": "matched", "s2": "matched", "s3": "suspense"}
    assert desk.undo(came).state == "suspense"
    assert desk.uow.bank_lines.held[went.bank_line_id].state == "suspense"


def test_a_large_line_needs_a_second_person() -> None:
    """Above the setting it is proposed; who proposed it does not confirm it; what was paid meanwhile refuses."""
    desk = Desk()
    line = desk.came("1060.00", "货款")
    shown = desk.resolve(line, ("payment", PAYMENT_ID, 106_000), alone_max=105_999)
    assert (shown.state, shown.proposal is not None) == ("suspense", True)
    with pytest.raises(SameHandsResolve):
        desk.confirm(line, FINANCE)
    with pytest.raises(NotAllowed):
        desk.confirm(line, DISPUTE_OPERATOR)
    assert desk.balances() == (106_000, 106_000, 0, 0)
    assert desk.confirm(line, OTHER_FINANCE).state == "matched"
    with pytest.raises(WrongState):
        desk.confirm(line, OTHER_FINANCE)
    other = desk.came("1060.00", "货款")
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    desk.resolve(other, ("payment", payment_id_of(SECOND_ID), 106_000), alone_max=0)
    desk.came("1060.00", desk.reference(SECOND_ID))
    with pytest.raises(PartsDiffer):
        desk.confirm(other, OTHER_FINANCE)


def test_taken_back_by_a_reversal() -> None:
    """What was matched wrongly waits again; the ledger keeps both; then it is matched rightly, as often as needed."""
    desk = Desk()
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    line = desk.came("500.00", "货款")
    for _ in range(2):
        desk.resolve(line, ("payment", PAYMENT_ID, 50_000))
        assert desk.undo(line).reason == "undone"
        assert desk.balances() == (50_000, 50_000, 0, 0)
        assert desk.missing() == 106_000
    desk.resolve(line, ("payment", payment_id_of(SECOND_ID), 50_000))
    assert desk.missing(SECOND_ID) == 56_000
    assert len(desk.uow.events(BankLineReopened)) == 2
    assert sum(tx.reverses is not None for tx in desk.uow.ledger.transactions.values()) == 2


def test_an_automatic_match_is_taken_back_too() -> None:
    """A line that never stood in suspense stands there then."""
    desk = Desk()
    line = desk.came("500.00", desk.reference())
    desk.undo(line)
    assert desk.balances() == (50_000, 50_000, 0, 0)
    desk.resolve(line, ("customer_credit", CUSTOMER_ID, 50_000))
    assert desk.balances() == (50_000, 0, 0, 50_000)


def test_what_is_not_taken_back() -> None:
    """A paid order is undone by a refund; used credit is gone; who is not finance takes nothing back."""
    desk = Desk()
    paid = desk.came("1060.00", desk.reference())
    with pytest.raises(WrongState):
        desk.undo(paid)
    again = desk.came("1060.00", desk.reference())
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    applied(desk, 106_000, SECOND_ID)
    with pytest.raises(AccountOverdrawn):
        desk.undo(again)
    with pytest.raises(NotAllowed):
        desk.undo(again, actor=DISPUTE_OPERATOR)
    waiting = desk.came("1.00", "?")
    with pytest.raises(WrongState):
        desk.undo(waiting)


def applied(desk: Desk, amount: int, order_id: UUID, customer: UUID = CUSTOMER_ID, actor: Actor = FINANCE) -> int:
    command = ApplyCustomerCredit(customer_id=customer, payment_id=payment_id_of(order_id), amount=cny(amount))
    return apply_customer_credit(command, actor=actor, uow=desk.uow, now=NOW).missing.amount


def test_credit_pays_another_order() -> None:
    """Of the same customer, as far as it waits and as there is credit; the order is told when it is paid."""
    desk = Desk()
    desk.resolve(desk.came("1500.00", "预付"), ("customer_credit", CUSTOMER_ID, 150_000))
    assert applied(desk, 6_000, ORDER_ID) == 100_000
    assert applied(desk, 100_000, ORDER_ID) == 0
    assert desk.balances() == (150_000, 0, 106_000, 44_000)
    assert len(desk.uow.events(PaymentSucceeded)) == 1
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    refusals: list[tuple[type[Refused], dict[str, Any]]] = [
        (AccountOverdrawn, {"amount": 50_000}),
        (CreditDiffers, {"amount": 106_001}),
        (NotFound, {"customer": PROVIDER_ID}),
        (NotAllowed, {"actor": DISPUTE_OPERATOR}),
    ]
    for refusal, change in refusals:
        with pytest.raises(refusal):
            applied(desk, **{"amount": 1_000, "order_id": SECOND_ID, **change})


def test_money_for_a_cancelled_order() -> None:
    """It is the customer's credit; of somebody else it waits."""
    desk = Desk()
    order.cancelled(
        OrderCancelled(order_id=ORDER_ID, number="", customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason=""),
        uow=desk.uow, now=NOW,
    )  # fmt: skip
    assert desk.came("7.00", desk.reference()).reason == "not_waiting"
    assert desk.came("7.00", desk.reference(), payer=MOTHER).reason == "payer_mismatch"
    assert desk.balances() == (1_400, 700, 0, 700)


def test_a_payouts_line_is_not_undone_here() -> None:
    """It has steps of its own."""
    desk = Desk()
    line = desk.came("5.00", "x", direction="out")
    desk.uow.bank_lines.held[line.bank_line_id].match("payout/1")
    with pytest.raises(NotUndoable):
        desk.undo(line)
