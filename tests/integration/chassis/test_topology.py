"""Each broker user may do what it is for, and is refused everything else."""

from collections.abc import Callable
from typing import Any

import amqp
import pytest

from services.shared.chassis import broker as brokers
from services.shared.chassis import topology
from services.shared.chassis.definition import HOSTED
from services.shared.kernel.ids import new_id
from tests.kit.broker import Management

Deed = Callable[[Any], object]


def _publish(exchange: str, key: str) -> Deed:
    return lambda channel: channel.basic_publish(amqp.Message("{}"), exchange, key)


def _consume(queue: str) -> Deed:
    return lambda channel: channel.basic_consume(queue, callback=lambda _message: None)


def _bind(queue: str, exchange: str, key: str) -> Deed:
    return lambda channel: channel.queue_bind(queue, exchange, key)


def _declare(name: str) -> Deed:
    return lambda channel: channel.queue_declare(name, durable=True)


REPLY = str(new_id())

ALLOWED: list[tuple[str, str, Deed]] = [
    ("gateway calls a service", "gateway", _publish("nameko-rpc", "orders.place_order")),
    ("gateway makes its reply queue", "gateway", _declare(f"rpc.reply-gateway-{REPLY}")),
    ("a service answers", "orders", _publish("nameko-rpc", REPLY)),
    ("a service makes its own rpc queue", "orders", _declare("rpc-orders")),
    ("a relay publishes its types", "relay_orders", _publish("orders.events", "order.placed.v1")),
    ("a relay publishes its heartbeat", "relay_orders", _publish("orders.events", "relay.heartbeat.v1")),
    ("a service reads its inbox", "orders", _consume("orders.inbox")),
    ("a service reads its parked queue", "orders", _consume("orders.parked")),
    ("a service asks for repair", "orders", _publish("repair", "billing")),
    ("a relay reads its repair queue", "relay_orders", _consume("orders.repair")),
    ("a service announces live ids", "orders", _publish("live", "")),
]

REFUSED: list[tuple[str, str, Deed]] = [
    ("gateway calls what is no service", "gateway", _publish("nameko-rpc", "ledger.post")),
    ("gateway states an event", "gateway", _publish("orders.events", "order.placed.v1")),
    ("a service states an event itself", "orders", _publish("orders.events", "order.placed.v1")),
    ("a relay states another's type", "relay_orders", _publish("orders.events", "payment.succeeded.v1")),
    ("a relay publishes to another's exchange", "relay_orders", _publish("billing.events", "order.placed.v1")),
    ("a relay publishes to the dead letters", "relay_orders", _publish("dlx", "orders.parked")),
    ("anyone writes into an inbox directly", "orders", _publish("", "billing.inbox")),
    ("the gateway writes into an inbox directly", "gateway", _publish("", "billing.inbox")),
    ("a relay writes into an inbox directly", "relay_orders", _publish("", "billing.inbox")),
    ("a service calls a service", "orders", _publish("nameko-rpc", "billing.close_settlements")),
    ("a service reads another's inbox", "orders", _consume("billing.inbox")),
    ("a service reads another's parked queue", "orders", _consume("billing.parked")),
    ("a service reads another's calls", "orders", _consume("rpc-billing")),
    ("a service binds another's methods to its queue", "orders", _bind("rpc-orders", "nameko-rpc", "billing.*")),
    ("a service binds its inbox to more", "orders", _bind("orders.inbox", "billing.events", "#")),
    ("a relay reads an inbox", "relay_orders", _consume("orders.inbox")),
    ("a relay calls a service", "relay_orders", _publish("nameko-rpc", "orders.place_order")),
    ("a service makes a queue of another name", "orders", _declare("orders.own")),
    ("the gateway reads an inbox", "gateway", _consume("orders.inbox")),
    ("the gateway reads a service's calls", "gateway", _consume("rpc-orders")),
    ("a service reads another's repair queue", "orders", _consume("billing.repair")),
]


