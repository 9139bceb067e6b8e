"""What a service is made of, for the processes that host it. Each `services/<s>/__main__.py` has one."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from services.shared.chassis.settings import SourceSettings
from services.shared.chassis.unit_of_work import UnitOfWork
from services.shared.messages.base import Event


@dataclass(frozen=True)
class Subscription:
    """
    Which event leads to which use case.

    Attributes:
        use_case: `use_case(event, *, uow, now)`. Run once for each event, in the order of its stream.
        pass_over_parked: A parked event lets the later ones of its stream pass. Never where money moves.
    """

    event: type[Event]
    use_case: Callable[..., object]
    pass_over_parked: bool = False


def on(event: type[Event], use_case: Callable[..., object], *, pass_over_parked: bool = False) -> Subscription:
    """`on(OrderPlaced, payment.open_receivable)`: a line of `subscriptions.py`."""
    return Subscription(event, use_case, pass_over_parked)


@dataclass(frozen=True)
class OutsideCall:
    """
    One kind of thing that is done outside a transaction.

    Attributes:
        call: `call(payload, key) -> outcome` (JSON). Raises `Unavailable` to be tried again and a
            `Refused` when it will never succeed. Must be harmless when done again under the same key.
        outcome: `outcome(payload, result, *, uow, now)`, in its own transaction, with the result of `call`.
        failed: `failed(payload, code, *, uow, now)` after a `Refused`; none where nobody cares.
        lease_s: After so long without an outcome the caller is taken for dead and the call is made again.
        give_up_after: Attempts after which `Unavailable` counts as failed; none: never.
        keeps_outcome: The result stays with the call; not where it is large and *outcome* keeps what it says.
    """

    kind: str
    call: Callable[[Mapping[str, Any], str], Mapping[str, Any]]
    outcome: Callable[..., object] | None = None
    failed: Callable[..., object] | None = None
    lease_s: float = 60.0
    give_up_after: int | None = None
    keeps_outcome: bool = True


@dataclass(frozen=True)
class Work:
    """What `work` runs for a service, besides its relay."""

    subscriptions: tuple[Subscription, ...] = ()
    outside_calls: tuple[OutsideCall, ...] = ()
    timers: Mapping[str, Callable[..., object]] = field(default_factory=dict)
    """Kind of timer → `use_case(subject: str, *, uow, now)`."""

    def sources(self) -> tuple[str, ...]:
        """The services whose events this one follows."""
        return tuple(sorted({subscription.event.source for subscription in self.subscriptions}))


@dataclass(frozen=True)
class Definition:
    """
    A service.

    Attributes:
        entrypoints: "module:class" of its Nameko service; none: no `serve` (identity). A string, so that
            `work` imports neither Nameko nor eventlet.
        work: "module:function"; the function takes the settings and returns `Work`.
        migrations: Folder of its Alembic migrations.
        commands: Of its own on the command line: name → "module:function"; it takes the settings and returns the
            exit code.
    """

    name: str
    settings: type[SourceSettings]
    unit_of_work: type[UnitOfWork]
    migrations: Path
    entrypoints: str | None = None
    work: str | None = None
    commands: Mapping[str, str] = field(default_factory=dict)

    def load_work(self, settings: SourceSettings) -> Work:
        if self.work is None:
            return Work()
        made: Work = named(self.work)(settings)
        return made


def named(path: str) -> Any:
    """The object behind "module:name"."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


HOSTED = ("catalog", "orders", "billing", "invoicing", "notify")
"""The five; identity lives in the gateway and has a relay only."""


@cache
def find(name: str) -> Definition:
    """
    The definition of service *name*, loaded by name: the chassis imports no service.

    Raises:
        LookupError: There is no such service.
    """
    if name == "identity":
        module = "gateway.identity.__main__"
    elif name in HOSTED:
        module = f"services.{name}.__main__"
    else:
        raise LookupError(f"no service is called {name}")
    found: Definition = importlib.import_module(module).DEFINITION
    return found
