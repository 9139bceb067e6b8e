"""
Settlement statements on paper: what a provider or a station is owed for a period, and which invoice it is to send.

Amounts are `Money` (integer minor units) in one currency; refunds and claw-backs are negative lines.
Nothing is computed here but sums, and a statement whose lines do not add up is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from services.shared.chassis.document_text import capitals, day, figure, moment, percent
from services.shared.chassis.render import render
from services.shared.kernel.money import Money, total

TEMPLATES = Path(__file__).with_name("templates")


class StatementInconsistent(ValueError):
    """A statement's figures contradict each other: a bug of whoever made it."""


@dataclass(frozen=True, slots=True)
class Party:
    """
    Attributes:
        account: Bank account as it may be shown, normally masked: *•••• 8810*.
    """

    name: str
    credit_code: str
    address: str = ""
    bank: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """
    One order, one correction of an earlier one (then negative), or the fee for one that was cancelled.

    Attributes:
        entered_on: Day of acceptance or of the correction, Asia/Shanghai.
        base: Provider: net price of the accepted work. Station: the management fee of the order, or its margin.
        deducted: Provider: the fee. Station: what the company keeps of *base*.
        net: *base* - *deducted*: what the payee earns without VAT.
        vat: On *net*, zero where the payee issues an ordinary invoice.
    """

    kind: Literal["order", "refund", "correction", "cancellation_fee"]
    order_number: str
    entered_on: date
    text: str
    base: Money
    deducted: Money
    net: Money
    vat: Money
    base_of: Literal["order_net", "fee", "margin"] = "order_net"

    @property
    def due(self) -> Money:
        """*net* + *vat*."""
        return self.net + self.vat


@dataclass(frozen=True, slots=True)
class Sale:
    """
    An order that the payee sold itself, or what refunds took back of it (below zero): for information, nothing of it
    is owed.

    Attributes:
        entered_on: Day of acceptance, Asia/Shanghai.
        way: How the customer paid it.
        sold: What it was to pay, with VAT.
        split_off: What the splitting channel kept of that for the company.
        commission: What the company invoices for it, without *vat*, by *invoice_number*; empty: not issued yet.
    """

    order_number: str
    entered_on: date
    text: str
    way: Literal["agent_psp_split", "agent_bank_custody", "agent_direct"]
    sold: Money
    split_off: Money
    commission: Money
    vat: Money
    invoice_number: str
    kind: Literal["sale", "refund"] = "sale"

    @property
    def label(self) -> str:
        """How it was paid, or that it was given back."""
        return WAYS[self.way] if self.kind == "sale" else "已退款 given back"


WAYS = {
    "agent_psp_split": "渠道分账 split at source",
    "agent_bank_custody": "银行存管 by custody",
    "agent_direct": "直接收款 paid directly",
}


@dataclass(frozen=True, slots=True)
class ExpectedInvoice:
    """
    The invoice that the payee is to issue to the company before it is paid.

    Attributes:
        special: True for a special VAT invoice (专票), whose tax is paid on top.
        rate_bps: Rate on it, 600 is 6 %.
        latest_on: Day by which it should arrive; none when nothing depends on it.
    """

    special: bool
    rate_bps: int
    latest_on: date | None = None


@dataclass(frozen=True, slots=True)
class SettlementStatement:
    """
    Attributes:
        payee: Who reads and is paid; decides words and columns.
        first_on, last_on: The period, both days included, Asia/Shanghai.
        carried_over: Open balance of earlier statements; negative when the payee still owes a claw-back.
        payable_on: Earliest day of payment once the invoice is matched; the hold period is over then.
        due_on: By which day a small enterprise must be paid; none for others.
        sales: What the payee sold itself. Where *lines* come to nothing no invoice is expected.
        expected_invoice: None: nothing was performed.
    """

    number: str
    payee: Literal["provider", "station"]
    issued_at: datetime
    first_on: date
    last_on: date
    company: Party
    party: Party
    lines: tuple[StatementLine, ...]
    carried_over: Money
    expected_invoice: ExpectedInvoice | None
    payable_on: date | None = None
    due_on: date | None = None
    note: str = ""
    sales: tuple[Sale, ...] = ()

    @property
    def currency(self) -> str:
        return self.carried_over.currency

    def sum_of(self, amounts: Iterable[Money]) -> Money:
        return total(amounts, self.currency)


