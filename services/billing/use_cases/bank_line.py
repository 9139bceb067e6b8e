"""Lines of the bank's account: booked to what they pay or into suspense, resolved by a person, taken back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.bank_line import BankLine, NotUndoable, suspense
from services.billing.domain.bank_line_part import (
    ALWAYS_BY_TWO,
    OF_PROGRAMMES,
    OF_TRANSFERS,
    Part,
    PartsDiffer,
    Proposal,
    resolved,
)
from services.billing.domain.bank_matching import Decision, decide, scored
from services.billing.domain.bank_statement import Candidate, candidates_in, numbers_in
from services.billing.domain.payer_agreement import Payer
from services.billing.domain.payment import Payment
from services.billing.use_cases import bank_line_transfer, programme_money, stripe_payout
from services.billing.use_cases.bank_line_transfer import Transfers
from services.billing.use_cases.bank_line_view import tell_resolved, view
from services.billing.use_cases.ledger import post_transaction, reverse_transaction
from services.billing.use_cases.payment import announce_success, take
from services.billing.use_cases.ports import BillingUnitOfWork
from services.billing.use_cases.programme_money import NOTHING_SAID, Said
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.bank_line import (
    BankLineInSuspense,
    BankLineReopened,
    BankLineView,
    ConfirmBankLine,
    ResolveBankLine,
    UndoBankLine,
)

_NO_TRANSFERS = Transfers({}, {}, {}, {})


def meant_by(lines: Sequence[BankLine], *, uow: BillingUnitOfWork) -> Mapping[UUID, Sequence[Candidate]]:
    """By line, what payments its text may mean."""
    invoices = {number for line in lines for number in numbers_in(line.remittance, "INV")}
    invoiced = uow.invoices.references_on(invoices) if invoices else {}
    return {line.bank_line_id: candidates_in(line.remittance, invoiced) for line in lines}


def book_incoming(
    lines: Sequence[BankLine], meant: Mapping[UUID, Sequence[Candidate]], payments: Mapping[str, Payment], *,
    uow: BillingUnitOfWork, now: datetime,
) -> None:  # fmt: skip
    """
    Book each of *lines*, which came in and are booked nowhere yet, to what it pays, else into suspense.

    *meant*: see `meant_by`. *payments*: those that the lines name, by reference, locked.
    """
    payers = uow.payers.of({payment.customer_id for payment in payments.values()}) if payments else {}
    for line in lines:
        decision = _decide(line, meant[line.bank_line_id], payments, payers)
        if not (decision.payments or _again(line, decision, lines, uow, now)):
            suspend(line, decision.reason, uow=uow, now=now)
        elif decision.payments:
            _pay(line, decision.payments, ledger.BANK, uow, now)


def try_again(lines: Sequence[BankLine], *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Match *lines*, locked and in suspense, by what is known now; what is still unsure stays there."""
    meant = meant_by(lines, uow=uow)
    wanted = {each.reference for candidates in meant.values() for each in candidates}
    payments = uow.payments.by_references(wanted) if wanted else {}
    payers = uow.payers.of({payment.customer_id for payment in payments.values()}) if payments else {}
    for line in lines:
        decision = _decide(line, meant[line.bank_line_id], payments, payers)
        if decision.payments:
            _pay(line, decision.payments, ledger.SUSPENSE, uow, now)
            tell_resolved(line, "", uow)
    uow.bank_lines.save(lines)


def _decide(
    line: BankLine, candidates: Sequence[Candidate], payments: Mapping[str, Payment], payers: Mapping[UUID, Payer]
) -> Decision:
    if line.held:
        return Decision((), line.held)
    named = [payments[each.reference] for each in candidates if each.reference in payments]
    return decide(line, candidates, scored(line, candidates, named, payers))


