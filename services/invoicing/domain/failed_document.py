"""An invoice or red letter whose documents failed: it keeps its number, and a person has them made again."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.shared.kernel.times import business_date

DocumentKind = Literal["invoice", "red_letter"]

TELL_TIMER = "tell_failed_document"
TELL_EVERY = timedelta(days=1)
"""So often finance is told anew of what cannot be made."""


def subject_of(kind: DocumentKind, document_id: UUID) -> str:
    """Of the timer."""
    return f"{kind}/{document_id}"


def days_failed(failed_at: datetime, now: datetime) -> int:
    """Asia/Shanghai days."""
    return (business_date(now) - business_date(failed_at)).days
