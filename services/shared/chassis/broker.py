"""Connections to RabbitMQ over py-amqp (the library under kombu), and publishing with pipelined confirms."""

import contextlib
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp
from amqp.exceptions import AMQPError

BROKER_ERRORS = (AMQPError, OSError)
"""What a connection raises when the broker or the way to it fails."""

HEARTBEAT_S = 20


class NotConfirmed(ConnectionError):
    """The broker refused a message, or did not confirm it in time."""


def connect(url: str, name: str, *, read_timeout_s: float = 30.0, connect_timeout_s: float = 5.0) -> Any:
    """
    An open connection. *name* shows in the broker's management pages.

    Raises:
        OSError, amqp.exceptions.AMQPError: The broker is not there or refuses.
    """
    parts = urlsplit(url)
    connection = amqp.Connection(
        host=f"{parts.hostname}:{parts.port or 5672}",
        userid=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        virtual_host=unquote(parts.path.lstrip("/")) or "/",
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        write_timeout=15,
        heartbeat=HEARTBEAT_S,
        # No `connection.blocked`: with it py-amqp reads the socket before each publish; we read when we
        # await confirms, and those have a deadline.
        client_properties={"connection_name": name, "capabilities": {"consumer_cancel_notify": True}},
    )
    connection.connect()
    # py-amqp's own read timeout begins anew for ever once a part of a frame has come, which is what a
    # network leaves that swallows the rest.
    connection.transport.sock.settimeout(read_timeout_s)
    return connection


def close(connection: Any) -> None:
    """Close without caring how it goes: what mattered was confirmed or acknowledged before."""
    if connection is None:
        return
    with contextlib.suppress(Exception):
        # A broker that does not answer must not hold us up for the read timeout.
        if connection.transport and connection.transport.sock:
            connection.transport.sock.settimeout(1)
        connection.close()
    with contextlib.suppress(Exception):
        connection.collect()


def beat(connection: Any) -> None:
    """Send and check heartbeats; call at least every few seconds on a connection that is otherwise idle."""
    with contextlib.suppress(TimeoutError):
        while True:
            connection.drain_events(timeout=0.001)
    connection.heartbeat_tick()


class ConfirmedPublisher:
    """
    Publishes a batch, then waits until each message is confirmed.

    Not for use by several threads. After any exception the connection is spent: close it.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.channel = connection.channel()
        self.channel.confirm_select()
        self._sent = 0
        self._open: set[int] = set()
        self._refused = False
        self.channel.events["basic_ack"].add(self._acked)
        self.channel.events["basic_nack"].add(self._nacked)

    def publish(self, message: Any, exchange: str, routing_key: str) -> int:
        """Send without waiting. Returns the delivery tag."""
        self._sent += 1
        self._open.add(self._sent)
        self.channel.basic_publish(message, exchange, routing_key)
        return self._sent

    def confirmed_up_to(self) -> int:
        """All tags up to this one are confirmed."""
        return min(self._open) - 1 if self._open else self._sent

    def drain(self, timeout_s: float) -> None:
        """
        Wait until nothing is open.

        Raises:
            NotConfirmed: The broker refused one, or time was up.
        """
        deadline = time.monotonic() + timeout_s
        while self._open:
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotConfirmed("the broker did not confirm in time")
            try:
                self.connection.drain_events(timeout=left)
            except TimeoutError as error:
                raise NotConfirmed("the broker did not confirm in time") from error
            if self._refused:
                raise NotConfirmed("the broker refused a message")

    def _acked(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp calls it so
        if multiple:
            self._open = {open_tag for open_tag in self._open if open_tag > tag}
        else:
            self._open.discard(tag)

    def _nacked(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp calls it so
        # The tags stay open, so that confirmed_up_to() stops before the first refused one.
        del tag, multiple
        self._refused = True
