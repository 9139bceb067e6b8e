"""What billing can be asked about money that comes in: cards, the bank's lines, credit, funding, receivables."""

from services.billing.adapters import (
    bank_queries,
    card_queries,
    commission_debt_repository,
    credit_queries,
    funding_queries,
    queries,
)
from services.billing.adapters.bank_xml import read_camt
from services.billing.entrypoints.given import (
    CREDIT_TERMS,
    DOWNLOADS,
    OWN_ACCOUNT,
    STATEMENT,
    given,
    instructions,
    notices,
    store,
    webhooks,
)
from services.billing.use_cases import (
    bank_csv,
    bank_line,
    bank_statement,
    channel_notice,
    chargeback,
    chargeback_file,
    checkout,
    credit,
    customer_credit,
    direct_payment,
    funding,
    payer_agreement,
    receivable,
    stripe_event,
)
from services.shared.chassis.entrypoints import command, query
from services.shared.messages.billing.bank_csv import DeclareBankCsvMap, ListBankCsvMaps, PreviewBankCsv
from services.shared.messages.billing.bank_line import (
    ConfirmBankLine,
    GetBankLine,
    ListSuspense,
    ResolveBankLine,
    UndoBankLine,
)
from services.shared.messages.billing.bank_statement import ImportBankFile, ImportBankStatement, ListBankLines
from services.shared.messages.billing.chargeback import (
    DeclareChargebackFile,
    GetChargeback,
    GetChargebackFile,
    ListChargebacks,
    SubmitChargebackEvidence,
    SubmitChargebackFile,
)
from services.shared.messages.billing.checkout import GetCheckout, OpenCheckout
from services.shared.messages.billing.commission_debt import ListCommissionDebts
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
from services.shared.messages.billing.payer_agreement import (
    ConfirmPayerAgreement,
    EndPayerAgreement,
    ListPayerAgreements,
    RecordPayerAgreement,
    RefusePayerAgreement,
)
from services.shared.messages.billing.payment import GetPayment, ListPayments, RecordStripeEvent
from services.shared.messages.billing.receivable import (
    ApproveWriteOff,
    GetAgeing,
    GetReceivable,
    GetStatementOfAccount,
    ListReceivables,
    PayReceivable,
    ProposeWriteOff,
)
from services.shared.messages.billing.split_order import RecordChannelNotice


class MoneyIn:
    record_stripe_event = command(
        RecordStripeEvent, given(stripe_event.record_stripe_event, verify=lambda own: webhooks(own).verify)
    )
    record_channel_notice = command(
        RecordChannelNotice, given(channel_notice.record_channel_notice, verify=lambda own: notices(own).verify)
    )
    submit_chargeback_evidence = command(SubmitChargebackEvidence, chargeback.submit_evidence)
    declare_chargeback_file = command(
        DeclareChargebackFile, given(chargeback_file.declare_chargeback_file, upload_url=lambda _: store().upload_url)
    )
    submit_chargeback_file = command(SubmitChargebackFile, chargeback_file.submit_chargeback_file)
    get_chargeback_file = query(GetChargebackFile, given(card_queries.get_chargeback_file, **DOWNLOADS))
    get_chargeback = query(GetChargeback, card_queries.get_chargeback)
    list_chargebacks = query(ListChargebacks, card_queries.list_chargebacks)

    open_checkout = command(OpenCheckout, given(checkout.open_checkout, portal=lambda own: own.public_url))
    get_checkout = query(GetCheckout, card_queries.get_checkout)
    get_payment = query(GetPayment, queries.get_payment)
    list_payments = query(ListPayments, queries.list_payments)

    list_commission_debts = query(ListCommissionDebts, commission_debt_repository.list_commission_debts)

    propose_credit_line = command(ProposeCreditLine, given(credit.propose_credit_line, **CREDIT_TERMS))
    approve_credit_line = command(ApproveCreditLine, given(credit.approve_credit_line, **CREDIT_TERMS))
    suspend_credit_line = command(SuspendCreditLine, given(credit.suspend_credit_line, **CREDIT_TERMS))
    get_credit_line = query(GetCreditLine, given(credit_queries.get_credit_line, **CREDIT_TERMS))
    list_credit_lines = query(ListCreditLines, given(credit_queries.list_credit_lines, **CREDIT_TERMS))

    name_project = command(NameProject, given(funding.name_project, agreements=lambda own: own.funding_agreements()))
    ask_funding_again = command(AskFundingAgain, funding.ask_funding_again)
    get_order_funding = query(GetOrderFunding, funding_queries.get_order_funding)
    list_funding = query(ListFunding, funding_queries.list_funding)

    pay_receivable = command(PayReceivable, given(receivable.pay_receivable, instructions=instructions))
    propose_write_off = command(ProposeWriteOff, receivable.propose_write_off)
    approve_write_off = command(ApproveWriteOff, receivable.approve_write_off)
    get_receivable = query(GetReceivable, credit_queries.get_receivable)
    list_receivables = query(ListReceivables, credit_queries.list_receivables)
    get_statement_of_account = query(GetStatementOfAccount, credit_queries.get_statement_of_account)
    get_ageing = query(GetAgeing, credit_queries.get_ageing)

    import_bank_statement = command(ImportBankStatement, given(bank_statement.import_bank_statement, **STATEMENT))
    import_bank_file = command(
        ImportBankFile,
        given(bank_statement.import_bank_file, read=lambda _: read_camt, **STATEMENT),
    )
    list_bank_lines = query(ListBankLines, queries.list_bank_lines)
    get_bank_line = query(GetBankLine, bank_queries.get_bank_line)
    list_suspense = query(ListSuspense, bank_queries.list_suspense)
    resolve_bank_line = command(
        ResolveBankLine, given(bank_line.resolve_bank_line, alone_max=lambda own: own.resolve_alone_max)
    )
    confirm_bank_line = command(ConfirmBankLine, bank_line.confirm_bank_line)
    undo_bank_line = command(UndoBankLine, bank_line.undo_bank_line)
    confirm_direct_payment = command(ConfirmDirectPayment, direct_payment.confirm_direct_payment)
    confirm_direct_refund = command(ConfirmDirectRefund, direct_payment.confirm_direct_refund)
    record_payer_agreement = command(RecordPayerAgreement, payer_agreement.record_payer_agreement)
    confirm_payer_agreement = command(ConfirmPayerAgreement, payer_agreement.confirm_payer_agreement)
    refuse_payer_agreement = command(RefusePayerAgreement, payer_agreement.refuse_payer_agreement)
    end_payer_agreement = command(EndPayerAgreement, payer_agreement.end_payer_agreement)
    list_payer_agreements = query(ListPayerAgreements, bank_queries.list_payer_agreements)
    list_customer_credit = query(ListCustomerCredit, bank_queries.list_customer_credit)
    apply_customer_credit = command(ApplyCustomerCredit, customer_credit.apply_customer_credit)
    declare_bank_csv_map = command(DeclareBankCsvMap, given(bank_csv.declare_bank_csv_map, **OWN_ACCOUNT))
    list_bank_csv_maps = query(ListBankCsvMaps, queries.list_bank_csv_maps)
    preview_bank_csv = query(PreviewBankCsv, given(bank_csv.preview_bank_csv, **OWN_ACCOUNT))
