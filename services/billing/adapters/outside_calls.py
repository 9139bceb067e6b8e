"""What `work` does outside a transaction for billing, and the use case its outcome leads to."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from services.billing.adapters import chargeback_calls, transfer_calls
from services.billing.adapters.channel_gateway import ChannelGateway
from services.billing.adapters.channel_outcomes import CHANNEL_LEARNERS, bill_listed
from services.billing.adapters.papers import Papers
from services.billing.adapters.stripe_gateway import StripeGateway
from services.billing.adapters.stripe_movements import StripeMovements
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.chargeback import ChargebackFacts
from services.billing.domain.chargeback import Movement as ChargebackMovement
from services.billing.domain.payment import BalanceTransaction, CardFacts
from services.billing.domain.reconciliation import ListedMovement
from services.billing.domain.settlement import KeptFile
from services.billing.domain.stripe_payout import Movement, StripePayout
from services.billing.use_cases import bank_order as bank_orders
from services.billing.use_cases import (
    card_refund,
    chargeback,
    checkout,
    claim,
    credit_payback,
    payment,
    reconciliation,
    referral,
    refund_check,
    refund_payment,
    settlement,
    stripe_payout,
    subsidy,
)
from services.shared.chassis.definition import OutsideCall
from services.shared.chassis.logs import logger
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money

log = logger("outside_calls")


def _learn(payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Whatever was fetched or made at Stripe, to the use case of its noun; the webhook behind it is handled then."""
    if not result:  # there was no payment intent to cancel, or the channel knows no such thing
        return
    outcome = LEARNERS[result["object"]](result, uow, now)
    if "stripe_event_id" in payload:
        uow.stripe_events.handled(payload["stripe_event_id"], outcome, now)


