"""Reading statements, and finding what a line pays in what people write."""

import pytest

from services.billing.domain.bank_line import LineContradicts
from services.billing.domain.bank_statement import (
    StatementUnreadable,
    numbers_in,
    read_statement,
    references_in,
)
from services.shared.kernel.payment_reference import reference_of
from tests.kit.fakes_billing import statement

REFERENCE = reference_of("OR-2026-000123")
DIGITS = REFERENCE[2:]


@pytest.mark.parametrize(
    "text",
    [
        REFERENCE,
        f"付款 {REFERENCE.lower()} 检测费",
        f"YQ {DIGITS[:4]} {DIGITS[4:10]} {DIGITS[10:]}",
        f"Y-Q-{DIGITS[:4]}-{DIGITS[4:]}",
        "".join(chr(ord(character) + 0xFEE0) for character in REFERENCE),  # full width
        REFERENCE.replace("0", "O"),
        REFERENCE.replace("1", "l"),
        f"{REFERENCE}20261123",  # a date follows without a space
    ],
)
def test_mangled_references_are_found(text: str) -> None:
    """Case, spaces, hyphens, full width, O for 0 and l for 1 hide no reference."""
    assert any(found.reference == REFERENCE and found.certain for found in references_in(text))


def test_lost_letters_make_it_uncertain() -> None:
    """Digits without their letters may mean the reference and are marked as such."""
    found = [each for each in references_in(f"order {DIGITS}") if each.reference == REFERENCE]
    assert [each.certain for each in found] == [False]


def test_a_wrong_digit_is_no_reference() -> None:
    """The check digits tell a mistyped reference from a right one."""
    wrong = REFERENCE[:-3] + str((int(REFERENCE[-3]) + 1) % 10) + REFERENCE[-2:]
    assert not any(len(found.reference) == len(wrong) and found.certain for found in references_in(wrong))


def test_payout_numbers() -> None:
    """A payout's number is found however the bank prints it."""
    for text in ("PO-2026-000123", "po2026000123", "PAYMENT P0 2026 OOO123"):
        assert "PO-2026-000123" in numbers_in(text, "PO")
    assert numbers_in("salary", "PO") == ()


def test_amounts_are_read_exactly() -> None:
    """Major units become minor units without a float; yen has none."""
    lines = read_statement(
        "a", statement(("1", "in", "1060.00", ""), ("2", "in", "0.1", ""), ("3", "out", "7", ""))
    ).lines
    assert [line.amount for line in lines] == [106_000, 10, 700]
    (yen,) = read_statement("a", statement(("1", "in", "500", ""), currency="JPY")).lines
    assert yen.amount == 500


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (("1", "in", "-5.00", ""), "amount"),
        (("1", "in", "0.00", ""), "amount"),
        (("1", "in", "1e3", ""), "amount"),
        (("1", "in", "1,000.00", ""), "columns"),
        (("1", "in", "5.001", ""), "amount"),
        (("1", "in", "NaN", ""), "amount"),
        (("1", "in", "99999999999999", ""), "amount"),
        (("1", "in", "100000000000.01", ""), "amount"),
        (("1", "in", "٣٤", ""), "amount"),
        (("", "in", "5.00", ""), "serial_number"),
        (("1", "both", "5.00", ""), "direction"),
    ],
)
def test_a_line_that_cannot_be_read_refuses_all(line: tuple[str, str, str, str], problem: str) -> None:
    """The refusal names the line and what is wrong with it."""
    with pytest.raises(StatementUnreadable) as refused:
        read_statement("a", statement(("0", "in", "1.00", ""), line))
    assert refused.value.facts == {"line": 3, "problem": problem}


def test_other_currency_exponents_are_refused() -> None:
    """Yen with cents are no yen, and money of nowhere is none."""
    for currency in ("JPY", "XXX"):
        with pytest.raises(StatementUnreadable):
            read_statement("a", statement(("1", "in", "5.00", ""), currency=currency))


def test_wrong_header_and_no_csv() -> None:
    """A file of another kind is refused at its first line."""
    for text in ("", "a,b\n1,2", "\x00", 'serial_number,"'):
        with pytest.raises(StatementUnreadable):
            read_statement("a", text)


def test_a_serial_number_twice() -> None:
    """The same line twice is one line; another line under its number is a contradiction."""
    twice = statement(("1", "in", "5.00", "x"), ("1", "in", "5.00", "x"))
    assert len(read_statement("a", twice).lines) == 1
    with pytest.raises(LineContradicts):
        read_statement("a", statement(("1", "in", "5.00", "x"), ("1", "in", "6.00", "x")))
