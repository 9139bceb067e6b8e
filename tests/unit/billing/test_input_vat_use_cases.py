"""Input VAT: pending with the invoice, deducted in a filing period, given back where it stands, transferred out."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.billing.domain.commission import split
from services.billing.domain.input_vat import InputVatExceeded, InputVatLater, InputVatNothingLeft, SameHandsTransferOut
from services.billing.domain.ledger import INPUT_VAT, INPUT_VAT_PENDING, OUTPUT_VAT, PROVIDER_COST, VAT_PAYABLE
from services.billing.domain.period import PeriodClosedAlready
from services.billing.use_cases.input_vat import confirm_input_vat, transfer_out_input_vat
from services.billing.use_cases.period import close_period
from services.billing.use_cases.settlement import view
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, Refused
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import Money
from services.shared.messages.billing.input_vat import ConfirmInputVat, InputVatPage, InputVatView, TransferOutInputVat
from services.shared.messages.billing.period import ClosePeriod
from tests.kit.fakes_billing import (
    DISPUTE_OPERATOR,
    FINANCE,
    NOW,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    FakeBillingUnitOfWork,
    cny,
)
from tests.unit.billing.test_clawback_use_cases import a_third, take_back
from tests.unit.billing.test_settlement_use_cases import accepted, close, match, of_kind

ALL = date(2026, 12, 31)
IN_DECEMBER = datetime(2026, 12, 3, 2, tzinfo=UTC)


def stated(*, invoiced: bool = True) -> tuple[FakeBillingUnitOfWork, UUID]:
    """TV01 on statements, and the provider's input VAT."""
    uow = accepted()
    page = close(uow, ALL)
    if invoiced:
        for each in page.items:
            match(uow, each)
    provider = of_kind(page, "provider").settlement_id
    return uow, next(
        (each.input_vat_id for each in uow.input_vat.held.values() if each.settlement_id == provider), provider
    )


def confirm(
    uow: FakeBillingUnitOfWork, *which: UUID, period: str = "2026-11", actor: Actor = FINANCE, now: datetime = NOW
) -> InputVatPage:
    wanted = ConfirmInputVat(input_vat_ids=which, period=period)
    return confirm_input_vat(wanted, actor=actor, uow=uow, now=now)


def transfer_out(uow: FakeBillingUnitOfWork, which: UUID, amount: Money, actor: Actor = OTHER_FINANCE) -> InputVatView:
    wanted = TransferOutInputVat(input_vat_id=which, amount=amount, reason="used for exempt work")
    return transfer_out_input_vat(wanted, actor=actor, uow=uow, now=IN_DECEMBER)


def standing(uow: FakeBillingUnitOfWork, which: UUID) -> tuple[int, int, int, int]:
    """Pending, confirmed, transferred out, given back."""
    found = uow.input_vat.held[which]
    return found.pending, found.confirmed, found.transferred_out, found.given_back


def test_a_month_is_closed_with_what_was_confirmed_in_it() -> None:
    """TV01: 60.00 less 54.00 and 4.20 are 1.80; without the confirmations it were 60.00."""
    uow, _ = stated()
    assert uow.ledger.balance(INPUT_VAT) == 0
    page = confirm(uow, *uow.input_vat.held)
    assert sorted(each.confirmed.amount for each in page.items) == [420, 5_400]
    assert (uow.ledger.balance(INPUT_VAT_PENDING), uow.ledger.balance(INPUT_VAT)) == (0, -5_820)
    close_period(ClosePeriod(period="2026-11"), actor=FINANCE, uow=uow, now=IN_DECEMBER)
    assert [uow.ledger.balance(account) for account in (VAT_PAYABLE, INPUT_VAT, OUTPUT_VAT)] == [180, 0, 0]


def test_what_is_confirmed_is_confirmed_once() -> None:
    """All that are named, or none."""
    uow, provider = stated()
    key = f"input_vat:{uow.input_vat.held[provider].received_invoice_id}:confirmed"
    confirm(uow, provider)
    assert key in uow.ledger.transactions
    with pytest.raises(WrongState):
        confirm(uow, provider)
    with pytest.raises(NotFound):
        confirm(uow, *uow.input_vat.held, UUID(int=1))
    assert uow.ledger.balance(INPUT_VAT) == -5_400


def test_an_earlier_month_that_is_open_counts_it_at_its_end_and_a_closed_one_refuses_it() -> None:
    """The bureau's period and ours are one; nothing is deducted in a period before its invoice, or to come."""
    uow, provider = stated()
    for period in ("2026-10", "2026-12"):
        with pytest.raises(InputVatLater):
            confirm(uow, provider, period=period)
        assert uow.input_vat.held[provider].state == "pending"
    confirm(uow, provider, now=IN_DECEMBER)
    booked = uow.ledger.transactions[f"input_vat:{uow.input_vat.held[provider].received_invoice_id}:confirmed"]
    end = datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert booked.effective_at == end - timedelta(microseconds=1)
    close_period(ClosePeriod(period="2026-11"), actor=FINANCE, uow=uow, now=IN_DECEMBER)
    station = next(each for each in uow.input_vat.held if each != provider)
    with pytest.raises(PeriodClosedAlready):
        confirm(uow, station, now=IN_DECEMBER)
    confirm(uow, station, period="2026-12", now=IN_DECEMBER)
    assert uow.ledger.balance(INPUT_VAT) == -420, "November took 54.00"


