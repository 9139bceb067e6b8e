"""What `work` does for orders outside a transaction, and the use case that each outcome leads to."""

from collections.abc import Mapping
from typing import Any

from services.orders.adapters.papers import Papers
from services.orders.use_cases import contract, dispute, order, report, sample
from services.shared.chassis.definition import OutsideCall
from services.shared.chassis.object_store import ObjectStore


def outside_calls(papers: Papers, store: ObjectStore) -> tuple[OutsideCall, ...]:
    """All of them. Papers that cannot be made are tried again for ever: a cause is mended, and an order goes on."""

    def keep_upload(payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        del key
        kept = store.finalise(
            payload["upload_key"],
            payload["record_key"],
            sha256=payload["sha256"],
            size=payload["size_bytes"],
            media_type=payload["media_type"],
        )
        return {"key": kept.key}

    return (
        OutsideCall(order.RENDER_CONTRACT, papers.render_contract, contract.record_papers),
        OutsideCall(order.RENDER_PACKING_SHEET, papers.render_packing_sheet, sample.record_packing_sheet),
        OutsideCall(report.CHECK_REPORT, keep_upload, report.record_issued, report.record_refused),
        OutsideCall(dispute.CHECK_EVIDENCE, keep_upload, dispute.record_evidence, dispute.record_evidence_refused),
    )
