"""The broker as its administrator sees it, for tests: counts, purges, users made for a test."""

from typing import Any
from urllib.parse import quote, unquote, urlsplit

import requests


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
