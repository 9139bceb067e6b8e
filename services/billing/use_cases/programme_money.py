"""Money of programmes on the company's own account: claims that are paid, and funds that come ahead."""

from datetime import datetime

from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_statement import numbers_in
from services.billing.use_cases import claim as claims
from services.billing.use_cases import programme as programmes
from services.billing.use_cases.ports import BillingUnitOfWork


def take(line: BankLine, *, uow: BillingUnitOfWork, now: datetime) -> bool:
    """
    Book an incoming *line* that names one claim (VC-2026-000123) for exactly its amount, or one programme (PG-...).

    Returns:
        Whether it is booked and matched. What names several, or another amount, is left to a person.
    """
    if line.held:
        return False
    claimed = uow.claims.by_numbers(numbers_in(line.remittance, "VC"))
    if len(claimed) == 1 and claims.pay_by_bank(claimed[0], line.money, line.key, line.booked_at, uow=uow, now=now):
        line.match(f"claim/{claimed[0].claim_id}")
        return True
    named = uow.programmes.by_numbers(numbers_in(line.remittance, "PG"))
    if len(named) == 1 and not claimed and named[0].currency == line.currency:
        programmes.fund(named[0], line.money, line.key, line.booked_at, uow=uow, now=now)
        line.match(f"programme/{named[0].programme_id}")
        return True
    return False
