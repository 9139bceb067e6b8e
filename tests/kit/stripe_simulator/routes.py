"""Which function answers which path, and the parameters it knows."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.stripe_simulator import (
    balance,
    cards,
    charges,
    checkout,
    connect,
    customers,
    disputes,
    files,
    payment_intents,
    payouts,
    refunds,
    search,
)
from tests.kit.stripe_simulator.books import Obj

PAGE = frozenset({"limit", "starting_after", "ending_before", "created"})
METADATA = frozenset({"metadata"})
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Route:
    """`path` with `{}` for each id; `public` paths may be called with a publishable key and the client secret."""

    method: str
    path: str
    answer: Callable[..., Obj]
    known: frozenset[str] = NOTHING
    public: bool = False


ROUTES = (
    Route("GET", "/v1/payment_intents/search", search.search_intents, frozenset({"query", "limit", "page"})),
    Route("POST", "/v1/payment_intents", payment_intents.create, payment_intents.CREATE),
    Route("GET", "/v1/payment_intents", payment_intents.list_all, PAGE | {"customer"}),
    Route(
        "GET",
        "/v1/payment_intents/{}",
        payment_intents.retrieve,
        frozenset({"client_secret", "key"}),
        public=True,
    ),
    Route("POST", "/v1/payment_intents/{}", payment_intents.update, payment_intents.UPDATE),
    Route(
        "POST",
        "/v1/payment_intents/{}/confirm",
        payment_intents.confirm,
        payment_intents.CONFIRM,
        public=True,
    ),
    Route("POST", "/v1/payment_intents/{}/cancel", payment_intents.cancel, frozenset({"cancellation_reason"})),
    Route("GET", "/v1/payment_methods/{}", cards.read_payment_method),
    Route("GET", "/v1/charges", charges.list_all, PAGE | {"customer", "payment_intent", "transfer_group"}),
    Route("GET", "/v1/charges/{}", charges.retrieve),
    Route("POST", "/v1/charges/{}", charges.update, METADATA | {"description", "transfer_group"}),
    Route("POST", "/v1/refunds", refunds.create, refunds.CREATE),
    Route("GET", "/v1/refunds", refunds.list_all, PAGE | {"charge", "payment_intent"}),
    Route("GET", "/v1/refunds/{}", refunds.retrieve),
    Route("POST", "/v1/refunds/{}", refunds.update, METADATA),
    Route("GET", "/v1/balance", balance.read_balance),
    Route(
        "GET",
        "/v1/balance_transactions",
        balance.list_transactions,
        PAGE | {"payout", "type", "currency", "source"},
    ),
    Route("GET", "/v1/balance_transactions/{}", balance.read_transaction),
    Route("GET", "/v1/events", customers.list_events, PAGE | {"type", "types"}),
    Route("GET", "/v1/events/{}", customers.retrieve_event),
    Route("POST", "/v1/customers", customers.create, customers.CREATE),
    Route("GET", "/v1/customers", customers.list_all, PAGE | {"email"}),
    Route("GET", "/v1/customers/{}", customers.retrieve),
    Route("POST", "/v1/customers/{}", customers.update, customers.CREATE),
    Route("GET", "/v1/disputes", disputes.list_all, PAGE | {"charge", "payment_intent"}),
    Route("GET", "/v1/disputes/{}", disputes.retrieve),
    Route("POST", "/v1/disputes/{}", disputes.update, disputes.UPDATE),
    Route("POST", "/v1/disputes/{}/close", disputes.close),
    Route("POST", "/v1/files", files.create, files.CREATE),
    Route("GET", "/v1/files", files.list_all, PAGE | {"purpose"}),
    Route("GET", "/v1/files/{}", files.retrieve),
    Route("POST", "/v1/checkout/sessions", checkout.create, checkout.CREATE),
    Route("GET", "/v1/checkout/sessions", checkout.list_all, PAGE | {"customer", "payment_intent", "status"}),
    Route("GET", "/v1/checkout/sessions/{}", checkout.retrieve),
    Route("GET", "/v1/checkout/sessions/{}/line_items", checkout.list_line_items, PAGE),
    Route("POST", "/v1/checkout/sessions/{}/expire", checkout.expire),
    Route("POST", "/v1/accounts", connect.create_account, connect.ACCOUNT),
    Route("GET", "/v1/accounts", connect.list_accounts, PAGE),
    Route("GET", "/v1/accounts/{}", connect.retrieve_account),
    Route("POST", "/v1/transfers", connect.create_transfer, connect.TRANSFER),
    Route("GET", "/v1/transfers", connect.list_transfers, PAGE | {"destination", "transfer_group"}),
    Route("GET", "/v1/transfers/{}", connect.retrieve_transfer),
    Route("POST", "/v1/transfers/{}", connect.update_transfer, METADATA | {"description"}),
    Route("POST", "/v1/transfers/{}/reversals", connect.create_reversal, connect.REVERSAL),
    Route("GET", "/v1/transfers/{}/reversals", connect.list_reversals, PAGE),
    Route("GET", "/v1/transfers/{}/reversals/{}", connect.retrieve_reversal),
    Route("POST", "/v1/payouts", payouts.create, payouts.CREATE),
    Route("GET", "/v1/payouts", payouts.list_all, PAGE | {"status"}),
    Route("GET", "/v1/payouts/{}", payouts.retrieve),
)
PATTERNS = [(re.compile(route.path.replace("{}", "([^/]+)")), route) for route in ROUTES]


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    for pattern, route in PATTERNS:
        found = pattern.fullmatch(path)
        if found and route.method == method:
            return route, found.groups()
    return None
