"""The claim pack: what an authority reads, in one file that is the same whenever it is made."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from services.billing.adapters.claim_cover import claim_cover_pdf

# The earliest that a zip can say: the time of packing is nobody's evidence, and would change the hash.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def claim_pack(claim: Mapping[str, Any], about: Mapping[str, str] | None = None) -> bytes:
    """
    A zip of *cover.pdf* (where *about* names programme and parties), *manifest.json* (the claim with its evidence, each
    paper by reference and hash, and the result of each rule) and *checklist.csv*, one paper a line, for people.

    The papers themselves lie with who issued them; whoever gets one compares its SHA-256 with the manifest.
    """
    manifest = json.dumps(claim, ensure_ascii=False, indent=1, sort_keys=True).encode()
    columns = ("kind", "number", "reference", "sha256", "at")
    checklist = _csv(columns, [[paper[name] for name in columns] for paper in claim["evidence"]])
    return _packed(
        (*_cover("claim", claim, about, manifest), ("manifest.json", manifest), ("checklist.csv", checklist))
    )


def subsidy_pack(subsidy: Mapping[str, Any], about: Mapping[str, str] | None = None) -> bytes:
    """
    A zip of *cover.pdf* (where *about* names programme and parties), *manifest.json* (the subsidy with its orders,
    their evidence, what was left out and by which rule, and the result of each rule), *orders.csv*, an order a line
    (minor units), and *evidence.csv*, a paper a line.
    """
    manifest = json.dumps(subsidy, ensure_ascii=False, indent=1, sort_keys=True).encode()
    orders = [
        (each["order_number"], each["accepted_at"], each["net"]["amount"], each["gross"]["amount"],
         each["net"]["currency"], len(each["evidence"]))
        for each in subsidy["orders"]
    ]  # fmt: skip
    papers = [
        (each["order_number"], *(paper[name] for name in ("kind", "number", "reference", "sha256", "at")))
        for each in subsidy["orders"] for paper in each["evidence"]
    ]  # fmt: skip
    return _packed((
        *_cover("subsidy", subsidy, about, manifest),
        ("manifest.json", manifest),
        ("orders.csv", _csv(("order", "accepted_at", "net", "gross", "currency", "papers"), orders)),
        ("evidence.csv", _csv(("order", "kind", "number", "reference", "sha256", "at"), papers)),
    ))  # fmt: skip


def pack_of(payload: Mapping[str, Any], key: str) -> tuple[str, bytes]:
    """The name that what an outside call asks for is kept under, and its bytes."""
    noun = "subsidy" if "subsidy" in payload else "claim"
    told = payload[noun]
    pack = subsidy_pack if noun == "subsidy" else claim_pack
    body = pack(told, payload.get("about"))
    return f"{noun}s/{told[f'{noun}_id']}/{sha256(key.encode()).hexdigest()[:16]}.zip", body


def _cover(
    noun: str, told: Mapping[str, Any], about: Mapping[str, str] | None, manifest: bytes
) -> tuple[tuple[str, bytes], ...]:
    """None for what was submitted before covers were made."""
    if about is None:
        return ()
    return (("cover.pdf", claim_cover_pdf(noun, told, about, sha256(manifest).hexdigest())),)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows((columns, *rows))
    return ("\ufeff" + out.getvalue()).encode()


def _packed(files: Sequence[tuple[str, bytes]]) -> bytes:
    sums = "".join(f"{sha256(body).hexdigest()}  {name}\n" for name, body in files).encode()
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, body in (*files, ("SHA256SUMS", sums)):
            packed.writestr(zipfile.ZipInfo(name, _NO_TIME), body)
    return held.getvalue()
