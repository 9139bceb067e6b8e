"""The part of Stripe's search language that finds payment intents by what we wrote on them."""

import re
from collections.abc import Callable

from tests.kit.stripe_simulator.books import Books, Obj
from tests.kit.stripe_simulator.errors import invalid
from tests.kit.stripe_simulator.params import needed_text, whole

CLAUSE = re.compile(r"""\s*(-?)(\w+)(?:\[["']([^"']+)["']\])?\s*(:|>=|<=|>|<)\s*(?:"([^"]*)"|'([^']*)'|(\w+))\s*""")
FIELDS = frozenset({"amount", "created", "currency", "customer", "metadata", "status"})
COMPARE: dict[str, Callable[[int, int], bool]] = {
    ":": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}


def matcher(query: str) -> Callable[[Obj], bool]:
    """
    A test for `metadata['order']:'42' AND status:'succeeded'`; clauses are joined by AND or by OR, not both.

    Raises:
        StripeError: The query is not understood.
    """
    either = " OR " in query
    if either and " AND " in query:
        raise invalid("A search query may not mix AND and OR.", param="query")
    tests = [clause_test(part) for part in re.split(r" OR " if either else r" AND |(?<=['\"]) +(?=\w)", query)]
    return lambda obj: (any if either else all)(test(obj) for test in tests)


def clause_test(clause: str) -> Callable[[Obj], bool]:
    found = CLAUSE.fullmatch(clause)
    if found is None or found[2] not in FIELDS or (found[2] == "metadata") != (found[3] is not None):
        raise invalid(f"We were unable to parse your search query: {clause}", param="query")
    negative, field, key, sign = found[1] == "-", found[2], found[3], found[4]
    wanted = next(value for value in (found[5], found[6], found[7]) if value is not None)

    def test(obj: Obj) -> bool:
        value = obj["metadata"].get(key) if key else obj[field]
        if isinstance(value, int):
            return (wanted.isdigit() and COMPARE[sign](value, int(wanted))) != negative
        return bool(value == wanted) != negative

    return test


def search_intents(books: Books, params: Obj) -> Obj:
    """Search lags behind at Stripe, up to a minute; the setting `search_lag_s` hides what is younger than that."""
    matches = matcher(needed_text(params, "query"))
    limit = whole(params, "limit", minimum=1, maximum=100) or 10
    start = whole(params, "page") or 0
    newest = books.now - books.setting("search_lag_s")
    found = [i for i in reversed(books.all("payment_intent")) if i["created"] <= newest and matches(i)]
    more = len(found) > start + limit
    return {
        "object": "search_result",
        "url": "/v1/payment_intents/search",
        "has_more": more,
        "data": found[start : start + limit],
        "next_page": str(start + limit) if more else None,
    }
