"""The files of the repository as the rules read them: what git keeps or would keep."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCTION = ("services/", "gateway/")


@cache
def files(*endings: str) -> tuple[Path, ...]:
    """Every file with one of *endings*, all without; relative to the root, in order."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    found = sorted({Path(name) for name in listed if name and (not endings or name.endswith(endings))})
    return tuple(path for path in found if (ROOT / path).is_file())


def python(*folders: str) -> tuple[Path, ...]:
    """Every Python file below one of *folders* (`services/`), all without."""
    return tuple(path for path in files(".py") if not folders or path.as_posix().startswith(folders))


@cache
def text(path: Path) -> str:
    return (ROOT / path).read_text("utf-8")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text(path), str(path))


def at(path: Path, node: ast.AST | int) -> str:
    """*services/orders/domain/order.py:17*, as editors open it."""
    return f"{path.as_posix()}:{node if isinstance(node, int) else getattr(node, 'lineno', 0)}"


def dotted(node: ast.AST) -> str:
    """*datetime.now* of the expression `datetime.now`; empty for what is no such chain of names."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return node.id if isinstance(node, ast.Name) else ""
