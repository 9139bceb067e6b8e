"""Customers, and events as objects to read."""

from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.errors import invalid
from tests.kit.stripe_simulator.params import merged_metadata, text

CREATE = frozenset({"description", "email", "metadata", "name", "phone", "preferred_locales"})


def create(books: Books, params: Obj) -> Obj:
    customer: Obj = {
        "id": new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": books.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": text(params, "description"),
        "email": text(params, "email"),
        "invoice_prefix": new_id("x")[2:10].upper(),
        "livemode": False,
        "metadata": merged_metadata({}, params),
        "name": text(params, "name"),
        "phone": text(params, "phone"),
        "preferred_locales": params.get("preferred_locales") or [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    books.add(customer)
    books.emit("customer.created", customer)
    return customer


def retrieve(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("customer", ident)


def update(books: Books, params: Obj, ident: str) -> Obj:
    customer = books.get("customer", ident)
    customer |= {name: text(params, name) for name in ("description", "email", "name", "phone") if name in params}
    customer["metadata"] = merged_metadata(customer["metadata"], params)
    return books.save(customer)


def list_all(books: Books, params: Obj) -> Obj:
    return books.page("customer", params, "/v1/customers", filters=("email",))


def retrieve_event(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("event", ident)


def list_events(books: Books, params: Obj) -> Obj:
    """Newest first; `types` is a list of at most twenty."""
    types = params.get("types")
    if types is not None and (not isinstance(types, list) or len(types) > 20):
        raise invalid("Invalid array: types", param="types")
    return books.page("event", params, "/v1/events", filters=("type",), types=types)
