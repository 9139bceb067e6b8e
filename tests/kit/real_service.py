"""A service's use cases on its real database: each call in a transaction of its own, as the chassis does it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from threading import Barrier
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine

from services.shared.chassis import database
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.definition import Work
from services.shared.chassis.outside_calls import OutsideCaller
from services.shared.chassis.timers import Timers
from services.shared.chassis.unit_of_work import Cause, UnitOfWork, closing
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import Refused
from services.shared.messages.base import Command, Event, Query, View
from tests.kit.platform import ServiceDatabase

U = TypeVar("U", bound=UnitOfWork)
V = TypeVar("V", bound=View)
T = TypeVar("T")


class At:
    """A clock that stands at *instant*."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def wall(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return 0.0


class RealService(Generic[U]):
    """
    Attributes:
        now: Business time of every call that names no other.
        told: Wire names of the events of all committed calls, in order.
    """

    def __init__(
        self, target: ServiceDatabase, engine: Engine, unit_of_work: type[U], now: datetime, work: Work | None = None
    ) -> None:
        self.database = target
        self.engine = engine
        self.unit_of_work = unit_of_work
        self.now = now
        self.work = work or Work()
        self.told: list[str] = []

    def run(self, use_case: Callable[..., V], wanted: Command | Query, actor: Actor, now: datetime | None = None) -> V:
        at = now or self.now
        who = f"organisation/{actor.organisation_id}"
        return self.within(lambda uow: use_case(wanted, actor=actor, uow=uow, now=at), at, who)

    def handle(self, use_case: Callable[..., object], event: Event, now: datetime | None = None, **more: Any) -> None:
        at = now or self.now
        self.within(lambda uow: use_case(event, uow=uow, now=at, **more), at)

    def within(self, deed: Callable[[U], T], now: datetime | None = None, actor: str = "") -> T:
        """What *deed* answers, in a transaction that is committed after it with all that it asked for."""
        with self.transaction(now, actor) as uow:
            answer = deed(uow)
        self.told += [row.type for row in uow.outbox]
        return answer

    @contextmanager
    def transaction(self, now: datetime | None = None, actor: str = "") -> Iterator[U]:
        """Committed at the end with all that it asked for, rolled back when something is raised."""
        with database.transaction(self.engine, SystemClock()) as (held, _):
            uow = self.unit_of_work(connection=held, cause=Cause("test", "test", actor), now=now or self.now)
            yield uow
            statements, parameters = closing([uow])
            if statements:
                database.driver(held).cursor().execute(statements, parameters)

    def do_outside(self, now: datetime | None = None, most: int = 100) -> int:
        """Make every outside call that is due, at most *most*. Returns how many."""
        clock = At(now or self.now)
        caller = OutsideCaller(self.database.name, self.engine, clock, self.unit_of_work, self.work.outside_calls)
        made = 0
        with database.connection(self.engine) as held:
            while made < most and caller.call_once(held):
                made += 1
        return made

    def run_timers(self, now: datetime) -> int:
        """Run every timer that is due at *now*. Returns how many."""
        timers = Timers(self.database.name, self.engine, At(now), self.unit_of_work, self.work.timers)
        ran = 0
        with database.connection(self.engine) as held:
            while timers.run_once(held):
                ran += 1
        return ran

    def rows(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self.database.rows(statement, parameters)


def together(deeds: Sequence[Callable[[], object]]) -> list[object]:
    """What each of *deeds* answered or how it was refused; all of them begin at the same moment."""
    barrier = Barrier(len(deeds))

    def one(deed: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return deed()
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(one, deeds))
