"""Orders as billing follows them: placed, contracted, accepted, cancelled."""

from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from services.billing.domain.claim import Evidence
from services.billing.domain.commission import SplitTerms, split
from services.billing.domain.credit import BLOCK_OVERDUE_DAYS
from services.billing.domain.funding import FundingAgreement
from services.billing.domain.internal_order import internal_split_terms
from services.billing.domain.ledger import AccountOverdrawn
from services.billing.domain.order import (
    OrderCopy,
    PlacedOrder,
    acceptance_principal,
    accruals,
    cancellation_fee,
    compensation,
)
from services.billing.domain.payment import Instructions, PaymentMethod, due_from_customer
from services.billing.domain.related_party import PricedLine
from services.billing.use_cases import (
    claim,
    commission,
    credit,
    funding,
    internal_order,
    payment,
    receivable,
    refund,
    voucher_use,
)
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.errors import NotYet
from services.shared.kernel.fee import Fee, Percentage
from services.shared.kernel.money import Money
from services.shared.messages.billing.revenue import RevenueRecognised
from services.shared.messages.orders.order import OrderAccepted, OrderCancelled, OrderContracted, OrderPlaced, Terms
from services.shared.messages.orders.quotation import Amounts, ProjectFunds

# By all other ways of the order, when money is asked for at all, by transfer to the company.
_ASKED_BY: dict[str, PaymentMethod] = {
    "card": "card", "platform_channel": "platform_channel", "direct_transfer": "direct_transfer",
}  # fmt: skip
NO_CUSTODY = Instructions("", "", "")


class NotCovered(Exception):
    """An order was accepted that is not paid: somebody must look before its revenue is booked."""


