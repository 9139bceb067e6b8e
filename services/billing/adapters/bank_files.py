"""The file that orders the bank to pay."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from services.shared.kernel.money import EXPONENTS

COLUMNS = (
    "number", "amount", "currency", "debtor_name", "debtor_account", "debtor_bank",
    "creditor_name", "creditor_account", "creditor_bank", "remittance",
)  # fmt: skip


def bank_order(payload: Mapping[str, Any], debtor: tuple[str, str, str]) -> bytes:
    """
    One transfer as CSV (UTF-8, CRLF, every field quoted), its amount in major units with a point.

    Args:
        payload: As `release_payout` asks for it.
        debtor: Name, number and bank of the company's own account.
    """
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerow(
        [
            payload["number"],
            _major(int(payload["amount"]), str(payload["currency"])),
            payload["currency"],
            *debtor,
            payload["account_name"],
            payload["account_number"],
            payload["bank_name"],
            # By its number the bank's statement line finds the payout again.
            payload["number"],
        ]
    )
    return out.getvalue().encode()


def _major(amount: int, currency: str) -> str:
    exponent = EXPONENTS[currency]
    whole, minor = divmod(amount, 10**exponent)
    return f"{whole}.{minor:0{exponent}d}" if exponent else str(whole)
