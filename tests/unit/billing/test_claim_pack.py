"""The files of a claim's pack: whoever reads them reads what was claimed."""

import csv
import io
import zipfile

import pytest

from services.billing.adapters.claim_pack import claim_pack

PAPER = {"kind": "contract", "reference": "8f", "sha256": "ab" * 32, "at": "2026-11-23T02:00:00Z"}


@pytest.mark.parametrize("number", ["HT-1", "HT-1,2", 'HT "1"', "HT\n1"])
def test_a_checklist_has_each_paper_as_it_is_called(number: str) -> None:
    """A number that has a comma or a quotation mark in it moves no column."""
    with zipfile.ZipFile(io.BytesIO(claim_pack({"evidence": [PAPER | {"number": number}]}))) as packed:
        text = packed.read("checklist.csv").decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row == PAPER | {"number": number}
