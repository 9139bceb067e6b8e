"""Chargebacks as the operating company sees them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, Name, Text
from services.shared.messages.billing.chargeback import ChargebackState, FileToUpload


class Evidence(Shown):
    name: str
    text: str


class ChargebackFile(Shown):
    """*upload_url*: where to PUT it, for 15 minutes; only in the answer to its declaration."""

    name: str
    state: Literal["awaited", "refused", "kept", "ready"]
    sha256: str
    size_bytes: int
    media_type: str
    problem: str
    upload_url: str | None


class Chargeback(Shown):
    """
    *withdrawn*: what the payment institution keeps from us for it; *evidence*: what was written so far; *bad_debt*: of
    a lost one, what nobody owes us.
    """

    chargeback_id: UUID
    stripe_dispute_id: str
    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    state: ChargebackState
    reason: str
    amount: Money
    withdrawn: Money
    opened_at: Instant
    evidence_due_at: Instant | None
    submissions: int
    evidence: tuple[Evidence, ...]
    bad_debt: Money
    closed_at: Instant | None
    files: tuple[ChargebackFile, ...]
    submitting: bool


class ChargebackPage(Shown):
    items: tuple[Chargeback, ...]
    next_cursor: str | None


class ChargebacksListed(Listed):
    undecided: bool = False


class EvidenceText(Schema):
    """*name* is the payment institution's, as `product_description`, `service_date`, `uncategorized_text`."""

    name: Name
    text: Text


class EvidenceToSubmit(Schema):
    """
    *evidence* is added to what was written before; with it go the files that are *ready*.

    *submit*: send it to the bank now; most banks look once. Without, it is kept and can be added to.
    """

    evidence: Annotated[tuple[EvidenceText, ...], Field(max_length=30)]
    submit: bool


class FileToDeclare(Schema):
    """*name* is the payment institution's, as `service_documentation`; a file of 5 MB at most."""

    name: Name
    file: FileToUpload
