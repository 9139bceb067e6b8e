"""
An example of every message, made from its class: the same every time, in figures of one small order.

A net of 1,000.00 yuan, 6 % VAT, a fee of 10 % of which the station gets 70 %.
"""

import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, date, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.messages import registry

M = TypeVar("M", bound=BaseModel)

HAPPENED = datetime(2026, 11, 23, 6, 51, 33, 123456, tzinfo=UTC)
LATER = datetime(2026, 12, 23, 6, 51, 33, 123456, tzinfo=UTC)

_LATER = {"valid_until", "respond_by", "accept_by", "payable_from", "protected_until", "next_attempt_at"}

_MONEY = {
    "net": 100_000, "tax": 6_000, "gross": 106_000, "discount": 0, "fee": 10_000, "unit_price": 100_000,
    "total": 95_400, "order_net": 100_000, "counter_net": 95_000,
}  # fmt: skip
_PARTY_MONEY = {"net": 90_000, "tax": 5_400, "gross": 95_400, "amount": 95_400}
_PARTY = re.compile("^(Settle|Received|RecordReceived|Payout)")
"""What is between the company and a provider is in the provider's figures."""

_WHOLE = {
    "fee_bps": 1_000, "station_bps": 7_000, "tax_rate_bps": 600, "discount_bps": 0, "acceptance_days": 10,
    "hold_days": 7, "objection_days": 15, "turnaround_days": 7, "turnaround_working_days": 5, "limit": 50,
    "size_bytes": 48_211, "count": 1,
    "rate_bps": 3_000, "cap_order": 2_000_000, "cap_holder_year": 5_000_000, "min_own_payment_bps": 1_000,
    "claim_days": 180, "shortfall_days": 30, "price_tolerance_bps": 2_000, "four_eyes_above": 10_000_000,
    "machine_minutes": 95, "sequence": 42, "prev_sequence": 41, "high_watermark": 42, "after": 41, "seq": 17,
    "last_status": 503, "debit": 106_000, "credit": 106_000, "suspense": 0, "repeated": 0, "published_seq": 17,
    "IncomeShare.bps": 10_000,
    "PaymentPart.bps": 10_000, "before_work_bps": 0, "net_days": 30, "days_overdue": 3, "reminder": 1, "reminders": 1,
}  # fmt: skip

_NUMBERS = (
    ("Organisation", "ORG-2026-000012"), ("QuotationRequest", "QR-2026-000031"), ("Quotation", "QT-2026-000123"),
    ("Order", "OR-2026-000087"), ("Contract", "HT-2026-000087"), ("Shipment", "SH-2026-000054"),
    ("Report", "RP-2026-000061"), ("Settle", "ST-2026-000009"), ("Payout", "PO-2026-000009"),
    ("Refund", "RF-2026-000004"), ("Dispute", "DP-2026-000002"),
    ("Invoice", "INV-2026-000045"), ("Received", "26112000000012345678"), ("RecordReceived", "26112000000012345678"),
    ("RedLetter", "RED-2026-000003"), ("RecordRedForm", "5000112611000123"), ("ConfirmRedForm", "5000112611000123"),
    ("Claim", "VC-2026-000007"), ("Evidence", "HT-2026-000087"), ("Programme", "PG-2026-000004"),
    ("Voucher", "VO-2026-000018"),
    ("BankOrder", "BO-2026-000003"), ("StatusReport", "BO-2026-000003"), ("OrderedPayment", "PO-2026-000009"),
    ("Provider", "PR-2026-000003"), ("Offering", "OF-2026-000210"), ("Hit", "OF-2026-000210"),
)  # fmt: skip
"""Beginning of a class name → what its `number` looks like."""

