"""The ledger's rules hold for any sequence of postings, repeated in any way."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.ledger import BANK, AccountOverdrawn, Entry, contract
from services.billing.domain.payment import receipt
from services.billing.domain.payout import payout_paid, payout_started
from services.billing.domain.settlement import received_invoice_matched
from services.billing.use_cases.ledger import post_transaction
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.ledger import LedgerPosted
from tests.kit.fakes_billing import CUSTOMER_ID, ORDER_ID, PROVIDER_ID, FakeBillingUnitOfWork, cny

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PAYOUT_ID = derived_id("payout", "any")

amounts = st.integers(1, 10_000)


def _facts(kind: int, amount: int) -> tuple[Entry, ...]:
    return (
        receipt(BANK, contract(ORDER_ID), CUSTOMER_ID, cny(amount), cny(amount // 3)),
        received_invoice_matched("provider", PROVIDER_ID, cny(amount), cny(amount // 7)),
        payout_started("provider", PROVIDER_ID, PAYOUT_ID, cny(amount)),
        payout_paid(PAYOUT_ID, cny(amount), BANK),
        (Entry(contract(ORDER_ID), "D", amount, "CNY"), Entry("L:provider:x:accrued", "C", amount, "CNY")),
    )[kind]


@given(st.lists(st.tuples(st.integers(0, 4), amounts, st.integers(1, 3)), max_size=40))
def test_any_sequence(steps: list[tuple[int, int, int]]) -> None:
    """Whatever is posted, however often: sums stay zero, nobody's money goes below zero, each is told once."""
    uow = FakeBillingUnitOfWork()
    for number, (kind, amount, times) in enumerate(steps):
        for _ in range(times):
            try:
                post_transaction(
                    uow, key=f"step:{number}", kind="test", entries=_facts(kind, amount), effective_at=NOW, now=NOW
                )
            except AccountOverdrawn:
                break
    entries = [entry for transaction in uow.ledger.transactions.values() for entry in transaction.entries]
    assert sum(entry.amount if entry.side == "D" else -entry.amount for entry in entries) == 0
    for account in {entry.account for entry in entries}:
        if account.startswith(("L:contract:", "L:payout_transit:", "L:provider:", "L:customer_credit:")):
            assert uow.ledger.balance(account) >= 0
    told = [event.transaction.key for event in uow.events(LedgerPosted)]
    assert sorted(told) == sorted(uow.ledger.transactions)
