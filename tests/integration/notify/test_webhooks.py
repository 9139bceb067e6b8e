"""Webhooks over real HTTP: signed, in order, once; slow, broken and hostile receivers."""

import json
import socket
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from services.notify.adapters import queries, webhook_sender
from services.notify.adapters.webhook_sender import WebhookSender
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.definition import Work
from services.shared.messages.notify.feed import ListFeed
from services.shared.messages.notify.webhook_endpoint import ListWebhookDeliveries, ListWebhookEndpoints
from tests.integration.notify.database import happen, later, register, run_all, transaction
from tests.integration.notify.receiver import Receiver, self_signed
from tests.kit.fakes_invoicing import CUSTOMER_FINANCE, NOW, PROVIDER_FINANCE
from tests.kit.platform import ServiceDatabase


def test_every_entry_arrives_signed_in_order_and_as_it_is_pulled(
    engine: Engine, work: Work, receiver: Receiver
) -> None:
    """What came before the registration does not come; what is pushed is byte for byte what is pulled."""
    happen(engine, "order.placed.v1")
    register(engine, receiver)
    happen(engine, "order.contracted.v1", "ledger.posted.v1", "order.released.v1", "invoice.issued.v1")
    run_all(engine, work)
    with transaction(engine) as uow:
        pulled = queries.list_feed(ListFeed(after=1), actor=CUSTOMER_FINANCE, uow=uow, now=NOW).items
    assert [said["data"] for said in receiver.verified] == [entry.event for entry in pulled]
    assert [said["type"] for said in receiver.verified] == [
        "io.yiqi.order.contracted.v1", "io.yiqi.order.released.v1", "io.yiqi.invoice.issued.v1",
    ]  # fmt: skip
    for (body, headers), entry in zip(receiver.came, pulled, strict=True):
        assert headers["webhook-id"] == entry.event["id"]
        assert headers["host"] == f"127.0.0.1:{receiver.port}"
        assert json.loads(body)["timestamp"] == entry.event["time"]
    run_all(engine, work)
    assert len(receiver.came) == 3


def test_a_failed_delivery_comes_again_with_the_same_bytes_and_id(
    engine: Engine, made: ServiceDatabase, work: Work, receiver: Receiver
) -> None:
    """Twice refused: after 5 s again, then the next one passes it, and after 5 min it comes a third time."""
    register(engine, receiver)
    happen(engine, "order.placed.v1", "order.released.v1")
    receiver.statuses = [500, 302]
    receiver.headers = {"Location": "http://169.254.169.254/"}
    run_all(engine, work)
    assert len(receiver.came) == 1
    for delta in (timedelta(seconds=6), timedelta(seconds=60), timedelta(minutes=6)):
        later(made, delta)
        run_all(engine, work)
    ids = [headers["webhook-id"] for _, headers in receiver.came]
    assert ids == [ids[0], ids[0], ids[2], ids[0]]
    assert len({body for body, headers in receiver.came if headers["webhook-id"] == ids[0]}) == 1
    with transaction(engine) as uow:
        page = queries.list_webhook_deliveries(ListWebhookDeliveries(), actor=CUSTOMER_FINANCE, uow=uow, now=NOW)
        assert [(view.sequence, view.state, view.attempts) for view in page.items] == [
            (2, "succeeded", 1), (1, "succeeded", 3),
        ]  # fmt: skip
        others = queries.list_webhook_deliveries(ListWebhookDeliveries(), actor=PROVIDER_FINANCE, uow=uow, now=NOW)
        assert others.items == ()


def test_a_redirect_is_a_failure_and_leads_nowhere(engine: Engine, receiver: Receiver) -> None:
    """A receiver outside that points inside: nobody knocks there, whichever kind of redirect it is."""
    inside = Receiver()
    receiver.headers = {"Location": f"http://127.0.0.1:{inside.port}/"}
    statuses = [301, 302, 303, 307, 308]
    receiver.statuses = list(statuses)
    sender = WebhookSender(engine, SystemClock(), allow_insecure=True)
    answers = [sender.send(f"http://127.0.0.1:{receiver.port}/", {}, b"{}") for _ in statuses]
    assert [answer.problem for answer in answers] == [f"answered {status}" for status in statuses]
    assert inside.came == []
    inside.close()


def test_gone_disables_and_other_types_are_not_sent(engine: Engine, work: Work, receiver: Receiver) -> None:
    register(engine, receiver, types=("invoice.issued.v1",))
    happen(engine, "order.placed.v1", "invoice.issued.v1", "order.released.v1")
    receiver.statuses = [410]
    run_all(engine, work)
    assert len(receiver.came) == 1
    with transaction(engine) as uow:
        (view,) = queries.list_webhook_endpoints(ListWebhookEndpoints(), actor=CUSTOMER_FINANCE, uow=uow, now=NOW).items
    assert (view.state, view.secret, view.problem) == ("disabled", None, "answered 410 Gone")
    happen(engine, "invoice.issued.v1")
    run_all(engine, work)
    assert len(receiver.came) == 1


