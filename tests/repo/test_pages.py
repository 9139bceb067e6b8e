"""`make docs`: every document becomes a page, and the links between them hold."""

import re
from pathlib import Path

import pytest

from infra.pages import TARGET, page
from tests.repo.tree import ROOT, files

LINK = re.compile(r'href="(?!\w+:|#)([^"#]+)')


@pytest.mark.parametrize("document", files(".md"), ids=str)
def test_links_of_pages_lead_to_pages_and_files(document: Path) -> None:
    """A link to a document leads to its page, another one to the file itself."""
    here = (TARGET / document).parent
    for link in LINK.findall(page(document)):
        place = (here / link).resolve()
        if place.is_relative_to(TARGET):
            place = ROOT / place.relative_to(TARGET).with_suffix(".md")
        assert place.exists(), link


def test_tables_and_titles_are_set() -> None:
    """What makes our documents readable."""
    made = page(Path("docs/where.md"))
    assert "<table>" in made
    assert "<title>Where things are</title>" in made
