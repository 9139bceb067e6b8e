"""Command line of the stand-in; prints `listening on URL` once it answers."""

import argparse

from tests.kit.stripe_simulator import webhooks
from tests.kit.stripe_simulator.api import App
from tests.kit.stripe_simulator.config import Config
from tests.kit.stripe_simulator.server import Handler, Server
from tests.kit.stripe_simulator.store import Store


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kit.stripe_simulator", description="A stand-in for Stripe.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one; it is printed")
    parser.add_argument(
        "--public-url", default="", help="how browsers reach this, for hosted pages (default: host and port)"
    )
    parser.add_argument("--webhook-url", default="", help="where events are posted; empty for nowhere")
    parser.add_argument("--webhook-secret", required=True, help="whsec_..., signs the deliveries")
    parser.add_argument("--api-key", required=True, help="sk_test_..., the one secret key that is accepted")
    parser.add_argument("--state", required=True, metavar="FILE", help="SQLite file; kept over restarts")
    parser.add_argument("--fee-bps", type=int, default=60, help="processing fee in basis points (default %(default)s)")
    parser.add_argument("--fee-fixed-minor", type=int, default=0, help="fixed part of the fee (default %(default)s)")
    parser.add_argument("--fee-vat-bps", type=int, default=600, help="VAT on the fee (default %(default)s)")
    parser.add_argument("--fee-includes-vat", action="store_true", help="VAT is in the fee, not on top of it")
    parser.add_argument("--dispute-fee-minor", type=int, default=1500, help="default %(default)s")
    parser.add_argument(
        "--available-after-s",
        type=int,
        default=172_800,
        help="until charges may be spent (default %(default)s)",
    )
    parser.add_argument(
        "--webhook-retry-s",
        type=float,
        default=0.5,
        help="first pause between deliveries (default %(default)s)",
    )
    parser.add_argument("--webhook-attempts-max", type=int, default=10, help="default %(default)s")
    parser.add_argument("--webhook-timeout-s", type=float, default=10.0, help="default %(default)s")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    with Server((given.host, given.port), Handler) as server:
        url = given.public_url or f"http://{given.host}:{server.server_port}"
        config = Config(
            api_key=given.api_key,
            webhook_url=given.webhook_url,
            webhook_secret=given.webhook_secret,
            public_url=url,
            state_path=given.state,
            fee_bps=given.fee_bps,
            fee_fixed_minor=given.fee_fixed_minor,
            fee_vat_bps=given.fee_vat_bps,
            fee_includes_vat=given.fee_includes_vat,
            dispute_fee_minor=given.dispute_fee_minor,
            available_after_s=given.available_after_s,
            webhook_retry_s=given.webhook_retry_s,
            webhook_attempts_max=given.webhook_attempts_max,
            webhook_timeout_s=given.webhook_timeout_s,
        )
        store = Store(config, webhooks.queue)
        server.app = App(config, store)
        webhooks.Sender(store, config).start()
        print(f"listening on {url}", flush=True)  # noqa: T201 - whoever started us reads the port here
        server.serve_forever()


if __name__ == "__main__":
    main()
