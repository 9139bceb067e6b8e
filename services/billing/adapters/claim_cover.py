"""The cover of a claim pack on paper: whose money for what, each rule's result, and the evidence by hash."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from services.shared.chassis.document_text import capitals, day, figure, moment
from services.shared.chassis.render import render
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date

ORDERS_MAX = 200
"""On paper; *orders.csv* has all of them."""

TEMPLATE = Path(__file__).with_name("templates") / "claim_cover.typ"

_RULES: Mapping[str, tuple[str, str]] = {
    "claim_deadline": ("申请期限", "Claimed in time"),
    "evidence": ("材料齐全", "Papers complete"),
    "amount": ("金额复核", "Amount by the rules"),
    "customer_has_paid": ("自付部分已付", "Own part paid"),
    "reports_have_hashes": ("报告可核验", "Reports have hashes"),
    "no_findings": ("关联核查无疑点", "No findings"),
    "holder_kind": ("机构类型", "Kind of organisation"),
    "region": ("注册地区", "Region"),
    "min_base": ("最低基数", "Least base"),
    "rate": ("补贴比例", "Rate"),
    "cap_order": ("单次上限", "Cap of a claim"),
    "cap_holder_year": ("年度上限", "Cap of the year"),
    "programme_budget": ("项目预算", "Budget"),
    "min_own_payment": ("最低自付", "Own payment"),
}
_KINDS: Mapping[str, str] = {
    "quotation": "报价 Quotation", "contract": "合同 Contract", "report": "报告 Report", "invoice": "商业发票 Invoice",
    "receipt": "收款 Receipt", "acceptance": "验收 Acceptance",
}  # fmt: skip
_OUTCOMES: Mapping[str, str] = {"passed": "通过 passed", "limited": "受限 limited", "failed": "未通过 failed"}
_COUNTS = frozenset({"papers", "reports", "orders"})
"""Figures of rules that are numbers of things; the other whole numbers are amounts in minor units."""
_FIGURES: Mapping[str, str] = {
    "until": "截止 until", "papers": "份数 papers", "claimed": "申请 claimed", "by_rules": "按规则 by the rules",
    "received": "已收 received", "own_payment": "自付 own part", "reports": "报告 reports", "findings": "疑点 findings",
    "code": "代码类别 code", "region": "行政区划 region", "base": "基数 base", "least": "下限 least",
    "amount": "金额 amount", "limit": "上限 limit", "wanted": "申请 wanted", "orders": "订单 orders",
    "without": "缺报告 without a report", "value": "相同内容 the same", "order": "另一订单 other order",
    "owner": "控制方 owner", "owned": "被控方 owned", "listed": "价目 listed", "asked": "报价 asked",
}  # fmt: skip
_FINDINGS: Mapping[str, str] = {
    "same_organisation": "同一单位 The same organisation", "same_credit_code": "信用代码相同 The same credit code",
    "declared_control": "申报的控制 Declared control", "declared_shareholder": "申报的持股 Declared shareholder",
    "same_bank_account": "银行账户相同 The same bank account", "same_address": "地址相同 The same address",
    "same_phone": "电话相同 The same phone", "repeated_report": "报告重复申报 Report claimed before",
    "price_above_list": "价格高于价目表 Price above the list",
}  # fmt: skip
_SEVERITIES: Mapping[str, str] = {
    "block": "不予受理 stops it", "review": "须人工复核 wants a person", "ignore": "不影响 nothing",
}  # fmt: skip


def claim_cover_pdf(noun: str, told: Mapping[str, Any], about: Mapping[str, str], manifest_sha256: str) -> bytes:
    """
    Args:
        noun: *claim* for an order, *subsidy* for a period.
        told: Its view, as JSON.
        about: Names of programme, authority and parties, as they were when it was submitted.
        manifest_sha256: Of the manifest beside it: whoever holds the paper knows the file by it.

    Raises:
        RenderFailed: A bug.
        ChildUnavailable: Try again.
    """
    amount = _money(told["amount"])
    of_order = noun == "claim"
    orders: Sequence[Mapping[str, Any]] = () if of_order else told["orders"]
    return render(
        TEMPLATE,
        {
            "issued_at": told["submitted_at"],
            "noun": noun,
            "number": told["number"],
            "made_at": moment(datetime.fromisoformat(told["submitted_at"])),
            "about": {**about, "claimant": about["claimant"] or "运营机构 Operating company"},
            "subject": told["order_number"] if of_order else f"{told['first_on']} – {told['last_on']}",
            "order_count": "1" if of_order else str(told["order_count"]),
            "net": "" if of_order else figure(_money(told["net"])),
            "currency": amount.currency,
            "amount": figure(amount),
            "amount_capitals": capitals(amount),
            "results": [_result(each, amount.currency) for each in told["results"]],
            "findings": [_finding(each, amount.currency) for each in told["findings"]],
            "papers": _papers(told["evidence"]) if of_order else [],
            "orders": [
                [
                    each["order_number"],
                    _day(each["accepted_at"]),
                    figure(_money(each["net"])),
                    *_report(each["evidence"]),
                ]
                for each in orders[:ORDERS_MAX]
            ],
            "manifest": _in_two(manifest_sha256),
        },
        timeout_s=60,
    )


def _money(told: Mapping[str, Any]) -> Money:
    return Money(told["amount"], told["currency"])


def _day(instant: str) -> str:
    """The business day of an instant in RFC 3339."""
    return day(business_date(datetime.fromisoformat(instant)))


def _result(result: Mapping[str, Any], currency: str) -> list[str]:
    zh, english = _RULES.get(result["rule"], (result["rule"], ""))
    return [zh, english, _OUTCOMES[result["outcome"]], _shown(result["figures"], currency)]


def _finding(finding: Mapping[str, Any], currency: str) -> list[str]:
    """The hash of a report that was claimed before stands among the papers."""
    facts = {name: value for name, value in finding["facts"].items() if name != "sha256"}
    return [_FINDINGS[finding["kind"]], _SEVERITIES[finding["severity"]], _shown(facts, currency)]


def _shown(figures: Mapping[str, int | str], currency: str) -> str:
    return "; ".join(
        f"{_FIGURES.get(name, name)}: {_value(name, value, currency)}" for name, value in figures.items() if value != ""
    )


def _value(name: str, value: int | str, currency: str) -> str:
    if name == "until":
        return moment(datetime.fromisoformat(str(value)))
    if name == "findings":
        return ", ".join(_FINDINGS[kind] for kind in str(value).split(", "))
    return figure(Money(value, currency)) if isinstance(value, int) and name not in _COUNTS else str(value)


def _papers(evidence: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    return [[_KINDS[each["kind"]], each["number"], _day(each["at"]), *_in_two(each["sha256"])] for each in evidence]


def _report(evidence: Iterable[Mapping[str, Any]]) -> list[str]:
    """SHA-256 of the first report; the rest stands in *evidence.csv*."""
    return _in_two(next((each["sha256"] for each in evidence if each["kind"] == "report"), ""))


def _in_two(sha256: str) -> list[str]:
    """A hash on two lines of a narrow column."""
    return [sha256[:32], sha256[32:]]
