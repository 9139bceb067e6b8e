"""
Stand-in for a mail server: keeps every mail as a file and delivers none.

    python -m infra.local.smtp_catcher --port 2525 --dir var/mail

Each mail is one .eml file whose name begins with the UTC time of its arrival, so names sort by arrival. The
envelope is kept in X-Envelope-From and X-Envelope-To on top, because Bcc recipients stand nowhere else.
"""

import argparse
import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.local.ports import LOOPBACK

_BYTES_MAX = 30 * 1024 * 1024


class Mailbox:
    """Stores what the SMTP server hands over."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def handle_DATA(  # noqa: N802 aiosmtpd looks for this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Write one mail; the file appears under its name complete or not at all."""
        body = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        top = [
            f"X-Envelope-From: {envelope.mail_from}",
            *(f"X-Envelope-To: {to}" for to in envelope.rcpt_tos),
        ]
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{uuid4().hex[:8]}"
        half = self.directory / f".{name}.half"
        half.write_bytes("".join(f"{line}\r\n" for line in top).encode() + body)
        half.replace(self.directory / f"{name}.eml")
        return "250 kept"


async def serve(port: int, directory: Path) -> None:
    """Listen on *port* of 127.0.0.1 until SIGTERM or SIGINT; *directory* exists."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    mailbox = Mailbox(directory)
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", enable_SMTPUTF8=True, data_size_limit=_BYTES_MAX, loop=loop),
        host=LOOPBACK,
        port=port,
    )
    print(f"mail on {LOOPBACK}:{port} is kept in {directory}", flush=True)
    async with server:
        await ended.wait()


def main() -> None:
    """Read the command line and serve."""
    os.umask(0o077)
    parser = argparse.ArgumentParser(prog="python -m infra.local.smtp_catcher", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(chosen.port, chosen.dir))


if __name__ == "__main__":
    main()
