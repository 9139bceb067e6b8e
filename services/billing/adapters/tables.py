"""Billing's tables, as the newest migration leaves them. The ledger's are in `ledger.py`'s SQL."""

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def _instant(name: str) -> "Column[object]":
    return Column(name, DateTime(timezone=True))


organisation = Table(
    "organisation",
    metadata,
    Column("organisation_id", Uuid, primary_key=True),
    Column("kind", Text),
    Column("legal_name", Text),
    Column("unified_social_credit_code", Text),
    Column("address", Text),
    Column("bank_name", Text),
    Column("account_name", Text),
    Column("account_number", Text),
)

contracted_order = Table(
    "contracted_order",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("customer_id", Uuid),
    Column("provider_id", Uuid),
    Column("station_id", Uuid),
    Column("title", Text),
    Column("currency", Text),
    Column("net", BigInteger),
    Column("tax", BigInteger),
    Column("gross", BigInteger),
    Column("split_terms", JSONB),
    _instant("contracted_at"),
    _instant("accepted_at"),
    Column("split", JSONB),
)

accrual = Table(
    "accrual",
    metadata,
    Column("accrual_id", Uuid, primary_key=True),
    Column("key", Text),
    Column("kind", Text),
    Column("order_id", Uuid),
    Column("party_kind", Text),
    Column("party_id", Uuid),
    Column("order_number", Text),
    Column("title", Text),
    Column("currency", Text),
    Column("order_net", BigInteger),
    Column("fee", BigInteger),
    Column("net", BigInteger),
    Column("tax", BigInteger),
    Column("tax_rate_bps", Integer),
    Column("special_invoice", Boolean),
    _instant("accepted_at"),
    _instant("payable_from"),
    Column("corrects", Text),
    Column("settlement_id", Uuid),
)

order_hold = Table(
    "order_hold",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("reason", Text, primary_key=True),
    _instant("since"),
)

clawback = Table(
    "clawback",
    metadata,
    Column("clawback_id", Uuid, primary_key=True),
    Column("key", Text),
    Column("party_kind", Text),
    Column("party_id", Uuid),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("corrects", Text),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("left", BigInteger),
    _instant("opened_at"),
)

commission_plan = Table(
    "commission_plan",
    metadata,
    Column("commission_plan_id", Uuid, primary_key=True),
    _instant("valid_from"),
    Column("fee_bps", Integer),
    Column("station_bps", Integer),
    _instant("published_at"),
)

referral = Table(
    "referral",
    metadata,
    Column("referral_id", Uuid, primary_key=True),
    Column("station_id", Uuid),
    Column("customer_id", Uuid),
    Column("state", Text),
    Column("evidence", Text),
    _instant("claimed_at"),
    _instant("protected_from"),
    _instant("protected_until"),
    Column("reason", Text),
    Column("version", Integer),
)

payment = Table(
    "payment",
    metadata,
    Column("payment_id", Uuid, primary_key=True),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("customer_id", Uuid),
    Column("method", Text),
    Column("state", Text),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("received", BigInteger),
    _instant("opened_at"),
    Column("intent_id", Text),
    Column("client_secret", Text),
    Column("charge_id", Text),
    Column("fee_booked", Boolean),
    Column("reference", Text),
    Column("account_name", Text),
    Column("account_number", Text),
    Column("bank_name", Text),
    Column("failure", Text),
    _instant("succeeded_at"),
    Column("checks", Integer),
    Column("action_required", Boolean),
    Column("version", Integer),
)

checkout = Table(
    "checkout",
    metadata,
    Column("checkout_id", Uuid, primary_key=True),
    Column("payment_id", Uuid),
    Column("state", Text),
    Column("success_url", Text),
    Column("cancel_url", Text),
    _instant("opened_at"),
    Column("session_id", Text),
    Column("url", Text),
    _instant("expires_at"),
    Column("failure", Text),
    Column("checks", Integer),
    Column("version", Integer),
)

