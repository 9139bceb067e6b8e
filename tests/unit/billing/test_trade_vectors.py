"""The worked cases of the trade rules, through billing's use cases, entry by entry."""

from datetime import date

import pytest

from services.billing.use_cases import order, payment, settlement
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.settlement import CloseSettlements
from services.shared.messages.invoicing.received_invoice import ReceivedInvoiceMatched
from tests.kit.fakes_billing import (
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    FakeBillingUnitOfWork,
    card_facts,
    order_accepted,
    order_contracted,
)
from tests.kit.trade_vectors import ACCOUNTS, VECTORS, Entries, Vector


def booked(uow: FakeBillingUnitOfWork, key: str) -> list[tuple[str, str, int]]:
    """The entries of a fact, accounts by their names."""
    names = {account: name for name, account in ACCOUNTS.items()}
    transaction = uow.ledger.transactions.get(key)
    entries = transaction.entries if transaction is not None else ()
    return [(entry.side, names[entry.account], entry.amount) for entry in entries]


def settled(vector: Vector) -> FakeBillingUnitOfWork:
    """The order of *vector*, contracted, paid by card, accepted, stated and invoiced by everybody."""
    uow = FakeBillingUnitOfWork()
    how = {"money": vector.money, **vector.terms}
    order.contracted(order_contracted(**how), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    payment.learn(payment_id_of(ORDER_ID), card_facts(received=vector.gross, balance=None), uow=uow, now=NOW)
    order.accepted(order_accepted(**how), uow=uow, now=NOW)
    closed = settlement.close_settlements(CloseSettlements(until=date(2026, 11, 23)), actor=FINANCE, uow=uow, now=NOW)
    for each in closed.items:
        settlement.invoice_matched(
            ReceivedInvoiceMatched(
                received_invoice_id=derived_id("received_invoice", each.party_kind), number="1", kind="special",
                settlement_id=each.settlement_id, party_id=each.party_id, net=each.net, tax=each.tax, gross=each.gross,
                issued_on=date(2026, 11, 23),
            ),
            uow=uow, now=NOW,
        )  # fmt: skip
    return uow


def of(entries: Entries) -> list[tuple[str, str, int]]:
    return list(entries)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_entries(vector: Vector) -> None:
    """Acceptance and both invoices are booked to the fen; what is kept and the VAT follow from the ledger alone."""
    uow = settled(vector)
    assert booked(uow, f"accept:{ORDER_ID}") == of(vector.accepted)
    for kind, entries in (("provider", vector.provider_invoiced), ("station", vector.station_invoiced)):
        key = f"received_invoice:{derived_id('received_invoice', kind)}"
        assert booked(uow, key) == of(entries)
    balance = uow.ledger.balance
    assert balance("R:service") + balance("E:provider_service") + balance("E:station_share") == vector.kept
    assert balance("L:vat:output") + balance("A:vat:input_pending") == vector.vat_due
    assert balance(ACCOUNTS["contract"]) == 0
