"""Figures in the documents are executed, not typed."""

import doctest
from pathlib import Path

import pytest

ALGORITHMS = Path(__file__).parents[2] / "docs" / "algorithms"
PAGES = sorted(page for page in ALGORITHMS.glob("*.md") if page.name != "README.md")


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_every_example_comes_out_as_written(page: Path) -> None:
    """A page of docs/algorithms has examples, and each gives the figure that stands there."""
    outcome = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert outcome.attempted > 0
    assert outcome.failed == 0
