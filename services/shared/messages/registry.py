"""Every message there is, found by its name on the wire."""

import importlib
import pkgutil
from functools import cache
from types import MappingProxyType
from typing import TypeVar

import services.shared.messages as package
from services.shared.messages.base import Command, Event, Message, Query

M = TypeVar("M", bound=Message)

TYPE_PREFIX = "io.yiqi."


def _subclasses(base: type[M]) -> list[type[M]]:
    found = []
    for cls in base.__subclasses__():
        found += [cls, *_subclasses(cls)]
    return found


@cache
def _load() -> None:
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)


def _named(base: type[M]) -> dict[str, type[M]]:
    _load()
    found: dict[str, type[M]] = {}
    for cls in _subclasses(base):
        name = cls.__dict__.get("wire_name")
        if name is None:
            continue
        if name in found:
            raise TypeError(f"{name} is the wire name of two classes")
        found[name] = cls
    return found


@cache
def events() -> MappingProxyType[str, type[Event]]:
    """Wire name (`order.placed.v1`) → class."""
    return MappingProxyType(_named(Event))


@cache
def commands() -> MappingProxyType[str, type[Command]]:
    """Wire name (`orders.place_order`) → class."""
    return MappingProxyType(_named(Command))


@cache
def queries() -> MappingProxyType[str, type[Query]]:
    """Wire name (`orders.get_order`) → class."""
    return MappingProxyType(_named(Query))


def sources() -> tuple[str, ...]:
    """Every service that states events, in a fixed order."""
    return tuple(sorted({event.source for event in events().values()}))
