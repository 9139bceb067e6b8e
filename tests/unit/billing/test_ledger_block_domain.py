"""The hash chain: whatever is changed afterwards is found, and named."""

import pytest

from services.billing.domain.ledger_block import BLOCK_TRANSACTIONS_MAX, Block, ChainBroken, Recorded, seal, verify


def recorded(count: int, first: int = 1) -> list[Recorded]:
    return [Recorded(seq, (f"key {seq}", [["A:bank:main", "D", seq]])) for seq in range(first, first + count)]


def chain(*counts: int) -> tuple[list[Block], list[Recorded]]:
    """Blocks sealed one call after the other over as many transactions each."""
    blocks: list[Block] = []
    transactions: list[Recorded] = []
    for count in counts:
        new = recorded(count, len(transactions) + 1)
        transactions += new
        blocks += seal(blocks[-1] if blocks else None, new, transactions[-1].seq)
    return blocks, transactions


def told(blocks: list[Block]) -> dict[int, bytes]:
    return {block.number: block.hash for block in blocks}


def test_a_chain_that_nobody_touched_holds() -> None:
    """Whatever the sizes; what is not sealed yet is left alone."""
    blocks, transactions = chain(3, BLOCK_TRANSACTIONS_MAX + 1, 1)
    assert [len(block.seqs) for block in blocks] == [3, BLOCK_TRANSACTIONS_MAX, 1, 1]
    assert [block.number for block in verify(blocks, transactions, told(blocks))] == [1, 2, 3, 4]
    assert len(list(verify(blocks, [*transactions, *recorded(2, 10_000)], told(blocks)))) == 4


def test_the_same_words_in_other_fields_have_another_digest() -> None:
    """What stands where is part of it."""
    assert Recorded(1, ("ab", "c")).digest != Recorded(1, ("a", "bc")).digest
    assert Recorded(1, ("a", None)).digest != Recorded(1, ("a", "None")).digest
    assert Recorded(1, ("a",)).digest != Recorded(2, ("a",)).digest


@pytest.mark.parametrize("place", [0, 2, 3, 5])
@pytest.mark.parametrize("how", ["altered", "missing", "added", "swapped"])
def test_every_change_is_found_and_named(how: str, place: int) -> None:
    """At the transaction where it was done, in the first block and in the last."""
    blocks, transactions = chain(3, 3)
    seq = transactions[place].seq
    if how == "altered":
        transactions[place] = Recorded(seq, ("other",))
    elif how == "missing":
        del transactions[place]
    elif how == "added":
        transactions.insert(place, Recorded(seq, ("one more",)))
    else:
        other = (place + 1) % len(transactions)
        transactions[place], transactions[other] = (
            Recorded(seq, transactions[other].content),
            Recorded(transactions[other].seq, transactions[place].content),
        )
    with pytest.raises(ChainBroken) as broken:
        list(verify(blocks, transactions, told(blocks)))
    first = 1 if (how == "swapped" and place == 5) else seq
    assert str(broken.value).startswith(f"block {1 if first <= 3 else 2}: transaction {first}") or how == "added"
    assert broken.value.number == (1 if first <= 3 else 2)


def test_one_added_where_a_number_was_left_free_is_found() -> None:
    """A number that nobody used does not invite anybody."""
    transactions = [each for each in recorded(5) if each.seq != 3]
    blocks = list(seal(None, transactions, 6))
    for late in (3, 6):
        with pytest.raises(ChainBroken, match=f"transaction {late} was added later"):
            list(verify(blocks, sorted([*transactions, *recorded(1, late)], key=lambda t: t.seq), told(blocks)))


def test_the_end_cut_off_is_found() -> None:
    """Blocks and transactions together: what was announced remembers."""
    blocks, transactions = chain(3, 3)
    with pytest.raises(ChainBroken, match="the end was cut off"):
        list(verify(blocks[:1], transactions[:3], told(blocks)))
    with pytest.raises(ChainBroken, match="the end was cut off"):
        list(verify([], [], told(blocks)))


def test_a_chain_that_was_made_anew_is_found() -> None:
    """Whoever changes a transaction and computes all blocks again has not told these hashes to anybody."""
    blocks, transactions = chain(3, 3)
    forged, others = chain(3, 3)
    others[1] = Recorded(2, ("other",))
    forged = [*seal(None, others[:3], 3)]
    forged += seal(forged[-1], others[3:], 6)
    with pytest.raises(ChainBroken, match="block 1: was announced with another hash"):
        list(verify(forged, others, told(blocks)))
    with pytest.raises(ChainBroken, match="block 2: was announced with another hash, or never"):
        list(verify(blocks, transactions, {1: blocks[0].hash}))


def test_a_block_missing_or_edited_is_found() -> None:
    """In the middle too."""
    blocks, transactions = chain(2, 2, 2)
    with pytest.raises(ChainBroken, match="block 2: is missing"):
        list(verify([blocks[0], blocks[2]], transactions, told(blocks)))
    edited = Block(2, blocks[1].last_seq, blocks[1].seqs, blocks[1].digests[::-1], blocks[1].hash)
    with pytest.raises(ChainBroken, match="block 2: its hash does not follow"):
        list(verify([blocks[0], edited, blocks[2]], transactions, told(blocks)))
