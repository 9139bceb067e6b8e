"""Settlement statements that the document tests print; figures by trade's split at 10 % and 70 %."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal

from services.billing.adapters.documents import (
    ExpectedInvoice,
    Party,
    SettlementStatement,
    StatementLine,
)
from services.shared.kernel.money import Money
from services.shared.kernel.rate import share

_TEXTS = (
    "扫描电镜与能谱 SEM–EDS",
    "X射线光电子能谱 XPS",
    "电感耦合等离子体质谱 ICP-MS（As、Cd、Pb）",
    "BET 比表面积 m²/g",
)


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


def a_line(
    index: int, payee: Literal["provider", "station"], *, kind: Literal["order", "refund"] = "order"
) -> StatementLine:
    sign = -1 if kind == "refund" else 1
    order_net = 100_000 + index * 1_234
    fee = share(order_net, 1_000)
    base, net = (order_net, order_net - fee) if payee == "provider" else (fee, share(fee, 7_000))
    return StatementLine(
        kind=kind,
        order_number=f"OR-2026-{index + 1:06d}",
        entered_on=date(2026, 10, 1) + timedelta(days=index % 31),
        text=_TEXTS[index % 4],
        base=cny(sign * base),
        deducted=cny(sign * (base - net)),
        net=cny(sign * net),
        vat=cny(sign * share(net, 600)),
        base_of="order_net" if payee == "provider" else "fee",
    )


def a_statement(
    count: int, payee: Literal["provider", "station"] = "provider", *, carried_over: int = 0
) -> SettlementStatement:
    lines = [a_line(index, payee) for index in range(count)]
    if count > 2:
        lines[2] = a_line(2, payee, kind="refund")
    return SettlementStatement(
        number="ST-2026-10-000042",
        payee=payee,
        issued_at=datetime(2026, 11, 1, 1, 0, tzinfo=UTC),
        first_on=date(2026, 10, 1),
        last_on=date(2026, 10, 31),
        company=Party("西部科仪共享（重庆）科技服务有限公司", "91500103MA60ABCD7X", "重庆市渝中区大坪正街19号"),
        party=Party(
            "四川大学分析测试中心",
            "12100000450752086R",
            "成都市武侯区望江路29号",
            "中国银行四川大学支行",
            "•••• 8810",
        ),
        lines=tuple(lines),
        carried_over=cny(carried_over),
        expected_invoice=ExpectedInvoice(special=True, rate_bps=600, latest_on=date(2026, 11, 20)),
        payable_on=date(2026, 11, 8),
    )
