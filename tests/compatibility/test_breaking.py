"""The gate itself: each kind of breaking change is caught, each allowed one passes."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from infra.schemas.breaking import breaking

Schema = dict[str, Any]
Change = Callable[[Schema], None]

RELEASED: Schema = {
    "$defs": {
        "Money": {
            "type": "object",
            "properties": {
                "amount": {"type": "integer", "minimum": -1000, "maximum": 1000, "x-unit": "minor unit"},
                "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "x-exponents": {"CNY": 2, "JPY": 0}},
            },
            "required": ["amount", "currency"],
        },
        "Line": {
            "type": "object",
            "properties": {
                "net": {"$ref": "#/$defs/Money"},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
            },
            "required": ["net"],
        },
    },
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "format": "uuid"},
        "state": {"type": "string", "enum": ["placed", "released"]},
        "model": {"type": "string", "const": "principal"},
        "title": {"type": "string", "minLength": 1, "maxLength": 200},
        "quantity": {"type": "integer", "minimum": 1},
        "ratio": {"type": "number"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "maxItems": 50},
        "paid": {"anyOf": [{"$ref": "#/$defs/Money"}, {"type": "null"}]},
        "due": {"allOf": [{"$ref": "#/$defs/Money"}, {"properties": {"amount": {"minimum": 0}}}]},
        "by_source": {"type": "object", "additionalProperties": {"type": "integer"}},
        "notes": {"type": "string", "default": ""},
    },
    "required": ["order_id", "state", "model", "title", "quantity", "ratio", "lines", "paid", "due", "by_source"],
}  # fmt: skip


def _changed(change: Change) -> Schema:
    schema = copy.deepcopy(RELEASED)
    change(schema)
    return schema


def _set(path: str, value: Any) -> Change:
    """Put *value* at *path* (`properties/title/maxLength`); None takes away what is there."""

    def change(schema: Schema) -> None:
        *way, last = path.split("/")
        place: Any = schema
        for step in way:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return change


def _renamed(schema: Schema) -> None:
    schema["properties"]["subject"] = schema["properties"].pop("title")
    schema["required"] = ["subject" if name == "title" else name for name in schema["required"]]


def _required(*more: str, but: str = "") -> list[str]:
    return [name for name in [*RELEASED["required"], *more] if name != but]


def _new_required(schema: Schema) -> None:
    schema["properties"]["cost_centre"] = {"type": "string"}
    schema["required"].append("cost_centre")


def _new_required_in_a_line(schema: Schema) -> None:
    schema["$defs"]["Line"]["properties"]["tax"] = {"$ref": "#/$defs/Money"}
    schema["$defs"]["Line"]["required"].append("tax")


BREAKING: dict[str, tuple[Change, str]] = {
    "field removed": (_set("properties/notes", None), "notes: the field is gone"),
    "nested field removed": (_set("$defs/Line/properties/net", None), "lines[].net: the field is gone"),
    "field renamed": (_renamed, "title: the field is gone"),
    "new required field": (_new_required, "cost_centre: the field is new and required"),
    "new required field within": (_new_required_in_a_line, "lines[].tax: the field is new and required"),
    "optional becomes required": (_set("required", _required("notes")), "notes: it may be left out"),
    "type changed": (_set("properties/title/type", "integer"), "title: its type was string"),
    "type narrowed": (_set("properties/ratio/type", "integer"), "ratio: its type was number"),
    "null no longer allowed": (_set("properties/paid", {"$ref": "#/$defs/Money"}), "paid: null is not allowed"),
    "enum value removed": (_set("properties/state/enum", ["placed"]), "state: 'released' is not one of its values"),
    "enum value renamed": (_set("properties/state/enum", ["placed", "let_go"]), "state: 'released' is not one"),
    "constant changed": (_set("properties/model/const", "agent"), "model: 'principal' is not one of its values"),
    "free text becomes enum": (_set("properties/title/enum", ["a"]), "title: it was free and must be one of"),
    "longer at least": (_set("properties/title/minLength", 2), "title: minLength was 1 and is 2"),
    "shorter at most": (_set("properties/title/maxLength", 100), "title: maxLength was 200 and is 100"),
    "pattern added": (_set("properties/title/pattern", "^[a-z]$"), "title: pattern was not set"),
    "pattern changed": (_set("$defs/Money/properties/currency/pattern", "^CNY$"), "currency: pattern was"),
    "format added": (_set("properties/title/format", "uri"), "title: format was not set"),
    "minimum raised": (_set("properties/quantity/minimum", 2), "quantity: minimum was 1 and is 2"),
    "maximum added": (_set("properties/quantity/maximum", 9), "quantity: maximum was not set and is 9"),
    "exclusive bound added": (_set("properties/ratio/exclusiveMinimum", 0), "ratio: exclusiveMinimum was not set"),
    "fewer items": (_set("properties/lines/maxItems", 10), "lines: maxItems was 50 and is 10"),
    "bound beside a reference": (
        _set("properties/due/allOf", [{"$ref": "#/$defs/Money"}, {"properties": {"amount": {"minimum": 1}}}]),
        "due.amount: minimum was 0 and is 1",
    ),
    "values of a map narrowed": (
        _set("properties/by_source/additionalProperties", {"type": "boolean"}),
        "by_source{}: its type was integer",
    ),
    "another default": (_set("properties/notes/default", "none"), "notes: left out, it meant ''"),
    "money in another unit": (_set("$defs/Money/properties/amount/x-unit", "yuan"), "amount: x-unit was minor unit"),
    "money without a unit": (_set("$defs/Money/properties/amount/x-unit", None), "amount: x-unit was minor unit"),
    "money as text": (_set("$defs/Money/properties/amount/type", "string"), "amount: its type was integer"),
    "a currency's decimals": (
        _set("$defs/Money/properties/currency/x-exponents", {"CNY": 3, "JPY": 0}),
        "currency: CNY had 2 decimal places and has 3",
    ),
    "a currency dropped": (
        _set("$defs/Money/properties/currency/x-exponents", {"CNY": 2}),
        "currency: JPY had 0 decimal places and has none",
    ),
}

ONLY_FOR_EVENTS: dict[str, tuple[Change, str]] = {
    "new enum value": (_set("properties/state/enum", ["placed", "released", "closed"]), "'closed' is not one"),
    "constant becomes enum": (_set("properties/model", {"enum": ["principal", "agent"], "type": "string"}), "'agent'"),
    "type widened": (_set("properties/quantity/type", "number"), "its type was number and is integer"),
    "null allowed": (
        _set("properties/title", {"anyOf": [RELEASED["properties"]["title"], {"type": "null"}]}),
        "null is not allowed",
    ),
    "required becomes optional": (_set("required", _required(but="title")), "title: as present readers see it"),
    "amounts below zero": (
        _set("properties/due", {"$ref": "#/$defs/Money"}),
        "minimum was -1000 and is 0",
    ),
}

ALLOWED: dict[str, Change] = {
    "nothing": lambda _: None,
    "new optional field": _set("properties/cost_centre", {"type": "string", "default": ""}),
    "new optional field within": _set("$defs/Line/properties/tax", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    "another description": _set("description", "What was agreed."),
    "another order of fields": lambda schema: schema.update(properties=dict(reversed(schema["properties"].items()))),
    "another currency": _set("$defs/Money/properties/currency/x-exponents", {"CNY": 2, "JPY": 0, "SEK": 2}),
    "the same written otherwise": _set("properties/model", {"type": "string", "enum": ["principal"]}),
    "a definition by another name": lambda schema: (
        schema["$defs"].update(Price=schema["$defs"]["Money"]),
        schema["$defs"]["Line"]["properties"].update(net={"$ref": "#/$defs/Price"}),
    )[0],
}


@pytest.mark.parametrize("event", [True, False])
@pytest.mark.parametrize("kind", BREAKING)
def test_a_breaking_change_is_caught(kind: str, *, event: bool) -> None:
    """It is refused for events, commands, queries and views, and the field is named."""
    change, said = BREAKING[kind]
    found = breaking(RELEASED, _changed(change), event=event)
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize("kind", ONLY_FOR_EVENTS)
def test_what_present_readers_of_an_event_could_not_read_is_caught(kind: str) -> None:
    """A wider event breaks strict readers; a wider command, query or view is read by its own service."""
    change, said = ONLY_FOR_EVENTS[kind]
    found = breaking(RELEASED, _changed(change), event=True)
    assert any(said in problem for problem in found), found
    assert breaking(RELEASED, _changed(change), event=False) == []


@pytest.mark.parametrize("event", [True, False])
@pytest.mark.parametrize("kind", ALLOWED)
def test_an_allowed_change_passes(kind: str, *, event: bool) -> None:
    """It keeps the version."""
    assert breaking(RELEASED, _changed(ALLOWED[kind]), event=event) == []
