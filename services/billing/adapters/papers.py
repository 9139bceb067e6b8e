"""Statements, orders to the bank and evidence: made or checked outside a transaction, kept in the object store."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from services.billing.adapters.bank_files import Debtor, bank_order
from services.billing.adapters.claim_pack import pack_of
from services.billing.domain.bank_order import BankOrderFormat
from services.shared.chassis import database
from services.shared.chassis.object_store import ObjectStore


class Papers:
    """Statements and bank orders: made here, kept in the object store."""

    def __init__(
        self, source: Engine, object_store: tuple[str, str, str], company: tuple[str, str, str], debtor: Debtor,
        order_format: BankOrderFormat,
    ) -> None:  # fmt: skip
        """
        Args:
            source: Where what they say is read.
            object_store: URL, bucket, records bucket.
            company: Name, credit code, address of the operating company.
            debtor: The company with its own account, as the bank knows it.
            order_format: Of the files by which the bank is told of refunds.
        """
        self.source = source
        self.object_store = object_store
        self.company = company
        self.debtor = debtor
        self.order_format = order_format

    @cached_property
    def store(self) -> ObjectStore:
        return ObjectStore(*self.object_store)

    def render_settlement(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        del key
        from services.billing.adapters import documents, settlement_papers, statement_sheet

        with database.connection(self.source) as held:
            statement = settlement_papers.statement_of(
                held, UUID(payload["settlement_id"]), documents.Party(*self.company)
            )
        pdf = documents.settlement_statement_pdf(statement)
        sheet = statement_sheet.settlement_statement_xlsx(statement)
        name = f"settlements/{payload['settlement_id']}"
        return {
            "pdf": asdict(self.store.keep(f"{name}.pdf", pdf, "application/pdf")),
            "xlsx": asdict(self.store.keep(f"{name}.xlsx", sheet, statement_sheet.MEDIA_TYPE)),
        }

    def build_claim_pack(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        name, body = pack_of(payload, key)
        stored = self.store.keep(name, body, "application/zip")
        return {"key": stored.key, "sha256": stored.sha256, "size": stored.size}

    def write_refund_order(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        del key
        order = {
            "format": self.order_format, "number": payload["order_number"], "currency": payload["currency"],
            "ordered_at": payload["ordered_at"], "payments": [payload],
        }  # fmt: skip
        body, suffix, media_type = bank_order(order, self.debtor)
        stored = self.store.keep(f"bank_orders/{payload['order_number']}.{suffix}", body, media_type)
        return {"key": stored.key, "sha256": stored.sha256, "size": stored.size}

    def keep_evidence(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """Raises UploadMissing, UploadMismatch, Unavailable."""
        del key
        stored = self.store.finalise(
            payload["upload_key"], payload["record_key"], sha256=payload["sha256"], size=payload["size_bytes"],
            media_type=payload["media_type"],
        )  # fmt: skip
        return {"key": stored.key}

    def write_bank_order(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        del key
        body, suffix, media_type = bank_order(payload, self.debtor)
        stored = self.store.keep(f"bank_orders/{payload['bank_order_id']}.{suffix}", body, media_type)
        return {"key": stored.key, "sha256": stored.sha256, "size": stored.size}
