"""Whatever is asked of the ledger in whatever order, it answers as the plain one does: now, then, and as known then."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing.adapters.account_queries import get_account_statement, get_trial_balance
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.adjustment import Adjustment
from services.billing.domain.ledger import (
    AccountOverdrawn,
    BookedOtherwise,
    Entry,
    Posting,
    ReversalNotReversed,
    ReversedAlready,
)
from services.billing.domain.period import period_of
from services.billing.use_cases.ledger import post_transaction, post_transactions, reverse_transaction
from services.billing.use_cases.period import close_period
from services.shared.kernel.ids import derived_id
from services.shared.kernel.times import business_date
from services.shared.messages.billing.account import GetAccountStatement, GetTrialBalance
from services.shared.messages.billing.period import ClosePeriod
from tests.integration.billing.conftest import Billing
from tests.kit.reference_ledger import Line, ReferenceLedger

EXAMPLES = 15
BEGIN = datetime(2026, 10, 20, 3, tzinfo=UTC)
FREE = ("A:bank:main", "A:psp:stripe", "E:psp_fee", "R:service", "L:vat:output", "A:vat:input")
GUARDED = (f"L:contract:{derived_id('order', 1)}", f"L:refund:{derived_id('refund', 1)}")
ACCOUNTS = FREE + GUARDED


@st.composite
def balanced(draw: st.DrawFn) -> tuple[Line, ...]:
    """One to three debits and as many credits of one or two currencies; amounts small, so that accounts run dry."""
    lines: list[Line] = []
    for currency in draw(st.sampled_from([("CNY",), ("USD",), ("CNY", "JPY")])):
        left = draw(st.integers(1, 60))
        lines.append((draw(st.sampled_from(ACCOUNTS)), "D", left, currency))
        while left:
            part = draw(st.integers(1, left))
            lines.append((draw(st.sampled_from(ACCOUNTS)), "C", part, currency))
            left -= part
    if draw(st.booleans()):
        lines = [(account, "C" if side == "D" else "D", amount, currency) for account, side, amount, currency in lines]
    return tuple(lines)


days_ago = st.integers(0, 70)
deeds = st.one_of(
    st.tuples(st.just("post"), balanced(), days_ago),
    st.tuples(st.just("post_many"), st.lists(balanced(), min_size=1, max_size=5), days_ago),
    st.tuples(st.just("again"), st.integers(0, 10**6), days_ago),
    st.tuples(st.just("otherwise"), balanced(), st.integers(0, 10**6)),
    st.tuples(st.just("reverse"), st.integers(0, 10**6), days_ago),
    st.tuples(st.just("close"), st.just(0), st.integers(20, 40)),
    st.tuples(st.just("wait"), st.just(0), st.integers(1, 15)),
)


class Both:
    """The same is asked of both. *ids*: of each of the plain ledger's keys, the transaction of the real one."""

    def __init__(self, billing: Billing) -> None:
        billing.begin_anew()
        self.billing = billing
        self.plain = ReferenceLedger()
        self.ids: dict[str, UUID] = {}
        self.now = BEGIN
        self.moments = [BEGIN]

    def does(self, deed: str, what: Any, pick: int) -> None:
        self.now += timedelta(minutes=1)
        at = self.now - timedelta(days=pick % 71, seconds=pick % 60)
        keys = [each.key for each in self.plain.booked]
        if deed == "wait":
            self.now += timedelta(days=pick)
        elif deed == "close":
            self._close(pick)
        elif deed == "post":
            self._post([(f"k{len(keys)}", what, at)])
        elif deed == "post_many":
            self._post([(f"k{len(keys)}.{n}", lines, at + timedelta(hours=n)) for n, lines in enumerate(what)])
        elif keys and deed == "reverse":
            self._reverse(keys[what % len(keys)], at)
        elif own := [each for each in self.plain.booked if each.key.startswith("k")]:
            if deed == "again":
                known = own[what % len(own)]
                self._post([(known.key, known.lines, at)])
            else:
                self._post([(own[pick % len(own)].key, what, self.now)])
        self.moments.append(self.now)

    def _post(self, facts: Sequence[tuple[str, Sequence[Line], datetime]]) -> None:
        expected = self.plain.post(facts, self.now)
        postings = [
            Posting(key, "test", tuple(Entry(*line) for line in lines), at, None)  # type: ignore[arg-type]
            for key, lines, at in facts
        ]  # fmt: skip

        def booked(uow: Any) -> int:
            if len(postings) > 1:
                return post_transactions(uow, postings, now=self.now)
            (one,) = postings
            return post_transaction(
                uow, key=one.key, kind=one.kind, entries=one.entries, effective_at=one.effective_at, now=self.now
            )

        new = [key for key, _, _ in facts if key not in self.ids]
        assert self._outcome(lambda: self.billing.within(booked)) == expected
        if expected == "booked":
            self._declare([derived_id("ledger_tx", key) for key in new])
            self.ids |= {key: derived_id("ledger_tx", key) for key in new}

    def _reverse(self, key: str, at: datetime) -> None:
        expected = self.plain.reverse(key, at, self.now)
        if key not in self.ids:  # the VAT of a month, whose key is the closing's own affair
            name = next(each for each in self.plain.booked if each.key == key)
            month = business_date(name.counts_at)
            self.ids[key] = derived_id("ledger_tx", f"vat:{month:%Y-%m}:{name.lines[0][3]}")
        of = self.ids[key]
        found = self._outcome(
            lambda: self.billing.within(lambda uow: bool(reverse_transaction(uow, of, effective_at=at, now=self.now)))
        )
        assert found == expected
        if expected == "booked":
            self._declare([derived_id("ledger_tx", f"reverse:{of}")])
        self.ids[f"reversal of {key}"] = derived_id("ledger_tx", f"reverse:{of}")

    def _close(self, days: int) -> None:
        """The month after the last one closed, or the one some days ago; once it is over."""
        last = self.plain.closed_until
        month = business_date(last) if last is not None else business_date(self.now - timedelta(days=days))
        period = period_of(f"{month:%Y-%m}")
        if period.until > self.now:
            self.now = period.until + timedelta(days=days - 20)
        self.billing.run(close_period, ClosePeriod(period=period.name), now=self.now)
        self.plain.close(period.until, self.now)

    def _declare(self, transaction_ids: Sequence[UUID]) -> None:
        """Two people have said so: VAT of no invoice and no declaration would be a violation (I15)."""

        def said(uow: BillingUnitOfWork) -> None:
            for each in transaction_ids:
                uow.adjustments.add(
                    Adjustment(
                        derived_id("adjustment", each), "", "reclassification", "approved", "test", None, "", None, (),
                        effective_at=self.now, proposed_at=self.now, proposed_by="member/1", decided_at=self.now,
                        decided_by="member/2", transaction_id=each,
                    )
                )  # fmt: skip

        self.billing.within(said)

    @staticmethod
    def _outcome(deed: Callable[[], object]) -> str:
        try:
            return "booked" if deed() else "again"
        except BookedOtherwise:
            return "otherwise"
        except AccountOverdrawn:
            return "overdrawn"
        except ReversalNotReversed:
            return "reversal"
        except ReversedAlready:
            return "reversed"

    def agree(self, until: datetime, known_at: datetime) -> None:
        stands = {place: amount for place, amount in self.plain.stands(until, known_at).items() if amount}
        page = self.billing.run(get_trial_balance, GetTrialBalance(until=until, known_at=known_at, limit=200))
        assert {(each.account, each.currency): each.debit - each.credit for each in page.items} == stands
        for account in ACCOUNTS:
            asked = GetAccountStatement(account=account, currency="CNY", until=until, known_at=known_at, limit=200)
            told = self.billing.run(get_account_statement, asked)
            sign = 1 if told.side == "D" else -1
            assert told.closing == sign * stands.get((account, "CNY"), 0)
            assert told.opening + sum(
                line.amount if line.side == told.side else -line.amount for line in told.items
            ) == told.closing  # fmt: skip
            assert told.next_cursor is None


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    course=st.lists(deeds, min_size=15, max_size=40),
    asked=st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(-40, 3), st.integers(0, 10**6)), min_size=4, max_size=8
    ),
)
def test_both_ledgers_agree(
    billing: Billing, course: list[tuple[str, Any, int]], asked: list[tuple[int, int, int]]
) -> None:
    """Booked, again, otherwise, overdrawn, taken back, late, into closed months; at any time, as known at any."""
    both = Both(billing)
    for deed, what, pick in course:
        both.does(deed, what, pick)
    for moment, days, known in asked:
        # Half of the questions end at the very instant of an entry, which does not count then.
        instants = [each.counts_at for each in both.plain.booked] if moment % 2 and both.plain.booked else both.moments
        until = instants[moment % len(instants)] + timedelta(days=days if instants is both.moments else 0)
        both.agree(until, both.moments[known % len(both.moments)])
    both.agree(both.now + timedelta(days=1), both.now)
    assert billing.violations() == ()
