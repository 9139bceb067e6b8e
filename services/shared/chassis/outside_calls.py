"""
What a transaction must not do: calls to the outside, in three steps.

1. A use case writes the intent (`UnitOfWork.call_outside`) in its own transaction.
2. The caller here marks it `sent`, commits, and calls, with the row's key as idempotency key.
3. The outcome is a use case in a transaction of its own, together with the mark that it is known.

A caller that dies between 2 and 3 leaves the row `sent`; after the lease another makes the same call
under the same key, which must be harmless: the other side knows the key, or looking it up is part of
the call. Its session holds a lock for as long as it is at a call: a caller that starts finds those whose
caller is gone and need not wait for the lease.
"""

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine

from services.shared.chassis import clock as clocks
from services.shared.chassis import database, failpoint, logs, metrics, telemetry
from services.shared.chassis.clock import Clock
from services.shared.chassis.definition import OutsideCall
from services.shared.chassis.loops import Stop
from services.shared.chassis.unit_of_work import Cause, UnitOfWork, cause_of, closing
from services.shared.kernel.errors import NotYet, Refused, Unavailable

log = logs.logger("outside_calls")

RETRY_S_MAX = 600.0
ERROR_CHARS_MAX = 2_000

LOCKS = 7_071
"""Class of the advisory locks that callers hold while they are at a call."""

CLAIM = f"""
UPDATE outside_call SET status = 'sent', attempts = attempts + 1,
       next_attempt_at = %(wall)s::timestamptz + make_interval(secs => (%(leases)s::jsonb ->> kind)::float)
WHERE id = (SELECT id FROM outside_call
            WHERE status IN ('ready', 'sent') AND next_attempt_at <= %(wall)s AND kind = ANY(%(kinds)s)
            ORDER BY next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id::text, kind, key, payload, attempts, headers, pg_try_advisory_lock({LOCKS}, hashtext(id::text))
"""

# Taken only where nobody holds it, and let go with the transaction.
ABANDONED = f"""
UPDATE outside_call SET next_attempt_at = %(wall)s
WHERE status = 'sent' AND kind = ANY(%(kinds)s) AND pg_try_advisory_xact_lock({LOCKS}, hashtext(id::text))
"""


