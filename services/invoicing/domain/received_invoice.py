"""An invoice we received: it says exactly what the settlement says, or it is rejected with the reason."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.invoicing.domain.settlement import SettlementCopy
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

ReceivedInvoiceState = Literal["recorded", "matched", "rejected"]
InvoiceKind = Literal["special", "ordinary"]

LIFECYCLE: Lifecycle[ReceivedInvoiceState] = Lifecycle(
    "received_invoice",
    {
        "match": {"recorded": "matched"},
        "reject": {"recorded": "rejected"},
    },
)


class AlreadyRecorded(Conflict):
    """An invoice of this party with this number has matched before; what was rejected may be recorded anew."""

    code = "invoicing.received_invoice_already_recorded"


class IssuedInFuture(Invalid):
    """An invoice is recorded on the day it was issued at the earliest."""

    code = "invoicing.received_invoice_issued_in_future"


class SettlementAlreadyMatched(Conflict):
    """There is a matching invoice for this settlement already."""

    code = "invoicing.settlement_already_matched"


@dataclass
class ReceivedInvoice:
    """*reason*: a code of `difference` where it is rejected, else empty."""

    received_invoice_id: UUID
    number: str
    kind: InvoiceKind
    settlement_id: UUID
    settlement_number: str
    party_id: UUID
    net: Money
    tax: Money
    gross: Money
    issued_on: date
    recorded_at: datetime
    state: ReceivedInvoiceState = "recorded"
    reason: str = ""

    def compare(self, settlement: SettlementCopy) -> None:
        """
        Match with *settlement*, or reject.

        Raises:
            SettlementAlreadyMatched: Another invoice was there before.
        """
        if settlement.matched_by is not None:
            raise SettlementAlreadyMatched(settlement=settlement.number)
        reason = difference(self, settlement)
        if reason:
            self.state = LIFECYCLE.after("reject", self.state)
            self.reason = reason
        else:
            self.state = LIFECYCLE.after("match", self.state)
            settlement.matched_by = self.received_invoice_id


def difference(invoice: ReceivedInvoice, settlement: SettlementCopy) -> str:
    """
    In what *invoice* differs from what *settlement* awaits, as a code; empty when in nothing.

    A special invoice states net and tax exactly, because we deduct that tax. An ordinary one is
    all-in: how it divides its total is the party's own affair, only the total must be ours.
    """
    if invoice.net.currency != settlement.net.currency:
        return "currency_differs"
    if (invoice.kind == "special") != settlement.special_invoice:
        return "kind_differs"
    if settlement.special_invoice:
        if invoice.net != settlement.net:
            return "net_differs"
        return "tax_differs" if invoice.tax != settlement.tax else ""
    return "gross_differs" if invoice.gross != settlement.gross else ""
