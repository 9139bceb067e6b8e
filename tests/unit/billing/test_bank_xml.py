"""Reading camt.053: exactly, whole or not at all, and nothing from outside the file."""

import base64
import os
import re
from pathlib import Path

import pytest

from services.billing.adapters.bank_xml import read_camt
from services.billing.domain.bank_line import LineContradicts
from services.billing.domain.bank_statement import StatementUnreadable
from services.billing.domain.ledger import SUSPENSE, contract
from services.billing.use_cases import order
from services.billing.use_cases.bank_statement import import_bank_file
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, Refused
from services.shared.messages.billing.bank_statement import BankStatementView, ImportBankFile
from tests.kit.bank_statement_files import batch, camt053, entry
from tests.kit.fakes_billing import (
    DISPUTE_OPERATOR,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    OWN_ACCOUNT,
    FakeBillingUnitOfWork,
    order_contracted,
)


def taken(uow: FakeBillingUnitOfWork, content: bytes, actor: Actor = FINANCE) -> BankStatementView:
    command = ImportBankFile(account=OWN_ACCOUNT, content=base64.b64encode(content).decode())
    return import_bank_file(command, actor=actor, uow=uow, now=NOW, own_account=OWN_ACCOUNT, read=read_camt)


def refused(content: bytes) -> dict[str, object]:
    with pytest.raises(StatementUnreadable) as found:
        read_camt(OWN_ACCOUNT, content)
    return dict(found.value.facts)


