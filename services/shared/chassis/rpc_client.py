"""
Calls from the gateway to services, in Nameko's wire format, many at a time over two connections.

Nameko's own stand-alone client serves one call at a time per connection, knows a timeout per socket
read but not per call, keeps late replies for ever, and a lost reply queue costs it a full timeout
(docs/decisions). Here every call has a deadline, a request that nobody took by then expires in the
broker instead of running for nobody, a late reply is dropped, and a lost connection fails what is
under way at once.
"""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import amqp

from services.shared.chassis import broker
from services.shared.chassis.logs import logger
from services.shared.kernel.errors import Unavailable

log = logger("rpc_client")

EXCHANGE = "nameko-rpc"
BEAT_S = 5.0


class DeadlinePassed(Unavailable):
    """The service did not answer in time; whether it acted is not known. The same key may be sent again."""

    code = "deadline_passed"


class RpcClient:
    """Safe for use by many threads. `start()` before the first call, `stop()` at the end."""

    def __init__(self, broker_url: str) -> None:
        self._url = broker_url
        self._stop = threading.Event()
        self._waiting: dict[str, Future[Any]] = {}
        self._reply_to = ""
        self._ready = threading.Event()
        self._out_lock = threading.Lock()
        self._out: Any = None
        self._out_channel: Any = None
        self._out_beat = 0.0

    def start(self) -> None:
        threading.Thread(target=self._listen_for_ever, name="rpc replies", daemon=True).start()
        threading.Thread(target=self._beat_for_ever, name="rpc heartbeat", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()
        with self._out_lock:
            self._drop_out()

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    def call(self, service: str, method: str, request: Mapping[str, Any], deadline_s: float) -> Mapping[str, Any]:
        """
        The answer of `service.method(request)`.

        Raises:
            Unavailable: The broker is not there, or nobody answered within *deadline_s*.
        """
        until = time.monotonic() + deadline_s
        if not self._ready.wait(min(deadline_s, 1.0)):
            raise Unavailable("the message broker is not connected")
        correlation_id = str(uuid.uuid4())
        reply: Future[Any] = Future()
        self._waiting[correlation_id] = reply
        try:
            self._send(f"{service}.{method}", request, correlation_id, until)
            body = reply.result(max(0.0, until - time.monotonic()))
        except FutureTimeout:
            raise DeadlinePassed(service=service) from None
        finally:
            self._waiting.pop(correlation_id, None)
        answer = json.loads(body)
        if answer.get("error") is not None:
            # Our own entry points never raise: this is Nameko's, e.g. a method that does not exist.
            log.error("rpc failed", service=service, method=method, error=answer["error"].get("exc_type"))
            raise RuntimeError(f"{service}.{method} failed")
        result: Mapping[str, Any] = answer["result"]
        return result

    def _send(self, routing_key: str, request: Mapping[str, Any], correlation_id: str, until: float) -> None:
        left_s = max(0.1, until - time.monotonic())
        message = amqp.Message(
            json.dumps({"args": [request], "kwargs": {}}),
            content_type="application/json",
            content_encoding="utf-8",
            reply_to=self._reply_to,
            correlation_id=correlation_id,
            expiration=str(int(left_s * 1000)),
            delivery_mode=1,
        )
        # Whoever connects holds the lock; where nothing answers, the others must not queue behind it.
        if not self._out_lock.acquire(timeout=left_s):
            raise Unavailable("the message broker does not answer")
        try:
            for attempt in (1, 2):
                try:
                    if self._out is None:
                        timeout_s = min(5.0, max(0.1, until - time.monotonic()))
                        self._out = broker.connect(self._url, "gateway calls", connect_timeout_s=timeout_s)
                        self._out_channel = self._out.channel()
                    self._out_channel.basic_publish(message, EXCHANGE, routing_key)
                except broker.BROKER_ERRORS as error:
                    # A connection that died while idle shows only now; nothing was sent on it.
                    self._drop_out()
                    if attempt == 2:
                        raise Unavailable("the message broker does not answer") from error
                else:
                    return
        finally:
            self._out_lock.release()

    def _drop_out(self) -> None:
        broker.close(self._out)
        self._out = self._out_channel = None

    def _beat_for_ever(self) -> None:
        while not self._stop.wait(BEAT_S):
            with self._out_lock:
                if self._out is not None:
                    try:
                        broker.beat(self._out)
                    except broker.BROKER_ERRORS:
                        self._drop_out()

    def _listen_for_ever(self) -> None:
        delay_s = 0.2
        while not self._stop.is_set():
            connection = None
            try:
                connection = broker.connect(self._url, "gateway replies")
                self._listen(connection)
                delay_s = 0.2
            except broker.BROKER_ERRORS as error:
                log.warning("broker connection lost", error=str(error), again_in_s=delay_s)
            finally:
                self._ready.clear()
                self._fail_waiting()
                broker.close(connection)
            self._stop.wait(delay_s)
            delay_s = min(delay_s * 2, 5.0)

    def _listen(self, connection: Any) -> None:
        routing_key = str(uuid.uuid4())
        channel = connection.channel()
        queue = f"rpc.reply-gateway-{routing_key}"
        channel.queue_declare(queue, exclusive=True, auto_delete=True)
        channel.queue_bind(queue, EXCHANGE, routing_key)
        channel.basic_consume(queue, no_ack=True, callback=self._replied, on_cancel=self._cancelled)
        self._reply_to = routing_key
        self._ready.set()
        last_beat = time.monotonic()
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                connection.drain_events(timeout=1.0)
            if time.monotonic() - last_beat > BEAT_S:
                connection.heartbeat_tick()
                last_beat = time.monotonic()

    def _cancelled(self, _tag: str) -> None:
        raise ConnectionError("the reply queue is gone")

    def _replied(self, message: Any) -> None:
        waiting = self._waiting.pop(message.properties.get("correlation_id", ""), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message.body)

    def _fail_waiting(self) -> None:
        while self._waiting:
            _, waiting = self._waiting.popitem()
            if not waiting.done():
                waiting.set_exception(Unavailable("the connection to the message broker was lost"))
