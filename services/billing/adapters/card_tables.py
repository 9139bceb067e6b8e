"""Billing's tables of what the payment institution does: pages, chargebacks, webhooks, who is paid by it."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.billing.adapters.tables import instant, metadata

checkout = Table(
    "checkout",
    metadata,
    Column("checkout_id", Uuid, primary_key=True),
    Column("payment_id", Uuid),
    Column("state", Text),
    Column("success_url", Text),
    Column("cancel_url", Text),
    instant("opened_at"),
    Column("session_id", Text),
    Column("url", Text),
    instant("expires_at"),
    Column("failure", Text),
    Column("checks", Integer),
    Column("version", Integer),
)

chargeback = Table(
    "chargeback",
    metadata,
    Column("chargeback_id", Uuid, primary_key=True),
    Column("stripe_dispute_id", Text),
    Column("charge_id", Text),
    Column("payment_id", Uuid),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("customer_id", Uuid),
    Column("state", Text),
    Column("reason", Text),
    Column("currency", Text),
    Column("amount", BigInteger),
    instant("opened_at"),
    Column("withdrawn", BigInteger),
    instant("evidence_due_at"),
    Column("submissions", Integer),
    Column("evidence", JSONB),
    Column("written", Integer),
    Column("files", JSONB),
    Column("submitting", Boolean),
    Column("bad_debt", BigInteger),
    instant("closed_at"),
    Column("checks", Integer),
    Column("version", Integer),
)

payout_channel = Table(
    "payout_channel",
    metadata,
    Column("payout_channel_id", Uuid, primary_key=True),
    Column("party_id", Uuid),
    Column("way", Text),
    Column("account_id", Text),
    Column("agreement", Text),
    Column("state", Text),
    instant("proposed_at"),
    Column("proposed_by", Text),
    instant("decided_at"),
    Column("decided_by", Text),
    Column("transfers", Text),
    instant("checked_at"),
    Column("version", Integer),
)

stripe_payout = Table(
    "stripe_payout",
    metadata,
    Column("psp_payout_id", Uuid, primary_key=True),
    Column("stripe_payout_id", Text),
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("arrives_on", Date),
    Column("state", Text),
    Column("trace", Text),
    Column("line_id", Uuid),
    Column("return_line_id", Uuid),
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
    instant("received_at"),
    instant("handled_at"),
    Column("outcome", Text),
    Column("sweeps", Integer),
)
