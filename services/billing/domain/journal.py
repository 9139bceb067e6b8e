"""
The journal as other programs read it: every transaction with its entries, as CSV or for beancount.

Days are those of Asia/Shanghai on which a transaction counts; amounts in major units, exact to the minor unit.
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Literal

from services.billing.domain.ledger import Transaction
from services.shared.kernel.money import EXPONENTS
from services.shared.kernel.times import business_date, rfc3339

JournalFormat = Literal["csv", "beancount"]

COLUMNS = (
    "effective_on", "effective_at", "business_at", "posted_at", "transaction_id", "key", "kind", "order_number",
    "reverses", "line", "account", "debit", "credit", "currency",
)  # fmt: skip

_ROOTS = {"A": "Assets", "L": "Liabilities", "R": "Income", "E": "Expenses", "M": "Equity:Memo"}
_ILLEGAL = re.compile(r"[^A-Za-z0-9]")


def beginning(form: JournalFormat) -> str:
    """What stands before the first transaction."""
    if form == "csv":
        return ",".join(COLUMNS) + "\r\n"
    # Accounts are opened by their first use; what does not balance to the last minor unit is an error.
    return (
        'option "title" "Yiqi"\noption "inferred_tolerance_default" "*:0"\nplugin "beancount.plugins.auto_accounts"\n\n'
    )


def rendered(form: JournalFormat, transactions: Iterable[Transaction]) -> str:
    """*transactions* in the given order."""
    return _csv(transactions) if form == "csv" else "\n".join(map(_beancount, transactions)) + "\n"


def _csv(transactions: Iterable[Transaction]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    for transaction in transactions:
        business_at = transaction.business_at
        for line, entry in enumerate(transaction.entries, start=1):
            amount = _major(entry.amount, entry.currency)
            writer.writerow(
                (
                    business_date(transaction.effective_at),
                    rfc3339(transaction.effective_at),
                    rfc3339(business_at) if business_at is not None else "",
                    rfc3339(transaction.posted_at),
                    transaction.transaction_id,
                    transaction.key,
                    transaction.kind,
                    transaction.order_number,
                    transaction.reverses or "",
                    line,
                    entry.account,
                    amount if entry.side == "D" else "",
                    amount if entry.side == "C" else "",
                    entry.currency,
                )
            )
    return out.getvalue()


def _beancount(transaction: Transaction) -> str:
    lines = [
        f"{business_date(transaction.effective_at)} * {_quoted(transaction.kind)} {_quoted(transaction.order_number)}",
        f"  key: {_quoted(transaction.key)}",
        f"  transaction: {_quoted(str(transaction.transaction_id))}",
    ]
    if transaction.business_at is not None:
        lines.append(f"  business: {business_date(transaction.business_at)}")
    if transaction.reverses is not None:
        lines.append(f"  reverses: {_quoted(str(transaction.reverses))}")
    lines += [
        f"  {beancount_account(entry.account)}  {'' if entry.side == 'D' else '-'}"
        f"{_major(entry.amount, entry.currency)} {entry.currency}"
        for entry in transaction.entries
    ]
    return "\n".join(lines) + "\n"


def beancount_account(account: str) -> str:
    """`L:vat:output` → `Liabilities:Vat:Output`: each part begins with a capital or a digit."""
    root, _, rest = account.partition(":")
    parts = [_ILLEGAL.sub("-", part) for part in rest.split(":")]
    return ":".join([_ROOTS[root], *(part[:1].upper() + part[1:] for part in parts)])


def _major(amount: int, currency: str) -> str:
    exponent = EXPONENTS[currency]
    major, minor = divmod(amount, 10**exponent)
    return f"{major}.{minor:0{exponent}d}" if exponent else str(major)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
