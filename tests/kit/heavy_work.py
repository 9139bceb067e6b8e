"""What a child process is given to do in tests of `chassis/child.py`."""

import os
import time
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """As told: wait, print past the protocol, raise, end; else who answers and what it knows of passwords."""
    time.sleep(request.get("wait_s", 0))
    if "print" in request:
        os.write(1, request["print"].encode())
    if "raise" in request:
        raise ValueError(request["raise"])
    if "exit" in request:
        os._exit(request["exit"])
    return {"pid": os.getpid(), "said": request.get("say"), "secrets": [name for name in os.environ if "YIQI_" in name]}
