"""A customer's finance system in small: it receives signed webhooks and believes none whose signature does not hold."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from standardwebhooks import Webhook, WebhookVerificationError

from infra.demo.client import Json

BODY_BYTES_MAX = 1_000_000


class WebhookReceiver:
    """
    Listens on a free port of this machine inside a `with`.

    Attributes:
        secret: From the answer to the registration; what comes before it is known is refused, and comes again.
        events: What came with a good signature, by the id of its delivery; a second delivery is the same event.
        refused: How many requests had no good signature.
    """

    def __init__(self) -> None:
        self.secret: str | None = None
        self.events: dict[str, Json] = {}
        self.refused = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), BODY_BYTES_MAX))
                status = (
                    204 if receiver.take(body, {name.lower(): value for name, value in self.headers.items()}) else 401
                )
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/yiqi"

    def take(self, body: bytes, headers: dict[str, str]) -> bool:
        """Keep the event if its signature holds."""
        if self.secret is None or not self._holds(self.secret, body, headers):
            self.refused += 1
            return False
        self.events[headers["webhook-id"]] = json.loads(body)
        return True

    @staticmethod
    def _holds(secret: str, body: bytes, headers: dict[str, str]) -> bool:
        try:
            Webhook(secret).verify(body, headers)
        except WebhookVerificationError:
            return False
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
