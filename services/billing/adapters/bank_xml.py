"""
Bank statements (camt.053) and notifications of debits and credits (camt.054) of ISO 20022, whatever their
version: what we read is named alike in all of them.

Nothing outside the file is ever read, and a file that declares a document type or entities is refused before
any is expanded.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.billing.domain.bank_line import BankLine, FileKind, LineContradicts
from services.billing.domain.bank_statement import (
    LINES_MAX,
    STATED_MAX,
    TEXT_CHARS_MAX,
    StatementFile,
    StatementUnreadable,
    fingerprint_of,
    numbers_in,
)
from services.billing.domain.reconciliation import StatedBalance
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import EXPONENTS
from services.shared.kernel.times import BUSINESS_ZONE, in_calendar

_REFERENCE_CHARS_MAX = 64
# Digits behind the currency's own are printed by some banks; they count only as zeros.
_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{0,5}))?", re.ASCII)
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
_MESSAGE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:(camt\.05[34])\.001\.[0-9]{2}\}Document")
_STATEMENTS: Mapping[str, tuple[FileKind, str, str]] = {
    "camt.053": ("camt.053", "BkToCstmrStmt", "Stmt"),
    "camt.054": ("camt.054", "BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
# References that the bank or the clearing gives one transaction. What the payer gives is no identity.
_OWN_REFERENCES = (
    ("{*}Refs/{*}AcctSvcrRef", ""), ("{*}Refs/{*}UETR", "uetr:"), ("{*}Refs/{*}ClrSysRef", "clearing:"),
    ("{*}Refs/{*}TxId", "tx:"),
)  # fmt: skip
_NOT_PROVIDED = {"NOTPROVIDED", "NOT PROVIDED"}
_TEXTS = ("{*}RmtInf/{*}Ustrd", "{*}RmtInf/{*}Strd/{*}CdtrRefInf/{*}Ref", "{*}Refs/{*}EndToEndId")

# Where a bank tells the order of ours that it has booked as one line: its message id, which the batch has too.
_ORDERS = tuple(
    f"{{*}}NtryDtls/{place}{name}"
    for place in ("{*}Btch/", "{*}TxDtls/{*}Refs/")
    for name in ("{*}PmtInfId", "{*}MsgId")
)


@dataclass(frozen=True, slots=True)
class _Moved:
    """*signed*: minor units of *currency*, above zero when money came in."""

    signed: int
    currency: str

    @property
    def direction(self) -> Literal["in", "out"]:
        return "in" if self.signed > 0 else "out"


def read_camt(account: str, content: bytes) -> StatementFile:
    """
    The lines that a file tells of *account*; an identity that stands in it twice refuses it.

    A line's identity is the bank's own reference of the entry, with a number behind it when the entry is of several
    transactions; references that the bank or the clearing gives a transaction name it too. A date without a time is
    midnight in the business zone, and so is a time without a zone.

    Raises:
        StatementUnreadable: Facts name the line of the file and the element, or what else is wrong.
        LineContradicts: One reference stands for different things.

    Source: ISO 20022 camt.053.001.02 to .08, BankToCustomerStatement; camt.054, BankToCustomerDebitCreditNotification.
    """
    root, (kind, message, unit) = _root(content)
    statements = root.findall(f"{{*}}{message}/{{*}}{unit}")
    if not statements:
        raise _refusal(root, unit)
    found: dict[str, BankLine] = {}
    lines: list[BankLine] = []
    balances: list[StatedBalance] = []
    left_out = 0
    for statement in statements:
        if _text(statement, "{*}Acct/{*}Id/{*}IBAN", "{*}Acct/{*}Id/{*}Othr/{*}Id") != account:
            raise _refusal(statement, "Acct")
        entries = statement.findall("{*}Ntry")
        stated = _stated(statement, [_moved(entry) for entry in entries if _status(entry) == "BOOK"])
        if stated is not None and kind == "camt.053":
            balances.append(stated)
        for entry in entries:
            told = list(_lines(account, entry))
            left_out += not told
            lines += told
            for line in told:
                _check_once(line, found, entry)
        if len(lines) > LINES_MAX:
            raise _refusal(statement, "too_many_lines")
    _drop_shared_references(lines)
    return StatementFile(kind, lines, left_out, tuple(balances))


def _check_once(line: BankLine, found: dict[str, BankLine], entry: Any) -> None:
    earlier = found.setdefault(line.serial_number, line) if line.serial_number else line
    if earlier is line:
        return
    if not earlier.says_the_same(line):
        raise LineContradicts(serial_number=line.serial_number)
    # One line told twice, or two lines of one reference: a person must ask the bank which.
    raise _refusal(entry, "AcctSvcrRef")


def _drop_shared_references(lines: list[BankLine]) -> None:
    """Some banks give all transactions of a batch one reference: it names none of them."""
    times = Counter(reference for line in lines for reference in {line.serial_number, *line.references})
    for line in lines:
        line.references = tuple(reference for reference in line.references if times[reference] == 1)


def _root(content: bytes) -> tuple[Any, tuple[FileKind, str, str]]:
    root = parse_xml(content)
    message = _MESSAGE.fullmatch(str(root.tag))
    if message is None:
        raise _refusal(root, "Document")
    return root, _STATEMENTS[message[1]]


def parse_xml(content: bytes) -> Any:
    """The root element of a file of the bank. Raises StatementUnreadable."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise StatementUnreadable("this is no XML", line=error.lineno or 1, problem="xml") from None
    if root.getroottree().docinfo.doctype:
        raise StatementUnreadable("a statement declares no document type", line=1, problem="doctype")
    return root


