"""The tree of errors: codes are stable, and each kind is told apart."""

import pytest

from services.shared.kernel.errors import (
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    NotYet,
    Refused,
    Unavailable,
    YiqiError,
)


@pytest.mark.parametrize(
    ("kind", "code", "refused"),
    [
        (Invalid, "invalid", True), (NotAllowed, "not_allowed", True), (NotFound, "not_found", True),
        (Conflict, "conflict", True), (Unavailable, "unavailable", False), (NotYet, "not_yet", False),
    ],
)  # fmt: skip
def test_codes_are_on_the_wire(kind: type[YiqiError], code: str, refused: bool) -> None:  # noqa: FBT001 # a table
    """Only what is refused is never tried again."""
    assert kind.code == code
    assert issubclass(kind, Refused) is refused


def test_an_error_speaks_and_carries_facts() -> None:
    """Without a text of its own it says the first line of what it is."""

    class QuotationExpired(Conflict):
        """
        The quotation is no longer valid.

        Ask for another one.
        """

    assert str(QuotationExpired()) == "The quotation is no longer valid."
    error = QuotationExpired("expired yesterday", number="QT-2026-000123")
    assert (str(error), error.facts) == ("expired yesterday", {"number": "QT-2026-000123"})
