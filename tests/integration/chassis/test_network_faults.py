"""The way between a process and the broker fails in every way in which networks do: each event once."""

from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlsplit

import pytest

from services.shared.chassis import broker, failpoint, relay
from services.shared.kernel.ids import new_id
from tests.integration.chassis.conftest import Pair
from tests.kit import probe
from tests.kit.fault_proxy import FaultProxy

Wait = Callable[..., None]

HEARTBEAT_S = 2
READ_TIMEOUT_S = 3.0


@pytest.fixture
def proxy(stack: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Between the broker and the relay of orders, and the broker and the receiver of billing; patience cut short."""
    monkeypatch.setattr(broker, "HEARTBEAT_S", HEARTBEAT_S)
    monkeypatch.setattr(broker, "connect", partial(broker.connect, read_timeout_s=READ_TIMEOUT_S))
    monkeypatch.setattr(relay, "CONFIRM_TIMEOUT_S", 1.0)
    address = urlsplit(stack["YIQI_BILLING_BROKER_URL"])
    with FaultProxy(str(address.hostname), address.port or 0) as made:
        for variable in ("YIQI_ORDERS_RELAY_BROKER_URL", "YIQI_BILLING_BROKER_URL"):
            monkeypatch.setenv(variable, made.before(stack[variable]))
        yield made


def _start(pair: Pair) -> None:
    pair.run("orders", "relay")
    pair.run("billing", "receiver,handlers")


def test_a_black_hole_is_noticed_and_costs_nothing_but_time(pair: Pair, wait: Wait, proxy: FaultProxy) -> None:
    """Nothing passes and nothing is closed: the relay by its confirms, the receiver by its heartbeats."""
    _start(pair)
    order = new_id()
    numbers = [f"{i:02d}" for i in range(60)]
    probe.publish(pair.source, numbers[:30], [order] * 30)
    wait(lambda: len(pair.effects()) == 30)
    failed = {name: pair.failures(name) for name in ("orders relay", "billing receiver")}
    proxy.black_hole()
    probe.publish(pair.source, numbers[30:], [order] * 30)
    # Two heartbeats, the second in which they are looked at, and one for a machine that is busy.
    wait(lambda: all(pair.failures(name) > before for name, before in failed.items()), 2 * HEARTBEAT_S + 4)
    assert len(pair.effects()) == 30
    proxy.heal()
    wait(lambda: len(pair.effects()) >= 60)
    assert pair.effects() == numbers


def test_a_hole_in_the_middle_of_a_frame_is_noticed_too(pair: Pair, wait: Wait, proxy: FaultProxy) -> None:
    """The first bytes of an answer come and the rest does not: whoever waits for it gives up."""
    pair.run("orders", "relay")
    probe.publish(pair.source, ["n1"])
    wait(lambda: pair.source.rows("SELECT published_seq FROM relay") == [(1,)])
    failed = pair.failures("orders relay")
    proxy.black_hole(after_bytes=3)
    wait(lambda: pair.failures("orders relay") > failed, 3 * READ_TIMEOUT_S)
    proxy.heal()
    probe.publish(pair.source, ["n2"])
    wait(lambda: pair.source.rows("SELECT published_seq FROM relay") == [(2,)])


@pytest.mark.parametrize("fault", ["reset", "half_close"])
def test_a_connection_cut_between_the_commit_and_its_ack(
    pair: Pair, wait: Wait, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """What was stored and not acknowledged is delivered again, and takes effect once."""
    cuts = 0

    def cut(name: str) -> None:
        nonlocal cuts
        if name == "receiver_committed" and cuts < 2:
            cuts += 1
            getattr(proxy, fault)()

    monkeypatch.setattr(failpoint, "reach", cut)
    failed = pair.failures("billing receiver")
    _start(pair)
    numbers = [f"{i:02d}" for i in range(40)]
    probe.publish(pair.source, numbers, [new_id()] * 40)
    wait(lambda: len(pair.effects()) >= 40 and pair.failures("billing receiver") > failed)
    wait(lambda: pair.broker.ready("billing.inbox") == 0)
    assert cuts > 0
    assert pair.effects() == numbers


def test_confirms_that_come_too_late_make_copies_and_no_second_effect(
    pair: Pair, wait: Wait, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slower than the relay waits: it publishes the same events again and again until the network is quick enough."""
    monkeypatch.setattr(relay, "CONFIRM_TIMEOUT_S", 0.3)
    _start(pair)
    probe.publish(pair.source, ["first"])
    wait(lambda: pair.effects() == ["first"])
    failed = pair.failures("orders relay")
    proxy.delay_s = 0.2  # there and back takes longer than the relay waits
    numbers = [f"{i:02d}" for i in range(20)]
    probe.publish(pair.source, numbers, [new_id()] * 20)
    wait(lambda: pair.failures("orders relay") >= failed + 2)
    proxy.heal()
    wait(lambda: pair.source.rows("SELECT published_seq FROM relay") == [(21,)])
    wait(lambda: len(pair.effects()) >= 21 and pair.broker.ready("billing.inbox") == 0)
    assert pair.effects() == ["first", *numbers]
