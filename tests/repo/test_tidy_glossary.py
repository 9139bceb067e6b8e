"""The glossary says each word once."""

from collections import Counter
from pathlib import Path

from tests.repo.tree import text

GLOSSARY = Path("docs/glossary.md")


def test_no_word_is_defined_twice() -> None:
    """Two sentences about one word drift apart, and whoever looks it up finds one of them."""
    rows = [line.split(" | ")[0].removeprefix("| ") for line in text(GLOSSARY).splitlines() if line.startswith("| ")]
    words = Counter(word for row in rows for word in row.split(", ") if word != "English")
    assert len(words) > 150
    assert [word for word, times in words.items() if times > 1] == []
