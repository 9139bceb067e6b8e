"""One example of every event that notify acts on."""

from datetime import date, timedelta
from typing import Any

from infra.schemas.examples import example
from services.shared.kernel.collection import CollectionReason
from services.shared.kernel.ids import derived_id
from services.shared.messages.base import Event
from services.shared.messages.billing.bank_line import BankLinePart
from services.shared.messages.billing.ledger import Entry, LedgerTransaction
from services.shared.messages.billing.programme import Rules
from services.shared.messages.orders.contract import Document
from services.shared.messages.registry import events
from tests.kit.fakes_invoicing import (
    CONTRACT_ID,
    CUSTOMER_ID,
    NOW,
    ORDER_ID,
    PROVIDER_ID,
    SETTLEMENT_ID,
    STATION_ID,
    a_line,
    amounts,
    cny,
    terms,
)

# Net 1,000.00; fee 12.34 %, of which the station gets 56.78 %: figures that show where they should not.
FEE_BPS, STATION_BPS = 1_234, 5_678
_LINE = a_line(net=100_000, quantity=2)
_COMMON: dict[str, Any] = {
    "order_id": ORDER_ID,
    "order_number": "OR-2026-000001",
    "number": "NO-2026-000001",
    "customer_id": CUSTOMER_ID,
    "provider_id": PROVIDER_ID,
    "provider_ids": (PROVIDER_ID,),
    "party_id": PROVIDER_ID,
    "party_kind": "provider",
    "station_id": STATION_ID,
    "organisation_id": CUSTOMER_ID,
    "webhook_endpoint_id": derived_id("webhook_endpoint", 1),
    "quotation_request_id": derived_id("quotation_request", 1),
    "quotation_id": derived_id("quotation", 1),
    "contract_id": CONTRACT_ID,
    "contract_number": "CT-2026-000001",
    "payment_id": derived_id("payment", 1),
    "refund_id": derived_id("refund", 1),
    "bank_order_id": derived_id("bank_order", 1),
    "dispute_id": derived_id("dispute", 1),
    "outcome": "refund",
    "burden": "provider",
    "station_base": "remaining",
    "decided_by": "member/1",
    "kept": cny(21_200),
    "to_provider": cny(19_080),
    "chargeback_id": derived_id("chargeback", 1),
    "evidence_due_at": NOW + timedelta(days=7),
    "bad_debt": cny(1),
    "invoiced": True,
    "on_account": cny(0),
    "paid_back": cny(95_400),
    "shipment_id": derived_id("shipment", 1),
    "sample_id": derived_id("sample", 1),
    "sample_ids": (derived_id("sample", 1),),
    "report_id": derived_id("report", 1),
    "settlement_id": SETTLEMENT_ID,
    "payout_id": derived_id("payout", 1),
    "invoice_id": derived_id("invoice", 1),
    "received_invoice_id": derived_id("received_invoice", 1),
    "tax_point_id": derived_id("tax_point", 1),
    "bank_line_id": derived_id("bank_line", 1),
    "referral_id": derived_id("referral", 1),
    "commission_plan_id": derived_id("commission_plan", 1),
    "credit_line_id": derived_id("credit_line", 1),
    "credit_id": derived_id("credit", 1),
    "receivable_id": derived_id("receivable", 1),
    "limit": cny(50_000_000),
    "net_days": 30,
    "on_credit": cny(0),
    "before_work_bps": 3_000,
    "invoice_number": "INV-2026-000001",
    "due_on": date(2027, 1, 4),
    "days_overdue": 30,
    "reminder": 3,
    "last": True,
    "programme_id": derived_id("programme", 1),
    "programme_version_id": derived_id("programme_version", 1),
    "authority_id": derived_id("organisation", "authority"),
    "side": "customer",
    "budget": cny(100_000_000),
    "rules": example(Rules),
    "voucher_id": derived_id("voucher", 1),
    "use_id": derived_id("voucher_use", 1),
    "redeem_to": "company",
    "left": cny(3_000_000),
    "cover": cny(2_000_000),
    "returned": cny(200_000),
    "claim_id": derived_id("claim", 1),
    "automatic": True,
    "paid": cny(2_000_000),
    "shortfall_payer": "customer",
    "version": 2,
    "title": "EDS <b>mapping</b>",
    "respond_by": NOW + timedelta(days=3),
    "valid_until": NOW + timedelta(days=30),
    "counter_net": cny(88_800),
    "documents": (Document(paper="contract", sha256="a" * 64, size_bytes=1),),
    "lines": (_LINE,),
    "amounts": amounts(_LINE),
    "terms": terms(fee_bps=FEE_BPS, station_bps=STATION_BPS),
    "payment_method": "bank_transfer",
    "method": "bank_transfer",
    "amount": cny(106_000),
    "received": cny(105_950),
    "reference": "YQ-7K2M-9",
    "failure": "card_declined",
    "channel_transaction_id": "ch_1",
    "carrier": "顺丰 SF",
    "tracking_number": "SF1234567890",
    "code": "S-000001",
    "condition": "incomplete",
    "quantity": 2,
    "sha256": "c" * 64,
    "pdf_sha256": "d" * 64,
    "xml_sha256": "e" * 64,
    "order_count": 1,
    "order_ids": (ORDER_ID,),
    "net": cny(90_000),
    "tax": cny(5_400),
    "gross": cny(95_400),
    "tax_rate_bps": 600,
    "special_invoice": True,
    "kind": "special",
    "cause": "acceptance",
    "accepted_by": "timer",
    "problem": "BR-CO-15: sums",
    "reason": "net_differs",
    "serial_number": "B1",
    "fee_bps": FEE_BPS,
    "station_bps": STATION_BPS,
    "until": date(2026, 11, 30),
    "issued_on": date(2026, 12, 1),
    "stream_id": "general",
    "transaction": LedgerTransaction(
        transaction_id=derived_id("tx", 1), key="k", kind="receipt", order_id=ORDER_ID, order_number="OR-2026-000001",
        effective_at=NOW, reverses=None,
        entries=(
            Entry(line=1, account="A:bank:main", side="D", amount=106_000, currency="CNY"),
            Entry(line=2, account=f"L:contract:{ORDER_ID}", side="C", amount=106_000, currency="CNY"),
        ),
    ),
}  # fmt: skip
_OWN: dict[str, dict[str, Any]] = {
    "collection_agreement.approved.v1": {
        "collection_agreement_id": derived_id("collection_agreement", 1),
        "collection_model": "agent_direct",
        "collecting_account": "provider_account",
        "reason": CollectionReason("provider", True, "provider", "it performs"),
        "valid_from": NOW,
        "approved_at": NOW,
    },
    "payout.cancelled.v1": {"reason": "claw_back"},
    "order.released.v1": {"reason": "paid"},
    "report.issued.v1": {"lines": (1,)},
    "bank_line.resolved.v1": {"parts": (BankLinePart(kind="fee", target_id=None, amount=cny(5)),), "by": "member/1"},
    "bank_line.reopened.v1": {"by": "member/1"},
    "dispute.opened.v1": {"reason": "result_wrong", "lines": (1,)},
    "credit_line.approved.v1": {"valid_until": date(2027, 12, 31)},
    "credit_line.suspended.v1": {"reason": "overdue"},
    "credit.refused.v1": {"reason": "limit_exceeded"},
    "ledger.sealed.v1": {"stream_id": "chain", "block": 1, "transactions": 3, "last_seq": 3, "hash": "f" * 64},
    "period.closed.v1": {"period": "2026-11", "until": NOW, "trial_balance_sha256": "f" * 64, "block": 1},
    "reconciliation.overdue.v1": {
        "day": date(2026, 11, 23),
        "stripe_items": 1,
        "bank_items": 2,
        "items": 3,
        "oldest_days": 9,
        "unfinished_runs": 1,
    },
    "voucher.returned.v1": {"reason": "expired"},
    "refund.agreed.v1": {"cause": "dispute"},
    "refund.succeeded.v1": {"cause": "dispute"},
    "refund.failed.v1": {"cause": "dispute"},
}


def an_event(wire_name: str, **changes: Any) -> Event:
    """The example of *wire_name*, with *changes*."""
    kind = events()[wire_name]
    fields = {
        name: NOW if name.endswith(("_at", "_from")) or name in {"accept_by", "protected_until"} else _COMMON[name]
        for name in kind.model_fields
        if name in _COMMON or name.endswith(("_at", "_from")) or name in {"accept_by", "protected_until"}
    }
    return kind(**{**fields, **_OWN.get(wire_name, {}), **changes})
