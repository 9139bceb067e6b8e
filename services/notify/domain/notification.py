"""
Who is told what: the table, and a notification.

A notification is what one organisation is told, in both languages, as the portal shows it; each of
its members who holds one of the roles gets it by mail in their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.notify.domain.member import Language
from services.shared.kernel.actor import Role

LANGUAGES: tuple[Language, ...] = ("zh", "en")

Relation = Literal["customer", "provider", "providers", "party", "organisation", "operator"]
"""*providers*: all that were asked; *party*: the provider or station that a settlement is with; *organisation*: the one
whose the thing is, whatever it is in trade."""


@dataclass(frozen=True)
class Audience:
    """
    Some people that an event is told to.

    Attributes:
        kind: Name of the text in `adapters/templates`.
        roles: In their organisation; nobody holds one: the organisation's own address is written to.
        link: Path in the portal; {…} are fields of the event.
        only_if: Field and value of the event; it is told when they agree.
    """

    kind: str
    relation: Relation
    roles: tuple[Role, ...]
    link: str
    only_if: tuple[str, str | bool] | None = None


_BUYER: tuple[Role, ...] = ("requester", "approver")
_PARTY_FINANCE: tuple[Role, ...] = ("provider_finance", "station_manager")
# a provider that sold is invoiced the commission
_INVOICED: tuple[Role, ...] = ("customer_finance", "provider_finance")
_ORDER = "/orders/{order_id}"
# Where the portal has no page for the thing itself yet: a link that leads nowhere is worse than one that leads near.
_ORDERS = "/orders"

AUDIENCES: Mapping[str, tuple[Audience, ...]] = {
    "quotation_request.opened.v1": (
        Audience("quotation_request_opened", "providers", ("lab_manager",),
                 _ORDERS),
    ),
    "quotation.sent.v1": (
        Audience("quotation_sent", "customer", _BUYER, _ORDERS),
    ),
    "quotation.countered.v1": (
        Audience("quotation_countered", "provider", ("lab_manager",), _ORDERS),
    ),
    "contract.rendered.v1": (
        Audience("contract_rendered", "customer", _BUYER, _ORDER),
        Audience("order_sheet_rendered", "provider", ("lab_manager",), _ORDER),
        Audience("contract_rendered", "operator", ("contract_operator",), _ORDER),
    ),
    "payment.opened.v1": (
        Audience("payment_opened", "customer", ("requester", "customer_finance"), _ORDER),
    ),
    "credit_line.approved.v1": (
        Audience("credit_line_approved", "customer", ("approver", "customer_finance"), _ORDERS),
    ),
    "credit_line.suspended.v1": (
        Audience("credit_line_suspended", "customer", ("approver", "customer_finance"), _ORDERS),
        Audience("credit_line_suspended_overdue", "operator", ("finance_operator",), _ORDERS,
                 only_if=("reason", "overdue")),
    ),
    "credit.granted.v1": (
        Audience("credit_granted", "customer", ("requester", "customer_finance"), _ORDER),
    ),
    "credit.refused.v1": (
        Audience("credit_refused", "customer", ("requester", "approver", "customer_finance"), _ORDER),
    ),
    "funding.refused.v1": (
        Audience("funding_refused", "customer", ("requester", "approver", "customer_finance"), _ORDER),
    ),
    "receivable.reminded.v1": (
        Audience("receivable_reminded", "customer", ("customer_finance", "requester"), _ORDER),
    ),
    "commission.reminded.v1": (
        Audience("commission_reminded", "provider", ("provider_finance",), _ORDER),
    ),
    "receivable.written_off.v1": (
        Audience("receivable_written_off", "operator", ("finance_operator",), _ORDER),
    ),
    "payment.succeeded.v1": (
        Audience("payment_succeeded", "customer", ("requester", "customer_finance"), _ORDER),
    ),
    "chargeback.opened.v1": (
        Audience("chargeback_opened", "operator", ("finance_operator", "dispute_operator"), _ORDER),
    ),
    "chargeback.evidence_due.v1": (
        Audience("chargeback_evidence_due", "operator", ("finance_operator", "dispute_operator"), _ORDER),
    ),
    "chargeback.lost.v1": (
        Audience("chargeback_lost", "operator", ("finance_operator",), _ORDER),
        # It may be working; why the payment is gone is between the company and the customer's bank.
        Audience("payment_taken_back", "provider", ("lab_manager", "provider_finance"), _ORDER,
                 only_if=("at_work", True)),
    ),
    "order.released.v1": (
        Audience("order_released", "provider", ("lab_manager", "technician"), _ORDER),
    ),
    "order.cancelled.v1": (
        Audience("order_cancelled", "customer", _BUYER, _ORDER),
        Audience("order_cancelled", "provider", ("lab_manager",), _ORDER),
    ),
    "shipment.dispatched.v1": (
        Audience("shipment_dispatched", "provider", ("lab_manager", "technician"), _ORDER),
    ),
    "sample.received.v1": (
        Audience("sample_received", "customer", ("requester",), _ORDER),
    ),
    "sample.rejected.v1": (
        Audience("sample_rejected", "customer", ("requester",), _ORDER),
    ),
    "report.issued.v1": (
        Audience("report_issued", "customer", ("requester",), _ORDER),
    ),
    "order.delivered.v1": (
        Audience("order_delivered", "customer", _BUYER, _ORDER),
    ),
    "order.accepted.v1": (
        Audience("order_accepted", "provider", ("lab_manager", "provider_finance"), _ORDER),
        Audience("order_accepted_by_timer", "customer", _BUYER, _ORDER, only_if=("accepted_by", "timer")),
    ),
    "dispute.opened.v1": (
        Audience("dispute_opened", "provider", ("lab_manager",), _ORDER),
        Audience("dispute_opened", "operator", ("dispute_operator",), _ORDER),
    ),
    "dispute.answered.v1": (
        Audience("dispute_answered", "customer", _BUYER, _ORDER),
    ),
    "dispute.decided.v1": (
        Audience("dispute_decided", "customer", _BUYER, _ORDER),
        Audience("dispute_decided", "provider", ("lab_manager", "provider_finance"), _ORDER),
    ),
    "dispute.withdrawn.v1": (
        Audience("dispute_withdrawn", "provider", ("lab_manager",), _ORDER),
    ),
    "refund.succeeded.v1": (
        Audience("refund_succeeded", "customer", ("requester", "customer_finance"), _ORDER),
    ),
    "refund.failed.v1": (
        Audience("refund_failed", "operator", ("finance_operator",), _ORDER),
    ),
    "settlement.closed.v1": (
        Audience("settlement_closed", "party", _PARTY_FINANCE, _ORDERS),
    ),
    "settlement.due.v1": (
        Audience("settlement_due", "operator", ("finance_operator",), _ORDERS, only_if=("overdue", False)),
        Audience("settlement_overdue", "operator", ("finance_operator",), _ORDERS, only_if=("overdue", True)),
    ),
    "received_invoice.rejected.v1": (
        Audience("received_invoice_rejected", "party", _PARTY_FINANCE, _ORDERS),
    ),
    "payout.paid.v1": (
        Audience("payout_paid", "party", _PARTY_FINANCE, _ORDERS),
    ),
    "payout.failed.v1": (
        Audience("payout_failed", "party", _PARTY_FINANCE, _ORDERS),
        Audience("payout_failed_finance", "operator", ("finance_operator",), _ORDERS),
    ),
    "payout.returned.v1": (
        Audience("payout_returned", "party", _PARTY_FINANCE, _ORDERS),
        Audience("payout_returned_finance", "operator", ("finance_operator",), _ORDERS),
    ),
    "reconciliation.overdue.v1": (
        Audience("reconciliation_overdue", "operator", ("finance_operator",), _ORDERS),
    ),
    "invoice.issued.v1": (
        Audience("invoice_issued", "customer", _INVOICED, _ORDER, only_if=("first", True)),
    ),
    "invoice.failed.v1": (
        Audience("invoice_failed", "operator", ("finance_operator",), _ORDER),
    ),
    "red_letter.issued.v1": (
        Audience("red_letter_issued", "customer", _INVOICED, _ORDER),
    ),
    "red_letter.refused.v1": (
        Audience("red_letter_refused", "operator", ("finance_operator",), _ORDER),
    ),
    "red_letter.escalated.v1": (
        Audience("red_letter_escalated", "operator", ("finance_operator",), _ORDER),
    ),
    "red_letter.failed.v1": (
        Audience("red_letter_failed", "operator", ("finance_operator",), _ORDER),
    ),
    "webhook_endpoint.disabled.v1": (
        Audience("webhook_endpoint_disabled", "organisation",
                 ("customer_finance", *_PARTY_FINANCE, "finance_operator", "administrator"), _ORDERS),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Words:
    """A text in one language. *subject* is one line; *body* plain text, paragraphs apart by an empty line."""

    subject: str
    body: str


@dataclass(frozen=True)
class Notification:
    """
    Attributes:
        notification_id: Derived from the event, so that one that comes twice is recognised. What happens twice
            (a sample that is rejected, sent again and rejected again) is told twice.
        link: Path in the portal.
    """

    notification_id: UUID
    organisation_id: UUID
    kind: str
    words: Mapping[Language, Words]
    link: str
    created_at: datetime
