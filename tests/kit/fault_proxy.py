"""
A TCP proxy on loopback that does to connections what networks do: swallow, delay, cut, close one way.

What is swallowed is held, not thrown away: when the network is well again TCP delivers it late, and so do we.
"""

import contextlib
import socket
import struct
import threading
import time
from typing import Self
from urllib.parse import urlsplit

CHUNK = 65_536


class FaultProxy:
    """
    Listens on a port of its own and passes everything on to *host*:*port*. Use as a context manager.

    Faults hold for the connections that are open and for those that come, until `heal`.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.delay_s = 0.0
        """Before each piece that is passed on, either way."""
        self._flows = threading.Event()
        self._flows.set()
        self._left: int | None = None
        self._lock = threading.Lock()
        self._open: list[tuple[socket.socket, socket.socket]] = []
        self._accepted = 0
        threading.Thread(target=self._accept, name="fault proxy", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.reset()
        self._flows.set()

    @property
    def accepted(self) -> int:
        """Connections that ever came."""
        return self._accepted

    def before(self, url: str) -> str:
        """*url* with this proxy in place of its host and port."""
        parts = urlsplit(url)
        account = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{account}@127.0.0.1:{self.port}").geturl()

    def black_hole(self, *, after_bytes: int | None = None) -> None:
        """
        Swallow everything, both ways, and close nothing: what a firewall does that forgot a connection.

        Args:
            after_bytes: First let so many more bytes through to the client, on whichever connection they come.
        """
        with self._lock:
            self._left = after_bytes
        if after_bytes is None:
            self._flows.clear()

    def heal(self) -> None:
        """No more fault. What was swallowed arrives now, on connections that are still there."""
        self.delay_s = 0.0
        with self._lock:
            self._left = None
        self._flows.set()

    def reset(self) -> None:
        """Cut every open connection, both sides, with a reset."""
        for pair in self._taken():
            for end in pair:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    # Wakes the thread that reads it, which `close` alone would not.
                    end.shutdown(socket.SHUT_RD)
                end.close()

    def half_close(self) -> None:
        """Tell every client that nothing more will come, and go on taking what it sends."""
        with self._lock:
            clients = [client for client, _ in self._open]
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)

    def _taken(self) -> list[tuple[socket.socket, socket.socket]]:
        with self._lock:
            taken, self._open = self._open, []
        return taken

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed: the end
                return
            self._accepted += 1
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._open.append((client, server))
            for source, sink, to_client in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, sink, to_client), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, to_client: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if self.delay_s:
                    time.sleep(self.delay_s)
                if to_client:
                    data = self._within_allowance(data, sink)
                self._flows.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def _within_allowance(self, data: bytes, sink: socket.socket) -> bytes:
        """Let through what `black_hole` still allows, and begin to swallow when that is used up. Returns the rest."""
        with self._lock:
            if self._left is None:
                return data
            passing, self._left = min(self._left, len(data)), max(0, self._left - len(data))
            if self._left == 0:
                self._left = None
                self._flows.clear()
        sink.sendall(data[:passing])
        return data[passing:]
