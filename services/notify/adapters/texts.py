"""
The words of notifications, from `templates/<kind>.<language>.txt`: first line the subject, then the body.

Templates see the event and the facts of `use_cases/notification.py`. A name they misspell raises: a
mail with a hole in it is worse than a parked event.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notify.domain.member import Language
from services.notify.domain.notification import Words
from services.shared.chassis.document_text import figure, percent
from services.shared.kernel.money import Money
from services.shared.kernel.times import BUSINESS_ZONE

TEMPLATES = Path(__file__).with_name("templates")

_CONDITIONS = {
    "zh": {"good": "完好", "damaged": "破损", "wrong": "与申报不符", "incomplete": "不完整"},
    "en": {"good": "good", "damaged": "damaged", "wrong": "not as declared", "incomplete": "incomplete"},
}
_REJECTIONS = {
    "zh": {
        "kind_differs": "发票种类（专用/普通）与结算单不一致",
        "currency_differs": "币种与结算单不一致",
        "net_differs": "不含税金额与结算单不一致",
        "tax_differs": "税额与结算单不一致",
        "gross_differs": "价税合计与结算单不一致",
    },
    "en": {
        "kind_differs": "the kind of invoice (special or ordinary) is not the one awaited",
        "currency_differs": "the currency is not the settlement's",
        "net_differs": "the net amount is not the settlement's",
        "tax_differs": "the tax is not the settlement's",
        "gross_differs": "the total is not the settlement's",
    },
}
_CREDIT_REFUSALS = {
    "zh": {
        "no_line": "贵单位目前没有信用额度。",
        "suspended": "贵单位的信用额度已暂停。",
        "expired": "贵单位的信用额度已到期。",
        "overdue": "贵单位有逾期未付的发票。",
        "limit_exceeded": "剩余信用额度不足以支付此订单。",
    },
    "en": {
        "no_line": "You have no credit line at present.",
        "suspended": "Your credit line is suspended.",
        "expired": "Your credit line has ended.",
        "overdue": "An invoice of yours is overdue.",
        "limit_exceeded": "What is left of your credit line does not suffice for this order.",
    },
}
_FUNDING_REFUSALS = {
    "zh": {
        "no_finance_system": "贵校的财务系统尚未接入本平台。",
        "project_unknown": "学校财务系统中没有该项目。",
        "project_closed": "该项目已结题。",
        "project_frozen": "该项目经费已被冻结使用。",
        "wrong_person": "所填负责人不是该项目的负责人或经办人。",
        "category_not_allowed": "该项目预算不含测试化验加工费。",
        "currency_differs": "该项目的币种与订单不同。",
        "period_closed": "当前不在该项目的可支出期间。",
        "over_budget": "该项目可用余额不足。",
        "refused_otherwise": "学校财务系统拒绝了申请，请联系本校财务处。",
    },
    "en": {
        "no_finance_system": "Your university's finance system is not connected to this platform.",
        "project_unknown": "Your university's finance system knows no such project.",
        "project_closed": "The project is closed.",
        "project_frozen": "The project's money is frozen.",
        "wrong_person": "The person named does not answer for this project.",
        "category_not_allowed": "The project's budget has nothing for testing.",
        "currency_differs": "The project is in another currency than the order.",
        "period_closed": "No money may be taken from the project at this time.",
        "over_budget": "What is left of the project does not suffice.",
        "refused_otherwise": "Your university's finance system refused; please ask its finance office.",
    },
}


def money(amount: Money) -> str:
    """*CNY 1,060.00*."""
    return f"{amount.currency} {figure(amount)}"


def moment(instant: datetime) -> str:
    """*2026-11-23 14:51*, Beijing time; the text says so where it matters."""
    return instant.astimezone(BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M")


def day(value: date | datetime) -> str:
    """*2026-11-23*: of an instant, the Asia/Shanghai day."""
    return (value.astimezone(BUSINESS_ZONE).date() if isinstance(value, datetime) else value).isoformat()


def days(count: int) -> str:
    """English: *1 day*, *2 days*."""
    return f"{count} day" if count == 1 else f"{count} days"


@cache
def text_environment() -> Environment:
    """Plain text: nothing is escaped, because nothing in a text is markup."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701 - plain text; the HTML half has an environment of its own
        undefined=StrictUndefined,
        finalize=_in_one_line,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(money=money, moment=moment, day=day, days=days, percent=percent)
    environment.globals.update(conditions=_CONDITIONS, rejections=_REJECTIONS, credit_refusals=_CREDIT_REFUSALS)
    environment.globals.update(funding_refusals=_FUNDING_REFUSALS)
    return environment


@cache
def html_environment() -> Environment:
    """HTML: everything that is put in is text and is escaped."""
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)


class Texts:
    def words(self, kind: str, language: Language, facts: Mapping[str, Any]) -> Words:
        rendered = text_environment().get_template(f"{kind}.{language}.txt").render(facts)
        subject, _, body = rendered.partition("\n")
        return Words(subject.strip(), body.strip())


def _in_one_line(value: Any) -> Any:
    """What is put into a text has no line breaks: typed into a title, they would end the subject or forge a line."""
    return " ".join(value.split()) if isinstance(value, str) else value
