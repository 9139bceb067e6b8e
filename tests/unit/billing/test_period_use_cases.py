"""Closing a month: in order, once over, when everything of it is decided; its VAT is booked in it."""

from datetime import UTC, datetime, timedelta

import pytest

from services.billing.domain.ledger import Entry
from services.billing.domain.period import (
    EarlierPeriodOpen,
    PeriodClosedAlready,
    PeriodHasOpenItems,
    PeriodNotOver,
    PeriodUnknown,
    period_of,
    vat_month_end,
)
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.period import close_period
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import Conflict, NotAllowed, NotFound, Refused
from services.shared.messages.billing.ledger import LedgerPosted, LedgerSealed
from services.shared.messages.billing.period import ClosePeriod, PeriodClosed, PeriodView
from tests.kit.fakes_billing import DISPUTE_OPERATOR, FINANCE, REQUESTER, FakeBillingUnitOfWork, cny

END_OF_NOVEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)
IN_DECEMBER = datetime(2026, 12, 3, 2, tzinfo=UTC)


def close(
    uow: FakeBillingUnitOfWork, name: str = "2026-11", now: datetime = IN_DECEMBER, actor: Actor = FINANCE
) -> PeriodView:
    return close_period(ClosePeriod(period=name), actor=actor, uow=uow, now=now)


def post(uow: FakeBillingUnitOfWork, key: str, debit: str, credit: str, amount: int, at: datetime) -> None:
    entries = (Entry(debit, "D", amount, "CNY"), Entry(credit, "C", amount, "CNY"))
    post_transaction(uow, key=key, kind="test", entries=entries, effective_at=at, now=IN_DECEMBER)


@pytest.mark.parametrize(
    ("name", "until"),
    [
        ("2026-11", END_OF_NOVEMBER),
        ("2026-12", datetime(2026, 12, 31, 16, tzinfo=UTC)),
        ("2028-02", datetime(2028, 2, 29, 16, tzinfo=UTC)),
    ],
)
def test_a_month_ends_at_midnight_in_shanghai(name: str, until: datetime) -> None:
    """Leap years and years' ends too."""
    assert period_of(name).until == until


@pytest.mark.parametrize("name", ["2026-13", "2026-00", "26-11", "2026-11-01", "", "0000-01", "二〇二六-11"])
def test_what_is_no_month_is_refused(name: str) -> None:
    """Whoever calls it."""
    with pytest.raises(PeriodUnknown):
        period_of(name)


def test_months_are_closed_in_order_when_they_are_over() -> None:
    """The first may be any; none twice, none left out, none before its last second has passed."""
    uow = FakeBillingUnitOfWork()
    with pytest.raises(PeriodNotOver):
        close(uow, now=END_OF_NOVEMBER - timedelta(microseconds=1))
    close(uow, now=END_OF_NOVEMBER)
    with pytest.raises(PeriodClosedAlready):
        close(uow)
    with pytest.raises(PeriodClosedAlready):
        close(uow, "2026-10")
    with pytest.raises(EarlierPeriodOpen):
        close(uow, "2027-01", now=datetime(2027, 2, 2, tzinfo=UTC))
    close(uow, "2026-12", now=datetime(2027, 1, 2, tzinfo=UTC))
    assert [event.period for event in uow.events(PeriodClosed)] == ["2026-11", "2026-12"]


def test_what_is_known_later_counts_in_the_next_month_and_keeps_its_date() -> None:
    """At its first instant; the event says both."""
    uow = FakeBillingUnitOfWork()
    close(uow)
    late = END_OF_NOVEMBER - timedelta(days=2)
    post(uow, "late", "E:psp_fee", "R:service", 5, late)
    post(uow, "in time", "E:psp_fee", "R:service", 5, END_OF_NOVEMBER + timedelta(days=1))
    told = {event.transaction.key: event.transaction for event in uow.events(LedgerPosted)}
    assert (told["late"].effective_at, told["late"].business_at) == (END_OF_NOVEMBER, late)
    assert told["in time"].business_at is None


