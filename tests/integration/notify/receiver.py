"""Somebody's finance system: takes webhooks over HTTP or HTTPS, checks them, answers as told."""

import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """
    Attributes:
        secret: Set after registration; without it nothing is accepted.
        came: Body and headers of every request, in order.
        verified: What had a good signature, parsed.
        statuses: Answers for the next requests, first in, first out; then 200.
        drip_s: Answers a byte at a time, with so long between them.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.secret = ""
        self.came: list[tuple[bytes, dict[str, str]]] = []
        self.verified: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.headers: dict[str, str] = {}
        self.drip_s = 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.take(body, {name.lower(): value for name, value in self.headers.items()})
                if receiver.drip_s:
                    self.drip(receiver.drip_s)
                    return
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def drip(self, every_s: float) -> None:
                try:
                    for byte in b"HTTP/1.1 200 OK\r\nx-slow: " + b"a" * 1_000:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(every_s)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        self.came.append((body, headers))
        if self.statuses:
            return self.statuses.pop(0)
        try:
            self.verified.append(Webhook(self.secret).verify(body, headers))
        except WebhookVerificationError:
            return 400
        return 200

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def self_signed(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Server's and client's TLS contexts of a certificate for *name* that nobody else trusts."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(certificate),
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        check=True, capture_output=True,
    )  # fmt: skip
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))
