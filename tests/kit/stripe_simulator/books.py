"""
Objects in SQLite, read and written inside one request's transaction.

Objects are stored as the JSON that Stripe would answer; keys with a leading underscore are the stand-in's own notes
and never leave it.
"""

import json
import secrets
import sqlite3
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.kit.stripe_simulator.config import Config
from tests.kit.stripe_simulator.errors import invalid, missing
from tests.kit.stripe_simulator.params import whole

Obj = dict[str, Any]
API_VERSION = "2026-10-28.endive"
ALPHABET = string.ascii_letters + string.digits

SCHEMA = """
CREATE TABLE IF NOT EXISTS object(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, account TEXT NOT NULL,
  created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS object_by_kind ON object(kind, account, seq);
CREATE INDEX IF NOT EXISTS object_by_charge ON object(json_extract(body, '$.charge'));
CREATE INDEX IF NOT EXISTS object_by_payment_intent ON object(json_extract(body, '$.payment_intent'));
CREATE TABLE IF NOT EXISTS answer(
  account TEXT, key TEXT, fingerprint TEXT, status INTEGER, body TEXT, request_id TEXT, created INTEGER,
  PRIMARY KEY (account, key));
CREATE INDEX IF NOT EXISTS answer_by_age ON answer(created);
CREATE TABLE IF NOT EXISTS delivery(
  id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT, type TEXT, payload TEXT, status TEXT, attempts INTEGER DEFAULT 0,
  due_at REAL, last_status INTEGER, wrong_signature INTEGER DEFAULT 0, timestamp_offset_s INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery(status, due_at);
CREATE TABLE IF NOT EXISTS fault(
  id INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT, path TEXT, kind TEXT, remaining INTEGER, delay_s REAL,
  hold_s REAL);
CREATE TABLE IF NOT EXISTS webhook_script(
  id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT, action TEXT, remaining INTEGER, value REAL);
CREATE TABLE IF NOT EXISTS setting(name TEXT PRIMARY KEY, value REAL NOT NULL);
"""
TABLES = ("object", "answer", "delivery", "fault", "webhook_script", "setting")

Emit = Callable[["Books", Obj], None]


def new_id(prefix: str) -> str:
    return prefix + "_" + "".join(secrets.choice(ALPHABET) for _ in range(24))


