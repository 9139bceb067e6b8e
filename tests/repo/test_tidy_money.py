"""No floating point near money."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo.tree import at, parsed, python

KERNEL = ("money", "rate", "tax")
NOUNS = {
    "pricing", "commission", "commission_plan", "ledger", "payment", "payout", "settlement", "refund", "voucher",
    "bank_statement", "credit", "quotation", "order", "offering", "price_list", "invoice", "received_invoice",
    "red_letter", "tax_point", "referral", "reconciliation",
}  # fmt: skip
"""Files of these names in a domain, its use cases or the messages compute or carry amounts."""


def near_money() -> list[Path]:
    return [
        path
        for path in python("services/")
        if (path.parent.name == "kernel" and path.stem in KERNEL)
        or (path.stem in NOUNS and {"domain", "use_cases", "messages"} & set(path.parts))
    ]


def floats(tree: ast.AST) -> Iterator[ast.AST]:
    """Literals with a point, `float` in any place, `/`, `round`, `Decimal`."""
    for node in ast.walk(tree):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, (float, complex))
        named = isinstance(node, ast.Name) and node.id in {"float", "round", "Decimal"}
        if literal or named or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
            yield node


def test_no_float_where_money_is_computed() -> None:
    """Amounts are integers in minor units from the first line to the last: no float, no true division, no round()."""
    paths = near_money()
    assert len(paths) > 20
    assert [at(path, node) for path in paths for node in floats(parsed(path))] == []


@pytest.mark.parametrize("bad", ["x = 0.1", "float(y)", "x: float", "a / b", "round(a)", "Decimal('1')", "1e3"])
def test_the_rule_sees_it(bad: str) -> None:
    """Each way to a float is caught."""
    assert list(floats(ast.parse(bad)))


def test_whole_division_is_allowed() -> None:
    """`//` and `%` are how shares are made."""
    assert not list(floats(ast.parse("(amount * bps + 5_000) // 10_000 + amount % 3")))
