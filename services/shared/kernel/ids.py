"""Identifiers: time-ordered for new things, derived where a retry must find the same one again."""

import os
import time
from uuid import UUID, uuid5

# Namespace of derived identifiers; fixed for ever, since changing it would make second copies of old things.
_YIQI = UUID("6f1f7d0e-6a53-5d0a-9a5e-3a0c5b1d7e21")

NO_ONE = UUID(int=0)
"""Stands where an organisation is required and the platform itself acts."""


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562): sorts by creation time, so index pages fill in order."""
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76 | ((tail >> 64) & 0xFFF) << 64
    value |= 0b10 << 62 | (tail & 0x3FFF_FFFF_FFFF_FFFF)
    return UUID(int=value)


def derived_id(*parts: object) -> UUID:
    """The one identifier of the thing that *parts* name, e.g. `derived_id("payment", order_id, 1)`."""
    return uuid5(_YIQI, "/".join(str(part) for part in parts))
