"""Steps of refunds that their tests have in common."""

from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from services.billing.adapters import refund_queries
from services.billing.domain.commission import Burden, StationBase
from services.billing.domain.ledger import owed
from services.billing.use_cases import card_refund, refund, settlement
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.money import Money
from services.shared.messages.billing.bank_statement import BankStatementView, ImportBankStatement
from services.shared.messages.billing.refund import (
    ApproveRefund,
    GetRefund,
    RefundView,
    RequestRefund,
)
from services.shared.messages.billing.settlement import CloseSettlements, SettlementView
from services.shared.messages.orders.order import OrderCancelled
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import (
    COOLING_OFF,
    CUSTOMER_ID,
    FINANCE,
    LATER,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    PROVIDER_ID,
    STATION_ID,
    amounts,
    card_facts,
    statement,
)
from tests.unit.billing.test_settlement_use_cases import match

PROVIDER_ACCRUED = owed("provider", PROVIDER_ID, "accrued")
PROVIDER_PAYABLE = owed("provider", PROVIDER_ID, "payable")
STATION_ACCRUED = owed("station", STATION_ID, "accrued")


approve_refund = partial(refund.approve_refund, cooling_off=COOLING_OFF)
waive_red_letter = partial(refund.waive_red_letter, cooling_off=COOLING_OFF)


def ask(billing: Billing, net: int, order_id: UUID = ORDER_ID, burden: Burden = "provider",
        station_base: StationBase = "remaining", currency: str = "CNY") -> RefundView:  # fmt: skip
    wanted = RequestRefund(
        order_id=order_id, net=Money(net, currency), burden=burden, station_base=station_base, reason="partly unusable"
    )
    return billing.run(refund.request_refund, wanted)


def approve(billing: Billing, asked: RefundView) -> RefundView:
    return billing.run(approve_refund, ApproveRefund(refund_id=asked.refund_id), OTHER_FINANCE)


def red_letter(billing: Billing, asked: RefundView) -> None:
    billing.within(lambda uow: refund.red_letter_confirmed(asked.refund_id, uow=uow, now=NOW, cooling_off=COOLING_OFF))


def card_says(billing: Billing, asked: RefundView, *, succeeded: bool = True, order_id: UUID = ORDER_ID) -> str:
    return billing.within(
        lambda uow: card_refund.card_refund_settled(
            asked.refund_id, payment_id_of(order_id), succeeded=succeeded, reference="re_1",
            failure="" if succeeded else "lost_or_stolen_card", uow=uow, now=NOW,
        )
    )  # fmt: skip


def refunded(billing: Billing, net: int, **how: Any) -> RefundView:
    """All the way to the customer's card."""
    asked = approve(billing, ask(billing, net, **how))
    if asked.state == "awaiting_red_letter":
        red_letter(billing, asked)
    card_says(billing, asked, order_id=asked.order_id)
    return billing.run(refund_queries.get_refund, GetRefund(refund_id=asked.refund_id))


def entries(billing: Billing, what: str) -> list[tuple[str, str, int]]:
    """Of the transaction whose key ends so; sorted."""
    rows = billing.rows(
        "SELECT side, account, amount FROM ledger_entry JOIN ledger_tx USING (transaction_id)"
        " WHERE idem_key LIKE %s ORDER BY side DESC, account",
        (f"%{what}",),
    )
    return [(str(side), str(account), int(amount)) for side, account, amount in rows]


def paid(billing: Billing, order_id: UUID = ORDER_ID, number: str = "OR-2026-000123", **how: Any) -> None:
    """Contracted and paid by card."""
    from services.billing.use_cases import payment

    billing.contracted(order_id, number, **how)
    gross = (how.get("money") or amounts())["gross"]
    facts = card_facts(intent_id=f"pi_{order_id}", received=gross, charge_id=f"ch_{order_id}", balance=None)
    billing.within(lambda uow: payment.learn(payment_id_of(order_id), facts, uow=uow, now=NOW))


def settled(billing: Billing, until: date = date(2026, 11, 23)) -> dict[str, SettlementView]:
    """Statements closed and their invoices matched, by kind of party; without those without money."""
    page = billing.run(settlement.close_settlements, CloseSettlements(until=until))
    due = [stated for stated in page.items if stated.gross.amount]
    if not all(stated.invoice_awaited for stated in due):
        billing.do_outside()  # payable once it is printed
    for stated in (each for each in due if each.invoice_awaited):
        billing.within(lambda uow, stated=stated: match(uow, stated))  # type: ignore[misc]
    return {stated.party_kind: stated for stated in due}


def pay_all(billing: Billing) -> None:
    """Every payable settlement is paid out and the bank's statement shows it."""
    for (settlement_id,) in billing.rows("SELECT settlement_id::text FROM settlement WHERE state = 'payable'"):
        started = billing.pay_out(UUID(settlement_id))
        bank_says(billing, (f"po-{started.number}", "out", major(started.amount), started.number))


def bank_says(billing: Billing, *lines: tuple[str, str, str, str]) -> BankStatementView:
    wanted = ImportBankStatement(account=OWN_ACCOUNT, csv=statement(*lines))
    return billing.within(
        lambda uow: import_bank_statement(wanted, actor=FINANCE, uow=uow, now=LATER, own_account=OWN_ACCOUNT)
    )


def major(amount: Money) -> str:
    return f"{amount.amount // 100}.{amount.amount % 100:02d}"


def order_cancelled(order_id: UUID = ORDER_ID, **more: Any) -> OrderCancelled:
    return OrderCancelled(
        order_id=order_id, number="OR-2026-000123", customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason="", **more
    )
