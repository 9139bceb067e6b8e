"""How lines of the bank's account are shown and told."""

from collections.abc import Sequence
from datetime import datetime

from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_line_part import Part
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.money import Money
from services.shared.messages.billing.bank_line import (
    BankLinePart,
    BankLineProposal,
    BankLineResolved,
    BankLineView,
)
from services.shared.messages.billing.bank_statement import BankLine as BankLineMessage


def tell_resolved(line: BankLine, by: str, uow: BillingUnitOfWork, reason: str = "") -> None:
    uow.publish(
        BankLineResolved(
            bank_line_id=line.bank_line_id,
            serial_number=line.serial_number,
            amount=line.money,
            parts=part_messages(line.parts, line.currency),
            reason=reason,
            by=by,
        )
    )


def part_messages(parts: Sequence[Part], currency: str) -> tuple[BankLinePart, ...]:
    return tuple(
        BankLinePart(kind=part.kind, target_id=part.target_id, amount=Money(part.amount, currency)) for part in parts
    )


def line_message(line: BankLine) -> BankLineMessage:
    return BankLineMessage(
        bank_line_id=line.bank_line_id,
        serial_number=line.serial_number,
        booked_at=line.booked_at,
        direction=line.direction,
        amount=line.money,
        counterparty=line.counterparty,
        counterparty_account=line.counterparty_account,
        remittance=line.remittance,
        state=line.state,
        target=line.target,
        reason=line.reason,
    )


def view(line: BankLine, now: datetime) -> BankLineView:
    proposal = line.proposal
    return BankLineView(
        **dict(line_message(line)),
        age_days=max(0, (now - line.booked_at).days),
        parts=part_messages(line.parts, line.currency),
        proposal=BankLineProposal(
            parts=part_messages(proposal.parts, line.currency), reason=proposal.reason, by=proposal.by, at=proposal.at
        )
        if proposal is not None
        else None,
    )
