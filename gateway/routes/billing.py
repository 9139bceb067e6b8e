"""Payments, bank statements, ledger, commission, referrals, settlements, payouts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.schemas import billing as schemas
from gateway.schemas.base import Listed
from gateway.schemas.work import DocumentLink
from services.shared.messages.billing import (
    bank_statement,
    commission_plan,
    ledger,
    payment,
    payout,
    referral,
    settlement,
)

router = APIRouter(prefix="/v1", tags=["billing"])


def _payment(caller: Caller, view: payment.PaymentView) -> schemas.CustomerPayment | schemas.OperatorPayment:
    own = caller.actor.organisation_id == view.customer_id
    return schemas.CustomerPayment.of(view) if own else schemas.OperatorPayment.of(view)


@router.get("/payments", response_model=schemas.PaymentPage)
def list_payments(caller: Signed, listed: Annotated[schemas.PaymentsListed, Query()]) -> Response:
    page = caller.ask(payment.ListPayments(**dict(listed)), payment.PaymentPage)
    items = tuple(_payment(caller, view) for view in page.items)
    return ok(schemas.PaymentPage(items=items, next_cursor=page.next_cursor))


@router.get("/payments/{payment_id}", response_model=schemas.CustomerPayment | schemas.OperatorPayment)
def get_payment(caller: Signed, payment_id: UUID) -> Response:
    return ok(_payment(caller, caller.ask(payment.GetPayment(payment_id=payment_id), payment.PaymentView)))


@router.post("/bank-statements", status_code=problems.CREATED, response_model=schemas.BankStatement)
def import_bank_statement(
    caller: Signed, body: Annotated[schemas.BankStatementToImport, Depends(JsonBody(schemas.BankStatementToImport))]
) -> Response:
    """Read a statement as CSV; lines that were read before are recognised."""
    view = caller.ask(bank_statement.ImportBankStatement(**dict(body)), bank_statement.BankStatementView)
    return created(schemas.BankStatement.of(view), "/v1/bank-statements")


@router.post("/bank-statements/files", status_code=problems.CREATED, response_model=schemas.BankStatement)
def import_bank_file(
    caller: Signed, body: Annotated[schemas.BankFileToImport, Depends(JsonBody(schemas.BankFileToImport))]
) -> Response:
    """Read a camt.053 file of the bank; lines that were read before are recognised."""
    view = caller.ask(bank_statement.ImportBankFile(**dict(body)), bank_statement.BankStatementView)
    return created(schemas.BankStatement.of(view), "/v1/bank-statements")


@router.get("/bank-statements", response_model=schemas.BankLinePage)
def list_bank_lines(caller: Signed, listed: Annotated[schemas.BankLinesListed, Query()]) -> Response:
    """The lines of all statements, newest first."""
    asked = bank_statement.ListBankLines(**dict(listed))
    return ok(schemas.BankLinePage.of(caller.ask(asked, bank_statement.BankLinePage)))


@router.get("/ledger/balances", response_model=schemas.BalancePage)
def list_balances(
    caller: Signed, prefix: Annotated[str, Query(max_length=200, description="of the accounts' names")] = ""
) -> Response:
    """The trial balance."""
    return ok(schemas.BalancePage.of(caller.ask(ledger.ListBalances(prefix=prefix), ledger.BalancePage)))


@router.get("/ledger/transactions", response_model=schemas.LedgerTransactionPage)
def list_ledger_transactions(caller: Signed, listed: Annotated[schemas.TransactionsListed, Query()]) -> Response:
    asked = ledger.ListLedgerTransactions(**dict(listed))
    return ok(schemas.LedgerTransactionPage.of(caller.ask(asked, ledger.LedgerTransactionPage)))


@router.post("/ledger/invariants", response_model=schemas.Invariants)
def check_invariants(caller: Signed) -> Response:
    """Recompute the sums and check the invariants of the ledger."""
    return ok(schemas.Invariants.of(caller.ask(ledger.CheckInvariants(), ledger.InvariantsView)))


@router.get("/commission-plans", response_model=schemas.CommissionPlanPage)
def list_commission_plans(caller: Signed) -> Response:
    page = caller.ask(commission_plan.ListCommissionPlans(), commission_plan.CommissionPlanPage)
    return ok(schemas.CommissionPlanPage.of(page))


@router.post("/commission-plans", status_code=problems.CREATED, response_model=schemas.CommissionPlan)
def publish_commission_plan(
    caller: Signed, body: Annotated[schemas.CommissionPlanToPublish, Depends(JsonBody(schemas.CommissionPlanToPublish))]
) -> Response:
    """In force from its day on; signed contracts keep theirs."""
    view = caller.ask(commission_plan.PublishCommissionPlan(**dict(body)), commission_plan.CommissionPlanView)
    return created(schemas.CommissionPlan.of(view), "/v1/commission-plans")


@router.get("/referrals", response_model=schemas.ReferralPage)
def list_referrals(caller: Signed) -> Response:
    return ok(schemas.ReferralPage.of(caller.ask(referral.ListReferrals(), referral.ReferralPage)))


@router.post("/referrals", status_code=problems.CREATED, response_model=schemas.Referral)
def claim_referral(
    caller: Signed, body: Annotated[schemas.ReferralToClaim, Depends(JsonBody(schemas.ReferralToClaim))]
) -> Response:
    """A station says that it brought a customer."""
    view = caller.ask(referral.ClaimReferral(**dict(body)), referral.ReferralView)
    return created(schemas.Referral.of(view), "/v1/referrals")


@router.post("/referrals/{referral_id}/decide", response_model=schemas.Referral)
def decide_referral(
    caller: Signed,
    referral_id: UUID,
    body: Annotated[schemas.ReferralDecision, Depends(JsonBody(schemas.ReferralDecision))],
) -> Response:
    """The operating company confirms or refuses."""
    command = referral.DecideReferral(referral_id=referral_id, **dict(body))
    return ok(schemas.Referral.of(caller.ask(command, referral.ReferralView)))


@router.post("/settlements/close", response_model=schemas.SettlementPage)
def close_settlements(
    caller: Signed, body: Annotated[schemas.SettlementClosing, Depends(JsonBody(schemas.SettlementClosing))]
) -> Response:
    """One statement per provider and station over what was accepted and stands on none yet."""
    page = caller.ask(settlement.CloseSettlements(until=body.until), settlement.SettlementPage)
    return ok(schemas.SettlementPage.of(page))


@router.get("/settlements", response_model=schemas.SettlementPage)
def list_settlements(caller: Signed, listed: Annotated[schemas.SettlementsListed, Query()]) -> Response:
    asked = settlement.ListSettlements(**dict(listed))
    return ok(schemas.SettlementPage.of(caller.ask(asked, settlement.SettlementPage)))


@router.get("/settlements/{settlement_id}", response_model=schemas.Settlement)
def get_settlement(caller: Signed, settlement_id: UUID) -> Response:
    asked = settlement.GetSettlement(settlement_id=settlement_id)
    return ok(schemas.Settlement.of(caller.ask(asked, settlement.SettlementView)))


@router.get("/settlements/{settlement_id}/documents", response_model=DocumentLink)
def get_settlement_document(caller: Signed, settlement_id: UUID) -> Response:
    """The statement as a file."""
    asked = settlement.GetSettlementDocument(settlement_id=settlement_id)
    return ok(DocumentLink.of(caller.ask(asked, settlement.SettlementDocument)))


@router.post("/payouts", status_code=problems.CREATED, response_model=schemas.Payout)
def start_payout(
    caller: Signed, body: Annotated[schemas.PayoutToStart, Depends(JsonBody(schemas.PayoutToStart))]
) -> Response:
    """One person starts it; another one releases it."""
    view = caller.ask(payout.StartPayout(settlement_id=body.settlement_id), payout.PayoutView)
    return created(schemas.Payout.of(view), f"/v1/payouts/{view.payout_id}")


@router.post("/payouts/{payout_id}/release", response_model=schemas.Payout)
def release_payout(caller: Signed, payout_id: UUID) -> Response:
    return ok(schemas.Payout.of(caller.ask(payout.ReleasePayout(payout_id=payout_id), payout.PayoutView)))


@router.get("/payouts", response_model=schemas.PayoutPage)
def list_payouts(caller: Signed, listed: Annotated[Listed, Query()]) -> Response:
    return ok(schemas.PayoutPage.of(caller.ask(payout.ListPayouts(**dict(listed)), payout.PayoutPage)))


@router.get("/payouts/{payout_id}", response_model=schemas.Payout)
def get_payout(caller: Signed, payout_id: UUID) -> Response:
    return ok(schemas.Payout.of(caller.ask(payout.GetPayout(payout_id=payout_id), payout.PayoutView)))
