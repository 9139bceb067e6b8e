"""Stripe's own books, piece by piece, as outside calls list them: JSON in, JSON out."""

import json
from collections.abc import Mapping
from typing import Any

from services.billing.adapters import stripe_facts as facts
from services.billing.adapters.stripe_access import StripeAccess, give_up

PAGES_AT_ONCE = 10
"""Of a hundred movements each: other calls wait for as long."""
LOOKS_FOR_REST = 5

Payload = Mapping[str, Any]


class StripeMovements:
    """Balance transactions, and what stands on the account."""

    def __init__(self, access: StripeAccess) -> None:
        self.access = access

    def list_movements(self, payload: Payload, key: str) -> Payload:
        """
        A piece of Stripe's own books from `since` (Unix seconds) on, newest first, behind the movement `after`.

        Returns:
            `movements`, as `facts.of_movement` makes them; `after`, where the next piece begins; `newest`, when the
            first of the first piece was made (Unix seconds), to be given again for the others. The last piece has no
            `after`, but whatever moved while we asked, and `balances`, what stands there in all by currency then.
        """
        del key
        import stripe

        since, after = int(payload["since"]), str(payload["after"])
        try:
            found, more = self._movements(since, after, PAGES_AT_ONCE)
            newest = int(payload["newest"]) if after else found[0][-1] if found else since
            if more:
                return {"movements": found, "after": found[-1][0], "newest": newest, "balances": {}}
            late, balances = self._at_rest(newest)
            return {"movements": found + late, "after": None, "newest": newest, "balances": balances}
        except stripe.StripeError as error:
            give_up(error)

    def _at_rest(self, since: int) -> tuple[list[list[Any]], dict[str, int]]:
        """What moved from *since* on, and what stands there with just that; no balance where it never rests."""
        for _ in range(LOOKS_FOR_REST):
            before = facts.of_balance(self.access.client.v1.balance.retrieve())
            late, _more = self._movements(since, "")
            if facts.of_balance(self.access.client.v1.balance.retrieve()) == before:
                return late, before
        return late, {}

    def _movements(self, since: int, after: str, pages: int | None = None) -> tuple[list[list[Any]], bool]:
        """At most *pages* of a hundred, and whether there are more."""
        found: list[list[Any]] = []
        read = 0
        while pages is None or read < pages:
            asked: dict[str, Any] = {"created": {"gte": since}, "limit": 100, "expand": ["data.source"]}
            if after:
                asked["starting_after"] = after
            # As plain JSON: making the SDK's objects of it takes longer than everything else together.
            answer = self.access.client.raw_request("get", "/v1/balance_transactions", **asked)
            page = json.loads(answer.body)
            found += [facts.of_movement(booked) for booked in page["data"]]
            read += 1
            if not page["has_more"]:
                return found, False
            after = page["data"][-1]["id"]
        return found, True
