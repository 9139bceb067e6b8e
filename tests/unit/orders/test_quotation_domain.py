"""Until when a quotation binds, and what may still become of it."""

from datetime import timedelta

import pytest

from services.orders.domain.policy import Policy
from services.orders.domain.quotation import LIFECYCLE, ValidityInvalid, validity
from tests.kit.fakes_orders import NOW


def test_a_quotation_binds_for_the_companys_days_unless_its_provider_says_otherwise() -> None:
    """30 days by default."""
    assert validity(None, Policy(), NOW) == NOW + timedelta(days=30)
    assert validity(NOW + timedelta(days=3), Policy(), NOW) == NOW + timedelta(days=3)


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_a_quotation_cannot_bind_until_the_past_or_for_ever(days: int) -> None:
    """More than a year is a slip of the keyboard."""
    with pytest.raises(ValidityInvalid):
        validity(NOW + timedelta(days=days), Policy(), NOW)


def test_a_countered_quotation_cannot_be_accepted() -> None:
    """A counter-offer refuses the offer; only a new version is on the table again."""
    assert not LIFECYCLE.allows("accept", "countered")
    assert LIFECYCLE.allows("supersede", "countered")
