"""Every way into billing by RPC."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar

from services.billing.adapters import (
    account_queries,
    bank_order_queries,
    bank_queries,
    card_queries,
    claim_queries,
    credit_payback_repository,
    credit_queries,
    explanation_queries,
    funding_queries,
    journal_queries,
    ledger_queries,
    queries,
    reconciliation_queries,
    refund_queries,
    settlement_queries,
    voucher_queries,
)
from services.billing.adapters.bank_status_xml import read_pain_002
from services.billing.adapters.bank_xml import read_camt
from services.billing.adapters.channel_notices import ChannelNotices
from services.billing.adapters.stripe_events import StripeWebhooks, secrets_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.config import BillingSettings, settings
from services.billing.domain.payment import Instructions
from services.billing.use_cases import (
    adjustment,
    bank_csv,
    bank_line,
    bank_order,
    bank_statement,
    channel_notice,
    chargeback,
    checkout,
    claim,
    commission_plan,
    credit,
    credit_payback,
    customer_credit,
    direct_payment,
    funding,
    ledger,
    payer_agreement,
    payout,
    payout_channel,
    period,
    programme,
    programme_statement,
    receivable,
    reconciliation,
    referral,
    refund,
    related_party,
    settlement,
    split_order,
    stripe_event,
    voucher,
    voucher_use,
)
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.entrypoints import ServiceBase, command, query
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.actor import Actor
from services.shared.messages.base import Command, Query
from services.shared.messages.billing import bank_csv as csv_messages
from services.shared.messages.billing import bank_line as line_messages
from services.shared.messages.billing import bank_order as order_messages
from services.shared.messages.billing import bank_statement as statement_messages
from services.shared.messages.billing import credit_payback as payback_messages
from services.shared.messages.billing import reconciliation as reconciled
from services.shared.messages.billing import refund as refund_messages
from services.shared.messages.billing.account import ExplainBalance, GetAccountStatement, GetTrialBalance
from services.shared.messages.billing.adjustment import (
    ApproveAdjustment,
    ListAdjustments,
    ProposeAdjustment,
    ProposeReversal,
    RefuseAdjustment,
)
from services.shared.messages.billing.chargeback import GetChargeback, ListChargebacks, SubmitChargebackEvidence
from services.shared.messages.billing.checkout import GetCheckout, OpenCheckout
from services.shared.messages.billing.claim import (
    GetClaim,
    GetClaimPack,
    ListClaims,
    RecordClaimPaid,
    ResubmitClaim,
    ReviewClaim,
    SubmitClaim,
)
from services.shared.messages.billing.commission_plan import ListCommissionPlans, PreviewSplit, PublishCommissionPlan
from services.shared.messages.billing.credit import (
    ApproveCreditLine,
    GetCreditLine,
    ListCreditLines,
    ProposeCreditLine,
    SuspendCreditLine,
)
from services.shared.messages.billing.customer_credit import ApplyCustomerCredit, ListCustomerCredit
from services.shared.messages.billing.direct_payment import ConfirmDirectPayment, ConfirmDirectRefund
from services.shared.messages.billing.funding import AskFundingAgain, GetOrderFunding, ListFunding, NameProject
from services.shared.messages.billing.journal import ExportJournal
from services.shared.messages.billing.ledger import CheckInvariants, ListBalances, ListLedgerTransactions
from services.shared.messages.billing.payer_agreement import ListPayerAgreements, RecordPayerAgreement
from services.shared.messages.billing.payment import (
    GetPayment,
    ListPayments,
    RecordStripeEvent,
)
from services.shared.messages.billing.payout import (
    CancelPayout,
    FailPayout,
    GetPayout,
    ListPayouts,
    ReleasePayout,
    StartPayout,
)
from services.shared.messages.billing.payout_channel import (
    AgreePayoutChannel,
    ListPayoutChannels,
    ProposePayoutChannel,
    RefusePayoutChannel,
)
from services.shared.messages.billing.period import ClosePeriod, ListPeriods
from services.shared.messages.billing.programme import GetProgramme, ListProgrammes, PublishProgramme
from services.shared.messages.billing.programme_statement import ImportProgrammeStatement
from services.shared.messages.billing.receivable import (
    ApproveWriteOff,
    GetAgeing,
    GetReceivable,
    GetStatementOfAccount,
    ListReceivables,
    PayReceivable,
    ProposeWriteOff,
)
from services.shared.messages.billing.referral import (
    ClaimReferral,
    DecideReferral,
    GetReferral,
    GetReferralEvidence,
    ListReferrals,
    RevokeReferral,
    SubmitReferralEvidence,
)
from services.shared.messages.billing.related_party import DeclareRelation
from services.shared.messages.billing.settlement import (
    CloseSettlements,
    GetSettlement,
    GetSettlementDocument,
    ListSettlementLines,
    ListSettlements,
    PreviewSettlements,
)
from services.shared.messages.billing.split_order import RecordChannelNotice, RetrySplitReturn
from services.shared.messages.billing.voucher import (
    ApproveVoucher,
    EstimateVoucher,
    GetVoucher,
    GrantVoucher,
    ListVouchers,
    ReserveVoucher,
    RevokeVoucher,
    WithdrawVoucher,
)

T = TypeVar("T")


@cache
def _store() -> ObjectStore:
    own = settings()
    return ObjectStore(str(own.object_store_url), own.bucket, own.records_bucket)


def _webhooks(own: BillingSettings) -> StripeWebhooks:
    return StripeWebhooks(secrets_of(own.stripe_webhook_secret), SystemClock(), live=own.stripe_live)


def _notices(own: BillingSettings) -> ChannelNotices:
    return ChannelNotices(secrets_of(own.channel_webhook_secret))


def _instructions(own: BillingSettings) -> Instructions:
    return Instructions(own.bank_account_name, own.bank_account_number, own.bank_name)


def given(use_case: Callable[..., T], **wants: Callable[[BillingSettings], object]) -> Callable[..., T]:
    """*use_case* with what it *wants* of the settings, which are read when it is called."""

    def asked(wanted: Command | Query, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> T:
        own = settings()
        return use_case(wanted, actor=actor, uow=uow, now=now, **{name: of(own) for name, of in wants.items()})

    return asked


OWN_ACCOUNT = {"own_account": lambda own: own.bank_account_number}
COOLING_OFF = {"cooling_off": lambda own: timedelta(days=own.payout_cooling_off_days)}
CREDIT_TERMS = {"block_overdue_days": lambda own: own.credit_block_overdue_days}
OVERDUE = {"overdue_after": lambda own: timedelta(days=own.reconciliation_overdue_days)}
DOWNLOADS = {"download_url": lambda _: _store().download_url}


class BillingService(ServiceBase):
    name = "billing"

    publish_commission_plan = command(PublishCommissionPlan, commission_plan.publish_commission_plan)
    list_commission_plans = query(ListCommissionPlans, queries.list_commission_plans)
    preview_split = query(PreviewSplit, commission_plan.preview_split)

    claim_referral = command(ClaimReferral, given(referral.claim_referral, upload_url=lambda _: _store().upload_url))
    submit_referral_evidence = command(SubmitReferralEvidence, referral.submit_referral_evidence)
    decide_referral = command(
        DecideReferral,
        given(referral.decide_referral, protection=lambda own: timedelta(days=own.referral_protection_days)),
    )
    revoke_referral = command(RevokeReferral, referral.revoke_referral)
    get_referral = query(GetReferral, queries.get_referral)
    get_referral_evidence = query(GetReferralEvidence, given(queries.get_referral_evidence, **DOWNLOADS))
    list_referrals = query(ListReferrals, queries.list_referrals)

    publish_programme = command(PublishProgramme, programme.publish_programme)
    import_programme_statement = command(ImportProgrammeStatement, programme_statement.import_programme_statement)
    get_programme = query(GetProgramme, voucher_queries.get_programme)
    list_programmes = query(ListProgrammes, voucher_queries.list_programmes)

    grant_voucher = command(GrantVoucher, voucher.grant_voucher)
    approve_voucher = command(ApproveVoucher, voucher.approve_voucher)
    revoke_voucher = command(RevokeVoucher, voucher.revoke_voucher)
    estimate_voucher = query(EstimateVoucher, voucher_use.estimate_voucher)
    reserve_voucher = command(ReserveVoucher, voucher_use.reserve_voucher)
    withdraw_voucher = command(WithdrawVoucher, voucher_use.withdraw_voucher)
    get_voucher = query(GetVoucher, voucher_queries.get_voucher)
    list_vouchers = query(ListVouchers, voucher_queries.list_vouchers)

    submit_claim = command(SubmitClaim, claim.submit_claim)
    resubmit_claim = command(ResubmitClaim, claim.resubmit_claim)
    review_claim = command(
        ReviewClaim, given(claim.review_claim, instructions=_instructions, reminder_days=lambda own: own.dunning_days)
    )
    record_claim_paid = command(RecordClaimPaid, claim.record_claim_paid)
    get_claim = query(GetClaim, claim_queries.get_claim)
    list_claims = query(ListClaims, claim_queries.list_claims)
    get_claim_pack = query(GetClaimPack, given(claim_queries.get_claim_pack, **DOWNLOADS))

    declare_relation = command(DeclareRelation, related_party.declare_relation)

    record_stripe_event = command(
        RecordStripeEvent, given(stripe_event.record_stripe_event, verify=lambda own: _webhooks(own).verify)
    )
    record_channel_notice = command(
        RecordChannelNotice, given(channel_notice.record_channel_notice, verify=lambda own: _notices(own).verify)
    )
    retry_split_return = command(RetrySplitReturn, split_order.retry_split_return)
    submit_chargeback_evidence = command(SubmitChargebackEvidence, chargeback.submit_evidence)
    get_chargeback = query(GetChargeback, card_queries.get_chargeback)
    list_chargebacks = query(ListChargebacks, card_queries.list_chargebacks)

    open_checkout = command(OpenCheckout, given(checkout.open_checkout, portal=lambda own: own.public_url))
    get_checkout = query(GetCheckout, card_queries.get_checkout)
    get_payment = query(GetPayment, queries.get_payment)
    list_payments = query(ListPayments, queries.list_payments)

    propose_credit_line = command(ProposeCreditLine, given(credit.propose_credit_line, **CREDIT_TERMS))
    approve_credit_line = command(ApproveCreditLine, given(credit.approve_credit_line, **CREDIT_TERMS))
    suspend_credit_line = command(SuspendCreditLine, given(credit.suspend_credit_line, **CREDIT_TERMS))
    get_credit_line = query(GetCreditLine, given(credit_queries.get_credit_line, **CREDIT_TERMS))
    list_credit_lines = query(ListCreditLines, given(credit_queries.list_credit_lines, **CREDIT_TERMS))

    name_project = command(NameProject, given(funding.name_project, agreements=lambda own: own.funding_agreements()))
    ask_funding_again = command(AskFundingAgain, funding.ask_funding_again)
    get_order_funding = query(GetOrderFunding, funding_queries.get_order_funding)
    list_funding = query(ListFunding, funding_queries.list_funding)

    pay_receivable = command(PayReceivable, given(receivable.pay_receivable, instructions=_instructions))
    propose_write_off = command(ProposeWriteOff, receivable.propose_write_off)
    approve_write_off = command(ApproveWriteOff, receivable.approve_write_off)
    get_receivable = query(GetReceivable, credit_queries.get_receivable)
    list_receivables = query(ListReceivables, credit_queries.list_receivables)
    get_statement_of_account = query(GetStatementOfAccount, credit_queries.get_statement_of_account)
    get_ageing = query(GetAgeing, credit_queries.get_ageing)

    import_bank_statement = command(
        statement_messages.ImportBankStatement, given(bank_statement.import_bank_statement, **OWN_ACCOUNT)
    )
    import_bank_file = command(
        statement_messages.ImportBankFile,
        given(bank_statement.import_bank_file, read=lambda _: read_camt, **OWN_ACCOUNT),
    )
    list_bank_lines = query(statement_messages.ListBankLines, queries.list_bank_lines)
    get_bank_line = query(line_messages.GetBankLine, bank_queries.get_bank_line)
    list_suspense = query(line_messages.ListSuspense, bank_queries.list_suspense)
    resolve_bank_line = command(
        line_messages.ResolveBankLine, given(bank_line.resolve_bank_line, alone_max=lambda own: own.resolve_alone_max)
    )
    confirm_bank_line = command(line_messages.ConfirmBankLine, bank_line.confirm_bank_line)
    undo_bank_line = command(line_messages.UndoBankLine, bank_line.undo_bank_line)
    confirm_direct_payment = command(ConfirmDirectPayment, direct_payment.confirm_direct_payment)
    confirm_direct_refund = command(ConfirmDirectRefund, direct_payment.confirm_direct_refund)
    record_payer_agreement = command(RecordPayerAgreement, payer_agreement.record_payer_agreement)
    list_payer_agreements = query(ListPayerAgreements, bank_queries.list_payer_agreements)
    list_customer_credit = query(ListCustomerCredit, bank_queries.list_customer_credit)
    apply_customer_credit = command(ApplyCustomerCredit, customer_credit.apply_customer_credit)
    request_credit_payback = command(
        payback_messages.RequestCreditPayback, given(credit_payback.request_credit_payback, **COOLING_OFF)
    )
    approve_credit_payback = command(
        payback_messages.ApproveCreditPayback, given(credit_payback.approve_credit_payback, **COOLING_OFF)
    )
    cancel_credit_payback = command(payback_messages.CancelCreditPayback, credit_payback.cancel_credit_payback)
    fail_credit_payback = command(payback_messages.FailCreditPayback, credit_payback.fail_credit_payback)
    list_credit_paybacks = query(payback_messages.ListCreditPaybacks, credit_payback_repository.list_credit_paybacks)
    get_credit_payback_document = query(
        payback_messages.GetCreditPaybackDocument,
        given(credit_payback_repository.get_credit_payback_document, **DOWNLOADS),
    )
    declare_bank_csv_map = command(csv_messages.DeclareBankCsvMap, given(bank_csv.declare_bank_csv_map, **OWN_ACCOUNT))
    list_bank_csv_maps = query(csv_messages.ListBankCsvMaps, queries.list_bank_csv_maps)
    preview_bank_csv = query(csv_messages.PreviewBankCsv, given(bank_csv.preview_bank_csv, **OWN_ACCOUNT))

    request_refund = command(refund_messages.RequestRefund, refund.request_refund)
    approve_refund = command(refund_messages.ApproveRefund, refund.approve_refund)
    cancel_refund = command(refund_messages.CancelRefund, refund.cancel_refund)
    reroute_refund = command(refund_messages.RerouteRefund, refund.reroute_refund)
    fail_refund = command(refund_messages.FailRefund, refund.fail_refund)
    waive_red_letter = command(refund_messages.WaiveRedLetter, refund.waive_red_letter)
    get_refund = query(refund_messages.GetRefund, refund_queries.get_refund)
    get_refund_documents = query(
        refund_messages.GetRefundDocuments, given(refund_queries.get_refund_documents, **DOWNLOADS)
    )
    list_refunds = query(refund_messages.ListRefunds, refund_queries.list_refunds)

    close_settlements = command(CloseSettlements, settlement.close_settlements)
    preview_settlements = query(PreviewSettlements, settlement_queries.preview_settlements)
    get_settlement = query(GetSettlement, queries.get_settlement)
    list_settlements = query(ListSettlements, queries.list_settlements)
    list_settlement_lines = query(ListSettlementLines, queries.list_settlement_lines)
    get_settlement_document = query(GetSettlementDocument, given(queries.get_settlement_document, **DOWNLOADS))

    start_payout = command(StartPayout, given(payout.start_payout, **COOLING_OFF))
    release_payout = command(ReleasePayout, given(payout.release_payout, **COOLING_OFF))
    cancel_payout = command(CancelPayout, payout.cancel_payout)
    fail_payout = command(FailPayout, payout.fail_payout)
    get_payout = query(GetPayout, queries.get_payout)
    list_payouts = query(ListPayouts, queries.list_payouts)

    propose_payout_channel = command(ProposePayoutChannel, payout_channel.propose_payout_channel)
    agree_payout_channel = command(AgreePayoutChannel, payout_channel.agree_payout_channel)
    refuse_payout_channel = command(RefusePayoutChannel, payout_channel.refuse_payout_channel)
    list_payout_channels = query(ListPayoutChannels, card_queries.list_payout_channels)

    make_bank_order = command(
        order_messages.MakeBankOrder, given(bank_order.make_bank_order, file_format=lambda own: own.bank_order_format)
    )
    list_bank_orders = query(order_messages.ListBankOrders, bank_order_queries.list_bank_orders)
    get_bank_order_document = query(
        order_messages.GetBankOrderDocument, given(bank_order_queries.get_bank_order_document, **DOWNLOADS)
    )
    read_status_report = command(
        order_messages.ReadStatusReport, given(bank_order.read_status_report, read=lambda _: read_pain_002)
    )

    propose_adjustment = command(ProposeAdjustment, adjustment.propose_adjustment)
    propose_reversal = command(ProposeReversal, adjustment.propose_reversal)
    approve_adjustment = command(ApproveAdjustment, adjustment.approve_adjustment)
    refuse_adjustment = command(RefuseAdjustment, adjustment.refuse_adjustment)
    list_adjustments = query(ListAdjustments, queries.list_adjustments)

    start_reconciliation = command(
        reconciled.StartReconciliation, given(reconciliation.start_reconciliation, **OVERDUE)
    )
    list_reconciliations = query(reconciled.ListReconciliations, reconciliation_queries.list_reconciliations)
    get_reconciliation = query(reconciled.GetReconciliation, reconciliation_queries.get_reconciliation)
    list_reconciliation_items = query(
        reconciled.ListReconciliationItems, reconciliation_queries.list_reconciliation_items
    )

    export_journal = query(ExportJournal, journal_queries.export_journal)
    close_period = command(ClosePeriod, period.close_period)
    list_periods = query(ListPeriods, account_queries.list_periods)

    check_invariants = command(CheckInvariants, ledger.check_invariants)
    list_balances = query(ListBalances, ledger_queries.list_balances)
    get_trial_balance = query(GetTrialBalance, account_queries.get_trial_balance)
    get_account_statement = query(GetAccountStatement, account_queries.get_account_statement)
    explain_balance = query(ExplainBalance, explanation_queries.explain_balance)
    list_ledger_transactions = query(ListLedgerTransactions, ledger_queries.list_ledger_transactions)