def _pay(line: BankLine, payments: Sequence[Payment], source: str, uow: BillingUnitOfWork, now: datetime) -> None:
    """To each of *payments* what it waits for, what is over to the customer's credit."""
    parts = [Part("payment", each.payment_id, each.missing) for each in payments]
    if len(payments) == 1:
        parts = [Part("payment", payments[0].payment_id, line.amount)]
    parts, surplus = _book(line, parts, {each.payment_id: each for each in payments}, source, uow, now)
    reason = "surplus" if surplus else ""
    if not surplus and any(each.state != "succeeded" for each in payments):
        reason = "partial"
    line.reason = reason


def _again(
    line: BankLine, decision: Decision, batch: Sequence[BankLine], uow: BillingUnitOfWork, now: datetime
) -> bool:
    """
    Book to the customer's credit what it paid once more, or for an order that is cancelled.

    As much as it has paid before is the same transfer again, unless another of its orders waits for exactly this
    much: a reference that is used for another amount, or may be meant for another order, is for a person.
    """
    payment = decision.again
    if payment is None:
        return False
    reason = "not_waiting"
    if payment.state != "cancelled":
        target = f"payment/{payment.payment_id}"
        earlier = {each.amount for each in batch if each is not line and target in each.target.split(", ")}
        same = line.amount in earlier or line.amount in uow.bank_lines.amounts_of(payment.payment_id)
        if not same or uow.payments.waits_for(payment.customer_id, line.money):
            return False
        reason = "duplicate"
    _book(line, [Part("customer_credit", payment.customer_id, line.amount)], {}, ledger.BANK, uow, now)
    line.reason = reason
    return True


