"""Files: evidence for disputes, as it was uploaded; nothing of it but its name, type and size is kept."""

from email.parser import BytesParser
from email.policy import HTTP
from hashlib import sha256
from typing import Any

from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.errors import invalid
from tests.kit.stripe_simulator.params import choice, missing_param

CREATE = frozenset({"file", "purpose"})
PURPOSE = "dispute_evidence"
BYTES_MAX = 5 * 1024 * 1024
TYPES = {b"%PDF-": "pdf", b"\x89PNG": "png", b"\xff\xd8\xff": "jpg"}


def parse_multipart(content_type: str, body: bytes) -> dict[str, Any]:
    """The parameters of a multipart form; a file is its name, size, SHA-256 and type by content."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    found: dict[str, Any] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name, raw = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        filename = part.get_filename()
        content = raw if isinstance(raw, bytes) else b""
        found[name] = content.decode() if filename is None else {
            "filename": filename,
            "size": len(content),
            "sha256": sha256(content).hexdigest(),
            "type": next((kind for magic, kind in TYPES.items() if content.startswith(magic)), None),
        }  # fmt: skip
    return found


def create(books: Books, params: Obj) -> Obj:
    """
    Raises:
        StripeError: It is of another type, or too large.
    """
    choice(params, "purpose", (PURPOSE,))
    sent = params.get("file")
    if not isinstance(sent, dict):
        raise missing_param("file")
    if sent["type"] is None or not 0 < sent["size"] <= BYTES_MAX:
        raise invalid("The file is not a PDF, JPEG or PNG, or too large.", param="file")
    return books.add({
        "id": new_id("file"),
        "object": "file",
        "created": books.now,
        "expires_at": None,
        "filename": sent["filename"],
        "links": None,
        "purpose": PURPOSE,
        "size": sent["size"],
        "title": None,
        "type": sent["type"],
        "url": None,
    })  # fmt: skip


def retrieve(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("file", ident)


def list_all(books: Books, params: Obj) -> Obj:
    return books.page("file", params, "/v1/files", filters=("purpose",))
