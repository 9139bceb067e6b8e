"""Command line of the stand-in; prints `listening on URL` once it answers."""

import argparse

from tests.kit.finance_system.books import Books
from tests.kit.finance_system.server import Handler, Server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kit.finance_system", description="A university's finances.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one; it is printed")
    parser.add_argument("--secret", required=True, help="whoever asks must know it")
    given = parser.parse_args()
    with Server(("127.0.0.1", given.port), Handler) as server:
        server.books, server.secret = Books(), given.secret
        print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201 - read by whoever started us
        server.serve_forever()


if __name__ == "__main__":
    main()