@pytest.mark.parametrize("version", ["01", "02", "03", "04", "06", "08"])
def test_pays_once_in_every_version(version: str) -> None:
    """The right transfer pays the order, once, however often and in however many files it comes."""
    uow = FakeBillingUnitOfWork()
    order.contracted(order_contracted(method="bank_transfer"), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    reference = uow.payments.held[payment_id_of(ORDER_ID)].reference or ""
    line = entry("1060.00", reference="B1", text=f"检测费 {reference}")
    first = taken(uow, camt053(line, version=version, closing="1060.00"))
    again = taken(uow, camt053(line, entry("5.00", reference="B2"), version=version))
    assert (first.matched, first.repeated) == (1, 0)
    assert (again.matched, again.suspense, again.repeated) == (0, 1, 1)
    assert uow.ledger.balance(contract(ORDER_ID)) == 106_000


def test_a_reversal_matches_nothing_by_itself() -> None:
    """Money that comes back is for a person to place, whatever reference it states."""
    uow = FakeBillingUnitOfWork()
    order.contracted(order_contracted(method="bank_transfer"), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    reference = uow.payments.held[payment_id_of(ORDER_ID)].reference or ""
    view = taken(uow, camt053(entry("1060.00", text=reference, reversal=True)))
    assert view.lines[0].reason == "reversal"
    assert uow.ledger.balance(SUSPENSE) == 106_000


def test_what_is_not_booked_moves_nothing() -> None:
    """Entries that are only announced are shown and move nothing, and count for no balance."""
    uow = FakeBillingUnitOfWork()
    view = taken(uow, camt053(entry("9.00", status="PDNG"), entry("1.00"), closing="1.00"))
    assert (view.not_booked, [line.state for line in view.lines]) == (1, ["announced", "suspense"])
    assert uow.ledger.balance(SUSPENSE) == 100


def test_a_day_out_of_the_calendar_is_refused() -> None:
    """In other zones it has no year: nobody could read the line again."""
    assert refused(camt053(entry("1.00", day="0001-01-01")))["problem"] == "BookgDt"


def test_batches() -> None:
    """A batch is one line a transaction if they add up, else one line; the second time the same lines."""
    summed = camt053(batch("30.00", ("10.00", "a"), ("20.00", "b"), reference="B1"))
    lines = read_camt(OWN_ACCOUNT, summed).lines
    assert [(line.serial_number, line.amount, line.remittance) for line in lines] == [
        ("B1/1", 1_000, "a"), ("B1/2", 2_000, "b"),
    ]  # fmt: skip
    (whole,) = read_camt(OWN_ACCOUNT, camt053(batch("31.00", ("10.00", "a"), ("20.00", "b"), reference="B1"))).lines
    assert (whole.serial_number, whole.amount, whole.remittance, whole.held) == ("B1", 3_100, "a; b", "batch")


def test_identical_lines_without_a_reference() -> None:
    """Two equal lines of a day are two; the same file again brings the same two."""
    content = camt053(entry("5.00"), entry("5.00"))
    uow = FakeBillingUnitOfWork()
    assert (taken(uow, content).suspense, taken(uow, content).repeated) == (2, 2)
    assert uow.ledger.balance(SUSPENSE) == 1_000


def test_amounts_and_times_are_exact() -> None:
    """Zeros behind the currency's own digits count for nothing; a day begins in the business zone."""
    lines = read_camt(OWN_ACCOUNT, camt053(entry("8.85000"), entry("500", currency="JPY"))).lines
    assert [line.amount for line in lines] == [885, 500]
    assert lines[0].booked_at.isoformat() == "2026-11-23T00:00:00+08:00"


@pytest.mark.parametrize(
    "amount", ["", "-1.00", "1e3", "1.001", "1,00", "NaN", "٣", "99999999999999", "100000000000.01", "+1"]
)
def test_no_amount_refuses_all(amount: str) -> None:
    """The refusal names the line of the file and the element."""
    facts = refused(camt053(entry("1.00"), entry(amount)))
    assert facts["problem"] == "Amt"
    assert facts["line"] == 5


def test_balance_must_follow() -> None:
    """A closing balance that does not follow from the opening one refuses the file."""
    assert refused(camt053(entry("1.00"), closing="1.01"))["problem"] == "balance"
    assert refused(camt053(entry("1", currency="JPY"), closing="1.00"))["problem"] == "currency"


def test_one_reference_for_two_things() -> None:
    """The bank's reference names one line; for two it is a contradiction."""
    with pytest.raises(LineContradicts):
        read_camt(OWN_ACCOUNT, camt053(entry("1.00", reference="B1"), entry("2.00", reference="B1")))
    twice = camt053(entry("1.00", reference="B1"), entry("1.00", reference="B1"))
    assert refused(twice) == {"line": 5, "problem": "AcctSvcrRef"}


def test_a_reference_used_again_on_another_day() -> None:
    """As much under a known reference on another day is no repetition that may be left out."""
    uow = FakeBillingUnitOfWork()
    content = camt053(entry("1.00", reference="B1"))
    taken(uow, content)
    with pytest.raises(LineContradicts):
        taken(uow, content.replace(b"2026-11-23", b"2026-11-24"))


def test_another_account_is_refused() -> None:
    """A file of somebody else's account is not booked to ours."""
    assert refused(camt053(entry("1.00"), account="6222000000000000"))["problem"] == "Acct"


LAUGHS = "".join("<!ENTITY l{} '{}'>".format(n, f"&l{n - 1};" * 10) for n in range(1, 10))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "xml"),
        (b"\x00\x01\x02", "xml"),
        (os.urandom(1_000), "xml"),
        (camt053(entry("1.00"))[:-20], "xml"),
        (camt053(entry("1.00", text="\x00")), "xml"),
        (camt053(entry("1.00", text="中")).decode().encode("gb18030"), "xml"),
        (b"<a>" * 100_000, "xml"),
        (b"<Document/>", "Document"),
        (camt053().replace(b"camt.053", b"camt.052"), "Document"),
        (camt053().replace(b"camt.053", b"camt.054"), "Ntfctn"),
        (f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>'.encode(), ""),
        (b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>', "doctype"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "doctype"),
    ],
)
def test_rubbish_is_refused(content: bytes, problem: str) -> None:
    """What is no statement is refused with its line, and nothing outside it is read."""
    facts = refused(content)
    assert facts["problem"] in ({problem} if problem else {"xml", "doctype"})
    assert isinstance(facts["line"], int)


def test_only_finance_and_only_base64() -> None:
    """Others are refused before anything is decoded."""
    uow = FakeBillingUnitOfWork()
    with pytest.raises(NotAllowed):
        taken(uow, camt053(entry("1.00")), actor=DISPUTE_OPERATOR)
    command = ImportBankFile(account=OWN_ACCOUNT, content="no base64!")
    with pytest.raises(StatementUnreadable):
        import_bank_file(command, actor=FINANCE, uow=uow, now=NOW, own_account=OWN_ACCOUNT, read=read_camt)
    assert not uow.ledger.transactions


DATA = os.environ.get("YIQI_DATA_DIR", "")
FILES = sorted((Path(DATA) / "bank").glob("camt*.xml")) if DATA else []
WRONG = {
    "camt053.v2.five.decimals.xml": "balance",
    "camt053.v2.wrong.xml": "Stmt",
}


def told(content: bytes) -> object:
    """How many entries were read, or what the refusal names."""
    place = re.search(rb"<Acct>\s*<Id>.*?<(?:IBAN|Id)>([^<]+)<", content, re.DOTALL)
    try:
        read = read_camt(place[1].decode() if place else "", content)
    except Refused as error:
        return error.facts["problem"]
    return len({line.entry_reference or id(line) for line in read.lines}) + read.left_out


@pytest.mark.skipif(not FILES, reason="YIQI_DATA_DIR names no folder with bank/camt*.xml")
def test_files_of_banks() -> None:
    """Each is read whole, or refused with its place: other messages, the one wrong on purpose, sums that are none."""
    answers = {file.name: told(file.read_bytes()) for file in FILES}
    refusals = {name: answer for name, answer in answers.items() if isinstance(answer, str)}
    crowns = {name for name in answers if name.startswith("camt054")}
    assert refusals == {
        **dict.fromkeys(crowns, "currency"),
        **{name: "Document" for name in answers if name.startswith("camt052")},
        "camt053.v2.five.decimals.xml": "balance",
        "camt053.v2.wrong.xml": "Stmt",
    }
    # The samples with crowns, which no account of ours is in, are read whole once they say yuan.
    for file in FILES:
        content = file.read_bytes().replace(b'Ccy="SEK"', b'Ccy="CNY"')
        if file.name in crowns or file.name not in refusals:
            assert told(content) == len(re.findall(rb"<Ntry>", content)), file.name
