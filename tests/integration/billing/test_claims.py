"""Claims on real PostgreSQL: evidence, two reviewers, automatic approval, money from the bank, rejection, lapse."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters.claim_queries import get_claim, get_claim_pack, list_claims
from services.billing.config import settings
from services.billing.domain.claim import (
    ClaimBlocked,
    ClaimTooLate,
    EvidenceMissing,
    NotAccepted,
    NothingToClaim,
    ReasonRequired,
    SameHands,
)
from services.billing.domain.voucher import OrderAlreadyClaimed, VoucherAlreadyOnOrder
from services.billing.use_cases import evidence
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.claim import record_claim_paid, resubmit_claim, review_claim, submit_claim
from services.billing.use_cases.related_party import declare_relation
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.bank_statement import ImportBankStatement
from services.shared.messages.billing.claim import (
    ClaimView,
    GetClaim,
    GetClaimPack,
    ListClaims,
    RecordClaimPaid,
    ResubmitClaim,
    ReviewClaim,
    SubmitClaim,
)
from services.shared.messages.billing.related_party import DeclareRelation
from services.shared.messages.billing.voucher import VoucherView
from services.shared.messages.invoicing.invoice import InvoiceIssued
from services.shared.messages.orders.contract import ContractSigned, Signature
from services.shared.messages.orders.report import ReportIssued
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import refunded
from tests.integration.billing.voucher_books import (
    AUTHORITY,
    OTHER_AUTHORITY,
    OTHER_ORDER_ID,
    a_programme,
    a_voucher,
    accept,
    counts,
    entries,
    pay,
    place,
    refusal,
    reserve,
    sign,
)
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    PROVIDER_FINANCE,
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
    return books.run(review_claim, ReviewClaim(claim_id=claim.claim_id, decision=decision, reason=reason), actor)


def approved(books: Billing, claim: ClaimView) -> ClaimView:
    review(books, claim, OTHER_FINANCE)
    return review(books, claim, AUTHORITY)


def state_of(books: Billing) -> str:
    ((state,),) = books.rows("SELECT state FROM voucher_use")
    return str(state)


def test_a_claim_of_the_company(books: Billing) -> None:
    """Evidence by reference and hash, two reviewers besides who submitted, the authority's transfer by its number."""
    voucher = done(books)
    claim = submit(books, voucher)
    assert (claim.amount, claim.state) == (cny(2_000_000), "submitted")
    assert {(each.kind, each.sha256) for each in claim.evidence} == {
        ("contract", "cd" * 32), ("report", SHA), ("invoice", "ef" * 32), ("receipt", ""), ("acceptance", ""),
    }  # fmt: skip
    assert {result.outcome for result in claim.results} == {"passed"}
    with pytest.raises(SameHands):
        review(books, claim, FINANCE)
    assert review(books, claim, OTHER_FINANCE).state == "first_reviewed"
    with pytest.raises(SameHands):
        review(books, claim, OTHER_FINANCE)
    assert review(books, claim, AUTHORITY).state == "approved"
    bank(books, ("B1", "in", "20000.00", f"创新券兑付 {claim.number}"))
    receivable = f"A:ar:voucher_programme:{voucher.programme_id}"
    assert entries(books, f"bank:{OWN_ACCOUNT}:B1") == [("D", "A:bank:main", 2_000_000), ("C", receivable, 2_000_000)]
    seen = books.run(get_claim, GetClaim(claim_id=claim.claim_id))
    assert (seen.state, seen.paid, state_of(books)) == ("paid", cny(2_000_000), "redeemed")
    assert books.balance(receivable) == 0
    assert books.violations() == ()


def bank(books: Billing, *lines: tuple[str, str, str, str]) -> None:
    take = partial(import_bank_statement, own_account=OWN_ACCOUNT)
    books.run(take, ImportBankStatement(account=OWN_ACCOUNT, csv=statement(*lines)))


def test_money_that_is_not_the_claims(books: Billing) -> None:
    """Another amount, a claim that is not approved, two claims on one line, the same line again: nothing by itself."""
    claim = submit(books, done(books))
    bank(books, ("B1", "in", "20000.00", claim.number))
    approved(books, claim)
    bank(books, ("B2", "in", "19999.99", claim.number), ("B3", "in", "20000.00", f"{claim.number} VC-2026-000999 "))
    assert books.rows("SELECT serial_number, state FROM bank_line ORDER BY 1") == [
        ("B1", "suspense"), ("B2", "suspense"), ("B3", "matched"),
    ]  # fmt: skip
    bank(books, ("B3", "in", "20000.00", f"{claim.number} VC-2026-000999 "), ("B4", "in", "20000.00", claim.number))
    assert books.rows("SELECT state FROM bank_line WHERE serial_number = 'B4'") == [("suspense",)]
    assert books.violations() == ()


