"""Bank statements: booking every line once, to what it pays or into suspense."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeVar
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.bank_line import BankFile, BankLine
from services.billing.domain.bank_statement import (
    Candidate,
    StatementFile,
    UnknownAccount,
    check_booked,
    numbers_in,
    read_statement,
    references_in,
)
from services.billing.domain.clawback import Clawback
from services.billing.domain.credit_payback import CreditPayback
from services.billing.domain.payment import Payment
from services.billing.domain.payout import LIFECYCLE as PAYOUT_LIFECYCLE
from services.billing.domain.payout import Payout
from services.billing.domain.refund import Refund
from services.billing.domain.stripe_payout import NAMES, StripePayout
from services.billing.use_cases import (
    commission_payment,
    credit_payback,
    programme_money,
    refund_payment,
    stripe_payout,
)
from services.billing.use_cases import payout as payouts
from services.billing.use_cases.bank_csv import decoded, read_by_map
from services.billing.use_cases.bank_line import book_incoming, meant_by, suspend
from services.billing.use_cases.bank_line_view import line_message
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import total
from services.shared.messages.billing.bank_statement import (
    BankStatementView,
    ImportBankFile,
    ImportBankStatement,
)

T = TypeVar("T")


def import_bank_statement(
    command: ImportBankStatement, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, own_account: str,
    psp_names: Collection[str] = NAMES,
) -> BankStatementView:  # fmt: skip
    """
    Book the new lines of a statement; those read before are left alone.

    *psp_names*: with which words the payment institution's name on it begins.

    Raises:
        UnknownAccount: The statement is not of *own_account*.
        StatementUnreadable, LineContradicts: Nothing of it is taken.
    """
    require(actor, command.grants, {})
    if command.account != own_account:
        raise UnknownAccount
    file = read_statement(command.account, command.csv)
    return _take(file, command.account, command.csv.encode(), psp_names, actor, uow, now)


def import_bank_file(
    command: ImportBankFile,
    *,
    actor: Actor,
    uow: BillingUnitOfWork,
    now: datetime,
    own_account: str,
    read: Callable[[str, bytes], StatementFile],
    psp_names: Collection[str] = NAMES,
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
    return _take(found, command.account, content, psp_names, actor, uow, now)


def _take(
    read: StatementFile, account: str, content: bytes, psp_names: Collection[str], actor: Actor,
    uow: BillingUnitOfWork, now: datetime,
) -> BankStatementView:  # fmt: skip
    uow.bank_lines.lock(account)
    digest = sha256(content).hexdigest()
    file = BankFile(
        bank_file_id=derived_id("bank_file", account, digest),
        account=account,
        sha256=digest,
        kind=read.kind,
        imported_at=now,
        imported_by=hand_of(actor),
    )
    seen = uow.bank_lines.of_file(file.bank_file_id)
    if seen is not None:
        return _view(seen, fresh=[], file_repeated=True)
    check_booked(read.lines, now)
    uow.stripe_payouts.lock()
    placed = uow.bank_lines.known(file, read.lines).place(read.lines)
    # What went out first: what comes back of it may stand in the same file, above it where the newest is listed first.
    to_book = sorted(placed.to_book, key=lambda line: line.direction == "in")
    named = _locked(to_book, uow)
    to_book = [line for line in to_book if not credit_payback.take(line, named.paybacks, uow=uow, now=now)]
    shown = named.stripe_payouts
    to_book = [line for line in to_book if not stripe_payout.take(line, shown, psp_names, uow=uow, now=now)]
    _book_outgoing([line for line in to_book if line.direction == "out"], named, uow, now)
    incoming = _book_returned([line for line in to_book if line.direction == "in"], named, uow, now)
    others = [line for line in incoming if not programme_money.take(line, named.programmes, uow=uow, now=now)]
    others = [line for line in others if not commission_payment.take(line, named.commissions, uow=uow, now=now)]
    book_incoming(others, named.meant, named.payments, uow=uow, now=now)
    uow.bank_lines.keep(file, placed, now)
    uow.reconciliations.keep_stated(file.bank_file_id, account, read.balances, now)
    return _view(placed.lines, fresh=[*placed.fresh, *placed.booked])


@dataclass(frozen=True, slots=True)
class Named:
    """
    What the lines of a file name, locked; *meant*: see `meant_by`; *payments* by reference, the rest by number. Of
    *orders*, bank orders, all payouts are among *payouts*; of *commissions* the parties are locked; *stripe_payouts*
    are those of the file's days.

    All of it is locked before the first line is booked, in the order of `services/billing/README.md`: whoever
    pays out, refunds or matches by hand meanwhile waits, and nobody waits in a circle.
    """

    meant: Mapping[UUID, Sequence[Candidate]]
    payments: Mapping[str, Payment]
    refunds: Mapping[str, Refund]
    paybacks: Mapping[str, CreditPayback]
    programmes: programme_money.Named
    commissions: Mapping[str, Clawback]
    payouts: Mapping[str, Payout]
    orders: Mapping[str, UUID]
    stripe_payouts: Sequence[StripePayout]


def _locked(lines: Sequence[BankLine], uow: BillingUnitOfWork) -> Named:
    texts = [line.remittance for line in lines]
    payout_numbers = {number for text in texts for number in numbers_in(text, "PO")}
    order_numbers = {number for text in texts for number in numbers_in(text, "BO")}
    orders = uow.bank_orders.ids_of(order_numbers) if order_numbers else {}
    if payout_numbers or orders:
        uow.bank_lines.lock_early_returns(payout_numbers, orders.values())
    meant = meant_by([line for line in lines if line.direction == "in"], uow=uow)
    references = {each.reference for candidates in meant.values() for each in candidates}
    payments = uow.payments.by_references(references) if references else {}
    refund_numbers = {number for text in texts for number in numbers_in(text, "RF")}
    refunds = uow.refunds.by_numbers(refund_numbers) if refund_numbers else {}
    payback_numbers = {number for text in texts for number in numbers_in(text, "CP")}
    paybacks = uow.credit_paybacks.by_numbers(payback_numbers) if payback_numbers else {}
    programmes = programme_money.named_in([line for line in lines if line.direction == "in"], uow=uow)
    owed = commission_payment.named_in([line for line in lines if line.direction == "in"], uow=uow)
    parties = {each.party_id for each in owed.values()}
    any_party = payout_numbers or orders or parties
    sent = uow.payouts.by_numbers(payout_numbers, orders.values(), parties) if any_party else {}
    of_institution = stripe_payout.around(lines, uow=uow)
    return Named(meant, payments, refunds, paybacks, programmes, owed, sent, orders, of_institution)


def _view(lines: Sequence[BankLine], *, fresh: Sequence[BankLine], file_repeated: bool = False) -> BankStatementView:
    return BankStatementView(
        lines=tuple(line_message(line) for line in lines),
        matched=sum(line.state == "matched" for line in fresh),
        suspense=sum(line.state == "suspense" for line in fresh),
        repeated=len(lines) - len(fresh),
        not_booked=sum(line.announced for line in lines),
        file_repeated=file_repeated,
    )


def _book_outgoing(lines: list[BankLine], named: Named, uow: BillingUnitOfWork, now: datetime) -> None:
    for line in lines:
        sent = _sent(line, named)
        reason = _why_not_sent(line, *sent)
        if reason:
            suspend(line, reason, uow=uow, now=now)
        else:
            _book_sent(line, *sent, uow, now)


def _sent(line: BankLine, named: Named) -> tuple[list[Payout], list[Refund]]:
    """What the line may pay: what it names itself, else what the bank has not paid yet of the orders that it names."""
    found, back = _known(line, "PO", named.payouts), _known(line, "RF", named.refunds)
    if found or back:
        return found, back
    ordered = {named.orders[each] for each in numbers_in(line.remittance, "BO") if each in named.orders}
    waiting = [each for each in named.payouts.values() if each.bank_order_id in ordered and each.state == "in_transit"]
    return waiting, []


def _why_not_sent(line: BankLine, found: list[Payout], back: list[Refund]) -> str:
    """Why it is not exactly this that the bank has paid by *line*; empty: it is."""
    one = len(found) + len(back) == 1
    # A bank may book a whole order as one line and tell of its payments beside it: their sum decides.
    if line.held and (line.held != "batch" or one):
        return line.held
    if not back and len(found) < 2:
        return _why_not_this_payout(line, found, "pay")
    if not found and one:
        return "" if back[0].transfer_of(line.money) is not None else "refund_differs"
    amounts = [each.money for each in found] + [each.transfers_sent for each in back]
    several = "several_payouts" if found else "several_refunds"
    if any(amount.currency != line.currency or not amount.amount for amount in amounts):
        return several
    if not all(each.way == "bank" and PAYOUT_LIFECYCLE.allows("pay", each.state) for each in found):
        return several
    return "" if total(amounts, line.currency) == line.money else several


def _book_sent(line: BankLine, found: list[Payout], back: list[Refund], uow: BillingUnitOfWork, now: datetime) -> None:
    for payout in found:
        payouts.pay(payout, line.booked_at, ledger.BANK, uow=uow, now=now)
    for made in back:
        only = made.transfer_of(line.money) if len(found) + len(back) == 1 else None
        for part in made.transfers_under_way(None) if only is None else (only,):
            refund_payment.transferred(made, part, line, uow=uow, now=now)
    targets = [f"payout/{each.payout_id}" for each in found] + [f"refund/{each.refund_id}" for each in back]
    line.match(", ".join(targets))


def _known(line: BankLine, series: Literal["PO", "RF"], known: Mapping[str, T]) -> list[T]:
    """What the line's text names and exists."""
    return [known[number] for number in numbers_in(line.remittance, series) if number in known]


