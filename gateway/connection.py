"""
How long a connection may take to say what it wants.

uvicorn bounds the pause between two requests and nothing bounds the head of one: whoever sends a byte
of it now and then keeps a connection for ever, and a thousand of those keep everybody else out. The
body has its own limit (`door.py`).
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


def impatient(head_timeout_s: float) -> type[H11Protocol]:
    """The HTTP/1.1 protocol of uvicorn that hangs up when the head of a request is not there in time."""

    class Impatient(H11Protocol):
        _overdue: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._await_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._head_came()
            elif self._overdue is None:
                self._await_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._head_came()
            super().connection_lost(exc)

        def _await_head(self) -> None:
            self._overdue = self.loop.call_later(head_timeout_s, self.transport.close)

        def _head_came(self) -> None:
            if self._overdue is not None:
                self._overdue.cancel()
                self._overdue = None

    return Impatient
