"""Placing, releasing, accepting, closing and cancelling orders."""

from datetime import datetime
from uuid import UUID

from services.orders.domain.collection_agreement import SOLD_BY_COMPANY
from services.orders.domain.cover import Cover
from services.orders.domain.credit import CreditNotOffered
from services.orders.domain.funding import ProjectNotNamed, check_internal, untaxed
from services.orders.domain.offering import OfferingNotFound, only_provider
from services.orders.domain.order import AcceptedBy, CancellationFee, Order
from services.orders.domain.pricing import priced
from services.orders.use_cases import collection_agreement, shapes
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.channel import check_hold
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import CurrencyMismatch
from services.shared.kernel.times import calendar_days
from services.shared.messages.billing.commission import SellerPaid
from services.shared.messages.billing.payment import PaymentSucceeded
from services.shared.messages.billing.settlement import SettlementOrdersPaid
from services.shared.messages.billing.voucher import VoucherReserved, VoucherReturned
from services.shared.messages.orders.order import (
    AcceptOrder,
    CancelOrder,
    OrderAccepted,
    OrderCancelled,
    OrderClosed,
    OrderPlaced,
    OrderReceipt,
    OrderReleased,
    PlaceOrder,
)

ACCEPT_TIMER = "accept_order"
UNPAID_TIMER = "cancel_unpaid_order"
RENDER_CONTRACT = "render_contract"
RENDER_PACKING_SHEET = "render_packing_sheet"


