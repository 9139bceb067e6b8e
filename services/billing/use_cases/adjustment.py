"""Adjustments of the ledger by hand: proposing, approving, refusing."""

from datetime import datetime
from uuid import UUID

from services.billing.domain.adjustment import (
    KEY,
    Adjustment,
    AdjustmentKind,
    EffectiveLater,
    ItemBookedAlready,
    ItemNotByHand,
    MoreThanOwed,
    NotReversible,
    check_by_hand,
    check_for_item,
    credited_receivables,
)
from services.billing.domain.ledger import Entry, ReversalNotReversed, Transaction
from services.billing.use_cases.ledger import post_transaction, reverse_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.messages.billing.adjustment import (
    AdjustmentView,
    ApproveAdjustment,
    ProposeAdjustment,
    ProposeReversal,
    RefuseAdjustment,
)
from services.shared.messages.billing.ledger import Entry as EntryMessage


def propose_adjustment(
    command: ProposeAdjustment, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> AdjustmentView:
    """
    Somebody wants entries of their own booked.

    Raises:
        NotFound: No such order.
        EffectiveLater: It is to count at a time to come.
        EntriesUnbalanced, AccountNotByHand, RoundingTooLarge: See `check_by_hand`.
        MoreThanOwed: As it stands now; it is looked at again when it is approved.
        ItemNotByHand, MoreThanItem, ItemBookedAlready: Likewise of an item of reconciliation, which kind
            *reconciliation* names and no other does.
    """
    require(actor, command.grants, {})
    entries = tuple(Entry(each.account, each.side, each.amount, each.currency) for each in command.entries)
    check_by_hand(command.kind, entries)
    _check_owed(entries, uow)
    if (command.kind == "reconciliation") != (command.item_id is not None):
        raise ItemNotByHand
    if command.item_id is not None:
        _check_item(command.item_id, entries, uow)
    effective_at = command.effective_at or now
    if effective_at > now:
        raise EffectiveLater
    order_number = ""
    if command.order_id is not None:
        order = uow.orders.find(command.order_id)
        if order is None:
            raise NotFound
        order_number = order.number
    return _propose(
        uow, actor, now, kind=command.kind, reason=command.reason, order=(command.order_id, order_number),
        reverses=None, entries=entries, effective_at=effective_at, item_id=command.item_id,
    )  # fmt: skip


def propose_reversal(
    command: ProposeReversal, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> AdjustmentView:
    """
    Somebody wants a transaction taken back, today.

    Raises:
        NotFound: There is no such transaction.
        ReversalNotReversed, NotReversible: See there.
    """
    require(actor, command.grants, {})
    taken_back = _reversible(uow, command.transaction_id)
    return _propose(
        uow, actor, now, kind="reversal", reason=command.reason, order=(taken_back.order_id, taken_back.order_number),
        reverses=taken_back.transaction_id, entries=(), effective_at=now,
    )  # fmt: skip


def approve_adjustment(
    command: ApproveAdjustment, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> AdjustmentView:
    """
    Another one agrees: it is booked.

    Raises:
        WrongState, SameHandsApprove: See Adjustment.approve.
        MoreThanOwed: A debt would be written off that is not there.
        ItemNotByHand, MoreThanItem, ItemBookedAlready: The item is not any more as it was.
        ReversedAlready, AccountOverdrawn: See `reverse_transaction`.
    """
    require(actor, command.grants, {})
    adjustment = uow.adjustments.get(command.adjustment_id)
    by = hand_of(actor)
    adjustment.check_approver(by)
    if adjustment.reverses is not None:
        transaction_id = reverse_transaction(uow, adjustment.reverses, effective_at=adjustment.effective_at, now=now)
    else:
        _check_owed(adjustment.entries, uow)
        if adjustment.item_id is not None:
            _check_item(adjustment.item_id, adjustment.entries, uow, adjustment.adjustment_id)
        key = f"{KEY}:{adjustment.adjustment_id}"
        transaction_id = derived_id("ledger_tx", key)
        post_transaction(
            uow,
            key=key,
            kind=adjustment.kind,
            entries=adjustment.entries,
            effective_at=adjustment.effective_at,
            now=now,
            order=(adjustment.order_id, adjustment.order_number) if adjustment.order_id is not None else None,
        )
    adjustment.approve(by, transaction_id, now)
    uow.adjustments.save(adjustment)
    return view(adjustment)


def refuse_adjustment(
    command: RefuseAdjustment, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> AdjustmentView:
    """It is not booked; who proposed it withdraws it thus. Raises WrongState."""
    require(actor, command.grants, {})
    adjustment = uow.adjustments.get(command.adjustment_id)
    adjustment.refuse(hand_of(actor), now)
    uow.adjustments.save(adjustment)
    return view(adjustment)


def _check_owed(entries: tuple[Entry, ...], uow: BillingUnitOfWork) -> None:
    """Raises MoreThanOwed. The debtor is locked, so that two who write it off at once see each other."""
    for (account, currency), amount in sorted(credited_receivables(entries).items()):
        uow.programmes.lock_debtor(account)
        if amount > -uow.ledger.standing(account, currency):
            raise MoreThanOwed(account=account)


def _reversible(uow: BillingUnitOfWork, transaction_id: UUID) -> Transaction:
    found = uow.ledger.find(transaction_id)
    if found is None:
        raise NotFound
    if found.reverses is not None:
        raise ReversalNotReversed
    if not found.key.startswith(f"{KEY}:"):
        raise NotReversible(kind=found.kind)
    return found


def _check_item(item_id: UUID, entries: tuple[Entry, ...], uow: BillingUnitOfWork, but: UUID | None = None) -> None:
    """The item is locked: two who want it booked at once come one after the other."""
    item = uow.reconciliations.get_item(item_id)
    check_for_item(entries, item)
    if uow.adjustments.books_item(item_id, item.found_at, but):
        raise ItemBookedAlready


def _propose(
    uow: BillingUnitOfWork, actor: Actor, now: datetime, *, kind: AdjustmentKind, reason: str,
    order: tuple[UUID | None, str], reverses: UUID | None, entries: tuple[Entry, ...], effective_at: datetime,
    item_id: UUID | None = None,
) -> AdjustmentView:  # fmt: skip
    adjustment = Adjustment(
        adjustment_id=new_id(),
        number="",
        kind=kind,
        state="proposed",
        reason=reason,
        order_id=order[0],
        order_number=order[1],
        reverses=reverses,
        entries=entries,
        effective_at=effective_at,
        proposed_at=now,
        proposed_by=hand_of(actor),
        item_id=item_id,
    )
    uow.adjustments.add(adjustment)
    return view(adjustment)


def view(adjustment: Adjustment) -> AdjustmentView:
    return AdjustmentView(
        adjustment_id=adjustment.adjustment_id,
        number=adjustment.number,
        kind=adjustment.kind,
        state=adjustment.state,
        reason=adjustment.reason,
        order_id=adjustment.order_id,
        order_number=adjustment.order_number,
        reverses=adjustment.reverses,
        entries=tuple(
            EntryMessage(line=line, account=entry.account, side=entry.side, amount=entry.amount,
                         currency=entry.currency)
            for line, entry in enumerate(adjustment.entries, start=1)
        ),
        effective_at=adjustment.effective_at,
        proposed_at=adjustment.proposed_at,
        proposed_by=adjustment.proposed_by,
        decided_at=adjustment.decided_at,
        decided_by=adjustment.decided_by,
        transaction_id=adjustment.transaction_id,
        item_id=adjustment.item_id,
    )  # fmt: skip
