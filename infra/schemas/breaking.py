"""
May a schema take another's place under the same name? The gate behind `tests/compatibility`.

Old messages must still be readable: they lie in logs for ever and are on their way during a
roll-out. Of an event the other direction counts too: whoever reads it today, in a finance system
that nobody here can change, must be able to read tomorrow's. That leaves new optional fields.

No library does it: a set-theoretic comparison (jsonsubschema) takes every new optional field for a
narrowing, knows no units or defaults, and answers yes or no where a person needs the field's name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_TIGHTER: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda old, new: old is None or new > old,
    "exclusiveMinimum": lambda old, new: old is None or new > old,
    "minLength": lambda old, new: new > (old or 0),
    "minItems": lambda old, new: new > (old or 0),
    "maximum": lambda old, new: old is None or new < old,
    "exclusiveMaximum": lambda old, new: old is None or new < old,
    "maxLength": lambda old, new: old is None or new < old,
    "maxItems": lambda old, new: old is None or new < old,
    "pattern": lambda old, new: old != new,
    "format": lambda old, new: old != new,
    "uniqueItems": lambda old, new: bool(new) and not old,
    "x-unit": lambda old, new: old != new,
}


def breaking(old: Schema, new: Schema, *, event: bool) -> list[str]:
    """
    What stands against publishing *new* under the name of *old*, one sentence each; empty: nothing.

    Args:
        old: As it was last released.
        new: As it is now.
        event: It is an event: present readers must be able to read the new one as well.
    """
    found = [f"{where or 'the message'}: {what}" for where, what in _lost(_Walk(old, new, whole=True), old, new, "")]
    if event:
        # Fields that only the new one has are no matter here: readers ignore them.
        backwards = _lost(_Walk(new, old, whole=False), new, old, "")
        found += [f"{where or 'the message'}: as present readers see it, {what}" for where, what in backwards]
    return found


class _Walk:
    """
    Two documents side by side, with the references that were followed already.

    Attributes:
        whole: Every field of the first must be in the second.
    """

    def __init__(self, first: Schema, second: Schema, *, whole: bool) -> None:
        self.first = first.get("$defs", {})
        self.second = second.get("$defs", {})
        self.whole = whole
        self.seen: set[tuple[str, str]] = set()


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """*schema* with what it refers to and the parts of its `allOf` put into one."""
    parts = list(schema.get("allOf", ()))
    if "$ref" in schema:
        parts.insert(0, definitions[schema["$ref"].rpartition("/")[2]])
    if not parts:
        return schema
    whole: Schema = {}
    for part in [*parts, {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}]:
        whole = _merged(whole, _resolved(part, definitions))
    return whole


def _merged(one: Schema, other: Schema) -> Schema:
    return {
        **one,
        **{
            key: _merged(one[key], value) if isinstance(one.get(key), Mapping) and isinstance(value, Mapping) else value
            for key, value in other.items()
        },
    }


def _lost(walk: _Walk, first: Schema, second: Schema, where: str) -> Iterator[tuple[str, str]]:
    """What *first* allows and *second* does not."""
    if "$ref" in first and "$ref" in second:
        pair = (first["$ref"], second["$ref"])
        if pair in walk.seen and len(first) == len(second) == 1:
            return
        walk.seen.add(pair)
    ours, theirs = _choices(first, walk.first), _choices(second, walk.second)
    if len(ours) == len(theirs) == 1:
        yield from _lost_in_one(walk, ours[0], theirs[0], where)
        return
    for choice in ours:
        alike = [other for other in theirs if _types(choice) <= _types(other)]
        problems = [list(_lost_in_one(walk, choice, other, where)) for other in alike]
        if not problems:
            yield where, f"{_said(choice)} is not allowed any more"
        elif all(problems):
            yield from min(problems, key=len)


def _choices(schema: Schema, definitions: Schema) -> list[Schema]:
    whole = _resolved(schema, definitions)
    if "anyOf" not in whole:
        return [whole]
    return [choice for part in whole["anyOf"] for choice in _choices(part, definitions)]


def _types(schema: Schema) -> set[str]:
    named = schema.get("type")
    found = {named} if isinstance(named, str) else set(named or {"object", "array", "string", "number", "boolean"})
    # What may be any number may be an integer.
    return found | {"integer"} if "number" in found else found


def _said(schema: Schema) -> str:
    return str(schema.get("title") or schema.get("const") or schema.get("type") or "a choice")


def _lost_in_one(walk: _Walk, first: Schema, second: Schema, where: str) -> Iterator[tuple[str, str]]:
    if not _types(first) <= _types(second):
        yield where, f"its type was {first.get('type')} and is {second.get('type')}"
        return
    yield from _values_lost(first, second, where)
    for word, tighter in _TIGHTER.items():
        if word in second and tighter(first.get(word), second[word]):
            yield where, f"{word} was {first.get(word, 'not set')} and is {second[word]}"
        elif word.startswith("x-") and word in first and word not in second:
            yield where, f"{word} was {first[word]} and is not said any more"
    exponents = second.get("x-exponents", {})
    for currency, exponent in first.get("x-exponents", {}).items():
        if walk.whole and exponents.get(currency) != exponent:
            yield where, f"{currency} had {exponent} decimal places and has {exponents.get(currency, 'none')}"
    yield from _fields_lost(walk, first, second, where)
    if "items" in second:
        yield from _lost(walk, first.get("items", {}), second["items"], f"{where}[]")
    for part in ("additionalProperties", "propertyNames"):
        if isinstance(second.get(part), Mapping):
            known = first.get(part)
            yield from _lost(walk, known if isinstance(known, Mapping) else {}, second[part], f"{where}{{}}")


def _values_lost(first: Schema, second: Schema, where: str) -> Iterator[tuple[str, str]]:
    allowed = _values(second)
    if allowed is None:
        return
    known = _values(first)
    if known is None:
        yield where, f"it was free and must be one of {', '.join(map(str, allowed))}"
        return
    for value in known:
        if value not in allowed:
            yield where, f"{value!r} is not one of its values"


def _values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values: Iterable[Any] | None = schema.get("enum")
    return None if values is None else list(values)


def _fields_lost(walk: _Walk, first: Schema, second: Schema, where: str) -> Iterator[tuple[str, str]]:
    ours: Schema = first.get("properties", {})
    theirs: Schema = second.get("properties", {})
    needed = set(second.get("required", ()))
    always = set(first.get("required", ()))
    for name, field in ours.items():
        here = f"{where}.{name}" if where else name
        if name not in theirs:
            if walk.whole:
                yield here, "the field is gone"
            continue
        if name in needed and name not in always:
            yield here, "it may be left out in one and must be there in the other"
        if walk.whole and "default" in field and field["default"] != theirs[name].get("default"):
            yield here, f"left out, it meant {field['default']!r} and would mean {theirs[name].get('default')!r}"
        yield from _lost(walk, field, theirs[name], here)
    for name in sorted(needed - set(ours)):
        if walk.whole:
            yield f"{where}.{name}" if where else name, "the field is new and required"
