"""
Everything the broker must have: exchanges, queues, bindings, policies, users and what each may do.

One idempotent command, run as the broker's administrator over its management interface. Services and
relays may declare nothing of this themselves. Queue types are arguments, because they can be nothing
else; every other setting is a policy, which an operator can change on a running broker.

    <source>.events     topic; routing key <aggregate>.<fact>.v<major>; what no queue wants → events.unrouted
    <service>.inbox     quorum, one active consumer, bound with # to each source it follows
    <service>.parked    quorum; what the broker or the receiver refused
    repair              direct; <source>.repair is read by the source's relay
    live                fanout; ids only, to whoever shows live pages
"""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import requests

from services.shared.chassis.definition import HOSTED
from services.shared.messages.registry import events

UUID_PATTERN = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
INBOX_LENGTH_MAX = 1_000_000
"""A guard of the disk: beyond it the relays wait and their logs grow instead. Alarm at half of it."""
DELIVERY_LIMIT = 50
SOURCES = ("identity", *HOSTED)


class TopologyRefused(Exception):
    """The broker cannot give the guarantees we rely on, or refused part of the topology."""


@dataclass(frozen=True)
class Account:
    """A user of the broker: *url* is the AMQP address the process itself is given."""

    url: str

    @property
    def name(self) -> str:
        return unquote(urlsplit(self.url).username or "")

    @property
    def password(self) -> str:
        return unquote(urlsplit(self.url).password or "")


