"""Input VAT on real PostgreSQL: confirmed through services, told twice, racing with claw-backs and with month close."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from services.billing.adapters.explanation_queries import explain_balance
from services.billing.adapters.input_vat_repository import list_fee_input_vat, list_input_vat
from services.billing.domain.input_vat import InputVatNothingLeft
from services.billing.domain.payment import BalanceTransaction
from services.billing.domain.period import PeriodClosedAlready, PeriodNotOver
from services.billing.use_cases import payment, settlement
from services.billing.use_cases.input_vat import confirm_fee_input_vat, confirm_input_vat, transfer_out_input_vat
from services.billing.use_cases.payment import payment_id_of
from services.billing.use_cases.period import close_period
from services.shared.chassis.database import world_failed
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.account import ExplainBalance
from services.shared.messages.billing.input_vat import (
    ConfirmFeeInputVat,
    ConfirmInputVat,
    InputVatPage,
    InputVatView,
    ListFeeInputVat,
    ListInputVat,
    TransferOutInputVat,
)
from services.shared.messages.billing.period import ClosePeriod, PeriodView
from services.shared.messages.billing.settlement import CloseSettlements
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import settled
from tests.integration.billing.test_settlements import take_back
from tests.kit.fakes_billing import LATER, NOW, ORDER_ID, OTHER_FINANCE, card_facts, cny
from tests.kit.real_service import together
from tests.unit.billing.test_settlement_use_cases import match

IN_DECEMBER = datetime(2026, 12, 3, 2, tzinfo=UTC)


def pending(billing: Billing, now: datetime = LATER) -> dict[str, InputVatView]:
    """What is not confirmed, by kind of party."""
    return {str(each.party_kind): each for each in billing.run(list_input_vat, ListInputVat(), now=now).items}


def confirm(billing: Billing, *which: UUID, period: str = "2026-11", now: datetime = LATER) -> InputVatPage:
    return billing.run(confirm_input_vat, ConfirmInputVat(input_vat_ids=which, period=period), now=now)


def confirm_fees(billing: Billing, now: datetime = IN_DECEMBER) -> InputVatView:
    wanted = ConfirmFeeInputVat(month="2026-11", currency="CNY", period="2026-11")
    return billing.run(confirm_fee_input_vat, wanted, now=now)


def close_month(billing: Billing, name: str = "2026-11", now: datetime = IN_DECEMBER) -> PeriodView:
    return billing.run(close_period, ClosePeriod(period=name), now=now)


def fee(billing: Billing, order_id: UUID, balance_id: str) -> None:
    """Stripe tells of the fee of TV01's card: 6.00 and 0.36."""
    balance = BalanceTransaction(balance_id, "CNY", 600, 36)
    facts = card_facts(intent_id=f"pi_{order_id}", charge_id=f"ch_{order_id}", balance=balance)
    billing.within(lambda uow: payment.learn(payment_id_of(order_id), facts, uow=uow, now=NOW))


def test_tv01_vat_due(billing: Billing) -> None:
    """60.00 less the provider's 54.00 and the station's 4.20: 1.80 are payable once both are confirmed."""
    billing.accepted()
    settled(billing)
    listed = pending(billing, LATER)
    assert {kind: each.pending for kind, each in listed.items()} == {"provider": cny(5_400), "station": cny(420)}
    assert {each.age_days for each in listed.values()} == {(LATER - NOW).days}
    confirm(billing, *(each.input_vat_id for each in listed.values()))
    assert pending(billing) == {}
    assert billing.violations() == ()
    close_month(billing)
    assert (billing.balance("L:vat:payable"), billing.balance("A:vat:input")) == (180, 0)
    told = billing.run(explain_balance, ExplainBalance(account="A:vat:input", currency="CNY"), now=IN_DECEMBER).items
    assert any(each.number == listed["station"].number for entry in told for each in entry.references)
    assert billing.violations() == ()


def test_a_month_of_fees_is_confirmed_and_what_comes_later_once_more(billing: Billing) -> None:
    """TV01's fee has 0.36; of twenty who confirm it at once one does. It is not confirmed before the month is over."""
    billing.accepted(station=False)
    fee(billing, ORDER_ID, "txn_1")
    with pytest.raises(PeriodNotOver):
        confirm_fees(billing, NOW)
    (month,) = billing.run(list_fee_input_vat, ListFeeInputVat(), now=IN_DECEMBER).items
    assert (month.month, month.pending, month.age_days) == ("2026-11", cny(36), 3)
    answers = together([partial(confirm_fees, billing)] * 20)
    assert sum(isinstance(each, InputVatView) for each in answers) == 1
    assert sum(isinstance(each, InputVatNothingLeft) for each in answers) == 19
    assert (billing.balance("A:vat:input"), billing.balance("A:vat:input_pending")) == (-36, 0)
    assert billing.violations() == ()
    assert billing.run(list_fee_input_vat, ListFeeInputVat(), now=IN_DECEMBER).items == ()
    billing.accepted(UUID(int=77), "OR-2026-000777", station=False)
    fee(billing, UUID(int=77), "txn_2")
    assert confirm_fees(billing).amount == cny(36)
    assert billing.balance("A:vat:input") == -72
    assert billing.violations() == ()


