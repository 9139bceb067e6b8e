"""Bank statements: booking every line once, to what it pays or into suspense."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from services.billing.domain.bank_line import BankFile, BankLine, suspense
from services.billing.domain.bank_statement import (
    Candidate,
    StatementFile,
    UnknownAccount,
    numbers_in,
    read_statement,
    references_in,
)
from services.billing.domain.ledger import BANK
from services.billing.domain.payment import Payment
from services.billing.domain.payout import LIFECYCLE as PAYOUT_LIFECYCLE
from services.billing.domain.payout import Payout
from services.billing.domain.refund import Refund
from services.billing.use_cases import payout as payouts
from services.billing.use_cases import refund as refunds
from services.billing.use_cases.bank_csv import decoded, read_by_map
from services.billing.use_cases.bank_line import line_message
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.payment import announce_success, take
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.bank_statement import (
    BankLineInSuspense,
    BankStatementView,
    ImportBankFile,
    ImportBankStatement,
)


def import_bank_statement(
    command: ImportBankStatement, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, own_account: str
) -> BankStatementView:
    """
    Book the new lines of a statement; those read before are left alone.

    Raises:
        UnknownAccount: The statement is not of *own_account*.
        StatementUnreadable, LineContradicts: Nothing of it is taken.
    """
    require(actor, command.grants, {})
    if command.account != own_account:
        raise UnknownAccount
    file = read_statement(command.account, command.csv)
    return _take(file, command.account, command.csv.encode(), actor, uow, now)


def import_bank_file(
    command: ImportBankFile,
    *,
    actor: Actor,
    uow: BillingUnitOfWork,
    now: datetime,
    own_account: str,
    read: Callable[[str, bytes], StatementFile],
) -> BankStatementView:
    """
    Book the new lines of a bank's own file; those that another file told of are left alone.

    *read* reads a file of XML as the statement of an account; CSV is read by the map in force for it.

    Raises:
        UnknownAccount: The statement is asked to be of an account that is not *own_account*.
        CsvMapMissing: It is CSV, and no map is declared.
        StatementUnreadable, LineContradicts: Nothing of it is taken.
    """
    require(actor, command.grants, {})
    if command.account != own_account:
        raise UnknownAccount
    content = decoded(command.content)
    # No CSV begins with a tag, and no XML with anything else.
    xml = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"<", b""}
    found = read(command.account, content) if xml else read_by_map(command.account, content, uow=uow, now=now)
    return _take(found, command.account, content, actor, uow, now)


def _take(
    read: StatementFile, account: str, content: bytes, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> BankStatementView:
    uow.bank_lines.lock(account)
    digest = sha256(content).hexdigest()
    file = BankFile(
        bank_file_id=derived_id("bank_file", account, digest),
        account=account,
        sha256=digest,
        kind=read.kind,
        imported_at=now,
        imported_by=payouts.hand_of(actor),
    )
    seen = uow.bank_lines.of_file(file.bank_file_id)
    if seen is not None:
        return _view(seen, fresh=[], file_repeated=True)
    placed = uow.bank_lines.known(file, read.lines).place(read.lines)
    to_book = placed.to_book
    _book_incoming([line for line in to_book if line.direction == "in"], uow, now)
    _book_outgoing([line for line in to_book if line.direction == "out"], uow, now)
    uow.bank_lines.keep(file, placed, now)
    return _view(placed.lines, fresh=[*placed.fresh, *placed.booked])


def _view(lines: Sequence[BankLine], *, fresh: Sequence[BankLine], file_repeated: bool = False) -> BankStatementView:
    return BankStatementView(
        lines=tuple(line_message(line) for line in lines),
        matched=sum(line.state == "matched" for line in fresh),
        suspense=sum(line.state == "suspense" for line in fresh),
        repeated=len(lines) - len(fresh),
        not_booked=sum(line.announced for line in lines),
        file_repeated=file_repeated,
    )


def _book_incoming(lines: list[BankLine], uow: BillingUnitOfWork, now: datetime) -> None:
    candidates = {line.bank_line_id: references_in(line.remittance) for line in lines}
    wanted = {candidate.reference for found in candidates.values() for candidate in found}
    payments = uow.payments.by_references(wanted) if wanted else {}
    for line in lines:
        found = line.held or _payment_of(line, candidates[line.bank_line_id], payments)
        if isinstance(found, str):
            _suspend(line, found, uow, now)
        else:
            _receive(line, found, uow, now)


def _payment_of(line: BankLine, candidates: tuple[Candidate, ...], payments: Mapping[str, Payment]) -> Payment | str:
    """The payment that *line* is for, or why none can be told."""
    certain = {c.reference for c in candidates if c.certain and c.reference in payments}
    # Digits whose letters are lost count only where the amount is exactly what is missing.
    likely = {
        c.reference for c in candidates if c.reference in payments and payments[c.reference].missing == line.amount
    }
    found = certain or likely
    if not found:
        return "unknown_reference"
    if len(found) > 1:
        return "several_references"
    payment = payments[found.pop()]
    return payment if payment.currency == line.currency else "currency_differs"


def _receive(line: BankLine, payment: Payment, uow: BillingUnitOfWork, now: datetime) -> None:
    """What the order still waits for goes to it; what is over, or came too late, to the customer's credit."""
    waiting = payment.missing > 0
    surplus, entries = take(payment, line.money, line.serial_number, BANK, uow=uow, now=now)
    post_transaction(
        uow,
        key=line.key,
        kind="receipt_bank",
        entries=entries,
        effective_at=line.booked_at,
        now=now,
        order=(payment.order_id, payment.order_number),
    )
    line.match(f"payment/{payment.payment_id}", _reason(payment, waiting=waiting, surplus=surplus))
    if waiting:
        uow.payments.save(payment)
    if waiting and payment.state == "succeeded":
        announce_success(payment, line.serial_number, uow=uow, now=now)


