"""What a bench yields: figures with their control, round by round, and how they are shown and kept."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Bar:
    """
    What a figure must reach: *ratio_min* or *ratio_max* against its control, or *value_max* in its own unit.

    The control of the same machine is the measure where there is one: rates of different machines say nothing.
    """

    ratio_min: float | None = None
    ratio_max: float | None = None
    value_max: float | None = None

    def met(self, value: float, ratio: float | None) -> bool:
        if self.value_max is not None and value > self.value_max:
            return False
        if self.ratio_min is not None and (ratio is None or ratio < self.ratio_min):
            return False
        return self.ratio_max is None or (ratio is not None and ratio <= self.ratio_max)

    def __str__(self) -> str:
        parts = []
        if self.ratio_min is not None:
            parts.append(f"ratio ≥ {self.ratio_min:g}")
        if self.ratio_max is not None:
            parts.append(f"ratio ≤ {self.ratio_max:g}")
        if self.value_max is not None:
            parts.append(f"≤ {self.value_max:g}")
        return ", ".join(parts)


@dataclass
class Figure:
    """
    One figure over several rounds.

    Attributes:
        name: As in `var/bench.json`.
        unit: Of *values* and *control_values*.
        control: What it is compared with, in a few words; empty: with nothing.
        values: One a round.
        control_values: Likewise, from the same rounds; empty without a control.
        bar: What it must reach, or none.
        parts: What the value is made of, by name; one a round.
    """

    name: str
    unit: str
    control: str = ""
    values: list[float] = field(default_factory=list)
    control_values: list[float] = field(default_factory=list)
    bar: Bar | None = None
    parts: dict[str, list[float]] = field(default_factory=dict)

    def add(self, value: float, control_value: float | None = None) -> None:
        self.values.append(value)
        if control_value is not None:
            self.control_values.append(control_value)

    def add_parts(self, parts: Mapping[str, float]) -> None:
        for name, value in parts.items():
            self.parts.setdefault(name, []).append(value)

    @property
    def ratios(self) -> list[float]:
        return [value / other for value, other in zip(self.values, self.control_values, strict=False) if other]

    def as_json(self) -> dict[str, Any]:
        ratios = self.ratios
        value = statistics.median(self.values)
        ratio = statistics.median(ratios) if ratios else None
        return {
            "name": self.name,
            "value": round(value, 3),
            "unit": self.unit,
            "control": self.control or None,
            "control_value": round(statistics.median(self.control_values), 3) if self.control_values else None,
            "ratio": round(ratio, 3) if ratio is not None else None,
            "ratio_min": round(min(ratios), 3) if ratios else None,
            "ratio_max": round(max(ratios), 3) if ratios else None,
            "rounds": [round(each, 3) for each in self.values],
            "control_rounds": [round(each, 3) for each in self.control_values],
            "parts": {name: round(statistics.median(each), 3) for name, each in self.parts.items()},
            "bar": str(self.bar) if self.bar is not None else None,
            "met": self.bar.met(value, ratio) if self.bar is not None else None,
        }


def percentile(sorted_values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of values in ascending order."""
    rank = max(1, -(-len(sorted_values) * percent // 100))
    return sorted_values[int(rank) - 1]


def show(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    table = Table(title="Yiqi against its controls (medians of the rounds)")
    for heading in ("figure", "value", "unit", "control", "ratio", "spread", "bar", ""):
        table.add_column(heading, justify="right" if heading in {"value", "ratio"} else "left")
    for row in found:
        control = f"{row['control']}: {row['control_value']:,.1f}" if row["control_value"] is not None else ""
        ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else ""
        low, high = min(row["rounds"]), max(row["rounds"])
        spread = f"{row['ratio_min']:.2f} – {row['ratio_max']:.2f}" if ratio else f"{low:,.1f} – {high:,.1f}"
        verdict = {True: "[green]met", False: "[red]missed", None: ""}[row["met"]]
        table.add_row(
            row["name"], f"{row['value']:,.1f}", row["unit"], control, ratio, spread, row["bar"] or "", verdict
        )
    console.print(table)


def keep(found: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write *found* into *path*; figures of an earlier run that were not measured now stay."""
    earlier = json.loads(path.read_text("utf-8")) if path.exists() else []
    measured = {row["name"] for row in found}
    whole = [row for row in earlier if row["name"] not in measured] + list(found)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")
