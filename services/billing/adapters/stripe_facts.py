"""What billing needs to know of Stripe's objects, as JSON values: amounts in minor units, currencies in capitals."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import stripe


def of_payment_intent(intent: "stripe.PaymentIntent") -> dict[str, Any]:
    """*intent* with its latest charge and that one's balance transaction expanded."""
    charge = intent.latest_charge if not isinstance(intent.latest_charge, str) else None
    problem = intent.last_payment_error
    if intent.status == "succeeded":
        status = "succeeded"
    elif intent.status == "canceled":
        status = "cancelled"
    elif intent.status == "requires_action":
        status = "action_required"
    elif intent.status == "requires_payment_method" and problem is not None:
        status = "refused"
    else:
        status = "open"
    ours = metadata_of(intent)
    return {
        "object": "payment_intent",
        "intent_id": intent.id,
        "client_secret": intent.client_secret or "",
        "payment_id": ours.get("payment_id", ""),
        "checkout_id": ours.get("checkout_id", ""),
        "status": status,
        "received": intent.amount_received,
        "currency": intent.currency.upper(),
        "charge_id": charge.id if charge is not None else "",
        "balance": _balance(charge.balance_transaction) if charge is not None and status == "succeeded" else None,
        "failure": _why(problem) if status == "refused" else "",
    }


def of_session(session: "stripe.checkout.Session") -> dict[str, Any]:
    """*expires_at* in Unix seconds; *intent_id* empty before somebody has paid."""
    ours = metadata_of(session)
    return {
        "object": "checkout.session",
        "checkout_id": ours.get("checkout_id", ""),
        "payment_id": ours.get("payment_id", ""),
        "session_id": session.id,
        "status": str(session.status),
        "url": session.url or "",
        "expires_at": session.expires_at,
        "intent_id": _id(session.payment_intent),
    }


def of_refund(refund: "stripe.Refund") -> dict[str, Any]:
    """
    *refund* with its balance transactions expanded.

    *refund_id* is ours, empty for one that somebody made at Stripe by hand. *status* may still become failed
    after it was succeeded: the card's bank sent the money back.
    """
    return {
        "object": "refund",
        "refund_id": metadata_of(refund).get("refund_id", ""),
        "stripe_refund_id": refund.id,
        "charge_id": _id(refund.charge),
        "amount": refund.amount,
        "currency": refund.currency.upper(),
        "status": {"requires_action": "pending", "canceled": "failed"}.get(str(refund.status), str(refund.status)),
        "failure": str(getattr(refund, "failure_reason", None) or ("canceled" if refund.status == "canceled" else "")),
        "balance": _balance(refund.balance_transaction),
    }


_STAGES = {
    "warning_needs_response": "inquiry", "warning_under_review": "inquiry", "warning_closed": "closed",
    "prevented": "closed", "needs_response": "needs_response", "under_review": "under_review", "won": "won",
    "lost": "lost",
}  # fmt: skip


def of_dispute(dispute: "stripe.Dispute") -> dict[str, Any]:
    """*dispute* with its payment intent expanded, whose metadata says whose it is; *evidence_due_at*: Unix seconds."""
    intent = dispute.payment_intent if not isinstance(dispute.payment_intent, str) else None
    ours = metadata_of(intent) if intent is not None else {}
    return {
        "object": "dispute",
        "stripe_dispute_id": dispute.id,
        "payment_id": ours.get("payment_id", ""),
        "order_id": ours.get("order_id", ""),
        "charge_id": _id(dispute.charge),
        # A stage that is new to us is one in which the bank has not decided.
        "state": _STAGES.get(dispute.status, "under_review"),
        "reason": dispute.reason,
        "amount": dispute.amount,
        "currency": dispute.currency.upper(),
        "evidence_due_at": dispute.evidence_details.due_by,
        "submissions": dispute.evidence_details.submission_count,
        "movements": [
            {
                "balance_transaction_id": booked.id,
                "amount": booked.amount,
                "fee": booked.fee - _vat(booked),
                "fee_vat": _vat(booked),
                "currency": booked.currency.upper(),
            }
            for booked in dispute.balance_transactions
        ],
    }


