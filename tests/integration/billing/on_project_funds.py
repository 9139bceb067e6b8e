"""Internal orders, whose price a university's finance system sets aside: what their tests begin with."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters import finance_system
from services.billing.config import settings
from services.billing.domain.funding import FundingAgreement
from services.billing.use_cases import order
from services.shared.messages.orders.quotation import ProjectFunds
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    amounts,
    order_accepted,
    order_contracted,
)
from tests.kit.finance_control import SECRET, FinanceControl, FinanceStandIn

PROJECT = "52102045"
ENTITY = str(CUSTOMER_ID)[:18]
NUMBER = "OR-2026-000123"
INTERNAL: dict[str, Any] = {"method": "project_funds", "money": amounts(100_000, 0)}
AGREEMENT = FundingAgreement(fee_bps=500)
"""5 % of the internal net of 1,000.00, of which the station has 70 %: 50.00 + 3.00, and 35.00 + 2.10."""


@pytest.fixture(scope="module")
def university() -> Iterator[FinanceStandIn]:
    with FinanceStandIn() as started:
        yield started


@pytest.fixture
def finance(university: FinanceStandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[FinanceControl]:
    """The finance system with one rich project, in billing's settings: ask for it before *billing*."""
    systems = f'{{"{ENTITY}": {{"url": "{university.url}", "secret": "{SECRET}", "fee_bps": {AGREEMENT.fee_bps}}}}}'
    monkeypatch.setenv("YIQI_BILLING_FINANCE_SYSTEMS", systems)
    monkeypatch.setattr(finance_system, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(finance_system, "ANSWER_S", 0.8)
    settings.cache_clear()
    control = FinanceControl(university.url)
    control.reset()
    control.project(PROJECT)
    yield control
    settings.cache_clear()


def contract(billing: Billing, order_id: UUID = ORDER_ID, number: str = NUMBER, *, project: str = PROJECT,
             person: str = "李明", agreements: Any = None, **how: Any) -> None:  # fmt: skip
    told = order_contracted(order_id, number, **{**INTERNAL, **how}).model_copy(
        update={"project_funds": ProjectFunds(project_number=project, responsible_person=person)}
    )
    known = {ENTITY: AGREEMENT} if agreements is None else agreements
    billing.handle(order.contracted, told, instructions=INSTRUCTIONS, agreements=known)


def accept(billing: Billing, **how: Any) -> None:
    billing.handle(order.accepted, order_accepted(ORDER_ID, NUMBER, **{**INTERNAL, **how}))


def ask(billing: Billing, since: datetime = NOW, seconds: int = 60) -> None:
    """Make every call to the finance system, again and again as `work` does, for about *seconds*."""
    for passed in range(0, seconds + 1, 10):
        billing.do_outside(since + timedelta(seconds=passed))


def states(billing: Billing) -> list[tuple[Any, ...]]:
    return billing.rows("SELECT n, state, amount, executed, returned, reason FROM funding ORDER BY order_id, n")


def reserved(billing: Billing, **how: Any) -> None:
    contract(billing, **how)
    ask(billing)


def executed(billing: Billing, **how: Any) -> None:
    """All the way: set aside, accepted, transferred."""
    reserved(billing, **how)
    accept(billing, **how)
    ask(billing)
