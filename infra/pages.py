"""
Documents as pages: `python -m infra.pages` (`make docs`) writes every .md of the project as HTML under var/docs.

Links between documents lead from page to page, links to code to the files themselves.
"""

import os
import re
import sys
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "var" / "docs"
SKIPPED = {".venv", "var", ".git"}

_LINK = re.compile(r'(href|src)="(?!\w+:|#)([^"#]+)')
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_PAGE = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; }} td, th {{ border: 1px solid #ccc; padding: .2rem .5rem; vertical-align: top; }}
pre {{ background: #f4f4f4; padding: .7rem; overflow: auto; }}
</style>
<p><a href="{home}">Yiqi</a></p>
{body}
"""


def page(document: Path) -> str:
    """*document* (relative to the checkout) as HTML that stands at the same place under var/docs."""
    text = (ROOT / document).read_text("utf-8")
    here = (TARGET / document).parent

    def redirected(link: re.Match[str]) -> str:
        place = (ROOT / document.parent / link[2]).resolve()
        if place.suffix == ".md":
            place = TARGET / place.relative_to(ROOT).with_suffix(".html")
        return f'{link[1]}="{os.path.relpath(place, here)}'

    title = _TITLE.search(text)
    return _PAGE.format(
        language="zh" if document.name.endswith(".zh-CN.md") else "en",
        title=escape(title[1] if title else document.as_posix()),
        home=os.path.relpath(TARGET / "README.html", here),
        body=_LINK.sub(redirected, MarkdownIt("commonmark").enable("table").render(text)),
    )


def main() -> int:
    places = [place for place in ROOT.iterdir() if place.name not in SKIPPED]
    found = [path for place in places for path in (place.rglob("*.md") if place.is_dir() else [place])]
    documents = sorted(path.relative_to(ROOT) for path in found if path.suffix == ".md")
    for document in documents:
        target = (TARGET / document).with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(document), "utf-8")
    sys.stdout.write(f"{len(documents)} pages: {TARGET / 'README.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
