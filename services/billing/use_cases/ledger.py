"""Posting to the ledger, and checking that it holds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.billing.domain.ledger import (
    BookedOtherwise,
    Entry,
    Posting,
    ReversalNotReversed,
    ReversedAlready,
    Transaction,
    check_balanced,
    mirrored,
)
from services.billing.domain.ledger_block import SEALED_AT_ONCE_MAX, Block
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.ledger import (
    CheckInvariants,
    InvariantsView,
    LedgerPosted,
    LedgerSealed,
    LedgerTransaction,
)
from services.shared.messages.billing.ledger import Entry as EntryMessage

WATCH_TIMER = "watch_invariants"
WATCH_EVERY = timedelta(minutes=15)
WATCH_ALL_TIMER = "watch_all_invariants"
WATCH_ALL_EVERY = timedelta(days=1)
SEAL_TIMER = "seal_ledger"
SEAL_EVERY = timedelta(minutes=1)


def post_transaction(
    uow: BillingUnitOfWork, *, key: str, kind: str, entries: Sequence[Entry], effective_at: datetime, now: datetime,
    order: tuple[UUID, str] | None = None, reverses: UUID | None = None,
) -> bool:  # fmt: skip
    """
    Book a business fact, once, and say so with one `ledger.posted`.

    Args:
        uow: The transaction in which it is booked and said.
        key: Names the fact; posting the same again does nothing.
        kind: Of fact, for readers.
        entries: May be empty where a fact moves no money: then nothing is booked.
        effective_at: When it happened, for the business.
        now: When it is booked.
        order: Id and number of the order it belongs to, or none.
        reverses: The transaction that *entries* take back, or none; see `reverse_transaction`.

    Returns:
        Whether it was booked now.

    Raises:
        Unbalanced: A bug of the caller.
        BookedOtherwise, AccountOverdrawn: See the port.
    """
    if not entries:
        return False
    transaction = _transaction(Posting(key, kind, tuple(entries), effective_at, order), uow.caused_by, now, reverses)
    return _announce(transaction, uow.ledger.post(transaction), uow)


def post_transactions(uow: BillingUnitOfWork, postings: Sequence[Posting], *, now: datetime) -> int:
    """
    Book many business facts at once, each as `post_transaction` books one, in a few statements.

    Returns:
        How many were booked now.

    Raises:
        Unbalanced: A bug of the caller.
        BookedOtherwise, AccountOverdrawn: See the port; none is booked then.
    """
    by_key: dict[str, Transaction] = {}
    for posting in postings:
        if posting.entries:
            transaction = _transaction(posting, uow.caused_by, now, None)
            if by_key.setdefault(posting.key, transaction).request_hash != transaction.request_hash:
                raise BookedOtherwise(transaction=posting.key)
    # In one order, whoever books them: two who book the same facts would wait for each other.
    transactions = [by_key[key] for key in sorted(by_key)]
    counts_at = uow.ledger.post_all(transactions) if transactions else ()
    return sum(_announce(*booked, uow) for booked in zip(transactions, counts_at, strict=True))


def _transaction(posting: Posting, cause: str, now: datetime, reverses: UUID | None) -> Transaction:
    check_balanced(posting.entries)
    order_id, order_number = posting.order or (None, "")
    return Transaction(
        transaction_id=derived_id("ledger_tx", posting.key),
        key=posting.key,
        kind=posting.kind,
        order_id=order_id,
        order_number=order_number,
        cause=cause,
        effective_at=posting.effective_at,
        posted_at=now,
        entries=posting.entries,
        reverses=reverses,
    )


def _announce(transaction: Transaction, counts_at: datetime | None, uow: BillingUnitOfWork) -> bool:
    if counts_at is None:
        return False
    if counts_at != transaction.effective_at:
        transaction = replace(transaction, effective_at=counts_at, business_at=transaction.effective_at)
    uow.publish(_posted(transaction))
    return True


def reverse_transaction(uow: BillingUnitOfWork, transaction_id: UUID, *, effective_at: datetime, now: datetime) -> UUID:
    """
    Take back what was booked, by a transaction that mirrors it and names it.

    Returns:
        The transaction that takes it back.

    Raises:
        NotFound: There is no such transaction.
        ReversalNotReversed, ReversedAlready: See there.
        AccountOverdrawn: What came of it has been spent meanwhile.
    """
    taken_back = uow.ledger.find(transaction_id)
    if taken_back is None:
        raise NotFound
    if taken_back.reverses is not None:
        raise ReversalNotReversed
    key = f"reverse:{transaction_id}"
    booked = post_transaction(
        uow,
        key=key,
        kind="reversal",
        entries=mirrored(taken_back.entries),
        effective_at=effective_at,
        now=now,
        order=(taken_back.order_id, taken_back.order_number) if taken_back.order_id is not None else None,
        reverses=transaction_id,
    )
    if not booked:
        raise ReversedAlready
    return derived_id("ledger_tx", key)


def _posted(transaction: Transaction) -> LedgerPosted:
    return LedgerPosted(
        stream_id=str(transaction.order_id) if transaction.order_id else "general",
        transaction=LedgerTransaction(
            transaction_id=transaction.transaction_id,
            key=transaction.key,
            kind=transaction.kind,
            order_id=transaction.order_id,
            order_number=transaction.order_number,
            effective_at=transaction.effective_at,
            business_at=transaction.business_at,
            reverses=transaction.reverses,
            entries=tuple(
                EntryMessage(line=line, account=entry.account, side=entry.side, amount=entry.amount,
                             currency=entry.currency)
                for line, entry in enumerate(transaction.entries, start=1)
            ),
        ),
    )  # fmt: skip


def check_invariants(
    command: CheckInvariants, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> InvariantsView:
    """Recompute what must always hold."""
    require(actor, command.grants, {})
    transactions, found = uow.ledger.check()
    return InvariantsView(
        transactions=transactions,
        checked=tuple(found),
        violations=tuple(f"{name}: {sentence}" for name, sentences in found.items() for sentence in sentences),
        red_letters_awaited=tuple(uow.ledger.red_letters_awaited(now)),
    )


def announce_blocks(blocks: Sequence[Block], uow: BillingUnitOfWork, now: datetime) -> None:
    """Tell each block's hash to everybody who keeps copies: who cuts off the chain's end cannot take that back."""
    for block in blocks:
        uow.publish(
            LedgerSealed(
                block=block.number,
                transactions=len(block.seqs),
                last_seq=block.last_seq,
                hash=block.hash.hex(),
                sealed_at=now,
            )
        )


def seal_ledger(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: add to the hash chain what is final, every minute; at once again while more than it takes is waiting."""
    blocks = uow.ledger_chain.seal(now, books_held=False)
    announce_blocks(blocks, uow, now)
    full = sum(len(block.seqs) for block in blocks) >= SEALED_AT_ONCE_MAX
    uow.set_timer(SEAL_TIMER, subject, now if full else now + SEAL_EVERY)


def watch_invariants(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """
    Timer: recompute what is recent every quarter of an hour, whether anybody asks or not.

    What does not hold raises an alarm.
    """
    uow.ledger.check_recent(now)
    uow.set_timer(WATCH_TIMER, subject, now + WATCH_EVERY)


def watch_all_invariants(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: recompute all of it once a day; as often as what is recent for as long as something does not hold."""
    found = uow.ledger.check_at_leisure()
    uow.set_timer(WATCH_ALL_TIMER, subject, now + (WATCH_EVERY if any(found.values()) else WATCH_ALL_EVERY))
