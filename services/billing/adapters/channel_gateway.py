"""
What billing asks of the splitting channel, as outside calls make it: JSON in, JSON out, over signed HTTP.

Everything is made under our own number (of a payment, an order, a refund), and the channel answers the same number
always the same: whatever makes something is harmless when repeated, with no memory here. A refusal is an answer too: it
comes back as a status with its code. No answer, 5xx and 429 leave it unknown: the same is asked again.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

import requests

from services.shared.chassis.clock import Clock
from services.shared.kernel.errors import Unavailable

Payload = Mapping[str, Any]

TIMEOUT_S = 20.0
PATHS = {"channel_order": "orders", "channel_split": "splits", "channel_return": "returns", "channel_refund": "refunds"}


class ChannelUnavailable(Unavailable):
    """The splitting channel does not answer, or not yet."""

    code = "billing.channel_unavailable"


class ChannelGateway:
    """
    Args:
        base: URL of the channel's API, without a slash at the end; empty: none is connected.
        merchant: The company's number there.
        secret: Signs requests.
        clock: Of the signatures.
    """

    def __init__(self, base: str, merchant: str, secret: str, clock: Clock) -> None:
        self.base = base
        self.merchant = merchant
        self.secret = secret
        self.clock = clock

    @cached_property
    def session(self) -> requests.Session:
        return requests.Session()

    def create_order(self, payload: Payload, key: str) -> Payload:
        """The one order of `payment_id`: `payee, amount, currency, description`."""
        del key
        wanted = {"number": payload["payment_id"], "payee": payload["payee"], "amount": payload["amount"],
                  "currency": payload["currency"], "description": payload["description"]}  # fmt: skip
        return self._made("channel_order", wanted)

    def close_order(self, payload: Payload, key: str) -> Payload:
        """Nobody may pay it any more; how it stands now, which may be paid: the customer was quicker."""
        del key
        number = str(payload["payment_id"])
        status, answer = self._send("POST", f"/v1/orders/{quote(number, safe='')}/close")
        if status == 404:  # it was never made; where its making is still tried, what comes of that is closed again
            return {}
        return _facts("channel_order", answer) if status == 200 else self._fetched("channel_order", number)

    def create_split(self, payload: Payload, key: str) -> Payload:
        """The one split of `order_id`: `amount` of the payment `payment_id` is ours, the rest the payee's."""
        del key
        wanted = {"number": payload["order_id"], "order": payload["payment_id"], "amount": payload["amount"],
                  "currency": payload["currency"]}  # fmt: skip
        return self._made("channel_split", wanted)

    def create_return(self, payload: Payload, key: str) -> Payload:
        """The one return of that `number`: `amount` of the split of `order_id` goes back to the payee."""
        del key
        wanted = {"number": payload["number"], "split": payload["order_id"], "amount": payload["amount"],
                  "currency": payload["currency"]}  # fmt: skip
        return self._made("channel_return", wanted)

    def create_refund(self, payload: Payload, key: str) -> Payload:
        """The one refund of that `number`: `amount` of the payment `payment_id` goes back to who paid."""
        del key
        wanted = {"number": payload["number"], "order": payload["payment_id"], "amount": payload["amount"],
                  "currency": payload["currency"]}  # fmt: skip
        return self._made("channel_refund", wanted)

    def fetch(self, payload: Payload, key: str) -> Payload:
        """How *payload*'s `object` of that `id` stands now, whatever a notice said of it; nothing: there is none."""
        del key
        return self._fetched(str(payload["object"]), str(payload["id"]))

    def bill(self, payload: Payload, key: str) -> Payload:
        """The channel's bill of the first of `days` (Shanghai): `lines` and `balances`; nothing: it has none yet."""
        del key
        status, answer = self._send("GET", f"/v1/bills/{payload['days'][0]}")
        return answer if status == 200 else {}

    def _fetched(self, kind: str, number: str) -> Payload:
        status, answer = self._send("GET", f"/v1/{PATHS[kind]}/{quote(number, safe='')}")
        return _facts(kind, answer) if status == 200 else {}

    def _made(self, kind: str, wanted: Payload) -> Payload:
        status, answer = self._send("POST", f"/v1/{PATHS[kind]}", wanted)
        if status == 200:
            return _facts(kind, answer)
        if answer.get("code") == "number_used_otherwise":
            return self._fetched(kind, str(wanted["number"]))  # whoever learns of it sees that it is not what was asked
        return {"object": kind, "status": "refused", "failure": str(answer.get("code")), **wanted}

    def _send(self, method: str, path: str, body: Payload | None = None) -> tuple[int, Mapping[str, Any]]:
        """
        Status and answer, of those that are answers.

        Raises:
            ChannelUnavailable: It may have been done or not: to be repeated.
        """
        if not self.base:
            raise ChannelUnavailable("no splitting channel is connected")
        said = json.dumps(body, separators=(",", ":")) if body is not None else ""
        try:
            response = self.session.request(
                method, self.base + path, data=said.encode(), headers=self._headers(method, path, said),
                timeout=TIMEOUT_S, allow_redirects=False,
            )  # fmt: skip
            answer = response.json()
        except (requests.RequestException, ValueError) as error:
            raise ChannelUnavailable(type(error).__name__) from error
        # 401 is our own clock or secret: a person mends that, and then it goes on.
        if response.status_code >= 500 or response.status_code in {401, 429} or not isinstance(answer, dict):
            raise ChannelUnavailable(f"answered {response.status_code}")
        return response.status_code, answer

    def _headers(self, method: str, path: str, body: str) -> dict[str, str]:
        at, nonce = str(int(self.clock.wall().timestamp())), secrets.token_hex(16)
        signed = f"{method}\n{path}\n{at}\n{nonce}\n{body}\n".encode()
        return {
            "Content-Type": "application/json",
            "Channel-Merchant": self.merchant,
            "Channel-Timestamp": at,
            "Channel-Nonce": nonce,
            "Channel-Signature": hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest(),
        }


def _facts(kind: str, answer: Mapping[str, Any]) -> Payload:
    """The channel's words as ours; amounts stay minor units of `currency`."""
    common = {"object": kind, "number": answer["number"], "status": str(answer["state"]).lower(),
              "currency": answer["currency"], "failure": answer["failure"]}  # fmt: skip
    if kind == "channel_order":
        paid_at = answer["paid_at"]
        at = datetime.fromtimestamp(paid_at, UTC).isoformat() if paid_at is not None else None
        return common | {"code_url": answer["code_url"], "transaction_id": answer["transaction"],
                         "paid": answer["paid"], "held": answer["held"], "paid_at": at}  # fmt: skip
    if kind == "channel_split":
        return common | {"commission": answer["amount"], "rest": answer["rest"]}
    if kind == "channel_refund":
        return common | {"amount": answer["amount"], "from_held": answer["from_held"]}
    return common | {"amount": answer["amount"]}