def _reason(payment: Payment, *, waiting: bool, surplus: int) -> str:
    if not waiting:
        return "not_waiting"
    if surplus:
        return "surplus"
    return "" if payment.state == "succeeded" else "partial"


def _book_outgoing(lines: list[BankLine], uow: BillingUnitOfWork, now: datetime) -> None:
    numbers = {line.bank_line_id: numbers_in(line.remittance, "PO") for line in lines}
    wanted = {number for found in numbers.values() for number in found}
    started = uow.payouts.by_numbers(wanted) if wanted else {}
    refunded = {line.bank_line_id: numbers_in(line.remittance, "RF") for line in lines}
    wanted = {number for found in refunded.values() for number in found}
    agreed = uow.refunds.by_numbers(wanted) if wanted else {}
    for line in lines:
        found = [started[number] for number in numbers[line.bank_line_id] if number in started]
        back = [agreed[number] for number in refunded[line.bank_line_id] if number in agreed]
        if back and not found and not line.held:
            _book_refund(line, back, uow, now)
            continue
        reason = line.held or _why_not_this_payout(line, found)
        if reason:
            _suspend(line, reason, uow, now)
        else:
            payouts.pay(found[0], line.booked_at, uow=uow, now=now)
            line.match(f"payout/{found[0].payout_id}")


def _book_refund(line: BankLine, found: list[Refund], uow: BillingUnitOfWork, now: datetime) -> None:
    (made, *others) = found
    part = made.transfer_of(line.money)
    if others or part is None:
        _suspend(line, "several_refunds" if others else "refund_differs", uow, now)
    else:
        refunds.transferred(made, part, line.serial_number, line.booked_at, uow=uow, now=now)
        line.match(f"refund/{made.refund_id}")


def _why_not_this_payout(line: BankLine, found: list[Payout]) -> str:
    if not found:
        return "unknown_payout"
    if len(found) > 1:
        return "several_payouts"
    (payout,) = found
    if payout.money != line.money:
        return "amount_differs"
    return "" if PAYOUT_LIFECYCLE.allows("pay", payout.state) else f"payout_{payout.state}"


def _suspend(line: BankLine, reason: str, uow: BillingUnitOfWork, now: datetime) -> None:
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
