"""Command line of the stand-in; prints `listening on URL` once it answers."""

import argparse

from tests.kit.split_channel.books import Books
from tests.kit.split_channel.notices import Notices
from tests.kit.split_channel.server import App, Handler, Server


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kit.split_channel", description="A splitting channel.")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one; it is printed")
    parser.add_argument("--merchant", required=True, help="the platform's own number at the channel")
    parser.add_argument("--secret", required=True, help="signs requests")
    parser.add_argument("--webhook-url", default="", help="where notices are posted; empty for nowhere")
    parser.add_argument("--webhook-secret", required=True, help="whsec_..., signs notices")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    with Server(("127.0.0.1", given.port), Handler) as server:
        notices = Notices(given.webhook_url, given.webhook_secret)
        server.app = App(given.merchant, given.secret, Books(given.merchant), notices)
        notices.start()
        print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201 - read by who started us
        server.serve_forever()


if __name__ == "__main__":
    main()