def test_a_fund_by_its_programmes_number(books: Billing) -> None:
    """An authority's transfer that names the programme fills its fund, once."""
    programme = a_programme(books, rules=some_rules(redeem_to="prefunded"))
    for _ in range(2):
        bank(books, ("B1", "in", "20000.00", f"预拨 {programme.number}"))
    assert books.balance(f"L:voucher_fund:{programme.programme_id}") == 2_000_000
    assert books.rows("SELECT funded FROM programme") == [(2_000_000,)]
    assert books.violations() == ()


def test_tv09(books: Billing) -> None:
    """Rejected after settlement: the customer owes it from now on, by a day; what was promised is free again."""
    voucher = done(books)
    claim = approved(books, submit(books, voucher))
    with pytest.raises(ReasonRequired):
        review(books, claim, AUTHORITY, "reject")
    seen = review(books, claim, AUTHORITY, "reject", "超出支持范围")
    assert (seen.state, seen.due_on) == ("rejected", (NOW + timedelta(days=30)).date())
    assert entries(books, "voucher:%:rejected") == [
        ("D", f"A:ar:customer:{CUSTOMER_ID}", 2_000_000),
        ("C", f"A:ar:voucher_programme:{voucher.programme_id}", 2_000_000),
    ]
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    assert books.told.count("claim.rejected.v1") == 1
    with pytest.raises(WrongState):
        review(books, claim, AUTHORITY, "reject", "again")
    assert books.violations() == ()


@pytest.mark.parametrize(
    ("payer", "account"), [("company", "E:voucher_loss"), ("provider", f"A:ar:provider:{PROVIDER_ID}")]
)
def test_who_else_bears_it(books: Billing, payer: str, account: str) -> None:
    """As frozen with the reservation; a provider's part is netted with its next statement."""
    voucher = done(books, shortfall_payer=payer)
    review(books, submit(books, voucher), OTHER_FINANCE, "reject", "超出支持范围")
    assert books.balance(account) == -2_000_000
    assert books.balance(f"A:ar:voucher_programme:{voucher.programme_id}") == 0
    assert books.violations() == ()


def test_sent_back_and_mended(books: Billing) -> None:
    """With a reason; the claimant submits it anew and both reviewers look again."""
    claim = submit(books, done(books))
    review(books, claim, OTHER_FINANCE)
    back = review(books, claim, AUTHORITY, "send_back", "缺盖章")
    assert (back.state, back.reason) == ("sent_back", "缺盖章")
    with pytest.raises(WrongState):
        review(books, claim, OTHER_FINANCE)
    with pytest.raises(NotFound):
        books.run(resubmit_claim, ResubmitClaim(claim_id=claim.claim_id), CUSTOMER_FINANCE)
    assert books.run(resubmit_claim, ResubmitClaim(claim_id=claim.claim_id), THIRD_FINANCE).state == "submitted"
    with pytest.raises(SameHands):
        review(books, claim, THIRD_FINANCE)
    assert approved(books, claim).state == "approved"


def test_who_claims(books: Billing) -> None:
    """Whom the programme pays: the customer for itself, the provider for itself; nobody for a pre-funded one."""
    voucher = done(books, redeem_to="customer")
    with pytest.raises(NotAllowed):
        submit(books, voucher)
    with pytest.raises(NotFound):
        submit(books, voucher, an_actor(derived_id("stranger"), "customer_finance"))
    claim = submit(books, voucher, CUSTOMER_FINANCE)
    assert claim.claimant_id == CUSTOMER_ID
    approved(books, claim)
    paid = RecordClaimPaid(claim_id=claim.claim_id, reference="财政 2026-77")
    with pytest.raises(NotFound):
        books.run(record_claim_paid, paid, CUSTOMER_FINANCE)
    assert books.run(record_claim_paid, paid, AUTHORITY).state == "paid"
    assert entries(books, "voucher:%") == []
    provider = done(books, OTHER_ORDER_ID, "11" * 32, redeem_to="provider", shortfall_payer="provider")
    assert submit(books, provider, PROVIDER_FINANCE, OTHER_ORDER_ID).claimant_id == PROVIDER_ID
    assert books.violations() == ()


