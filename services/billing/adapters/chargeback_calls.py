"""Evidence for chargebacks as outside calls: files kept and given to Stripe, and what became of it."""

import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.billing.adapters.papers import Papers
from services.billing.adapters.stripe_access import StripeAccess
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.use_cases import chargeback, chargeback_file
from services.shared.chassis.definition import OutsideCall

PURPOSE = "dispute_evidence"
CLOCKS_APART_MAX = timedelta(days=1)

Payload = Mapping[str, Any]


class _Named(io.BytesIO):
    """The SDK takes a file's name from it."""

    def __init__(self, body: bytes, name: str) -> None:
        super().__init__(body)
        self.name = name


class DisputeFiles:
    """Files at Stripe, each made once: it has no metadata, so our name of it, which names nothing else, is its mark."""

    def __init__(self, access: StripeAccess, papers: Papers) -> None:
        self.access, self.papers = access, papers

    def create(self, payload: Payload, key: str) -> Payload:
        """The one file of *payload*: `file_id, filename, key` (of the record), `since` (when it was kept)."""
        del key
        body = self.papers.store.fetch(payload["key"])
        filename = str(payload["filename"])
        since = datetime.fromisoformat(payload["since"]) - CLOCKS_APART_MAX
        files = self.access.client.v1.files

        def find() -> str | None:
            listed = files.list({"purpose": PURPOSE, "created": {"gte": int(since.timestamp())}, "limit": 100})
            made = [each for each in listed.auto_paging_iter() if each.filename == filename]
            return min((each.id for each in made), default=None)

        def create(own: str) -> str:
            made = files.create({"file": _Named(body, filename), "purpose": PURPOSE}, {"idempotency_key": own})
            return made.id

        return {"stripe_file_id": self.access.make_once("file", str(payload["file_id"]), find, create)}


def _kept(payload: Payload, result: Payload, *, uow: BillingUnitOfWork, now: datetime) -> None:
    chargeback_file.file_kept(UUID(payload["chargeback_id"]), payload["file_id"], result["key"], uow=uow, now=now)


def _given(payload: Payload, result: Payload, *, uow: BillingUnitOfWork, now: datetime) -> None:
    del now
    chargeback_file.file_given(UUID(payload["chargeback_id"]), payload["file_id"], result["stripe_file_id"], uow=uow)


def _refused(payload: Payload, code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    del now
    chargeback_file.file_refused(UUID(payload["chargeback_id"]), payload["file_id"], code, uow=uow)


def evidence_refused(payload: Payload, code: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    del now
    chargeback.evidence_refused(payload["stripe_dispute_id"], code, submitted=payload["submit"], uow=uow)


def file_calls(access: StripeAccess, papers: Papers) -> tuple[OutsideCall, ...]:
    return (
        OutsideCall(chargeback_file.KEEP_FILE, papers.keep_evidence, _kept, _refused, lease_s=120),
        OutsideCall(chargeback_file.GIVE_FILE, DisputeFiles(access, papers).create, _given, _refused, lease_s=120),
    )