def _refusal(element: Any, problem: str) -> StatementUnreadable:
    line = int(element.sourceline or 1)
    return StatementUnreadable(f"line {line}: {problem}", line=line, problem=problem)


def _text(element: Any, *paths: str) -> str:
    """The first of *paths* that says something."""
    texts = ((element.findtext(path) or "").strip() for path in paths)
    return next((text for text in texts if text), "")


def _moved(element: Any, unless_said: str = "") -> _Moved:
    amount = element.find("{*}Amt")
    if amount is None:
        raise _refusal(element, "Amt")
    minor, currency = amount_of(amount)
    direction = _text(element, "{*}CdtDbtInd") or unless_said
    if direction not in {"CRDT", "DBIT"}:
        raise _refusal(element, "CdtDbtInd")
    return _Moved(minor if direction == "CRDT" else -minor, currency)


def amount_of(element: Any) -> tuple[int, str]:
    """Minor units and currency of an amount. Raises StatementUnreadable."""
    currency = str(element.get("Ccy"))
    exponent = EXPONENTS.get(currency)
    found = _AMOUNT.fullmatch((element.text or "").strip())
    if exponent is None:
        raise _refusal(element, "currency")
    if found is None or (found[2] or "")[exponent:].strip("0"):
        raise _refusal(element, "Amt")
    minor = int(found[1] + (found[2] or "")[:exponent].ljust(exponent, "0"))
    if minor > STATED_MAX:
        raise _refusal(element, "Amt")
    return minor, currency


def _stated(statement: Any, moved: list[_Moved]) -> StatedBalance | None:
    """
    The day's balance, where the statement states opening and closing, each once, in one currency, and for a day.

    Opening and what was booked make closing, or the file is refused.
    """
    balances = statement.findall("{*}Bal")
    kinds = [_text(balance, "{*}Tp/{*}CdOrPrtry/{*}Cd", "{*}Tp/{*}Cd") for balance in balances]
    opening = [balance for balance, kind in zip(balances, kinds, strict=True) if kind in _OPENING]
    closing = [balance for balance, kind in zip(balances, kinds, strict=True) if kind in _CLOSING]
    if len(opening) != 1 or len(closing) != 1:
        return None
    # Statements that keep several currencies state balances that cannot be set beside each other.
    if len({amount.get("Ccy") for balance in (opening[0], closing[0]) for amount in balance.findall("{*}Amt")}) > 1:
        return None
    first, last = _moved(opening[0]), _moved(closing[0])
    if any(each.currency != first.currency for each in moved):
        raise _refusal(closing[0], "currency")
    if first.signed + sum(each.signed for each in moved) != last.signed:
        raise _refusal(closing[0], "balance")
    day = _text(closing[0], "{*}Dt/{*}Dt", "{*}Dt/{*}DtTm")
    if not day:
        return None
    try:
        return StatedBalance(_instant(day).astimezone(BUSINESS_ZONE).date(), last.currency, first.signed, last.signed)
    except ValueError:
        raise _refusal(closing[0], "Dt") from None