@pytest.mark.parametrize("round_", range(3))
def test_confirming_races_with_claw_backs(billing: Billing, round_: int) -> None:
    """Whatever comes first: what is given back is taken from where it stands, nothing falls below zero."""
    del round_
    billing.accepted()
    settled(billing)
    ids = [each.input_vat_id for each in pending(billing).values()]
    deeds: list[Callable[[], object]] = [partial(_insist, partial(confirm, billing, *ids)) for _ in range(4)]
    deeds += [partial(_insist, partial(take_back, billing, ORDER_ID, f"refund:{n}", 10_000)) for n in range(6)]
    answers = together(deeds)
    assert sum(isinstance(each, InputVatPage) for each in answers) == 1
    assert sum(isinstance(each, WrongState) for each in answers) == 3
    assert billing.balance("A:vat:input_pending") == 0
    assert billing.balance("A:vat:input") == -(5_400 + 420 - 6 * (540 + 42))
    assert billing.rows("SELECT sum(given_back)::int FROM input_vat") == [(6 * (540 + 42),)]
    assert billing.violations() == ()


@pytest.mark.parametrize("round_", range(4))
def test_confirming_races_with_the_close(billing: Billing, round_: int) -> None:
    """It counts in the month that it names, or is refused: never silently in the next one."""
    del round_
    billing.accepted()
    settled(billing)
    ids = [each.input_vat_id for each in pending(billing).values()]
    deeds: list[Callable[[], object]] = [partial(_insist, partial(close_month, billing))]
    deeds += [partial(_insist, partial(confirm, billing, each, now=IN_DECEMBER)) for each in ids]
    answers = together(deeds)
    refused = sum(isinstance(each, PeriodClosedAlready) for each in answers)
    in_month = billing.rows(
        "SELECT count(*) FROM ledger_tx WHERE kind = 'input_vat_confirmed' AND effective_at < '2026-11-30 16:00+00'"
        " AND business_at IS NULL"
    )
    assert in_month == [(2 - refused,)]
    assert len(pending(billing, IN_DECEMBER)) == refused
    deducted = sum(each.confirmed.amount for page in answers if isinstance(page, InputVatPage) for each in page.items)
    assert billing.balance("L:vat:payable") == 6_000 - deducted
    assert billing.violations() == ()


def test_an_invoice_matched_after_a_claw_back(billing: Billing) -> None:
    """Until it comes the account is below zero by just that, and the invariants know why."""
    billing.accepted(station=False)
    (stated,) = billing.run(settlement.close_settlements, CloseSettlements(until=date(2026, 11, 23))).items
    take_back(billing, ORDER_ID, "refund:1", 33_333)
    assert billing.balance("A:vat:input_pending") == 1_800
    assert billing.violations() == ()
    billing.within(lambda uow: match(uow, stated))  # type: ignore[arg-type] # any unit of work
    assert pending(billing)["provider"].pending == cny(3_600)
    assert billing.violations() == ()


def test_transferred_out_after_the_month(billing: Billing) -> None:
    """Told twice it is once; the next month pays it."""
    billing.accepted(station=False)
    settled(billing)
    (provider,) = pending(billing).values()
    confirm(billing, provider.input_vat_id)
    close_month(billing)
    wanted = TransferOutInputVat(input_vat_id=provider.input_vat_id, amount=cny(1_000), reason="canteen")
    deed = partial(billing.run, transfer_out_input_vat, wanted, OTHER_FINANCE, IN_DECEMBER)
    answers = together([partial(_insist, deed)] * 8)
    assert sum(isinstance(each, InputVatView) for each in answers) == 1
    assert billing.balance("E:provider_service") == -(90_000 + 1_000)
    close_month(billing, "2026-12", IN_DECEMBER + timedelta(days=31))
    assert billing.balance("L:vat:payable") == 600 + 1_000
    assert billing.violations() == ()


def test_the_invariants_see_a_row_that_does_not_follow_the_ledger(billing: Billing) -> None:
    """Somebody changes what is kept: both checks say so."""
    billing.accepted(station=False)
    settled(billing)
    billing.database.change("UPDATE input_vat SET amount = amount - 1, pending = pending - 1")
    assert [each.split(" ")[0] for each in billing.violations()] == ["I19", "I19"]
    with pytest.raises(Exception, match="input_vat"):
        billing.database.change("UPDATE input_vat SET pending = -1, given_back = amount + 1")


def _insist(deed: Callable[[], object]) -> object:
    """As the chassis does it: what PostgreSQL ended for another's sake is done again."""
    while True:
        try:
            return deed()
        except DBAPIError as error:
            if not world_failed(error):
                raise
