"""Orders' tables, as the newest migration leaves them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def _table(name: str, key: str, columns: Sequence[tuple[str, Any]]) -> Table:
    return Table(name, metadata, Column(key, Uuid, primary_key=True), *(Column(name, kind) for name, kind in columns))


_UUID, _INT, _TEXT, _JSON, _BOOL = Uuid(), Integer(), Text(), JSONB(none_as_null=True), Boolean()
_TIME = DateTime(timezone=True)

organisation = _table("organisation", "organisation_id", [
    ("kind", _TEXT), ("legal_name", _TEXT), ("legal_name_en", _TEXT), ("credit_code", _TEXT), ("address", _TEXT),
    ("mail", _TEXT), ("phone", _TEXT), ("tax_profile", _JSON), ("bank_name", _TEXT), ("bank_account", _TEXT),
    ("registered_at", _TIME),
])  # fmt: skip

provider = _table(
    "provider",
    "provider_id",
    [
        ("name_zh", _TEXT),
        ("name_en", _TEXT),
        ("sells", _BOOL),
        ("framework_agreement_number", _TEXT),
    ],
)

offering = _table("offering", "offering_id", [
    ("number", _TEXT), ("provider_id", _UUID), ("title_zh", _TEXT), ("title_en", _TEXT), ("method_zh", _TEXT),
    ("method_en", _TEXT), ("method_codes", _JSON), ("unit", _TEXT), ("turnaround_days", _INT), ("orderable", _BOOL),
    ("published", _BOOL), ("prices", _JSON), ("instrument_class", _TEXT),
])  # fmt: skip

collection_agreement = _table("collection_agreement", "collection_agreement_id", [
    ("provider_id", _UUID), ("collection_model", _TEXT), ("collecting_account", _TEXT), ("reason", _JSON),
    ("valid_from", _TIME), ("state", _TEXT), ("proposed_at", _TIME), ("proposed_by", _TEXT), ("approved_at", _TIME),
    ("approved_by", _TEXT),
])  # fmt: skip

credit_line = Table(
    "credit_line",
    metadata,
    Column("customer_id", _UUID, primary_key=True),
    Column("currency", _TEXT, primary_key=True),
    Column("credit_line_id", _UUID),
    Column("active", _BOOL),
    Column("net_days", _INT),
    Column("before_work_bps", _INT),
    Column("valid_until", Date),
)

commission_plan = _table("commission_plan", "commission_plan_id", [
    ("valid_from", _TIME), ("valid_until", _TIME), ("fee_bps", _INT), ("station_bps", _INT), ("components", _JSON),
    ("provider_id", _UUID), ("offering_class", _TEXT), ("station_id", _UUID), ("currency", _TEXT),
])  # fmt: skip

referral = _table("referral", "referral_id", [
    ("customer_id", _UUID), ("station_id", _UUID), ("protected_from", _TIME), ("protected_until", _TIME),
])  # fmt: skip

quotation_request = _table("quotation_request", "quotation_request_id", [
    ("number", _TEXT), ("state", _TEXT), ("customer_id", _UUID), ("provider_ids", ARRAY(Uuid)),
    ("offering_id", _UUID), ("title", _TEXT), ("requirements", _TEXT), ("quantity", _INT), ("samples", _JSON),
    ("respond_by", _TIME), ("opened_at", _TIME), ("priced_by_company", _BOOL),
])  # fmt: skip

quotation_request_provider = Table(
    "quotation_request_provider",
    metadata,
    Column("provider_id", Uuid, primary_key=True),
    Column("opened_at", _TIME, primary_key=True),
    Column("quotation_request_id", Uuid, primary_key=True),
)

quotation = _table("quotation", "quotation_id", [
    ("number", _TEXT), ("version", _INT), ("state", _TEXT), ("quotation_request_id", _UUID), ("customer_id", _UUID),
    ("provider_id", _UUID), ("lines", _JSON), ("amounts", _JSON), ("turnaround_days", _INT), ("notes", _TEXT),
    ("valid_until", _TIME), ("sent_at", _TIME), ("counter_offer", _TEXT), ("counter_net", _JSON), ("reason", _TEXT),
    ("order_id", _UUID), ("provider_side", _JSON), ("collection", _JSON),
])  # fmt: skip

orders = _table("orders", "order_id", [
    ("number", _TEXT), ("parent_id", _UUID), ("state", _TEXT), ("customer_id", _UUID), ("provider_id", _UUID),
    ("station_id", _UUID), ("quotation_id", _UUID), ("lines", _JSON), ("amounts", _JSON), ("payment_method", _TEXT),
    ("payment_terms", _JSON), ("samples_declared", _JSON), ("turnaround_days", _INT), ("notes", _TEXT),
    ("terms", _JSON), ("payments", _JSON), ("covers", _JSON), ("shipment_number", _TEXT), ("packing_sheet", _JSON),
    ("placed_at", _TIME), ("contracted_at", _TIME), ("released_at", _TIME), ("delivered_at", _TIME),
    ("accepted_at", _TIME), ("accept_by", _TIME), ("closed_at", _TIME), ("cancel_reason", _TEXT),
    ("provider_side", _JSON), ("project_funds", _JSON), ("collection", _JSON),
])  # fmt: skip

order_step = Table(
    "order_step",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("order_id", Uuid),
    Column("what", Text),
    Column("at", _TIME),
    Column("by", Text),
)

contract = _table("contract", "contract_id", [
    ("number", _TEXT), ("order_id", _UUID), ("state", _TEXT), ("documents", _JSON), ("signatures", _JSON),
])  # fmt: skip

sample = _table("sample", "sample_id", [
    ("order_id", _UUID), ("position", _INT), ("code", _TEXT), ("customer_code", _TEXT), ("description", _TEXT),
    ("quantity", _INT), ("hazards", _TEXT), ("after_test", _TEXT), ("state", _TEXT), ("quantity_received", _INT),
    ("condition", _TEXT), ("note", _TEXT), ("storage_place", _TEXT), ("received_at", _TIME),
])  # fmt: skip

shipment = _table("shipment", "shipment_id", [
    ("number", _TEXT), ("order_id", _UUID), ("state", _TEXT), ("carrier", _TEXT), ("tracking_number", _TEXT),
    ("dispatched_at", _TIME), ("sample_ids", ARRAY(Uuid)),
])  # fmt: skip

analysis = _table("analysis", "analysis_id", [
    ("order_id", _UUID), ("line", _INT), ("state", _TEXT), ("started_at", _TIME), ("finished_at", _TIME),
    ("machine_minutes", _INT), ("note", _TEXT),
])  # fmt: skip

report = _table("report", "report_id", [
    ("number", _TEXT), ("order_id", _UUID), ("lines", ARRAY(Integer)), ("title", _TEXT), ("sha256", _TEXT),
    ("size_bytes", BigInteger()), ("media_type", _TEXT), ("check_code", _TEXT), ("drafted_at", _TIME),
    ("state", _TEXT), ("attempts", _INT), ("problem", _TEXT), ("object_key", _TEXT), ("issued_at", _TIME),
])  # fmt: skip

dispute = _table("dispute", "dispute_id", [
    ("number", _TEXT), ("order_id", _UUID), ("order_number", _TEXT), ("customer_id", _UUID), ("provider_id", _UUID),
    ("state", _TEXT), ("reason", _TEXT), ("lines", ARRAY(Integer)), ("text", _TEXT), ("opened_at", _TIME),
    ("time_left_s", _INT), ("evidence", _JSON), ("comments", _JSON), ("answered_at", _TIME), ("decision", _JSON),
    ("closed_at", _TIME),
])  # fmt: skip
