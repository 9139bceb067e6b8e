"""
Bank statements as camt.053 (ISO 20022), whatever their version: what we read is named alike in all of them.

Nothing outside the file is ever read, and a file that declares a document type or entities is refused before
any is expanded.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from services.billing.domain.bank_statement import (
    LINES_MAX,
    TEXT_CHARS_MAX,
    BankLine,
    LineContradicts,
    StatementFile,
    StatementUnreadable,
)
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import EXPONENTS, Money, MoneyInvalid
from services.shared.kernel.times import BUSINESS_ZONE

_REFERENCE_CHARS_MAX = 64
# Digits behind the currency's own are printed by some banks; they count only as zeros.
_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{0,5}))?", re.ASCII)
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
_TEXTS = ("{*}RmtInf/{*}Ustrd", "{*}RmtInf/{*}Strd/{*}CdtrRefInf/{*}Ref", "{*}Refs/{*}EndToEndId")


@dataclass(frozen=True, slots=True)
class _Moved:
    """*signed*: minor units of *currency*, above zero when money came in."""

    signed: int
    currency: str

    @property
    def direction(self) -> Literal["in", "out"]:
        return "in" if self.signed > 0 else "out"


def read_camt053(account: str, content: bytes) -> StatementFile:
    """
    The booked lines of a statement of *account*; an identity that stands in it twice refuses it.

    A line's identity is the bank's own reference of the entry, with a number behind it when the entry is of several
    transactions. Where the bank gives none it is made of what the line says and its number among those of the
    day that say the same. A date without a time is midnight in the business zone, and so is a time without a zone.

    Raises:
        StatementUnreadable: Facts name the line of the file and the element, or what else is wrong.
        LineContradicts: One reference stands for different things.

    Source: ISO 20022 camt.053.001.02 to .08, BankToCustomerStatement.
    """
    root = _root(content)
    statements = root.findall("{*}BkToCstmrStmt/{*}Stmt")
    if not statements:
        raise _refusal(root, "Stmt")
    found: dict[str, BankLine] = {}
    derived: Counter[str] = Counter()
    not_booked = 0
    for statement in statements:
        if _text(statement, "{*}Acct/{*}Id/{*}IBAN", "{*}Acct/{*}Id/{*}Othr/{*}Id") != account:
            raise _refusal(statement, "Acct")
        entries = statement.findall("{*}Ntry")
        booked = [entry for entry in entries if _booked(entry)]
        not_booked += len(entries) - len(booked)
        _check_balance(statement, [_moved(entry) for entry in booked])
        for entry, line in ((each, line) for each in booked for line in _lines(account, each, derived)):
            earlier = found.setdefault(line.serial_number, line)
            if not earlier.says_the_same(line):
                raise LineContradicts(serial_number=line.serial_number)
            if earlier is not line:
                # One line told twice, or two lines of one reference: a person must ask the bank which.
                raise _refusal(entry, "AcctSvcrRef")
        if len(found) > LINES_MAX:
            raise _refusal(statement, "too_many_lines")
    return StatementFile(lines=list(found.values()), not_booked=not_booked)


def _root(content: bytes) -> Any:
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
    if not re.fullmatch(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.[0-9]{2}\}Document", str(root.tag)):
        raise _refusal(root, "Document")
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
    currency = str(amount.get("Ccy"))
    exponent = EXPONENTS.get(currency)
    found = _AMOUNT.fullmatch((amount.text or "").strip())
    if exponent is None:
        raise _refusal(amount, "currency")
    if found is None or (found[2] or "")[exponent:].strip("0"):
        raise _refusal(amount, "Amt")
    minor = int(found[1] + (found[2] or "")[:exponent].ljust(exponent, "0"))
    try:
        Money(minor, currency)
    except MoneyInvalid:
        raise _refusal(amount, "Amt") from None
    direction = _text(element, "{*}CdtDbtInd") or unless_said
    if direction not in {"CRDT", "DBIT"}:
        raise _refusal(element, "CdtDbtInd")
    return _Moved(minor if direction == "CRDT" else -minor, currency)


def _check_balance(statement: Any, moved: list[_Moved]) -> None:
    """Opening and what was booked make closing, where the statement states both, each once, in one currency."""
    balances = statement.findall("{*}Bal")
    kinds = [_text(balance, "{*}Tp/{*}CdOrPrtry/{*}Cd", "{*}Tp/{*}Cd") for balance in balances]
    opening = [balance for balance, kind in zip(balances, kinds, strict=True) if kind in _OPENING]
    closing = [balance for balance, kind in zip(balances, kinds, strict=True) if kind in _CLOSING]
    if len(opening) != 1 or len(closing) != 1:
        return
    # Statements that keep several currencies state balances that cannot be set beside each other.
    if len({amount.get("Ccy") for balance in (opening[0], closing[0]) for amount in balance.findall("{*}Amt")}) > 1:
        return
    first, last = _moved(opening[0]), _moved(closing[0])
    if any(each.currency != first.currency for each in moved):
        raise _refusal(closing[0], "currency")
    if first.signed + sum(each.signed for each in moved) != last.signed:
        raise _refusal(closing[0], "balance")


def _booked(entry: Any) -> bool:
    status = _text(entry, "{*}Sts/{*}Cd", "{*}Sts")
    if status not in {"BOOK", "PDNG", "INFO", "FUTR"}:
        raise _refusal(entry, "Sts")
    return status == "BOOK"


def _lines(account: str, entry: Any, derived: Counter[str]) -> Iterator[BankLine]:
    whole = _moved(entry)
    if whole.signed == 0:
        return
    transactions = entry.findall("{*}NtryDtls/{*}TxDtls") or entry.findall("{*}TxDtls")
    parts = _parts(whole, transactions)
    for number, (moved, told) in enumerate(parts, start=1):
        line = _line(account, entry, moved, told)
        reference = _text(entry, "{*}AcctSvcrRef")
        if len(reference) > _REFERENCE_CHARS_MAX:
            raise _refusal(entry, "AcctSvcrRef")
        if reference and len(parts) > 1:
            reference = f"{reference}/{number}"
        serial = reference or _derived(line, entry, derived)
        yield replace(line, serial_number=serial, bank_line_id=derived_id("bank_line", account, serial))


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
        held=_held(entry, told),
    )


def _held(entry: Any, told: list[Any]) -> str:
    if _text(entry, "{*}RvslInd") in {"true", "1"}:
        return "reversal"
    # Several transactions in one line: no reference among their texts says what the whole of it is for.
    return "batch" if len(told) > 1 else ""


def _cut(texts: dict[str, None]) -> str:
    return "; ".join(text for text in texts if text)[:TEXT_CHARS_MAX]


def _booked_at(entry: Any) -> datetime:
    day = _text(entry, "{*}BookgDt/{*}DtTm", "{*}BookgDt/{*}Dt", "{*}ValDt/{*}DtTm", "{*}ValDt/{*}Dt")
    try:
        booked_at = datetime.fromisoformat(day)
    except ValueError:
        raise _refusal(entry, "BookgDt") from None
    if booked_at.tzinfo is None:
        return booked_at.replace(tzinfo=BUSINESS_ZONE)
    return booked_at


def _derived(line: BankLine, entry: Any, seen: Counter[str]) -> str:
    said = (line.booked_at.isoformat(), line.direction, str(line.amount), line.currency, line.counterparty)
    value_day = _text(entry, "{*}ValDt/{*}Dt", "{*}ValDt/{*}DtTm")
    digest = sha256("\x00".join((*said, line.remittance, value_day)).encode()).hexdigest()[:32]
    seen[digest] += 1
    return f"~{digest}-{seen[digest]}"
