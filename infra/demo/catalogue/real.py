"""
Reads catalogues of real institutions, as they published them, into drafts in the shape of this folder's own.

    python -m infra.demo.catalogue.real [FOLDER]      # default: $YIQI_DATA_DIR

The files are read where they lie, in FOLDER/catalogue; this project ships none of them. Their dirt (a wrong
encoding, names cut at twenty characters, entries of the bookkeeping, doubles, rates that contradict each other) is
met row by row: each row is accepted or refused with a reason, and the counts add up. Nothing is published: drafts
are for a laboratory's own people to complete.
"""

import csv
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from infra.demo.catalogue.kinds import Kind, junk_reason, kind_of
from infra.demo.client import Json

TITLE_LENGTH_MAX = 200
TURNAROUND_WORKING_DAYS = 10


@dataclass(frozen=True)
class Refusal:
    """*row*: counted from 1 behind the header, or the place in a JSON list."""

    file: str
    row: int
    reason: str
    excerpt: str


@dataclass
class Reading:
    """
    What came of one file.

    Attributes:
        accepted: Rows that an entry was made of, or that an entry's price was taken from.
        entries: In the shape of "offerings" in this folder's catalogues.
    """

    file: str
    rows: int = 0
    accepted: int = 0
    entries: list[Json] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, row: int, reason: str, excerpt: str) -> None:
        self.refusals.append(Refusal(self.file, row, reason, excerpt[:80]))

    def reasons(self) -> Counter[str]:
        return Counter(refusal.reason for refusal in self.refusals)


# --- St Andrews: an asset register, CSV in Mac Roman ---------------------------------------------------------------

ST_ANDREWS = "uk-st-andrews-equipment.csv"
_CUT_AT = 20


def st_andrews(folder: Path) -> Reading:
    reading = Reading(ST_ANDREWS)
    seen: set[str] = set()
    with (folder / ST_ANDREWS).open(encoding="mac_roman", newline="") as file:
        for row, record in enumerate(csv.DictReader(file), 1):
            reading.rows += 1
            name = _line(record["Description"]).strip(' "')
            reason = junk_reason(name)
            kind = kind_of(name)
            if reason is None and kind is None:
                reason = "kind_unknown"
            if reason is None and name.casefold() in seen:
                reason = "double"
            if reason is not None or kind is None:
                reading.refuse(row, reason or "kind_unknown", name)
                continue
            seen.add(name.casefold())
            cut = "；名称在来源中截断" if len(record["Description"]) >= _CUT_AT else ""
            cut_en = "; the name is cut in the source" if cut else ""
            department = _line(record["Department"])
            _accept(reading, f"st-andrews-{row}", name, kind, "day",
                    (f"来源院系：{department}{cut}。", f"Department: {department}{cut_en}."))  # fmt: skip
    return reading


# --- PNNL: dumps of a laboratory's database, TSV -------------------------------------------------------------------

PNNL_INSTRUMENTS = "us-pnnl-instruments.tsv"
PNNL_EMSL = "us-pnnl-emsl-instruments.tsv"
PNNL_TYPES = "us-pnnl-service-types.tsv"
PNNL_RATES = "us-pnnl-service-rates.tsv"
PNNL_BURDENED = "us-pnnl-service-rates-burdened.tsv"
PNNL_VERSIONS = "us-pnnl-service-rate-versions.tsv"
_PAYER = "HHS/DOD"  # of the three classes of payers the one from outside the department
_TOLERANCE = Decimal("0.05")  # the build-up's parts are rounded one by one