def base_columns(statement: SettlementStatement) -> tuple[tuple[str, str], tuple[str, str]]:
    """Heads of the columns of what a share is taken of and of what is deducted from that, in both languages."""
    if statement.payee == "provider":
        return ("订单净额", "Work, net"), ("管理费", "Fee")
    kept = ("留存", "Kept by the company")
    bases = {line.base_of for line in statement.lines}
    if bases == {"margin"}:
        return ("转售差价", "Margin"), kept
    return ("管理费或差价", "Fee or margin") if "margin" in bases else ("管理费", "Fee"), kept


def line_text(line: StatementLine) -> str:
    """What was done, and where the share is of the margin, that it is."""
    return f"{line.text} · 按转售差价 of the margin" if line.base_of == "margin" else line.text


def _bases(statement: SettlementStatement) -> list[list[str]]:
    """What the shares are taken of, summed by its kind."""
    names = {
        "order_net": ("取消费（不含增值税）", "Cancellation fees, without VAT")
        if all(line.kind == "cancellation_fee" for line in statement.lines)
        else ("验收订单金额（不含税）", "Accepted work, net"),
        "fee": ("管理费", "Management fees"),
        "margin": ("转售差价", "Resale margins"),
    }
    return [
        [*name, figure(statement.sum_of(line.base for line in statement.lines if line.base_of == base_of))]
        for base_of, name in names.items()
        if any(line.base_of == base_of for line in statement.lines)
    ]


def check_consistent(statement: SettlementStatement) -> None:
    """Raises StatementInconsistent."""
    for line in statement.lines:
        if line.base - line.deducted != line.net:
            raise StatementInconsistent(f"{line.order_number}: base less deduction is not the net amount")
        invoice = statement.expected_invoice
        if line.vat.amount and not (invoice is not None and invoice.special):
            raise StatementInconsistent(f"{line.order_number}: VAT is paid against a special invoice only")


def settlement_statement_pdf(statement: SettlementStatement) -> bytes:
    """
    Raises:
        StatementInconsistent, CurrencyMismatch, RenderFailed: A bug.
        ChildUnavailable: Try again.
    """
    check_consistent(statement)
    net = statement.sum_of(line.net for line in statement.lines)
    vat = statement.sum_of(line.vat for line in statement.lines)
    invoice = statement.expected_invoice
    payable = net + vat + statement.carried_over
    return render(
        TEMPLATES / "settlement_statement.typ",
        {
            "issued_at": statement.issued_at.isoformat(),
            "made_at": moment(statement.issued_at),
            "number": statement.number,
            "payee": statement.payee,
            "first_on": day(statement.first_on),
            "last_on": day(statement.last_on),
            "currency": statement.currency,
            "company": _party(statement.company),
            "party": _party(statement.party),
            "lines": [_line(line) for line in statement.lines],
            "sales": [_sale(sale) for sale in statement.sales],
            "sold": figure(statement.sum_of(sale.sold for sale in statement.sales)),
            "split_off": figure(statement.sum_of(sale.split_off for sale in statement.sales)),
            "commission": figure(statement.sum_of(sale.commission + sale.vat for sale in statement.sales)),
            "order_count": str(
                len({line.order_number for line in statement.lines} | {sale.order_number for sale in statement.sales})
            ),
            "bases": _bases(statement),
            "base_columns": base_columns(statement),
            "deducted": figure(-statement.sum_of(line.deducted for line in statement.lines)),
            "net": figure(net),
            "vat": figure(vat),
            "due": figure(net + vat),
            "is_owed": bool((net + vat).amount),
            "carried_over": figure(statement.carried_over) if statement.carried_over.amount else "",
            "payable": figure(payable),
            "payable_capitals": capitals(payable),
            "invoice": None
            if invoice is None
            else {
                "special": invoice.special,
                "percent": percent(invoice.rate_bps),
                "latest_on": day(invoice.latest_on),
            },
            "payable_on": day(statement.payable_on),
            "due_on": day(statement.due_on),
            "note": statement.note,
        },
        timeout_s=60,
    )


def _line(line: StatementLine) -> list[str]:
    return [
        line.kind,
        line.order_number,
        day(line.entered_on),
        line_text(line),
        figure(line.base),
        figure(-line.deducted),
        figure(line.net),
        figure(line.vat),
        figure(line.due),
    ]


def _sale(sale: Sale) -> list[str]:
    return [
        sale.order_number,
        sale.text,
        sale.label,
        day(sale.entered_on),
        figure(sale.sold),
        figure(sale.split_off),
        figure(sale.commission),
        figure(sale.vat),
        sale.invoice_number or "—",
    ]


def _party(party: Party) -> dict[str, str]:
    return {name: getattr(party, name) for name in Party.__slots__}
