"""The outside call of funding, and the use cases its outcome leads to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.billing.adapters.finance_system import FinanceSystems, facts_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.use_cases import funding, funding_check
from services.shared.chassis.definition import OutsideCall

ATTEMPTS = 4
"""In some seconds; then looks at growing distances follow."""


def funding_calls(systems: FinanceSystems) -> tuple[OutsideCall, ...]:
    """The lease is longer than three requests take at most."""
    return (
        OutsideCall(funding.ASK, systems.settle, _learn, _unanswered, lease_s=180, give_up_after=ATTEMPTS),
    )  # fmt: skip


def _learn(payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime) -> None:
    funding.learn(payload, facts_of(result), uow=uow, now=now)


def _unanswered(payload: Mapping[str, Any], code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    del code
    funding_check.unanswered(payload, uow=uow, now=now)
