"""Agreements by which somebody else pays for a customer."""

from datetime import datetime

from services.billing.domain.bank_matching import AgreementEndsBefore, PayerAgreement
from services.billing.use_cases.bank_line import try_again
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.payer_agreement import PayerAgreementView, RecordPayerAgreement


def record_payer_agreement(
    command: RecordPayerAgreement, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PayerAgreementView:
    """
    Record an agreement; lines that wait because this payer is not the customer are matched by it.

    Raises:
        NotFound: There is no such customer.
        AgreementEndsBefore: It ends before it begins.
    """
    require(actor, command.grants, {})
    customer = uow.organisations.find(command.customer_id)
    if customer is None or customer.kind != "customer":
        raise NotFound
    if command.valid_until is not None and command.valid_until < command.valid_from:
        raise AgreementEndsBefore
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
    try_again([line for line in uow.bank_lines.of_other_payers() if agreement.covers(line)], uow=uow, now=now)
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
    )