def test_what_cannot_be_claimed(books: Billing) -> None:
    """Before acceptance, without its papers, too late, twice, by another voucher, the company's by hand."""
    voucher = a_voucher(books, a_programme(books))
    other = a_voucher(books, a_programme(books, "ah-2026"))
    place(books)
    reserve(books, voucher)
    sign(books)
    pay(books)
    with pytest.raises(NotAccepted):
        submit(books, voucher)
    with pytest.raises(VoucherAlreadyOnOrder):
        submit(books, other)
    accept(books)
    with pytest.raises(EvidenceMissing) as absent:
        submit(books, voucher)
    assert absent.value.facts["missing"] == ["contract", "report", "invoice"]
    papers(books)
    command = SubmitClaim(voucher_id=voucher.voucher_id, order_id=ORDER_ID)
    with pytest.raises(ClaimTooLate):
        books.run(submit_claim, command, FINANCE, NOW + timedelta(days=180))
    claim = books.run(submit_claim, command, FINANCE, NOW + timedelta(days=179))
    with pytest.raises(WrongState):
        submit(books, voucher)
    with pytest.raises(OrderAlreadyClaimed):
        submit(books, other)
    approved(books, claim)
    with pytest.raises(NothingToClaim):
        books.run(record_claim_paid, RecordClaimPaid(claim_id=claim.claim_id, reference="x"), AUTHORITY)


def test_twenty_claims_at_once(books: Billing) -> None:
    """One is made."""
    voucher = done(books)
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda _: refusal(lambda: submit(books, voucher)), range(20)))
    assert sorted(said) == [""] + ["wrong_state"] * 19
    assert books.rows("SELECT count(*) FROM claim") == [(1,)]


