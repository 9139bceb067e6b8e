"""An order that comes to nothing for its provider ends all the same: its statement is without money, and paid."""

from collections.abc import Callable
from datetime import date

import pytest

from services.billing.adapters.settlement_queries import preview_settlements
from services.billing.use_cases import dispute, order
from services.shared.kernel.fee import Fee, Minimum, Percentage
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.settlement import PreviewSettlements
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import paid, refunded
from tests.integration.billing.test_disputes import decided, opened
from tests.integration.billing.test_settlements import close, document_of, lines_of, matched
from tests.kit.fakes_billing import ORDER_ID, amounts, cny, order_accepted
from tests.kit.real_service import together

OTHER = derived_id("order", "two")
UNTIL = date(2026, 11, 23)
MINIMUM = Fee((Percentage(1_000), Minimum(5_001)))


def ended(billing: Billing) -> list[list[str]]:
    """The orders that are told to be paid, message by message."""
    told = billing.rows("SELECT data::jsonb -> 'order_ids' FROM outbox WHERE type = 'settlement.orders_paid.v1'")
    return [orders for (orders,) in told]


def all_to_the_fee(billing: Billing) -> None:
    billing.accepted(money=amounts(5_001, 300), fee=MINIMUM, station=False)


def less_than_the_fee(billing: Billing) -> None:
    billing.accepted(money=amounts(100, 6), fee=MINIMUM, station=False)


def all_given_back_before_acceptance(billing: Billing) -> None:
    paid(billing, station=False)
    billing.handle(dispute.opened, opened())
    billing.handle(dispute.decided, decided(100_000))
    billing.handle(order.accepted, order_accepted(station=False))


def all_given_back_after_acceptance(billing: Billing) -> None:
    billing.accepted(station=False)
    refunded(billing, 100_000)


COURSES = [all_to_the_fee, less_than_the_fee, all_given_back_before_acceptance, all_given_back_after_acceptance]


@pytest.mark.parametrize("course", COURSES)
def test_it_ends_with_a_statement_without_money_once(billing: Billing, course: Callable[[Billing], None]) -> None:
    """As the preview said; nobody awaits an invoice for it, and it is printed. Closed again, nothing is told twice."""
    course(billing)
    (seen,) = billing.run(preview_settlements, PreviewSettlements(until=UNTIL)).items
    assert (seen.gross, seen.order_count) == (cny(0), 1)
    pages = together([lambda: close(billing).items] * 4)
    (stated,) = [each for page in pages for each in page]  # type: ignore[attr-defined]
    assert (stated.state, stated.gross, stated.to_pay, stated.order_count) == ("paid", cny(0), cny(0), 1)
    assert ended(billing) == [[str(ORDER_ID)]]
    assert "settlement.closed.v1" not in billing.told
    assert {line.order_id for line in lines_of(billing, stated).items} == {ORDER_ID}
    billing.do_outside()
    for form in ("pdf", "xlsx"):
        assert document_of(billing, stated, form).size_bytes > 1_000
    assert billing.violations() == ()


def test_beside_what_is_owed_it_ends_when_that_is_paid(billing: Billing) -> None:
    """It stands on the statement of the same kind of invoice, and is told with the others."""
    all_to_the_fee(billing)
    billing.accepted(OTHER, "OR-2026-000124", station=False)
    (stated,) = close(billing).items
    assert (stated.state, stated.gross, stated.order_count) == ("closed", cny(95_400), 2)
    assert ended(billing) == []
    line = next(line for line in lines_of(billing, stated).items if line.order_id == ORDER_ID)
    assert (line.order_net, line.fee, line.net) == (cny(5_001), cny(5_001), cny(0))
    matched(billing, stated)
    billing.pay_out(stated.settlement_id)
    refunded(billing, 100_000, order_id=OTHER)
    assert close(billing).items == ()
    assert billing.violations() == ()


def test_in_dispute_it_waits(billing: Billing) -> None:
    all_to_the_fee(billing)
    billing.handle(dispute.opened, opened())
    assert close(billing).items == ()
    billing.handle(dispute.decided, decided(None))
    assert len(close(billing).items) == 1
    assert ended(billing) == [[str(ORDER_ID)]]


def test_what_is_left_of_an_order_is_the_base_of_its_fee(billing: Billing) -> None:
    """A third given back before acceptance: the statement shows the rest and the fee of that."""
    paid(billing, station=False)
    refunded(billing, 33_333)
    billing.handle(order.accepted, order_accepted(station=False))
    (stated,) = close(billing).items
    (line,) = lines_of(billing, stated).items
    assert (line.order_net, line.fee, line.net) == (cny(66_667), cny(6_667), cny(60_000))