@dataclass(frozen=True)
class Books:
    """
    One request's view of one account's objects.

    Args:
        account: The connected account spoken for, empty for the platform itself.
        now: The stand-in's own clock, Unix seconds.
        deliver: Queues the webhook deliveries of an event.
    """

    connection: sqlite3.Connection
    config: Config
    now: int
    deliver: Emit
    account: str = ""
    request_id: str | None = None
    idempotency_key: str | None = None

    def within(self, account: str) -> "Books":
        """The same transaction, speaking for another account."""
        return replace(self, account=account)

    def add(self, obj: Obj) -> Obj:
        self.connection.execute(
            "INSERT INTO object(id, kind, account, created, body) VALUES (?, ?, ?, ?, ?)",
            (obj["id"], obj["object"], self.account, obj["created"], json.dumps(obj)),
        )
        return obj

    def save(self, obj: Obj) -> Obj:
        self.connection.execute("UPDATE object SET body = ? WHERE id = ?", (json.dumps(obj), obj["id"]))
        return obj

    def any(self, ident: str) -> Obj | None:
        """An object of whatever kind and account."""
        row = self.connection.execute("SELECT body FROM object WHERE id = ?", (ident,)).fetchone()
        return None if row is None else json.loads(row[0])

    def get(self, kind: str, ident: str, *, param: str = "id", status: int = 404) -> Obj:
        """
        Raises:
            StripeError: `resource_missing`; *status* is 404 for an id in the path and 400 for one in the body.
        """
        row = self.connection.execute(
            "SELECT body FROM object WHERE id = ? AND kind = ? AND account = ?", (ident, kind, self.account)
        ).fetchone()
        if row is None:
            raise missing(kind, ident, param=param, status=status)
        found: Obj = json.loads(row[0])
        return found

    def all(self, kind: str, **equal: str) -> list[Obj]:
        """Every object of *kind* whose members equal these, oldest first."""
        return self._rows(kind, "ASC", equal)

    def _rows(
        self, kind: str, order: str, equal: dict[str, str], more: str = "", values: tuple[Any, ...] = ()
    ) -> list[Obj]:
        clauses = "".join(f" AND json_extract(body, '$.{name}') = ?" for name in equal) + more
        rows = self.connection.execute(
            f"SELECT body FROM object WHERE kind = ? AND account = ?{clauses} ORDER BY seq {order}",
            (kind, self.account, *equal.values(), *values),
        )
        return [json.loads(body) for (body,) in rows]

    def page(
        self,
        kind: str,
        params: Obj,
        url: str,
        *,
        filters: tuple[str, ...] = (),
        types: list[str] | None = None,
        fixed: dict[str, str] | None = None,
    ) -> Obj:
        """
        Stripe's list answer, newest first.

        Args:
            params: `limit` (1 to 100, default 10), `starting_after`, `ending_before`, `created` and those in *filters*.
            types: The values that `type` may have, where there is such a filter.
            fixed: Members that must be equal, whatever the caller asked.
        """
        limit = whole(params, "limit", minimum=1, maximum=100) or 10
        equal = {name: str(params[name]) for name in filters if params.get(name)} | (fixed or {})
        more, values = created_clause(params.get("created"))
        if types:
            more += f" AND json_extract(body, '$.type') IN ({', '.join('?' * len(types))})"
            values = (*values, *types)
        order = "DESC"
        for name, sign in (("starting_after", "<"), ("ending_before", ">")):
            if params.get(name):
                row = self.connection.execute(
                    "SELECT seq FROM object WHERE id = ? AND kind = ?", (params[name], kind)
                ).fetchone()
                if row is None:
                    raise missing(kind, params[name], param=name, status=400)
                more, values = f"{more} AND seq {sign} ?", (*values, row[0])
                order = "ASC" if sign == ">" else "DESC"
        found = self._rows(kind, f"{order} LIMIT {limit + 1}", equal, more, values)
        data = found[:limit] if order == "DESC" else found[:limit][::-1]
        return {"object": "list", "url": url, "has_more": len(found) > limit, "data": data}

    def total_net(self, currency: str, until: int | None = None) -> int:
        """Sum of what the account's balance transactions of *currency* leave, those available by *until* only."""
        clause = "" if until is None else f" AND json_extract(body, '$.available_on') <= {until:d}"
        row = self.connection.execute(
            "SELECT coalesce(sum(json_extract(body, '$.net')), 0) FROM object WHERE kind = 'balance_transaction'"
            f" AND account = ? AND json_extract(body, '$.currency') = ?{clause}",
            (self.account, currency),
        ).fetchone()
        return int(row[0])

    def setting(self, name: str, default: float = 0) -> float:
        row = self.connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return default if row is None else float(row[0])

    def set(self, name: str, value: float) -> None:
        self.connection.execute(
            "INSERT INTO setting(name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def public(self, obj: Obj) -> Obj:
        """What leaves the process: without the stand-in's notes, with what depends on the clock brought up to date."""
        shown = {key: value for key, value in obj.items() if not key.startswith("_")}
        if obj.get("object") == "balance_transaction":
            shown["status"] = "available" if obj["available_on"] <= self.now else "pending"
        if isinstance(shown.get("data"), list):
            shown["data"] = [self.public(item) for item in shown["data"]]
        return shown

    def emit(self, event_type: str, obj: Obj, previous: Obj | None = None) -> None:
        """Record an event with a snapshot of *obj* and queue its deliveries."""
        data: Obj = {"object": self.public(obj)}
        if previous is not None:
            data["previous_attributes"] = previous
        event: Obj = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": 1 if self.config.webhook_url else 0,
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": event_type,
        }
        if self.account:
            event["account"] = self.account
        self.deliver(self, self.add(event))


def created_clause(created: Any) -> tuple[str, tuple[Any, ...]]:
    """SQL for `created=123` or `created[gte]=123`."""
    if not created:
        return "", ()
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    bounds = created if isinstance(created, dict) else {"": created}
    clause, values = "", []
    for name, value in bounds.items():
        sign = "=" if name == "" else signs.get(name)
        if sign is None or not str(value).isdigit():
            raise invalid("Invalid created filter", param="created")
        clause += f" AND created {sign} ?"
        values.append(int(value))
    return clause, tuple(values)


def expand(books: Books, obj: Any, path: list[str]) -> Any:
    """
    Replace the ids along *path* (`latest_charge.balance_transaction`, `data.source`) by their objects.

    Raises:
        StripeError: The member does not exist or is nothing that can be expanded.
    """
    if not path or obj is None:
        return obj
    name, rest = path[0], path[1:]
    if name == "refunds" and obj.get("object") == "charge":
        # Charges answer without their refunds unless asked, since API version 2022-11-15.
        obj["refunds"] = books.page("refund", {}, f"/v1/charges/{obj['id']}/refunds", fixed={"charge": obj["id"]})
        return obj
    if name not in obj:
        raise invalid(f"This property cannot be expanded ({name}).", param="expand")
    value = obj[name]
    if isinstance(value, str):
        value = books.any(value)
        if value is None:
            raise invalid(f"This property cannot be expanded ({name}).", param="expand")
        value = books.public(value)
    if isinstance(value, list):
        obj[name] = [expand(books, item, rest) for item in value]
    else:
        obj[name] = expand(books, value, rest)
    return obj
