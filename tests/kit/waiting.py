"""Waiting for what other processes do, with an end."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], timeout_s: float = 60.0, every_s: float = 0.05) -> None:
    """Return once *holds* does. Raises TimeoutError when it does not within *timeout_s*."""
    until = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {timeout_s} s")
        time.sleep(every_s)
