"""The files that order the bank to pay, against the published schemas; and the bank's answers to them."""

import csv
import io
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from lxml import etree

from services.billing.adapters.bank_files import Debtor, bank_order
from services.billing.adapters.bank_status_xml import read_pain_002
from services.billing.domain.bank_order import PaymentStatus, StatusReport, StatusReportUnreadable
from tests.kit.fakes_billing import OWN_ACCOUNT, cny

DEBTOR = Debtor("示例科学仪器服务有限公司", "91110000MA0DEMO00X", "示例公司", OWN_ACCOUNT, "示例银行", "102100099996")
P1 = {
    "number": "PO-2026-000001", "amount": 95_400, "bank_name": "中国银行青城支行",
    "account_name": "青城材料测试中心", "account_number": "6217000000008810",
}  # fmt: skip
P2 = {**P1, "number": "PO-2026-000002", "amount": 5, "account_name": "合肥 & <站>" + "长" * 150}


def file_of(kind: str, debtor: Debtor = DEBTOR, **changes: Any) -> bytes:
    payload = {
        "bank_order_id": "0", "number": "BO-2026-000001", "format": kind, "currency": "CNY",
        "ordered_at": "2026-12-01T17:30:00.123456+00:00", "payments": [P1, P2], **changes,
    }  # fmt: skip
    body, _, _ = bank_order(payload, debtor)
    return body


@pytest.mark.parametrize("version", ["pain.001.001.03", "pain.001.001.09"])
@pytest.mark.parametrize("clearing_code", ["102100099996", ""])
def test_the_published_schema_allows_it(version: str, clearing_code: str) -> None:
    """Chinese names, accounts without IBAN, with and without the bank's number; too long names are cut."""
    schema = etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / f"{version}.xsd").read_bytes()))
    debtor = replace(DEBTOR, clearing_code=clearing_code)
    root = etree.fromstring(file_of(version, debtor))
    schema.assertValid(root)
    assert [each.text for each in root.iterfind(".//{*}InstdAmt")] == ["954.00", "0.05"]
    assert [each.text for each in root.iterfind(".//{*}CtrlSum")] == ["954.05", "954.05"]
    assert [each.text for each in root.iterfind(".//{*}EndToEndId")] == ["PO-2026-000001", "PO-2026-000002"]
    assert root.findtext(".//{*}MsgId") == "BO-2026-000001"
    # 01:30 of the next day in Shanghai
    assert "".join(root.find(".//{*}ReqdExctnDt").itertext()).strip() == "2026-12-02"


def test_accounts_as_people_write_them() -> None:
    """In groups: the bank gets them bare, an IBAN as an IBAN."""
    schema = etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / "pain.001.001.09.xsd").read_bytes()))
    written = replace(DEBTOR, account_number="DE89 3704 0044 0532 0130 00")
    root = etree.fromstring(file_of("pain.001.001.09", written))
    schema.assertValid(root)
    assert root.findtext(".//{*}DbtrAcct/{*}Id/{*}IBAN") == "DE89370400440532013000"
    grouped = etree.fromstring(file_of("pain.001.001.09", replace(DEBTOR, account_number="6222-0000 0000")))
    assert grouped.findtext(".//{*}DbtrAcct/{*}Id/{*}Othr/{*}Id") == "622200000000"


def test_yen_have_no_decimals() -> None:
    """An amount is in the currency's own units."""
    root = etree.fromstring(file_of("pain.001.001.09", currency="JPY"))
    assert [each.text for each in root.iterfind(".//{*}InstdAmt")] == ["95400", "5"]


def test_csv_has_a_row_each() -> None:
    """For banks that read no ISO 20022."""
    rows = list(csv.reader(io.StringIO(file_of("csv").decode())))
    assert [row[1] for row in rows[1:]] == ["954.00", "0.05"]
    assert rows[1][3:] == ["示例公司", OWN_ACCOUNT, "示例银行", "青城材料测试中心", "6217000000008810",
                           "中国银行青城支行", "PO-2026-000001"]  # fmt: skip


def report(*statuses: str, group: str = "<GrpSts>PART</GrpSts>", batch: str = "", version: str = "10") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}"><CstmrPmtStsRpt>
<GrpHdr><MsgId>S1</MsgId><CreDtTm>2026-12-01T10:00:00</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>BO-2026-000001</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>
{group}</OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>BO-2026-000001</OrgnlPmtInfId>{batch}{"".join(statuses)}</OrgnlPmtInfAndSts>
</CstmrPmtStsRpt></Document>""".encode()


def status(number: str, code: str, *, reason: str = "", amount: str = "") -> str:
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>账户已销户</AddtlInf></StsRsnInf>" if reason else ""
    told = f'<OrgnlTxRef><Amt><InstdAmt Ccy="CNY">{amount}</InstdAmt></Amt></OrgnlTxRef>' if amount else ""
    return f"<TxInfAndSts><OrgnlEndToEndId>{number}</OrgnlEndToEndId><TxSts>{code}</TxSts>{why}{told}</TxInfAndSts>"


@pytest.mark.parametrize("version", ["03", "10", "14"])
def test_an_answer_is_read_in_any_version(version: str) -> None:
    """Each payment with the bank's code, reason and amount; what it says of the file last."""
    body = report(
        status("PO-2026-000001", "ACCP"), status("PO-2026-000002", "RJCT", reason="AC04", amount="0.05"),
        version=version,
    )  # fmt: skip
    assert read_pain_002(body) == StatusReport(
        "BO-2026-000001",
        (
            PaymentStatus("PO-2026-000001", "ACCP", "ACCP"),
            PaymentStatus("PO-2026-000002", "RJCT", "AC04 账户已销户", cny(5)),
            PaymentStatus("", "PART", "PART"),
        ),
    )


def test_the_batch_goes_before_the_file() -> None:
    """A file that is partly accepted may say so of its only batch in a word of its own."""
    batch = "<PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Prtry>X1</Prtry></Rsn></StsRsnInf>"
    assert read_pain_002(report(batch=batch)).statuses == (PaymentStatus("", "RJCT", "X1"),)
    assert read_pain_002(report(group="")).statuses == ()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "xml"),
        (b"<a>", "xml"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "doctype"),
        (b"<Document/>", "Document"),
        (report().replace(b"pain.002", b"camt.053"), "Document"),
        (report().replace(b"OrgnlGrpInfAndSts", b"Other"), "OrgnlGrpInfAndSts"),
        (report(status("", "RJCT")), "TxInfAndSts"),
        (report(status("PO-2026-000001", "")), "TxInfAndSts"),
        (report(status("PO-2026-000001", "ACCP"), status("PO-2026-000001", "RJCT")), "TxInfAndSts"),
        (report(status("PO-2026-000001", "no")), "TxSts"),
        (report(status("PO-2026-000001", "RJCT", amount="0.055")), "Amt"),
        (report(status("PO-2026-000001", "RJCT", amount="-1")), "Amt"),
    ],
)
def test_rubbish_is_refused_with_its_place(body: bytes, problem: str) -> None:
    """Nothing of it is taken, and who reads it is told where it is wrong."""
    with pytest.raises(StatusReportUnreadable) as refused:
        read_pain_002(body)
    assert refused.value.facts["problem"] == problem
    assert refused.value.facts["line"]
