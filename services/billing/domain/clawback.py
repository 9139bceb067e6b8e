"""
A claw-back: what a party was credited on a statement and must give back after a refund or a chargeback.

What no statement lists yet is simply earned less. What a statement lists has its invoice, sent or to come: it is
taken from what is payable to the party, and what is more than that it owes until a later statement is netted.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.input_vat import GivenBack
from services.billing.domain.order import Accrual
from services.billing.domain.organisation import PartyKind
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money


@dataclass
class Clawback:
    """
    Attributes:
        key: The business fact that led to it; one claw-back each.
        corrects: Number of the statement that listed the order.
        amount, left: Net and tax, minor units of *currency*; *left* is what the party still owes.
    """

    clawback_id: UUID
    key: str
    party_kind: PartyKind
    party_id: UUID
    order_id: UUID
    order_number: str
    corrects: str
    currency: str
    amount: int
    left: int
    opened_at: datetime

    def take(self, at_most: int) -> int:
        """Let *at_most* (minor units) be kept back towards it. Returns how much it takes."""
        taken = min(at_most, self.left)
        self.left -= taken
        return taken


@dataclass(frozen=True, slots=True)
class Kept:
    """A part of a statement that is not paid out because of a claw-back; *amount* in its currency."""

    clawback_id: UUID
    order_number: str
    corrects: str
    amount: int


def earns_less(kind: PartyKind, party_id: UUID, net: Money) -> tuple[ledger.Entry, ...]:
    """By an order that no statement lists; more, where *net* is below zero."""
    accrued, cost = ledger.owed(kind, party_id, "accrued"), ledger.cost(kind)
    if net.amount < 0:
        return ledger.entries(("D", cost, -net), ("C", accrued, -net))
    return ledger.entries(("D", accrued, net), ("C", cost, net))


def gives_back(
    kind: PartyKind, party_id: UUID, net: Money, tax: Money, from_payable: Money, of_vat: GivenBack
) -> tuple[ledger.Entry, ...]:
    """
    Of what a statement lists: *from_payable* at once, the rest is owed to us; its input VAT goes back too.

    *of_vat*: where *tax* stands. What was transferred out was cost; what exceeds its paper we owe with the next filing.
    """
    confirmed = Money(of_vat.confirmed + of_vat.beyond, tax.currency)
    return ledger.entries(
        ("D", ledger.owed(kind, party_id, "payable"), from_payable),
        ("D", ledger.receivable(kind, party_id), net + tax - from_payable),
        ("C", ledger.cost(kind), net + Money(of_vat.transferred_out, tax.currency)),
        ("C", ledger.INPUT_VAT_PENDING, Money(of_vat.pending, tax.currency)),
        ("C", ledger.INPUT_VAT, confirmed),
    )


def netted(kind: PartyKind, party_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """What a party owed us is kept from what is payable to it."""
    return ledger.entries(
        ("D", ledger.owed(kind, party_id, "payable"), amount), ("C", ledger.receivable(kind, party_id), amount)
    )


def paid_by_transfer(kind: PartyKind, party_id: UUID, owed: Money, over: Money) -> tuple[ledger.Entry, ...]:
    """A party transferred what it *owed* us, and more: its next statement gives that back."""
    return ledger.entries(
        ("D", ledger.BANK, owed + over),
        ("C", ledger.receivable(kind, party_id), owed),
        ("C", ledger.owed(kind, party_id, "accrued"), over),
    )


def given_back(clawback: Clawback, over: int, key: str, now: datetime) -> Accrual:
    """What was transferred *over* it, on the party's next statement; untaxed, for nothing was performed for it."""
    return Accrual(
        accrual_id=new_id(), key=key, kind="acceptance", order_id=clawback.order_id, party_kind=clawback.party_kind,
        party_id=clawback.party_id, order_number=clawback.order_number, title="", currency=clawback.currency,
        order_net=over, fee=0, base=over, base_of="order_net", net=over, tax=0, tax_rate_bps=0, special_invoice=False,
        accepted_at=now, payable_from=now,
    )  # fmt: skip
