"""
The ways into a service by RPC: `command` and `query`. `service.py` uses these and nothing else of the framework.

    class OrdersService(ServiceBase):
        name = "orders"
        place_order = command(PlaceOrder, order.place_order)
        get_order = query(GetOrder, queries.get_order)

How a command or a query is served stands in `commands.py`. What a caller may be told travels as data,
never as an exception: Nameko would send its type and text.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import eventlet
from nameko.extensions import DependencyProvider
from nameko.rpc import rpc

from services.shared.chassis.commands import BUG, Host, serve_command, serve_query
from services.shared.chassis.logs import logger
from services.shared.chassis.unit_of_work import UnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.base import (
    Command,
    DeadLetter,
    DeadLetterPage,
    ListDeadLetters,
    ListParked,
    Parked,
    ParkedPage,
    Query,
    ReplayParked,
    ReplayReceipt,
    View,
)

log = logger("entrypoints")

C = TypeVar("C", bound=Command)
Q = TypeVar("Q", bound=Query)


class Chassis(DependencyProvider):  # type: ignore[misc] # nameko has no types
    """
    Gives a service its database and its clock. `host` is set by `serve` before the container starts;
    nothing here touches the database: an error in a provider kills the container.
    """

    def get_dependency(self, worker_ctx: Any) -> "Host":
        del worker_ctx
        found: Host = self.container.config["yiqi_host"]
        return found


def command(kind: type[C], use_case: Callable[..., View | None]) -> Any:
    """
    An RPC method that runs `use_case(command, *, actor, uow, now)` in one transaction, once per key.

    Its attribute must be called as the wire name says: Nameko routes by it.
    """

    def method(self: Any, request: Mapping[str, Any]) -> dict[str, Any]:
        return _answered(lambda: serve_command(self.chassis, kind, use_case, request))

    return _entrypoint(kind.wire_name, method)


def query(kind: type[Q], read: Callable[..., View]) -> Any:
    """An RPC method that answers `read(query, *, actor, uow, now)`."""

    def method(self: Any, request: Mapping[str, Any]) -> dict[str, Any]:
        return _answered(lambda: serve_query(self.chassis, kind, read, request))

    return _entrypoint(kind.wire_name, method)


def _answered(serve: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """
    Answer with a bug where Nameko would not answer at all.

    It catches `Exception` only: after anything else the caller waits in vain, the message stays
    unacknowledged, and its worker is lost. `GreenletExit`, by which a container stops, passes.
    """
    try:
        return serve()
    except (eventlet.Timeout, SystemExit, KeyboardInterrupt) as error:
        log.error("bug", exc_info=error)
        return BUG


def _entrypoint(wire_name: str, method: Callable[..., Any]) -> Any:
    method.__name__ = wire_name.partition(".")[2]
    return rpc(method)


def _list_parked(wanted: ListParked, *, actor: Actor, uow: UnitOfWork, now: datetime) -> ParkedPage:
    del now
    require(actor, wanted.grants, {})
    rows = uow.connection.exec_driver_sql(
        "SELECT source, seq, type, stream, status, attempts, received_at, coalesce(last_error, '') AS reason FROM inbox"
        " WHERE status = 'parked' OR (status = 'ready' AND attempts > 0) ORDER BY received_at LIMIT %s",
        (wanted.limit,),
    )
    ready = uow.connection.exec_driver_sql("SELECT count(*) FROM inbox WHERE status = 'ready'").scalar_one()
    contiguous = uow.connection.exec_driver_sql("SELECT source, contiguous_seq FROM inbox_source")
    return ParkedPage(
        items=tuple(Parked(**row._mapping) for row in rows),
        ready=ready,
        contiguous={row.source: row.contiguous_seq for row in contiguous},
    )


def _replay_parked(wanted: ReplayParked, *, actor: Actor, uow: UnitOfWork, now: datetime) -> ReplayReceipt:
    del now
    require(actor, wanted.grants, {})
    replayed = uow.connection.exec_driver_sql(
        "UPDATE inbox SET status = 'ready', attempts = 0, next_attempt_at = NULL"
        " WHERE source = %s AND seq = %s AND status = 'parked' AND event_id IS NOT NULL",
        (wanted.from_source, wanted.seq),
    ).rowcount
    if replayed == 0:
        raise NotFound
    log.warning("parked event replayed", source=wanted.from_source, seq=wanted.seq, by=uow.cause.actor)
    uow.connection.exec_driver_sql("NOTIFY yiqi_inbox")
    return ReplayReceipt(replayed=replayed)


def _list_dead_letters(wanted: ListDeadLetters, *, actor: Actor, uow: UnitOfWork, now: datetime) -> DeadLetterPage:
    del now
    require(actor, wanted.grants, {})
    rows = uow.connection.exec_driver_sql(
        "SELECT id AS dead_letter_id, received_at, reason, exchange, routing_key, user_id, body_size AS size_bytes,"
        " encode(substring(body FOR 200), 'escape') AS excerpt FROM dead_letter ORDER BY received_at DESC LIMIT %s",
        (wanted.limit,),
    )
    return DeadLetterPage(items=tuple(DeadLetter.model_validate(dict(row._mapping), strict=False) for row in rows))


class ServiceBase:
    """What every service answers: the state of its inbox, replay, dead letters. Services derive from it."""

    chassis = Chassis()
    list_parked = query(ListParked, _list_parked)
    replay_parked = command(ReplayParked, _replay_parked)
    list_dead_letters = query(ListDeadLetters, _list_dead_letters)
