"""Orders on credit, made and paid on real PostgreSQL: what tests of credit and of receivables begin with."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from services.billing.adapters import credit_queries
from services.billing.domain.receivable import (
    REMINDER_DAYS,
)
from services.billing.use_cases import bank_statement, credit, order, receivable
from services.billing.use_cases.receivable import receivable_id_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.ids import derived_id
from services.shared.kernel.payment_reference import reference_of
from services.shared.kernel.payment_schedule import payment_schedule
from services.shared.messages.base import View
from services.shared.messages.billing.bank_statement import ImportBankStatement
from services.shared.messages.billing.credit import (
    ApproveCreditLine,
    CreditLineView,
    ListCreditLines,
    ProposeCreditLine,
)
from services.shared.messages.invoicing.invoice import InvoiceIssued
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    PROVIDER_ID,
    amounts,
    an_actor,
    cny,
    order_accepted,
    statement,
)

NUMBER = "OR-2026-000123"
RECEIVABLE_ID = receivable_id_of(ORDER_ID, "acceptance")
ON_CREDIT: dict[str, Any] = {"method": "credit", "payment_schedule": payment_schedule(0), "net_days": 30}
DEPOSIT: dict[str, Any] = {**ON_CREDIT, "payment_schedule": payment_schedule(3_000)}
TV18 = amounts(2_000_000, 120_000)
INVOICED_ON = datetime(2026, 12, 5, 2, 0, tzinfo=UTC)


V = TypeVar("V", bound=View)


def ask(use_case: Callable[..., V]) -> Callable[..., V]:
    return partial(use_case, block_overdue_days=1)


def a_line(billing: Billing, limit: int = 10_000_000, **terms: Any) -> CreditLineView:
    wanted: dict[str, Any] = {"net_days": 30, "valid_until": date(2027, 12, 31), **terms}
    proposed = billing.run(
        ask(credit.propose_credit_line), ProposeCreditLine(customer_id=CUSTOMER_ID, limit=cny(limit), **wanted)
    )
    return approve(billing, proposed)


def approve(billing: Billing, proposed: CreditLineView, actor: Actor = OTHER_FINANCE) -> CreditLineView:
    assert proposed.proposal is not None
    command = ApproveCreditLine(
        credit_line_id=proposed.credit_line_id, proposal_id=proposed.proposal.proposal_id
    )  # fmt: skip
    return billing.run(ask(credit.approve_credit_line), command, actor)


def line_now(billing: Billing, now: datetime = NOW) -> CreditLineView:
    (line,) = billing.run(ask(credit_queries.list_credit_lines), ListCreditLines(), now=now).items
    return line


def invoiced(
    order_id: UUID = ORDER_ID, money: dict[str, Any] | None = None, at: datetime = INVOICED_ON
) -> InvoiceIssued:
    figures = money or amounts()
    return InvoiceIssued(
        invoice_id=derived_id("invoice", order_id), number="INV-2026-000001", order_id=order_id,
        order_number=NUMBER, customer_id=CUSTOMER_ID, net=figures["net"], tax=figures["tax"], gross=figures["gross"],
        tax_rate_bps=600, issued_at=at, pdf_sha256="0" * 64, xml_sha256="0" * 64,
    )  # fmt: skip


def owed(billing: Billing, money: dict[str, Any] | None = None, **how: Any) -> None:
    """An order on credit, contracted, accepted and invoiced."""
    terms = {**ON_CREDIT, **how}
    billing.contracted(money=money, **terms)
    billing.handle(order.accepted, order_accepted(money=money, at=NOW, **terms))
    billing.handle(receivable.invoiced, invoiced(money=money), INVOICED_ON, **REMINDING)


REMINDING: dict[str, Any] = {"instructions": INSTRUCTIONS, "reminder_days": REMINDER_DAYS}


def pay(billing: Billing, amount: str, serial: str = "s1", number: str = NUMBER) -> None:
    text = statement((serial, "in", amount, reference_of(number)))
    use_case = partial(bank_statement.import_bank_statement, own_account=OWN_ACCOUNT)
    billing.run(use_case, ImportBankStatement(account=OWN_ACCOUNT, csv=text))


def told(billing: Billing, wire_name: str) -> int:
    """Timers included."""
    ((found,),) = billing.rows("SELECT count(*) FROM outbox WHERE type = %s", (wire_name,))
    return int(found)


def state(billing: Billing) -> tuple[str, int, int]:
    ((found, paid, written_off),) = billing.rows("SELECT state, paid, written_off FROM receivable")
    return found, paid, written_off


def entries(billing: Billing, key: str) -> list[tuple[str, str, int]]:
    return billing.rows(
        "SELECT side, account, amount FROM ledger_entry JOIN ledger_tx USING (transaction_id)"
        " WHERE idem_key = %s ORDER BY line",
        (key,),
    )


STRANGER = an_actor(PROVIDER_ID, "requester", "approver", "customer_finance", "provider_finance")
