"""The sender is strict, the reader patient with what is new and with nothing else."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import AMOUNT_MAX, Money
from services.shared.messages.base import Message
from services.shared.messages.billing.payment import PaymentSucceeded
from services.shared.messages.orders.order import OrderPlaced
from services.shared.messages.orders.quotation import Amounts, CounterQuotation, Line
from services.shared.messages.orders.quotation_request import SampleDescription

NOW = datetime(2026, 11, 23, 6, 51, 33, 123456, tzinfo=UTC)
ORDER_ID = derived_id("order")

FIELDS: dict[str, Any] = {
    "payment_id": derived_id("payment"), "order_id": ORDER_ID, "order_number": "OR-2026-000001",
    "customer_id": derived_id("customer"), "method": "card", "amount": Money(106_000, "CNY"),
    "channel_transaction_id": "ch_1", "succeeded_at": NOW,
}  # fmt: skip
WIRE: dict[str, Any] = json.loads(PaymentSucceeded(**FIELDS).model_dump_json())


def read(**changes: object) -> PaymentSucceeded:
    return PaymentSucceeded.parse(json.dumps({**WIRE, **changes}))


def an_order() -> OrderPlaced:
    zero = Money(0, "CNY")
    line = Line(
        line=1, offering_id=None, title_zh="拉伸", title_en="Tensile", unit="sample", quantity=1,
        unit_price=Money(100, "CNY"), includes_tax=False, discount_bps=0, discount=zero, net=Money(100, "CNY"),
        tax=Money(6, "CNY"),
    )  # fmt: skip
    amounts = Amounts(
        discount=zero, net=Money(100, "CNY"), tax=Money(6, "CNY"), gross=Money(106, "CNY"), tax_rate_bps=600
    )
    return OrderPlaced(
        order_id=ORDER_ID, number="OR-2026-000001", customer_id=derived_id("customer"),
        provider_id=derived_id("provider"), quotation_id=None, lines=(line,), amounts=amounts, payment_method="card",
        placed_at=NOW,
    )  # fmt: skip


def test_the_sender_may_not_invent_a_field() -> None:
    """A misspelt field of a message that is built is an error, not silence."""
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        PaymentSucceeded(**FIELDS, note="x")  # type: ignore[call-arg] # that it is refused is what is tested


def test_nor_one_within() -> None:
    """Likewise in a part of it."""
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        OrderPlaced.model_validate({**dict(an_order()), "amounts": {**dict(an_order().amounts), "tip": 1}})


def test_the_reader_ignores_what_is_new() -> None:
    """At the top, in a part, in a list of parts and in an amount of money."""
    wire = json.loads(an_order().model_dump_json())
    wire["later"] = wire["amounts"]["later"] = wire["lines"][0]["later"] = wire["lines"][0]["net"]["later"] = {"x": [1]}
    assert OrderPlaced.parse(json.dumps(wire)) == an_order()


def test_what_was_written_is_read() -> None:
    """To the microsecond, with the identifiers and the money it had."""
    assert PaymentSucceeded.parse(PaymentSucceeded(**FIELDS).model_dump_json()) == PaymentSucceeded(**FIELDS)
    assert OrderPlaced.parse(an_order().model_dump_json().encode()) == an_order()


@pytest.mark.parametrize("name", sorted(WIRE))
def test_nothing_may_be_missing(name: str) -> None:
    """A message without one of its fields is refused, and the field is named."""
    with pytest.raises(ValidationError) as raised:
        PaymentSucceeded.parse(json.dumps({key: value for key, value in WIRE.items() if key != name}))
    assert [error["loc"] for error in raised.value.errors()] == [(name,)]


@pytest.mark.parametrize("amount", ["5", 5.5, 5.0, True, None, [5], AMOUNT_MAX + 1, 2**63, "NaN"])
def test_only_a_whole_number_is_an_amount(amount: object) -> None:
    """ "5" is no number, 5.5 no amount, true no one."""
    with pytest.raises(ValidationError):
        read(amount={"amount": amount, "currency": "CNY"})


@pytest.mark.parametrize("text", ["NaN", "1e400", "-Infinity", "1e2"])
def test_nor_is_what_json_calls_a_number(text: str) -> None:
    """Not a number, too large for any, or written with an exponent."""
    body = json.dumps(WIRE).replace("106000", text)
    assert text in body
    with pytest.raises(ValidationError):
        PaymentSucceeded.parse(body)


@pytest.mark.parametrize("currency", ["cny", "ZZZ", "", 156])
def test_only_a_known_currency(currency: object) -> None:
    """ISO 4217, in capitals, one that is accepted."""
    with pytest.raises(ValidationError):
        read(amount={"amount": 1, "currency": currency})


@pytest.mark.parametrize("value", ["2026-11-23T06:51:33", "2026-11-23", 1_795_416_693, "yesterday"])
def test_only_an_instant_with_its_zone(value: object) -> None:
    """A time without zone is nobody's time; nor is a number of seconds."""
    with pytest.raises(ValidationError):
        read(succeeded_at=value)
    with pytest.raises(ValidationError):
        PaymentSucceeded(**{**FIELDS, "succeeded_at": NOW.replace(tzinfo=None)})


