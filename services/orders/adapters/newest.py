"""
Lists of what several kinds of party may see, newest first, over cursors.

A party's list is put together from one list per relation, each read along its own index and cut to the
page's length before they are put together: PostgreSQL cannot merge `customer_id = … ORDER BY placed_at` and
`provider_id = … ORDER BY placed_at` by itself, and would sort all that an organisation ever ordered.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Table, Text, cast, literal, select, tuple_, union_all

from services.shared.chassis.paging import CursorInvalid
from services.shared.kernel.actor import Actor, Grants, Relation, require


def seen_by(actor: Actor, grants: Grants, table: Table, relations: Sequence[Relation],
            conditions: Sequence[ColumnElement[bool]]) -> list[Select[Any]]:  # fmt: skip
    """
    Selects of the rows of *table* that *actor* may list, each row in one of them, with the relation it is *seen_as*.

    Raises:
        NotAllowed, NotFound: None of the *grants* lets them in.
    """
    if require(actor, grants, {"self": actor.organisation_id}) == "operator" or actor.operator:
        return [select(table, _as("operator")).where(*conditions)]
    branches = []
    earlier: list[ColumnElement[bool]] = []
    for relation in relations:
        column = table.c[f"{relation}_id"]
        own = column == actor.organisation_id
        branches.append(select(table, _as(relation)).where(own, *earlier, *conditions))
        earlier.append(column.is_distinct_from(actor.organisation_id))
    return branches


def _as(relation: Relation) -> ColumnElement[str]:
    return cast(literal(relation), Text).label("seen_as")


def newest(connection: Connection, branches: Sequence[Select[Any]], order: tuple[str, str], after: str | None,
           limit: int) -> tuple[list[Any], str | None]:  # fmt: skip
    """
    At most *limit* rows of all *branches* behind the cursor *after*, and the cursor of the next page or none.

    *order* names the columns, an instant and an identifier, by which each branch has an index.

    Raises:
        CursorInvalid: *after* is no cursor of this list.
    """
    place = None if after is None else tuple_(*_place(after))
    cut = [_cut(branch, branch.selected_columns, order, place, limit) for branch in branches]
    statement: Select[Any] = cut[0]
    if len(cut) > 1:
        together = select(union_all(*cut).subquery())
        statement = _cut(together, together.selected_columns, order, None, limit)
    rows = list(connection.execute(statement))
    if len(rows) <= limit:
        return rows, None
    instant, identifier = (rows[limit - 1]._mapping[name] for name in order)
    texts = [instant.isoformat(), str(identifier)]
    return rows[:limit], base64.urlsafe_b64encode(json.dumps(texts).encode()).decode()


def _cut(statement: Select[Any], columns: Any, order: tuple[str, str], place: Any, limit: int) -> Select[Any]:
    at, identifier = (columns[name] for name in order)
    if place is not None:
        statement = statement.where(tuple_(at, identifier) < place)
    return statement.order_by(at.desc(), identifier.desc()).limit(limit + 1)


def _place(after: str) -> tuple[datetime, UUID]:
    try:
        instant, identifier = json.loads(base64.urlsafe_b64decode(after))
        return datetime.fromisoformat(instant), UUID(identifier)
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise CursorInvalid from error
