"""
The outside call `deliver_webhook`: one entry of a view to one endpoint, signed (Standard Webhooks).

The name is resolved here and now, every address it has must be a public one, and the connection goes
to the address that was checked: what the name says a moment later does not matter. Redirects are not
followed. Whatever the other side does, an attempt ends after 15 s.
"""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select
from standardwebhooks import Webhook

from services.notify.adapters import tables
from services.notify.domain.webhook_address import Target, WebhookAddressRefused, is_inside, target_of
from services.notify.domain.webhook_endpoint import Answer
from services.shared.chassis import database
from services.shared.chassis.clock import Clock

TIMEOUT_S = 15.0
CONNECT_TIMEOUT_S = 5.0


class WebhookSender:
    """`deliver_webhook`. *context*: whom to trust over TLS; none: whom the machine trusts."""

    def __init__(
        self, engine: Engine, clock: Clock, *, allow_insecure: bool, context: ssl.SSLContext | None = None
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.allow_insecure = allow_insecure
        self.context = context

    def __call__(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """*status*, *problem*, *retry_after_s*. Whatever the other side does is an outcome and raises nothing."""
        del key
        endpoint, entry = tables.webhook_endpoint, tables.feed_entry
        delivery = tables.webhook_delivery
        with database.connection(self.engine) as held:
            row = held.execute(
                select(endpoint.c.url, endpoint.c.secret, entry.c.event_id, entry.c.body)
                .select_from(delivery)
                .join(endpoint, endpoint.c.webhook_endpoint_id == delivery.c.webhook_endpoint_id)
                .join(entry, (entry.c.view == delivery.c.view) & (entry.c.sequence == delivery.c.sequence))
                .where(delivery.c.delivery_id == UUID(payload["delivery_id"]))
            ).one()
        body = webhook_body(bytes(row.body))
        headers = signed_headers(row.secret, str(row.event_id), body, self.clock.wall())
        return vars(self.send(row.url, headers, body))

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One POST of *body* to *url*."""
        try:
            target = target_of(url, allow_insecure=self.allow_insecure)
            return post(target, resolve(target, allow_loopback=self.allow_insecure), headers, body, self.context)
        except WebhookAddressRefused as error:
            return Answer(None, str(error))
        except (OSError, http.client.HTTPException) as error:
            # The text of a TLS or socket error is ours; nothing of the other side's answer is kept.
            return Answer(None, f"{type(error).__name__}: {error}"[:300])


def webhook_body(event: bytes) -> bytes:
    """*type*, *timestamp*, *data*; the CloudEvent's bytes go in as they are pulled from the feed."""
    said = json.loads(event)
    head = json.dumps({"type": said["type"], "timestamp": said["time"]}, separators=(",", ":")).encode()
    return head[:-1] + b',"data":' + event + b"}"


def signed_headers(secret: str, event_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """*at*: wall time, for the receiver refuses what is old."""
    return {
        "content-type": "application/json",
        "user-agent": "Yiqi-Webhooks/1",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, body.decode()),
    }


def resolve(target: Target, *, allow_loopback: bool) -> str:
    """
    The address to connect to.

    Raises:
        WebhookAddressRefused: One of the name's addresses is inside: then none of them is trusted.
        OSError: The name does not resolve.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]).partition("%")[0] for each in found]
    if not addresses or any(is_inside(ip_address(address), allow_loopback=allow_loopback) for address in addresses):
        raise WebhookAddressRefused("the name leads inside")
    return addresses[0]


def post(target: Target, address: str, headers: Mapping[str, str], body: bytes,
         context: ssl.SSLContext | None = None) -> Answer:  # fmt: skip
    """POST to *address*, which was checked, under the name of *target*. Raises OSError and HTTPException."""
    link = socket.create_connection((address, target.port), timeout=CONNECT_TIMEOUT_S)
    overdue = threading.Event()

    def cut() -> None:
        # A timeout counts each read for itself; whoever answers a byte at a time would hold us for ever.
        overdue.set()
        with suppress(OSError):
            socket.socket.shutdown(link, socket.SHUT_RDWR)

    timer = threading.Timer(TIMEOUT_S, cut)
    timer.daemon = True
    timer.start()
    try:
        link.settimeout(TIMEOUT_S)
        if target.secure:
            # The handshake comes after the assignment, so that the deadline can cut it too.
            trusting = context or ssl.create_default_context()
            secured = trusting.wrap_socket(link, server_hostname=target.host, do_handshake_on_connect=False)
            link = secured
            secured.do_handshake()
        exchange = http.client.HTTPConnection(target.host, target.port)
        exchange.default_port = 443 if target.secure else 80  # so that Host says the port only where it must
        exchange.sock = link
        exchange.request("POST", target.path, body=body, headers=dict(headers))
        answered = exchange.getresponse()
        problem = "" if 200 <= answered.status < 300 else f"answered {answered.status}"
        return Answer(answered.status, problem, _retry_after_s(answered.getheader("retry-after")))
    except (OSError, http.client.HTTPException) as error:
        if overdue.is_set():
            raise TimeoutError(f"no answer within {TIMEOUT_S:.0f} s") from error
        raise
    finally:
        timer.cancel()
        link.close()


def _retry_after_s(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 8 else 0