def _payment_intent(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    return payment.learn(_uuid(result["payment_id"]), card_facts(result), uow=uow, now=now)


def _refund(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    ours = _refund_part(result["refund_id"])
    if ours is None:
        # Made by hand in the institution's dashboard: reconciliation shows it, nothing here knows what it is for.
        log.error("a refund that we did not ask for", refund=result["stripe_refund_id"], charge=result["charge_id"])
        return "not_ours"
    if result["status"] not in {"succeeded", "failed"}:
        return "nothing_new"
    return card_refund.card_refund_settled(
        *ours, succeeded=result["status"] == "succeeded", reference=result["stripe_refund_id"],
        failure=result["failure"], uow=uow, now=now,
    )  # fmt: skip


def _refund_made(
    payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime
) -> None:
    _learn(payload, result, uow=uow, now=now)
    ours = _refund_part(result["refund_id"])
    if ours is not None and result["status"] == "pending":
        refund_check.watch_card_refund(ours[0], uow=uow, now=now)


def _refunds_of_charge(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    outcomes = [_refund(each, uow, now) for each in result["refunds"]]
    return next((outcome for outcome in outcomes if outcome.startswith("refund")), "nothing_new")


def _refund_not_created(payload: Mapping[str, Any], code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    ours = _refund_part(payload["refund_id"])
    if ours is not None:
        card_refund.card_refund_settled(*ours, succeeded=False, reference="", failure=code, uow=uow, now=now)


def _refund_part(named: str) -> tuple[UUID, UUID] | None:
    """Refund and payment, as they were named to the institution."""
    refund_id, _, payment_id = named.partition("/")
    found = _uuid(refund_id), _uuid(payment_id)
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None


def _session(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    del now
    facts = checkout.SessionFacts(
        session_id=result["session_id"],
        status=result["status"],
        url=result["url"],
        expires_at=datetime.fromtimestamp(result["expires_at"], UTC),
        intent_id=result["intent_id"],
    )
    return checkout.learn(_uuid(result["checkout_id"]), _uuid(result["payment_id"]), facts, uow=uow)


def _dispute(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    due_at = result["evidence_due_at"]
    facts = ChargebackFacts(
        stripe_dispute_id=result["stripe_dispute_id"],
        charge_id=result["charge_id"],
        state=result["state"],
        reason=result["reason"],
        amount=Money(result["amount"], result["currency"]),
        evidence_due_at=datetime.fromtimestamp(due_at, UTC) if due_at is not None else None,
        submissions=result["submissions"],
        movements=tuple(ChargebackMovement(**movement) for movement in result["movements"]),
    )
    return chargeback.learn(_uuid(result["payment_id"]), _uuid(result["order_id"]), facts, uow=uow, now=now)


def _payout(result: Mapping[str, Any], uow: BillingUnitOfWork, now: datetime) -> str:
    movements = [
        Movement(
            **{name: value for name, value in each.items() if name != "created"},
            happened_at=datetime.fromtimestamp(each["created"], UTC),
        )
        for each in result["movements"]
    ]
    told = StripePayout(
        psp_payout_id=derived_id("stripe_payout", result["stripe_payout_id"]),
        stripe_payout_id=result["stripe_payout_id"],
        amount=result["amount"],
        currency=result["currency"],
        arrives_on=date.fromisoformat(result["arrives_on"]),
        state="failed" if result["failed"] else "under_way",
        trace=result["trace"],
    )
    return stripe_payout.learn(told, movements, uow=uow, now=now)


LEARNERS: Mapping[str, Callable[[Mapping[str, Any], BillingUnitOfWork, datetime], str]] = {
    "payment_intent": _payment_intent,
    "refund": _refund,
    "charge": _refunds_of_charge,
    "checkout.session": _session,
    "dispute": _dispute,
    "payout": _payout,
    **transfer_calls.LEARNERS,
    **CHANNEL_LEARNERS,
}


def _not_fetched(payload: Mapping[str, Any], code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    if "stripe_event_id" in payload:
        uow.stripe_events.handled(payload["stripe_event_id"], code, now)


def _session_made(
    payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime
) -> None:
    _learn(payload, result, uow=uow, now=now)
    if result["checkout_id"] != payload["checkout_id"]:
        checkout.not_made(UUID(payload["checkout_id"]), "billing.payment_not_payable", uow=uow)


def _session_not_made(payload: Mapping[str, Any], code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    del now
    checkout.not_made(UUID(payload["checkout_id"]), code, uow=uow)


def _not_created(payload: Mapping[str, Any], code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    del now
    payment.refuse(UUID(payload["payment_id"]), code, "", uow=uow)


def _statement_kept(
    payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime
) -> None:
    paper, sheet = KeptFile(**result["pdf"]), KeptFile(**result["xlsx"])
    settlement.statement_kept(UUID(payload["settlement_id"]), paper, sheet, uow=uow, now=now)


def _pack_kept(payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime) -> None:
    del now
    noun, keep = ("subsidy", subsidy.pack_kept) if "subsidy" in payload else ("claim", claim.pack_kept)
    told, kept = payload[noun], (result["key"], result["sha256"], result["size"])
    keep(UUID(told[f"{noun}_id"]), datetime.fromisoformat(told["submitted_at"]), kept, uow=uow)


def _refund_order_kept(
    payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime
) -> None:
    del now
    refund_payment.order_kept(
        UUID(payload["refund_id"]), UUID(payload["payment_id"]), result["key"], result["sha256"], result["size"],
        uow=uow,
    )  # fmt: skip


def _credit_payback_kept(
    payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime
) -> None:
    del now
    credit_payback.document_kept(
        UUID(payload["credit_payback_id"]), result["key"], result["sha256"], result["size"], uow=uow
    )


def _bank_order_kept(
    payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime
) -> None:
    del now
    bank_orders.bank_order_kept(
        UUID(payload["bank_order_id"]), result["key"], result["sha256"], result["size"], uow=uow
    )


def _referral_evidence_kept(
    payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime
) -> None:
    del result, now
    referral.evidence_looked_at(UUID(payload["referral_id"]), kept=True, uow=uow)


def _referral_evidence_refused(payload: Mapping[str, Any], code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    del now
    referral.evidence_looked_at(UUID(payload["referral_id"]), kept=False, problem=code, uow=uow)


def card_facts(result: Mapping[str, Any]) -> CardFacts:
    """What the gateway found out, typed."""
    balance = result["balance"]
    return CardFacts(
        intent_id=result["intent_id"],
        client_secret=result["client_secret"],
        status=result["status"],
        received=Money(result["received"], result["currency"]),
        charge_id=result["charge_id"],
        balance=BalanceTransaction(**balance) if balance is not None else None,
        failure=result["failure"],
        checkout_id=_uuid(result["checkout_id"]),
    )


def _uuid(text: str) -> UUID | None:
    """Metadata is text that anybody with an account at Stripe may have written."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _movements_not_listed(payload: Mapping[str, Any], code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    reconciliation.movements_not_listed(UUID(payload["run_id"]), code, uow=uow, now=now)


def _movement(
    movement_id: str,
    kind: str,
    amount: int,
    fee: int,
    fee_vat: int,
    currency: str,
    origin: str,
    ours: str,
    created: int,
) -> ListedMovement:
    created_at = datetime.fromtimestamp(created, UTC)
    return ListedMovement(movement_id, kind, amount, fee, fee_vat, currency, origin, ours, created_at)


def _movements_listed(
    payload: Mapping[str, Any], result: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime,
    overdue_after: timedelta,
) -> None:  # fmt: skip
    movements = [_movement(*told) for told in result["movements"]]
    place = {name: result[name] for name in ("after", "newest")}
    reconciliation.movements_listed(
        payload, movements, place, result["balances"], uow=uow, now=now, overdue_after=overdue_after
    )


def outside_calls(
    stripe: StripeGateway, channel: ChannelGateway, papers: Papers, overdue_after: timedelta
) -> tuple[OutsideCall, ...]:
    """
    Leases are longer than the slowest call: three requests to Stripe, or a statement of 2,000 orders.

    *overdue_after*: how old an item of reconciliation may become.
    """
    return (
        OutsideCall("create_payment_intent", stripe.create_payment_intent, _learn, _not_created, lease_s=120),
        OutsideCall("fetch_stripe_object", stripe.fetch, _learn, _not_fetched, lease_s=120),
        OutsideCall("cancel_payment_intent", stripe.cancel_payment_intent, _learn, lease_s=120),
        OutsideCall(
            "create_checkout_session", stripe.create_checkout_session, _session_made, _session_not_made, lease_s=120
        ),
        OutsideCall("expire_checkout_session", stripe.expire_checkout_session, _learn, lease_s=120),
        OutsideCall(
            "submit_dispute_evidence",
            stripe.submit_dispute_evidence,
            _learn,
            chargeback_calls.evidence_refused,
            lease_s=120,
        ),
        *chargeback_calls.file_calls(stripe.access, papers),
        OutsideCall("create_channel_order", channel.create_order, _learn),
        OutsideCall("close_channel_order", channel.close_order, _learn),
        OutsideCall("create_channel_split", channel.create_split, _learn),
        OutsideCall("create_channel_return", channel.create_return, _learn),
        OutsideCall("create_channel_refund", channel.create_refund, _learn),
        OutsideCall("fetch_channel_object", channel.fetch, _learn),
        OutsideCall(
            "list_channel_bill",
            channel.bill,
            partial(bill_listed, overdue_after=overdue_after),
            lease_s=120,
            keeps_outcome=False,
        ),
        OutsideCall("render_settlement", papers.render_settlement, _statement_kept, lease_s=180),
        OutsideCall("create_stripe_refund", stripe.create_refund, _refund_made, _refund_not_created, lease_s=120),
        OutsideCall("create_transfer", partial(transfer_calls.transfer_or_why_not, stripe), _learn, lease_s=120),
        OutsideCall("reverse_transfer", stripe.reverse_transfer, _learn, transfer_calls.reversal_refused, lease_s=120),
        OutsideCall("write_refund_order", papers.write_refund_order, _refund_order_kept, lease_s=120),
        OutsideCall(
            referral.KEEP_EVIDENCE,
            papers.keep_evidence,
            _referral_evidence_kept,
            _referral_evidence_refused,
            lease_s=120,
        ),
        OutsideCall("build_claim_pack", papers.build_claim_pack, _pack_kept, lease_s=120),
        OutsideCall("write_credit_payback", papers.write_refund_order, _credit_payback_kept, lease_s=120),
        OutsideCall("write_bank_order", papers.write_bank_order, _bank_order_kept, lease_s=120),
        OutsideCall(
            "list_stripe_movements",
            StripeMovements(stripe.access).list_movements,
            partial(_movements_listed, overdue_after=overdue_after),
            _movements_not_listed,
            lease_s=300,
            keeps_outcome=False,
        ),
    )
