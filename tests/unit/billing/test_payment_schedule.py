"""Payment schedules: which part of the price is due when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.payment import ScheduleIncomplete, due_from_customer, instalments
from services.shared.kernel.payment_schedule import ALL_BEFORE_WORK, PaymentPart, payment_schedule

THIRTY_SEVENTY = payment_schedule(3_000)


def test_tv19() -> None:
    """Net and tax apart, each by largest remainder."""
    first, rest = instalments(316_800, 19_008, THIRTY_SEVENTY)
    assert (first.net, first.tax, first.gross) == (95_040, 5_702, 100_742)
    assert (rest.net, rest.tax, rest.gross) == (221_760, 13_306, 235_066)


@given(net=st.integers(0, 10**12), tax=st.integers(0, 10**11), bps=st.integers(0, 10_000))
def test_parts_are_the_whole(net: int, tax: int, bps: int) -> None:
    """To the last fen, whatever the rate; and what is due at the two moments is the price less what others pay."""
    schedule = payment_schedule(bps)
    parts = instalments(net, tax, schedule)
    assert (sum(part.net for part in parts), sum(part.tax for part in parts)) == (net, tax)
    for covered in (0, net // 3, net + tax):
        due = [
            due_from_customer(net, tax, schedule, when, covered=covered) for when in ("before_work", "on_acceptance")
        ]
        assert min(due) >= 0
        assert sum(due) == net + tax - covered


def test_a_voucher_is_taken_off_what_is_due_first() -> None:
    """What it leaves of its amount is taken off the rest."""
    assert due_from_customer(316_800, 19_008, THIRTY_SEVENTY, "before_work", covered=742) == 100_000
    assert due_from_customer(316_800, 19_008, THIRTY_SEVENTY, "on_acceptance", covered=742) == 235_066
    assert due_from_customer(316_800, 19_008, THIRTY_SEVENTY, "before_work", covered=100_743) == 0
    assert due_from_customer(316_800, 19_008, THIRTY_SEVENTY, "on_acceptance", covered=100_743) == 235_065
    assert due_from_customer(100, 6, ALL_BEFORE_WORK, "on_acceptance") == 0


@pytest.mark.parametrize("bps", [(3_000,), (3_000, 7_001), (0, 10_000), (-1, 10_001)])
def test_a_schedule_that_is_not_the_whole_is_a_bug(bps: tuple[int, ...]) -> None:
    """Nothing is asked for by it."""
    with pytest.raises(ScheduleIncomplete):
        instalments(100, 6, tuple(PaymentPart(each, "before_work") for each in bps))


@pytest.mark.parametrize("bps", [-1, 10_001])
def test_no_part_is_more_than_the_whole(bps: int) -> None:
    """Nor less than nothing."""
    with pytest.raises(ValueError, match="bps"):
        payment_schedule(bps)
