"""Input VAT: arising with a matched invoice or a fee, confirmed for a filing period, given back, transferred out."""

from datetime import datetime
from uuid import UUID

from services.billing.domain.input_vat import (
    FEES,
    FeeMonth,
    GivenBack,
    InputVat,
    InputVatNothingLeft,
    check_filing,
    input_vat_confirmed,
    input_vat_transferred_out,
)
from services.billing.domain.period import Period, PeriodNotOver, period_of
from services.billing.domain.settlement import Settlement
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date
from services.shared.messages.billing.input_vat import (
    ConfirmFeeInputVat,
    ConfirmInputVat,
    InputVatPage,
    InputVatView,
    TransferOutInputVat,
)


def invoice_matched(
    settlement: Settlement, received_invoice_id: UUID, number: str, *, uow: BillingUnitOfWork, now: datetime
) -> None:
    """
    The invoice over *settlement* is there; the caller holds the party's lock and posts.

    One that is all-in shows tax that is cost to us: there is nothing to deduct.
    """
    if not settlement.tax:
        return
    found, known = _of(settlement, uow, now)
    found.match(received_invoice_id, number, now)
    _keep(found, uow, known=known)


def give_back(settlement: Settlement, tax: int, *, uow: BillingUnitOfWork, now: datetime) -> GivenBack:
    """
    The party gives *tax* (minor units) of what *settlement* lists back; the caller holds its lock and posts.

    Before its invoice is there, less of that will be pending.
    """
    if tax <= 0:
        return GivenBack(pending=tax)
    found, known = _of(settlement, uow, now)
    of_vat = found.give_back(tax)
    _keep(found, uow, known=known)
    return of_vat


def confirm_input_vat(command: ConfirmInputVat, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> InputVatPage:
    """
    Deduct the tax of received invoices in a filing period: all that are named, or none.

    Raises:
        NotFound: One is none of those.
        PeriodClosedAlready, InputVatLater, InputVatNothingLeft, WrongState: See there.
    """
    require(actor, command.grants, {})
    period = period_of(command.period)
    named = uow.input_vat.get_all(command.input_vat_ids)
    effective_at = _filing(period, uow, now)
    for each in named:
        _confirm(each, period, effective_at, actor, uow, now)
        uow.input_vat.save(each)
    return InputVatPage(items=tuple(view(each, now) for each in named))


def confirm_fee_input_vat(
    command: ConfirmFeeInputVat, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> InputVatView:
    """
    Deduct the tax of a month's fees of the payment institution. What is booked in it later is confirmed once more.

    Raises:
        PeriodNotOver: The month of the fees is not over.
        PeriodClosedAlready, InputVatLater, InputVatNothingLeft: See there.
    """
    require(actor, command.grants, {})
    month, period = period_of(command.month), period_of(command.period)
    if month.until > now:
        raise PeriodNotOver
    effective_at = _filing(period, uow, now)
    fees = uow.input_vat.fee_month(month, command.currency)
    if fees.pending <= 0:
        raise InputVatNothingLeft(number=month.name)
    made = _of_fees(fees)
    _confirm(made, period, effective_at, actor, uow, now)
    # Two at once: the second waits for the first one's row, and finds that its own stands there.
    if not uow.input_vat.add(made):
        raise InputVatNothingLeft(number=month.name)
    return view(made, now)


def transfer_out_input_vat(
    command: TransferOutInputVat, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> InputVatView:
    """
    What was deducted may not be, after all: it becomes cost, and is paid with the next filing.

    Raises:
        NotFound, WrongState, SameHandsTransferOut, InputVatExceeded: See there.
    """
    require(actor, command.grants, {})
    (found,) = uow.input_vat.get_all([command.input_vat_id])
    found.transfer_out(command.amount, command.reason, hand_of(actor), now)
    uow.input_vat.save(found)
    post_transaction(
        uow,
        key=f"{found.key}:transferred_out",
        kind="input_vat_transferred_out",
        entries=input_vat_transferred_out(found.party_kind, command.amount),
        effective_at=now,
        now=now,
    )
    return view(found, now)


def _filing(period: Period, uow: BillingUnitOfWork, now: datetime) -> datetime:
    # Else the month could be closed between our look and our posting, which would then count in the next one.
    uow.periods.keep_open()
    return check_filing(period, uow.periods.last_until(), now)


def _confirm(
    given: InputVat, period: Period, effective_at: datetime, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> None:
    amount = given.confirm(period, hand_of(actor), now)
    post_transaction(
        uow,
        key=f"{given.key}:confirmed",
        kind="input_vat_confirmed",
        entries=input_vat_confirmed(amount),
        effective_at=effective_at,
        now=now,
    )


def _of(settlement: Settlement, uow: BillingUnitOfWork, now: datetime) -> tuple[InputVat, bool]:
    """That of *settlement*, and whether it is stored."""
    found = uow.input_vat.of_settlement(settlement.settlement_id)
    if found is not None:
        return found, True
    return InputVat(
        input_vat_id=derived_id("input_vat", settlement.settlement_id), source="received_invoice",
        number=settlement.number, settlement_id=settlement.settlement_id, received_invoice_id=None, invoice_number="",
        party_kind=settlement.party_kind, party_id=settlement.party_id, state="awaited", currency=settlement.currency,
        amount=settlement.tax, pending=settlement.tax, arisen_at=now,
    ), False  # fmt: skip


def _of_fees(fees: FeeMonth) -> InputVat:
    return InputVat(
        input_vat_id=derived_id("input_vat", FEES, fees.period.name, fees.currency, fees.confirmations + 1),
        source="psp_fees", number=fees.period.name, settlement_id=None, received_invoice_id=None, invoice_number="",
        party_kind=None, party_id=None, state="pending", currency=fees.currency, amount=fees.pending,
        pending=fees.pending, arisen_at=fees.period.last_instant,
    )  # fmt: skip


def _keep(given: InputVat, uow: BillingUnitOfWork, *, known: bool) -> None:
    if known:
        uow.input_vat.save(given)
    else:
        uow.input_vat.add(given)


def view(given: InputVat, now: datetime) -> InputVatView:
    def money(amount: int) -> Money:
        return Money(amount, given.currency)

    return InputVatView(
        input_vat_id=given.input_vat_id,
        source=given.source,
        number=given.number,
        invoice_number=given.invoice_number,
        party_kind=given.party_kind,
        party_id=given.party_id,
        state=given.state,
        amount=money(given.amount),
        pending=money(given.pending),
        confirmed=money(given.confirmed),
        transferred_out=money(given.transferred_out),
        given_back=money(given.given_back),
        arisen_at=given.arisen_at,
        age_days=(business_date(now) - business_date(given.arisen_at)).days,
        period=given.period,
        confirmed_at=given.confirmed_at,
        reason=given.reason,
    )
