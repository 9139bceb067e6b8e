"""Invoices that the document tests print and check."""

from datetime import UTC, date, datetime
from decimal import Decimal

from services.invoicing.adapters.invoice_document import (
    Discount,
    Invoice,
    Line,
    Party,
    PaymentMeans,
    Preceding,
    Vat,
    VatSubtotal,
)
from services.shared.kernel.money import Money
from services.shared.kernel.rate import share

SIX = Vat("S", 600)
THIRTEEN = Vat("S", 1300)
EXEMPT = Vat("E", 0, "技术开发合同免征增值税 Registered technology development, exempt from VAT")

SELLER = Party(
    name="西部科仪共享（重庆）科技服务有限公司",
    registration="91500103MA60ABCD7X",
    address="大坪正街19号",
    city="重庆",
    country="CN",
    postcode="400042",
    contact="财务部 Accounts",
    phone="+86 23 6866 1200",
    email="invoice@yiqi.example",
)
BUYER = Party(
    name="重庆两江新区海纳新材料科技股份有限公司（国家级专精特新“小巨人”企业）",
    registration="91500000MA5U6K3X2L",
    address="水土高新技术产业园云汉大道117号科技研发中心3号楼1204室",
    city="重庆",
    country="CN",
    postcode="400714",
)

_NAMES = (
    "SEM–EDS 扫描电镜能谱面扫",
    "XPS 全谱与窄谱（±0.1 eV）",
    "ICP-MS 痕量 As、Cd、Pb，≤ 0.01 μg/L",
    "样品制备 Preparation",
)


def a_line(index: int, net: int, vat: Vat = SIX, *, discount: int = 0, currency: str = "CNY") -> Line:
    return Line(
        name=_NAMES[index % 4],
        quantity=Decimal(1),
        unit_code="C62",
        unit="项 / item",
        unit_price=Money(net + discount, currency),
        discount=Money(discount, currency),
        net=Money(net, currency),
        vat=vat,
        order_number=f"OR-2026-{index + 123:06d}",
    )


def an_invoice(
    lines: tuple[Line, ...],
    *,
    discounts: tuple[Discount, ...] = (),
    taxes: dict[Vat, int] | None = None,
    paid: int = 0,
    rounding: int = 0,
    credit: bool = False,
) -> Invoice:
    """An invoice over *lines*; taxes are computed from the sums unless given (minor units)."""
    currency = lines[0].net.currency
    taxable: dict[Vat, int] = {}
    for line in lines:
        taxable[line.vat] = taxable.get(line.vat, 0) + line.net.amount
    for each in discounts:
        taxable[each.vat] -= each.amount.amount
    return Invoice(
        number="CN-2026-000009" if credit else "INV-2026-000321",
        issued_on=date(2026, 11, 23),
        issued_at=datetime(2026, 11, 23, 6, 51, 33, tzinfo=UTC),
        due_on=None if credit else date(2026, 12, 23),
        seller=SELLER,
        buyer=BUYER,
        lines=lines,
        vat_subtotals=tuple(
            VatSubtotal(
                vat,
                Money(amount, currency),
                Money((taxes or {}).get(vat, share(amount, vat.rate_bps)), currency),
            )
            for vat, amount in taxable.items()
        ),
        payment=PaymentMeans(
            "30",
            reference="YQ-000321",
            account="1239065188101010",
            account_name=SELLER.name,
            bank="招商银行重庆分行营业部 CMBCCNBS",
        ),
        paid=Money(paid, currency),
        rounding=Money(rounding, currency),
        delivered_on=date(2026, 11, 20),
        discounts=discounts,
        credits=Preceding("INV-2026-000321", date(2026, 11, 23)) if credit else None,
        credit_reason="服务中止，部分退款 Service stopped, partial refund" if credit else "",
        red_form_number="5000112611000123" if credit else "",
        contract_number="HT-2026-000456",
        order_number="OR-2026-000123",
        payment_terms="自开票之日起 30 日内付款。 Payable within 30 days.",
    )