def placed(event: OrderPlaced, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The order exists: a voucher may be put on it until its contract is signed."""
    del now
    amounts = event.amounts
    if event.quotation_id is not None:
        uow.evidence.add(event.order_id, Evidence("quotation", event.quotation_id, "", "", event.placed_at))
    uow.placed_orders.add(
        PlacedOrder(
            order_id=event.order_id,
            number=event.number,
            customer_id=event.customer_id,
            provider_id=event.provider_id,
            currency=amounts.gross.currency,
            net=amounts.net.amount,
            gross=amounts.gross.amount,
            lines=tuple(
                PricedLine(
                    line.offering_id,
                    line.unit_price.amount,
                    line.unit_price.currency,
                    line.includes_tax,
                    line.net.amount,
                )
                for line in event.lines
            ),
            state="placed",
            placed_at=event.placed_at,
            internal=event.payment_method == "project_funds",
            collection_model=event.collection_model,
        )
    )


def contracted(
    event: OrderContracted,
    *,
    uow: BillingUnitOfWork,
    now: datetime,
    instructions: Instructions,
    custody: Instructions = NO_CUSTODY,
    block_overdue_days: int = BLOCK_OVERDUE_DAYS,
    agreements: funding.Agreements = MappingProxyType({}),
) -> None:
    """
    Everybody has signed: the customer is asked for what is due before work begins and no voucher pays; the rest goes
    on credit.

    Where credit is refused, all is asked for before work begins, by bank transfer. Of the provider's own people nobody
    asks for money: their university's finance system is asked to set it aside.

    Raises:
        NotYet: Whose own people they are is not known here.
    """
    amounts = event.amounts
    internal = _internal(event, agreements, uow)
    order = OrderCopy(
        order_id=event.order_id,
        number=event.number,
        customer_id=event.customer_id,
        provider_id=event.provider_id,
        station_id=event.terms.station_id,
        title=event.lines[0].title_zh if event.lines else "",
        currency=amounts.gross.currency,
        net=amounts.net.amount,
        tax=amounts.tax.amount,
        gross=amounts.gross.amount,
        split_terms=internal.split_terms if internal is not None else split_terms(amounts, event.terms),
        contracted_at=event.contracted_at,
    )
    if not uow.orders.add(order):
        return  # told again: what was agreed since, a refund say, is not asked for anew
    covered = voucher_use.use_on_contract(order.order_id, event.contracted_at, uow=uow, now=now)
    if internal is not None:
        funding.contracted(order, internal.project, internal.legal_entity, agreements, uow=uow, now=now)
        return
    terms = event.terms
    schedule = terms.payment_schedule
    first = due_from_customer(order.net, order.tax, schedule, "before_work", covered=covered)
    later = due_from_customer(order.net, order.tax, schedule, "on_acceptance", covered=covered)
    if terms.payment_method == "platform_channel":  # the channel holds one payment for an order
        first, later = first + later, 0
    if later and not credit.decide(
        order, later, terms.net_days, uow=uow, now=now, block_overdue_days=block_overdue_days
    ):
        first, later = first + later, 0
    if later and not first:
        return
    payment.open_payment(
        order,
        _ASKED_BY.get(terms.payment_method, "bank_transfer"),
        uow=uow, now=now, instructions=_where_to_pay(order, instructions, custody, uow), ask=payment.Ask(first),
    )  # fmt: skip


def _where_to_pay(
    order: OrderCopy, own: Instructions, custody: Instructions, uow: BillingUnitOfWork
) -> Instructions:  # fmt: skip
    """
    The company's *own* account as principal; else the provider's, or the one in *custody*.

    Raises:
        NotYet: No such account is known.
    """
    model = order.split_terms.collection_model
    if model == "agent_bank_custody":
        if not custody.account_number:
            raise NotYet("no account in custody is set (YIQI_BILLING_CUSTODY_ACCOUNT_NUMBER)")
        return custody
    if model != "agent_direct":
        return own
    provider = uow.organisations.find(order.provider_id)
    if provider is None or provider.bank_account is None:
        raise NotYet("the provider has told no bank account yet")
    bank_name, account_name, account_number = provider.bank_account
    return Instructions(account_name, account_number, bank_name)


def accepted(event: OrderAccepted, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    The work is accepted: book revenue, cost and shares by the terms frozen at signing; what went on credit is owed now.

    What was booked is told, and invoiced.

    Raises:
        NotYet: The order is not known here.
        NotCovered: Its money has not come in.
    """
    order = uow.orders.find(event.order_id)
    if order is None:
        raise NotYet("the order is not known here yet")
    if order.accepted_at is not None:
        return
    if event.terms.payment_method == "project_funds":
        internal_order.accept(order, event, uow=uow, now=now)
        return
    if order.split_terms.agent:
        commission.accept(order, event, uow=uow, now=now)
        claim.submit_by_itself(order.order_id, uow=uow, now=now)
        return
    parts = split(order.split_terms, order.left)
    earned = accruals(order, parts, accepted_at=event.accepted_at, hold_days=event.terms.hold_days)
    uow.orders.accept(order.order_id, event.accepted_at, parts, earned)
    voucher_use.earn_on_acceptance(order.order_id, event.accepted_at, uow=uow, now=now)
    # After a refund less than what was granted may be left to pay.
    owed = min(credit.fall_due(order, uow=uow), Money(parts.gross, order.currency))
    if owed.amount:
        receivable.add_receivable(order, owed.amount, "acceptance", event.terms.net_days, uow=uow, now=now)
    try:
        post_transaction(
            uow,
            key=f"accept:{order.order_id}",
            kind="acceptance",
            entries=acceptance_principal(
                order.order_id,
                order.provider_id,
                order.station_id,
                order.currency,
                parts,
                owed=(order.customer_id, owed) if owed.amount else None,
            ),
            effective_at=event.accepted_at,
            now=now,
            order=(order.order_id, order.number),
        )
    except AccountOverdrawn as error:
        # A refusal would be recorded and forgotten; as a bug the event is parked, seen, and can be replayed.
        raise NotCovered(order.number) from error
    claim.submit_by_itself(order.order_id, uow=uow, now=now)
    # Under the order's lock, in the order's stream: whoever invoices by it knows each refund before it and none after.
    uow.publish(
        RevenueRecognised(
            order_id=order.order_id,
            order_number=order.number,
            customer_id=order.customer_id,
            net=Money(parts.net, order.currency),
            tax=Money(parts.tax, order.currency),
            gross=Money(parts.gross, order.currency),
            tax_rate_bps=order.split_terms.tax_rate_bps,
            on_credit=owed,
            net_days=event.terms.net_days,
            accepted_at=event.accepted_at,
        )
    )


def cancelled(event: OrderCancelled, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    It will not be done: nobody is asked for money any more, no credit is kept for it; voucher and payments go back but
    for the agreed fee.
    """
    voucher_use.give_back_on_cancellation(event.order_id, uow=uow, now=now)
    order = uow.orders.find(event.order_id)
    if order is None:  # cancelled before everybody had signed, so that nobody was asked for money
        return
    payment.cancel_payments(order.order_id, uow=uow)
    credit.release(order.order_id, uow=uow)
    funding.release(order.order_id, uow=uow)
    kept = _keep_fee(order, event, uow, now)
    refund.give_back(order, kept, uow=uow, now=now)


def _keep_fee(order: OrderCopy, event: OrderCancelled, uow: BillingUnitOfWork, now: datetime) -> int:
    """Keep the agreed fee of what was paid; the provider gets its part by its next statement. Returns how much."""
    if event.kept is None or event.to_provider is None:
        return 0
    paid = sum(each.received - each.refunded for each in uow.payments.of_order(order.order_id))
    # What is kept was paid: where work was released on credit, nobody is asked for a fee.
    fee = min(event.kept, Money(paid, order.currency))
    to_provider = min(event.to_provider, fee)
    booked = post_transaction(
        uow,
        key=f"cancel:{order.order_id}",
        kind="cancellation_fee",
        entries=cancellation_fee(order.order_id, order.provider_id, to_provider, fee - to_provider),
        effective_at=now,
        now=now,
        order=(order.order_id, order.number),
    )
    if booked and to_provider.amount:
        uow.accruals.add(replace(compensation(order, to_provider.amount, now=now), kind="cancellation_fee"))
    return fee.amount


@dataclass(frozen=True)
class Internal:
    """What an internal order has that others have not."""

    project: ProjectFunds
    legal_entity: str
    split_terms: SplitTerms


def _internal(event: OrderContracted, agreements: funding.Agreements, uow: BillingUnitOfWork) -> Internal | None:
    if event.terms.payment_method != "project_funds" or event.project_funds is None:
        return None
    customer = uow.organisations.find(event.customer_id)
    if customer is None:
        raise NotYet("the customer is not known here yet")
    entity, terms = customer.unified_social_credit_code, event.terms
    # Without an agreement there is no fee, and nobody to ask for the money.
    agreement = agreements.get(entity, FundingAgreement(fee_bps=0))
    station_tax = terms.station_tax if terms.station_id is not None else None
    return Internal(
        event.project_funds,
        entity,
        internal_split_terms(event.amounts.net.amount, agreement, terms.station_bps, station_tax),
    )


def split_terms(amounts: Amounts, terms: Terms) -> SplitTerms:
    """What the split follows from, of what was frozen at signing."""
    discount = terms.company_discount.amount if terms.company_discount is not None else 0
    return SplitTerms(
        net=amounts.net.amount + discount,
        tax=amounts.tax.amount,
        tax_rate_bps=amounts.tax_rate_bps,
        fee=terms.fee or Fee((Percentage(terms.fee_bps),)),
        station_bps=terms.station_bps,
        provider_tax=terms.provider_tax,
        station_tax=terms.station_tax if terms.station_id is not None else None,
        discount=discount,
        buy_net=terms.buy_net.amount if terms.buy_net is not None else None,
        station_base=terms.station_base,
        commission_rate_bps=terms.commission_rate_bps,
        collection_model=terms.collection_model,
    )
