"""The parts of a `work` process are started again after a failure, soon enough and not without pause."""

import threading
from itertools import count

from services.shared.chassis.loops import keep_running


class Pauses(threading.Event):
    """An end that takes no time to wait for, and comes after *most* pauses."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.taken: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.taken.append(timeout)
        if len(self.taken) == self.most:
            self.set()
        return self.is_set()


def fails(stop: threading.Event) -> None:
    raise ConnectionError("gone")


def test_pauses_grow_to_ten_seconds() -> None:
    """An outage, however long, costs at most that much more once it is over."""
    pauses = Pauses(8)
    keep_running("test", fails, pauses, lambda: 0.0).join(10)
    assert pauses.taken == [0.5, 1, 2, 4, 8, 10, 10, 10]


def test_after_a_long_run_the_next_failure_waits_as_little_as_the_first() -> None:
    """Each run lasts 21 s by this clock."""
    pauses, clock = Pauses(4), count(step=21)
    keep_running("test", fails, pauses, lambda: float(next(clock))).join(10)
    assert pauses.taken == [0.5, 0.5, 0.5, 0.5]
