"""What billing can be asked about its books: the ledger, adjustments, input VAT, reconciliation, closed months."""

from services.billing.adapters import (
    account_queries,
    cash_forecast_queries,
    explanation_queries,
    input_vat_repository,
    journal_queries,
    ledger_queries,
    margin_queries,
    queries,
    reconciliation_queries,
)
from services.billing.entrypoints.given import OVERDUE, given
from services.billing.use_cases import adjustment, input_vat, ledger, period, reconciliation
from services.shared.chassis.entrypoints import command, query
from services.shared.messages.billing.account import ExplainBalance, GetAccountStatement, GetTrialBalance
from services.shared.messages.billing.adjustment import (
    ApproveAdjustment,
    ListAdjustments,
    ProposeAdjustment,
    ProposeReversal,
    RefuseAdjustment,
)
from services.shared.messages.billing.cash_forecast import GetCashForecast, ListForecastItems
from services.shared.messages.billing.input_vat import (
    ConfirmFeeInputVat,
    ConfirmInputVat,
    ListFeeInputVat,
    ListInputVat,
    TransferOutInputVat,
)
from services.shared.messages.billing.journal import ExportJournal
from services.shared.messages.billing.ledger import CheckInvariants, ListBalances, ListLedgerTransactions
from services.shared.messages.billing.margin import GetOrderMargin, ListMargins
from services.shared.messages.billing.period import ClosePeriod, ListPeriods
from services.shared.messages.billing.reconciliation import (
    GetReconciliation,
    ListReconciliationItems,
    ListReconciliations,
    StartReconciliation,
)


class Books:
    propose_adjustment = command(ProposeAdjustment, adjustment.propose_adjustment)
    propose_reversal = command(ProposeReversal, adjustment.propose_reversal)
    approve_adjustment = command(ApproveAdjustment, adjustment.approve_adjustment)
    refuse_adjustment = command(RefuseAdjustment, adjustment.refuse_adjustment)
    list_adjustments = query(ListAdjustments, queries.list_adjustments)

    list_input_vat = query(ListInputVat, input_vat_repository.list_input_vat)
    list_fee_input_vat = query(ListFeeInputVat, input_vat_repository.list_fee_input_vat)
    confirm_input_vat = command(ConfirmInputVat, input_vat.confirm_input_vat)
    confirm_fee_input_vat = command(ConfirmFeeInputVat, input_vat.confirm_fee_input_vat)
    transfer_out_input_vat = command(TransferOutInputVat, input_vat.transfer_out_input_vat)

    start_reconciliation = command(StartReconciliation, given(reconciliation.start_reconciliation, **OVERDUE))
    list_reconciliations = query(ListReconciliations, reconciliation_queries.list_reconciliations)
    get_reconciliation = query(GetReconciliation, reconciliation_queries.get_reconciliation)
    list_reconciliation_items = query(ListReconciliationItems, reconciliation_queries.list_reconciliation_items)

    export_journal = query(ExportJournal, journal_queries.export_journal)
    close_period = command(ClosePeriod, period.close_period)
    list_periods = query(ListPeriods, account_queries.list_periods)

    check_invariants = command(CheckInvariants, ledger.check_invariants)
    list_balances = query(ListBalances, ledger_queries.list_balances)
    get_trial_balance = query(GetTrialBalance, account_queries.get_trial_balance)
    get_account_statement = query(GetAccountStatement, account_queries.get_account_statement)
    explain_balance = query(ExplainBalance, explanation_queries.explain_balance)
    list_ledger_transactions = query(ListLedgerTransactions, ledger_queries.list_ledger_transactions)
    get_cash_forecast = query(GetCashForecast, cash_forecast_queries.get_cash_forecast)
    list_forecast_items = query(ListForecastItems, cash_forecast_queries.list_forecast_items)
    get_order_margin = query(GetOrderMargin, margin_queries.get_order_margin)
    list_margins = query(ListMargins, margin_queries.list_margins)
