"""Agreements by which somebody else pays for a customer: recorded by one, in force when another confirms it."""

from datetime import datetime

from services.billing.domain.payer_agreement import PayerAgreement
from services.billing.use_cases.bank_line import try_again
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.payer_agreement import (
    ConfirmPayerAgreement,
    EndPayerAgreement,
    PayerAgreementView,
    RecordPayerAgreement,
    RefusePayerAgreement,
)


def record_payer_agreement(
    command: RecordPayerAgreement, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PayerAgreementView:
    """
    Record an agreement; nothing is matched by it before somebody else confirms it.

    Raises:
        NotFound: There is no such customer.
        AgreementEndsBefore: It ends before it begins.
    """
    require(actor, command.grants, {})
    customer = uow.organisations.find(command.customer_id)
    if customer is None or customer.kind != "customer":
        raise NotFound
    agreement = PayerAgreement(
        payer_agreement_id=new_id(),
        customer_id=command.customer_id,
        payer_name=command.payer_name,
        payer_account=command.payer_account,
        evidence=command.evidence,
        valid_from=command.valid_from,
        valid_until=command.valid_until,
        recorded_by=hand_of(actor),
    )
    uow.payers.add(agreement, now)
    return view(agreement)


def confirm_payer_agreement(
    command: ConfirmPayerAgreement, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PayerAgreementView:
    """
    The second pair of eyes; lines that wait because this payer is not the customer are matched by it.

    Raises:
        NotFound
        WrongState, SameHands: See PayerAgreement.confirm.
    """
    require(actor, command.grants, {})
    agreement = uow.payers.get(command.payer_agreement_id)
    agreement.confirm(hand_of(actor), now)
    uow.payers.save(agreement)
    try_again([line for line in uow.bank_lines.of_other_payers() if agreement.covers(line)], uow=uow, now=now)
    return view(agreement)


def refuse_payer_agreement(
    command: RefusePayerAgreement, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PayerAgreementView:
    """Raises NotFound, WrongState."""
    require(actor, command.grants, {})
    agreement = uow.payers.get(command.payer_agreement_id)
    agreement.refuse(hand_of(actor), now)
    uow.payers.save(agreement)
    return view(agreement)


def end_payer_agreement(
    command: EndPayerAgreement, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PayerAgreementView:
    """
    End an agreement with a day, past or to come; one is enough, since it only takes risk away.

    Raises:
        NotFound
        WrongState, AgreementEndsEarlier: See PayerAgreement.end.
    """
    require(actor, command.grants, {})
    agreement = uow.payers.get(command.payer_agreement_id)
    agreement.end(command.last_day, hand_of(actor), now)
    uow.payers.save(agreement)
    return view(agreement)


def view(agreement: PayerAgreement) -> PayerAgreementView:
    return PayerAgreementView(
        payer_agreement_id=agreement.payer_agreement_id,
        customer_id=agreement.customer_id,
        payer_name=agreement.payer_name,
        payer_account=agreement.payer_account,
        evidence=agreement.evidence,
        valid_from=agreement.valid_from,
        valid_until=agreement.valid_until,
        state=agreement.state,
        recorded_by=agreement.recorded_by,
        decided_at=agreement.decided_at,
        decided_by=agreement.decided_by,
        ended_at=agreement.ended_at,
        ended_by=agreement.ended_by,
    )
