"""Commission that a provider owes, where no channel split it off: paid by its transfer, which names it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_matching import payer_of
from services.billing.domain.bank_statement import numbers_in
from services.billing.domain.clawback import Clawback, given_back, paid_by_transfer
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.money import Money
from services.shared.kernel.payment_reference import commission_reference_of


def named_in(lines: Sequence[BankLine], *, uow: BillingUnitOfWork) -> Mapping[str, Clawback]:
    """
    What providers owed, or owe, for the orders that *lines* name, by reference (CM-2026-000123).

    Not locked: their parties are locked with those of payouts, and what is left is read anew after that.
    """
    numbers = {f"OR-{number[3:]}" for line in lines for number in numbers_in(line.remittance, "CM")}
    found = uow.clawbacks.of_orders(numbers) if numbers else ()
    return {commission_reference_of(each.order_number): each for each in found if each.party_kind == "provider"}


def take(line: BankLine, named: Mapping[str, Clawback], *, uow: BillingUnitOfWork, now: datetime) -> bool:
    """
    Book an incoming *line* of a provider that names one order whose commission it owes: all, a part, or more.

    What is over, or comes when nothing is owed any more, is on its next statement. Posted without the order: its
    own money never was on our account, and what the books say of it is to go on saying so (I14).

    Returns:
        Whether it is booked and matched. What somebody else paid, or what names several, is for a person.
    """
    meant = [named[number] for number in numbers_in(line.remittance, "CM") if number in named]
    if line.held or len(meant) != 1 or meant[0].currency != line.currency:
        return False
    (debt,) = meant
    payers = uow.payers.of({debt.party_id})
    if debt.party_id not in payers or payer_of(line, payers[debt.party_id])[0] != "customer":
        return False
    over = line.amount
    for owed in uow.clawbacks.open_of(debt.party_id, line.currency):
        if over and owed.order_id == debt.order_id:
            over -= owed.take(over)
            uow.clawbacks.save(owed)
    if over:
        uow.accruals.add(given_back(debt, over, f"{line.key}:over", now))
    post_transaction(
        uow,
        key=line.key,
        kind="commission_paid",
        entries=paid_by_transfer(
            debt.party_kind, debt.party_id, Money(line.amount - over, line.currency), Money(over, line.currency)
        ),
        effective_at=line.booked_at,
        now=now,
    )
    line.match(f"commission/{debt.order_id}", "surplus" if over else "")
    return True
