"""Transfers as outside calls: asking for one, and what the institution says of transfers and connected accounts."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.billing.adapters.stripe_access import StripeRefused
from services.billing.adapters.stripe_gateway import StripeGateway
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.use_cases import payout_channel, transfer
from services.shared.kernel.money import Money


def transfer_or_why_not(stripe: StripeGateway, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Too little balance and an account that may not receive are normal answers, whose reason a person wants."""
    try:
        return stripe.create_transfer(payload, key)
    except StripeRefused as refused:
        reason = str(refused.facts.get("reason") or refused.code)
        return {"object": "transfer_refused", "payout_id": payload["payout_id"], "reason": reason}


def reversal_refused(payload: Mapping[str, Any], code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    del code, uow, now
    transfer.reversal_refused(UUID(payload["payout_id"]), payload["transfer_id"])


def _transfer(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    facts = transfer.TransferFacts(
        transfer_id=result["transfer_id"],
        account_id=result["account_id"],
        money=Money(result["amount"], result["currency"]),
        reversed=result["reversed"],
    )
    try:
        payout_id = UUID(result["payout_id"])
    except ValueError:  # metadata is text that anybody with an account at the institution may have written
        payout_id = None
    return transfer.learn(payout_id, facts, uow=uow, now=now)


def _refused(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    transfer.refused(UUID(result["payout_id"]), result["reason"], uow=uow, now=now)
    return "refused"


def _account(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    return payout_channel.learn(result["account_id"], active=result["transfers"], uow=uow, now=now)


LEARNERS: Mapping[str, Callable[[Mapping[str, Any], BillingUnitOfWork, datetime], str]] = {
    "transfer": _transfer,
    "transfer_refused": _refused,
    "account": _account,
}
