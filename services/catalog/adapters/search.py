"""
Searching the catalogue.

The best come first: what has every word in its titles and codes of methods (rank 0), then what has some of them
elsewhere (rank 1); within a rank the shorter title, which says less else. This order stands in an index. Of what is
found often only the first page is read, along that index; what is found seldom is read whole from the GIN index and
sorted. Which of the two it is, is counted beforehand: the planner guesses, and a wrong guess costs a second.

The narrowing to a region, a provider or a unit is part of the same tsquery.
"""

import base64
import binascii
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text

from services.catalog.adapters.queries import price_list
from services.catalog.adapters.unit_of_work import CatalogUnitOfWork
from services.catalog.domain.offering import price_at
from services.catalog.domain.search import has_words, provider_token, region_tokens, tsquery, unit_token
from services.shared.chassis.paging import CursorInvalid
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.times import working_days
from services.shared.messages.catalog.offering import CataloguePage, Hit, SearchCatalogue

TOTAL_MAX = 10_000

Place = tuple[int, int, UUID]
"""Rank, size of the title, offering: where in the order a row stands."""

SELDOM = 1_000
"""So many are read and sorted in about the time in which a page is found along the index."""

_IN_TITLE = "l.title_tokens @@ CAST(:wanted AS tsquery)"
_EVERYWHERE = "l.all_tokens @@ CAST(:wanted AS tsquery)"
# A value, not a join: it is looked up for the rows that are read, whatever the planner thinks of their number.
_ELSEWHERE = f"""
    {_EVERYWHERE} AND NOT (SELECT t.title_tokens @@ CAST(:wanted AS tsquery)
                           FROM listing t WHERE t.offering_id = l.offering_id)
"""

# The settings hold to the end of this transaction, which only reads, or to the next of them.
_BY_WORD = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = on;"
_IN_ORDER = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"

_COUNT = f"""{_BY_WORD}
    SELECT (SELECT count(*) FROM (SELECT FROM listing_text l WHERE {_EVERYWHERE} LIMIT {TOTAL_MAX}) found)
           AS everywhere,
           (SELECT count(*) FROM (SELECT FROM listing l WHERE {_IN_TITLE} LIMIT {SELDOM + 1}) found) AS in_title
"""
_COUNT_ALL = f"SELECT count(*) FROM (SELECT FROM listing LIMIT {TOTAL_MAX}) found"

_SORTED = f"""{_BY_WORD}
    WITH found AS MATERIALIZED (SELECT l.title_size, l.offering_id FROM {{table}} l WHERE {{condition}})
    SELECT title_size, offering_id FROM found
    WHERE (title_size, offering_id) > (:title_size, CAST(:offering_id AS uuid))
    ORDER BY title_size, offering_id LIMIT :limit
"""
_ALONG = f"""{_IN_ORDER}
    SELECT l.title_size, l.offering_id FROM {{table}} l
    WHERE {{condition}} AND (l.title_size, l.offering_id) > (:title_size, CAST(:offering_id AS uuid))
    ORDER BY l.title_size, l.offering_id LIMIT :limit
"""

_START: Place = (0, 0, UUID(int=0))


def search_catalogue(query: SearchCatalogue, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> CataloguePage:
    require(actor, query.grants, {})
    if query.text.strip() and not has_words(query.text):  # nothing but punctuation: no text has it
        return CataloguePage(items=(), total=0)
    places, total = find(uow.connection, query)
    more = len(places) > query.limit
    places = places[: query.limit]
    return CataloguePage(
        items=tuple(_hits(uow.connection, [place[2] for place in places], now)),
        total=total,
        next_cursor=_cursor(places[-1]) if more else None,
    )


def find(connection: Connection, query: SearchCatalogue) -> tuple[list[Place], int]:
    """The places of one page and one more, and how many there are in all, up to `TOTAL_MAX`."""
    wanted = tsquery(query.text, _narrowing(query))
    after = _place(query.after) if query.after is not None else _START
    limit = query.limit + 1
    if not wanted:
        total = connection.execute(text(_COUNT_ALL)).scalar_one()
        return _page(connection, _ALONG, "listing", "true", wanted, after, limit), total
    counted = connection.execute(text(_COUNT), {"wanted": wanted}).one()
    places: list[Place] = []
    if after[0] == 0:
        statement = _SORTED if counted.in_title <= SELDOM else _ALONG
        places = _page(connection, statement, "listing", _IN_TITLE, wanted, after, limit)
        after = (1, *_START[1:])
    if len(places) < limit:
        statement = _SORTED if counted.everywhere <= SELDOM else _ALONG
        places += _page(connection, statement, "listing_text", _ELSEWHERE, wanted, after, limit - len(places))
    return places, counted.everywhere


def _page(
    connection: Connection, statement: str, table: str, condition: str, wanted: str, after: Place, limit: int
) -> list[Place]:
    values: dict[str, Any] = {"title_size": after[1], "offering_id": after[2], "limit": limit}
    if wanted:
        values["wanted"] = wanted
    rows = connection.execute(text(statement.format(table=table, condition=condition)), values)
    return [(after[0], row.title_size, row.offering_id) for row in rows]


def _narrowing(query: SearchCatalogue) -> list[str]:
    found = []
    if query.region is not None:
        found += region_tokens(query.region)[-1:]
    if query.provider_id is not None:
        found.append(provider_token(query.provider_id))
    if query.unit is not None:
        found.append(unit_token(query.unit))
    return found


_HITS = text("""
    SELECT o.offering_id, o.number, o.content, o.prices, p.provider_id, p.name_zh, p.name_en, p.region
    FROM offering o JOIN provider p USING (provider_id)
    WHERE o.offering_id IN :ids
""").bindparams(bindparam("ids", expanding=True))


def _hits(connection: Connection, ids: list[UUID], now: datetime) -> list[Hit]:
    if not ids:
        return []
    rows = {row.offering_id: row for row in connection.execute(_HITS, {"ids": ids})}
    return [_hit(rows[offering_id], now) for offering_id in ids]


def _hit(row: Any, now: datetime) -> Hit:
    content = row.content
    return Hit(
        offering_id=row.offering_id,
        number=row.number,
        title_zh=content["title_zh"],
        title_en=content["title_en"],
        method_zh=content["method_zh"],
        method_en=content["method_en"],
        method_codes=tuple(content["method_codes"]),
        provider_id=row.provider_id,
        provider_name_zh=row.name_zh,
        provider_name_en=row.name_en,
        region=row.region,
        unit=content["unit"],
        turnaround_days=content["turnaround_days"],
        turnaround_working_days=working_days(content["turnaround_days"]),
        price=price_at(price_list(row.prices), now),
        orderable=content["orderable"],
    )


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps([place[0], place[1], str(place[2])]).encode()).decode()


def _place(cursor: str) -> Place:
    try:
        rank, title_size, offering_id = json.loads(base64.urlsafe_b64decode(cursor))
        if rank not in {0, 1}:
            raise CursorInvalid
        return rank, int(title_size), UUID(offering_id)
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise CursorInvalid from error
