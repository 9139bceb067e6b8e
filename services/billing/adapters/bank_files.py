"""
The files that order the bank to pay: ISO 20022 pain.001, or a CSV.

Each payment stands in the statement by itself (no batch booking) under the number of its payout, which is its
end-to-end id and its remittance text: by it the bank's lines and answers find the payout again.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.shared.kernel.money import EXPONENTS
from services.shared.kernel.times import business_date

COLUMNS = (
    "number", "amount", "currency", "debtor_name", "debtor_account", "debtor_bank",
    "creditor_name", "creditor_account", "creditor_bank", "remittance",
)  # fmt: skip
NAME_CHARS_MAX = 140


@dataclass(frozen=True)
class Debtor:
    """
    Who pays, from which account.

    *clearing_code*: the bank's number in the national clearing (12 digits of CNAPS in China); may be empty.
    """

    name: str
    credit_code: str
    account_name: str
    account_number: str
    bank_name: str
    clearing_code: str


def bank_order(payload: Mapping[str, Any], debtor: Debtor) -> tuple[bytes, str, str]:
    """
    The file, its suffix and its media type.

    *payload*: as `make_bank_order` asks for it.
    """
    write, suffix, media_type = _FORMATS[payload["format"]]
    return write(payload, debtor), suffix, media_type


def _csv(payload: Mapping[str, Any], debtor: Debtor) -> bytes:
    """UTF-8, CRLF, every field quoted, amounts in major units with a point."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for payment in payload["payments"]:
        writer.writerow(
            [
                payment["number"], _major(payment["amount"], payload["currency"]), payload["currency"],
                debtor.account_name, debtor.account_number, debtor.bank_name,
                payment["account_name"], payment["account_number"], payment["bank_name"], payment["number"],
            ]
        )  # fmt: skip
    return out.getvalue().encode()


def _pain(version: str, payload: Mapping[str, Any], debtor: Debtor) -> bytes:
    """
    One batch of credit transfers; accounts by IBAN or, as in China, by their number.

    Source: ISO 20022 pain.001.001.03 and .09, CustomerCreditTransferInitiation.
    """
    from lxml import etree
    from stdnum import iban

    namespace = f"urn:iso:std:iso:20022:tech:xsd:{version}"
    root = etree.Element(f"{{{namespace}}}Document", nsmap={None: namespace})

    def put(parent: Any, path: str, text: str, **attributes: str) -> None:
        *groups, leaf = path.split("/")
        for name in groups:
            parent = etree.SubElement(parent, f"{{{namespace}}}{name}")
        etree.SubElement(parent, f"{{{namespace}}}{leaf}", attributes).text = text

    def group(parent: Any, name: str) -> Any:
        return etree.SubElement(parent, f"{{{namespace}}}{name}")

    def put_account(parent: Any, path: str, number: str) -> None:
        bare = number.replace(" ", "").replace("-", "")  # people write them in groups
        put(parent, path + ("Id/IBAN" if iban.is_valid(bare) else "Id/Othr/Id"), bare)

    ordered_at = datetime.fromisoformat(payload["ordered_at"])
    payments: Sequence[Mapping[str, Any]] = payload["payments"]
    count, total = str(len(payments)), _major(sum(each["amount"] for each in payments), payload["currency"])
    message = group(root, "CstmrCdtTrfInitn")
    header = group(message, "GrpHdr")
    put(header, "MsgId", payload["number"])
    put(header, "CreDtTm", ordered_at.isoformat(timespec="seconds"))
    put(header, "NbOfTxs", count)
    put(header, "CtrlSum", total)
    initiator = group(header, "InitgPty")
    put(initiator, "Nm", debtor.name[:NAME_CHARS_MAX])
    put(initiator, "Id/OrgId/Othr/Id", debtor.credit_code)
    batch = group(message, "PmtInf")
    put(batch, "PmtInfId", payload["number"])
    put(batch, "PmtMtd", "TRF")
    put(batch, "BtchBookg", "false")
    put(batch, "NbOfTxs", count)
    put(batch, "CtrlSum", total)
    day = "ReqdExctnDt" if version == "pain.001.001.03" else "ReqdExctnDt/Dt"
    put(batch, day, business_date(ordered_at).isoformat())
    put(batch, "Dbtr/Nm", debtor.account_name[:NAME_CHARS_MAX])
    account = group(batch, "DbtrAcct")
    put_account(account, "", debtor.account_number)
    put(account, "Ccy", payload["currency"])
    bank = group(group(batch, "DbtrAgt"), "FinInstnId")
    if debtor.clearing_code:
        put(bank, "ClrSysMmbId/MmbId", debtor.clearing_code)
    put(bank, "Nm", debtor.bank_name[:NAME_CHARS_MAX])
    for payment in payments:
        transfer = group(batch, "CdtTrfTxInf")
        names = group(transfer, "PmtId")
        put(names, "InstrId", payment["number"])
        put(names, "EndToEndId", payment["number"])
        put(transfer, "Amt/InstdAmt", _major(payment["amount"], payload["currency"]), Ccy=payload["currency"])
        if payment["bank_name"]:  # of an account that only a bank's line told, the bank itself knows it by the number
            put(transfer, "CdtrAgt/FinInstnId/Nm", payment["bank_name"][:NAME_CHARS_MAX])
        put(transfer, "Cdtr/Nm", payment["account_name"][:NAME_CHARS_MAX])
        put_account(transfer, "CdtrAcct/", payment["account_number"])
        put(transfer, "RmtInf/Ustrd", payment["number"])
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _major(amount: int, currency: str) -> str:
    exponent = EXPONENTS[currency]
    whole, minor = divmod(amount, 10**exponent)
    return f"{whole}.{minor:0{exponent}d}" if exponent else str(whole)


_FORMATS: Mapping[str, tuple[Callable[[Mapping[str, Any], Debtor], bytes], str, str]] = {
    "csv": (_csv, "csv", "text/csv"),
    "pain.001.001.03": (lambda payload, debtor: _pain("pain.001.001.03", payload, debtor), "xml", "application/xml"),
    "pain.001.001.09": (lambda payload, debtor: _pain("pain.001.001.09", payload, debtor), "xml", "application/xml"),
}
