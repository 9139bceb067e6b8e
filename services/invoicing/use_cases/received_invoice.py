"""Recording the invoices of providers and stations: matched with their settlement, or rejected with the reason."""

from datetime import datetime

from services.invoicing.domain.received_invoice import IssuedInFuture, ReceivedInvoice
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from services.shared.messages.invoicing.received_invoice import (
    ReceivedInvoiceMatched,
    ReceivedInvoiceRejected,
    ReceivedInvoiceView,
    RecordReceivedInvoice,
)


def record_received_invoice(
    command: RecordReceivedInvoice, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> ReceivedInvoiceView:
    """
    A party, or the operating company for it, hands in an invoice for one settlement.

    Raises:
        NotFound: There is no such settlement, or it is another's.
        IssuedInFuture: Its day, in Asia/Shanghai, is still to come.
        AlreadyRecorded, SettlementAlreadyMatched, CurrencyMismatch
    """
    settlement = uow.settlements.by_number(command.settlement_number)
    if settlement is None:
        # A wrong number and another's must look alike, so this is no NotYet although billing may be ahead of us.
        raise NotFound
    require(actor, command.grants, {settlement.party_kind: settlement.party_id})
    if command.issued_on > business_date(now):
        raise IssuedInFuture(issued_on=command.issued_on.isoformat())
    invoice = ReceivedInvoice(
        received_invoice_id=new_id(),
        number=command.number,
        kind=command.kind,
        settlement_id=settlement.settlement_id,
        settlement_number=settlement.number,
        party_id=settlement.party_id,
        net=command.net,
        tax=command.tax,
        gross=command.net + command.tax,
        issued_on=command.issued_on,
        recorded_at=now,
    )
    invoice.compare(settlement)
    uow.received_invoices.add(invoice)
    said = {
        "received_invoice_id": invoice.received_invoice_id,
        "number": invoice.number,
        "kind": invoice.kind,
        "settlement_id": invoice.settlement_id,
        "party_id": invoice.party_id,
        "net": invoice.net,
        "tax": invoice.tax,
        "gross": invoice.gross,
        "issued_on": invoice.issued_on,
    }
    if invoice.state == "matched":
        uow.settlements.save(settlement)
        uow.publish(ReceivedInvoiceMatched.model_validate(said))
    else:
        uow.publish(ReceivedInvoiceRejected.model_validate({**said, "reason": invoice.reason}))
    return ReceivedInvoiceView(**vars(invoice))
