"""
JSON Schema (draft 2020-12) of every message, as a reader may rely on it.

Three things differ from what pydantic would write by itself. Unknown fields are not forbidden: the
sender refuses them while it builds a message, every reader must ignore them. Money says its unit and
its bounds, so that the gate of `breaking.py` sees when one changes. Checks that are functions
(`PositiveMoney`, no control characters) appear as the constraints that they are.
"""

import inspect
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from services.shared.kernel.money import AMOUNT_MAX, EXPONENTS, Money
from services.shared.messages import base, registry
from services.shared.messages.base import Page, View

DIALECT = "https://json-schema.org/draft/2020-12/schema"

MONEY: Mapping[str, Any] = {
    "type": "object",
    "title": "Money",
    "description": "An amount in minor units (fen, cents) of its currency. Never a fraction.",
    "properties": {
        "amount": {"type": "integer", "minimum": -AMOUNT_MAX, "maximum": AMOUNT_MAX, "x-unit": "minor unit"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217.", "x-exponents": EXPONENTS},
    },
    "required": ["amount", "currency"],
}

_CHECKS: Mapping[object, Mapping[str, Any]] = {
    base._no_control: {"pattern": "^[^\\u0000-\\u0008\\u000b-\\u001f]*$"},
    base._positive: {"properties": {"amount": {"minimum": 1}}},
    base._not_negative: {"properties": {"amount": {"minimum": 0}}},
    base._in_calendar: {},  # no keyword says it: the first and last day of the calendar are left out
}
"""What each check of `base.py` means, as JSON Schema."""


class UnknownCheck(Exception):
    """A message uses a check of which nothing is known here: add it to `_CHECKS`, or the gate cannot watch it."""


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        if schema["cls"] is Money:
            return json.loads(json.dumps(MONEY))  # type: ignore[no-any-return] # a copy of what is an object
        return super().dataclass_schema(schema)

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        check = schema["function"]["function"]
        if check not in _CHECKS:
            raise UnknownCheck(getattr(check, "__qualname__", repr(check)))
        # Beside a reference older dialects overlook what stands there; AsyncAPI's is one of them.
        return {"allOf": [inner, dict(_CHECKS[check])]} if "$ref" in inner else {**inner, **_CHECKS[check]}


def of(cls: type[BaseModel], name: str) -> dict[str, Any]:
    """
    The schema of *cls*, published under *name*.

    Raises:
        UnknownCheck: The class checks something that would not show in its schema.
    """
    made = cls.model_json_schema(schema_generator=_Generator)
    _open(made)
    if cls.__doc__:
        made["description"] = inspect.cleandoc(cls.__doc__)
    return {"$schema": DIALECT, "$id": f"urn:yiqi:schema:{name}", **dict(sorted(made.items()))}


def _open(part: Any) -> None:
    """Take out what forbids unknown fields, at every depth."""
    if isinstance(part, dict):
        if part.get("additionalProperties") is False:
            del part["additionalProperties"]
        for value in part.values():
            _open(value)
    elif isinstance(part, list):
        for value in part:
            _open(value)


def views() -> dict[str, type[View]]:
    """
    Class name → view.

    Raises:
        TypeError: Two views are called the same, and would overwrite each other's file.
    """
    registry.events()  # loads every module of messages
    found: dict[str, type[View]] = {}
    waiting: list[type[View]] = [View]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            waiting.append(cls)
            if cls.__module__.startswith(base.__name__.rpartition(".")[0]) and cls is not Page:
                if cls.__name__ in found:
                    raise TypeError(f"{cls.__name__} is the name of two views")
                found[cls.__name__] = cls
    return dict(sorted(found.items()))


def named() -> dict[str, type[BaseModel]]:
    """Everything that has a schema: wire name of an event, command or query, class name of a view → class."""
    return {**registry.events(), **registry.commands(), **registry.queries(), **views()}


def text(document: Mapping[str, Any]) -> str:
    """As it is committed: the same on every machine."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