def test_the_months_vat_is_booked_in_the_month() -> None:
    """Output against confirmed input, the rest is payable; what counts in December is left alone."""
    uow = FakeBillingUnitOfWork()
    november, december = END_OF_NOVEMBER - timedelta(days=9), END_OF_NOVEMBER + timedelta(days=1)
    post(uow, "a", "A:ar:customer:x", "L:vat:output", 6_000, november)
    post(uow, "b", "A:vat:input", "L:provider:x:payable", 5_400, november)
    post(uow, "c", "A:ar:customer:x", "L:vat:output", 77, december)
    close(uow)
    vat = uow.ledger.transactions["vat:2026-11:CNY"]
    assert [(entry.account, entry.side, entry.amount) for entry in vat.entries] == [
        ("L:vat:output", "D", 6_000), ("A:vat:input", "C", 5_400), ("L:vat:payable", "C", 600),
    ]  # fmt: skip
    assert vat.effective_at == END_OF_NOVEMBER - timedelta(microseconds=1)
    assert uow.ledger.balance("L:vat:output") == 77


@pytest.mark.parametrize(
    ("output", "input_", "entries"),
    [
        (0, 500, []),
        (-20, 500, []),
        (100, 500, [("L:vat:output", "D", 100), ("A:vat:input", "C", 100)]),
        (100, 0, [("L:vat:output", "D", 100), ("L:vat:payable", "C", 100)]),
        (100, -5, [("L:vat:output", "D", 100), ("A:vat:input", "D", 5), ("L:vat:payable", "C", 105)]),
        (0, -5, [("A:vat:input", "D", 5), ("L:vat:payable", "C", 5)]),
        (-2, -5, [("L:vat:output", "C", 2), ("A:vat:input", "D", 5), ("L:vat:payable", "C", 3)]),
        (-5, -5, []),
        (-9, -5, []),
    ],
)
def test_more_input_than_output_is_carried_on(output: int, input_: int, entries: list[tuple[str, str, int]]) -> None:
    """And an output that red letters turned below zero. Input that went back after its month is payable."""
    found = vat_month_end(cny(output), cny(input_))
    assert [(entry.account, entry.side, entry.amount) for entry in found] == entries


def test_a_month_with_open_items_or_broken_books_stays_open() -> None:
    """The refusal names them; nothing is booked or told."""
    uow = FakeBillingUnitOfWork()
    uow.periods.waiting = ["bank_line b7"]
    with pytest.raises(PeriodHasOpenItems) as refused:
        close(uow)
    assert refused.value.facts == {"items": ["bank_line b7"]}
    uow.periods.waiting = []
    uow.ledger.broken = {"I3 balances are the sums of entries": ["A:bank:main CNY"]}
    with pytest.raises(Conflict) as broken:
        close(uow)
    assert broken.value.code == "billing.books_do_not_hold"
    assert uow.published == []
    assert uow.periods.closed == []


def test_the_chain_is_sealed_with_the_month() -> None:
    """So that the closed month's block covers everything that counts in it, its VAT too."""
    uow = FakeBillingUnitOfWork()
    post(uow, "a", "A:ar:customer:x", "L:vat:output", 6_000, END_OF_NOVEMBER - timedelta(days=9))
    assert close(uow).block == 1
    (sealed,) = uow.events(LedgerSealed)
    assert (sealed.block, sealed.transactions) == (1, 2)


@pytest.mark.parametrize(("actor", "refusal"), [(REQUESTER, NotFound), (DISPUTE_OPERATOR, NotAllowed)])
def test_finance_only(actor: Actor, refusal: type[Refused]) -> None:
    """Nobody else closes books."""
    uow = FakeBillingUnitOfWork()
    with pytest.raises(refusal):
        close(uow, actor=actor)
    assert not uow.periods.held