def suspend(line: BankLine, reason: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Nobody knows what *line* is for: it is booked, so that the bank's balance is right, and told."""
    line.reason = reason
    post_transaction(
        uow,
        key=line.key,
        kind="bank_suspense",
        entries=suspense(line.money, line.direction),
        effective_at=line.booked_at,
        now=now,
    )
    uow.publish(
        BankLineInSuspense(
            bank_line_id=line.bank_line_id, serial_number=line.serial_number, amount=line.money, reason=reason
        )
    )


def _book(
    line: BankLine, parts: Sequence[Part], payments: Mapping[UUID, Payment], source: str, uow: BillingUnitOfWork,
    now: datetime, transfers: Transfers = _NO_TRANSFERS, spoken: Said = NOTHING_SAID,
) -> tuple[list[Part], int]:  # fmt: skip
    """Book *line*, which stands on *source*, as *parts*. Returns them with what was over, and that."""
    entries: list[ledger.Entry] = []
    booked: list[Part] = []
    over = 0
    for part in parts:
        money = Money(part.amount, line.currency)
        payment = payments.get(part.target_id) if part.kind == "payment" and part.target_id else None
        if payment is None:
            if part.kind in OF_TRANSFERS:
                entries += bank_line_transfer.entries_of(part, money, transfers, source)
            elif part.kind in OF_PROGRAMMES:
                entries += programme_money.entries_of(part, money, spoken, source)
            else:
                entries += resolved(part, money, source, line.direction)
            booked.append(part)
            continue
        surplus, more = take(payment, money, line.serial_number, source, uow=uow, now=now)
        entries += more
        over += surplus
        booked.append(Part("payment", payment.payment_id, part.amount - surplus))
        if surplus:
            booked.append(Part("customer_credit", payment.customer_id, surplus))
        uow.payments.save(payment)
    key = line.key if source == ledger.BANK else line.next_key()
    (only,) = payments.values() if len(payments) == 1 else (None,)
    post_transaction(
        uow,
        key=key,
        kind="receipt_bank" if source == ledger.BANK else "suspense_resolved",
        entries=entries,
        effective_at=line.booked_at if source == ledger.BANK else now,
        now=now,
        order=(only.order_id, only.order_number) if only is not None else None,
    )
    line.resolve(tuple(booked), "", key)
    for part in booked:
        if part.kind in OF_TRANSFERS or part.kind == "psp":
            bank_line_transfer.take_effect(line, part, transfers, uow=uow, now=now)
        elif part.kind in OF_PROGRAMMES:
            programme_money.take_effect(line, part, spoken, uow=uow, now=now)
    for payment in payments.values():
        if payment.state == "succeeded":
            announce_success(payment, line.serial_number, uow=uow, now=now)
    return booked, over


def resolve_bank_line(
    command: ResolveBankLine, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, alone_max: int
) -> BankLineView:
    """
    Say what a line in suspense is: payments, the customer's credit, money that came back, a fee or interest …

    Above *alone_max* (minor units), or where two have released what it is said to be, it is proposed, and another
    one confirms it.

    Raises:
        WrongState: It is not in suspense; or what it is said to be cannot have happened to the payout.
        PartsDiffer: The parts are not what the line can be, or more than a payment waits for.
        TaxExceedsPayable: See there.
        NotFound: The line or what it is matched to is none of ours.
    """
    require(actor, command.grants, {})
    pairs = {each.target_id for each in command.parts if each.kind == "returned" and each.target_id is not None}
    line = _locked({command.bank_line_id, *pairs}, uow)[command.bank_line_id]
    parts = tuple(Part(each.kind, each.target_id, each.amount.amount) for each in command.parts)
    if any(each.amount.currency != line.currency for each in command.parts):
        raise PartsDiffer
    line.check_parts(parts)
    _check_targets(line, parts, uow)
    if line.amount > alone_max or any(part.kind in ALWAYS_BY_TWO for part in parts):
        line.propose(Proposal(parts, command.reason, hand_of(actor), now))
        uow.bank_lines.save([line])
        return view(line, now)
    return _resolve(line, parts, command.reason, hand_of(actor), uow, now)


def confirm_bank_line(command: ConfirmBankLine, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> BankLineView:
    """
    Another one agrees with what was proposed: it is booked.

    Raises:
        WrongState, SameHandsResolve: See BankLine.confirmed_by.
        PartsDiffer: What it is for was paid meanwhile.
        TaxExceedsPayable: See there.
        PaidOtherwise: See Settlement.pay_by.
    """
    require(actor, command.grants, {})
    line = _one(command.bank_line_id, uow)
    proposal = line.confirmed_by(hand_of(actor))
    return _resolve(line, proposal.parts, proposal.reason, hand_of(actor), uow, now)


def undo_bank_line(command: UndoBankLine, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> BankLineView:
    """
    Take back what a line was matched to, by reversing what booked it: it waits in suspense again.

    Raises:
        WrongState: It is not matched, or a payment that it paid has succeeded: a refund undoes that.
        NotUndoable: It paid a claim or funded a programme; it was told as a payout or refund that is paid; or more
            has come of it meanwhile.
        PaidOtherwise: See Settlement.pay_by.
        AccountOverdrawn: The customer's credit has been used meanwhile.
    """
    require(actor, command.grants, {})
    line = _one(command.bank_line_id, uow)
    undone, key = line.parts, line.booked_key
    if any(part.kind in OF_PROGRAMMES for part in undone):
        raise NotUndoable
    line.undo()
    changed = [line]
    for part in undone:
        if part.kind == "payment" and part.target_id is not None:
            payment = _payment(part.target_id, uow)
            payment.give_back(part.amount)
            uow.payments.save(payment)
            if payment.receivable_id is not None:
                owed = uow.receivables.get(payment.receivable_id)
                owed.give_back(part.amount)
                uow.receivables.save(owed)
        if part.kind == "returned" and part.target_id is not None:
            changed.append(_reopened_pair(part.target_id, uow))
        if part.kind in OF_TRANSFERS or part.kind == "psp":
            bank_line_transfer.undo(line, part, uow=uow, now=now)
    if key:
        reverse_transaction(uow, derived_id("ledger_tx", key), effective_at=now, now=now)
        if key == line.key:
            # It never stood in suspense: the reversal took it off our account too.
            post_transaction(
                uow, key=line.next_key(), kind="bank_suspense", entries=suspense(line.money, line.direction),
                effective_at=now, now=now,
            )  # fmt: skip
    uow.bank_lines.save(changed)
    for each in changed:
        uow.publish(
            BankLineReopened(
                bank_line_id=each.bank_line_id, serial_number=each.serial_number, amount=each.money,
                reason=command.reason, by=hand_of(actor),
            )
        )  # fmt: skip
    return view(line, now)


def _reopened_pair(bank_line_id: UUID, uow: BillingUnitOfWork) -> BankLine:
    other = _one(bank_line_id, uow)
    other.undo()
    return other


def _resolve(
    line: BankLine, parts: Sequence[Part], reason: str, by: str, uow: BillingUnitOfWork, now: datetime
) -> BankLineView:
    changed = [line]
    if parts[0].kind == "returned":
        changed.append(_pair(line, parts[0], uow))
    else:
        spoken = programme_money.said(line, parts, uow=uow)
        bank_line_transfer.check_standing(line, parts, uow=uow)
        ids = sorted(part.target_id for part in parts if part.kind == "payment" and part.target_id is not None)
        payments = {payment_id: _payment(payment_id, uow) for payment_id in ids}
        for part in parts:
            if part.target_id in payments and part.amount > payments[part.target_id].missing:
                raise PartsDiffer
        parts = stripe_payout.named_by_hand(line, parts, uow=uow)
        transfers = bank_line_transfer.named(line, parts, uow=uow)
        _book(line, parts, payments, ledger.SUSPENSE, uow, now, transfers, spoken)
    for each in changed:
        tell_resolved(each, by, uow, reason)
    uow.bank_lines.save(changed)
    return view(line, now)


def _pair(line: BankLine, part: Part, uow: BillingUnitOfWork) -> BankLine:
    """What came in and went out again, or the reverse: on suspense the two stand against each other already."""
    if part.target_id is None:
        raise PartsDiffer
    other = _one(part.target_id, uow)
    other.check_parts((Part("returned", line.bank_line_id, other.amount),))
    if other.money != line.money or other.direction == line.direction:
        raise PartsDiffer
    line.resolve((part,), "", "")
    other.resolve((Part("returned", line.bank_line_id, other.amount),), "", "")
    return other


def _locked(bank_line_ids: Collection[UUID], uow: BillingUnitOfWork) -> Mapping[UUID, BankLine]:
    found = uow.bank_lines.find_all(bank_line_ids)
    if len(found) < len(bank_line_ids):
        raise NotFound
    return found


def _one(bank_line_id: UUID, uow: BillingUnitOfWork) -> BankLine:
    return _locked([bank_line_id], uow)[bank_line_id]


def _check_targets(line: BankLine, parts: Sequence[Part], uow: BillingUnitOfWork) -> None:
    programme_money.said(line, parts, uow=uow)
    bank_line_transfer.check_standing(line, parts, uow=uow)
    # In one order for everybody, so that two who split lines between the same payments do not block each other.
    for part in sorted(parts, key=lambda part: str(part.target_id)):
        if part.kind in {"payment", "customer_credit", "returned"} and part.target_id is None:
            raise PartsDiffer
        if part.kind == "payment" and part.target_id is not None:
            payment = _payment(part.target_id, uow)
            if payment.currency != line.currency or part.amount > payment.missing:
                raise PartsDiffer
        if part.kind == "customer_credit" and part.target_id is not None:
            customer = uow.organisations.find(part.target_id)
            if customer is None or customer.kind != "customer":
                raise NotFound
    bank_line_transfer.named(line, parts, uow=uow)


def _payment(payment_id: UUID, uow: BillingUnitOfWork) -> Payment:
    payment = uow.payments.find(payment_id)
    if payment is None:
        raise NotFound
    return payment