stripe_event = Table(
    "stripe_event",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("kind", Text),
    Column("body", Text),
    Column("object_kind", Text),
    Column("object_id", Text),
    Column("account", Text),
    _instant("received_at"),
    _instant("handled_at"),
    Column("outcome", Text),
    Column("sweeps", Integer),
)

bank_line = Table(
    "bank_line",
    metadata,
    Column("bank_line_id", Uuid, primary_key=True),
    Column("account", Text),
    Column("serial_number", Text),
    _instant("booked_at"),
    Column("direction", Text),
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("counterparty", Text),
    Column("remittance", Text),
    Column("state", Text),
    Column("target", Text),
    Column("reason", Text),
    _instant("imported_at"),
    Column("counterparty_account", Text),
    Column("fingerprint", Text),
    Column("entry_reference", Text),
    Column("parts", JSONB),
    Column("booked_key", Text),
    Column("turn", Integer),
    Column("proposal", JSONB),
)

payer_agreement = Table(
    "payer_agreement",
    metadata,
    Column("payer_agreement_id", Uuid, primary_key=True),
    Column("customer_id", Uuid),
    Column("payer_name", Text),
    Column("payer_account", Text),
    Column("evidence", Text),
    Column("valid_from", Date),
    Column("valid_until", Date),
    Column("recorded_by", Text),
    _instant("recorded_at"),
)

bank_file = Table(
    "bank_file",
    metadata,
    Column("bank_file_id", Uuid, primary_key=True),
    Column("account", Text),
    Column("sha256", Text),
    Column("kind", Text),
    _instant("imported_at"),
    Column("imported_by", Text),
)

bank_file_line = Table(
    "bank_file_line",
    metadata,
    Column("bank_file_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("bank_line_id", Uuid),
    Column("booked", Boolean),
)

bank_csv_map = Table(
    "bank_csv_map",
    metadata,
    Column("bank_csv_map_id", Uuid, primary_key=True),
    Column("account", Text),
    _instant("valid_from"),
    Column("name", Text),
    Column("columns", JSONB),
    _instant("declared_at"),
    Column("declared_by", Text),
)

bank_line_reference = Table(
    "bank_line_reference",
    metadata,
    Column("account", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("bank_line_id", Uuid),
)

settlement = Table(
    "settlement",
    metadata,
    Column("settlement_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("state", Text),
    Column("party_kind", Text),
    Column("party_id", Uuid),
    Column("party_name", Text),
    Column("until", Date),
    Column("currency", Text),
    Column("net", BigInteger),
    Column("tax", BigInteger),
    Column("tax_rate_bps", Integer),
    Column("special_invoice", Boolean),
    Column("lines", JSONB),
    _instant("payable_from"),
    _instant("closed_at"),
    Column("kept", JSONB),
    Column("payout_id", Uuid),
    Column("received_invoice_id", Uuid),
    Column("document_key", Text),
    Column("document_sha256", Text),
    Column("document_size", BigInteger),
    Column("version", Integer),
)

adjustment = Table(
    "adjustment",
    metadata,
    Column("adjustment_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("kind", Text),
    Column("state", Text),
    Column("reason", Text),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("reverses", Uuid),
    Column("entries", JSONB),
    _instant("effective_at"),
    _instant("proposed_at"),
    Column("proposed_by", Text),
    _instant("decided_at"),
    Column("decided_by", Text),
    Column("transaction_id", Uuid),
    Column("version", Integer),
)

payout = Table(
    "payout",
    metadata,
    Column("payout_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("state", Text),
    Column("settlement_id", Uuid),
    Column("party_kind", Text),
    Column("party_id", Uuid),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("bank_name", Text),
    Column("account_name", Text),
    Column("account_number", Text),
    _instant("created_at"),
    Column("created_by", Text),
    _instant("released_at"),
    Column("released_by", Text),
    _instant("paid_at"),
    Column("bank_order_key", Text),
    Column("version", Integer),
)
