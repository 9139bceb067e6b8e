"""Reading foreign catalogues: nothing is lost, and what is refused says why. The small files here are our own."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.schemas.catalogue import OfferingToDraft
from infra.demo.catalogue import real
from infra.demo.catalogue.kinds import kind_of
from infra.demo.catalogue.real import Reading, read


def check(readings: Sequence[Reading]) -> None:
    """Rows in = accepted + refused, each refusal has its own row, and every entry is a draft that the API takes."""
    for reading in readings:
        assert reading.rows == reading.accepted + len(reading.refusals), reading.file
        assert len({refusal.row for refusal in reading.refusals}) == len(reading.refusals)
        for entry in reading.entries:
            body = {"content": entry["content"], "prices": entry.get("prices", [])}
            OfferingToDraft.model_validate(body, strict=False)
        assert len({entry["key"] for entry in reading.entries}) == len(reading.entries)


def write_tsv(folder: Path, file: str, *rows: str) -> None:
    (folder / file).write_text("\n".join(row.replace("|", "\t") for row in rows) + "\n", encoding="utf-8")


def test_an_asset_register_in_mac_roman(tmp_path: Path) -> None:
    """No-break spaces are blanks, cut names are kept and said to be cut, junk and doubles are refused by name."""
    header = "Description,Site Location,Contact Telephone,Contact URL,Contact Email,Location,Department,Service Level"
    names = ["UNKNOWN", "Hitachi\xcaS9999 SEM", "HITACHI S9999 SEM", "SOME VAN SY01ABC", "CHAIRS", "97999",
             "Super Computer X", "BLD ALTER LEVEL9", "DGX-9", "Confocal Laser Micro", "Incucyte \x16",
             '"Quoted HPLC']  # fmt: skip
    lines = [header, *(f'"{name.replace(chr(34), chr(34) * 2)}",Town,1,u,m,l,Phys\xca& Chem,' for name in names)]
    (tmp_path / real.ST_ANDREWS).write_bytes("\r\n".join(lines).encode("latin-1") + b"\r\n")
    reading = real.st_andrews(tmp_path)
    check([reading])
    assert [entry["content"]["instrument"] for entry in reading.entries] == [
        "Hitachi S9999 SEM", "Confocal Laser Micro", "Incucyte", "Quoted HPLC"
    ]  # fmt: skip
    assert reading.entries[0]["content"]["title_zh"] == "扫描电子显微镜：Hitachi S9999 SEM"
    assert reading.entries[0]["content"]["description_en"] == "Department: Phys & Chem."
    assert "the name is cut" in reading.entries[1]["content"]["description_en"]
    assert {refusal.row: refusal.reason for refusal in reading.refusals} == {
        1: "name_missing", 3: "double", 4: "vehicle", 5: "furniture", 6: "bookkeeping", 7: "computing",
        8: "building_work", 9: "kind_unknown",
    }  # fmt: skip


def test_instruments_that_no_longer_run(tmp_path: Path) -> None:
    """Only active ones; two ways of saying yes; rows cut short are read as far as they go."""
    write_tsv(
        tmp_path, real.PNNL_INSTRUMENTS,
        "instrument_id|instrument|instrument_class|instrument_group|status|room_number|description|usage|operations_role"
        "|percent_emsl_owned|created",
        "1|Old_01|Finnigan_FTICR|Other|Inactive|R1|7 T FTICR||Research|0|2000-06-20 00:00:00",
        '2|Orbi_02|LTQ_FT|Other|Active|R1|An "Orbitrap"||Production|0|2020-06-20 00:00:00',
        "3|Thing|Nothing|Other|Active|R1|",
        "4||LTQ_FT|Other|Active|R1|nameless||x|0|",
    )  # fmt: skip
    write_tsv(
        tmp_path, real.PNNL_EMSL,
        "eus_instrument_id|eus_display_name|eus_instrument_name|eus_available_hours|local_category_name"
        "|local_instrument_name|last_affected|eus_active_sw|eus_primary_instrument",
        "1|Mass Spectrometer: Orbitrap |Mass Spectrometer: QE 1|10|||x|1|0",
        "2|GC-MS|Mass Spectrometer: GC-MS 2|24|||x|Y|0",
        "3|GC-MS|Mass Spectrometer: GC-MS 3|24|||x|0|0",
        "4|GC-MS|Mass Spectrometer: GC-MS 4|24|||x||0",
    )  # fmt: skip
    instruments, emsl = real.pnnl_instruments(tmp_path), real.pnnl_emsl(tmp_path)
    check([instruments, emsl])
    assert [entry["key"] for entry in instruments.entries] == ["pnnl-instrument-2"]
    assert instruments.reasons() == {"status_inactive": 1, "kind_unknown": 1, "name_missing": 1}
    assert [entry["key"] for entry in emsl.entries] == ["pnnl-emsl-1", "pnnl-emsl-2"]
    assert emsl.reasons() == {"status_inactive": 1, "status_missing": 1}


def test_rates_that_contradict_their_build_up(tmp_path: Path) -> None:
    """Each version of the rates is an entry of the price list; a rate that its parts do not sum to is refused."""
    write_tsv(tmp_path, real.PNNL_VERSIONS, "cost_group_id|description|service_cost_state_id|entered",
              "1|First|3|2025-06-18 19:29:08", "2|Second|3|2026-01-02 00:00:00",
              "3|Unused|2|2026-03-03 00:00:00", "4|Odd|2|")  # fmt: skip
    write_tsv(tmp_path, real.PNNL_TYPES, "service_type_id|service_type|service_description|abbreviation",
              "0|Undefined|Undefined|U", "100|Peptides|Short gradient|P")  # fmt: skip
    write_tsv(tmp_path, real.PNNL_BURDENED,
              "cost_group_id|funding_agency|service_type_id|base_rate_per_run|pdm|fee",
              "1|HHS/DOD|100|100.10|5.02|0.01", "2|HHS/DOD|100|110|5|0", "1|DOE|100|90|5|0",
              "1|HHS/DOD|101|n/a|5|0")  # fmt: skip
    header = "cost_group_id|service_type_id|indirect_per_run|direct_per_run|non_labor_per_run|doe_burdened_rate_per_run"
    write_tsv(tmp_path, real.PNNL_RATES, f"{header}|hhs_burdened_rate_per_run|ldrd_burdened_rate_per_run",
              "1|100|1|1|1|95|105.13|1", "2|100|1|1|1|95|119|1", "9|100|1|1|1|95|119|1", "1|100|1|1|1|95|NaN|1",
              "2|101|1|1|1|95|10|1")  # fmt: skip
    types, rated, burdened, versions = real.pnnl_services(tmp_path)
    check([types, rated, burdened, versions])
    (entry,) = types.entries
    assert [(price["valid_from"], price["unit_price"]) for price in entry["prices"]] == [
        ("2025-06-18T00:00:00Z", {"amount": 10513, "currency": "USD"})
    ]
    assert rated.reasons() == {
        "contradicts_build_up": 1, "version_unknown": 1, "amount_unreadable": 1, "build_up_missing": 1
    }  # fmt: skip
    assert burdened.reasons() == {"other_class_of_payer": 1, "amount_unreadable": 1}
    assert versions.reasons() == {"without_rates": 2, "date_missing": 1}
    assert types.reasons() == {"without_rates": 1}


def test_a_cleanroom_fixture(tmp_path: Path) -> None:
    """Tools that run become drafts, their hourly full cost the price; everything else is named and refused."""

    def tool(name: str, *, running: bool = True, category: str = "Imaging and Analysis") -> dict[str, object]:
        fields = {
            "name": name,
            "_operational": running,
            "_category": category,
            "_description": "A <b>tool</b>.<br>\r\nFine.",
        }
        return {"model": "NEMO.tool", "fields": fields}

    things = [tool("Zeiss FESEM"), tool("Sinter", running=False), tool("Thing", category="x"), tool(" "),
              {"model": "NEMO.user", "fields": {}}]  # fmt: skip
    hourly = {"table_id": "primetime_eq_hourly_rate", "rate_class": "full cost"}
    rates = [{**hourly, "rate": 100.1, "item": "Zeiss FESEM"}, {**hourly, "rate": 5.0, "item": "Zeiss FESEM"},
             {**hourly, "rate": 50.0, "item": "Sinter"}, {**hourly, "rate": -1, "item": "Zeiss FESEM"},
             {**hourly, "rate_class": "cost shared", "rate": 50.0, "item": "Zeiss FESEM"}]  # fmt: skip
    (tmp_path / real.NEMO).write_text(json.dumps(things), encoding="utf-8")
    (tmp_path / real.NEMO_RATES).write_text(json.dumps(rates), encoding="utf-8")
    tools, rated = real.nemo(tmp_path)
    check([tools, rated])
    (entry,) = tools.entries
    assert entry["content"]["description_en"] == "A tool . Fine."
    assert entry["prices"][0]["unit_price"] == {"amount": 10010, "currency": "USD"}
    assert tools.reasons() == {"not_operational": 1, "kind_unknown": 1, "name_missing": 1, "not_a_tool": 1}
    assert rated.reasons() == {"double": 1, "tool_not_accepted": 1, "amount_unreadable": 1, "other_kind_of_rate": 1}


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    """A file that no reader takes, and a source that is not there in full, are told."""
    (tmp_path / "catalogue").mkdir()
    for file in ("strange.csv", real.NEMO):
        (tmp_path / "catalogue" / file).write_text("[]", encoding="utf-8")
    assert read(tmp_path) == ({}, [real.NEMO, "strange.csv"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("BENCHTOP TOF MS SYST", "0102"), ("X-RAY DEFRACTION", "0103"), ("NMR 300 CONSOLE", "0106"),
     ("SEMINAR ROOM", None), ("Infinity 1260 HPLC w", "0105")],
)  # fmt: skip
def test_kinds(name: str, expected: str | None) -> None:
    """By words, not by letters that happen to stand together."""
    kind = kind_of(name)
    assert (kind.instrument_class if kind else None) == expected


def test_the_real_ones() -> None:
    """Every row of the real files is accounted for."""
    folder = os.environ.get("YIQI_DATA_DIR")
    if not folder:
        pytest.skip("YIQI_DATA_DIR is not set: the real catalogues are not part of this project")
    found, _ = read(Path(folder))
    if not found:
        pytest.skip("YIQI_DATA_DIR holds no catalogue that is known here")
    for readings in found.values():
        check(readings)
        assert sum(reading.accepted for reading in readings) > 0
        assert any(reading.refusals for reading in readings)
