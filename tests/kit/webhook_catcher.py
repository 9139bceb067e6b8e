"""A webhook receiver for tests that verifies with the Stripe SDK and answers as told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe


class WebhookCatcher:
    """
    Listens on a free port from the start until `close`.

    Attributes:
        events: What came with a good signature, in order of arrival.
        refused: Why the others were answered 400.
        statuses: Answers for the next deliveries, used up first in, first out; those deliveries are not looked at.
    """

    def __init__(self, secret: str) -> None:
        self.events: list[stripe.Event] = []
        self.refused: list[str] = []
        self.statuses: list[int] = []
        self.secret = secret
        catcher = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(catcher.take(body, self.headers["Stripe-Signature"]))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def take(self, body: bytes, signature: str) -> int:
        if self.statuses:
            return self.statuses.pop(0)
        try:
            self.events.append(stripe.Webhook.construct_event(body, signature, self.secret))
        except stripe.SignatureVerificationError as error:
            self.refused.append(str(error))
            return 400
        return 200

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def forget(self) -> None:
        """As new, for the next test."""
        self.events.clear()
        self.refused.clear()
        self.statuses.clear()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
