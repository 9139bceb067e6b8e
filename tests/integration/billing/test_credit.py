"""Credit on real PostgreSQL: agreed by two, granted within the limit, to whom it concerns."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Any

import pytest

from services.billing.adapters import credit_queries
from services.billing.domain.credit import NoSuchProposal, OnlyCustomers
from services.billing.use_cases import credit, order, receivable
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.credit import (
    ApproveCreditLine,
    GetCreditLine,
    ListCreditLines,
    ProposeCreditLine,
    SuspendCreditLine,
)
from services.shared.messages.billing.receivable import (
    ApproveWriteOff,
    GetAgeing,
    GetStatementOfAccount,
    ListReceivables,
    PayReceivable,
    ProposeWriteOff,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_credit import (
    INVOICED_ON,
    ON_CREDIT,
    RECEIVABLE_ID,
    REMINDING,
    STRANGER,
    a_line,
    approve,
    ask,
    entries,
    invoiced,
    line_now,
    owed,
    pay,
)
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    INSTRUCTIONS,
    ORDER_ID,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    cny,
    order_accepted,
    order_cancelled,
)


def test_granting_takes_from_the_line_and_acceptance_makes_it_a_claim(billing: Billing) -> None:
    """No money is asked for before the invoice; the same order asks once."""
    a_line(billing, 200_000)
    billing.contracted(**ON_CREDIT)
    billing.contracted(**ON_CREDIT)
    assert billing.told.count("credit.granted.v1") == 1
    assert "payment.opened.v1" not in billing.told
    assert (line_now(billing).granted, line_now(billing).available) == (cny(106_000), cny(94_000))
    billing.handle(order.accepted, order_accepted(**ON_CREDIT))
    billing.handle(order.accepted, order_accepted(**ON_CREDIT))
    line = line_now(billing)
    assert (line.granted, line.receivable, line.available) == (cny(0), cny(106_000), cny(94_000))
    assert entries(billing, f"accept:{ORDER_ID}") == [
        ("C", "R:service", 100_000),
        ("C", "L:vat:output", 6_000),
        ("D", "E:provider_service", 90_000),
        ("C", f"L:provider:{PROVIDER_ID}:accrued", 90_000),
        ("D", f"A:ar:customer:{CUSTOMER_ID}", 106_000),
        *entries(billing, f"accept:{ORDER_ID}")[5:],
    ]
    assert billing.balance(f"A:ar:customer:{CUSTOMER_ID}") == -106_000
    assert billing.violations() == ()


def test_twenty_orders_at_once_never_exceed_the_limit(billing: Billing) -> None:
    """Five fit, whichever come first; the others are asked to pay by transfer."""
    a_line(billing, 5 * 106_000 + 105_999)

    def contract(number: int) -> None:
        billing.contracted(derived_id("order", number), f"OR-2026-{number:06d}", **ON_CREDIT)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(contract, range(1, 21)))
    assert billing.told.count("credit.granted.v1") == 5
    assert billing.told.count("credit.refused.v1") == 15
    assert line_now(billing).granted == cny(5 * 106_000)
    refused = billing.rows(
        "SELECT p.method, p.amount, c.reason FROM payment p JOIN credit c USING (order_id) WHERE c.state = 'refused'"
    )
    assert refused == [("bank_transfer", 106_000, "limit_exceeded")] * 15
    assert billing.rows("SELECT count(*) FROM payment JOIN credit USING (order_id) WHERE credit.state = 'granted'") == [
        (0,)
    ]


def test_a_refused_order_is_paid_before_work_and_leaves_no_claim(billing: Billing) -> None:
    """As if it had never asked for credit."""
    billing.contracted(**ON_CREDIT)
    pay(billing, "1060.00")
    assert "payment.succeeded.v1" in billing.told
    billing.handle(order.accepted, order_accepted(**ON_CREDIT))
    billing.handle(receivable.invoiced, invoiced(), INVOICED_ON, **REMINDING)
    assert billing.rows("SELECT count(*) FROM receivable") == [(0,)]
    assert billing.balance(f"L:contract:{ORDER_ID}") == 0
    assert billing.violations() == ()


def test_a_cancelled_order_gives_its_credit_back(billing: Billing) -> None:
    """Once."""
    a_line(billing, 106_000)
    billing.contracted(**ON_CREDIT)
    for _ in range(2):
        billing.handle(order.cancelled, order_cancelled())
    assert line_now(billing).available == cny(106_000)


@pytest.mark.parametrize("actor", [REQUESTER, PROVIDER_FINANCE, STRANGER])
def test_only_finance_decides(billing: Billing, actor: Actor) -> None:
    """A customer may not raise its own limit, nor forgive itself."""
    line = a_line(billing)
    owed(billing)
    terms: dict[str, Any] = {
        "customer_id": CUSTOMER_ID,
        "limit": cny(1),
        "net_days": 1,
        "valid_until": date(2027, 1, 1),
    }
    deeds: tuple[tuple[Callable[..., Any], Any], ...] = (
        (ask(credit.propose_credit_line), ProposeCreditLine(**terms)),
        (ask(credit.approve_credit_line), ApproveCreditLine(credit_line_id=line.credit_line_id, proposal_id=ORDER_ID)),
        (ask(credit.suspend_credit_line), SuspendCreditLine(credit_line_id=line.credit_line_id, reason="spite")),
        (receivable.propose_write_off, ProposeWriteOff(receivable_id=RECEIVABLE_ID, reason="I like them")),
        (receivable.approve_write_off, ApproveWriteOff(receivable_id=RECEIVABLE_ID, amount=cny(106_000))),
        (credit_queries.get_ageing, GetAgeing()),
    )
    for use_case, command in deeds:
        with pytest.raises((NotAllowed, NotFound)):
            billing.run(use_case, command, actor)


def test_a_foreign_line_does_not_exist(billing: Billing) -> None:
    """Nor does a foreign debt."""
    line = a_line(billing)
    owed(billing)
    foreign: tuple[tuple[Callable[..., Any], Any], ...] = (
        (ask(credit_queries.get_credit_line), GetCreditLine(credit_line_id=line.credit_line_id)),
        (credit_queries.get_statement_of_account, GetStatementOfAccount(customer_id=CUSTOMER_ID)),
        (partial(receivable.pay_receivable, instructions=INSTRUCTIONS), PayReceivable(receivable_id=RECEIVABLE_ID)),
    )
    for use_case, command in foreign:
        with pytest.raises(NotFound):
            billing.run(use_case, command, STRANGER)
    assert billing.run(ask(credit_queries.list_credit_lines), ListCreditLines(), STRANGER).items == ()
    listed = ListReceivables(customer_id=CUSTOMER_ID)
    assert billing.run(credit_queries.list_receivables, listed, STRANGER).items == ()
    assert len(billing.run(credit_queries.list_receivables, listed, REQUESTER).items) == 1


def test_only_customers_get_credit(billing: Billing) -> None:
    """A provider is not one, and who is unknown is nobody."""
    terms: dict[str, Any] = {"limit": cny(1), "net_days": 1, "valid_until": date(2027, 1, 1)}
    with pytest.raises(OnlyCustomers):
        billing.run(ask(credit.propose_credit_line), ProposeCreditLine(customer_id=PROVIDER_ID, **terms))
    with pytest.raises(NotFound):
        billing.run(ask(credit.propose_credit_line), ProposeCreditLine(customer_id=ORDER_ID, **terms))


def test_two_approve_at_once(billing: Billing) -> None:
    """One of them comes too late; the terms hold once."""
    proposed = billing.run(
        ask(credit.propose_credit_line),
        ProposeCreditLine(customer_id=CUSTOMER_ID, limit=cny(1), net_days=1, valid_until=date(2027, 1, 1)),
    )
    with pytest.raises(NotAllowed):
        approve(billing, proposed, FINANCE)

    def try_it(_: int) -> str:
        try:
            return approve(billing, proposed).state
        except NoSuchProposal:
            return "late"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(try_it, range(2))) == ["active", "late"]
    assert billing.told.count("credit_line.approved.v1") == 1