_TEXT = {
    "decided_by": "member/0190d1c2-0000-7000-8000-000000000007",
    "project_number": "52102045", "responsible_person": "李明", "cost_category": "testing",
    "invoice_number": "INV-2026-000045", "form_number": "5000112611000123", "suspended_for": "", "write_off_reason": "",
    "framework_agreement_number": "FA-2026-000003", "period": "2026-11", "month": "2026-11",
    "order_number": "OR-2026-000087", "contract_number": "HT-2026-000087", "settlement_number": "ST-2026-000009",
    "legal_name": "江淮新材料有限公司", "legal_name_en": "Jianghuai New Materials Co., Ltd.",
    "unified_social_credit_code": "91340100MA2MRXXX0T", "address": "合肥市高新区示例路 1 号",
    "mail": "lin@materials.example", "phone": "+86 551 5550 0100", "name": "Lin Yue",
    "bank_name": "示例银行合肥分行", "account_name": "江淮新材料有限公司", "account_number": "6222000000000000017",
    "password": "correct-horse-battery", "token": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "api_key": "erp", "prefix": "yk_7Qd2",
    "college": "材料科学与工程学院", "team": "电子显微镜机组",
    "name_zh": "示例大学分析测试中心", "name_en": "Example University Analysis Centre",
    "provider_name": "示例大学分析测试中心", "customer_name": "江淮新材料有限公司",
    "provider_name_zh": "示例大学分析测试中心", "provider_name_en": "Example University Analysis Centre",
    "party_name": "示例大学", "region": "340100", "introduction": "电子显微学与力学性能",
    "title": "钢板拉伸试验", "title_zh": "金属材料室温拉伸", "title_en": "Tensile test of metals at room temperature",
    "method_zh": "拉伸试验", "method_en": "Tensile testing", "method_code": "GB/T 228.1-2021",
    "description_zh": "含加工", "description_en": "Machining included", "instrument": "Zwick Z100",
    "instrument_class": "050101", "offering_class": "0501", "charge_basis": "校财〔2026〕12 号,校网公示",
    "requirements": "ISO 6892-1, 5 pieces", "customer_code": "S-01", "description": "钢板 200 × 30 × 3 mm",
    "hazards": "", "notes": "", "note": "", "reason": "Not as agreed.", "problem": "", "failure": "card_declined",
    "carrier": "SF Express", "tracking_number": "SF1234567890123", "code": "7F3K-2M9Q", "check_code": "7F3K-2M9Q",
    "storage_place": "A-12", "signatory": "林玥", "filename": "HT-2026-000087.pdf",
    "url": "https://files.example/contract.pdf", "upload_url": "https://files.example/upload", "link": "/orders",
    "counter_offer": "950.00 for five pieces", "evidence": "Signed visit record of 2026-10-12", "body": "{}",
    "signature": "t=1795416693,v1=00", "stripe_event_id": "evt_1Example", "client_secret": "pi_1Example_secret_1",
    "reference": "OR-2026-000087", "channel_transaction_id": "ch_1Example", "serial_number": "2026112300001",
    "counterparty": "江淮新材料有限公司", "remittance": "OR-2026-000087", "target": "payment/1",
    "account": "A:bank:main", "currency": "CNY", "rule": "cap_order", "figures": "2000000",
    "facts": "91340100MA2MRXXX0T", "offering_classe": "0501", "key": "payment.succeeded/1", "kind": "payment",
    "stream_id": "general", "prefix_of": "", "content": "PERvY3VtZW50Lz4=", "csv": (
        "serial_number,booked_at,direction,amount,currency,counterparty,remittance\n"
        "2026112300001,2026-11-23T06:51:33Z,in,1060.00,CNY,江淮新材料有限公司,OR-2026-000087\n"
    ),
    "sample": "5pel5pyfLOS9memineWPtw==", "day": "交易日期", "time": "交易时间", "debit": "借方发生额",
    "credit": "贷方发生额", "amount": "金额", "direction": "借贷标志", "balance": "余额", "own_account": "本方账号",
    "only_currency": "CNY", "counterparty_account": "6217000000008810", "words_in": "贷", "words_out": "借",
    "footer_words": "合计", "column": "金额",
    "payer_name": "江淮集团有限公司", "payer_account": "6217000000008811",
    "what": "order.placed", "by": "organisation/1", "subject": "New report", "text": "拉伸", "cause": "acceptance",
    "secret": "whsec_ZXhhbXBsZWV4YW1wbGVleGFtcGxlZXhhbXBsZQ==", "type": "order.placed.v1", "stream": "order/1",
    "status": "parked", "from_source": "orders", "source": "orders", "exchange": "orders.events",
    "routing_key": "order.placed.v1", "user_id": "relay_orders", "excerpt": "{}", "last_problem": "timeout",
    "next_cursor": "eyJhZnRlciI6NDF9", "awaiting": "customer", "blocked_by": "payment_missing",
    "stripe_dispute_id": "dp_1Example", "success_url": "https://yiqi.example/orders", "cancel_url": "https://yiqi.example/orders",
    "account_id": "acct_1Example", "agreement": "FA-2026-000003", "transfer_id": "tr_1Example",
    "bank_status": "ACCP", "checked": "I1", "violation": "I2: transaction 1 does not balance",
    "notice_id": "note_1", "timestamp": "1795600000", "code_url": "weixin://wxpay/bizpayurl?pr=example",
}  # fmt: skip


