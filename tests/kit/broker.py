"""The broker as its administrator sees it, for tests: counts, purges, users made for a test."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import requests

from services.shared.chassis import broker


class Management:
    def __init__(self, admin_url: str, vhost: str) -> None:
        parts = urlsplit(admin_url)
        self.base = f"{parts.scheme}://{parts.hostname}:{parts.port}/api"
        self.vhost = quote(vhost, safe="")
        self.session = requests.Session()
        self.session.auth = (unquote(parts.username or ""), unquote(parts.password or ""))

    def purge(self, queue: str) -> None:
        self._call("DELETE", f"queues/{self.vhost}/{queue}/contents")

    def waiting(self, queue: str) -> int:
        """Messages in *queue*, ready or not acknowledged; counted by the broker every few seconds."""
        return int(self._call("GET", f"queues/{self.vhost}/{queue}").json().get("messages", 0))

    def ready(self, queue: str) -> int:
        """Messages in *queue* that no consumer holds, as of now."""
        address = urlsplit(os.environ["YIQI_GATEWAY_BROKER_URL"])
        user, password = (quote(part, safe="") for part in self.session.auth)  # type: ignore[union-attr]
        connection = broker.connect(f"amqp://{user}:{password}@{address.hostname}:{address.port}/{self.vhost}", "test")
        try:
            return int(connection.channel().queue_declare(queue, passive=True).message_count)
        finally:
            broker.close(connection)

    def set_policy(self, name: str, pattern: str, definition: Mapping[str, Any]) -> None:
        """For queues, in place of any that the topology has for them."""
        body = {"pattern": pattern, "apply-to": "queues", "priority": 9, "definition": definition}
        self._call("PUT", f"policies/{self.vhost}/{name}", body)

    def remove_policy(self, name: str) -> None:
        self._call("DELETE", f"policies/{self.vhost}/{name}")

    def delete_queue(self, queue: str) -> None:
        self._call("DELETE", f"queues/{self.vhost}/{queue}")

    def get(self, queue: str, count: int = 10) -> list[dict[str, Any]]:
        """Take up to *count* messages away."""
        body = {"count": count, "ackmode": "ack_requeue_false", "encoding": "auto"}
        found: list[dict[str, Any]] = self._call("POST", f"queues/{self.vhost}/{queue}/get", body).json()
        return found

    def unbind(self, exchange: str, queue: str, properties_key: str) -> None:
        self._call("DELETE", f"bindings/{self.vhost}/e/{exchange}/q/{queue}/{quote(properties_key, safe='')}")

    def add_user(self, name: str, password: str, *, write: str, read: str = "^$", configure: str = "^$") -> None:
        self._call("PUT", f"users/{name}", {"password": password, "tags": ""})
        self._call("PUT", f"permissions/{self.vhost}/{name}", {"configure": configure, "write": write, "read": read})

    def remove_user(self, name: str) -> None:
        self._call("DELETE", f"users/{name}")

    def _call(self, method: str, path: str, body: object = None) -> requests.Response:
        answer = self.session.request(method, f"{self.base}/{path}", json=body, timeout=20)
        answer.raise_for_status()
        return answer
