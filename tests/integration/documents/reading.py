"""Reads back what a PDF says and claims."""

import io
import re

from pypdf import PdfReader
from pypdf.generic import DictionaryObject


def pages_of(pdf: bytes) -> list[str]:
    """Text of each page, with every kind of white space removed: lines break where the layout likes."""
    return [re.sub(r"[\s\u200b]+", "", page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


def text_of(pdf: bytes) -> str:
    return "".join(pages_of(pdf))


def pdfa_claim(pdf: bytes) -> tuple[str, str]:
    """Part and conformance level in the XMP metadata: ("2", "A")."""
    root = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    assert isinstance(root, DictionaryObject)
    xmp = root["/Metadata"].get_object().get_data().decode()  # type: ignore[union-attr]
    part = re.search(r"pdfaid:part[>=\"]+(\d)", xmp)
    level = re.search(r"pdfaid:conformance[>=\"]+(\w)", xmp)
    assert part is not None
    assert level is not None
    return part[1], level[1]


def pdfa_violations(pdf: bytes) -> list[str]:
    """
    What forbids PDF/A here, as far as the objects of the file tell: no font left outside, an output
    intent, tags, a language, nothing that runs, nothing encrypted, a file identifier.

    Not a proof: veraPDF is that, and needs Java.
    """
    reader = PdfReader(io.BytesIO(pdf))
    root = reader.trailer["/Root"]
    assert isinstance(root, DictionaryObject)
    found = [f"no {key}" for key in ("/OutputIntents", "/MarkInfo", "/StructTreeRoot", "/Lang") if key not in root]
    found += [f"{key} present" for key in ("/OpenAction", "/AA") if key in root]
    if reader.is_encrypted or "/Encrypt" in reader.trailer:
        found.append("encrypted")
    if "/ID" not in reader.trailer:
        found.append("no file identifier")
    for number in range(1, int(str(reader.trailer["/Size"]))):
        thing = reader.get_object(number)
        if not isinstance(thing, DictionaryObject):
            continue
        if thing.get("/Type") == "/FontDescriptor" and not {"/FontFile2", "/FontFile3"} & set(thing):
            found.append(f"font outside the file: {thing.get('/FontName')}")
        if thing.get("/S") in {"/JavaScript", "/Launch"}:
            found.append(f"{thing['/S']} action")
        if thing.get("/Filter") == "/LZWDecode":
            found.append("LZW")
    return found
