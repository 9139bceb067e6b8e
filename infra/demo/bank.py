"""Statements of the company's own bank account, as finance reads them."""

import csv
import io
from collections.abc import Iterable

from infra.demo.client import Json
from infra.demo.people import Cast


def import_statement(cast: Cast, lines: Iterable[Json], *, key: str) -> Json:
    """Finance reads lines of the company's own account (*amount* in fen) out of a CSV file."""
    client = cast.operator["finance_operator"]
    account = client.get("/me")["organisation"]["bank_account"]["account_number"]
    return client.post("/bank-statements", {"account": account, "csv": statement_csv(lines)}, key=key)


def statement_csv(lines: Iterable[Json]) -> str:
    """A bank's statement as billing reads it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["serial_number", "booked_at", "direction", "amount", "currency", "counterparty", "remittance"])
    for line in lines:
        yuan, fen = divmod(line["amount"], 100)
        writer.writerow(
            [line["serial_number"], line["booked_at"], line["direction"], f"{yuan}.{fen:02d}", "CNY",
             line["counterparty"], line["remittance"]]
        )  # fmt: skip
    return out.getvalue()
