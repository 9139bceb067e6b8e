"""Stripe's form encoding (`metadata[k]=v`, `expand[]=x`, `line_items[0][quantity]=1`) and checks on what came."""

from typing import Any
from urllib.parse import parse_qsl

from tests.kit.stripe_simulator.errors import StripeError, invalid

AMOUNT_MINOR_MAX = 99_999_999


def parse_form(text: str) -> dict[str, Any]:
    """
    Decode a query string or form body into nested dicts and lists; every leaf is text.

    Raises:
        StripeError: One name is used both as a value and as a container.
    """
    root: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *rest = name.replace("]", "").split("[")
        node = root
        path = [head, *rest]
        for here in path[:-1]:
            node = node.setdefault(here or str(len(node)), {})
            if not isinstance(node, dict):
                raise invalid(f"Invalid parameter: {name}", param=head)
        node[path[-1] or str(len(node))] = value
    return {key: _listed(key, value) for key, value in root.items()}


def _listed(name: str, node: Any) -> Any:
    """Numbered members are an array, except in metadata, whose keys are the caller's own."""
    if not isinstance(node, dict) or name == "metadata":
        return node
    if node and all(key.isdigit() for key in node):
        return [_listed("", node[key]) for key in sorted(node, key=int)]
    return {key: _listed(key, value) for key, value in node.items()}


def check_known(params: dict[str, Any], known: frozenset[str]) -> None:
    """Stripe refuses a parameter it does not know, and so does this, which keeps a typing error from passing a test."""
    for name in params:
        if name not in known and name != "expand":
            raise invalid(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")


def text(params: dict[str, Any], name: str, *, required: bool = False) -> str | None:
    value = params.get(name)
    if value is None or value == "":
        if required:
            raise missing_param(name)
        return None
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {name}", param=name)
    return value


def needed_text(params: dict[str, Any], name: str) -> str:
    value = text(params, name, required=True)
    if value is None:
        raise missing_param(name)
    return value


def missing_param(name: str) -> StripeError:
    return invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")


def choice(params: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    value = text(params, name)
    if value is not None and value not in allowed:
        raise invalid(f"Invalid {name}: must be one of {', '.join(allowed)}", param=name)
    return value


def flag(params: dict[str, Any], name: str) -> bool:
    return choice(params, name, ("true", "false")) == "true"


def whole(params: dict[str, Any], name: str, *, minimum: int = 0, maximum: int | None = None) -> int | None:
    value = text(params, name)
    if value is None:
        return None
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise invalid(f"Invalid integer: {value}", param=name, code="parameter_invalid_integer")
    number = int(value)
    if number < minimum:
        raise invalid(
            f"This value must be greater than or equal to {minimum}.",
            param=name,
            code="parameter_invalid_integer",
        )
    if maximum is not None and number > maximum:
        raise invalid(
            f"This value must be less than or equal to {maximum}.",
            param=name,
            code="parameter_invalid_integer",
        )
    return number


def needed_amount_minor(params: dict[str, Any], name: str = "amount") -> int:
    """A positive amount in minor units, at most eight digits as Stripe allows for most currencies."""
    value = whole(params, name, minimum=1)
    if value is None:
        raise missing_param(name)
    if value > AMOUNT_MINOR_MAX:
        raise invalid("Amount must be no more than 99999999.", param=name, code="amount_too_large")
    return value


def merged_metadata(before: dict[str, str], params: dict[str, Any]) -> dict[str, str]:
    """Stripe merges metadata by key; an empty value deletes the key, an empty `metadata` deletes all."""
    given = params.get("metadata")
    if given is None:
        return before
    if given == "":
        return {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise invalid("Invalid object: metadata", param="metadata")
    merged = {key: value for key, value in {**before, **given}.items() if value != ""}
    if len(merged) > 50 or any(len(key) > 40 or len(value) > 500 for key, value in merged.items()):
        raise invalid("Metadata: at most 50 keys of 40 characters with values of 500.", param="metadata")
    return merged
