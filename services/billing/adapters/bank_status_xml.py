"""
What the bank answers to a bank order (pain.002 of ISO 20022), whatever its version: what we read is named alike in
all of them.
"""

import re
from typing import Any

from services.billing.adapters.bank_xml import amount_of, parse_xml
from services.billing.domain.bank_order import PaymentStatus, StatusReport, StatusReportUnreadable
from services.billing.domain.bank_statement import StatementUnreadable
from services.shared.kernel.money import Money

_MESSAGE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:pain\.002\.001\.[0-9]{2}\}Document")
_STATUS = re.compile(r"[A-Z]{4}")
_REASON_CHARS_MAX = 500


def read_pain_002(content: bytes) -> StatusReport:
    """
    What the bank says of each payment, and of all that it does not name.

    Raises:
        StatusReportUnreadable: Facts name the line of the file and the element.

    Source: ISO 20022 pain.002.001.03 to .10, CustomerPaymentStatusReport.
    """
    try:
        root = parse_xml(content)
        if _MESSAGE.fullmatch(str(root.tag)) is None:
            raise _refusal(root, "Document")
        return _report(root)
    except StatementUnreadable as unreadable:
        raise StatusReportUnreadable(str(unreadable), **unreadable.facts) from None


def _report(root: Any) -> StatusReport:
    group = root.find("{*}CstmrPmtStsRpt/{*}OrgnlGrpInfAndSts")
    if group is None:
        raise _refusal(root, "OrgnlGrpInfAndSts")
    statuses: list[PaymentStatus] = []
    # What is said of the one batch that an order has goes before what is said of its file.
    of_all = _status(group, "GrpSts")
    for batch in root.findall("{*}CstmrPmtStsRpt/{*}OrgnlPmtInfAndSts"):
        of_all = _status(batch, "PmtInfSts") or of_all
        for payment in batch.findall("{*}TxInfAndSts"):
            said = _status(payment, "TxSts")
            number = _text(payment, "{*}OrgnlEndToEndId")
            if said is None or not number or any(each.number == number for each in statuses):
                raise _refusal(payment, "TxInfAndSts")
            amount = payment.find("{*}OrgnlTxRef/{*}Amt/{*}InstdAmt")
            told = Money(*amount_of(amount)) if amount is not None else None
            statuses.append(PaymentStatus(number, *said, told))
    if of_all is not None:
        statuses.append(PaymentStatus("", *of_all))
    return StatusReport(_text(group, "{*}OrgnlMsgId"), tuple(statuses))


def _status(element: Any, name: str) -> tuple[str, str] | None:
    """Code and reason; none where the bank says nothing at this level."""
    status = _text(element, f"{{*}}{name}")
    if not status:
        return None
    if _STATUS.fullmatch(status) is None:
        raise _refusal(element, name)
    reasons = [_text(each, path) for each in element.findall("{*}StsRsnInf")
               for path in ("{*}Rsn/{*}Cd", "{*}Rsn/{*}Prtry", "{*}AddtlInf")]  # fmt: skip
    return status, (" ".join(reason for reason in reasons if reason) or status)[:_REASON_CHARS_MAX]


def _text(element: Any, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _refusal(element: Any, problem: str) -> StatusReportUnreadable:
    line = int(element.sourceline or 1)
    return StatusReportUnreadable(f"line {line}: {problem}", line=line, problem=problem)
