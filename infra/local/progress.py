"""Lines that tell a waiting person which step is under way and how long each took."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_started = time.monotonic()
_one_line_at_a_time = threading.Lock()


def say(text: str) -> None:
    """Print one line with the seconds since the command began; to stderr, so that `env` stays clean."""
    with _one_line_at_a_time:
        print(f"[{time.monotonic() - _started:6.1f} s] {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce *text*, run the block, and say how long it took; a failing block is said to have failed."""
    say(f"{text} …")
    begun = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"{text}: FAILED after {time.monotonic() - begun:.1f} s")
        raise
    say(f"{text}: done in {time.monotonic() - begun:.1f} s")