def definitions(vhost: str, accounts: Mapping[str, Account], followed: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """
    The broker's definitions document.

    Args:
        vhost: Where everything lives.
        accounts: Name in the topology (`orders`, `relay_orders`, `gateway`) → account.
        followed: Service → the sources whose events it gets.
    """
    exchanges = [_exchange(vhost, f"{source}.events", "topic") for source in SOURCES]
    exchanges += [
        _exchange(vhost, "events.unrouted", "fanout"),
        _exchange(vhost, "dlx", "topic"),
        _exchange(vhost, "repair", "direct"),
        _exchange(vhost, "live", "fanout"),
        _exchange(vhost, "nameko-rpc", "topic"),
    ]
    queues = [_queue(vhost, "events.unrouted")]
    bindings = [_binding(vhost, "events.unrouted", "events.unrouted", "")]
    for source in SOURCES:
        queues.append(_queue(vhost, f"{source}.repair"))
        bindings.append(_binding(vhost, "repair", f"{source}.repair", source))
    for service in HOSTED:
        queues.append(_queue(vhost, f"{service}.inbox", {"x-single-active-consumer": True}))
        queues.append(_queue(vhost, f"{service}.parked"))
        bindings.append(_binding(vhost, "dlx", f"{service}.parked", f"{service}.parked"))
        bindings += [_binding(vhost, f"{source}.events", f"{service}.inbox", "#") for source in followed[service]]
    return {
        "vhosts": [{"name": vhost}],
        "exchanges": exchanges,
        "queues": queues,
        "bindings": bindings,
        "policies": _policies(vhost),
        "users": [_user(account) for account in accounts.values()],
        "permissions": [_permission(vhost, role, account.name) for role, account in accounts.items()],
        "topic_permissions": [
            permission for role, account in accounts.items() for permission in _topic(vhost, role, account.name)
        ],
    }


def _exchange(vhost: str, name: str, kind: str) -> dict[str, Any]:
    return {"vhost": vhost, "name": name, "type": kind, "durable": True, "auto_delete": False,
            "internal": False, "arguments": {}}  # fmt: skip


def _queue(vhost: str, name: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"vhost": vhost, "name": name, "durable": True, "auto_delete": False,
            "arguments": {"x-queue-type": "quorum", **(arguments or {})}}  # fmt: skip


def _binding(vhost: str, exchange: str, queue: str, key: str) -> dict[str, Any]:
    return {"vhost": vhost, "source": exchange, "destination": queue, "destination_type": "queue",
            "routing_key": key, "arguments": {}}  # fmt: skip


def _policies(vhost: str) -> list[dict[str, Any]]:
    found = [
        # By policy: as an argument of the exchange it would break every stock declare with 406.
        {"vhost": vhost, "name": "unrouted", "pattern": r"^.*\.events$", "apply-to": "exchanges", "priority": 0,
         "definition": {"alternate-exchange": "events.unrouted"}},
    ]  # fmt: skip
    found += [
        {"vhost": vhost, "name": f"inbox-{service}", "pattern": rf"^{service}\.inbox$", "apply-to": "queues",
         "priority": 0,
         "definition": {
             "dead-letter-exchange": "dlx",
             "dead-letter-routing-key": f"{service}.parked",
             "dead-letter-strategy": "at-least-once",
             "overflow": "reject-publish",
             "max-length": INBOX_LENGTH_MAX,
             "delivery-limit": DELIVERY_LIMIT,
         }}
        for service in HOSTED
    ]  # fmt: skip
    return found


def _user(account: Account) -> dict[str, Any]:
    salt = hashlib.sha256(f"{account.name}\n{account.password}".encode()).digest()[:4]
    # The salt comes from the name and password, so that running the command again changes nothing.
    hashed = base64.b64encode(salt + hashlib.sha256(salt + account.password.encode()).digest()).decode()
    return {"name": account.name, "password_hash": hashed, "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": []}  # fmt: skip


def _permission(vhost: str, role: str, user: str) -> dict[str, Any]:
    if role == "gateway":
        replies = r"rpc\.reply-gateway-.*|gateway\.live-.*"
        configure = write = f"^({replies}|nameko-rpc)$"
        read = f"^({replies}|nameko-rpc|live)$"
    elif role.startswith("relay_"):
        source = role.removeprefix("relay_")
        configure, write, read = "^$", rf"^{source}\.events$", rf"^{source}\.repair$"
    else:
        own = rf"nameko-rpc|rpc-{role}|rpc\.reply-{role}-.*"
        configure = f"^({own})$"
        write = f"^({own}|repair|live)$"
        read = rf"^({own}|{role}\.(inbox|parked))$"
    return {"user": user, "vhost": vhost, "configure": configure, "write": write, "read": read}


def _topic(vhost: str, role: str, user: str) -> list[dict[str, Any]]:
    def on(exchange: str, write: str, read: str) -> dict[str, Any]:
        return {"user": user, "vhost": vhost, "exchange": exchange, "write": write, "read": read}

    if role == "gateway":
        return [on("nameko-rpc", rf"^({'|'.join(HOSTED)})\.[a-z_]+$", f"^{UUID_PATTERN}$")]
    if role.startswith("relay_"):
        source = role.removeprefix("relay_")
        own = sorted({name.partition(".")[0] for name, event in events().items() if event.source == source})
        nouns = "|".join(re.escape(noun) for noun in [*own, "relay"])
        return [on(f"{source}.events", rf"^({nouns})\.[a-z_.0-9]+$", "^$")]
    # May answer, may not call; may bind its own methods, and nobody else's.
    return [on("nameko-rpc", f"^{UUID_PATTERN}$", rf"^({role}\.\*|{UUID_PATTERN})$")]


class Broker:
    """The broker's management interface, as its administrator."""

    def __init__(self, admin_url: str) -> None:
        parts = urlsplit(admin_url)
        self.base = f"{parts.scheme}://{parts.hostname}:{parts.port}/api"
        self.session = requests.Session()
        self.session.auth = (unquote(parts.username or ""), unquote(parts.password or ""))

    def get(self, path: str) -> Any:
        return self._call("GET", path).json()

    def put(self, path: str, body: object) -> None:
        self._call("PUT", path, body)

    def post(self, path: str, body: object) -> None:
        self._call("POST", path, body)

    def _call(self, method: str, path: str, body: object = None) -> requests.Response:
        answer = self.session.request(method, f"{self.base}/{path}", json=body, timeout=30)
        if not answer.ok:
            raise TopologyRefused(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer


def apply(admin_url: str, vhost: str, document: Mapping[str, Any]) -> None:
    """
    Bring the broker to *document*. Running it again changes nothing.

    Raises:
        TopologyRefused: At-least-once dead-lettering cannot be had, a queue stands there with other
            arguments, or the broker refuses.
    """
    target = Broker(admin_url)
    # Without this flag, at the time the queues are declared, the broker falls back to at-most-once
    # dead-lettering with no more than a line in its log.
    flags = {flag["name"]: flag["state"] for flag in target.get("feature-flags")}
    if flags.get("stream_queue", "enabled") == "disabled":
        target.put(f"feature-flags/{quote('stream_queue')}/enable", {"name": "stream_queue"})
    if flags.get("quorum_queue", "enabled") == "disabled":
        raise TopologyRefused("the broker has no quorum queues")
    target.post("definitions", document)
    _check(target, vhost, document)


def _check(target: Broker, vhost: str, document: Mapping[str, Any]) -> None:
    """An import skips what stands there with other arguments; we do not."""
    there = {queue["name"]: queue["arguments"] for queue in target.get(f"queues/{quote(vhost, safe='')}")}
    for queue in document["queues"]:
        if there.get(queue["name"]) != queue["arguments"]:
            raise TopologyRefused(f"queue {queue['name']} has other arguments: {there.get(queue['name'])}")
    bound = {
        (binding["source"], binding["destination"], binding["routing_key"])
        for binding in target.get(f"bindings/{quote(vhost, safe='')}")
    }
    for binding in document["bindings"]:
        if (binding["source"], binding["destination"], binding["routing_key"]) not in bound:
            raise TopologyRefused(f"binding of {binding['destination']} to {binding['source']} is missing")


def from_environment() -> tuple[str, str, dict[str, Account]]:
    """Administrator's address, vhost and accounts, as `infra/local` and the images set them."""
    environment = os.environ
    wanted = {service: f"YIQI_{service.upper()}_BROKER_URL" for service in HOSTED}
    wanted |= {f"relay_{source}": f"YIQI_{source.upper()}_RELAY_BROKER_URL" for source in SOURCES}
    wanted |= {"gateway": "YIQI_GATEWAY_BROKER_URL", "": "YIQI_BROKER_ADMIN_URL"}
    missing = sorted(variable for variable in wanted.values() if not environment.get(variable))
    if missing:
        raise TopologyRefused(f"not set: {', '.join(missing)}")
    accounts = {role: Account(environment[variable]) for role, variable in wanted.items() if role}
    return environment["YIQI_BROKER_ADMIN_URL"], environment.get("YIQI_BROKER_VHOST", "yiqi"), accounts
