"""
The control for relay and receiver: py-amqp by itself, a quorum queue, nothing kept and nothing checked.

What is left to them after this is what PostgreSQL costs.
"""

import time
from typing import Any

import amqp

from services.shared.chassis import broker

QUEUE = "bench.raw"
BATCH = 200
PREFETCH = 400


def open_channel(url: str) -> tuple[Any, Any]:
    """A connection and a channel on which the queue stands, empty."""
    connection = broker.connect(url, "bench raw")
    channel = connection.channel()
    channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    channel.queue_purge(QUEUE)
    return connection, channel


def publish(url: str, count: int, body: bytes) -> float:
    """Publish *count* durable messages, confirms awaited after every 200. Returns messages per second."""
    connection, _ = open_channel(url)
    publisher = broker.ConfirmedPublisher(connection)
    started = time.perf_counter()
    for first in range(0, count, BATCH):
        for _ in range(min(BATCH, count - first)):
            publisher.publish(amqp.Message(body, delivery_mode=2), "", QUEUE)
        publisher.drain(30)
    taken_s = time.perf_counter() - started
    broker.close(connection)
    return count / taken_s


def consume(url: str, count: int) -> float:
    """Take what `publish` left and acknowledge each by itself. Returns messages per second."""
    connection = broker.connect(url, "bench raw")
    channel = connection.channel()
    channel.basic_qos(0, PREFETCH, a_global=False)
    taken = 0

    def took(message: Any) -> None:
        nonlocal taken
        taken += 1
        channel.basic_ack(message.delivery_tag)

    started = time.perf_counter()
    channel.basic_consume(QUEUE, callback=took)
    while taken < count:
        connection.drain_events(timeout=30)
    taken_s = time.perf_counter() - started
    broker.close(connection)
    return count / taken_s