class NoExample(Exception):
    """A field of which nothing is known here: give its name an example in this module."""


def example(cls: type[M]) -> M:
    """
    A message of *cls* with every field set.

    Raises:
        NoExample: A field has a type or a text that cannot be made up.
    """
    made = cls.model_validate(
        {
            name: _value(_with(field.annotation, field.metadata), name, cls.__name__)
            for name, field in cls.model_fields.items()
        }
    )
    return cls.model_validate_json(made.model_dump_json())


def of_name(wire_name: str) -> BaseModel:
    """The example of the event, command or query with this name."""
    return example({**registry.events(), **registry.commands(), **registry.queries()}[wire_name])


def _with(annotation: Any, metadata: list[Any]) -> Any:
    return Annotated[annotation, *metadata] if metadata else annotation


def _value(annotation: Any, name: str, owner: str) -> Any:
    metadata: tuple[Any, ...] = ()
    while get_origin(annotation) is Annotated:
        metadata += annotation.__metadata__
        annotation = annotation.__origin__
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _value(_with(next(each for each in arguments if each is not NoneType), list(metadata)), name, owner)
    if origin is Literal:
        return arguments[0]
    if origin is tuple:
        return (_value(arguments[0], _singular(name), owner),)
    if origin is frozenset:
        return frozenset({_value(arguments[0], _singular(name), owner)})
    if origin is dict:
        return {"orders": _value(arguments[1], name, owner)}
    if annotation is Any:
        return "…"
    if annotation is Money:
        return Money(_amount(name, owner), "CNY")
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return example(annotation)
    if is_dataclass(annotation) and isinstance(annotation, type):
        hints = get_type_hints(annotation, include_extras=True)
        return annotation(**{key: _value(hint, key, annotation.__name__) for key, hint in hints.items()})
    return _plain(annotation, name, owner)


def _plain(annotation: Any, name: str, owner: str) -> Any:
    by_type: Mapping[Any, Any] = {
        UUID: derived_id("example", name),
        AwareDatetime: LATER if name in _LATER else HAPPENED,
        date: date(2026, 11, 30),
        bool: name != "includes_tax",
        int: _WHOLE.get(f"{owner}.{name}", _WHOLE.get(name, _amount(name, owner) if name == "amount" else 1)),
    }
    if annotation in by_type:
        return by_type[annotation]
    if annotation is str:
        return _string(name, owner)
    raise NoExample(f"{owner}.{name}: {annotation}")


def _string(name: str, owner: str) -> str:
    if name == "number":
        for beginning, number in _NUMBERS:
            if owner.startswith(beginning):
                return number
        return "EX-2026-000001"
    if "sha256" in name or name.endswith("seed") or name == "hash":
        return "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    if name == "after":
        return _TEXT["next_cursor"]
    if name not in _TEXT:
        raise NoExample(f"{owner}.{name}: a text")
    return _TEXT[name]


def _amount(name: str, owner: str) -> int:
    if _PARTY.match(owner) and name in _PARTY_MONEY:
        return _PARTY_MONEY[name]
    if owner.startswith("RedLetter"):
        return -_MONEY[name]
    return _MONEY.get(name, 106_000)


def _singular(name: str) -> str:
    return name.removesuffix("s")
