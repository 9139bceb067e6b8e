"""
Make what is generated from the message classes.

    python -m infra.schemas              write everything (`make schemas`)
    python -m infra.schemas --check      write nothing; 1 when something is not current
    python -m infra.schemas golden       an example for each message that has none yet
    python -m infra.schemas release      the present schemas are released: later ones must keep their promise
"""

import argparse
import sys
from collections.abc import Sequence

from infra.schemas import files


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.schemas", description="What is generated from the messages.")
    parser.add_argument("part", nargs="?", choices=("all", "golden", "release"), default="all")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when something is not current")
    options = parser.parse_args(arguments)
    if options.part == "golden":
        made = files.add_golden()
        print(f"{len(made)} new examples", *made, sep="\n  ")
        return 0
    if options.part == "release":
        print(f"{files.release()} schemas released")
        return 0
    wanted = files.generated()
    stale = files.drift(wanted)
    if options.check:
        print(*(f"not current: {path}" for path in stale), sep="\n", end="\n" if stale else "")
        return 1 if stale else 0
    files.write(wanted)
    files.write_openapi()
    print(f"{len(wanted)} files, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
