"""Money of programmes on the company's own account: claims that are paid, and funds that come ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_statement import numbers_in
from services.billing.domain.claim import Claim
from services.billing.domain.programme import Programme
from services.billing.use_cases import claim as claims
from services.billing.use_cases import programme as programmes
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.money import total


@dataclass(frozen=True, slots=True)
class Named:
    """Claims (VC-2026-000123) and programmes (PG-...) by number, locked."""

    claims: Mapping[str, Claim]
    programmes: Mapping[str, Programme]


def named_in(lines: Sequence[BankLine], *, uow: BillingUnitOfWork) -> Named:
    """What *lines* name, locked all at once."""
    claim_numbers = {number for line in lines for number in numbers_in(line.remittance, "VC")}
    programme_numbers = {number for line in lines for number in numbers_in(line.remittance, "PG")}
    return Named(
        {each.number: each for each in uow.claims.by_numbers(claim_numbers)},
        {each.number: each for each in uow.programmes.by_numbers(programme_numbers)},
    )


def take(line: BankLine, named: Named, *, uow: BillingUnitOfWork, now: datetime) -> bool:
    """
    Book an incoming *line* that names claims for exactly their sum, or one programme that is funded ahead.

    Returns:
        Whether it is booked and matched. What names several programmes, or another amount, is left to a person.
    """
    if line.held:
        return False
    claimed = [named.claims[each] for each in numbers_in(line.remittance, "VC") if each in named.claims]
    if len(claimed) == 1 and claims.pay_by_bank(claimed[0], line.money, line.key, line.booked_at, uow=uow, now=now):
        line.match(f"claim/{claimed[0].claim_id}")
        return True
    if len(claimed) > 1:
        return _pay_together(line, claimed, uow, now)
    funded = [named.programmes[each] for each in numbers_in(line.remittance, "PG") if each in named.programmes]
    if len(funded) == 1 and not claimed and _takes_funds(funded[0], uow) and funded[0].currency == line.currency:
        programmes.fund(funded[0], line.money, line.key, line.booked_at, uow=uow, now=now)
        line.match(f"programme/{funded[0].programme_id}")
        return True
    return False


def _pay_together(line: BankLine, claimed: Sequence[Claim], uow: BillingUnitOfWork, now: datetime) -> bool:
    """By one transfer of an authority: all of each, or what refunds have left of each."""
    uses = [uow.vouchers.find_use(each.use_id) for each in claimed]
    left = [use.money for use in uses if use is not None]
    for amounts in ([each.money for each in claimed], left):
        if {each.currency for each in amounts} != {line.currency} or total(amounts, line.currency) != line.money:
            continue
        if not all(each.state == "approved" and each.redeem_to == "company" for each in claimed):
            return False
        for claim, amount in zip(claimed, amounts, strict=True):
            key = f"{line.key}:{claim.claim_id}:claim"
            claims.pay_by_bank(claim, amount, key, line.booked_at, uow=uow, now=now)
        line.match(", ".join(f"claim/{each.claim_id}" for each in claimed))
        return True
    return False


def _takes_funds(programme: Programme, uow: BillingUnitOfWork) -> bool:
    """Whether money may come ahead for it: of others nothing would ever be paid out of the fund."""
    return any(each.rules.redeem_to == "prefunded" for each in uow.programmes.versions(programme.programme_id))
