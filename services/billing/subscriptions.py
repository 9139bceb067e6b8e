"""What billing listens to, and what it does then."""

from datetime import timedelta
from functools import partial

from services.billing.adapters.bank_files import Debtor
from services.billing.adapters.channel_gateway import ChannelGateway
from services.billing.adapters.finance_system import Door, FinanceSystems
from services.billing.adapters.funding_calls import funding_calls
from services.billing.adapters.outside_calls import outside_calls
from services.billing.adapters.papers import Papers
from services.billing.adapters.stripe_access import StripeAccess
from services.billing.adapters.stripe_gateway import StripeGateway
from services.billing.config import BillingSettings
from services.billing.domain.payment import Instructions
from services.billing.use_cases import (
    channel_order,
    chargeback,
    checkout,
    claim,
    commission_debt,
    dispute,
    evidence,
    funding,
    funding_check,
    invoice,
    ledger,
    offering,
    order,
    organisation,
    payment,
    payout_channel,
    receivable,
    reconciliation,
    refund,
    refund_check,
    settlement,
    split_order,
    stripe_event,
    transfer,
    voucher,
    voucher_use,
)
from services.shared.chassis import database
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.definition import Work, on
from services.shared.chassis.settings import SourceSettings
from services.shared.messages.catalog.offering import OfferingChanged, OfferingHidden, OfferingPublished
from services.shared.messages.identity.organisation import (
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationVerified,
)
from services.shared.messages.invoicing.collective_invoice import InvoiceReduced
from services.shared.messages.invoicing.invoice import InvoiceIssued
from services.shared.messages.invoicing.received_invoice import ReceivedInvoiceMatched
from services.shared.messages.invoicing.red_letter import RedLetterIssued
from services.shared.messages.orders.contract import ContractSigned
from services.shared.messages.orders.dispute import DisputeDecided, DisputeOpened, DisputeWithdrawn
from services.shared.messages.orders.order import OrderAccepted, OrderCancelled, OrderContracted, OrderPlaced
from services.shared.messages.orders.report import ReportIssued


def work(settings: SourceSettings) -> Work:
    """What `work` runs for billing."""
    if not isinstance(settings, BillingSettings):
        raise TypeError("billing is given its own settings")
    account = (settings.bank_account_name, settings.bank_account_number, settings.bank_name)
    gateway = StripeGateway(
        StripeAccess(settings.stripe_api_key, settings.stripe_api_base, settings.environment, SystemClock())
    )
    channel = ChannelGateway(
        settings.channel_api_base, settings.channel_merchant, settings.channel_secret, SystemClock()
    )
    # One connection: outside calls are made one after the other.
    source = database.engine(settings.database_url, name="papers billing", pool_size=1)
    papers = Papers(
        source,
        (str(settings.object_store_url), settings.bucket, settings.records_bucket),
        (settings.company_name, settings.company_credit_code, settings.company_address),
        Debtor(settings.company_name, settings.company_credit_code, *account, settings.bank_clearing_code),
        settings.bank_order_format,
    )
    doors = {code: Door(each.url, each.secret.get_secret_value()) for code, each in settings.finance_systems.items()}
    finance_systems = FinanceSystems(doors)
    instructions = Instructions(*account)
    reminder_days = settings.dunning_days
    overdue_after = timedelta(days=settings.reconciliation_overdue_days)
    cooling_off = timedelta(days=settings.payout_cooling_off_days)
    return Work(
        subscriptions=(
            on(OrganisationRegistered, organisation.keep_copy),
            on(OrganisationVerified, organisation.keep_copy),
            on(OrganisationChanged, organisation.keep_copy),
            on(OfferingPublished, offering.keep_copy),
            on(OfferingChanged, offering.keep_copy),
            on(OfferingHidden, offering.keep_copy),
            on(OrderPlaced, order.placed),
            on(ContractSigned, evidence.contract_signed),
            on(ReportIssued, evidence.report_issued),
            on(InvoiceIssued, evidence.invoice_issued),
            on(InvoiceIssued, invoice.keep_copy),
            on(InvoiceIssued, commission_debt.invoiced),
            on(
                OrderContracted,
                partial(
                    order.contracted,
                    instructions=instructions,
                    custody=Instructions(
                        settings.custody_account_name, settings.custody_account_number, settings.custody_bank_name
                    ),
                    block_overdue_days=settings.credit_block_overdue_days,
                    agreements=settings.funding_agreements(),
                ),
            ),
            on(OrderAccepted, order.accepted),
            on(OrderCancelled, order.cancelled),
            on(DisputeOpened, dispute.opened),
            on(DisputeDecided, dispute.decided),
            on(DisputeWithdrawn, dispute.withdrawn),
            on(InvoiceIssued, partial(receivable.invoiced, instructions=instructions, reminder_days=reminder_days)),
            on(ReceivedInvoiceMatched, settlement.invoice_matched),
            on(RedLetterIssued, partial(refund.red_letter_issued, cooling_off=cooling_off)),
            on(InvoiceReduced, partial(refund.invoice_reduced, cooling_off=cooling_off)),
            on(InvoiceReduced, invoice.keep_reduction),
            on(RedLetterIssued, invoice.keep_red_letter),
        ),
        outside_calls=(*outside_calls(gateway, channel, papers, overdue_after), *funding_calls(finance_systems)),
        timers={
            payment.CHECK_TIMER: payment.check_card_payment,
            checkout.CHECK_TIMER: checkout.check_checkout,
            refund_check.CHECK_TIMER: refund_check.check_card_refund,
            funding.CHECK_TIMER: funding_check.check_funding,
            funding.LAPSE_TIMER: funding_check.look_whether_lapsed,
            refund_check.CHANNEL_TIMER: refund_check.check_channel_refund,
            channel_order.CHECK_TIMER: channel_order.check_channel_order,
            channel_order.RELEASE_TIMER: channel_order.check_release,
            split_order.CHECK_TIMER: split_order.check_split_order,
            split_order.CHECK_RETURN_TIMER: split_order.check_split_return,
            chargeback.CHECK_TIMER: chargeback.check_chargeback,
            chargeback.DUE_TIMER: chargeback.remind_of_evidence,
            transfer.CHECK_TIMER: transfer.check_transfer,
            payout_channel.CHECK_TIMER: payout_channel.check_connected_account,
            stripe_event.SWEEP_TIMER: stripe_event.sweep_stripe_events,
            ledger.WATCH_TIMER: ledger.watch_invariants,
            ledger.WATCH_ALL_TIMER: ledger.watch_all_invariants,
            receivable.REMIND_TIMER: partial(receivable.remind, reminder_days=reminder_days),
            commission_debt.REMIND_TIMER: commission_debt.remind,
            ledger.SEAL_TIMER: ledger.seal_ledger,
            reconciliation.DAILY_TIMER: partial(
                reconciliation.reconcile_daily, at=settings.reconciliation_at, overdue_after=overdue_after
            ),
            reconciliation.ALARM_TIMER: reconciliation.tell_overdue,
            settlement.DUE_TIMER: partial(settlement.remind_of_due, notice_days=settings.small_enterprise_notice_days),
            voucher.EXPIRE_TIMER: voucher.expire_voucher,
            voucher_use.LAPSE_TIMER: claim.lapse,
        },
    )
