"""The documents lead to what is there."""

import re
from pathlib import Path

import pytest

from tests.repo.tree import ROOT, files, text

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#[^)]*)?\)")
PLACE = re.compile(r"`([A-Za-z0-9_.<>{},*/-]+)`")
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
PAGES = files(".md")


def dead_links(page: Path) -> list[str]:
    """Relative links of *page* that lead nowhere."""
    return [link for link in LINK.findall(text(page)) if not (ROOT / page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of every page exists."""
    assert dead_links(page) == []


def places(page: str) -> list[str]:
    """What stands in backticks and looks like a path: with a slash, and no address, pattern or command."""
    return [place for place in PLACE.findall(page) if "/" in place and not place.startswith(("/", "-"))]


def missing(place: str) -> bool:
    """`services/<s>/domain/<noun>.py` is there when one file is: the placeholders stand for any name."""
    pattern = re.sub(r"<[a-z_]+>", "*", place).rstrip("/")
    return not any(ROOT.glob(pattern))


def test_where_points_to_what_is_there() -> None:
    """Every path in docs/where.md exists."""
    found = places(text(Path("docs/where.md")))
    assert len(found) > 30
    assert [place for place in found if missing(place)] == []


def test_a_wrong_place_is_seen() -> None:
    """The rule of the paths can fail."""
    assert missing("services/orders/domain/nowhere.py")
    assert missing("services/<s>/nowhere/<noun>.py")
    assert not missing("services/<s>/domain/<noun>.py")
    assert places("see `services/orders/` and `make x` and `/v1/orders`") == ["services/orders/"]


def test_both_readmes_say_the_same() -> None:
    """The English and the Chinese README have the same headings, level by level."""
    english, chinese = (HEADING.findall(text(Path(name))) for name in ("README.md", "README.zh-CN.md"))
    assert len(english) > 2
    assert english == chinese
