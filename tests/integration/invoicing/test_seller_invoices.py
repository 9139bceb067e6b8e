"""Sellers' invoices and the commission's on real PostgreSQL: once each, each number once, everybody their own."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import Engine

from services.invoicing.adapters import queries
from services.invoicing.adapters.seller_invoices import get_seller_invoice
from services.invoicing.use_cases import organisation
from services.invoicing.use_cases.commission import commission_reduced, invoice_commission
from services.invoicing.use_cases.seller_invoice import record_seller_invoice
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotFound, Refused
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.commission import CommissionEarned, CommissionReduced
from services.shared.messages.invoicing.invoice import ListInvoices
from services.shared.messages.invoicing.seller_invoice import GetSellerInvoice, RecordSellerInvoice
from tests.integration.invoicing.database import ServiceDatabases, fill, transaction
from tests.kit.fakes_invoicing import (
    CUSTOMER_FINANCE,
    NOW,
    ORDER_ID,
    OTHER_PROVIDER_FINANCE,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    cny,
    contracted,
    registered,
    terms,
)

OTHER_ID = derived_id("order", "other")


def sold(engine: Engine) -> None:
    """TV05, twice: told twice, accepted, the commission invoiced."""
    agent = terms(collection_model="agent_direct")
    orders = [contracted(ORDER_ID, terms=agent), contracted(OTHER_ID, number="OR-2026-000002", terms=agent)]
    for _ in range(2):
        fill(engine, *orders)
        with transaction(engine) as uow:
            organisation.keep_copy(registered("provider", PROVIDER_ID), uow=uow, now=NOW)
            for order in orders:
                earned = CommissionEarned(
                    order_id=order.order_id, order_number=order.number, provider_id=PROVIDER_ID, net=cny(10_000),
                    tax=cny(600), gross=cny(10_600), tax_rate_bps=600, split=True, accepted_at=NOW,
                    sold_net=cny(100_000), sold_tax=cny(1_000),
                )  # fmt: skip
                invoice_commission(earned, uow=uow, now=NOW)


def record(engine: Engine, order_id: object = ORDER_ID, number: str = "26117000001") -> bool:
    command = RecordSellerInvoice.model_validate(
        {
            "order_id": order_id, "number": number, "kind": "special", "net": cny(100_000), "tax": cny(1_000),
            "issued_on": date(2026, 12, 1),
        }
    )  # fmt: skip
    try:
        with transaction(engine) as uow:
            record_seller_invoice(command, actor=PROVIDER_FINANCE, uow=uow, now=NOW)
    except Refused:
        return False
    return True


def test_once_each(service_database: ServiceDatabases) -> None:
    """Ten record it at once: one does. Another order does not take its number."""
    engine = service_database("invoicing").engine(pool_size=12)
    sold(engine)
    with ThreadPoolExecutor(10) as threads:
        assert sum(threads.map(lambda _: record(engine), range(10))) == 1
    assert not record(engine, OTHER_ID)
    assert record(engine, OTHER_ID, "26117000002")
    engine.dispose()


def test_a_risen_commission_is_invoiced_once_and_taken_back_of_both(service_database: ServiceDatabases) -> None:
    """Ten workers are told at once; then a refund takes more than the first invoice says: a red letter of each."""
    engine = service_database("invoicing").engine(pool_size=12)
    sold(engine)

    def reduced(net: int, tax: int, n: int) -> None:
        event = CommissionReduced(
            refund_id=derived_id("refund", n), order_id=ORDER_ID, order_number="OR-2026-000001", tax_rate_bps=600,
            provider_id=PROVIDER_ID, net=cny(net), tax=cny(tax), gross=cny(net + tax), accepted_at=NOW,
        )  # fmt: skip
        with transaction(engine) as uow:
            commission_reduced(event, uow=uow, now=NOW)

    for net, tax, n in ((-1_000, -60, 1), (10_500, 630, 2)):
        with ThreadPoolExecutor(10) as threads:
            list(threads.map(lambda _, net=net, tax=tax, n=n: reduced(net, tax, n), range(10)))
    with transaction(engine) as uow:
        own = ListInvoices(order_id=ORDER_ID)
        page = queries.list_invoices(own, actor=PROVIDER_FINANCE, uow=uow, now=NOW)
        assert sorted(each.net.amount for each in page.items) == [1_000, 10_000]
        asked = {each.invoice_id: [letter.net.amount for letter in each.red_letters] for each in page.items}
        assert sorted(asked.values()) == [[-10_000], [-500]]
        assert queries.list_invoices(own, actor=CUSTOMER_FINANCE, uow=uow, now=NOW).items == ()
    engine.dispose()


def test_everybody_their_own(service_database: ServiceDatabases) -> None:
    """The customer sees the provider's invoice and not the commission's; another provider neither."""
    engine = service_database("invoicing").engine()
    sold(engine)
    with transaction(engine) as uow:

        def commissions(actor: Actor) -> list[tuple[object, object]]:
            page = queries.list_invoices(ListInvoices(order_id=ORDER_ID), actor=actor, uow=uow, now=NOW)
            return [(each.gross, each.customer_id) for each in page.items]

        assert commissions(PROVIDER_FINANCE) == [(cny(10_600), PROVIDER_ID)]
        assert commissions(CUSTOMER_FINANCE) == commissions(OTHER_PROVIDER_FINANCE) == []
        asked = GetSellerInvoice(order_id=ORDER_ID)
        for actor in (REQUESTER, PROVIDER_FINANCE):
            assert get_seller_invoice(asked, actor=actor, uow=uow, now=NOW).state == "due"
        with pytest.raises(NotFound):
            get_seller_invoice(asked, actor=OTHER_PROVIDER_FINANCE, uow=uow, now=NOW)
        with pytest.raises(NotFound):
            get_seller_invoice(
                GetSellerInvoice(order_id=derived_id("order", "none")), actor=REQUESTER, uow=uow, now=NOW
            )
    engine.dispose()
