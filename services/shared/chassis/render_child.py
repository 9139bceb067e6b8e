"""
What the child process of `render.py` does: sets one document. Loaded by `child.py` there, never imported here.
"""

import base64
import json
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

_MISSING = re.compile(r'the text `"((?:[^"\\]|\\.)+)"` could not be displayed')
_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """*pdf* (base64) and what was *substituted* in it, or *error*: typst's own diagnostic."""
    import typst

    try:
        return {"pdf": base64.b64encode(_set(request)).decode(), "substituted": ""}
    except typst.TypstError as error:
        missing = _missing_characters(str(error.diagnostic))
        if not missing:
            return {"error": str(error.diagnostic)}
    # PDF/A forbids a glyph that says nothing. A rare surname must not stop a contract, nor vanish from it.
    table = str.maketrans({character: f"〓[U+{ord(character):04X}]" for character in missing})
    request["data"] = json.loads(json.dumps(request["data"], ensure_ascii=False).translate(table))
    try:
        return {
            "pdf": base64.b64encode(_set(request)).decode(),
            "substituted": "".join(sorted(missing)),
        }
    except typst.TypstError as error:
        return {"error": str(error.diagnostic)}


@cache
def _fonts() -> Any:
    import typst
    from pylopdf_fonts_zh_cn import sans_path

    # System fonts would make the same document look different on another machine.
    return typst.Fonts(include_system_fonts=False, font_paths=[str(sans_path().parent)])


def _set(request: dict[str, Any]) -> bytes:
    import typst

    inputs = {
        "data": json.dumps(request["data"], ensure_ascii=False),
        "attachments": json.dumps([_attachment(each) for each in request["attachments"]], ensure_ascii=False),
    }
    standard: Any = "a-3a" if request["attachments"] else "a-2a"
    with tempfile.TemporaryDirectory(prefix="render") as no_packages:
        # A compiler for each document: it keeps what it read of files, and templates may have changed.
        compiler = typst.Compiler(
            root=request["root"],
            font_paths=_fonts(),
            package_path=no_packages,
            package_cache_path=no_packages,
        )
        pdf: Any
        pdf, warnings = compiler.compile_with_warnings(
            input=_main_file(request),
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=[standard],
            timestamp=request["timestamp"],
        )
    if warnings:
        # an unknown font, a template without its styles: nothing to find out from a customer's copy
        raise ValueError("; ".join(str(warning.diagnostic) for warning in warnings))
    return bytes(pdf)


# Data stays data here too: names and contents come from sys.inputs, only the path is written down.
_ATTACHING = """#include "{path}"
#for each in json(bytes(sys.inputs.attachments)) {{
  pdf.attach(
    each.name,
    bytes(each.content),
    relationship: each.relationship,
    mime-type: each.media_type,
    description: each.description,
  )
}}
"""


def _main_file(request: dict[str, Any]) -> Any:
    """The template itself, or a few lines that include it and attach the files."""
    template = Path(request["template"])
    if not request["attachments"]:
        return template
    return _ATTACHING.format(path="/" + template.relative_to(request["root"]).as_posix()).encode()


def _attachment(request: dict[str, Any]) -> dict[str, Any]:
    content = base64.b64decode(request["content"])
    try:
        return request | {"content": content.decode()}
    except UnicodeDecodeError:
        # typst has no base64; a list of numbers is long and always right
        return request | {"content": list(content)}


def _missing_characters(diagnostic: str) -> set[str]:
    found = {_ESCAPE.sub(lambda code: chr(int(code[1], 16)), text) for text in _MISSING.findall(diagnostic)}
    return {character for text in found for character in text if character not in '"\\'}
