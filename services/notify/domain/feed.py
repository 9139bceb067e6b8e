"""
The finance feed: which event goes into whose view, and what of it. This is the one table.

    operator_ledger            the operating company: every event of the table, whole
    organisation/<id>          a customer, provider or station: its own events, listed fields only

What a party may see is listed field by field, so that a field added to an event one day is shown to
nobody before somebody decides it. A customer never sees fee, commission, station share or the
provider's net; a provider or station never sees another's amounts.

Every event of the table is in the operator's view: whoever appends locks that view first, and that
keeps writers beside each other from waiting in circles.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from services.shared.kernel.rate import share
from services.shared.kernel.tax import TaxProfile

OPERATOR_VIEW = "operator_ledger"

PartyField = Literal["customer_id", "provider_id", "party_id", "station_id"]
Data = Mapping[str, Any]


@dataclass(frozen=True)
class Slice:
    """
    What one party gets of an event.

    Attributes:
        party: Field of the event that names the organisation.
        fields: Dotted paths; a path through a list goes through each of its items.
        derived: What is computed for them from fields that they do not get.
    """

    party: PartyField
    fields: tuple[str, ...]
    derived: Callable[[Data], Data] | None = None

    def of(self, data: Data) -> dict[str, Any]:
        picked = pick(data, self.fields)
        return {**picked, **self.derived(data)} if self.derived is not None else picked


def provider_share(data: Data) -> Data:
    """What the provider earns by an order: net after fee, and the tax it invoices on top where that is deductible."""
    net, terms = data["amounts"]["net"], data["terms"]
    earned = net["amount"] - share(net["amount"], terms["fee_bps"])
    if terms.get("provider_net") is not None:
        earned = terms["provider_net"]["amount"]
    tax = share(earned, TaxProfile(**terms["provider_tax"]).deductible_bps)
    if terms.get("commission_rate_bps") is not None:  # it sells, and has of the tax what the commission leaves
        tax = data["amounts"]["tax"]["amount"] - share(net["amount"] - earned, terms["commission_rate_bps"])
    return {
        "share": {
            "net": {"amount": earned, "currency": net["currency"]},
            "tax": {"amount": tax, "currency": net["currency"]},
        }
    }


_REFERRAL = ("referral_id", "customer_id")
_ORDER = ("order_id", "number", "customer_id", "provider_id")
_CUSTOMER_TERMS = tuple(
    f"terms.{name}"
    for name in (
        "collection_model",
        "payment_method",
        "payment_schedule",
        "net_days",
        "acceptance_days",
        "objection_days",
    )
)
_PROVIDER_TERMS = tuple(
    f"terms.{name}" for name in ("collection_model", "provider_tax", "acceptance_days", "hold_days", "objection_days")
)
_WORK = tuple(f"lines.{name}" for name in ("line", "offering_id", "title_zh", "title_en", "unit", "quantity"))
_PRICES = tuple(f"lines.{name}" for name in ("unit_price", "includes_tax", "discount_bps", "discount", "net", "tax"))
_PAYMENT = ("payment_id", "order_id", "order_number", "customer_id", "method", "amount")
_SUBSIDY = ("subsidy_id", "number", "programme_id", "party_id", "first_on", "last_on", "amount")
_CLAIM = ("claim_id", "number", "programme_id", "party_id", "order_id", "order_number", "amount")
_CREDIT_LINE = ("credit_line_id", "customer_id")
_CREDIT = ("credit_id", "order_id", "order_number", "customer_id", "amount")
_TRANSFER = ("funding_id", "order_id", "order_number", "customer_id", "provider_id")
_FUNDING = (*_TRANSFER, "project_number", "responsible_person", "amount")
_RECEIVABLE = ("receivable_id", "order_id", "order_number", "customer_id", "amount")
_SETTLEMENT = ("settlement_id", "number", "party_kind", "party_id", "net", "tax", "gross", "order_count")
_VOUCHER = ("voucher_id", "number", "programme_id", "customer_id")
_USE = (
    "use_id", "voucher_id", "programme_id", "order_id", "order_number", "customer_id", "amount", "redeem_to",
)  # fmt: skip
_PAYOUT_CHANNEL = ("payout_channel_id", "party_kind", "party_id")
_PAYBACK = ("credit_payback_id", "number", "customer_id", "amount")
_PAYOUT = ("payout_id", "number", "settlement_id", "party_kind", "party_id", "amount")
_DISPUTE = ("dispute_id", "number", "order_id", "customer_id", "provider_id")
_SPLIT = ("order_id", "order_number", "provider_id", "amount")
_CHANNEL_ORDER = ("order_id", "order_number", "payment_id", "provider_id", "amount", "released_at")
_REFUND = (
    "refund_id", "number", "order_id", "order_number", "customer_id", "cause", "net", "tax", "gross", "on_account",
    "paid_back",
)  # fmt: skip
_REVENUE = (
    "order_id", "order_number", "customer_id", "net", "tax", "gross", "tax_rate_bps", "on_credit", "net_days",
    "accepted_at",
)  # fmt: skip
_RED_LETTER = (
    "red_letter_id", "refund_id", "invoice_id", "invoice_number", "order_id", "order_number", "customer_id", "net",
    "tax", "gross",
)  # fmt: skip
_RECEIVED = (
    "received_invoice_id", "number", "kind", "settlement_id", "party_id", "net", "tax", "gross", "issued_on",
)  # fmt: skip
_INVOICE = (
    "invoice_id", "number", "order_id", "order_number", "customer_id", "net", "tax", "gross", "tax_rate_bps",
    "issued_at", "pdf_sha256", "xml_sha256", "orders", "total", "refund_id", "due_on",
)  # fmt: skip


def _customer(*fields: str) -> Slice:
    return Slice("customer_id", fields)


def _provider(*fields: str, derived: Callable[[Data], Data] | None = None) -> Slice:
    return Slice("provider_id", fields, derived)


def _station(*fields: str) -> Slice:
    return Slice("station_id", fields)


def _party(*fields: str) -> Slice:
    return Slice("party_id", fields)


FEED: Mapping[str, tuple[Slice, ...]] = {
    # orders
    "order.placed.v1": (
        _customer(*_ORDER, "quotation_id", *_WORK, *_PRICES, "amounts", "payment_method", "placed_at"),
    ),
    "order.contracted.v1": (
        _customer(*_ORDER, "contract_id", "contract_number", *_WORK, *_PRICES, "amounts", *_CUSTOMER_TERMS,
                  "contracted_at"),
        _provider(*_ORDER, "contract_id", "contract_number", *_WORK, *_PROVIDER_TERMS, "contracted_at",
                  derived=provider_share),
    ),
    "order.released.v1": (
        _customer(*_ORDER, "reason", "released_at"),
        _provider(*_ORDER, "reason", "released_at"),
    ),
    "order.in_progress.v1": (_customer(*_ORDER),),
    "order.delivered.v1": (_customer(*_ORDER, "delivered_at", "accept_by"),),
    "order.accepted.v1": (
        _customer(*_ORDER, "contract_number", "amounts", *_CUSTOMER_TERMS, "accepted_by", "accepted_at"),
        _provider(*_ORDER, "contract_number", *_PROVIDER_TERMS, "accepted_by", "accepted_at",
                  derived=provider_share),
    ),
    "order.closed.v1": (_customer(*_ORDER),),
    "order.cancelled.v1": (_customer(*_ORDER, "reason", "kept"), _provider(*_ORDER, "reason", "to_provider")),
    "collection_agreement.approved.v1": (
        _provider("collection_agreement_id", "provider_id", "collection_model", "valid_from", "approved_at"),
    ),
    "seller_invoice.recorded.v1": (
        _customer("order_id", "order_number", "customer_id", "provider_id", "number", "kind", "net", "tax", "gross",
                  "issued_on"),
        _provider("order_id", "order_number", "provider_id", "number", "kind", "net", "tax", "gross", "issued_on"),
    ),
    # billing
    "payment.opened.v1": (_customer(*_PAYMENT, "reference", "due_on"),),
    "payment.succeeded.v1": (_customer(*_PAYMENT, "channel_transaction_id", "succeeded_at"),),
    "payment.failed.v1": (_customer(*_PAYMENT, "failure"),),
    "payment.in_doubt.v1": (),  # the company's own puzzle until a person has looked
    # between the company, the institution and the bank; what the order comes down by is told with its refund
    "chargeback.opened.v1": (),
    "chargeback.evidence_due.v1": (),
    "chargeback.won.v1": (),
    "chargeback.lost.v1": (),
    "credit_line.approved.v1": (
        _customer(*_CREDIT_LINE, "limit", "net_days", "before_work_bps", "valid_until", "approved_at"),
    ),
    "credit_line.suspended.v1": (_customer(*_CREDIT_LINE),),
    "credit.granted.v1": (_customer(*_CREDIT, "net_days"),),
    "credit.refused.v1": (_customer(*_CREDIT, "reason"),),
    # provider and customer are one legal entity, but a laboratory needs to know no project
    "funding.requested.v1": (_customer(*_FUNDING),),
    "funding.reserved.v1": (_customer(*_FUNDING),),
    "funding.refused.v1": (_customer(*_FUNDING, "reason"),),
    "funding.released.v1": (_customer(*_FUNDING, "reason"),),
    "funding.executed.v1": (_customer(*_FUNDING, "executed", "left"), _provider(*_TRANSFER, "executed", "left")),
    "funding.returned.v1": (_customer(*_FUNDING, "returned"), _provider(*_TRANSFER, "returned")),
    "receivable.reminded.v1": (
        _customer(*_RECEIVABLE, "invoice_number", "due_on", "days_overdue", "reminder", "last", "reference"),
    ),
    "commission.reminded.v1": (
        _provider(
            "clawback_id", "order_id", "order_number", "provider_id", "amount", "invoice_number", "due_on",
            "days_overdue", "reminder", "last", "reference",
        ),
    ),
    "receivable.written_off.v1": (),  # a loss of the company's; that it is owed all the same does not change
    "revenue.recognised.v1": (_customer(*_REVENUE),),
    "refund.agreed.v1": (_customer(*_REFUND),),
    "refund.succeeded.v1": (_customer(*_REFUND, "succeeded_at"),),
    "refund.failed.v1": (_customer(*_REFUND),),
    "dispute.opened.v1": (
        _customer(*_DISPUTE, "reason", "lines", "opened_at"),
        _provider(*_DISPUTE, "reason", "lines", "opened_at"),
    ),
    "dispute.answered.v1": (_customer(*_DISPUTE, "answered_at"), _provider(*_DISPUTE, "answered_at")),
    "dispute.decided.v1": (
        _customer(*_DISPUTE, "outcome", "net", "decided_at"),
        _provider(*_DISPUTE, "outcome", "burden", "decided_at"),
    ),
    "dispute.withdrawn.v1": (_customer(*_DISPUTE, "withdrawn_at"), _provider(*_DISPUTE, "withdrawn_at")),
    "commission.earned.v1": (
        _provider("order_id", "order_number", "provider_id", "net", "tax", "gross", "tax_rate_bps", "accepted_at"),
    ),
    "seller.paid.v1": (_provider("order_id", "order_number", "provider_id"),),
    "commission.reduced.v1": (
        _provider("refund_id", "order_id", "order_number", "provider_id", "net", "tax", "gross"),
    ),
    "settlement.closed.v1": (_party(*_SETTLEMENT, "until", "closed_at", "tax_rate_bps", "special_invoice"),),
    "settlement.payable.v1": (_party(*_SETTLEMENT, "payable_from"),),
    "settlement.paid.v1": (_party(*_SETTLEMENT, "payout_id", "paid_at"),),
    "settlement.due.v1": (),  # for the company's finance
    "settlement.orders_paid.v1": (),  # for orders; a party has the lines of its statement
    "payout.released.v1": (_party(*_PAYOUT),),
    "payout.ordered.v1": (_party(*_PAYOUT),),
    "payout.cancelled.v1": (_party(*_PAYOUT, "reason"),),
    "payout.paid.v1": (_party(*_PAYOUT, "paid_at"),),
    "payout.failed.v1": (_party(*_PAYOUT, "reason"),),
    "payout.returned.v1": (_party(*_PAYOUT, "returned_at"),),
    "credit_payback.ordered.v1": (_customer(*_PAYBACK, "ordered_at"),),
    "credit_payback.paid.v1": (_customer(*_PAYBACK, "paid_at"),),
    "credit_payback.failed.v1": (_customer(*_PAYBACK, "reason"),),
    "credit_payback.returned.v1": (_customer(*_PAYBACK, "returned_at"),),
    "payout_channel.agreed.v1": (_party(*_PAYOUT_CHANNEL, "way", "account_id", "agreed_at"),),
    "channel_order.release_due.v1": (_provider(*_CHANNEL_ORDER),),
    "channel_order.released.v1": (_provider(*_CHANNEL_ORDER),),
    "split_order.finished.v1": (_provider(*_SPLIT, "rest", "finished_at"),),
    "split_order.failed.v1": (_provider(*_SPLIT, "failure"),),
    "split_return.failed.v1": (_provider(*_SPLIT, "refund_id", "failure"),),
    "ledger.posted.v1": (),
    "ledger.sealed.v1": (),
    "reconciliation.overdue.v1": (),
    "period.closed.v1": (),
    "bank_line.in_suspense.v1": (),
    "bank_line.resolved.v1": (),
    "bank_line.reopened.v1": (),
    "commission_plan.published.v1": (),
    "referral.confirmed.v1": (_station(*_REFERRAL, "protected_from", "protected_until"),),
    "referral.refused.v1": (_station(*_REFERRAL, "reason"),),
    "referral.revoked.v1": (_station(*_REFERRAL, "protected_until", "reason"),),
    "programme.published.v1": (),
    "voucher.granted.v1": (_customer(*_VOUCHER, "amount", "valid_until"),),
    "voucher.expired.v1": (_customer(*_VOUCHER, "left"),),
    "voucher.revoked.v1": (_customer(*_VOUCHER, "reason", "left"),),
    "voucher.reserved.v1": (_customer(*_USE, "cover"),),
    "voucher.used.v1": (_customer(*_USE),),
    "voucher.returned.v1": (_customer(*_USE, "reason"),),
    "voucher.reduced.v1": (_customer(*_USE, "returned"),),
    "voucher.redeemed.v1": (_customer(*_USE),),
    "claim.submitted.v1": (_party(*_CLAIM, "automatic"),),
    "claim.sent_back.v1": (_party(*_CLAIM, "reason"),),
    "claim.approved.v1": (_party(*_CLAIM),),
    "claim.rejected.v1": (_party(*_CLAIM, "reason", "shortfall_payer", "due_on"),),
    "claim.paid.v1": (_party(*_CLAIM, "paid", "reference"),),
    "subsidy.submitted.v1": (_party(*_SUBSIDY, "order_count"),),
    "subsidy.sent_back.v1": (_party(*_SUBSIDY, "reason"),),
    "subsidy.approved.v1": (_party(*_SUBSIDY),),
    "subsidy.rejected.v1": (_party(*_SUBSIDY, "reason"),),
    "subsidy.paid.v1": (_party(*_SUBSIDY, "reference"),),
    "subsidy.reduced.v1": (_party(*_SUBSIDY, "reduced_by", "to_give_back"),),
    # invoicing
    "invoice.issued.v1": (_customer(*_INVOICE),),
    "invoice.failed.v1": (),
    "document.made_again.v1": (),
    "invoice.reduced.v1": (
        _customer("refund_id", "order_id", "order_number", "customer_id", "net", "tax", "gross"),
    ),
    "tax_point.reached.v1": (),
    "red_letter.requested.v1": (_customer(*_RED_LETTER),),
    "red_letter.issued.v1": (
        _customer(*_RED_LETTER, "number", "form_number", "tax_rate_bps", "issued_at", "pdf_sha256", "xml_sha256"),
    ),
    # between the company and the bureau; the buyer sees its form there
    "red_letter.refused.v1": (),
    "red_letter.escalated.v1": (),
    "red_letter.failed.v1": (),
    "received_invoice.matched.v1": (_party(*_RECEIVED),),
    "received_invoice.rejected.v1": (_party(*_RECEIVED, "reason"),),
}  # fmt: skip


def view_of(organisation_id: UUID | str) -> str:
    """The name of a customer's, provider's or station's own view."""
    return f"organisation/{organisation_id}"


def entries_for(wire_name: str, data: Data) -> dict[str, Mapping[str, Any]]:
    """
    View → what it gets of an event, the operator's first.

    Where the field that names an organisation is empty, nobody gets it. One that stands in two relations to one event
    gets it once, as the first of them.
    """
    found: dict[str, Mapping[str, Any]] = {OPERATOR_VIEW: data}
    for each in FEED[wire_name]:
        if data[each.party] is not None:
            found.setdefault(view_of(data[each.party]), each.of(data))
    return found


def pick(data: Data, paths: tuple[str, ...]) -> dict[str, Any]:
    """*data* with what *paths* name and nothing else, in the order of *data*."""
    wanted: dict[str, tuple[str, ...]] = {}
    for path in paths:
        head, _, rest = path.partition(".")
        wanted[head] = (*wanted.get(head, ()), *([rest] if rest else []))
    return {name: _inside(value, wanted[name]) for name, value in data.items() if name in wanted}


def _inside(value: Any, paths: tuple[str, ...]) -> Any:
    if not paths or value is None:
        return value
    if isinstance(value, list | tuple):
        return [_inside(item, paths) for item in value]
    return pick(value, paths)