class OutsideCaller:
    """Makes the outside calls of one service, one after the other. Each `run` lasts to the first failure."""

    def __init__(self, service: str, engine: Engine, clock: Clock, unit_of_work: type[UnitOfWork],
                 calls: Sequence[OutsideCall]) -> None:  # fmt: skip
        self.service = service
        self.engine = engine
        self.clock = clock
        self.unit_of_work = unit_of_work
        self.calls = {call.kind: call for call in calls}
        self.leases = json.dumps({call.kind: call.lease_s for call in calls})

    def run(self, stop: Stop) -> None:
        """Work until *stop* is set. Raises what failed."""
        if not self.calls:
            stop.wait()
            return
        with database.connection(self.engine) as held:
            raw = database.driver(held)
            raw.cursor().execute("LISTEN yiqi_outbox")
            raw.cursor().execute(ABANDONED, {"wall": self.clock.wall(), "kinds": list(self.calls)})
            while not stop.is_set():
                if not self.call_once(held):
                    database.wait_for_notify(raw, 1.0)

    def call_once(self, held: Connection) -> bool:
        """Make one call that is due. Returns whether there was one."""
        cursor = database.driver(held).cursor()
        cursor.execute(CLAIM, {"wall": self.clock.wall(), "leases": self.leases, "kinds": list(self.calls)})
        row = cursor.fetchone()
        if row is None:
            return False
        call_id, kind, key, payload, attempts, headers, locked = row
        call = self.calls[kind]
        cause = cause_of(headers, f"outside_call/{call_id}")
        failpoint.reach("outside_call_sent")
        with (
            logs.about(correlation_id=cause.correlation_id, outside_call=kind),
            telemetry.span(
                f"call {kind}", cause.traceparent, kind="client", service=self.service, key=key
            ) as traceparent,
        ):
            self._call(held, call, cause.within(traceparent), call_id, key, payload, attempts)
        if locked:
            cursor.execute(f"SELECT pg_advisory_unlock({LOCKS}, hashtext(%s))", (call_id,))
        return True

    def _call(self, held: Connection, call: OutsideCall, cause: Cause, call_id: str, key: str,
              payload: Mapping[str, Any], attempts: int) -> None:  # fmt: skip
        try:
            outcome = call.call(payload, key)
        except Refused as error:
            log.error("outside call refused", key=key, code=error.code, error=str(error))
            telemetry.note(outcome="refused")
            self._end(held, call, cause, call_id, payload, "failed", {"code": error.code, "facts": error.facts})
            return
        except BaseException as error:
            # A library's own error is the world's fault until somebody maps it, SystemExit and the like too:
            # they would end this thread without a word, and the next one at the same call.
            known = isinstance(error, (Unavailable, NotYet))
            telemetry.note(outcome="again", error=type(error).__name__, failed=True)
            if call.give_up_after is not None and attempts >= call.give_up_after:
                log.error("outside call given up", key=key, attempts=attempts, exc_info=not known)
                self._end(held, call, cause, call_id, payload, "failed", {"code": "given_up"})
                return
            self._again(held, call_id, key, attempts, error, known=known)
            return
        failpoint.reach("outside_call_done")
        self._end(held, call, cause, call_id, payload, "succeeded", dict(outcome))

    def _end(self, held: Connection, call: OutsideCall, cause: Cause, call_id: str, payload: Mapping[str, Any],
             status: str, outcome: Mapping[str, Any]) -> None:  # fmt: skip
        cursor = database.driver(held).cursor()
        cursor.execute("BEGIN; SELECT offset_s FROM clock")
        now = clocks.business(self.clock.wall(), cursor.fetchone()[0])
        kept = outcome if call.keeps_outcome or status == "failed" else {}
        cursor.execute(
            "UPDATE outside_call SET status = %s, outcome = %s, last_error = NULL"
            " WHERE id = %s AND status IN ('sent', 'ready')",
            (status, json.dumps(kept, default=str), call_id),
        )
        if cursor.rowcount == 0:  # another caller was quicker after our lease ran out
            cursor.execute("ROLLBACK")
            return
        uow = self.unit_of_work(connection=held, cause=cause, now=now)
        try:
            if status == "succeeded" and call.outcome is not None:
                call.outcome(payload, outcome, uow=uow, now=now)
            elif status == "failed" and call.failed is not None:
                call.failed(payload, str(outcome["code"]), uow=uow, now=now)
            statements, parameters = closing([uow])
            wake = "; NOTIFY yiqi_outbox" if statements else ""
            cursor.execute(f"{statements} COMMIT{wake}", parameters)
        except BaseException as error:
            if database.is_disconnect(error):
                raise
            cursor.execute("ROLLBACK")
            # The call itself is done; recording it failed. The lease brings us back with the same key.
            log.error("outcome could not be recorded", kind=call.kind, exc_info=error)
            self._again(held, call_id, "", 3, error, known=False)
            return
        metrics.OUTSIDE_CALLS.labels(self.service, call.kind, status).inc()

    def _again(
        self, held: Connection, call_id: str, key: str, attempts: int, error: BaseException, *, known: bool
    ) -> None:
        delay_s = min(2.0 ** min(attempts - 1, 12) * 0.5, RETRY_S_MAX) * random.uniform(0.75, 1.25)  # noqa: S311
        log.warning("outside call will be tried again", key=key, attempts=attempts, again_in_s=round(delay_s, 1),
                    error=f"{type(error).__name__}: {error}"[:300], exc_info=error if not known else None)  # fmt: skip
        cursor = database.driver(held).cursor()
        cursor.execute(
            "UPDATE outside_call SET status = 'ready', next_attempt_at = %s, last_error = %s WHERE id = %s",
            (clocks.business(self.clock.wall(), delay_s),
             f"{type(error).__name__}: {error}"[:ERROR_CHARS_MAX].replace("\x00", ""), call_id),
        )  # fmt: skip
        metrics.OUTSIDE_CALLS.labels(self.service, "retry", "again").inc()
