"""The claim pack: what an authority reads, in one file that is the same whenever it is made."""

import io
import json
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

# The earliest that a zip can say: the time of packing is nobody's evidence, and would change the hash.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def claim_pack(claim: Mapping[str, Any]) -> bytes:
    """
    A zip of *manifest.json* (the claim with its evidence, each paper by reference and hash, and the result of each
    rule) and *checklist.csv*, one paper a line, for people.

    The papers themselves lie with who issued them; whoever gets one compares its SHA-256 with the manifest.
    """
    manifest = json.dumps(claim, ensure_ascii=False, indent=1, sort_keys=True).encode()
    lines = ["kind,number,reference,sha256,at"]
    lines += [
        ",".join(str(paper[name]) for name in ("kind", "number", "reference", "sha256", "at"))
        for paper in claim["evidence"]
    ]
    checklist = ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()
    files = (("manifest.json", manifest), ("checklist.csv", checklist))
    sums = "".join(f"{sha256(body).hexdigest()}  {name}\n" for name, body in files).encode()
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, body in (*files, ("SHA256SUMS", sums)):
            packed.writestr(zipfile.ZipInfo(name, _NO_TIME), body)
    return held.getvalue()
