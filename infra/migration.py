"""
The next migration of one service, named by a sentence.

    python -m infra.migration orders "add condition on receipt"
    → services/orders/migrations/versions/0007_add_condition_on_receipt.py
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from services.shared.chassis.definition import HOSTED

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "identity": Path("gateway/identity/migrations/versions"),
    **{name: Path(f"services/{name}/migrations/versions") for name in HOSTED},
}
LENGTH_MAX = 80

# An empty statement is refused by the database: a migration that was forgotten does not pass for one.
_BODY = '''"""{sentence}."""

from alembic import op

revision = "{revision}"
down_revision = {previous}


def upgrade() -> None:
    op.execute("""
    """)
'''


class NameRefused(Exception):
    """The sentence cannot be a file's name, or says nothing."""


def create(service: str, sentence: str, root: Path = ROOT) -> Path:
    """
    Write the file and return its path.

    Args:
        service: One of `FOLDERS`.
        sentence: What it does, as a sentence of at least two words: "add condition on receipt".
        root: Of the repository.

    Raises:
        NameRefused: The sentence is one word, too long, or has no letters a to z.
    """
    words = re.findall(r"[a-z0-9]+", sentence.lower())
    name = "_".join(words)
    if len(words) < 2 or len(name) > LENGTH_MAX:
        raise NameRefused(f"say in two words or more, at most {LENGTH_MAX} letters, what it does")
    folder = root / FOLDERS[service]
    folder.mkdir(parents=True, exist_ok=True)
    numbers = sorted(int(path.name[:4]) for path in folder.glob("[0-9][0-9][0-9][0-9]_*.py"))
    last = numbers[-1] if numbers else 0
    path = folder / f"{last + 1:04d}_{name}.py"
    text = sentence.strip().rstrip(".")
    path.write_text(
        _BODY.format(
            sentence=text[0].upper() + text[1:].replace('"', "'"),
            revision=f"{last + 1:04d}",
            previous=f'"{last:04d}"' if last else "None",
        ),
        "utf-8",
    )
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.migration", description="The next migration of a service.")
    parser.add_argument("service", choices=sorted(FOLDERS))
    parser.add_argument("sentence", help='what it does, e.g. "add condition on receipt"')
    options = parser.parse_args(arguments)
    try:
        print(create(options.service, options.sentence).relative_to(ROOT))
    except NameRefused as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
