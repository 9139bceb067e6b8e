"""The ledger's hash chain on real PostgreSQL: sealed once it is final, and tampering by its owner is found."""

import re
from datetime import timedelta

import pytest

from services.billing.adapters.ledger_verification import run
from services.billing.config import settings
from services.billing.domain.ledger import Entry
from services.billing.use_cases.ledger import SEAL_TIMER, post_transaction, seal_ledger
from services.billing.use_cases.ports import BillingUnitOfWork
from tests.integration.billing.conftest import LEDGER_TABLES, Billing
from tests.kit.fakes_billing import NOW


def book(uow: BillingUnitOfWork, key: str, amount: int = 5) -> None:
    entries = (Entry("E:psp_fee", "D", amount, "CNY"), Entry("R:service", "C", amount, "CNY"))
    post_transaction(uow, key=key, kind="test", entries=entries, effective_at=NOW, now=NOW)


def sealed(billing: Billing) -> int:
    """Run the timer once. Returns up to which number the chain goes."""
    billing.within(lambda uow: seal_ledger("ledger", uow=uow, now=NOW))
    ((last,),) = billing.rows("SELECT coalesce(max(last_seq), 0) FROM ledger_block")
    return int(last)


def a_chain(billing: Billing) -> None:
    """Two blocks of three."""
    for block in range(2):
        for number in range(3):
            billing.within(lambda uow, n=(block, number): book(uow, f"k{n}"))  # type: ignore[misc] # bound now
        for _ in range(3):
            sealed(billing)
    assert billing.rows("SELECT cardinality(seqs) FROM ledger_block ORDER BY number") == [(3,), (3,)]


