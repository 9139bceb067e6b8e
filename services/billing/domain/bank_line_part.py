"""What a line of the bank's account, or a part of it, turns out to be: each kind with its way and its entries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.money import Money

PartKind = Literal[
    "payment", "customer_credit", "returned", "fee", "interest", "psp", "channel", "tax", "payout", "payout_return",
    "party_debt", "refund", "refund_return", "credit_payback", "credit_payback_return", "claim", "programme",
]  # fmt: skip


class PartsDiffer(Invalid):
    """The parts do not add up to the line, or one of them does not fit its direction."""

    code = "billing.bank_line_parts_differ"


class PaidOtherwise(Conflict):
    """
    The payout had failed and its settlement is paid by another one, or less is to be paid by now: what the bank has
    paid all the same is the party's debt.
    """

    code = "billing.payout_paid_otherwise"


class TaxExceedsPayable(Conflict):
    """More went to the tax office than the books say is payable; close the month first, or correct it."""

    code = "billing.tax_exceeds_payable"


WAYS: Mapping[PartKind, frozenset[str]] = {
    "payment": frozenset({"in"}),
    "customer_credit": frozenset({"in"}),
    "interest": frozenset({"in"}),
    "fee": frozenset({"out"}),
    "returned": frozenset({"in", "out"}),
    "psp": frozenset({"in", "out"}),
    "channel": frozenset({"in"}),
    "tax": frozenset({"out"}),
    "payout": frozenset({"out"}),
    "payout_return": frozenset({"in"}),
    "party_debt": frozenset({"out"}),
    "refund": frozenset({"out"}),
    "refund_return": frozenset({"in"}),
    "credit_payback": frozenset({"out"}),
    "credit_payback_return": frozenset({"in"}),
    "claim": frozenset({"in"}),
    "programme": frozenset({"in"}),
}
"""Which direction a line has that can be each of these."""

OF_PAYOUTS: frozenset[PartKind] = frozenset({"payout", "payout_return", "party_debt"})
OF_REFUNDS: frozenset[PartKind] = frozenset({"refund", "refund_return"})
OF_PAYBACKS: frozenset[PartKind] = frozenset({"credit_payback", "credit_payback_return"})
OF_TRANSFERS: frozenset[PartKind] = OF_PAYOUTS | OF_REFUNDS | OF_PAYBACKS
OF_PROGRAMMES: frozenset[PartKind] = frozenset({"claim", "programme"})
ALWAYS_BY_TWO: frozenset[PartKind] = OF_TRANSFERS | OF_PROGRAMMES | {"tax"}
"""What two people released is not undone, or done again, by one; nor is public money one person's to assign."""


@dataclass(frozen=True, slots=True)
class Part:
    """
    What a line, or a part of it, is: minor units of its currency.

    Attributes:
        target_id: The payment, the customer whose credit it is, the line by which money came back, the payout,
            the refund, the credit payback, the claim, the programme that it funds, or what the payment institution paid
            out to us, where that is known; none for a fee or interest of the bank, commission from the splitting
            channel, or a tax.
    """

    kind: PartKind
    target_id: UUID | None
    amount: int

    @property
    def target(self) -> str:
        noun = "bank_line" if self.kind == "returned" else self.kind.removesuffix("_return")
        return f"{noun}/{self.target_id}" if self.target_id else noun


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody says that a line is, until another confirms it."""

    parts: tuple[Part, ...]
    reason: str
    by: str
    at: datetime


def resolved(part: Part, money: Money, source: str, direction: Literal["in", "out"]) -> tuple[ledger.Entry, ...]:
    """*money* of a line that stands on *source*, our account or suspense, is a part of a kind that pays nothing."""
    if part.kind == "psp":
        came = ledger.entries(("D", source, money), ("C", ledger.PSP_TRANSIT, money))
        return came if direction == "in" else ledger.mirrored(came)
    if part.kind == "channel":
        return ledger.entries(("D", source, money), ("C", ledger.CHANNEL, money))
    if part.kind == "tax":
        return ledger.entries(("D", ledger.VAT_PAYABLE, money), ("C", source, money))
    if part.kind == "fee":
        return ledger.entries(("D", ledger.BANK_FEE, money), ("C", source, money))
    if part.kind == "customer_credit" and part.target_id is not None:
        return ledger.entries(("D", source, money), ("C", ledger.customer_credit(part.target_id), money))
    return ledger.entries(("D", source, money), ("C", ledger.INTEREST, money))