def test_another_zone_is_the_same_instant() -> None:
    """What counts is the instant, not how it is written."""
    shanghai = NOW.astimezone(timezone(timedelta(hours=8)))
    assert read(succeeded_at=shanghai.isoformat()).succeeded_at == NOW


@pytest.mark.parametrize(
    ("name", "value"), [("method", "cash"), ("order_id", "17"), ("order_id", 17), ("order_number", 1)]
)
def test_only_what_the_field_may_be(name: str, value: object) -> None:
    """A value out of the list, no identifier, a number for a text."""
    with pytest.raises(ValidationError):
        read(**{name: value})


@pytest.mark.parametrize("body", ["", "{", "null", "[]", '"x"', "{}", b"\xff\xfe", b'{"order_number": "\xff"}'])
def test_what_is_no_message_is_refused_as_such(body: str | bytes) -> None:
    """Broken JSON, another shape, bytes that are no UTF-8: one kind of error, whatever it is."""
    with pytest.raises(ValidationError):
        PaymentSucceeded.parse(body)


def test_a_message_does_not_change() -> None:
    """Whoever holds one may rely on it."""
    with pytest.raises(ValidationError, match="frozen"):
        an_order().number = "OR-2026-000002"  # type: ignore[misc] # that it is refused is what is tested


def sample(**changes: object) -> SampleDescription:
    fields = {"customer_code": "S-01", "description": "钢板", "quantity": 1, **changes}
    return SampleDescription.model_validate_json(json.dumps(fields))


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x08", "\x0b", "\x1b", "\x1f"])
def test_control_characters_are_refused(character: str) -> None:
    """In a line and in a text: a database stores no NUL, and a terminal obeys the others."""
    for field in ("customer_code", "hazards"):
        with pytest.raises(ValidationError, match="control characters"):
            sample(**{field: f"a{character}b"})


def test_lines_and_tabs_are_not() -> None:
    """A text may have several lines."""
    assert sample(hazards="toxic:\n\tgloves").hazards == "toxic:\n\tgloves"


@pytest.mark.parametrize("text", ["", "   ", "x" * 201])
def test_a_name_says_something_and_ends(text: str) -> None:
    """Not empty, not only spaces, at most 200 characters."""
    with pytest.raises(ValidationError):
        sample(customer_code=text)


def test_spaces_around_a_name_do_not_count() -> None:
    """They come from copying."""
    assert sample(customer_code="  S-01 ").customer_code == "S-01"


@pytest.mark.parametrize("quantity", [0, -1, 100_001, "1", 1.0])
def test_a_quantity_is_one_or_more(quantity: object) -> None:
    """And at most 100,000."""
    with pytest.raises(ValidationError):
        sample(quantity=quantity)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_positive_amount_is_above_zero(amount: int) -> None:
    """Where a price is meant, nothing and less are refused."""
    fields = {
        "quotation_id": str(ORDER_ID),
        "counter_offer": "less",
        "counter_net": {"amount": amount, "currency": "CNY"},
    }
    with pytest.raises(ValidationError, match="above zero"):
        CounterQuotation.parse(json.dumps(fields))


def test_an_amount_or_zero_is_not_below() -> None:
    """What a customer pays is never negative."""
    zero = {"amount": 0, "currency": "CNY"}
    fields = {"discount": zero, "net": zero, "tax": zero, "gross": zero, "tax_rate_bps": 600}
    assert Amounts.parse(json.dumps(fields)).gross == Money(0, "CNY")
    with pytest.raises(ValidationError, match="zero or more"):
        Amounts.parse(json.dumps({**fields, "gross": {"amount": -1, "currency": "CNY"}}))


def test_every_part_of_a_message_is_a_message() -> None:
    """The rules of this page hold for parts because they share the base."""
    assert issubclass(Line, Message)
    assert issubclass(SampleDescription, Message)
