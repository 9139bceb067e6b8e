"""What is told as recognised is what is booked, and neither knows more or fewer refunds than the other."""

import json
from typing import Any
from uuid import UUID

import pytest

from services.billing.use_cases import order
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.refund import RefundView
from services.shared.messages.billing.revenue import RevenueRecognised
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, ask, paid, refunded
from tests.kit.fakes_billing import NOW, ORDER_ID, cny, order_accepted
from tests.kit.real_service import together


def told(billing: Billing, order_id: UUID = ORDER_ID) -> list[tuple[str, dict[str, Any]]]:
    """What the stream of the order says of refunds and revenue, in order."""
    rows = billing.rows(
        "SELECT type, data FROM outbox WHERE stream = %s AND type IN ('refund.agreed.v1', 'revenue.recognised.v1')"
        " ORDER BY id",
        (f"order/{order_id}",),
    )
    return [(kind, json.loads(data)) for kind, data in rows]


def booked(billing: Billing, order_id: UUID) -> tuple[int, int]:
    """Revenue and output VAT of its acceptance."""
    rows = billing.rows(
        "SELECT account, amount FROM ledger_entry JOIN ledger_tx USING (transaction_id) WHERE idem_key = %s",
        (f"accept:{order_id}",),
    )
    amounts: dict[str, int] = dict(rows)
    return amounts.get("R:service", 0), amounts.get("L:vat:output", 0)


def test_all_of_it_is_recognised_once(billing: Billing) -> None:
    """However often the acceptance is heard."""
    paid(billing)
    for _ in range(2):
        billing.handle(order.accepted, order_accepted())
    ((kind, data),) = told(billing)
    event = RevenueRecognised.parse(json.dumps(data))
    assert kind == "revenue.recognised.v1"
    assert (event.net, event.tax, event.gross, event.tax_rate_bps) == (cny(100_000), cny(6_000), cny(106_000), 600)
    assert (event.on_credit, event.accepted_at) == (cny(0), NOW)


@pytest.mark.parametrize(("net", "left", "tax"), [(12_345, 87_655, 5_259), (100_000, 0, 0)])
def test_what_was_given_back_before_is_not_recognised(billing: Billing, net: int, left: int, tax: int) -> None:
    """TV10b, and all of it."""
    paid(billing)
    refunded(billing, net)
    billing.handle(order.accepted, order_accepted())
    (agreed, _), (_, data) = told(billing)
    assert agreed == "refund.agreed.v1"
    assert (data["net"]["amount"], data["tax"]["amount"]) == (left, tax) == booked(billing, ORDER_ID)
    assert billing.violations() == ()


def test_a_refund_at_the_instant_of_the_acceptance_falls_on_one_side(billing: Billing) -> None:
    """Whichever is first: either less is recognised, or the refund says that it is invoiced already; never neither."""
    orders = [derived_id("order", f"race {n}") for n in range(12)]
    asked: list[RefundView] = []
    for n, order_id in enumerate(orders):
        paid(billing, order_id, f"OR-2026-{n:06d}")
        asked.append(ask(billing, 33_333, order_id))

    def accept(n: int) -> None:
        billing.handle(order.accepted, order_accepted(orders[n], f"OR-2026-{n:06d}"))

    for n, wanted in enumerate(asked):
        deeds = [lambda n=n: accept(n), lambda wanted=wanted: approve(billing, wanted)]
        together(deeds if n % 2 else deeds[::-1])
    for order_id in orders:
        events = told(billing, order_id)
        agreed = dict(events)["refund.agreed.v1"]
        recognised = dict(events)["revenue.recognised.v1"]
        assert agreed["invoiced"] == (events[0][0] == "revenue.recognised.v1")
        assert recognised["net"]["amount"] == (100_000 if agreed["invoiced"] else 66_667)
        assert (recognised["net"]["amount"], recognised["tax"]["amount"]) == booked(billing, order_id)
    assert billing.violations() == ()
