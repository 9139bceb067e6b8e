"""Finance at the company's account: orders that wait for transfers, and lines that come."""

from datetime import date
from uuid import UUID

from services.billing.domain.ledger import (
    BANK,
    SUSPENSE,
    contract,
    customer_credit,
)
from services.billing.use_cases import order
from services.billing.use_cases.bank_line import confirm_bank_line, resolve_bank_line, undo_bank_line
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.payer_agreement import confirm_payer_agreement, record_payer_agreement
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.messages.billing.bank_line import (
    BankLinePart,
    BankLineView,
    ConfirmBankLine,
    ResolveBankLine,
    UndoBankLine,
)
from services.shared.messages.billing.bank_statement import BankLine, ImportBankStatement
from services.shared.messages.billing.payer_agreement import (
    ConfirmPayerAgreement,
    PayerAgreementView,
    RecordPayerAgreement,
)
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    FakeBillingUnitOfWork,
    cny,
    order_contracted,
    statement,
)


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

    def recorded(
        self, payer: str, until: date | None = None, account: str = "", actor: Actor = FINANCE,
        customer_id: UUID = CUSTOMER_ID,
    ) -> UUID:  # fmt: skip
        """An agreement from 1 November 2026 on, which nobody has confirmed."""
        command = RecordPayerAgreement(
            customer_id=customer_id, payer_name=payer, payer_account=account, evidence="合同室 2026-17",
            valid_from=date(2026, 11, 1), valid_until=until,
        )  # fmt: skip
        return record_payer_agreement(command, actor=actor, uow=self.uow, now=NOW).payer_agreement_id

    def confirm_payer(self, payer_agreement_id: UUID, actor: Actor = OTHER_FINANCE) -> PayerAgreementView:
        command = ConfirmPayerAgreement(payer_agreement_id=payer_agreement_id)
        return confirm_payer_agreement(command, actor=actor, uow=self.uow, now=NOW)

    def agreed(self, payer: str, until: date | None = None, account: str = "") -> UUID:
        """An agreement that another one has confirmed."""
        made = self.recorded(payer, until, account)
        self.confirm_payer(made)
        return made

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
