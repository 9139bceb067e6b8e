"""Adjustments: transactions that a person books by hand. One proposes, another approves."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Instant, Message, Name, Page, Query, View
from services.shared.messages.billing.commission_plan import FINANCE
from services.shared.messages.billing.ledger import Entry, Side

AdjustmentKind = Literal["reversal", "write_off", "rounding", "reclassification", "reconciliation"]
AdjustmentState = Literal["proposed", "approved", "refused"]


class AdjustmentEntry(Message):
    """*amount* in minor units of *currency*."""

    account: Annotated[str, StringConstraints(pattern=r"^[ALRE]:[A-Za-z0-9_:-]{1,190}$")]
    side: Side
    amount: Annotated[int, Field(gt=0, lt=2**53)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class AdjustmentView(View):
    """
    Attributes:
        reverses: The transaction that a reversal takes back; it has no entries of its own.
        proposed_by, decided_by: `member/<id>`, or the machines of an organisation, `machine/<organisation>`.
        transaction_id: What was booked, once it is approved.
        item_id: The item of reconciliation that it puts in order.
    """

    adjustment_id: UUID
    number: str
    kind: AdjustmentKind
    state: AdjustmentState
    reason: str
    order_id: UUID | None
    order_number: str
    reverses: UUID | None
    entries: tuple[Entry, ...]
    effective_at: Instant
    proposed_at: Instant
    proposed_by: str
    decided_at: Instant | None
    decided_by: str
    transaction_id: UUID | None
    item_id: UUID | None = None


class ProposeAdjustment(Command):
    """
    Entries on accounts that this kind may touch; *effective_at* is now where none is said. *item_id*: the item of
    reconciliation that kind *reconciliation* puts in order, and no other kind names. → AdjustmentView
    """

    wire_name: ClassVar = "billing.propose_adjustment"
    grants: ClassVar[Grants] = FINANCE

    kind: Literal["write_off", "rounding", "reclassification", "reconciliation"]
    reason: Name
    order_id: UUID | None = None
    entries: Annotated[tuple[AdjustmentEntry, ...], Field(min_length=1, max_length=50)]
    effective_at: Instant | None = None
    item_id: UUID | None = None


class ProposeReversal(Command):
    """Take back a transaction that was booked by hand; once, and never a reversal. → AdjustmentView"""

    wire_name: ClassVar = "billing.propose_reversal"
    grants: ClassVar[Grants] = FINANCE

    transaction_id: UUID
    reason: Name


class ApproveAdjustment(Command):
    """By somebody else than who proposed it; it is booked. → AdjustmentView"""

    wire_name: ClassVar = "billing.approve_adjustment"
    grants: ClassVar[Grants] = FINANCE

    adjustment_id: UUID


class RefuseAdjustment(Command):
    """→ AdjustmentView"""

    wire_name: ClassVar = "billing.refuse_adjustment"
    grants: ClassVar[Grants] = FINANCE

    adjustment_id: UUID


class ListAdjustments(Query):
    """→ AdjustmentPage, newest first"""

    wire_name: ClassVar = "billing.list_adjustments"
    grants: ClassVar[Grants] = FINANCE

    state: AdjustmentState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class AdjustmentPage(Page):
    items: tuple[AdjustmentView, ...]
