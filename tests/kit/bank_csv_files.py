"""CSV as three kinds of Chinese banks write it, and the maps that read it."""

from typing import Any

from services.billing.domain.bank_csv import CsvMap
from tests.kit.fakes_billing import OWN_ACCOUNT

TWO_COLUMNS = CsvMap(
    encoding="gb18030", delimiter=",", serial_number="交易流水号", day="交易时间",
    debit="借方发生额", credit="贷方发生额", balance="余额",
    own_account="本方账号", counterparty="对方户名", counterparty_account="对方账号",
    remittance=("摘要", "附言"), footer_words=("合计", "总笔数"), footer_required=True,
)  # fmt: skip
SIGNED = CsvMap(
    encoding="utf-8", delimiter=",", serial_number="流水号", day="交易日期", time="交易时间", amount="交易金额",
    currency="币种", counterparty="收/付方名称", counterparty_account="收/付方账号", remittance=("用途",),
)  # fmt: skip
BY_LETTER = CsvMap(
    encoding="gb18030", delimiter="\t", day="日期", amount="金额", direction="借贷", words_in=("贷", "C"),
    words_out=("借", "D"), balance="余额", counterparty="对方名称", remittance=("摘要",),
)  # fmt: skip


def two_columns(
    *rows: tuple[str, str, str, str, str], footer: str = "合计,,,,,,,,", account: str = OWN_ACCOUNT
) -> bytes:
    """Rows of (serial number, debit, credit, balance, remittance): a letter-head above, totals below, in GB18030."""
    lines = ["示例银行企业网银交易明细,,,,,,,,", f"账号：{account},,,,,,,,", ""]
    lines.append("交易流水号,交易时间,本方账号,借方发生额,贷方发生额,余额,对方账号,对方户名,摘要,附言")
    lines += [
        f'="{serial}",2026-11-23 10:20:30,"{account}\t","{debit}","{credit}","{balance}",="6217000000008810",'
        f"某公司,转账,{text}"
        for serial, debit, credit, balance, text in rows
    ]
    return "\r\n".join([*lines, footer, ""]).encode("gb18030")


def signed(*rows: tuple[str, str, str], day: str = "20261123", currency: str = "人民币") -> bytes:
    """Rows of (serial number, signed amount, remittance) in UTF-8 with a byte order mark."""
    lines = ["流水号,交易日期,交易时间,币种,交易金额,收/付方账号,收/付方名称,用途"]
    lines += [
        f"{serial},{day},102030,{currency},{amount},6217000000008810,某公司,{text}" for serial, amount, text in rows
    ]
    return ("\ufeff" + "\n".join(lines)).encode()


def by_letter(*rows: tuple[str, str, str, str]) -> bytes:
    """Rows of (direction, amount, balance, remittance), no serial number, in GB18030 with tabs."""
    lines = ["日期\t借贷\t金额\t余额\t对方名称\t摘要"]
    lines += [f"2026年11月23日\t{way}\t{amount}\t{balance}\t某公司\t{text}" for way, amount, balance, text in rows]
    return "\n".join(lines).encode("gb18030")


def columns(csv_map: CsvMap) -> dict[str, Any]:
    """The map as a message takes it."""
    return {name: getattr(csv_map, name) for name in csv_map.__slots__}