def test_twenty_reviewers_at_once(books: Billing) -> None:
    """Ten approve, ten reject: two approve or one rejects first, and the books hold either way."""
    claim = submit(books, done(books))
    reviewers = [an_actor(FINANCE.organisation_id, "finance_operator", operator=True) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        list(
            pool.map(
                lambda pair: refusal(
                    lambda: review(books, claim, pair[1], "reject" if pair[0] % 2 else "approve", "reason")
                ),
                enumerate(reviewers),
            )
        )
    seen = books.run(get_claim, GetClaim(claim_id=claim.claim_id))
    assert seen.state == "rejected"
    assert len(entries(books, "voucher:%:rejected")) == 2
    assert books.violations() == ()


@pytest.mark.parametrize("last", ["invoice", "acceptance"])
def test_without_any_person(books: Billing, last: str) -> None:
    """Where the programme says so it is claimed and approved with the last paper, whichever comes last; once."""
    voucher = a_voucher(books, a_programme(books, rules=some_rules(automatic=True)))
    place(books)
    reserve(books, voucher)
    sign(books)
    pay(books)
    papers(books, invoice=False)
    for step in (bill, accept) if last == "acceptance" else (accept, bill):
        step(books)
    bill(books)
    (claim,) = books.run(list_claims, ListClaims()).items
    assert (claim.state, claim.automatic) == ("approved", True)
    assert [(each.rule, each.outcome) for each in claim.results] == [
        (rule, "passed") for rule in
        ("claim_deadline", "evidence", "amount", "customer_has_paid", "reports_have_hashes", "no_findings")
    ]  # fmt: skip
    assert books.violations() == ()


def test_a_finding_wants_a_person(books: Billing) -> None:
    """Declared control since the reservation, and a report that another claimed order has: reviewed by people."""
    done_once = done(books, OTHER_ORDER_ID)
    submit(books, done_once, order_id=OTHER_ORDER_ID)
    declared = DeclareRelation(owner_id=CUSTOMER_ID, owned_id=PROVIDER_ID, kind="control")
    with pytest.raises(NotFound):
        books.run(declare_relation, declared, an_actor(derived_id("stranger"), "approver"))
    for _ in range(2):
        books.run(declare_relation, declared, an_actor(CUSTOMER_ID, "approver"))
    done(books, automatic=True)
    claim = next(each for each in books.run(list_claims, ListClaims()).items if each.order_id == ORDER_ID)
    assert {each.kind for each in claim.findings} == {"declared_control", "repeated_report"}
    assert (claim.state, claim.automatic) == ("submitted", False)
    assert approved(books, claim).state == "approved"


def test_a_finding_stops_it(books: Billing) -> None:
    """As the programme says."""
    submit(books, done(books, OTHER_ORDER_ID), order_id=OTHER_ORDER_ID)
    voucher = done(books, checks=(("repeated_report", "block"),))
    with pytest.raises(ClaimBlocked) as stopped:
        submit(books, voucher)
    assert stopped.value.facts["findings"] == ["repeated_report"]


def test_nobody_claimed_in_time(books: Billing) -> None:
    """The company bears its own delay, once; what is claimed does not lapse."""
    late, claimed = done(books), done(books, OTHER_ORDER_ID, "11" * 32)
    submit(books, claimed, order_id=OTHER_ORDER_ID)
    books.run_timers(NOW + timedelta(days=179))
    assert books.balance("E:voucher_loss") == 0
    for _ in range(2):
        books.run_timers(NOW + timedelta(days=181))
    assert books.balance("E:voucher_loss") == -2_000_000
    assert books.balance(f"A:ar:voucher_programme:{late.programme_id}") == 0
    assert books.balance(f"A:ar:voucher_programme:{claimed.programme_id}") == -2_000_000
    assert books.violations() == ()


def test_refunded_after_the_claim_was_paid(books: Billing) -> None:
    """V - V' is held to be given back to the programme."""
    voucher = done(books)
    claim = approved(books, submit(books, voucher))
    bank(books, ("B1", "in", "20000.00", claim.number))
    refunded(books, 2_000_000)
    assert books.balance(f"L:voucher_clawback:{voucher.programme_id}") == 200_000
    assert books.balance(f"A:ar:voucher_programme:{voucher.programme_id}") == 0
    assert books.violations() == ()


def test_refunded_before_the_claim_is_paid(books: Billing) -> None:
    """Whether the authority pays V or V': the books say what is owed back."""
    for order_id, paid, report in ((ORDER_ID, "20000.00", SHA), (OTHER_ORDER_ID, "18000.00", "11" * 32)):
        voucher = done(books, order_id, report)
        claim = approved(books, submit(books, voucher, order_id=order_id))
        refunded(books, 2_000_000, order_id=order_id)
        bank(books, (f"B{paid[0]}", "in", paid, claim.number))
        assert books.balance(f"A:ar:voucher_programme:{voucher.programme_id}") == 0
        owed = 200_000 if paid == "20000.00" else 0
        assert books.balance(f"L:voucher_clawback:{voucher.programme_id}") == owed
    assert books.violations() == ()


def test_the_pack(books: Billing) -> None:
    """A zip with the manifest, the same whenever it is made, under its hash; for claimant, authority and finance."""
    claim = submit(books, done(books))
    books.do_outside()
    own = settings()
    store = ObjectStore(str(own.object_store_url), own.bucket, own.records_bucket)
    ((key, told, size),) = books.rows("SELECT pack_key, pack_sha256, pack_size FROM claim")
    body = store.fetch(key)
    assert (sha256(body).hexdigest(), len(body)) == (told, size)
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        manifest = packed.read("manifest.json")
        assert sha256(manifest).hexdigest() in packed.read("SHA256SUMS").decode()
        assert SHA in packed.read("checklist.csv").decode()
    assert json.loads(manifest)["number"] == claim.number

    def link(query: GetClaimPack, *, actor: Actor, uow: Any, now: Any) -> Any:
        return get_claim_pack(query, actor=actor, uow=uow, now=now, download_url=lambda key, name: f"/{key}#{name}")

    query = GetClaimPack(claim_id=claim.claim_id)
    for actor in (FINANCE, AUTHORITY):
        assert books.run(link, query, actor).url == f"/{key}#{claim.number}.zip"
    for actor in (OTHER_AUTHORITY, CUSTOMER_FINANCE, PROVIDER_FINANCE):
        with pytest.raises(NotFound):
            books.run(link, query, actor)


def test_who_reviews_and_sees(books: Billing) -> None:
    """Finance and the programme's authority; a claimant sees its own; nobody else learns of it."""
    claim = submit(books, done(books))
    for actor in (OTHER_AUTHORITY, CUSTOMER_FINANCE, PROVIDER_FINANCE):
        with pytest.raises(NotFound):
            review(books, claim, actor)
        with pytest.raises(NotFound):
            books.run(get_claim, GetClaim(claim_id=claim.claim_id), actor)
        assert books.run(list_claims, ListClaims(), actor).items == ()
    assert [each.claim_id for each in books.run(list_claims, ListClaims(), AUTHORITY).items] == [claim.claim_id]