def of_payout(payout: "stripe.Payout") -> dict[str, Any]:
    """
    *payout* to our own bank with its balance transactions expanded: that it left, and that it failed.

    *amount* is below zero where it was taken from our bank; *arrives_on*: a day (ISO 8601); *trace*: by which the
    bank may know it, empty where there is none.
    """
    booked = [payout.balance_transaction, payout.failure_balance_transaction]
    return {
        "object": "payout",
        "stripe_payout_id": payout.id,
        "amount": payout.amount,
        "currency": payout.currency.upper(),
        "arrives_on": datetime.fromtimestamp(payout.arrival_date, UTC).date().isoformat(),
        "failed": payout.status in {"failed", "canceled"},
        "trace": str(getattr(payout.trace_id, "value", None) or ""),
        "movements": [
            {
                "balance_transaction_id": each.id,
                "amount": each.amount,
                "fee": each.fee - _vat(each),
                "fee_vat": _vat(each),
                "currency": each.currency.upper(),
                "created": each.created,
            }
            for each in booked
            if each is not None and not isinstance(each, str)
        ],
    }


def of_transfer(transfer: "stripe.Transfer") -> dict[str, Any]:
    """*payout_id* is ours, empty for one that somebody made at Stripe by hand."""
    return {
        "object": "transfer",
        "payout_id": metadata_of(transfer).get("payout_id", ""),
        "transfer_id": transfer.id,
        "account_id": _id(transfer.destination),
        "amount": transfer.amount,
        "reversed": transfer.amount_reversed,
        "currency": transfer.currency.upper(),
        "balance_transaction_id": _id(transfer.balance_transaction),
    }


def of_account(account: "stripe.Account") -> dict[str, Any]:
    """*transfers*: whether the connected account may receive them now."""
    capabilities = account.capabilities
    active = capabilities is not None and getattr(capabilities, "transfers", None) == "active"
    return {"object": "account", "account_id": account.id, "transfers": active}


def of_no_account(account_id: str) -> dict[str, Any]:
    return {"object": "account", "account_id": account_id, "transfers": False}


def of_movement(booked: Mapping[str, Any]) -> list[Any]:
    """
    A line of Stripe's own books as JSON, its source expanded: in the order of `domain.reconciliation.ListedMovement`.

    *created_at* in Unix seconds. A list, for many of them are kept as the outcome of one call.
    """
    source = booked["source"] if isinstance(booked["source"], Mapping) else None
    vat = sum(int(detail["amount"]) for detail in booked["fee_details"] if detail["type"] == "tax")
    return [
        booked["id"], booked["type"], booked["amount"], booked["fee"], vat, booked["currency"].upper(),
        str(source["id"] if source is not None else booked["source"] or ""), _named(source), booked["created"],
    ]  # fmt: skip


def of_balance(balance: "stripe.Balance") -> dict[str, int]:
    """Currency → minor units, what may be spent and what is on its way together."""
    stands: dict[str, int] = {}
    parts: list[Any] = [*balance.available, *balance.pending]
    for part in parts:
        currency = part.currency.upper()
        stands[currency] = stands.get(currency, 0) + part.amount
    return stands


def _named(source: Mapping[str, Any] | None) -> str:
    """What we wrote on the refund or transfer behind a movement; of a reversal, the transfer that it takes back."""
    if source is None or source.get("object") not in {"refund", "transfer", "transfer_reversal"}:
        return ""
    if source["object"] == "transfer_reversal":
        return _id(source["transfer"])
    ours = source["metadata"] or {}
    return str(ours.get("refund_id") or ours.get("payout_id") or "")


def metadata_of(thing: Any) -> dict[str, str]:
    """What we wrote on *thing*."""
    found: dict[str, str] = thing.metadata.to_dict() if thing.metadata is not None else {}
    return found


def _why(problem: Any) -> str:
    """The closest code of a refusal; Stripe leaves out members that do not apply."""
    return str(getattr(problem, "decline_code", None) or getattr(problem, "code", None) or "")


def _id(member: Any) -> str:
    """The id of a member that is one, an expanded object or nothing."""
    if member is None:
        return ""
    return member if isinstance(member, str) else str(member.id)


def _vat(booked: Any) -> int:
    return sum(int(detail.amount) for detail in booked.fee_details if detail.type == "tax")


def _balance(booked: Any) -> dict[str, Any] | None:
    if booked is None or isinstance(booked, str):
        return None
    vat = _vat(booked)
    return {
        "balance_transaction_id": booked.id,
        "currency": booked.currency.upper(),
        "fee": booked.fee - vat,
        "fee_vat": vat,
    }