def verdict(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = run(settings())
    return code, capsys.readouterr().out


def test_sealed_in_order_told_once_and_verified(billing: Billing, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run in quiet adds nothing; the timer sets itself again; what is not sealed yet is counted."""
    a_chain(billing)
    assert sealed(billing) == 6
    billing.within(lambda uow: book(uow, "later"))
    assert billing.told.count("ledger.sealed.v1") == 2
    assert billing.rows("SELECT due_at FROM timer WHERE kind = %s", (SEAL_TIMER,)) == [(NOW + timedelta(minutes=1),)]
    code, said = verdict(capsys)
    assert code == 0
    assert re.fullmatch(r"ledger: 2 blocks over 6 transactions hold, 1 not sealed yet; head [0-9a-f]{64}\n", said)


def test_nothing_is_sealed_past_what_is_still_in_flight(billing: Billing, capsys: pytest.CaptureFixture[str]) -> None:
    """A smaller number whose transaction is still running holds back the later ones, however long it runs."""
    billing.within(lambda uow: book(uow, "first"))
    with billing.transaction() as slow:
        book(slow, "slow")
        billing.within(lambda uow: book(uow, "quick"))
        assert billing.rows("SELECT seq FROM ledger_tx ORDER BY seq") == [(1,), (3,)]
        for _ in range(4):
            assert sealed(billing) == 0
    sealed(billing)
    assert sealed(billing) == 3
    assert verdict(capsys)[0] == 0


def test_one_that_runs_alone_through_several_calls_is_waited_for(
    billing: Billing, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody has a later id than it: what has ended up to now says nothing about it."""
    with billing.transaction() as slow:
        book(slow, "slow")
        for _ in range(5):
            assert sealed(billing) == 0
    assert [sealed(billing) for _ in range(3)][-1] == 1
    assert verdict(capsys)[0] == 0


def test_a_number_that_was_given_back_holds_nobody_up(billing: Billing) -> None:
    """A transaction that was rolled back leaves a gap."""

    def fails(uow: BillingUnitOfWork) -> None:
        book(uow, "failing")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        billing.within(fails)
    billing.within(lambda uow: book(uow, "next"))
    assert [sealed(billing) for _ in range(3)] == [0, 0, 2]
    assert billing.rows("SELECT seqs FROM ledger_block") == [([2],)]


def test_a_restored_server_that_counts_anew_seals_again(billing: Billing) -> None:
    """Transaction ids of the old server mean nothing on the new one."""
    billing.database.change("UPDATE ledger_horizon SET xid_seen = '999999999999', seq_seen = 77")
    billing.within(lambda uow: book(uow, "k"))
    assert [sealed(billing) for _ in range(3)] == [0, 0, 1]


INSERT_TX = (
    "INSERT INTO ledger_tx (transaction_id, idem_key, request_hash, kind, order_number, cause, effective_at,"
    " posted_at, seq) SELECT gen_random_uuid(), 'forged', '', '', '', '', 'epoch', 'epoch', {seq}"
)
CUT_OFF = "DELETE FROM ledger_entry WHERE seq > 3; DELETE FROM ledger_tx WHERE seq > 3"
RENUMBER = "UPDATE ledger_tx SET seq = {new} WHERE seq = {old}; UPDATE ledger_entry SET seq = {new} WHERE seq = {old};"


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE ledger_entry SET amount = 6 WHERE seq = 2", "block 1: transaction 2 was altered"),
        ("UPDATE ledger_entry SET account = 'E:bad_debt' WHERE seq = 5 AND line = 1", "block 2: transaction 5 was"),
        ("UPDATE ledger_entry SET effective_at = '2020-01-01' WHERE seq = 2", "block 1: transaction 2 was altered"),
        ("UPDATE ledger_tx SET cause = 'somebody else' WHERE seq = 1", "block 1: transaction 1 was altered"),
        ("UPDATE ledger_tx SET request_hash = '' WHERE seq = 6", "block 2: transaction 6 was altered"),
        ("DELETE FROM ledger_entry WHERE seq = 4; DELETE FROM ledger_tx WHERE seq = 4", "block 2: transaction 4 is"),
        (RENUMBER.format(old=2, new=99) + RENUMBER.format(old=3, new=2) + RENUMBER.format(old=99, new=3),
         "block 1: transaction 2 was altered"),
        ("DELETE FROM ledger_block WHERE number = 2;" + CUT_OFF, "block 2: was announced and is missing: the end was"),
        ("DELETE FROM ledger_block; DELETE FROM ledger_entry; DELETE FROM ledger_tx", "the end was cut off"),
        ("UPDATE ledger_block SET hash = sha256('x') WHERE number = 1", "block 1: its hash does not follow"),
        ("UPDATE ledger_block SET digests = overlay(digests PLACING '\\x00' FROM 5) WHERE number = 2",
         "block 2: its hash does not follow"),
        ("DELETE FROM ledger_block WHERE number = 1", "block 1: is missing"),
        ("UPDATE ledger_tx SET seq = 7 WHERE seq = 6; UPDATE ledger_entry SET seq = 7 WHERE seq = 6",
         "block 2: transaction 6 is missing"),
        ("DELETE FROM outbox WHERE type = 'ledger.sealed.v1'", "block 1: was announced with another hash, or never"),
        (INSERT_TX.format(seq=0), "block 1: transaction 0 was added later"),
    ],
)  # fmt: skip
def test_tampering_by_the_owner_of_the_tables_is_found(
    billing: Billing, capsys: pytest.CaptureFixture[str], tampering: str, found: str
) -> None:
    """With all triggers off: entries and words changed, deleted, swapped, added, the end cut off, the chain edited."""
    a_chain(billing)
    off = "".join(f"ALTER TABLE {table} DISABLE TRIGGER USER;" for table in LEDGER_TABLES)
    on = "".join(f"ALTER TABLE {table} ENABLE TRIGGER USER;" for table in LEDGER_TABLES)
    billing.database.change(off)
    billing.database.change(tampering)
    billing.database.change(on)
    code, said = verdict(capsys)
    assert code == 1
    assert said.startswith("ledger: BROKEN at ")
    assert found in said
