"""Every generated file with its text, and what differs from what is committed."""

import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from infra.schemas import asyncapi, examples, json_schema, tables
from infra.schemas.consumers import ROOT, consumers
from services.shared.messages import registry

SCHEMAS = ROOT / "services" / "shared" / "messages" / "schemas"
ASYNCAPI = ROOT / "docs" / "asyncapi"
SERVICES_PAGE = ROOT / "services" / "README.md"
GOLDEN = ROOT / "tests" / "compatibility" / "golden"
RELEASED = ROOT / "tests" / "compatibility" / "released"

_WHOLE_FOLDERS = (SCHEMAS, ASYNCAPI)
"""Nothing but generated files stands there: what is not generated any more is removed."""


def generated() -> dict[Path, str]:
    """Path → text. Deterministic."""
    heard = consumers()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    made = {SCHEMAS / f"{name}.json": json_schema.text(json_schema.of(cls, name))
            for name, cls in json_schema.named().items()}  # fmt: skip
    for source in registry.sources():
        made[ASYNCAPI / f"{source}.json"] = json_schema.text(asyncapi.document(source, version, heard))
    made[SERVICES_PAGE] = tables.page(SERVICES_PAGE.read_text("utf-8"), heard)
    return made


def drift(wanted: Mapping[Path, str]) -> list[str]:
    """Paths that are missing, differ from *wanted*, or should not be there any more; empty: all is current."""
    there = {path for folder in _WHOLE_FOLDERS for path in folder.glob("*.json")}
    wrong = {path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}
    return sorted(str(path.relative_to(ROOT)) for path in wrong | (there - set(wanted)))


def write(wanted: Mapping[Path, str]) -> None:
    """Bring the tree to *wanted*."""
    for folder in _WHOLE_FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.json"):
            if path not in wanted:
                path.unlink()
    for path, text in wanted.items():
        path.write_text(text, "utf-8")


def write_openapi() -> None:
    """The gateway writes its own description; its tests watch the drift."""
    subprocess.run([sys.executable, "-m", "gateway", "openapi"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def add_golden() -> list[str]:
    """Make an example for each wire name that has none. Never touches one that is there. Returns the new ones."""
    made = []
    for name in sorted({**registry.events(), **registry.commands(), **registry.queries()}):
        folder = GOLDEN / name
        if not list(folder.glob("*.json")):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "001.json").write_text(examples.of_name(name).model_dump_json(indent=1) + "\n", "utf-8")
            made.append(name)
    return made


def release() -> int:
    """Take the present schemas for those of a release: what comes later is measured by them. Returns how many."""
    RELEASED.mkdir(parents=True, exist_ok=True)
    present = sorted(SCHEMAS.glob("*.json"))
    for gone in {path.name for path in RELEASED.glob("*.json")} - {path.name for path in present}:
        (RELEASED / gone).unlink()
    for path in present:
        (RELEASED / path.name).write_text(path.read_text("utf-8"), "utf-8")
    return len(present)
