"""
What is found by what.

PostgreSQL decides in earnest (tests/integration/catalog/test_search.py); here a few lines of Python read the same
tsvector and tsquery.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain.search import (
    Token,
    fold,
    has_words,
    listing_of,
    provider_token,
    region_tokens,
    singular,
    tokens,
    tsquery,
    tsvector,
    unit_token,
)
from tests.kit.fakes_catalog import a_content, a_provider, an_offering


def found(query: str, *fields: str) -> bool:
    """Whether *query* matches *fields*: our own small reading of tsquery."""
    places: dict[str, set[int]] = {}
    for token in tokens(fields):
        places.setdefault(token.text, set()).add(token.position)
    text = tsquery(query)
    return bool(text) and all(_any(part, places) for part in text.split(" & "))


def _any(part: str, places: dict[str, set[int]]) -> bool:
    return any(_row(option, places) for option in part.strip("()").split(" | "))


def _row(option: str, places: dict[str, set[int]]) -> bool:
    if option.endswith(":*"):
        return any(text.startswith(option[1:-3]) for text in places)
    row = re.findall(r"'([^']*)'", option)
    starts = places.get(row[0], set())
    return any(all(start + i in places.get(text, set()) for i, text in enumerate(row)) for start in starts)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("电镜", "扫描电镜形貌观察"),
        ("质谱", "电感耦合等离子体质谱法"),
        ("等离子体质谱", "电感耦合等离子体质谱法"),
        ("镜", "扫描电镜"),
        ("扫", "扫描电镜"),
        ("铅", "铅、镉"),
        ("228.1", "GB/T 228.1-2021"),
        ("228", "GB/T 228.1-2021"),
        ("gb/t 228.1", "GB/T 228.1-2021"),
        ("GB/T228.1", "GB/T 228.1-2021"),
        ("GBT 228.1", "GB/T 228.1-2021"),
        ("GBT228.1", "GB/T 228.1-2021"),
        ("ＧＢ／Ｔ　２２８．１", "GB/T 228.1-2021"),
        ("gb/t 228.1-2021", "ＧＢ／Ｔ ２２８.１—２０２１"),
        ("ISO 6892-1", "ISO 6892-1:2019"),
        ("6892", "ISO 6892-1:2019"),
        ("icp-ms", "ICP-MS element content"),
        ("ICPMS", "ICP-MS element content"),
        ("icp ms", "ICP-MS element content"),
        ("icp-ms", "ICP MS element content"),
        ("lcms", "LC/MS"),
        ("MICROSCOPES", "Scanning electron microscope"),
        ("assay", "Assays of alloys"),
        ("F200X", "Talos F200X"),
        ("f200", "Talos F200X"),
        ("x射线 衍射", "X射线衍射（XRD）"),
        ("analysis of steel", "Steel: chemical analysis"),
        ("the", "the"),
    ],
)
def test_is_found(query: str, text: str) -> None:
    """Words, two-character words, single characters, runs, codes, compounds, whatever the width and case."""
    assert found(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("电镜 质谱", "扫描电镜"),
        ("电子显微镜", "透射电子显微术，氦离子显微镜"),
        ("扫描电镜", "扫描，电镜"),
        ("228.2", "GB/T 228.1-2021"),
        ("228.1", "GB/T 229-2020"),
        ("镜头", "电镜 头部"),
        ("micro", "microscope"),
        ("", "anything"),
        ("?!。", "anything"),
    ],
)
def test_is_not_found(query: str, text: str) -> None:
    """Every token is wanted, and a run of characters only in a row."""
    assert not found(query, text)


def test_nothing_reaches_from_one_field_into_the_next() -> None:
    """The end of a title and the beginning of another are no term."""
    assert not found("电子显微镜分析", "电子显微", "镜分析")
    assert not found("icp-ms", "ICP", "MS")


def test_positions() -> None:
    """Characters count one each, so that grams of one size stand in a row; a compound stands at both its ends."""
    assert set(tokens(["扫描电镜 ICP-MS"])) == {
        Token("扫描", 1), Token("描电", 2), Token("电镜", 3), Token("扫描电", 1), Token("描电镜", 2),
        Token("扫描电镜", 1),
        Token("镜", 4), Token("icp", 5), Token("ms", 6), Token("icpm", 5), Token("icpm", 6),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("word", "expected"),
    [("alloys", "alloy"), ("batches", "batch"), ("assemblies", "assembly"), ("analysis", "analysis"), ("mass", "mass"),
     ("gas", "gas"), ("xps", "xps"), ("fluxes", "flux"), ("apparatus", "apparatus")],
)  # fmt: skip
def test_plain_plurals(word: str, expected: str) -> None:
    """Only what is plainly a plural loses its ending."""
    assert singular(word) == expected


def test_what_quotes_could_do() -> None:
    """Whatever is typed, a tsquery holds letters, digits and dots between its quotes, and nothing of the typist's."""
    text = tsquery(
        "a' | 'b:* & !c <-> \\d (e) \x01", [*region_tokens("x' | 'y\\"), provider_token(a_provider().provider_id)]
    )
    assert re.fullmatch(r"('[\w.:|-]+'(:\*)?| & )+", text)


@given(st.text(max_size=120))
def test_every_text_finds_itself(text: str) -> None:
    """Whatever is looked for is found in a text that contains just that."""
    assert found(text, "开头 begin", f" {text} ", "end 结尾") == has_words(text)


@given(st.text(alphabet="电镜质谱分析a1B2. -/", max_size=40), st.text(alphabet="铅汞xyz ，", max_size=20))
def test_more_text_hides_nothing(text: str, more: str) -> None:
    """A text that goes on, after a space, is still found by its beginning."""
    assert not has_words(text) or found(text, f"{text} {more}")


@given(st.text(max_size=60))
def test_width_and_case_do_not_count(text: str) -> None:
    """Full-width and capital forms of ASCII are found by the plain ones, and the other way round."""
    plain = "".join(character for character in text if character.isascii())
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in plain.upper())
    assert found(plain, wide) == found(wide, plain) == has_words(plain)
    assert fold(wide) == fold(plain)


@given(st.lists(st.text(max_size=300), max_size=4))
def test_vectors_can_be_read(fields: list[str]) -> None:
    """Each lexeme is quoted, holds no quote and is not too long; positions are within PostgreSQL's count."""
    for lexeme in tsvector(fields).split(" ") if tsvector(fields) else []:
        match = re.fullmatch(r"'([^'\\\s]+)':([0-9,]+)", lexeme)
        assert match is not None
        assert len(match[1]) <= 64
        assert all(0 < int(position) <= 16_383 for position in match[2].split(","))


def test_regions_contain_what_lies_in_them() -> None:
    """A district belongs to its city and its province; what is no code stands for itself."""
    assert region_tokens("150102") == ["region:15", "region:1501", "region:150102"]
    assert region_tokens("150000") == ["region:15"]
    assert region_tokens("St Andrews") == ["region:StAndrews"]


def test_a_listing_tells_titles_from_the_rest() -> None:
    """Codes of methods count as title; their names, the instrument, the provider and the descriptions do not."""
    listing = listing_of(an_offering(content=a_content(unit="hour")), a_provider())
    for text in ("'扫描电镜'", "'16594'", f"'{unit_token('hour')}'", "'region:1501'"):
        assert text in listing.title_tokens
        assert text in listing.all_tokens
    for text in ("'断口'", "'青城'", "'evols10'", "'微束'"):
        assert text not in listing.title_tokens
        assert text in listing.all_tokens
