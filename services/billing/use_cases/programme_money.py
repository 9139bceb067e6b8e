"""Money of programmes on the company's own account: claims that are paid, and funds that come ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_line_part import OF_PROGRAMMES, Part, PartsDiffer
from services.billing.domain.bank_statement import numbers_in
from services.billing.domain.claim import Claim, claim_paid
from services.billing.domain.ledger import Entry
from services.billing.domain.programme import Programme
from services.billing.domain.voucher import VoucherUse, funded
from services.billing.use_cases import claim as claims
from services.billing.use_cases import programme as programmes
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money, total


@dataclass(frozen=True, slots=True)
class Named:
    """Claims (VC-2026-000123) and programmes (PG-...) by number, locked."""

    claims: Mapping[str, Claim]
    programmes: Mapping[str, Programme]


@dataclass(frozen=True, slots=True)
class Said:
    """Claims with the uses of their vouchers, and programmes, by id, locked, of which a person says that a line is."""

    claims: Mapping[UUID, tuple[Claim, VoucherUse]]
    programmes: Mapping[UUID, Programme]


NOTHING_SAID = Said({}, {})


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
        Whether it is booked and matched. What names several programmes, or another amount, is left to two people. Who
        sent it does not matter: treasuries pay for authorities under names of their own.
    """
    if line.held:
        return False
    claimed = [named.claims[each] for each in numbers_in(line.remittance, "VC") if each in named.claims]
    if len(claimed) == 1 and claims.pay_by_bank(claimed[0], line.money, line.key, line.booked_at, uow=uow, now=now):
        line.match(f"claim/{claimed[0].claim_id}")
        return True
    if len(claimed) > 1:
        return _pay_together(line, claimed, uow, now)
    meant = [named.programmes[each] for each in numbers_in(line.remittance, "PG") if each in named.programmes]
    if len(meant) == 1 and not claimed and _takes_funds(meant[0], uow) and meant[0].currency == line.currency:
        programmes.fund(meant[0], line.money, line.key, line.booked_at, uow=uow, now=now)
        line.match(f"programme/{meant[0].programme_id}")
        return True
    return False


def said(line: BankLine, parts: Sequence[Part], *, uow: BillingUnitOfWork) -> Said:
    """
    The claims and programmes that a person says *line* is for, locked.

    Raises:
        NotFound: One is none of ours.
        PartsDiffer: Other money beside theirs would be locked in another order; not what is left of the claim; or the
            programme is not funded ahead, or has another currency.
    """
    of_programmes = [part for part in parts if part.kind in OF_PROGRAMMES]
    if not of_programmes:
        return NOTHING_SAID
    if any(part.kind not in OF_PROGRAMMES | {"customer_credit", "interest"} for part in parts):
        raise PartsDiffer
    if any(part.target_id is None for part in of_programmes):
        raise PartsDiffer
    wanted = [uow.claims.find(part.target_id) for part in of_programmes if part.kind == "claim" and part.target_id]
    if None in wanted:
        raise NotFound
    found = uow.claims.by_numbers({each.number for each in wanted if each is not None})
    claimed = {each.claim_id: (each, claims.use_of(each, uow)) for each in found}
    funded_ids = sorted(part.target_id for part in of_programmes if part.kind == "programme" and part.target_id)
    funds = {each: uow.programmes.find(each, lock=True) for each in funded_ids}
    for part in of_programmes:
        money = Money(part.amount, line.currency)
        if part.kind == "claim" and part.target_id is not None:
            claim, use = claimed[part.target_id]
            if not claim.awaits(money, use.money):
                raise PartsDiffer
    for programme in funds.values():
        if programme is None:
            raise NotFound
        if programme.currency != line.currency or not _takes_funds(programme, uow):
            raise PartsDiffer
    return Said(claimed, {each: programme for each, programme in funds.items() if programme is not None})


def entries_of(part: Part, money: Money, spoken: Said, source: str) -> tuple[Entry, ...]:
    """*money* on *source* is what *part* says."""
    if part.target_id is None:
        raise PartsDiffer
    if part.kind == "claim":
        return claim_paid(spoken.claims[part.target_id][1], money, source)
    return funded(part.target_id, money, source)


def take_effect(
    line: BankLine, part: Part, spoken: Said, *, uow: BillingUnitOfWork, now: datetime
) -> None:  # fmt: skip
    """What *part* says is booked: the claim is paid, the programme has the money."""
    if part.kind == "claim" and part.target_id is not None:
        claim, use = spoken.claims[part.target_id]
        claims.paid(claim, use, part.amount, line.booked_key, uow, now)
    elif part.target_id is not None:
        programme = spoken.programmes[part.target_id]
        programme.funded += part.amount
        uow.programmes.save(programme)


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