def test_a_claw_back_takes_what_is_pending_first_and_then_what_is_deducted() -> None:
    """A third while pending, a third once it is confirmed; pending never falls below zero."""
    uow, provider = stated()
    take_back(uow, a_third(uow), "refund:1")
    assert standing(uow, provider) == (3_600, 0, 0, 1_800)
    confirm(uow, *uow.input_vat.held)
    assert (uow.ledger.balance(INPUT_VAT_PENDING), standing(uow, provider)) == (0, (0, 3_600, 0, 1_800))
    take_back(uow, a_third(uow), "refund:2")
    assert standing(uow, provider) == (0, 1_800, 0, 3_600)
    assert (uow.ledger.balance(INPUT_VAT_PENDING), uow.ledger.balance(INPUT_VAT)) == (0, -1_800 - 140)


def test_what_is_given_back_after_the_month_is_paid_with_the_next_one() -> None:
    """The deduction stands in November; December owes it, though it sold nothing."""
    uow, provider = stated()
    confirm(uow, provider)
    close_period(ClosePeriod(period="2026-11"), actor=FINANCE, uow=uow, now=IN_DECEMBER)
    assert uow.ledger.balance(VAT_PAYABLE) == 600
    transfer_out(uow, provider, cny(1_000))
    close_period(ClosePeriod(period="2026-12"), actor=FINANCE, uow=uow, now=IN_DECEMBER + timedelta(days=31))
    assert (uow.ledger.balance(VAT_PAYABLE), uow.ledger.balance(INPUT_VAT)) == (1_600, 0)


def test_a_claw_back_before_the_invoice_leaves_less_to_confirm() -> None:
    """The invoice comes over the whole, and what the party gives back of it is not deducted."""
    uow, _ = stated(invoiced=False)
    take_back(uow, a_third(uow))
    (provider,) = (each.input_vat_id for each in uow.input_vat.held.values() if each.party_kind == "provider")
    assert uow.input_vat.held[provider].state == "awaited"
    with pytest.raises(WrongState):
        confirm(uow, provider)
    for each in list(uow.settlements.held.values()):
        match(uow, view(each))
    assert standing(uow, provider) == (3_600, 0, 0, 1_800)
    confirm(uow, *uow.input_vat.held)
    assert (uow.ledger.balance(INPUT_VAT_PENDING), uow.ledger.balance(INPUT_VAT)) == (0, -3_600 - 280)


def test_what_was_given_back_whole_is_not_confirmed() -> None:
    """There is nothing to deduct."""
    uow, provider = stated()
    terms = uow.orders.held[next(iter(uow.orders.held))].split_terms
    take_back(uow, split(terms))
    with pytest.raises(InputVatNothingLeft):
        confirm(uow, provider)


def test_transferred_out_it_is_cost_and_a_later_claw_back_takes_that() -> None:
    """By somebody else than who confirmed it, once, no more than stands confirmed."""
    uow, provider = stated()
    with pytest.raises(WrongState):
        transfer_out(uow, provider, cny(1))
    confirm(uow, provider)
    cost = uow.ledger.balance(PROVIDER_COST)
    with pytest.raises(SameHandsTransferOut):
        transfer_out(uow, provider, cny(5_400), FINANCE)
    for amount in (cny(5_401), Money(100, "USD")):
        with pytest.raises(InputVatExceeded):
            transfer_out(uow, provider, amount)
    moved = transfer_out(uow, provider, cny(5_400))
    assert (moved.state, moved.reason) == ("transferred_out", "used for exempt work")
    assert (uow.ledger.balance(INPUT_VAT), uow.ledger.balance(PROVIDER_COST)) == (0, cost - 5_400)
    with pytest.raises(WrongState):
        transfer_out(uow, provider, cny(1))
    take_back(uow, a_third(uow))
    assert standing(uow, provider) == (0, 0, 3_600, 1_800)
    assert uow.ledger.balance(INPUT_VAT) == 0
    assert uow.ledger.balance(PROVIDER_COST) == cost - 5_400 + 30_000 + 1_800


@pytest.mark.parametrize(("actor", "refusal"), [(PROVIDER_FINANCE, NotFound), (DISPUTE_OPERATOR, NotAllowed)])
def test_finance_only(actor: Actor, refusal: type[Refused]) -> None:
    """Nobody else decides on tax."""
    uow, provider = stated()
    with pytest.raises(refusal):
        confirm(uow, provider, actor=actor)
    confirm(uow, provider)
    with pytest.raises(refusal):
        transfer_out(uow, provider, cny(1), actor)
