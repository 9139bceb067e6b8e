"""Papers that the document tests set: plausible, with long names and the characters of the trade."""

from datetime import UTC, datetime
from decimal import Decimal

from services.orders.adapters.documents import (
    Contract,
    Figures,
    Item,
    OrderSheet,
    PackingSheet,
    Party,
    Sample,
    Settled,
    Signature,
    Terms,
)
from services.shared.kernel.money import Money

ISSUED_AT = datetime(2026, 11, 23, 6, 51, 33, tzinfo=UTC)


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


CUSTOMER = Party(
    name="重庆两江新区海纳新材料科技股份有限公司（国家级专精特新“小巨人”企业）",
    credit_code="91500000MA5U6K3X2L",
    address="重庆市两江新区水土高新技术产业园云汉大道117号科技研发中心3号楼1204室",
    contact="欧阳䶮",
    phone="+86 23 6312 8890",
    bank="中国工商银行股份有限公司重庆两江新区支行",
    account="3100 0237 1920 0123 456",
)
COMPANY = Party(
    name="西部科仪共享（重庆）科技服务有限公司",
    credit_code="91500103MA60ABCD7X",
    address="重庆市渝中区大坪正街19号",
    contact="王敏",
    phone="+86 23 6866 1200",
    bank="招商银行重庆分行营业部",
    account="1239 0651 8810 101",
)
PROVIDER = Party(
    name="四川大学分析测试中心",
    credit_code="12100000450752086R",
    address="四川省成都市武侯区望江路29号",
    contact="Dr. Jana Šimůnek",
    phone="+86 28 8541 2345",
)

_NAMES = (
    ("扫描电镜形貌与能谱面扫 SEM–EDS mapping", "GB/T 17359-2023"),
    ("X射线光电子能谱 XPS，窄谱 O 1s、Ti 2p（±0.1 eV）", "GB/T 19500-2004"),
    ("表面电阻率 Ω/□，25 ℃ ± 2 ℃，厚度 ≤ 50 μm", "GB/T 31838.2-2019"),
    ("电感耦合等离子体质谱 ICP-MS，痕量 As、Cd、Pb，检出限 0.01 μg/L", "HJ 700-2014"),
    ("比表面积 BET（m²/g）与孔径分布", "GB/T 19587-2017"),
)


def items(count: int, price: int = 120_000) -> tuple[Item, ...]:
    return tuple(
        Item(
            name=_NAMES[index % 5][0],
            method=_NAMES[index % 5][1],
            quantity=Decimal("1.5") if index % 5 == 1 else Decimal(index % 4 + 1),
            unit="小时 / h" if index % 5 == 1 else "样 / sample",
            unit_price=cny(price),
            net=cny(price * 3 // 2 if index % 5 == 1 else price * (index % 4 + 1)),
        )
        for index in range(count)
    )


def figures(lines: tuple[Item, ...], discount: int = 0) -> Figures:
    net = sum(line.net.amount for line in lines) - discount
    vat = (net * 600 + 5_000) // 10_000
    return Figures(cny(discount), cny(net), 600, cny(vat), cny(net + vat))


def settled(lines: tuple[Item, ...]) -> Settled:
    """Ten per cent fee, and 6 % on what is left."""
    net = sum(line.net.amount for line in lines)
    fee = (net * 1_000 + 5_000) // 10_000
    vat = ((net - fee) * 600 + 5_000) // 10_000
    return Settled(cny(0), cny(net), 1_000, cny(fee), cny(net - fee), 600, cny(vat), cny(net - fee + vat))


def samples(count: int) -> tuple[Sample, ...]:
    return tuple(
        Sample(
            code=f"SP-2026-000123-{index + 1:02d}",
            name="掺铌二氧化钛薄膜 Nb:TiO₂" if index % 2 else "氧化锌纳米线粉末",
            quantity="10 × 10 mm² × 3" if index % 2 else "5 g ± 0.1 g",
            handling="避光，4 ℃ 保存；含粉尘" if index % 3 == 0 else "",
            disposal="returned" if index % 2 else "destroyed",
        )
        for index in range(count)
    )


def signature(name: str) -> Signature:
    return Signature(name, "总经理 General manager", ISSUED_AT, "平台电子签名 Platform e-signature", "9f" * 32)


def contract(lines: int = 3, sample_count: int = 3, *, signed: bool = True, customer: Party = CUSTOMER) -> Contract:
    work = items(lines)
    return Contract(
        number="HT-2026-000456",
        order_number="OR-2026-000123",
        quotation_number="QT-2026-000789 v3",
        issued_at=ISSUED_AT,
        customer=customer,
        company=COMPANY,
        items=work,
        figures=figures(work, 5_000),
        samples=samples(sample_count),
        terms=Terms(
            turnaround_working_days=12,
            payment_zh="甲方在合同签署后 14 日内支付全部价款；款项在验收前由平台记为合同负债。",
            payment_en="Party A pays in full within 14 days of signing; until acceptance it is a contract liability.",
            cancellation_fee_bps=2_000,
            subcontracting="named",
            subcontractors=("四川大学分析测试中心", "中国科学院重庆绿色智能技术研究院"),
            additional=("报告须以中英文双语出具，并附原始谱图。",),
        ),
        customer_signature=signature("欧阳䶮") if signed else None,
        company_signature=signature("王敏") if signed else None,
    )


def order_sheet(lines: int = 3) -> OrderSheet:
    work = items(lines, 108_000)
    return OrderSheet(
        number="OS-2026-000456",
        order_number="OR-2026-000123",
        framework_agreement_number="KJ-2025-0017",
        issued_at=ISSUED_AT,
        company=COMPANY,
        provider=PROVIDER,
        client="重庆两江新区海纳新材料科技股份有限公司",
        items=work,
        settled=settled(work),
        samples=samples(3),
        turnaround_working_days=12,
        settlement_zh="按月对账，收到增值税专用发票后付款。",
        settlement_en="Monthly statement; paid after the matched invoice.",
        instructions=("能谱面扫请保存原始数据（.bcf）。 Keep the raw data of the maps.",),
    )


def packing_sheet(count: int = 5) -> PackingSheet:
    return PackingSheet(
        order_number="OR-2026-000123",
        shipment_number="SH-2026-000321",
        issued_at=ISSUED_AT,
        sender=CUSTOMER,
        recipient=PROVIDER,
        samples=samples(count),
        qr_text_of={each.code: f"https://yiqi.example/s/{each.code}" for each in samples(count)},
        instructions=("请勿直接接触样品表面。 Do not touch the films.",),
    )
