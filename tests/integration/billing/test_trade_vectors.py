"""The worked cases of the trade rules on real PostgreSQL, entry by entry."""

from datetime import date

import pytest

from services.billing.use_cases import settlement
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.settlement import CloseSettlements
from services.shared.messages.invoicing.received_invoice import ReceivedInvoiceMatched
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import ORDER_ID
from tests.kit.trade_vectors import ACCOUNTS, VECTORS, Vector


def booked(billing: Billing, key: str) -> list[tuple[str, str, int]]:
    names = {account: name for name, account in ACCOUNTS.items()}
    rows = billing.rows(
        "SELECT side, account, amount FROM ledger_entry JOIN ledger_tx USING (transaction_id)"
        " WHERE idem_key = %s ORDER BY line",
        (key,),
    )
    return [(side, names[account], amount) for side, account, amount in rows]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_entries(billing: Billing, vector: Vector) -> None:
    """What the tables hold is what the trade rules work out, and every invariant holds."""
    billing.accepted(money=vector.money, **vector.terms)
    assert booked(billing, f"accept:{ORDER_ID}") == list(vector.accepted)
    closed = billing.run(settlement.close_settlements, CloseSettlements(until=date(2026, 11, 23)))
    for each in closed.items:
        invoice_id = derived_id("received_invoice", each.party_kind)
        billing.handle(
            settlement.invoice_matched,
            ReceivedInvoiceMatched(
                received_invoice_id=invoice_id, number="1", kind="special", settlement_id=each.settlement_id,
                party_id=each.party_id, net=each.net, tax=each.tax, gross=each.gross, issued_on=date(2026, 11, 23),
            ),
        )  # fmt: skip
        expected = vector.provider_invoiced if each.party_kind == "provider" else vector.station_invoiced
        assert booked(billing, f"received_invoice:{invoice_id}") == list(expected)
    revenue_left = sum(billing.balance(account) for account in ("R:service", "E:provider_service", "E:station_share"))
    assert revenue_left == vector.kept
    assert billing.balance("L:vat:output") + billing.balance("A:vat:input_pending") == vector.vat_due
    assert billing.violations() == ()
