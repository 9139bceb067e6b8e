"""The repositories of one transaction of billing."""

from functools import cached_property

from services.billing.adapters.adjustment_repository import SqlAdjustments
from services.billing.adapters.bank_repositories import SqlBankLines, SqlCsvMaps, SqlPayers
from services.billing.adapters.card_repositories import SqlChargebacks, SqlCheckouts, SqlStripeEvents, SqlStripePayouts
from services.billing.adapters.channel_repositories import SqlChannelOrders, SqlDirectMovements, SqlSplitOrders
from services.billing.adapters.claim_repositories import SqlClaims, SqlEvidence
from services.billing.adapters.commission_debt_repository import SqlCommissionDebts
from services.billing.adapters.commission_plan_repository import SqlPlans
from services.billing.adapters.credit_payback_repository import SqlCreditPaybacks
from services.billing.adapters.credit_repositories import SqlCredit, SqlReceivables
from services.billing.adapters.funding_repository import SqlFundings
from services.billing.adapters.income_allocation_repository import SqlIncomeAllocations
from services.billing.adapters.input_vat_repository import SqlInputVats
from services.billing.adapters.invoice_repository import SqlInvoiceCopies
from services.billing.adapters.ledger import SqlLedger
from services.billing.adapters.ledger_chain import SqlLedgerChain
from services.billing.adapters.payout_repositories import SqlBankOrders, SqlPayoutChannels, SqlPayouts
from services.billing.adapters.period_repository import SqlPeriods
from services.billing.adapters.reconciliation_repository import SqlReconciliations
from services.billing.adapters.refund_repositories import SqlRefunds
from services.billing.adapters.related_party_repository import SqlRelations
from services.billing.adapters.repositories import (
    SqlOrders,
    SqlOrganisations,
    SqlPayments,
    SqlReferrals,
)
from services.billing.adapters.settlement_repositories import SqlAccruals, SqlClawbacks, SqlSettlements
from services.billing.adapters.small_enterprise_repository import SqlSmallEnterprises
from services.billing.adapters.subsidy_repositories import SqlSubsidies
from services.billing.adapters.voucher_repositories import (
    SqlOfferings,
    SqlPlacedOrders,
    SqlProgrammes,
    SqlVouchers,
)
from services.shared.chassis.unit_of_work import UnitOfWork


class BillingUnitOfWork(UnitOfWork):
    @property
    def caused_by(self) -> str:
        cause = self.cause
        if cause.origin:
            return f"event {cause.origin} {cause.causation_id}"
        return f"{cause.causation_id} {cause.actor}".rstrip()

    @cached_property
    def organisations(self) -> SqlOrganisations:
        return SqlOrganisations(self.connection)

    @cached_property
    def orders(self) -> SqlOrders:
        return SqlOrders(self.connection)

    @cached_property
    def accruals(self) -> SqlAccruals:
        return SqlAccruals(self.connection)

    @cached_property
    def commission_debts(self) -> SqlCommissionDebts:
        return SqlCommissionDebts(self.connection)

    @cached_property
    def clawbacks(self) -> SqlClawbacks:
        return SqlClawbacks(self.connection)

    @cached_property
    def plans(self) -> SqlPlans:
        return SqlPlans(self.connection)

    @cached_property
    def referrals(self) -> SqlReferrals:
        return SqlReferrals(self.connection)

    @cached_property
    def placed_orders(self) -> SqlPlacedOrders:
        return SqlPlacedOrders(self.connection)

    @cached_property
    def offerings(self) -> SqlOfferings:
        return SqlOfferings(self.connection)

    @cached_property
    def relations(self) -> SqlRelations:
        return SqlRelations(self.connection)

    @cached_property
    def programmes(self) -> SqlProgrammes:
        return SqlProgrammes(self.connection)

    @cached_property
    def vouchers(self) -> SqlVouchers:
        return SqlVouchers(self.connection)

    @cached_property
    def claims(self) -> SqlClaims:
        return SqlClaims(self.connection)

    @cached_property
    def subsidies(self) -> SqlSubsidies:
        return SqlSubsidies(self.connection)

    @cached_property
    def evidence(self) -> SqlEvidence:
        return SqlEvidence(self.connection)

    @cached_property
    def payments(self) -> SqlPayments:
        return SqlPayments(self.connection)

    @cached_property
    def credit(self) -> SqlCredit:
        return SqlCredit(self.connection)

    @cached_property
    def fundings(self) -> SqlFundings:
        return SqlFundings(self.connection)

    @cached_property
    def receivables(self) -> SqlReceivables:
        return SqlReceivables(self.connection)

    @cached_property
    def credit_paybacks(self) -> SqlCreditPaybacks:
        return SqlCreditPaybacks(self.connection)

    @cached_property
    def refunds(self) -> SqlRefunds:
        return SqlRefunds(self.connection)

    @cached_property
    def invoices(self) -> SqlInvoiceCopies:
        return SqlInvoiceCopies(self.connection)

    @cached_property
    def checkouts(self) -> SqlCheckouts:
        return SqlCheckouts(self.connection)

    @cached_property
    def chargebacks(self) -> SqlChargebacks:
        return SqlChargebacks(self.connection)

    @cached_property
    def channel_orders(self) -> SqlChannelOrders:
        return SqlChannelOrders(self.connection)

    @cached_property
    def direct_movements(self) -> SqlDirectMovements:
        return SqlDirectMovements(self.connection)

    @cached_property
    def split_orders(self) -> SqlSplitOrders:
        return SqlSplitOrders(self.connection)

    @cached_property
    def stripe_events(self) -> SqlStripeEvents:
        return SqlStripeEvents(self.connection)

    @cached_property
    def stripe_payouts(self) -> SqlStripePayouts:
        return SqlStripePayouts(self.connection)

    @cached_property
    def bank_lines(self) -> SqlBankLines:
        return SqlBankLines(self.connection)

    @cached_property
    def payers(self) -> SqlPayers:
        return SqlPayers(self.connection)

    @cached_property
    def csv_maps(self) -> SqlCsvMaps:
        return SqlCsvMaps(self.connection)

    @cached_property
    def settlements(self) -> SqlSettlements:
        return SqlSettlements(self.connection)

    @cached_property
    def income_allocations(self) -> SqlIncomeAllocations:
        return SqlIncomeAllocations(self.connection)

    @cached_property
    def small_enterprises(self) -> SqlSmallEnterprises:
        return SqlSmallEnterprises(self.connection)

    @cached_property
    def payouts(self) -> SqlPayouts:
        return SqlPayouts(self.connection)

    @cached_property
    def payout_channels(self) -> SqlPayoutChannels:
        return SqlPayoutChannels(self.connection)

    @cached_property
    def bank_orders(self) -> SqlBankOrders:
        return SqlBankOrders(self.connection)

    @cached_property
    def adjustments(self) -> SqlAdjustments:
        return SqlAdjustments(self.connection)

    @cached_property
    def periods(self) -> SqlPeriods:
        return SqlPeriods(self.connection)

    @cached_property
    def input_vat(self) -> SqlInputVats:
        return SqlInputVats(self.connection)

    @cached_property
    def reconciliations(self) -> SqlReconciliations:
        return SqlReconciliations(self.connection)

    @cached_property
    def ledger_chain(self) -> SqlLedgerChain:
        return SqlLedgerChain(self.connection)

    @cached_property
    def ledger(self) -> SqlLedger:
        return SqlLedger(self.connection)
