"""CSV as banks write it: by a declared map, exactly, whole or not at all."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from services.billing.domain.bank_csv import (
    CsvMap,
    CsvMapExists,
    CsvMapInvalid,
    CsvMapMissing,
    read_bank_csv,
    try_bank_csv,
)
from services.billing.domain.bank_statement import StatementFile, StatementUnreadable, UnknownAccount
from services.billing.domain.ledger import BANK
from services.billing.use_cases.bank_csv import declare_bank_csv_map, preview_bank_csv
from services.billing.use_cases.bank_statement import import_bank_file
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed
from services.shared.messages.billing.bank_csv import (
    BankCsvMapView,
    BankCsvPreview,
    CsvColumns,
    DeclareBankCsvMap,
    PreviewBankCsv,
)
from services.shared.messages.billing.bank_statement import BankStatementView, ImportBankFile
from tests.kit.bank_csv_files import BY_LETTER, SIGNED, TWO_COLUMNS, by_letter, columns, signed, two_columns
from tests.kit.bank_statement_files import camt053, entry
from tests.kit.fakes_billing import DISPUTE_OPERATOR, FINANCE, NOW, OWN_ACCOUNT, FakeBillingUnitOfWork
from tests.unit.billing.test_bank_xml import taken

ROWS = (("9007", "", "1,060.00", "2,060.00", "YQ1"), ("9008", "60.00", "", "2,000.00", "手续费"))


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def declared(
    uow: FakeBillingUnitOfWork, csv_map: CsvMap, sample: bytes, *, days: int = 0, actor: Actor = FINANCE,
    account: str = OWN_ACCOUNT,
) -> BankCsvMapView:  # fmt: skip
    command = DeclareBankCsvMap(
        account=account,
        valid_from=NOW + timedelta(days=days),
        name="示例银行网银",
        columns=CsvColumns.model_validate(columns(csv_map)),
        sample=encoded(sample),
    )
    return declare_bank_csv_map(command, actor=actor, uow=uow, now=NOW, own_account=OWN_ACCOUNT)


def previewed(csv_map: CsvMap, content: bytes, actor: Actor = FINANCE) -> BankCsvPreview:
    wanted = PreviewBankCsv(
        account=OWN_ACCOUNT, columns=CsvColumns.model_validate(columns(csv_map)), content=encoded(content)
    )
    return preview_bank_csv(wanted, actor=actor, uow=FakeBillingUnitOfWork(), now=NOW, own_account=OWN_ACCOUNT)


def refused(csv_map: CsvMap, content: bytes) -> tuple[object, object, object]:
    with pytest.raises(StatementUnreadable) as found:
        read_bank_csv(OWN_ACCOUNT, content, csv_map)
    facts = found.value.facts
    return facts["line"], facts["column"], facts["problem"]


def test_debit_and_credit_columns() -> None:
    """Letter-head, wrapped numbers, thousands, totals below, GB18030: what came in and what went out."""
    lines = read_bank_csv(OWN_ACCOUNT, two_columns(*ROWS), TWO_COLUMNS).lines
    assert [(line.serial_number, line.direction, line.amount) for line in lines] == [
        ("9007", "in", 106_000), ("9008", "out", 6_000),
    ]  # fmt: skip
    assert lines[0].booked_at.isoformat() == "2026-11-23T10:20:30+08:00"
    assert (lines[0].counterparty, lines[0].counterparty_account) == ("某公司", "6217000000008810")
    assert lines[0].remittance == "转账; YQ1"


def test_signed_amount() -> None:
    """A minus went out; day and time in two columns; the currency in Chinese; full-width digits are digits."""
    lines = read_bank_csv(
        OWN_ACCOUNT, signed(("1", "1060.00", "a"), ("2", "-5", "b"), ("3", "１２.５０", "c")), SIGNED
    ).lines
    assert [(line.direction, line.amount, line.currency) for line in lines] == [
        ("in", 106_000, "CNY"), ("out", 500, "CNY"), ("in", 1_250, "CNY"),
    ]  # fmt: skip
    assert lines[0].booked_at.isoformat() == "2026-11-23T10:20:30+08:00"


def test_direction_column_and_no_serial_number() -> None:
    """借 went out, 贷 came in; sorted either way; a line is known again by its balance in an overlapping download."""
    rows = [("贷", "10.00", "110.00", "a"), ("借", "3.00", "107.00", "b"), ("贷", "10.00", "117.00", "a")]
    upwards = read_bank_csv(OWN_ACCOUNT, by_letter(*rows), BY_LETTER).lines
    downwards = read_bank_csv(OWN_ACCOUNT, by_letter(*reversed(rows)), BY_LETTER).lines
    assert [(line.direction, line.amount) for line in upwards] == [("in", 1_000), ("out", 300), ("in", 1_000)]
    assert [line.serial_number for line in reversed(downwards)] == [line.serial_number for line in upwards]
    assert len({line.serial_number for line in upwards}) == 3
    assert try_bank_csv(OWN_ACCOUNT, by_letter(*rows[1:]), BY_LETTER).lines[0].serial_number == upwards[1].serial_number


def test_a_negative_debit_is_a_reversal() -> None:
    """红字: what a column takes back goes the other way and matches nothing by itself."""
    (line,) = read_bank_csv(OWN_ACCOUNT, two_columns(("1", "-5.00", "", "5.00", "")), TWO_COLUMNS).lines
    assert (line.direction, line.amount, line.held) == ("in", 500, "reversal")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((("6.22E+18", "", "1.00", "1.00", ""),), (5, "交易流水号", "mangled_number")),
        ((("6 22", "", "1.00", "1.00", ""),), (5, "交易流水号", "serial_number")),
        ((("1", "", "1.00", "1.00", ""), ("1", "", "2.00", "3.00", "")), (6, "交易流水号", "serial_number_twice")),
        ((("1", "1.00", "1.00", "1.00", ""),), (5, "借方发生额", "both_sides")),
        ((("1", "", "", "1.00", ""),), (5, "借方发生额", "amount")),
        ((("1", "", "1,06.00", "1.00", ""),), (5, "贷方发生额", "amount")),
        ((("1", "", "1e3", "1.00", ""),), (5, "贷方发生额", "amount")),
        ((("1", "", "٣", "1.00", ""),), (5, "贷方发生额", "amount")),
        ((("1", "", "1.001", "1.00", ""),), (5, "贷方发生额", "amount")),
        ((("1", "", "1.00", "x", ""),), (5, "余额", "amount")),
        ((("1", "", "1.00", "1.00", ""), ("2", "", "1.00", "3.00", "")), (6, "余额", "balance")),
        ((("1", "", "1.00", "1.00", "a,b"),), (5, "", "columns")),
    ],
)
def test_a_line_that_cannot_be_read_refuses_all(
    rows: tuple[tuple[str, str, str, str, str], ...], expected: tuple[object, object, object]
) -> None:
    """The refusal names line, column and problem."""
    assert refused(TWO_COLUMNS, two_columns(*rows)) == expected


@pytest.mark.parametrize("day", ["", "20261323", "2026-02-30", "23.11.2026", "2026-11-23T25:00", "45984", "now"])
def test_no_day(day: str) -> None:
    """What is no day refuses, the number Excel makes of one too."""
    assert refused(SIGNED, signed(("1", "1.00", ""), day=day)) == (2, "交易日期", "date")


WHOLE = two_columns(*ROWS)


@pytest.mark.parametrize(
    ("csv_map", "content", "expected"),
    [
        (TWO_COLUMNS, WHOLE.replace(b"9008", b"90\x0008"), (6, "", "nul")),
        (TWO_COLUMNS, WHOLE.decode("gb18030").encode(), (1, "", "encoding")),
        (SIGNED, WHOLE, (1, "", "encoding")),
        (TWO_COLUMNS, WHOLE[: WHOLE.index(b"9008") + 30], (6, "", "csv")),
        (TWO_COLUMNS, WHOLE[: WHOLE.index(b"9008") + 26], (6, "", "columns")),
        (TWO_COLUMNS, WHOLE[: WHOLE.index("合计".encode("gb18030"))], (6, "", "cut")),
        (TWO_COLUMNS, WHOLE + b'"1",' + b'"', (8, "", "csv")),
        (TWO_COLUMNS, WHOLE + WHOLE.splitlines()[4], (8, "", "line_after_footer")),
        (TWO_COLUMNS, two_columns(*ROWS, account="62220000"), (5, "本方账号", "own_account")),
        (TWO_COLUMNS, b"", (1, "交易流水号", "header")),
        (TWO_COLUMNS, WHOLE.replace("附言".encode("gb18030"), "附注".encode("gb18030")), (8, "附言", "header")),
        (TWO_COLUMNS, WHOLE.replace("附言".encode("gb18030"), "摘要".encode("gb18030")), (8, "附言", "header")),
        (replace(TWO_COLUMNS, remittance=("摘要",)), WHOLE.replace("附言".encode("gb18030"), "摘要".encode("gb18030")),
         (4, "摘要", "column_twice")),
        (SIGNED, signed(("1", "1.00", ""), currency="XXX"), (2, "交易金额", "amount")),
        (BY_LETTER, by_letter(("付", "1.00", "1.00", "")), (2, "借贷", "direction")),
    ],
)  # fmt: skip
def test_wrong_files(csv_map: CsvMap, content: bytes, expected: tuple[object, object, object]) -> None:
    """Another bank's, another account's, cut, continued, broken: refused whole, with the place."""
    line, column, problem = refused(csv_map, content)
    assert (column, problem) == expected[1:]
    assert line == expected[0] or problem in {"header", "encoding"}


def test_preview_shows_everything_wrong() -> None:
    """Before a map is declared its first lines and all problems are shown, and nothing is stored."""
    rows = [(str(number), "" if number % 2 else "x", "1.00", f"{number}.00", "") for number in range(1, 61)]
    shown = previewed(TWO_COLUMNS, two_columns(*rows))
    assert (shown.header_line, len(shown.lines), shown.line_count, len(shown.problems)) == (4, 20, 30, 30)
    assert shown.problems[0].model_dump() == {"line": 6, "column": "借方发生额", "problem": "both_sides"}
    with pytest.raises(NotAllowed):
        previewed(TWO_COLUMNS, two_columns(*rows), actor=DISPUTE_OPERATOR)


def test_declared_maps_by_their_day() -> None:
    """A file is read by the map in force; it is declared once for an instant, with a file that it reads."""
    uow = FakeBillingUnitOfWork()
    with pytest.raises(CsvMapMissing):
        taken(uow, WHOLE)
    with pytest.raises(StatementUnreadable):
        declared(uow, TWO_COLUMNS, signed())
    declared(uow, TWO_COLUMNS, WHOLE)
    with pytest.raises(CsvMapExists):
        declared(uow, TWO_COLUMNS, WHOLE)
    declared(uow, SIGNED, signed(), days=1)
    assert taken(uow, WHOLE).suspense == 2
    command = ImportBankFile(account=OWN_ACCOUNT, content=encoded(signed(("9007", "1060.00", ""), ("7", "1.00", ""))))
    later: BankStatementView = import_bank_file(
        command, actor=FINANCE, uow=uow, now=NOW + timedelta(days=2), own_account=OWN_ACCOUNT, read=read_nothing
    )
    assert (later.suspense, later.repeated) == (1, 1)
    assert uow.ledger.balance(BANK) == -100_100


def read_nothing(account: str, content: bytes) -> StatementFile:
    raise AssertionError


def test_csv_and_camt_of_one_account() -> None:
    """The serial number of CSV is the entry reference of camt; without one, what the line says joins them."""
    uow = FakeBillingUnitOfWork()
    declared(uow, BY_LETTER, by_letter())
    taken(uow, camt053(entry("10.00", text="a", payer="某公司", reference="B1")))
    assert taken(uow, by_letter(("贷", "10.00", "10.00", "a"))).repeated == 1
    assert uow.ledger.balance(BANK) == -1_000


@pytest.mark.parametrize(
    "change",
    [
        {"debit": ""}, {"amount": "金额"}, {"direction": "借贷"}, {"serial_number": "", "balance": ""},
        {"debit": "", "credit": "", "amount": "a", "direction": "b"}, {"footer_words": ()},
        {"debit": "", "credit": "", "amount": "a", "direction": "b", "words_in": ("贷",), "words_out": ("贷",)},
    ],
)  # fmt: skip
def test_maps_that_say_too_little(change: dict[str, object]) -> None:
    """Without an amount, a direction or something to know a line again by, a map is refused."""
    with pytest.raises(CsvMapInvalid):
        declared(FakeBillingUnitOfWork(), replace(TWO_COLUMNS, **change), WHOLE)  # type: ignore[arg-type]


def test_only_finance_and_only_our_account() -> None:
    """Others are refused before anything is read, and so is another account."""
    with pytest.raises(NotAllowed):
        declared(FakeBillingUnitOfWork(), TWO_COLUMNS, WHOLE, actor=DISPUTE_OPERATOR)
    with pytest.raises(UnknownAccount):
        declared(FakeBillingUnitOfWork(), TWO_COLUMNS, WHOLE, account="1")