def _tsv(folder: Path, file: str) -> Iterator[tuple[int, dict[str, str]]]:
    with (folder / file).open(encoding="utf-8", newline="") as opened:
        rows = csv.reader(opened, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = next(rows)
        for row, cells in enumerate(rows, 1):
            yield row, dict(zip(header, (*cells, *[""] * (len(header) - len(cells))), strict=False))


def pnnl_instruments(folder: Path) -> Reading:
    reading = Reading(PNNL_INSTRUMENTS)
    for row, record in _tsv(folder, PNNL_INSTRUMENTS):
        reading.rows += 1
        name, status = _line(record["instrument"]), record["status"].strip().lower()
        kind = kind_of(f"{name} {record['instrument_class']}", record["description"])
        if not name:
            reading.refuse(row, "name_missing", record["description"])
        elif status != "active":
            reading.refuse(row, f"status_{status or 'missing'}", name)
        elif kind is None:
            reading.refuse(row, "kind_unknown", name)
        else:
            text = _line(record["description"])
            _accept(reading, f"pnnl-instrument-{record['instrument_id']}", name.replace("_", " "), kind, "hour",
                    (f"型号类别：{record['instrument_class']}。", text))  # fmt: skip
    return reading


def pnnl_emsl(folder: Path) -> Reading:
    reading = Reading(PNNL_EMSL)
    for row, record in _tsv(folder, PNNL_EMSL):
        reading.rows += 1
        name, active = _line(record["eus_instrument_name"]), record["eus_active_sw"].strip()
        kind = kind_of(name.removeprefix("Mass Spectrometer:"), record["eus_display_name"])
        if not name:
            reading.refuse(row, "name_missing", record["eus_display_name"])
        elif active not in {"1", "Y"}:  # both are used for yes
            reading.refuse(row, "status_inactive" if active == "0" else "status_missing", name)
        elif kind is None:
            reading.refuse(row, "kind_unknown", name)
        else:
            hours = record["eus_available_hours"].strip()
            short = name.removeprefix("Mass Spectrometer: ")
            _accept(reading, f"pnnl-emsl-{record['eus_instrument_id']}", short, kind, "hour",
                    (f"每日可用 {hours} 小时。" if hours else "",
                     f"{_line(record['eus_display_name'])}. Available {hours or '?'} hours a day."))  # fmt: skip
    return reading


def pnnl_services(folder: Path) -> list[Reading]:
    """Kinds of service with the outside payer's rate of each version of the rates, from that version's date on."""
    versions, burdened = Reading(PNNL_VERSIONS), Reading(PNNL_BURDENED)
    types, rates = Reading(PNNL_TYPES), Reading(PNNL_RATES)
    begun: dict[str, str] = {}
    for row, record in _tsv(folder, PNNL_VERSIONS):
        versions.rows += 1
        instant = re.match(r"\d{4}-\d\d-\d\d", record["entered"])
        if instant is None:
            versions.refuse(row, "date_missing", record["description"])
        else:
            begun[record["cost_group_id"]] = f"{instant[0]}T00:00:00Z"
    built_up: dict[tuple[str, str], Decimal] = {}
    for row, record in _tsv(folder, PNNL_BURDENED):
        burdened.rows += 1
        parts = [_decimal(value) for name, value in list(record.items())[3:]]
        if record["funding_agency"] != _PAYER:
            burdened.refuse(row, "other_class_of_payer", record["funding_agency"])
        elif any(part is None for part in parts):
            burdened.refuse(row, "amount_unreadable", str(record))
        else:
            burdened.accepted += 1
            built_up[record["cost_group_id"], record["service_type_id"]] = sum(
                (part for part in parts if part is not None), Decimal(0)
            )
    prices: dict[str, list[Json]] = {}
    used: set[str] = set()
    for row, record in _tsv(folder, PNNL_RATES):
        rates.rows += 1
        group, service = record["cost_group_id"], record["service_type_id"]
        rate, parts_sum = _decimal(record["hhs_burdened_rate_per_run"]), built_up.get((group, service))
        if rate is None or rate <= 0:
            rates.refuse(row, "amount_unreadable", str(record))
        elif group not in begun:
            rates.refuse(row, "version_unknown", f"{group} {service}")
        elif parts_sum is None:
            rates.refuse(row, "build_up_missing", f"{group} {service}")
        elif abs(rate - parts_sum) > _TOLERANCE:
            rates.refuse(row, "contradicts_build_up", f"{group} {service}: {rate}, parts {parts_sum}")
        else:
            rates.accepted += 1
            used.add(group)
            prices.setdefault(service, []).append(
                _price(begun[group], rate, f"Service rates version {group}, {_PAYER}, per run")
            )
    for row, record in _tsv(folder, PNNL_VERSIONS):
        if record["cost_group_id"] in used:
            versions.accepted += 1
        elif record["cost_group_id"] in begun:
            versions.refuse(row, "without_rates", record["description"])
    for row, record in _tsv(folder, PNNL_TYPES):
        types.rows += 1
        name, kind = _line(record["service_type"]), Kind("质谱分析服务", "Mass spectrometry service", "0102")
        if record["service_type_id"] not in prices:
            types.refuse(row, "without_rates", name)
        else:
            entry = _accept(types, f"pnnl-service-{record['service_type_id']}", name, kind, "sample",
                            ("按次计费。", f"Per run. {_line(record['service_description'])}"))  # fmt: skip
            entry["prices"] = prices.pop(record["service_type_id"])
    for service in prices:
        raise ValueError(f"{PNNL_RATES}: rates of service type {service}, which {PNNL_TYPES} does not have")
    return [types, rates, burdened, versions]


# --- NEMO: a cleanroom's booking system, Django fixture in JSON ----------------------------------------------------

NEMO = "nemo-splash-pad.json"
NEMO_RATES = "nemo-splash-pad-rates.json"
_NEMO_PRICED = ("primetime_eq_hourly_rate", "full cost")


def nemo(folder: Path) -> list[Reading]:
    tools, rates = Reading(NEMO), Reading(NEMO_RATES)
    for row, thing in enumerate(json.loads((folder / NEMO).read_text(encoding="utf-8")), 1):
        tools.rows += 1
        fields, model = thing.get("fields", {}), str(thing.get("model", ""))
        if model != "NEMO.tool":
            tools.refuse(row, "not_a_tool", model)
            continue
        name = _line(str(fields.get("name") or ""))
        kind = kind_of(name, str(fields.get("_category") or ""))
        if not name:
            tools.refuse(row, "name_missing", str(fields.get("_category")))
        elif not fields.get("_operational"):
            tools.refuse(row, "not_operational", name)
        elif kind is None:
            tools.refuse(row, "kind_unknown", name)
        else:
            text = _line(re.sub(r"<[^>]*>", " ", str(fields.get("_description") or "")))
            _accept(tools, f"nemo-{row}", name, kind, "hour", (f"类别：{fields.get('_category')}。", text[:4_000]))
    by_name = {entry["content"]["instrument"]: entry for entry in tools.entries}
    for row, rate in enumerate(json.loads((folder / NEMO_RATES).read_text(encoding="utf-8"), parse_float=Decimal), 1):
        rates.rows += 1
        entry = by_name.get(str(rate.get("item", "")))
        amount = _decimal(str(rate.get("rate", "")))
        if (rate.get("table_id"), rate.get("rate_class")) != _NEMO_PRICED:
            rates.refuse(row, "other_kind_of_rate", f"{rate.get('table_id')} {rate.get('rate_class')}")
        elif amount is None or amount <= 0:
            rates.refuse(row, "amount_unreadable", str(rate.get("rate")))
        elif entry is None:
            rates.refuse(row, "tool_not_accepted", str(rate.get("item")))
        elif "prices" in entry:
            rates.refuse(row, "double", str(rate.get("item")))
        else:
            rates.accepted += 1
            entry["prices"] = [_price("2026-01-01T00:00:00Z", amount, "NEMO rate table, full cost, prime time")]
    return [tools, rates]


# --- all of them ---------------------------------------------------------------------------------------------------

_SOURCES: list[tuple[str, tuple[str, ...], Callable[[Path], list[Reading]]]] = [
    ("st-andrews", (ST_ANDREWS,), lambda folder: [st_andrews(folder)]),
    ("pnnl", (PNNL_INSTRUMENTS,), lambda folder: [pnnl_instruments(folder)]),
    ("pnnl-emsl", (PNNL_EMSL,), lambda folder: [pnnl_emsl(folder)]),
    ("pnnl-services", (PNNL_TYPES, PNNL_RATES, PNNL_BURDENED, PNNL_VERSIONS), pnnl_services),
    ("nemo", (NEMO, NEMO_RATES), nemo),
]


def read(data_dir: Path) -> tuple[dict[str, list[Reading]], list[str]]:
    """
    Everything in *data_dir*/catalogue.

    Returns:
        Source → what came of each of its files, for the sources that are there in full; and the names of the files
        that are no part of any of these.

    Raises:
        FileNotFoundError: There is no folder of that name.
    """
    folder = data_dir / "catalogue"
    present = {path.name for path in folder.iterdir()}
    found = {name: read_source(folder) for name, files, read_source in _SOURCES if present.issuperset(files)}
    known = {file for name, files, _ in _SOURCES if name in found for file in files}
    return found, sorted(present - known)


def _accept(reading: Reading, key: str, name: str, kind: Kind, unit: str, descriptions: tuple[str, str]) -> Json:
    reading.accepted += 1
    entry: Json = {
        "key": key,
        "content": {
            "title_zh": f"{kind.zh}：{name}"[:TITLE_LENGTH_MAX],
            "title_en": f"{kind.en}: {name}"[:TITLE_LENGTH_MAX],
            "description_zh": descriptions[0][:4_000],
            "description_en": descriptions[1][:4_000],
            "method_zh": kind.zh,
            "method_en": kind.en,
            "method_codes": [],
            "instrument": name,
            "instrument_class": kind.instrument_class,
            "unit": unit,
            "turnaround_working_days": TURNAROUND_WORKING_DAYS,
            "orderable": False,
        },
    }
    reading.entries.append(entry)
    return entry


def _price(valid_from: str, amount: Decimal, basis: str) -> Json:
    cents = int((amount * 100).quantize(Decimal(1)))
    return {
        "valid_from": valid_from,
        "unit_price": {"amount": cents, "currency": "USD"},
        "volume_discounts": [],
        "charge_basis": basis,
    }


def _line(text: str | None) -> str:
    """One line without no-break spaces and control characters, both of which the sources have."""
    return " ".join("".join(" " if ord(one) < 32 or one == "\xa0" else one for one in text or "").split())


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def main(arguments: Sequence[str]) -> int:
    chosen = arguments[0] if arguments else os.environ.get("YIQI_DATA_DIR")
    if not chosen:
        sys.stderr.write("name the folder of the data, or set YIQI_DATA_DIR\n")
        return 2
    found, unread = read(Path(chosen))
    for source, readings in found.items():
        for reading in readings:
            print(f"{source}: {reading.file}: {reading.rows} rows, {reading.accepted} accepted")
            for reason, count in reading.reasons().most_common():
                print(f"    {count:5} refused: {reason}")
    print("not read:", ", ".join(unread) or "nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
