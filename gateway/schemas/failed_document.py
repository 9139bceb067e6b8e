"""Documents of invoices and red letters that could not be made, to the operating company."""

from typing import Literal
from uuid import UUID

from gateway.schemas.base import Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant
from services.shared.messages.invoicing.failed_document import DocumentKind


class FailedDocument(Shown):
    """*days*: since it failed first, tried again or not; *state* issuing: it is being made again."""

    kind: DocumentKind
    document_id: UUID
    number: str
    order_id: UUID
    order_number: str
    customer_id: UUID
    state: Literal["failed", "issuing"]
    gross: Money
    failed_at: Instant
    days: int
    problem: str


class FailedDocuments(Shown):
    items: tuple[FailedDocument, ...]