def _url(stack: dict[str, str], role: str) -> str:
    if role.startswith("relay_"):
        return stack[f"YIQI_{role.removeprefix('relay_').upper()}_RELAY_BROKER_URL"]
    return stack[f"YIQI_{role.upper()}_BROKER_URL"]


def _do(stack: dict[str, str], role: str, deed: Deed) -> None:
    """Do it and wait until the broker has seen it; raises what the broker says."""
    connection = brokers.connect(_url(stack, role), "test")
    try:
        channel = connection.channel()
        if role == "orders":
            channel.queue_declare("rpc-orders", durable=True)
        deed(channel)
        channel.basic_qos(0, 1, a_global=False)  # answered in order: what came before it has been judged
    finally:
        brokers.close(connection)


@pytest.mark.parametrize(("what", "role", "deed"), ALLOWED, ids=[row[0] for row in ALLOWED])
def test_allowed(stack: dict[str, str], broker: Management, what: str, role: str, deed: Deed) -> None:
    """What a process needs for its work."""
    _do(stack, role, deed)


@pytest.mark.parametrize(("what", "role", "deed"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(stack: dict[str, str], broker: Management, what: str, role: str, deed: Deed) -> None:
    """What no process may do, however it was taken over."""
    with pytest.raises(amqp.exceptions.AccessRefused):
        _do(stack, role, deed)


def test_the_command_changes_nothing_the_second_time(stack: dict[str, str], broker: Management) -> None:
    """Running it again leaves definitions as they are."""
    admin_url, vhost, accounts = topology.from_environment()
    followed = {name: tuple(other for other in topology.SOURCES if other != name) for name in HOSTED}
    document = topology.definitions(vhost, accounts, followed)
    before = topology.Broker(admin_url).get("definitions")
    topology.apply(admin_url, vhost, document)
    after = topology.Broker(admin_url).get("definitions")
    for part in ("queues", "exchanges", "bindings", "policies", "users", "permissions", "topic_permissions"):
        assert sorted(map(str, before[part])) == sorted(map(str, after[part])), part


def test_a_queue_with_other_arguments_is_not_passed_over(stack: dict[str, str], broker: Management) -> None:
    """An import would skip it in silence; the command says which queue is wrong."""
    admin_url, vhost, accounts = topology.from_environment()
    document = topology.definitions(vhost, accounts, dict.fromkeys(HOSTED, ()))
    document["queues"][0] = {**document["queues"][0], "arguments": {"x-queue-type": "classic"}}
    with pytest.raises(topology.TopologyRefused, match=r"events\.unrouted"):
        topology.apply(admin_url, vhost, document)


def test_an_event_that_no_queue_wants_is_kept(stack: dict[str, str], broker: Management) -> None:
    """It is confirmed to the relay and lands in events.unrouted, where an alarm sees it."""
    broker.purge("events.unrouted")
    connection = brokers.connect(stack["YIQI_NOTIFY_RELAY_BROKER_URL"], "test")
    admin = topology.Broker(stack["YIQI_BROKER_ADMIN_URL"])
    for binding in admin.get("exchanges/yiqi/notify.events/bindings/source"):
        broker.unbind("notify.events", binding["destination"], binding["properties_key"])
    try:
        publisher = brokers.ConfirmedPublisher(connection)
        publisher.publish(amqp.Message("{}"), "notify.events", "webhook_endpoint.disabled.v1")
        publisher.drain(10)
    finally:
        brokers.close(connection)
        admin_url, vhost, accounts = topology.from_environment()
        everything = {name: tuple(other for other in topology.SOURCES if other != name) for name in HOSTED}
        topology.apply(admin_url, vhost, topology.definitions(vhost, accounts, everything))
    assert [message["routing_key"] for message in broker.get("events.unrouted")] == ["webhook_endpoint.disabled.v1"]
