"""What billing can be asked about money that leaves: refunds, statements, payouts, orders to the bank."""

from services.billing.adapters import (
    bank_order_queries,
    card_queries,
    credit_payback_repository,
    income_allocation_queries,
    queries,
    refund_queries,
    settlement_queries,
    settlement_sales,
    small_enterprise_repository,
)
from services.billing.adapters.bank_status_xml import read_pain_002
from services.billing.entrypoints.given import COOLING_OFF, DOWNLOADS, PAYMENT_DAYS, given
from services.billing.use_cases import (
    bank_order,
    credit_payback,
    income_allocation,
    payout,
    payout_channel,
    refund,
    settlement,
    small_enterprise,
    split_order,
)
from services.shared.chassis.entrypoints import command, query
from services.shared.messages.billing.bank_order import (
    GetBankOrderDocument,
    ListBankOrders,
    MakeBankOrder,
    ReadStatusReport,
)
from services.shared.messages.billing.credit_payback import (
    ApproveCreditPayback,
    CancelCreditPayback,
    FailCreditPayback,
    GetCreditPaybackDocument,
    ListCreditPaybacks,
    ListOwedToProgrammes,
    RequestCreditPayback,
    RequestProgrammePayback,
)
from services.shared.messages.billing.income_allocation import (
    ListAllocatedIncome,
    ListIncomeAllocations,
    SetIncomeAllocation,
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
from services.shared.messages.billing.refund import (
    ApproveRefund,
    CancelRefund,
    FailRefund,
    GetRefund,
    GetRefundDocuments,
    ListRefunds,
    RequestRefund,
    RerouteRefund,
    WaiveRedLetter,
)
from services.shared.messages.billing.settlement import (
    CloseSettlements,
    GetSettlement,
    GetSettlementDocument,
    ListSettlementLines,
    ListSettlements,
    ListSettlementSales,
    PreviewSettlements,
)
from services.shared.messages.billing.small_enterprise import (
    DecideSmallEnterprise,
    DeclareSmallEnterprise,
    ListSmallEnterprises,
)
from services.shared.messages.billing.split_order import RetrySplitReturn


class MoneyOut:
    request_credit_payback = command(RequestCreditPayback, given(credit_payback.request_credit_payback, **COOLING_OFF))
    request_programme_payback = command(
        RequestProgrammePayback, given(credit_payback.request_programme_payback, **COOLING_OFF)
    )
    approve_credit_payback = command(ApproveCreditPayback, given(credit_payback.approve_credit_payback, **COOLING_OFF))
    cancel_credit_payback = command(CancelCreditPayback, credit_payback.cancel_credit_payback)
    fail_credit_payback = command(FailCreditPayback, credit_payback.fail_credit_payback)
    list_owed_to_programmes = query(ListOwedToProgrammes, credit_payback_repository.list_owed_to_programmes)
    list_credit_paybacks = query(ListCreditPaybacks, credit_payback_repository.list_credit_paybacks)
    get_credit_payback_document = query(
        GetCreditPaybackDocument,
        given(credit_payback_repository.get_credit_payback_document, **DOWNLOADS),
    )

    request_refund = command(RequestRefund, refund.request_refund)
    approve_refund = command(ApproveRefund, given(refund.approve_refund, **COOLING_OFF))
    cancel_refund = command(CancelRefund, refund.cancel_refund)
    reroute_refund = command(RerouteRefund, refund.reroute_refund)
    fail_refund = command(FailRefund, refund.fail_refund)
    waive_red_letter = command(WaiveRedLetter, given(refund.waive_red_letter, **COOLING_OFF))
    get_refund = query(GetRefund, refund_queries.get_refund)
    get_refund_documents = query(GetRefundDocuments, given(refund_queries.get_refund_documents, **DOWNLOADS))
    list_refunds = query(ListRefunds, refund_queries.list_refunds)
    retry_split_return = command(RetrySplitReturn, split_order.retry_split_return)

    close_settlements = command(CloseSettlements, given(settlement.close_settlements, **PAYMENT_DAYS))
    declare_small_enterprise = command(DeclareSmallEnterprise, small_enterprise.declare_small_enterprise)
    decide_small_enterprise = command(
        DecideSmallEnterprise, given(small_enterprise.decide_small_enterprise, **PAYMENT_DAYS)
    )
    list_small_enterprises = query(ListSmallEnterprises, small_enterprise_repository.list_small_enterprises)
    set_income_allocation = command(SetIncomeAllocation, income_allocation.set_income_allocation)
    list_income_allocations = query(ListIncomeAllocations, income_allocation_queries.list_income_allocations)
    list_allocated_income = query(ListAllocatedIncome, income_allocation_queries.list_allocated_income)
    preview_settlements = query(PreviewSettlements, settlement_queries.preview_settlements)
    get_settlement = query(GetSettlement, queries.get_settlement)
    list_settlements = query(ListSettlements, queries.list_settlements)
    list_settlement_lines = query(ListSettlementLines, queries.list_settlement_lines)
    list_settlement_sales = query(ListSettlementSales, settlement_sales.list_settlement_sales)
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
        MakeBankOrder, given(bank_order.make_bank_order, file_format=lambda own: own.bank_order_format)
    )
    list_bank_orders = query(ListBankOrders, bank_order_queries.list_bank_orders)
    get_bank_order_document = query(
        GetBankOrderDocument, given(bank_order_queries.get_bank_order_document, **DOWNLOADS)
    )
    read_status_report = command(ReadStatusReport, given(bank_order.read_status_report, read=lambda _: read_pain_002))