def _instant(text: str) -> datetime:
    """Where no zone is named, that of business. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=BUSINESS_ZONE)


def _status(entry: Any) -> str:
    status = _text(entry, "{*}Sts/{*}Cd", "{*}Sts")
    if status not in {"BOOK", "PDNG", "INFO", "FUTR"}:
        raise _refusal(entry, "Sts")
    return status


def _lines(account: str, entry: Any) -> Iterator[BankLine]:
    whole, status = _moved(entry), _status(entry)
    if whole.signed == 0 or status == "INFO":
        return
    reference = _text(entry, "{*}AcctSvcrRef")
    if len(reference) > _REFERENCE_CHARS_MAX:
        raise _refusal(entry, "AcctSvcrRef")
    transactions = entry.findall("{*}NtryDtls/{*}TxDtls") or entry.findall("{*}TxDtls")
    # What is only announced stays one line: the bank says what it is made of when it books it.
    parts = _parts(whole, transactions) if status == "BOOK" else [(whole, transactions)]
    for number, (moved, told) in enumerate(parts, start=1):
        line = _line(account, entry, moved, told)
        line.entry_reference = reference
        line.state = "suspense" if status == "BOOK" else "announced"
        if reference:
            line.name(f"{reference}/{number}" if len(parts) > 1 else reference)
        line.references = _references(told)
        end_to_end = _text(told[0], "{*}Refs/{*}EndToEndId") if len(told) == 1 else ""
        line.fingerprint = fingerprint_of(line, "" if end_to_end.upper() in _NOT_PROVIDED else end_to_end)
        yield line


def _references(told: list[Any]) -> tuple[str, ...]:
    if len(told) != 1:
        return ()
    found = [f"{prefix}{text}" for path, prefix in _OWN_REFERENCES if (text := _text(told[0], path))]
    return tuple(each for each in found if len(each) <= _REFERENCE_CHARS_MAX)


def _parts(whole: _Moved, transactions: list[Any]) -> list[tuple[_Moved, list[Any]]]:
    """A batch by its transactions, if they add up to what was booked; else the entry as one, told by all of them."""
    stated = [each for each in transactions if each.find("{*}Amt") is not None]
    if len(transactions) < 2 or len(stated) < len(transactions):
        return [(whole, transactions)]
    # The first versions let a transaction go the way of its entry without saying so.
    moved = [_moved(each, "CRDT" if whole.signed > 0 else "DBIT") for each in stated]
    adds_up = all(each.signed and each.currency == whole.currency for each in moved)
    if not adds_up or sum(each.signed for each in moved) != whole.signed:
        return [(whole, transactions)]
    return [(part, [told]) for part, told in zip(moved, stated, strict=True)]


def _line(account: str, entry: Any, moved: _Moved, told: list[Any]) -> BankLine:
    party = "Dbtr" if moved.signed > 0 else "Cdtr"
    names = [_text(each, f"{{*}}RltdPties/{{*}}{party}/{{*}}Pty/{{*}}Nm", f"{{*}}RltdPties/{{*}}{party}/{{*}}Nm")
             for each in told]  # fmt: skip
    texts = [(piece.text or "").strip() for each in told for path in _TEXTS for piece in each.findall(path)]
    texts.append(_text(entry, "{*}AddtlNtryInf"))
    if moved.signed < 0 and not any(numbers_in(text, "PO") or numbers_in(text, "RF") for text in texts):
        texts += [found for path in _ORDERS if numbers_in(found := _text(entry, path), "BO")]
    return BankLine(
        bank_line_id=derived_id("bank_line", account),
        account=account,
        serial_number="",
        booked_at=_booked_at(entry),
        direction=moved.direction,
        amount=abs(moved.signed),
        currency=moved.currency,
        counterparty=_cut(dict.fromkeys(names)),
        remittance=_cut(dict.fromkeys(texts)),
        counterparty_account=_account(told, party),
        held=_held(entry, told),
    )


def _account(told: list[Any], party: str) -> str:
    paths = [f"{{*}}RltdPties/{{*}}{party}Acct/{{*}}Id/{{*}}{kind}" for kind in ("IBAN", "Othr/{*}Id")]
    return _text(told[0], *paths)[:_REFERENCE_CHARS_MAX] if len(told) == 1 else ""


def _held(entry: Any, told: list[Any]) -> str:
    if _text(entry, "{*}RvslInd") in {"true", "1"}:
        return "reversal"
    # Several transactions in one line: no reference among their texts says what the whole of it is for.
    return "batch" if len(told) > 1 else ""


def _cut(texts: dict[str, None]) -> str:
    return "; ".join(text for text in texts if text)[:TEXT_CHARS_MAX]


def _booked_at(entry: Any) -> datetime:
    day = _text(entry, "{*}BookgDt/{*}DtTm", "{*}BookgDt/{*}Dt", "{*}ValDt/{*}DtTm", "{*}ValDt/{*}Dt")
    # A notification may leave the entry's day out: it tells of what happens as it happens.
    day = day or _text(entry.getparent(), "{*}CreDtTm")
    try:
        booked_at = _instant(day)
    except ValueError:
        raise _refusal(entry, "BookgDt") from None
    if not in_calendar(booked_at):
        raise _refusal(entry, "BookgDt")
    return booked_at
