"""What a provider that sold invoices the customer, and the registration that exempts it."""

from datetime import datetime

from services.invoicing.domain.seller_invoice import SellerInvoice
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.kernel.actor import Actor, Grants, require
from services.shared.kernel.collection import is_agent
from services.shared.kernel.errors import Invalid, NotFound, NotYet
from services.shared.messages.billing.commission import CommissionEarned
from services.shared.messages.invoicing.seller_invoice import (
    DecideRegistration,
    RecordSellerInvoice,
    SellerInvoiceRecorded,
    SellerInvoiceView,
    SubmitRegistration,
)
from services.shared.messages.orders.order import OrderContracted


class CertificateIncomplete(Invalid):
    """A certificate has a number and an amount."""

    code = "invoicing.certificate_incomplete"


def expect(event: OrderContracted, *, uow: InvoicingUnitOfWork, now: datetime) -> None:
    """The provider sells it: it will invoice the customer. Again does nothing."""
    del now
    if is_agent(event.terms.collection_model):
        uow.seller_invoices.add(
            SellerInvoice(
                order_id=event.order_id,
                order_number=event.number,
                customer_id=event.customer_id,
                provider_id=event.provider_id,
                contract_kind=event.terms.contract_kind,
            )
        )


def fall_due(event: CommissionEarned, *, uow: InvoicingUnitOfWork, now: datetime) -> None:
    """The customer accepted it. Again does nothing. Raises NotYet: The order is not known here."""
    del now
    if event.sold_net is None or event.sold_tax is None:  # the fee for an internal order: nobody sold anything
        return
    expected = uow.seller_invoices.find(event.order_id)
    if expected is None:
        raise NotYet("the order is not known here yet")
    if expected.state == "expected":
        expected.fall_due(event.sold_net, event.sold_tax)
        uow.seller_invoices.save(expected)


def submit_registration(
    command: SubmitRegistration, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> SellerInvoiceView:
    """Raises: NotFound, NothingToRegister, WrongState."""
    del now
    found = _found(command, command.grants, actor, uow)
    found.submit()
    uow.seller_invoices.save(found)
    return view(found)


def decide_registration(
    command: DecideRegistration, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> SellerInvoiceView:
    """Raises: NotFound; WrongState: Nothing is submitted; CertificateIncomplete."""
    del now
    found = _found(command, command.grants, actor, uow)
    if command.number is not None and command.amount is not None:
        found.register(command.number, command.amount)
    elif command.number is None and command.amount is None:
        found.send_back()
    else:
        raise CertificateIncomplete
    uow.seller_invoices.save(found)
    return view(found)


def record_seller_invoice(
    command: RecordSellerInvoice, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> SellerInvoiceView:
    """
    The provider has invoiced the customer.

    Raises:
        NotFound; WrongState; RegistrationMissing, RegisteredForLess, SellerInvoiceDiffers
        SellerInvoiceKnown: Another order of it has this number.
    """
    del now
    found = _found(command, command.grants, actor, uow)
    found.record(command.number, command.kind, command.net, command.tax, command.issued_on)
    uow.seller_invoices.save(found)
    uow.publish(
        SellerInvoiceRecorded(
            order_id=found.order_id,
            order_number=found.order_number,
            customer_id=found.customer_id,
            provider_id=found.provider_id,
            number=found.number,
            kind=found.kind,
            net=command.net,
            tax=command.tax,
            gross=command.net + command.tax,
            issued_on=command.issued_on,
        )
    )
    return view(found)


def _found(
    command: SubmitRegistration | DecideRegistration | RecordSellerInvoice, grants: Grants, actor: Actor,
    uow: InvoicingUnitOfWork,
) -> SellerInvoice:  # fmt: skip
    """Locked."""
    found = uow.seller_invoices.find(command.order_id)
    require(actor, grants, {"provider": found.provider_id if found is not None else None})
    if found is None:
        raise NotFound
    return found


def view(found: SellerInvoice) -> SellerInvoiceView:
    return SellerInvoiceView(**vars(found))
