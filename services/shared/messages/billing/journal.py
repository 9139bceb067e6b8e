"""The journal: every transaction of the ledger with its entries, for other programs."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Instant, Query, View
from services.shared.messages.billing.commission_plan import FINANCE

JournalFormat = Literal["csv", "beancount"]


class ExportJournal(Query):
    """
    A piece of the journal, in the order of posting. → JournalPiece

    Attributes:
        since, until: What counts from the one on and before the other; none: no limit.
        after: `next_cursor` of the piece before.
        limit: Transactions in a piece.
    """

    wire_name: ClassVar = "billing.export_journal"
    grants: ClassVar[Grants] = FINANCE

    form: JournalFormat
    since: Instant | None = None
    until: Instant | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 500


class JournalPiece(View):
    """*content*: the next piece of the file; the pieces one behind the other are the file."""

    content: str
    next_cursor: str | None
