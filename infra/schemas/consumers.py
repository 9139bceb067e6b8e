"""
Who acts on which event: asked of the services themselves, not read from their text.

    python -m infra.schemas.consumers      prints it as JSON

It runs in a process of its own, because a service reads its settings once a process: those made up
here, which lead nowhere, must not stay behind in a process that goes on.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[2]


class ServiceDoesNotLoad(Exception):
    """A service's `subscriptions.py` cannot be imported or called; its traceback is the text."""


@cache
def consumers() -> dict[str, dict[str, list[str]]]:
    """
    Wire name of an event → service → the use cases it leads to there (`order.take_payment`).

    Raises:
        ServiceDoesNotLoad: One of the services cannot say.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__], cwd=ROOT, capture_output=True, text=True, check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("YIQI_")},
    )  # fmt: skip
    if done.returncode != 0:
        raise ServiceDoesNotLoad(done.stderr)
    found: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return found


def variables(settings: type[BaseSettings]) -> dict[str, str]:
    """A value for each variable that *settings* cannot do without; nothing is behind any of them."""
    prefix = str(settings.model_config.get("env_prefix", ""))
    return {
        str(field.validation_alias or f"{prefix}{name}".upper()): _value(name)
        for name, field in settings.model_fields.items()
        if field.is_required()
    }


def _value(name: str) -> str:
    if name.endswith("database_url"):
        return "postgresql://nobody@database.invalid/none"
    if name == "object_store_url":
        return "http://access:secret@store.invalid:1"
    return "amqp://nobody@broker.invalid" if name.endswith("_url") else "none"


def _named(use_case: Callable[..., Any]) -> str:
    while isinstance(use_case, partial):
        use_case = use_case.func
    return f"{use_case.__module__.rpartition('.')[2]}.{use_case.__qualname__}"


def _ask() -> Mapping[str, Mapping[str, list[str]]]:
    from services.shared.chassis.definition import HOSTED, find
    from services.shared.chassis.settings import load

    found: dict[str, dict[str, list[str]]] = {}
    for service in HOSTED:
        definition = find(service)
        os.environ.update(variables(definition.settings))
        for subscription in definition.load_work(load(definition.settings)[0]).subscriptions:
            there = found.setdefault(subscription.event.wire_name, {})
            there.setdefault(service, []).append(_named(subscription.use_case))
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_ask()))
