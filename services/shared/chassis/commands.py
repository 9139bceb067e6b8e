"""
One command or one query, served: what the RPC entry points of the services and identity in the gateway share.

A command is one transaction and three round trips besides those of its use case: it opens, takes its
idempotency key, runs, writes its events and its answer, and commits; only then is there a reply. What
a caller may be told travels as data, never as an exception.

    serve_command(host, PlaceOrder, order.place_order, request) -> {"view": "<json>"} | {"error": {…}}
"""

import random
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Engine

from services.shared.chassis import clock as clocks
from services.shared.chassis import database, failpoint, logs, metrics, telemetry
from services.shared.chassis.clock import Clock
from services.shared.chassis.unit_of_work import Cause, UnitOfWork, closing
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import Conflict, Invalid, NotYet, Refused, Unavailable
from services.shared.kernel.ids import new_id
from services.shared.messages.base import Command, Query, View

log = logs.logger("commands")

C = TypeVar("C", bound=Command)
Q = TypeVar("Q", bound=Query)

LOCK_NOT_AVAILABLE = "55P03"
ENDED_FOR_ANOTHER = frozenset({"40P01", "40001"})
"""Deadlock, serialization failure: nothing was changed, and the same again may succeed."""

TRIES_MAX = 5


class KeyReused(Invalid):
    """This idempotency key was used for another request."""

    code = "idempotency_key_reused"


class KeyInUse(Conflict):
    """A request with this idempotency key is still being served."""

    code = "idempotency_key_in_use"


class Host:
    """
    What the calls of one service share in this process.

    Attributes:
        digest_key: Goes into the digest of a request; needed where requests hold passwords, so that the
            digest that is kept cannot be tried against a list of them.
    """

    def __init__(
        self,
        service: str,
        engine: Engine,
        clock: Clock,
        unit_of_work: Callable[..., UnitOfWork],
        digest_key: bytes = b"",
    ) -> None:
        self.service = service
        self.engine = engine
        self.clock = clock
        self.unit_of_work = unit_of_work
        self.digest_key = digest_key


def serve_command(
    host: Host, kind: type[C], use_case: Callable[..., View | None], request: Mapping[str, Any]
) -> dict[str, Any]:
    """Run `use_case(command, *, actor, uow, now)` in one transaction, once per idempotency key."""
    return _serve(host, kind.wire_name, request, lambda call: _run_until_committed(call, kind, use_case))


