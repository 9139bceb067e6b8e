"""Claims on real PostgreSQL: evidence, two reviewers, automatic approval, findings, the pack."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import pytest

from services.billing.adapters.claim_queries import get_claim, get_claim_pack, list_claims
from services.billing.config import settings
from services.billing.domain.claim import (
    AuthorityDecides,
    ClaimBlocked,
    ClaimTooLate,
    EvidenceMissing,
    NotAccepted,
    NothingToClaim,
    SameHands,
)
from services.billing.domain.programme import NotAnAuthority
from services.billing.domain.voucher import OrderAlreadyClaimed, VoucherAlreadyOnOrder
from services.billing.use_cases.claim import pack_kept, record_claim_paid, resubmit_claim, submit_claim
from services.billing.use_cases.programme import AuthorityUnknown
from services.billing.use_cases.related_party import declare_relation
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.claim import (
    GetClaim,
    GetClaimPack,
    ListClaims,
    RecordClaimPaid,
    ResubmitClaim,
    SubmitClaim,
)
from services.shared.messages.billing.related_party import DeclareRelation
from tests.integration.billing.claim_books import (
    CUSTOMER_FINANCE,
    SHA,
    THIRD_FINANCE,
    approved,
    bank,
    bill,
    done,
    papers,
    review,
    state_of,
    submit,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.voucher_books import (
    AUTHORITY,
    OTHER_AUTHORITY,
    OTHER_ORDER_ID,
    a_programme,
    a_voucher,
    accept,
    entries,
    pay,
    place,
    refusal,
    reserve,
    sign,
)
from tests.integration.documents.reading import pdfa_violations, text_of
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    DISPUTE_OPERATOR,
    FINANCE,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    an_actor,
    an_organisation,
    cny,
)
from tests.kit.fakes_voucher import some_rules


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


def test_what_the_company_claims_is_read_by_its_finance(books: Billing) -> None:
    """And by the authority; by nobody else who works for the company, nor by the parties of the order."""
    claim = submit(books, done(books))
    get = GetClaim(claim_id=claim.claim_id)
    for reader in (FINANCE, AUTHORITY):
        assert books.run(get_claim, get, reader) == claim
    pack = partial(get_claim_pack, download_url=lambda key, _name: key)
    for stranger in (DISPUTE_OPERATOR, CUSTOMER_FINANCE, PROVIDER_FINANCE):
        with pytest.raises((NotFound, NotAllowed)):
            books.run(get_claim, get, stranger)
        with pytest.raises((NotFound, NotAllowed)):
            books.run(pack, GetClaimPack(claim_id=claim.claim_id), stranger)


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
        cover = packed.read("cover.pdf")
    said = text_of(cover)
    for each in (claim.number, "创新券Innovationvouchers", "20,000.00", "贰万元整", "PG-2026-", SHA[:32],
                 sha256(manifest).hexdigest()[32:], "通过passed"):  # fmt: skip
        assert each in said
    assert pdfa_violations(cover) == []
    assert json.loads(manifest)["number"] == claim.number

    def link(query: GetClaimPack, *, actor: Actor, uow: Any, now: Any) -> Any:
        return get_claim_pack(query, actor=actor, uow=uow, now=now, download_url=lambda key, name: f"/{key}#{name}")

    query = GetClaimPack(claim_id=claim.claim_id)
    for actor in (FINANCE, AUTHORITY):
        assert books.run(link, query, actor).url == f"/{key}#{claim.number}.zip"
    for actor in (OTHER_AUTHORITY, CUSTOMER_FINANCE, PROVIDER_FINANCE):
        with pytest.raises(NotFound):
            books.run(link, query, actor)


@pytest.mark.parametrize(("whose", "refused"), [("either", ()), ("second", ("second",)), ("both", ("first", "second"))])
def test_reviews_that_are_the_authoritys(books: Billing, whose: Any, refused: tuple[str, ...]) -> None:
    """As the programme says: the company's finance decides none of them, whichever way it would."""
    claim = submit(books, done(books, authority_reviews=whose))
    second_of_authority = an_actor(AUTHORITY.organisation_id, "authority")
    for level, own, decider in (("first", OTHER_FINANCE, AUTHORITY), ("second", THIRD_FINANCE, second_of_authority)):
        if level in refused:
            for decision in ("approve", "send_back", "reject"):
                with pytest.raises(AuthorityDecides):
                    review(books, claim, own, decision, "理由")
            review(books, claim, decider)
        else:
            review(books, claim, own)
    assert books.run(get_claim, GetClaim(claim_id=claim.claim_id)).state == "approved"


def test_who_pays_a_programme_is_a_verified_authority(books: Billing) -> None:
    """Neither a customer, nor one that nobody has verified."""
    with pytest.raises(NotAnAuthority):
        a_programme(books, authority_id=CUSTOMER_ID)
    books.within(lambda uow: uow.organisations.put(an_organisation(AUTHORITY.organisation_id, verified=False)))
    with pytest.raises(NotAnAuthority):
        a_programme(books)
    with pytest.raises(AuthorityUnknown):
        a_programme(books, authority_id=derived_id("nobody"))


def test_an_earlier_pack_comes_late(books: Billing) -> None:
    """It says what was submitted before it was sent back: it is nobody's any more."""
    claim = submit(books, done(books))
    review(books, claim, OTHER_FINANCE, "send_back", "缺盖章")
    later = NOW + timedelta(hours=1)
    books.run(resubmit_claim, ResubmitClaim(claim_id=claim.claim_id), THIRD_FINANCE, later)
    books.within(lambda uow: pack_kept(claim.claim_id, NOW, ("old", SHA, 1), uow=uow))
    assert books.rows("SELECT pack_key FROM claim") == [(None,)]
    books.within(lambda uow: pack_kept(claim.claim_id, later, ("new", SHA, 1), uow=uow))
    assert books.rows("SELECT pack_key FROM claim") == [("new",)]


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
