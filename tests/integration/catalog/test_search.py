"""Search on real PostgreSQL: what is found by what, in which order, how many, and page by page."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.catalog.adapters.search import search_catalogue
from services.catalog.domain.offering import Offering
from services.catalog.domain.search import has_words, listing_of, tsquery, tsvector
from services.catalog.use_cases.offering import move_offering
from services.shared.chassis.paging import CursorInvalid
from services.shared.kernel.actor import PUBLIC
from services.shared.messages.catalog.offering import CataloguePage, MoveOffering, SearchCatalogue
from tests.integration.catalog.conftest import Catalog
from tests.kit.fakes_catalog import (
    CATALOGUE_OPERATOR,
    LAB_MANAGER,
    OTHER_PROVIDER_ID,
    PROVIDER_ID,
    a_content,
    a_price,
    a_provider,
    an_offering,
)


def publish(catalog: Catalog, *contents: Any, provider_id: Any = PROVIDER_ID, region: str = "150100") -> list[Offering]:
    """An offering of each of *contents*, published and found."""
    offerings = [an_offering(content=content, provider_id=provider_id) for content in contents]
    catalog.put(*offerings)
    seller = a_provider(provider_id=provider_id, region=region)
    catalog.within(lambda uow: uow.listings.put([listing_of(offering, seller) for offering in offerings]))
    return offerings


def titles(page: CataloguePage) -> list[str]:
    return [hit.title_en for hit in page.items]


def look(catalog: Catalog, words: str = "", **narrowed: Any) -> CataloguePage:
    return catalog.run(search_catalogue, SearchCatalogue(text=words, **narrowed), PUBLIC)


BLANK: dict[str, Any] = {
    "description_zh": "", "description_en": "", "method_zh": "无", "method_en": "none", "method_codes": (),
    "instrument": "",
}  # fmt: skip
TEM = a_content(title_zh="透射电镜", title_en="TEM", **BLANK)
SEM = a_content(title_zh="扫描电镜与能谱联用的断口分析", title_en="Fractography by SEM and EDS", **BLANK)
TENSILE = a_content(
    title_zh="金属拉伸试验", title_en="Tensile test",
    **{**BLANK, "method_codes": ("GB/T 228.1-2021", "ISO 6892-1:2019"),
    "description_zh": "断口可另用电镜观察。", "description_en": "Fractures may be looked at by ICP-MS."},
)  # fmt: skip
ICP = a_content(title_zh="电感耦合等离子体质谱", title_en="ICP-MS element content", unit="element", **BLANK)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("电镜", ["TEM", "Fractography by SEM and EDS", "Tensile test"]),
        ("质谱", ["ICP-MS element content"]),
        ("镜", ["TEM", "Fractography by SEM and EDS", "Tensile test"]),
        ("断口 电镜", ["Fractography by SEM and EDS", "Tensile test"]),
        ("等离子体质谱", ["ICP-MS element content"]),
        ("228.1", ["Tensile test"]),
        ("gb/t 228.1", ["Tensile test"]),
        ("ＧＢ／Ｔ　２２８．１", ["Tensile test"]),
        ("6892-1", ["Tensile test"]),
        ("icpms", ["ICP-MS element content", "Tensile test"]),
        ("ICP ms", ["ICP-MS element content", "Tensile test"]),
        ("青城", ["TEM", "Tensile test", "ICP-MS element content", "Fractography by SEM and EDS"]),
        ("子体电感", []),
        ("电镜 228.2", []),
        ("，。!", []),
        ("it's 'quoted' | & ! <-> \\ :*", []),
    ],
)
def test_what_is_found_and_in_which_order(catalog: Catalog, words: str, expected: list[str]) -> None:
    """Titles before descriptions, shorter titles before longer ones."""
    publish(catalog, TENSILE, SEM, TEM, ICP)
    page = look(catalog, words)
    assert titles(page) == expected
    assert page.total == len(expected)


def test_a_hit_says_what_a_buyer_needs(catalog: Catalog) -> None:
    """Names, number, unit, region, and the price in force."""
    (offering,) = publish(catalog, ICP)
    (hit,) = look(catalog, "质谱").items
    assert (hit.number, hit.provider_name_en, hit.unit) == (offering.number, a_provider().name_en, "element")
    assert hit.price is not None
    assert hit.price.unit_price == a_price().unit_price


def test_narrowed_down(catalog: Catalog) -> None:
    """By region with everything in it, by provider, by unit, with words or without."""
    catalog.put(a_provider(provider_id=OTHER_PROVIDER_ID, region="310115"))
    publish(catalog, TEM, ICP)
    publish(catalog, SEM, provider_id=OTHER_PROVIDER_ID, region="310115")
    assert titles(look(catalog, "电镜", region="310000")) == ["Fractography by SEM and EDS"]
    assert titles(look(catalog, "电镜", region="310100")) == ["Fractography by SEM and EDS"]
    assert titles(look(catalog, "电镜", region="150000")) == ["TEM"]
    assert titles(look(catalog, region="150200")) == []
    assert titles(look(catalog, provider_id=OTHER_PROVIDER_ID)) == ["Fractography by SEM and EDS"]
    assert titles(look(catalog, unit="element")) == ["ICP-MS element content"]
    assert titles(look(catalog, "电镜", unit="element")) == []
    assert look(catalog).total == 3


def test_pages_lose_and_repeat_nothing(catalog: Catalog) -> None:
    """From the titles over into the descriptions; each page tells the same total."""
    in_title = [a_content(title_zh=f"电镜{'一' * (i % 4)}", title_en=f"T{i}", **BLANK) for i in range(11)]
    elsewhere = [
        a_content(title_zh=f"拉伸{'一' * (i % 3)}", title_en=f"D{i}", **{**BLANK, "description_zh": "用电镜"})
        for i in range(9)
    ]
    publish(catalog, *elsewhere, *in_title)
    for limit in (1, 4, 11, 20):
        seen, totals, after = [], set(), None
        while True:
            page = look(catalog, "电镜", after=after, limit=limit)
            seen += titles(page)
            totals.add(page.total)
            after = page.next_cursor
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 20
        assert {one[0] for one in seen[:11]} == {"T"}
        assert totals == {20}


def test_only_what_is_published_is_found(catalog: Catalog) -> None:
    """Found from its publication to its retirement, not while it is hidden."""
    offering = an_offering(state="in_review", content=TEM)
    catalog.put(offering)
    found = [look(catalog, "电镜").total]
    for step, actor in [("publish", CATALOGUE_OPERATOR), ("hide", CATALOGUE_OPERATOR), ("show", CATALOGUE_OPERATOR),
                        ("retire", LAB_MANAGER)]:  # fmt: skip
        command = MoveOffering(offering_id=offering.offering_id, step=step, reason="x")  # type: ignore[arg-type]
        catalog.run(move_offering, command, actor)
        found.append(look(catalog, "电镜").total)
    assert found == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("cursor", ["x", "WzEsMl0=", "WzksMSwiYSJd", "bnVsbA==", "WzAsICJhIiwgImIiXQ=="])
def test_a_cursor_from_elsewhere(catalog: Catalog, cursor: str) -> None:
    """Refused, not a bug."""
    with pytest.raises(CursorInvalid):
        look(catalog, "电镜", after=cursor)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60))
def test_postgresql_reads_what_we_write(empty_catalog: Catalog, words: str) -> None:
    """Whatever is typed: a valid query, and a text finds itself."""
    with empty_catalog.engine.connect() as connection:
        found = connection.execute(
            text("SELECT CAST(:vector AS tsvector) @@ CAST(:query AS tsquery)"),
            {"vector": tsvector(["开头 begin", words, "end 结尾"]), "query": tsquery(words)},
        ).scalar_one()
    assert bool(found) == has_words(words)
