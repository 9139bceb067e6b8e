"""
The ledger's hash chain: transactions with their entries in blocks, each block's hash over the one before.

    digest(transaction) = sha256(its canonical bytes)
    hash(n) = sha256(hash(n - 1) || digests of block n)        hash(0) = ''

A block lists the digest of each of its transactions, so that what was tampered with is named and not only its block.
What the chain's own end was, the events `ledger.sealed.v1` tell: they lie in a log with a chain of its own, and copies
of them with every consumer.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

BLOCK_TRANSACTIONS_MAX = 1_000
SEALED_AT_ONCE_MAX = 20_000
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Recorded:
    """A transaction as it stands in the tables: *seq* and all of it in a fixed order, as JSON values."""

    seq: int
    content: tuple[object, ...]

    @property
    def digest(self) -> bytes:
        text = json.dumps([self.seq, *self.content], ensure_ascii=False, separators=(",", ":"))
        return sha256(text.encode()).digest()


@dataclass(frozen=True, slots=True)
class Block:
    """*seqs* and *digests* of its transactions, in order; *last_seq*: up to where it says that there are no others."""

    number: int
    last_seq: int
    seqs: tuple[int, ...]
    digests: bytes
    hash: bytes


class ChainBroken(Exception):
    """The ledger was changed: *number* is the first block that does not hold."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"block {number}: {reason}")
        self.number = number


def seal(previous: Block | None, transactions: Sequence[Recorded], last_seq: int) -> Iterator[Block]:
    """Blocks over *transactions*, which are all that have numbers after *previous* up to *last_seq*, in order."""
    for start in range(0, len(transactions), BLOCK_TRANSACTIONS_MAX):
        held = transactions[start : start + BLOCK_TRANSACTIONS_MAX]
        digests = b"".join(transaction.digest for transaction in held)
        final = start + BLOCK_TRANSACTIONS_MAX >= len(transactions)
        previous = Block(
            number=previous.number + 1 if previous is not None else 1,
            last_seq=last_seq if final else held[-1].seq,
            seqs=tuple(transaction.seq for transaction in held),
            digests=digests,
            hash=_hash(previous, digests),
        )
        yield previous


def verify(
    blocks: Iterable[Block], transactions: Iterable[Recorded], announced: Mapping[int, bytes]
) -> Iterator[Block]:
    """
    Recompute the chain from *transactions* (all of the ledger, in order).

    Args:
        blocks: As they are stored, in order.
        transactions: Those not yet in a block, at the end, are left alone.
        announced: Hash of each block as it was told when it was sealed, by number.

    Yields:
        Each block once it is proven.

    Raises:
        ChainBroken: At the first block that does not hold; it says which transaction, where it is one.
    """
    found = iter(transactions)
    waiting = next(found, None)
    previous: Block | None = None
    for expected, block in enumerate(blocks, start=1):
        if block.number != expected:
            raise ChainBroken(expected, "is missing")
        if len(block.digests) != DIGEST_BYTES * len(block.seqs) or block.hash != _hash(previous, block.digests):
            raise ChainBroken(block.number, "its hash does not follow from its transactions and the block before")
        if announced.get(block.number) != block.hash:
            raise ChainBroken(block.number, "was announced with another hash, or never")
        for place, seq in enumerate(block.seqs):
            if waiting is not None and waiting.seq < seq:
                raise ChainBroken(block.number, f"transaction {waiting.seq} was added later")
            if waiting is None or waiting.seq != seq:
                raise ChainBroken(block.number, f"transaction {seq} is missing")
            if waiting.digest != block.digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]:
                raise ChainBroken(block.number, f"transaction {seq} was altered")
            waiting = next(found, None)
        if waiting is not None and waiting.seq <= block.last_seq:
            raise ChainBroken(block.number, f"transaction {waiting.seq} was added later")
        previous = block
        yield block
    last = max(announced, default=0)
    if last > (previous.number if previous is not None else 0):
        raise ChainBroken(last, "was announced and is missing: the end was cut off")


def _hash(previous: Block | None, digests: bytes) -> bytes:
    return sha256((previous.hash if previous is not None else b"") + digests).digest()