def place_order(command: PlaceOrder, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> OrderReceipt:
    """
    Order at published prices. Two round trips: the shelf; the order with all it brings. One more where the provider
    sells: its tax profile.
    """
    require(actor, command.grants, {"self": actor.organisation_id})
    shelf = uow.offerings.shelf([wanted.offering_id for wanted in command.offerings])
    quantities: dict[UUID, int] = {}
    for wanted in command.offerings:
        quantities[wanted.offering_id] = quantities.get(wanted.offering_id, 0) + wanted.quantity
    if quantities.keys() - shelf.offerings.keys():
        raise OfferingNotFound
    offerings = [shelf.offerings[offering_id] for offering_id in quantities]
    provider_id = only_provider(offerings, actor.organisation_id)
    collection, rate_bps = collection_agreement.agreed(
        provider_id, shelf.agreements, shelf.company_rate_bps, uow=uow, now=now
    )
    lines, amounts = priced(
        [
            offering.line_at_published_price(quantities[offering.offering_id], now)
            for offering in offerings
        ],
        rate_bps,
    )  # fmt: skip
    order = Order(
        order_id=new_id(),
        number="",
        state="placed",
        customer_id=actor.organisation_id,
        provider_id=provider_id,
        lines=lines,
        amounts=amounts,
        payment_method=command.payment_method,
        turnaround_days=max(offering.turnaround_working_days for offering in offerings),
        placed_at=now,
        samples_declared=shapes.declared(command.samples),
        notes=command.notes,
        project_funds=shapes.project_funds(command.project_funds),
        collection=collection,
    )
    place(order, uow)
    return shapes.receipt(order)


def place(order: Order, uow: OrdersUnitOfWork) -> None:
    """
    Store a new order, tell of it, and have its papers made.

    Raises:
        CreditNotOffered: It is to go on credit, and the customer has no line in this currency.
        ProjectNotNamed, NotInternal, NotYet: See `_of_project_funds`.
        MethodNotInModel: The money of this provider's orders is not collected that way.
        HoldTooLong: The splitting channel would pay the provider before the work is done.
    """
    if order.payment_method == "project_funds":  # within one legal entity nobody sells
        order.collection = SOLD_BY_COMPANY
    order.collection.check_method(order.payment_method)
    if order.payment_method == "platform_channel":  # what follows the work is added when the contract is signed
        check_hold("platform_channel", calendar_days(order.turnaround_days))
    _of_project_funds(order, uow)
    if order.payment_method == "credit":
        line = uow.credit_lines.find(order.customer_id, order.amounts.gross.currency)
        if line is None:
            raise CreditNotOffered
        order.payment_terms = line.payment_terms(order.placed_at)
    order.note("placed", order.placed_at)
    uow.orders.place(order, new_id())
    uow.publish(
        OrderPlaced(
            **shapes.named(order),
            quotation_id=order.quotation_id,
            lines=shapes.lines(order.lines),
            amounts=shapes.amounts(order.amounts),
            payment_method=order.payment_method,
            placed_at=order.placed_at,
            collection_model=order.collection.collection_model,
        )
    )
    uow.call_outside(RENDER_CONTRACT, f"{RENDER_CONTRACT}:{order.order_id}", {"order_id": str(order.order_id)})


def _of_project_funds(order: Order, uow: OrdersUnitOfWork) -> None:
    """
    An order that project funds are to pay bears no VAT; any other names no project.

    Raises:
        ProjectNotNamed: It names none, or another one does.
        NotInternal: Customer and provider are not one legal entity.
        NotYet: One of them is not known here yet.
    """
    if (order.payment_method == "project_funds") != (order.project_funds is not None):
        raise ProjectNotNamed
    if order.project_funds is None:
        return
    known = uow.organisations.find([order.customer_id, order.provider_id])
    if len(known) < len({order.customer_id, order.provider_id}):
        raise NotYet("a party is not known here yet")
    check_internal(
        known[order.customer_id].credit_code,
        known[order.provider_id].credit_code,
        priced_by_company=order.provider_side is not None,
    )
    order.lines, order.amounts = untaxed(order.lines, order.amounts)


class PaymentContradicts(Exception):
    """Money in another currency than its order's: a bug of whoever took it. Refused, it would be forgotten."""


def take_payment(event: PaymentSucceeded, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """
    Add what was paid, and release the order to work once the gross is there.

    A payment counts once by its id. One for a cancelled order is only written down: billing gives it back.

    Raises:
        NotYet: The order is not known here.
        PaymentContradicts: It is in another currency.
    """
    order = _known(event.order_id, uow)
    try:
        if not order.take_payment(event.payment_id, event.amount, now):
            return
    except CurrencyMismatch as error:
        raise PaymentContradicts(order.number) from error
    release_when_due(order, uow, now)
    uow.orders.save(order)


def take_cover(order_id: UUID, source_id: UUID, cover: Cover, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """
    Add what is sure without being paid, and release the order to work once the gross is there.

    A cover counts once by *source_id*: the voucher, the credit granted, the funds reserved.

    Raises:
        NotYet: The order is not known here.
        PaymentContradicts: It is in another currency.
    """
    order = _known(order_id, uow)
    try:
        if not order.take_cover(source_id, cover, now):
            return
    except CurrencyMismatch as error:
        raise PaymentContradicts(order.number) from error
    release_when_due(order, uow, now)
    uow.orders.save(order)


def drop_cover(order_id: UUID, source_id: UUID, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """It is not sure any more; what is released stays released. Raises NotYet: The order is not known here."""
    order = _known(order_id, uow)
    if order.drop_cover(source_id, now):
        uow.orders.save(order)


def note(what: str, order_id: UUID, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """A line in the order's history that changes nothing else. Raises NotYet: The order is not known here."""
    order = _known(order_id, uow)
    order.note(what, now, by_platform=True)
    uow.orders.save(order)


def take_voucher(event: VoucherReserved, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """A programme pays a part instead of the customer; one that pays the customer itself covers nothing."""
    if event.cover.amount:
        take_cover(event.order_id, event.use_id, Cover("voucher", event.cover), uow=uow, now=now)


def drop_voucher(event: VoucherReturned, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The voucher is off the order again."""
    drop_cover(event.order_id, event.use_id, uow=uow, now=now)


def _known(order_id: UUID, uow: OrdersUnitOfWork) -> Order:
    try:
        return uow.orders.get(order_id)
    except NotFound:
        raise NotYet("the order is not known here") from None


def release_when_due(order: Order, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Let work begin if what is due is there: say so, and have the packing sheet made. The caller saves *order*."""
    reason = order.release_when_due(now)
    if reason is None:
        return
    order.shipment_number = uow.shipments.reserve_number(now)
    uow.cancel_timer(UNPAID_TIMER, order.order_id)
    uow.publish(
        OrderReleased(
            **shapes.named(order),
            reason=reason,
            released_at=now,
        )
    )
    uow.call_outside(
        RENDER_PACKING_SHEET, f"{RENDER_PACKING_SHEET}:{order.order_id}", {"order_id": str(order.order_id)}
    )


def accept_order(command: AcceptOrder, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> OrderReceipt:
    """The customer takes the reports as the agreed performance."""
    order = uow.orders.get(command.order_id)
    require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    _accept(order, "customer", uow, now)
    uow.cancel_timer(ACCEPT_TIMER, order.order_id)
    return shapes.receipt(order)


def accept_order_in_time(subject: str, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The customer has said nothing in its days: silence counts as acceptance. One in dispute refuses."""
    _accept(uow.orders.get(UUID(subject)), "timer", uow, now)


def _accept(order: Order, accepted_by: AcceptedBy, uow: OrdersUnitOfWork, now: datetime) -> None:
    order.accept(accepted_by, now)
    uow.orders.save(order)
    uow.publish(
        OrderAccepted(
            **shapes.named(order),
            contract_number=uow.contracts.of_order(order.order_id).number,
            amounts=shapes.amounts(order.amounts),
            terms=shapes.terms(order.frozen_terms),
            accepted_by=accepted_by,
            accepted_at=now,
            covers=shapes.covers(order.covers.values()),
        )
    )


def close_settled(event: SettlementOrdersPaid, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The provider was paid for these orders: nothing is open any more. A second delivery finds them closed."""
    # Always in the same order, or two statements over the same orders could wait for each other for ever.
    for order_id in sorted(event.order_ids):
        order = _known(order_id, uow)
        if order.state in {"closed", "cancelled"}:  # of a cancelled one the provider was paid its part of the fee
            continue
        close(order, uow, now)


def close(order: Order, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Nothing of it is open any more. Raises: WrongState."""
    order.close(now)
    uow.orders.save(order)
    uow.publish(
        OrderClosed(
            **shapes.named(order),
        )
    )


def close_sold(event: SellerPaid, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The provider, which sold it, has the customer's money: nothing is open any more. Twice does nothing."""
    order = _known(event.order_id, uow)
    if order.state == "closed":
        return
    close(order, uow, now)


def cancel_order(command: CancelOrder, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> OrderReceipt:
    """
    Before the first sample has arrived.

    Raises:
        WrongState: One has, or the order is over.
        NotAllowed: The customer wants its own fee waived.
    """
    order = uow.orders.get(command.order_id)
    relation = require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    if command.free and relation != "operator":
        raise NotAllowed
    kept = order.cancel(command.reason, now, free=command.free)
    _cancelled(order, kept, uow)
    uow.cancel_timer(UNPAID_TIMER, order.order_id)
    return shapes.receipt(order)


def cancel_unpaid_order(subject: str, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Nothing was paid in time. An order that is released meanwhile refuses, and so does a partly paid one."""
    order = uow.orders.get(UUID(subject))
    order.cancel_unpaid(now)
    _cancelled(order, None, uow)


def _cancelled(order: Order, kept: CancellationFee | None, uow: OrdersUnitOfWork) -> None:
    contract = uow.contracts.of_order(order.order_id)
    contract.terminate()
    uow.contracts.save(contract)
    uow.orders.save(order)
    uow.publish(
        OrderCancelled(
            **shapes.named(order),
            reason=order.cancel_reason,
            kept=kept.fee if kept is not None and kept.fee.amount else None,
            to_provider=kept.to_provider if kept is not None and kept.fee.amount else None,
        )
    )
