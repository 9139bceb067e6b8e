"""
Places where tests make a process die or stall: `YIQI_FAILPOINT=relay_confirmed:crash` or `…:sleep=5`.

Unset, reaching one costs one comparison. Nothing else can set it.
"""

import os
import time

_SET = os.environ.get("YIQI_FAILPOINT", "")


def reach(name: str) -> None:
    if not _SET or not _SET.startswith(name + ":"):
        return
    deed = _SET.partition(":")[2]
    if deed == "crash":
        os._exit(137)  # as SIGKILL would: nothing is closed, flushed or rolled back by us
    if deed.startswith("sleep="):
        time.sleep(float(deed.removeprefix("sleep=")))