def test_who_answers_a_byte_at_a_time_is_cut_off(
    engine: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte is within every read's timeout; the whole is not within the attempt's."""
    monkeypatch.setattr(webhook_sender, "TIMEOUT_S", 1.0)
    receiver.drip_s, receiver.statuses = 0.2, [200]
    started = time.monotonic()
    answer = WebhookSender(engine, SystemClock(), allow_insecure=True).send(
        f"http://127.0.0.1:{receiver.port}/", {}, b"{}"
    )
    assert time.monotonic() - started < 3
    assert (answer.status, answer.problem) == (None, "TimeoutError: no answer within 1 s")


RESOLVED: Mapping[str, list[str]] = {
    "rebound.example.org": ["127.0.0.1"],
    "mixed.example.org": ["93.184.216.34", "10.0.0.5"],
    "mapped.example.org": ["::ffff:127.0.0.1"],
    "metadata.example.org": ["169.254.169.254"],
    "private6.example.org": ["fd00::5"],
}


@pytest.mark.parametrize("name", RESOLVED)
def test_a_name_that_leads_inside_is_not_knocked_at(engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whatever was registered, what counts is where the name leads when we are about to connect."""

    def resolved(host: str, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in RESOLVED[host]]

    def no_connection(*_: object, **__: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(socket, "create_connection", no_connection)
    answer = WebhookSender(engine, SystemClock(), allow_insecure=False).send(f"https://{name}/", {}, b"{}")
    assert (answer.status, answer.problem) == (None, "the name leads inside")


def test_a_name_that_changes_its_mind_is_asked_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Public when it is checked, inside a moment later: the connection goes to the address that was checked."""
    told = [["93.184.216.34"], ["127.0.0.1"]]
    went: list[Any] = []

    def resolved(_host: str, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in told.pop(0)]

    def refused(address: object, **_: object) -> None:
        went.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(socket, "create_connection", refused)
    WebhookSender(engine, SystemClock(), allow_insecure=False).send("https://rebinding.example.org/", {}, b"{}")
    assert went == [("93.184.216.34", 443)]


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "0177.0.0.1", "10.1", "169.254.43518", "[::ffff:7f00:1]"])
def test_other_ways_to_write_an_address_inside_lead_nowhere(engine: Engine, host: str) -> None:
    """What is no address to us and is one to the resolver is judged by what the resolver makes of it."""
    answer = WebhookSender(engine, SystemClock(), allow_insecure=False).send(f"https://{host}/", {}, b"{}")
    assert answer.status is None
    assert answer.problem in {"the name leads inside", "this address is inside"}


@pytest.mark.parametrize("url", ["http://93.184.216.34/", "https://127.0.0.1/", "https://[::1]/", "https://localhost/"])
def test_what_was_allowed_in_the_demo_is_refused_in_production(engine: Engine, url: str) -> None:
    """The setting is asked at each attempt, not only at registration."""
    answer = WebhookSender(engine, SystemClock(), allow_insecure=False).send(url, {}, b"{}")
    assert answer.status is None
    assert answer.problem in {"https only", "this address is inside", "this name is inside"}


def test_tls_is_to_the_name_at_the_address_that_was_checked(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The certificate must be the name's although we connect by address; another name's is refused."""
    server, trusting = self_signed(tmp_path, "erp.example.org")
    secured = Receiver(server)
    original = socket.getaddrinfo
    seen: list[str] = []

    def resolved(host: str, port: int, *more: Any, **named: Any) -> list[Any]:
        if host.endswith(".example.org"):
            seen.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        return original(host, port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    sender = WebhookSender(engine, SystemClock(), allow_insecure=True, context=trusting)
    secured.statuses = [204]
    assert sender.send(f"https://erp.example.org:{secured.port}/x?y=1", {}, b"{}").status == 204
    assert secured.came[0][1]["host"] == f"erp.example.org:{secured.port}"
    assert seen == ["erp.example.org"]
    refused = sender.send(f"https://other.example.org:{secured.port}/", {}, b"{}")
    assert refused.status is None
    assert "certificate" in refused.problem.lower()
    secured.close()


def test_nobody_there_is_an_outcome_and_no_error(engine: Engine) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    answer = WebhookSender(engine, SystemClock(), allow_insecure=True).send(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert (answer.status, answer.problem.partition(":")[0]) == (None, "ConnectionRefusedError")
