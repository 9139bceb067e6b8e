"""Steps of claims that their tests have in common."""

from functools import partial
from typing import Any
from uuid import UUID

from services.billing.domain.receivable import REMINDER_DAYS
from services.billing.use_cases import evidence
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.claim import review_claim, submit_claim
from services.shared.kernel.actor import Actor
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.bank_statement import ImportBankStatement
from services.shared.messages.billing.claim import (
    ClaimView,
    ReviewClaim,
    SubmitClaim,
)
from services.shared.messages.billing.voucher import VoucherView
from services.shared.messages.invoicing.invoice import InvoiceIssued
from services.shared.messages.orders.contract import ContractSigned, Signature
from services.shared.messages.orders.report import ReportIssued
from tests.integration.billing.conftest import Billing
from tests.integration.billing.voucher_books import (
    AUTHORITY,
    a_programme,
    a_voucher,
    accept,
    pay,
    place,
    reserve,
    sign,
)
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    PROVIDER_ID,
    an_actor,
    cny,
    statement,
)
from tests.kit.fakes_voucher import some_rules

THIRD_FINANCE = an_actor(FINANCE.organisation_id, "finance_operator", operator=True)
CUSTOMER_FINANCE = an_actor(CUSTOMER_ID, "customer_finance")
SHA = "ab" * 32


def papers(books: Billing, order_id: UUID = ORDER_ID, report: str = SHA, *, invoice: bool = True) -> None:
    named = {"order_id": order_id, "customer_id": CUSTOMER_ID}
    signature = Signature(paper="contract", party="customer", signatory="林玥", signed_at=NOW, sha256="cd" * 32)
    books.handle(
        evidence.contract_signed,
        ContractSigned(**named, contract_id=derived_id("contract", order_id), number="HT-1", provider_id=PROVIDER_ID,
                       signatures=(signature, signature.model_copy(update={"paper": "order_sheet"}))),
    )  # fmt: skip
    books.handle(
        evidence.report_issued,
        ReportIssued(**named, report_id=derived_id("report", order_id), number="RP-1", provider_id=PROVIDER_ID,
                     lines=(1,), sha256=report, issued_at=NOW),
    )  # fmt: skip
    if invoice:
        bill(books, order_id)


def bill(books: Billing, order_id: UUID = ORDER_ID) -> None:
    event = InvoiceIssued(
        invoice_id=derived_id("invoice", order_id), number="INV-1", order_id=order_id, order_number="OR-1",
        customer_id=CUSTOMER_ID, net=cny(8_000_000), tax=cny(480_000), gross=cny(8_480_000), tax_rate_bps=600,
        issued_at=NOW, pdf_sha256="ef" * 32, xml_sha256="01" * 32,
    )  # fmt: skip
    books.handle(evidence.invoice_issued, event)


def done(books: Billing, order_id: UUID = ORDER_ID, report: str = SHA, **rules: Any) -> VoucherView:
    """TV06's order with all its papers, accepted."""
    voucher = a_voucher(books, a_programme(books, f"p-{order_id}"[:20], rules=some_rules(**rules)))
    place(books, order_id)
    reserve(books, voucher, order_id)
    sign(books, order_id)
    pay(books, order_id)
    papers(books, order_id, report)
    accept(books, order_id)
    return voucher


def submit(books: Billing, voucher: VoucherView, actor: Actor = FINANCE, order_id: UUID = ORDER_ID) -> ClaimView:
    return books.run(submit_claim, SubmitClaim(voucher_id=voucher.voucher_id, order_id=order_id), actor)


def review(books: Billing, claim: ClaimView, actor: Actor, decision: Any = "approve", reason: str = "") -> ClaimView:
    decide = partial(review_claim, instructions=INSTRUCTIONS, reminder_days=REMINDER_DAYS)
    return books.run(decide, ReviewClaim(claim_id=claim.claim_id, decision=decision, reason=reason), actor)


def approved(books: Billing, claim: ClaimView) -> ClaimView:
    review(books, claim, OTHER_FINANCE)
    return review(books, claim, AUTHORITY)


def state_of(books: Billing) -> str:
    ((state,),) = books.rows("SELECT state FROM voucher_use")
    return str(state)


def bank(books: Billing, *lines: tuple[str, str, str, str]) -> None:
    take = partial(import_bank_statement, own_account=OWN_ACCOUNT)
    books.run(take, ImportBankStatement(account=OWN_ACCOUNT, csv=statement(*lines)))
