"""
What a line of money that came in may pay: every candidate with its score, and what may be done without a person.

Points of a hundred: the payer stated the reference 60, its digits alone or an order's or invoice's number 35; the
amount is exactly what is missing 20; the payer is the customer 15, by name, account or a recorded agreement (代付协议),
10 where the bank cut the name; the money came after it was asked for 5. From 75 points on, with no other candidate
within 20, nobody need look, unless somebody else than the customer paid: that is for a person, whatever the points.
Nor where a line names several of one customer and is exactly their sum.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_statement import Candidate
from services.billing.domain.payer_agreement import Payer, one_account, one_form
from services.billing.domain.payment import Payment
from services.shared.kernel.times import business_date

AUTOMATIC_MIN = 75
APART_MIN = 20

_REFERENCE, _DIGITS, _EXACT, _PAYER, _PAYER_CUT, _AFTER = 60, 35, 20, 15, 10, 5

PayerIs = Literal["customer", "unknown", "other"]


@dataclass(frozen=True, slots=True)
class Scored:
    """*reasons* are codes; *payer* says whether the one who paid is the customer."""

    payment: Payment
    score: int
    reasons: tuple[str, ...]
    payer: PayerIs


@dataclass(frozen=True, slots=True)
class Decision:
    """
    *payments*: which it pays, together; none: it waits in suspense. *reason* is a code, empty when all is well.

    Attributes:
        again: The payment of which the customer stated the reference although nothing is missing on it.
    """

    payments: tuple[Payment, ...]
    reason: str
    again: Payment | None = None


def payer_of(line: BankLine, payer: Payer) -> tuple[PayerIs, int, str]:
    """Whether it is the customer who paid, the points for it and the reason."""
    known_by = payer.known_by(line.counterparty, line.counterparty_account)
    if known_by in {"account", "name"}:
        return "customer", _PAYER, f"payer_{known_by}"
    if any(agreement.covers(line) for agreement in payer.agreements):
        return "customer", _PAYER, "payer_agreement"
    if known_by == "name_cut":
        return "customer", _PAYER_CUT, "payer_name_cut"
    if not one_form(line.counterparty) and not one_account(line.counterparty_account):
        return "unknown", 0, "payer_unknown"
    return "other", 0, "payer_other"


def scored(
    line: BankLine, candidates: Sequence[Candidate], payments: Sequence[Payment], payers: Mapping[UUID, Payer]
) -> list[Scored]:
    """
    Every one of *payments* with its points, the likeliest first, of equals the newest.

    *candidates*: references in the line's text.
    """
    named = {candidate.reference: candidate.certain for candidate in candidates}
    found = [_scored(line, named, each, payers.get(each.customer_id, Payer())) for each in newest_first(payments)]
    return sorted(found, key=lambda each: -each.score)


def newest_first(payments: Iterable[Payment]) -> list[Payment]:
    by_id = sorted(payments, key=lambda each: each.payment_id)
    return sorted(by_id, key=lambda each: each.opened_at, reverse=True)


def _scored(line: BankLine, named: Mapping[str, bool], payment: Payment, payer: Payer) -> Scored:
    points, reasons = 0, []
    certain = named.get(payment.reference or "")
    if certain is not None:
        points += _REFERENCE if certain else _DIGITS
        reasons.append("reference" if certain else "reference_digits")
    if payment.currency != line.currency:
        reasons.append("currency_differs")
    elif payment.missing == 0:
        reasons.append("not_waiting")
    elif payment.missing == line.amount:
        points += _EXACT
        reasons.append("amount_exact")
    else:
        reasons.append("amount_under" if line.amount < payment.missing else "amount_over")
    payer_is, more, why = payer_of(line, payer)
    reasons.append(why)
    if business_date(line.booked_at) >= business_date(payment.opened_at):
        points += _AFTER
    else:
        reasons.append("before_it_was_asked_for")
    return Scored(payment, points + more, tuple(reasons), payer_is)


def decide(line: BankLine, candidates: Sequence[Candidate], found: Sequence[Scored]) -> Decision:
    """
    What *line* pays, if that is sure.

    Args:
        line: Money that came in, with nothing that holds it.
        candidates: References in its text.
        found: Those of them that exist, scored.
    """
    named = {candidate.reference: candidate.certain for candidate in candidates}
    together = _together(line, [each for each in found if each.payment.reference in named])
    if together is not None:
        return together
    certain = [each for each in found if named.get(each.payment.reference or "")]
    # Digits whose letters are lost count only where the amount is exactly what is missing.
    likely = [each for each in found if each.payment.reference in named and each.payment.missing == line.amount]
    meant = certain or likely
    if not meant:
        return Decision((), "unknown_reference")
    if all(each.payment.currency != line.currency for each in meant):
        return Decision((), "currency_differs")
    if len(certain) > 1:
        return Decision((), "several_references")
    best = meant[0]
    rivals = [each for each in [*certain, *likely] if each.payment != best.payment]
    if any(best.score - each.score < APART_MIN for each in rivals):
        return Decision((), "several_references")
    if best.payer == "other":
        return Decision((), "payer_mismatch")
    if best.payment.missing == 0:
        return Decision((), "reference_reused", best.payment if best.payer == "customer" else None)
    if best.score < AUTOMATIC_MIN:
        return Decision((), "payer_unknown")
    return Decision((best.payment,), "")


def _together(line: BankLine, named: Sequence[Scored]) -> Decision | None:
    """
    One transfer for several payments of one customer, and exactly what they miss; none: it is not.

    Their sum says more than any of their names: these need not be certain.
    """
    waiting = [each for each in named if each.payment.missing and each.payment.currency == line.currency]
    one_customer = len({each.payment.customer_id for each in waiting}) == 1
    if not waiting[1:] or not one_customer or sum(each.payment.missing for each in waiting) != line.amount:
        return None
    if any(each.payer == "other" for each in waiting):
        return Decision((), "payer_mismatch")
    return Decision(tuple(each.payment for each in waiting), "")
