"""Keeping the copies of settlements."""

from datetime import datetime

from services.invoicing.domain.settlement import SettlementCopy
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.messages.billing.settlement import SettlementClosed


def keep_copy(event: SettlementClosed, *, uow: InvoicingUnitOfWork, now: datetime) -> None:
    """From now on an invoice over exactly these amounts is awaited."""
    del now
    uow.settlements.add(
        SettlementCopy(
            settlement_id=event.settlement_id,
            number=event.number,
            party_kind=event.party_kind,
            party_id=event.party_id,
            net=event.net,
            tax=event.tax,
            gross=event.gross,
            special_invoice=event.special_invoice,
        )
    )
