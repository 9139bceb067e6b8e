"""Eventlet's patches, for `serve` only, before anything else is imported: every `__main__.py` starts with this."""

import sys


def if_serving() -> None:
    """What holds a reference to an unpatched lock or socket would block the hub; hence so early."""
    if "serve" in sys.argv[1:2]:
        import eventlet

        eventlet.monkey_patch()
