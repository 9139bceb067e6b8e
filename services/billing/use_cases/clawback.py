"""Taking back what parties have earned, after a refund or a chargeback."""

from datetime import datetime
from uuid import UUID

from services.billing.domain.clawback import Clawback, earns_less, gives_back
from services.billing.domain.commission import Split
from services.billing.domain.ledger import Entry
from services.billing.domain.order import Accrual, OrderCopy, correction, parties_of, party_share
from services.billing.domain.organisation import PartyKind
from services.billing.use_cases import input_vat, payout, settlement
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money


def take_back(order: OrderCopy, less: Split, *, key: str, uow: BillingUnitOfWork, now: datetime) -> tuple[Entry, ...]:
    """
    Provider and station of an accepted order earn *less* by it (more, where a part is below zero).

    What no statement lists is earned less; what one lists is kept from what is payable to the party, and the rest
    it owes until its next statement becomes payable. A payout of which the bank has not been told is cancelled.

    Args:
        order: Locked.
        less: What the refund takes from each part of the split.
        key: Of the business fact; a party is corrected once for each.
        uow: The transaction in which the caller posts.
        now: When it is taken back.

    Returns:
        The entries of both parties' sides. They balance, and are a part of the caller's transaction.
    """
    kinds = [kind for kind in parties_of(order) if any(party_share(order, kind, less)[1:])]
    # All parties before any of their settlements: who pays one of them out holds it and waits for a settlement.
    for kind in kinds:
        uow.organisations.find(party_share(order, kind, less)[0], lock=True)
    entries: tuple[Entry, ...] = ()
    for kind in kinds:
        entries += _take_from(order, kind, less, f"{key}:{kind}", uow, now)
    return entries


def owe(
    kind: PartyKind, party_id: UUID, amount: Money, order: tuple[UUID, str], *, key: str, uow: BillingUnitOfWork,
    now: datetime,
) -> None:  # fmt: skip
    """
    A party owes *amount*, which the caller posts: what it is paid next is netted against it. Once for each *key*.

    Of nothing there is no debt: what an order has left may round to it.
    """
    if not amount.amount:
        return
    order_id, order_number = order
    uow.clawbacks.add(
        Clawback(
            clawback_id=new_id(), key=key, party_kind=kind, party_id=party_id, order_id=order_id,
            order_number=order_number, corrects="", currency=amount.currency, amount=amount.amount,
            left=amount.amount, opened_at=now,
        )
    )  # fmt: skip


def owe_less(key: str, amount: Money, *, uow: BillingUnitOfWork) -> Money:
    """
    What a party, whose lock the caller holds, owes under *key* falls by *amount*, which the caller posts.

    Returns:
        By how much it falls: less where it is netted or paid already.
    """
    owed = uow.clawbacks.of_key(key)
    if owed is None:
        return Money(0, amount.currency)
    taken = owed.take(amount.amount)
    uow.clawbacks.save(owed)
    return Money(taken, amount.currency)


def _take_from(
    order: OrderCopy, kind: PartyKind, less: Split, key: str, uow: BillingUnitOfWork, now: datetime
) -> tuple[Entry, ...]:
    party_id, net_less, tax_less = party_share(order, kind, less)
    net, tax = Money(net_less, order.currency), Money(tax_less, order.currency)
    earned = [each for each in uow.accruals.of_order(order.order_id) if each.party_kind == kind]
    stated = next((each.settlement_id for each in earned if each.settlement_id is not None), None)
    if stated is None or net_less < 0:
        number = uow.settlements.get(stated).number if stated is not None else ""
        uow.accruals.add(_correction(order, kind, less, earned, key, number, now))
        return earns_less(kind, party_id, net)
    payout.cancel_started(party_id, "claw_back", uow=uow, now=now)
    clawback = Clawback(
        clawback_id=new_id(),
        key=key,
        party_kind=kind,
        party_id=party_id,
        order_id=order.order_id,
        order_number=order.number,
        corrects=uow.settlements.get(stated).number,
        currency=order.currency,
        amount=net_less + tax_less,
        left=net_less + tax_less,
        opened_at=now,
    )
    for payable in uow.settlements.payable_to(party_id, order.currency):
        settlement.keep_back(clawback, payable, uow=uow, now=now)
    uow.clawbacks.add(clawback)
    of_vat = input_vat.give_back(uow.settlements.get(stated), tax_less, uow=uow, now=now)
    return gives_back(kind, party_id, net, tax, Money(clawback.amount - clawback.left, order.currency), of_vat)


def _correction(
    order: OrderCopy, kind: PartyKind, less: Split, earned: list[Accrual], key: str, stated_on: str, now: datetime
) -> Accrual:
    same_day = earned[0] if earned and not stated_on else None
    return correction(
        order, kind, less, key=key, stated_on=stated_on,
        accepted_at=same_day.accepted_at if same_day else now,
        payable_from=same_day.payable_from if same_day else now,
    )  # fmt: skip
