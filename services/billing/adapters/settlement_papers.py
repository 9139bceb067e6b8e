"""Reading what a settlement's statement says: over a connection of its own, outside any transaction of a use case."""

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, text

from services.billing.adapters.documents import ExpectedInvoice, Party, Sale, SettlementStatement, StatementLine
from services.billing.adapters.settlement_sales import sales_of
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date

_STATEMENT = text("""
SELECT s.*, o.legal_name, o.unified_social_credit_code, o.address, o.bank_name, o.account_number
FROM settlement s JOIN organisation o ON o.organisation_id = s.party_id
WHERE s.settlement_id = :settlement_id
""")
_LINES = text("""
SELECT order_number, title, base, base_of, net, tax, accepted_at, kind, corrects FROM accrual
WHERE settlement_id = :settlement_id ORDER BY accepted_at, order_id, kind, accrual_id
""")


def statement_of(connection: Connection, settlement_id: UUID, company: Party) -> SettlementStatement:
    """The statement as it is printed; what its party owed from earlier ones when it was closed is carried over."""
    row = connection.execute(_STATEMENT, {"settlement_id": settlement_id}).one()
    lines = [_line(line, row) for line in connection.execute(_LINES, {"settlement_id": settlement_id})]
    sales = [line for sale in sales_of(connection, settlement_id) for line in _sale_lines(sale)]
    # What comes to nothing has the kind of invoice that its lines had; that none is expected follows from its sum.
    awaited = row.invoice_awaited or not row.net
    return SettlementStatement(
        number=row.number,
        payee=row.party_kind,
        issued_at=row.closed_at,
        first_on=min([line.entered_on for line in lines] + [sale.entered_on for sale in sales]),
        last_on=row.until,
        company=company,
        party=Party(
            name=row.legal_name,
            credit_code=row.unified_social_credit_code,
            address=row.address,
            bank=row.bank_name,
            # The paper goes through many hands: enough to recognise the account by, not to use it.
            account=f"•••• {row.account_number[-4:]}" if row.account_number else "",
        ),
        lines=tuple(lines),
        sales=tuple(sales),
        carried_over=Money(-row.carried_over, row.currency),
        expected_invoice=ExpectedInvoice(row.special_invoice, row.tax_rate_bps) if awaited else None,
        payable_on=business_date(row.payable_from),
        due_on=row.due_on,
    )


def _sale_lines(sale: Any) -> list[Sale]:
    """The sale as it was accepted; below it what refunds took back of it, where they did."""

    def line(kind: Literal["sale", "refund"], number: str, *amounts: int) -> Sale:
        sold, split_off, commission, vat = (Money(amount, sale.currency) for amount in amounts)
        return Sale(
            order_number=sale.order_number,
            entered_on=business_date(sale.accepted_at),
            text=sale.title,
            way=sale.way,
            sold=sold,
            split_off=split_off,
            commission=commission,
            vat=vat,
            invoice_number=number,
            kind=kind,
        )

    taken = (-sale.refunded, -sale.split_returned, -sale.commission_reduced, -sale.commission_tax_reduced)
    sold = line(
        "sale", sale.invoice_number, sale.sold, sale.split_off, sale.commission, sale.commission_tax
    )  # fmt: skip
    return [sold, line("refund", "", *taken)] if any(taken) else [sold]


def _line(line: Any, settlement: Any) -> StatementLine:
    return StatementLine(
        kind="order" if line.kind == "acceptance" else line.kind,
        order_number=line.order_number,
        entered_on=business_date(line.accepted_at),
        text=f"{line.title} ← {line.corrects}" if line.corrects else line.title,
        base_of=line.base_of,
        base=Money(line.base, settlement.currency),
        deducted=Money(line.base - line.net, settlement.currency),
        net=Money(line.net, settlement.currency),
        vat=Money(line.tax, settlement.currency),
    )
