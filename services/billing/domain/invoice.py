"""What billing keeps of the company's invoices: enough to hold them beside the ledger."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID


@dataclass(frozen=True)
class InvoiceCopy:
    """
    An order's part of an invoice (*blue*): to its customer over the order, or to its provider over the fee; a red
    letter that takes back of one (*red*); or that a refund came before the invoice, which says so much less
    (*reduction*).

    Attributes:
        invoice_id: Also of a red letter; of a reduction its refund's.
        refund_id: What a red letter or a reduction is for; of an invoice over what a refund made the fee more, that.
        buyer_id: Whom it is addressed to.
        net, tax: Minor units of *currency*; of red letters and reductions below zero.
        issued_at: Of a reduction when it was told.
        parts: So many red letters take the refund back; until all are here none counts.
    """

    invoice_id: UUID
    kind: Literal["blue", "red", "reduction"]
    number: str
    order_id: UUID
    refund_id: UUID | None
    buyer_id: UUID
    net: int
    tax: int
    currency: str
    issued_at: datetime
    parts: int = 1