def _book_returned(lines: list[BankLine], named: Named, uow: BillingUnitOfWork, now: datetime) -> list[BankLine]:
    """
    Payouts and refunds that the bank sends back.

    Returns the lines that name none, or a customer's reference beside it.
    """
    others = []
    for line in lines:
        found, back = _known(line, "PO", named.payouts), _known(line, "RF", named.refunds)
        if not (found or back) or any(candidate.certain for candidate in references_in(line.remittance)):
            others.append(line)
            continue
        if back and not found:
            _bring_refund_back(line, back, uow, now)
            continue
        # Some banks book a return as the reversal of what they paid.
        reason = line.held if line.held not in {"", "reversal"} else _why_not_this_payout(line, found, "return")
        if reason == "payout_in_transit" and found[0].early_return is None:
            found[0].early_return = line.bank_line_id
            uow.payouts.save(found[0])
        if reason:
            suspend(line, reason, uow=uow, now=now)
        else:
            payouts.bring_back(found[0], ledger.BANK, line.booked_at, uow=uow, now=now)
            line.match(f"payout/{found[0].payout_id}", "returned")
    return others


def _bring_refund_back(line: BankLine, found: list[Refund], uow: BillingUnitOfWork, now: datetime) -> None:
    (made, *others) = found
    part = made.transfer_made(line.money)
    reason = line.held if line.held != "reversal" else ""
    if others or part is None:
        reason = reason or ("several_refunds" if others else "refund_differs")
    if reason or part is None:
        suspend(line, reason, uow=uow, now=now)
    else:
        refund_payment.bring_back(made, part, line, ledger.BANK, uow=uow, now=now)
        line.match(f"refund/{made.refund_id}", "returned")


def _why_not_this_payout(line: BankLine, found: list[Payout], verb: Literal["pay", "return"]) -> str:
    if not found:
        return "unknown_payout"
    if len(found) > 1:
        return "several_payouts"
    (payout,) = found
    if payout.way != "bank":
        return "payout_by_institution"
    if payout.money != line.money:
        return "amount_differs"
    return "" if PAYOUT_LIFECYCLE.allows(verb, payout.state) else f"payout_{payout.state}"