def serve_query(host: Host, kind: type[Q], read: Callable[..., View], request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer `read(query, *, actor, uow, now)`."""
    return _serve(host, kind.wire_name, request, lambda call: _run_query(call, kind, read))


class _Call:
    """One call being served: the host and the envelope that the gateway's client made."""

    def __init__(self, host: Host, request: Mapping[str, Any]) -> None:
        self.host = host
        self.body: str = request["body"]
        self.key: str | None = request.get("key")
        self.actor = _actor(request["actor"])
        self.cause = Cause(
            correlation_id=str(request.get("correlation_id") or new_id()),
            causation_id=f"request/{request.get('correlation_id', '')}",
            actor=_named(self.actor),
            traceparent=str(request.get("traceparent") or ""),
        )


def _actor(fields: Mapping[str, Any]) -> Actor:
    return Actor(
        organisation_id=UUID(fields["organisation_id"]),
        roles=frozenset(fields["roles"]),
        member_id=UUID(fields["member_id"]) if fields.get("member_id") else None,
        kind=fields["kind"],
        operator=bool(fields["operator"]),
    )


def _named(actor: Actor) -> str:
    if actor.kind == "system":
        return ""
    who = f"organisation/{actor.organisation_id}"
    return f"{who}/member/{actor.member_id}" if actor.member_id else who


def _serve(host: Host, name: str, request: Mapping[str, Any], run: Callable[[_Call], str]) -> dict[str, Any]:
    started = time.monotonic()
    outcome = "bug"
    try:
        call = _Call(host, request)
        with (
            logs.about(correlation_id=call.cause.correlation_id, call=name),
            telemetry.span(f"serve {name}", call.cause.traceparent, kind="server", service=host.service) as traceparent,
        ):
            call.cause = call.cause.within(traceparent)
            answer, outcome = _answer(name, lambda: run(call))
            telemetry.note(outcome=outcome, failed=outcome in {"bug", "unavailable"})
            return answer
    finally:
        metrics.COMMANDS.labels(host.service, name, outcome).inc()
        metrics.COMMAND_SECONDS.labels(host.service).observe(time.monotonic() - started)


def _answer(name: str, run: Callable[[], str]) -> tuple[dict[str, Any], str]:
    try:
        return {"view": run()}, "done"
    except Refused as error:
        kind = next(base.code for base in type(error).__mro__ if base in Refused.__subclasses__() or base is Refused)
        return _error(kind, error.code, str(error), error.facts), "refused"
    except (Unavailable, NotYet) as error:
        log.warning("not available", call=name, error=str(error))
        return _error("unavailable", error.code, "", error.facts), "unavailable"
    except ValidationError as error:
        # The gateway built this from the same class: only another version of it can have sent it.
        fields = [".".join(map(str, detail["loc"])) for detail in error.errors()]
        return _error("invalid", "invalid", "the request is malformed", {"fields": fields}), "invalid"
    except Exception as error:
        if database.sqlstate(error) == LOCK_NOT_AVAILABLE:
            return _error("conflict", KeyInUse.code, "somebody else is working on this", {}), "conflict"
        if database.world_failed(error):
            log.warning("database not available", call=name, error=str(error).splitlines()[0])
            return _error("unavailable", "unavailable", "", {}), "unavailable"
        log.error("bug", call=name, exc_info=error)
        return BUG, "bug"


BUG: dict[str, Any] = {"error": {"kind": "bug", "code": "internal", "text": "", "facts": {}}}
"""The answer to whatever nobody foresaw: nothing of it may be told."""


def _error(kind: str, code: str, text: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": {"kind": kind, "code": code, "text": text, "facts": dict(facts)}}


def _run_query(call: _Call, kind: type[Q], read: Callable[..., View]) -> str:
    wanted = kind.parse(call.body)
    with database.transaction(call.host.engine, call.host.clock) as (held, now):
        uow = call.host.unit_of_work(connection=held, cause=call.cause, now=now)
        return read(wanted, actor=call.actor, uow=uow, now=now).model_dump_json()


def _run_until_committed(call: _Call, kind: type[C], use_case: Callable[..., View | None]) -> str:
    """Where PostgreSQL ended it for another's sake (a deadlock, a serialization failure) it is done again."""
    for tries in range(1, TRIES_MAX):
        try:
            return _run_command(call, kind, use_case)
        except Exception as error:  # by SQLAlchemy or by the driver itself
            if database.sqlstate(error) not in ENDED_FOR_ANOTHER:
                raise
            log.warning("done again", call=kind.wire_name, tries=tries, sqlstate=database.sqlstate(error))
            time.sleep(random.uniform(0, 0.02 * tries))  # noqa: S311 # so that the same ones do not meet again
    return _run_command(call, kind, use_case)


def _run_command(call: _Call, kind: type[C], use_case: Callable[..., View | None]) -> str:
    wanted = kind.parse(call.body)
    if not call.key:
        raise Invalid("an idempotency key is required")
    host = call.host
    digest = sha256(host.digest_key + f"{kind.wire_name}\n{call.body}".encode()).digest()
    name = kind.wire_name
    with database.connection(host.engine) as held:
        cursor = database.driver(held).cursor()
        wall = host.clock.wall()
        # The row of the key is written first: a twin waits here until we commit, then reads our answer.
        cursor.execute(
            "BEGIN; SELECT offset_s, mine FROM open_command(%s, %s, %s, %s, %s)",
            (str(call.actor.organisation_id), name, call.key, digest, wall),
        )
        offset_s, mine = cursor.fetchone()
        if not mine:
            cursor.execute("ROLLBACK")
            return _earlier_answer(cursor, call, name, digest)
        now = clocks.business(wall, offset_s)
        uow = host.unit_of_work(connection=held, cause=call.cause, now=now)
        view = use_case(wanted, actor=call.actor, uow=uow, now=now)
        reply = view.model_dump_json() if view is not None else "null"
        statements, parameters = closing([uow])
        wake = "; NOTIFY yiqi_outbox" if statements else ""
        failpoint.reach("command_before_commit")
        cursor.execute(
            f"{statements} UPDATE command_log SET reply = %s"
            f" WHERE organisation_id = %s AND command = %s AND key = %s; COMMIT{wake}",
            (*parameters, reply, str(call.actor.organisation_id), name, call.key),
        )
        failpoint.reach("command_committed")
        return reply


def _earlier_answer(cursor: Any, call: _Call, name: str, digest: bytes) -> str:
    cursor.execute(
        "SELECT request_sha256, reply FROM command_log WHERE organisation_id = %s AND command = %s AND key = %s",
        (str(call.actor.organisation_id), name, call.key),
    )
    row = cursor.fetchone()
    if row is None:  # the first was refused after we began to wait for it; the caller may ask again
        raise KeyInUse
    if bytes(row[0]) != digest:
        raise KeyReused
    reply: str = row[1]
    return reply
