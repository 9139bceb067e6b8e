"""
What a line in suspense is most likely for, among many payments.

A page of suspense would score every line against every open payment. Points come from a reference, an amount and a
payer, so a payment that shares none of them with a line is never worth showing, and of those that share the same ones
the newest come first: only these are scored.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_line_part import Part
from services.billing.domain.bank_matching import Scored, newest_first, scored
from services.billing.domain.bank_statement import Candidate
from services.billing.domain.payer_agreement import NAME_CHARS_CUT_MIN, Payer, PayerAgreement, one_account, one_form
from services.billing.domain.payment import Payment
from services.shared.kernel.times import business_date

PARTS_MAX = 50
"""As many as a line may be resolved into at once."""
WORTH_SHOWING_MIN = 10
"""Points; below it nothing but the day speaks for a payment."""


class _Group:
    """Payments that only the day on which they were asked for can tell apart, the newest first."""

    def __init__(self) -> None:
        self.payments: list[Payment] = []
        self.days: list[int] = []

    def add(self, payment: Payment, day: date) -> None:
        self.payments.append(payment)
        self.days.append(-day.toordinal())

    def best(self, day: date, most: int) -> Iterator[Payment]:
        """Of those asked for by *day*, and of those asked for later, *most* each."""
        first = bisect_left(self.days, -day.toordinal())
        yield from self.payments[first : first + most]
        yield from self.payments[: min(first, most)]


@dataclass(frozen=True, slots=True)
class Split:
    """Parts that make up a line. *reasons* are codes."""

    parts: tuple[Part, ...]
    reasons: tuple[str, ...]


def _waiting(line: BankLine, payments: Sequence[Payment]) -> list[Payment]:
    """Those that miss something in the line's currency, the first first."""
    once = {each.payment_id: each for each in payments if each.missing and each.currency == line.currency}
    return newest_first(once.values())[::-1]


def _filled(line: BankLine, payments: Sequence[Payment]) -> Split:
    parts: list[Part] = []
    left = line.amount
    for payment in payments:
        if left:
            parts.append(Part("payment", payment.payment_id, min(left, payment.missing)))
            left -= parts[-1].amount
    if left:
        return Split((*parts, Part("customer_credit", payments[0].customer_id, left)), ("amount_over",))
    under = sum(part.amount for part in parts) < sum(each.missing for each in payments)
    return Split(tuple(parts), ("amount_under" if under else "amount_exact",))


class Suggestions:
    """
    *most* for each line, of *payments*, the likeliest first: the same as `scored` finds.

    *payers*: who pays for their customers; *meant*: by line, what payments its text may mean.
    """

    def __init__(
        self, payments: Sequence[Payment], payers: Mapping[UUID, Payer], meant: Mapping[UUID, Sequence[Candidate]],
        most: int,
    ) -> None:  # fmt: skip
        self.payers, self.meant, self.most = payers, meant, most
        self.named: defaultdict[str, list[Payment]] = defaultdict(list)
        self.missing: defaultdict[tuple[str, int], _Group] = defaultdict(_Group)
        self.of_customer: defaultdict[UUID, _Group] = defaultdict(_Group)
        self.of_both: defaultdict[tuple[UUID, str, int], _Group] = defaultdict(_Group)
        for payment in newest_first(payments):
            day = business_date(payment.opened_at)
            if payment.reference:
                self.named[payment.reference].append(payment)
            self.missing[payment.currency, payment.missing].add(payment, day)
            self.of_customer[payment.customer_id].add(payment, day)
            self.of_both[payment.customer_id, payment.currency, payment.missing].add(payment, day)
        self._index_payers()

    def _index_payers(self) -> None:
        self.accounts: defaultdict[str, set[UUID]] = defaultdict(set)
        self.agreements: defaultdict[str, list[PayerAgreement]] = defaultdict(list)
        names: set[tuple[str, UUID]] = set()
        for customer_id, payer in self.payers.items():
            names.update((name, customer_id) for name in payer.names)
            for account in payer.accounts:
                self.accounts[account].add(customer_id)
            for agreement in payer.agreements:
                self.agreements[one_form(agreement.payer_name)].append(agreement)
        self.names = sorted(names)

    def of(self, line: BankLine) -> list[Scored]:
        references = self.meant[line.bank_line_id]
        day = business_date(line.booked_at)
        likely = [payment for each in references for payment in self.named.get(each.reference, ())]
        amount = (line.currency, line.amount)
        if amount in self.missing:
            likely += self.missing[amount].best(day, self.most)
        for customer_id in self._may_have_paid(line) & self.of_customer.keys():
            likely += self.of_customer[customer_id].best(day, self.most)
            if (customer_id, *amount) in self.of_both:
                likely += self.of_both[customer_id, *amount].best(day, self.most)
        once = {payment.payment_id: payment for payment in likely}
        found = scored(line, references, list(once.values()), self.payers)
        return [each for each in found if each.score >= WORTH_SHOWING_MIN][: self.most]

    def split(self, line: BankLine) -> Split | None:
        """
        How all of *line* pays what it names, or else what its payer misses in all; none: neither is sure enough.

        The payment that was asked for first is filled first; what is over is the customer's credit.
        """
        named = [each for found in self.meant[line.bank_line_id] for each in self.named.get(found.reference, ())]
        by_name = _waiting(line, named)
        meant = by_name or self._all_of_payer(line)
        exactly = sum(each.missing for each in meant) == line.amount
        sure = exactly or (by_name and len({each.customer_id for each in by_name}) == 1)
        return _filled(line, meant) if sure and len(meant) < PARTS_MAX else None

    def _all_of_payer(self, line: BankLine) -> list[Payment]:
        payers = self._may_have_paid(line) & self.of_customer.keys()
        return _waiting(line, self.of_customer[payers.pop()].payments) if len(payers) == 1 else []

    def _may_have_paid(self, line: BankLine) -> set[UUID]:
        """Customers that sent *line*, or for whom its payer may pay; by the same signs as `payer_of`."""
        name, account = one_form(line.counterparty), one_account(line.counterparty_account)
        found = {each.customer_id for each in self.agreements.get(name, ()) if each.covers(line)}
        if account:
            found |= self.accounts.get(account, set())
        if name:
            # A name alone sorts before itself with any customer.
            for known, customer_id in self.names[bisect_left(self.names, (name,)) :]:
                if known != name and not (len(name) >= NAME_CHARS_CUT_MIN and known.startswith(name)):
                    break
                found.add(customer_id)
        return found
