"""Documents of our invoices and red letters that could not be made: who has them made again, and which wait."""

from typing import ClassVar, Literal
from uuid import UUID

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Query, View

DocumentKind = Literal["invoice", "red_letter"]

_FINANCE: Grants = {"operator": frozenset({"finance_operator", "administrator"})}


class FailedDocument(View):
    """
    Attributes:
        document_id: The invoice's or the red letter's id.
        order_id, order_number: Of an invoice over several orders the first one's id, and no number.
        state: *issuing*: it is being made again.
        gross: Of a red letter below zero.
        failed_at: When it failed first, however often it was tried since.
        days: Since then, Asia/Shanghai.
        problem: Why; empty while it is being made again.
    """

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


class MakeDocumentAgain(Command):
    """
    The cause is mended: make the documents again, under the same number. → FailedDocument, state *issuing*

    It is issued, or fails anew, once they are made.
    """

    wire_name: ClassVar = "invoicing.make_document_again"
    grants: ClassVar[Grants] = _FINANCE

    kind: DocumentKind
    document_id: UUID


class ListFailedDocuments(Query):
    """All that wait, at most 200, those that have waited longest first. → FailedDocuments"""

    wire_name: ClassVar = "invoicing.list_failed_documents"
    grants: ClassVar[Grants] = _FINANCE


class FailedDocuments(View):
    items: tuple[FailedDocument, ...]


class DocumentMadeAgain(Event):
    """
    One of finance has the documents made again that had failed.

    Attributes:
        by: Who: *member/…*, or *machine/…* of an organisation.
        problem: Why they had failed.
    """

    wire_name: ClassVar = "document.made_again.v1"
    source: ClassVar = "invoicing"
    stream_of: ClassVar = ("order", "order_id")

    kind: DocumentKind
    document_id: UUID
    number: str
    order_id: UUID
    order_number: str
    by: str
    problem: str
