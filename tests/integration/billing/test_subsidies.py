"""Subsidies of providers on real PostgreSQL: what counts, once, reviewed by two, lowered by refunds."""

import io
import json
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters.subsidy_queries import get_subsidy, get_subsidy_pack, list_subsidies
from services.billing.config import settings
from services.billing.domain.claim import AuthorityDecides, ClaimTooLate, ReasonRequired, SameHands
from services.billing.domain.programme import RulesContradict, WrongSide
from services.billing.domain.subsidy import (
    NothingToSubsidise,
    PeriodNotOver,
    PeriodUnknown,
    SubsidyExists,
)
from services.billing.use_cases import order
from services.billing.use_cases.related_party import declare_relation
from services.billing.use_cases.subsidy import (
    pack_kept,
    record_subsidy_paid,
    resubmit_subsidy,
    review_subsidy,
    submit_subsidy,
)
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.programme import ProgrammeView
from services.shared.messages.billing.related_party import DeclareRelation
from services.shared.messages.billing.subsidy import (
    GetSubsidy,
    GetSubsidyPack,
    ListSubsidies,
    RecordSubsidyPaid,
    ResubmitSubsidy,
    ReviewSubsidy,
    SubmitSubsidy,
    SubsidyView,
)
from tests.integration.billing.claim_books import papers
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import refunded
from tests.integration.billing.voucher_books import (
    AUTHORITY,
    EIGHTY,
    OTHER_AUTHORITY,
    a_programme,
    refusal,
)
from tests.integration.documents.reading import text_of
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    NOW,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    amounts,
    an_actor,
    an_organisation,
    cny,
    order_placed,
)
from tests.kit.fakes_voucher import HEFEI_CODE, subsidy_rules

FOURTH_QUARTER = date(2026, 10, 1)
AFTER = datetime(2027, 1, 5, tzinfo=UTC)
ONE, TWO, THREE = (derived_id("subsidised", number) for number in (1, 2, 3))
OTHER_PROVIDER_FINANCE = an_actor(PROVIDER_ID, "provider_finance")
THOUSAND = amounts(100_000, 6_000)


@pytest.fixture
def done(books: Billing) -> Billing:
    """Two orders of the provider, of 80,000.00 and of 1,000.00 net, done in the fourth quarter."""
    enterprise = an_organisation(PROVIDER_ID, unified_social_credit_code=HEFEI_CODE, account_number="6217000000009999")
    books.within(lambda uow: uow.organisations.put(enterprise))
    a_done_order(books, ONE, EIGHTY)
    a_done_order(books, TWO, THOUSAND)
    return books


def a_done_order(books: Billing, order_id: UUID, money: dict[str, Any], at: datetime = NOW) -> None:
    books.handle(order.placed, order_placed(order_id, f"OR-{str(order_id)[:8]}", money=money))
    books.accepted(order_id, f"OR-{str(order_id)[:8]}", at=at, money=money)
    papers(books, order_id, sha256(order_id.bytes).hexdigest(), invoice=False)


def a_subsidy_programme(
    books: Billing, code: str = "js-2026", budget: int = 100_000_000, **rules: Any
) -> ProgrammeView:
    return a_programme(books, code, budget, subsidy_rules(**rules), side="provider")


def submit(
    books: Billing, programme: ProgrammeView, actor: Actor = PROVIDER_FINANCE, first_on: date = FOURTH_QUARTER,
    now: datetime = AFTER,
) -> SubsidyView:  # fmt: skip
    return books.run(submit_subsidy, SubmitSubsidy(programme_id=programme.programme_id, first_on=first_on), actor, now)


def review(
    books: Billing, subsidy: SubsidyView, actor: Actor, decision: Any = "approve", reason: str = ""
) -> SubsidyView:
    return books.run(
        review_subsidy, ReviewSubsidy(subsidy_id=subsidy.subsidy_id, decision=decision, reason=reason), actor, AFTER
    )


def paid(books: Billing, subsidy: SubsidyView, actor: Actor = AUTHORITY) -> SubsidyView:
    return books.run(
        record_subsidy_paid, RecordSubsidyPaid(subsidy_id=subsidy.subsidy_id, reference="苏财 2027-9"), actor, AFTER
    )


def seen(books: Billing, subsidy: SubsidyView) -> SubsidyView:
    return books.run(get_subsidy, GetSubsidy(subsidy_id=subsidy.subsidy_id), AUTHORITY)


def promised(books: Billing) -> Sequence[Any]:
    return books.rows("SELECT p.committed, y.committed FROM programme p JOIN programme_year y USING (programme_id)")


def test_a_quarter_from_claim_to_payment(done: Billing) -> None:
    """20 % of what is left of the quarter's orders; two review; the ledger sees nothing of the authority's money."""
    subsidy = submit(done, a_subsidy_programme(done))
    assert (subsidy.net, subsidy.amount) == (cny(8_100_000), cny(1_620_000))
    assert (subsidy.state, subsidy.first_on, subsidy.last_on) == ("submitted", FOURTH_QUARTER, date(2026, 12, 31))
    assert [each.order_id for each in subsidy.orders] == sorted([ONE, TWO])
    assert {(each.rule, each.outcome) for each in subsidy.results} == {
        (rule, "passed") for rule in
        ("holder_kind", "region", "min_base", "rate", "cap_order", "cap_holder_year", "programme_budget",
         "min_own_payment", "reports_have_hashes", "no_findings")
    }  # fmt: skip
    assert promised(done) == [(1_620_000, 1_620_000)]
    with pytest.raises(WrongState):
        paid(done, subsidy)
    for stranger in (OTHER_AUTHORITY, PROVIDER_FINANCE):
        with pytest.raises(NotFound):
            review(done, subsidy, stranger)
    review(done, subsidy, OTHER_FINANCE)
    with pytest.raises(SameHands):
        review(done, subsidy, OTHER_FINANCE)
    assert review(done, subsidy, AUTHORITY).state == "approved"
    transactions = done.rows("SELECT count(*) FROM ledger_tx")
    assert (paid(done, subsidy).state, seen(done, subsidy).paid) == ("paid", cny(1_620_000))
    with pytest.raises(WrongState):
        paid(done, subsidy)
    assert done.rows("SELECT count(*) FROM ledger_tx") == transactions
    assert done.violations() == ()


def test_twenty_claims_at_once(done: Billing) -> None:
    """One is made, and it promises its amount once."""
    programme = a_subsidy_programme(done)
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda _: refusal(lambda: submit(done, programme)), range(20)))
    assert sorted(said) == [""] + ["billing.subsidy_exists"] * 19
    assert promised(done) == [(1_620_000, 1_620_000)]
    assert done.violations() == ()


def test_two_programmes_at_once(done: Billing) -> None:
    """An order counts in one of them, whoever comes first; the other has nothing left to count."""
    programmes = [a_subsidy_programme(done, code) for code in ("js-2026", "sz-2026")]
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda programme: refusal(lambda: submit(done, programme)), programmes))
    assert sorted(said) == ["", "billing.nothing_to_subsidise"]
    assert done.rows("SELECT count(*) FROM subsidy_order") == [(2,)]
    assert done.violations() == ()


def test_what_does_not_count(done: Billing) -> None:
    """Another quarter's, another class's, of related hands; each is named with its rule."""
    a_done_order(done, THREE, THOUSAND, at=datetime(2026, 12, 31, 16, tzinfo=UTC))  # already next year in Shanghai
    declared = DeclareRelation(owner_id=CUSTOMER_ID, owned_id=PROVIDER_ID, kind="control")
    done.run(declare_relation, declared, an_actor(CUSTOMER_ID, "approver"))
    strict = a_subsidy_programme(done, "strict", checks=(("declared_control", "block"),))
    with pytest.raises(NothingToSubsidise):
        submit(done, strict)
    of_class = a_subsidy_programme(done, "class", offering_classes=("99",))
    with pytest.raises(NothingToSubsidise):
        submit(done, of_class)
    lenient = submit(done, a_subsidy_programme(done, "lenient"))
    assert {each.order_id for each in lenient.orders} == {ONE, TWO}
    assert {each.kind for each in lenient.findings} >= {"declared_control"}
    assert {each.outcome for each in lenient.results if each.rule == "no_findings"} == {"failed"}
    assert review(done, lenient, OTHER_FINANCE).state == "first_reviewed"


def test_limits_and_least(done: Billing) -> None:
    """Cap of the claim, what is left of the provider's year and of the budget, least base; kind and region."""
    for code, rules, amount in (
        ("cap", {"cap_order": 1_000_000}, 1_000_000),
        ("year", {"cap_holder_year": 700_000}, 700_000),
        ("least", {"min_base": 8_100_001}, None),
        ("kind", {"holder_kinds": ("university",)}, None),
        ("region", {"regions": ("330000",)}, None),
    ):
        programme = a_subsidy_programme(done, code, **rules)
        if amount is None:
            with pytest.raises(NothingToSubsidise) as refused:
                submit(done, programme)
            assert refused.value.facts["rules"] in (["min_base"], ["holder_kind"], ["region"])
            continue
        subsidy = submit(done, programme)
        assert subsidy.amount == cny(amount)
        review(done, subsidy, OTHER_FINANCE, "reject", "改报其他项目")
    assert submit(done, a_subsidy_programme(done, "small", budget=5_000)).amount == cny(5_000)
    assert done.violations() == ()


def test_when_it_may_be_claimed(done: Billing) -> None:
    """Of a period that the programme has, when it is over, in time; and never a voucher's rules for a subsidy."""
    programme = a_subsidy_programme(done)
    for begins in (date(2026, 11, 1), date(9999, 10, 1)):
        with pytest.raises(PeriodUnknown):
            submit(done, programme, first_on=begins)
    end = datetime(2026, 12, 31, 16, tzinfo=UTC)
    with pytest.raises(PeriodNotOver):
        submit(done, programme, now=end - timedelta(microseconds=1))
    with pytest.raises(ClaimTooLate):
        submit(done, programme, now=end + timedelta(days=60))
    with pytest.raises(NotFound):
        submit(done, programme.model_copy(update={"programme_id": derived_id("none")}))
    with pytest.raises(NotAllowed):
        submit(done, programme, an_actor(PROVIDER_ID, "technician"))
    with pytest.raises(NothingToSubsidise):
        submit(done, programme, an_actor(CUSTOMER_ID, "provider_finance"))  # has done nothing
    with pytest.raises(WrongSide):
        submit(done, a_programme(done))
    for wrong in ({"period": None}, {"automatic": True}, {"redeem_to": "company"}):
        with pytest.raises(RulesContradict):
            a_subsidy_programme(done, "wrong", **wrong)
    with pytest.raises(RulesContradict):
        a_programme(done, "wrong", rules=subsidy_rules())
    assert submit(done, programme, now=end).amount == cny(1_620_000)
    with pytest.raises(SubsidyExists):
        submit(done, programme)


def test_refunded_before_it_is_paid(done: Billing) -> None:
    """It is computed again on what remains, and the programme has promised so much less."""
    subsidy = submit(done, a_subsidy_programme(done))
    refunded(done, 2_000_000, order_id=ONE)
    lowered = seen(done, subsidy)
    assert (lowered.net, lowered.amount, lowered.to_give_back) == (cny(6_100_000), cny(1_220_000), cny(0))
    assert promised(done) == [(1_220_000, 1_220_000)]
    assert done.told.count("subsidy.reduced.v1") == 1
    review(done, subsidy, OTHER_FINANCE)
    review(done, subsidy, AUTHORITY)
    assert paid(done, subsidy).paid == cny(1_220_000)
    assert done.violations() == ()


def test_refunded_after_it_was_paid(done: Billing) -> None:
    """What the provider has beyond what remains is to be given back, and stands with the subsidy."""
    subsidy = submit(done, a_subsidy_programme(done))
    review(done, subsidy, OTHER_FINANCE)
    review(done, subsidy, AUTHORITY)
    paid(done, subsidy)
    refunded(done, 2_000_000, order_id=ONE)
    refunded(done, 6_000_000, order_id=ONE)
    after = seen(done, subsidy)
    assert (after.state, after.paid, after.amount, after.to_give_back) == (
        "paid", cny(1_620_000), cny(20_000), cny(1_600_000),
    )  # fmt: skip
    assert promised(done) == [(20_000, 20_000)]
    assert done.violations() == ()


def test_refunded_under_a_cap(done: Billing) -> None:
    """Where the cap still holds on what remains nothing changes and nothing is told."""
    subsidy = submit(done, a_subsidy_programme(done, cap_order=500_000))
    refunded(done, 2_000_000, order_id=ONE)
    assert seen(done, subsidy).amount == cny(500_000)
    assert done.told.count("subsidy.reduced.v1") == 0
    assert done.violations() == ()


def test_all_of_it_refunded(done: Billing) -> None:
    """Nothing remains: it is not paid, however far its review was."""
    subsidy = submit(done, a_subsidy_programme(done))
    review(done, subsidy, OTHER_FINANCE)
    review(done, subsidy, AUTHORITY)
    refunded(done, 8_000_000, order_id=ONE)
    refunded(done, 100_000, order_id=TWO)
    with pytest.raises(NothingToSubsidise):
        paid(done, subsidy)
    assert promised(done) == [(0, 0)]
    assert done.violations() == ()


def test_sent_back_and_mended(done: Billing) -> None:
    """The orders are gathered anew; what another reports meanwhile counts; both review again."""
    programme = a_subsidy_programme(done)
    subsidy = submit(done, programme)
    review(done, subsidy, OTHER_FINANCE)
    with pytest.raises(ReasonRequired):
        review(done, subsidy, AUTHORITY, "send_back")
    review(done, subsidy, AUTHORITY, "send_back", "漏报一单")
    a_done_order(done, THREE, THOUSAND, at=NOW + timedelta(days=1))
    again = ResubmitSubsidy(subsidy_id=subsidy.subsidy_id)
    for stranger, error in ((FINANCE, NotAllowed), (an_actor(derived_id("stranger"), "provider_finance"), NotFound)):
        with pytest.raises(error):
            done.run(resubmit_subsidy, again, stranger, AFTER)
    mended = done.run(resubmit_subsidy, again, OTHER_PROVIDER_FINANCE, AFTER + timedelta(hours=1))
    assert (mended.order_count, mended.amount, mended.state) == (3, cny(1_640_000), "submitted")
    assert promised(done) == [(1_640_000, 1_640_000)]
    assert review(done, subsidy, OTHER_FINANCE).state == "first_reviewed"
    assert done.violations() == ()


def test_rejected_frees_its_orders(done: Billing) -> None:
    """And the programme's money; another programme may have them."""
    subsidy = submit(done, a_subsidy_programme(done))
    review(done, subsidy, OTHER_FINANCE, "reject", "不在支持范围")
    assert promised(done) == [(0, 0)]
    refunded(done, 2_000_000, order_id=ONE)
    assert seen(done, subsidy).amount == cny(1_620_000)  # as it was rejected
    assert submit(done, a_subsidy_programme(done, "other")).amount == cny(1_220_000)
    assert done.violations() == ()


def test_a_refund_and_a_claim_at_once(done: Billing) -> None:
    """Five times: whichever comes first, the claim is over what remains."""
    programme = a_subsidy_programme(done)
    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            claimed = pool.submit(submit, done, programme)
            pool.submit(refunded, done, 100_000, order_id=ONE).result()
        subsidy = seen(done, claimed.result())
        ((remaining,),) = done.rows(
            "SELECT remaining ->> 'customer' FROM contracted_order WHERE order_id = %s", (str(ONE),)
        )
        assert subsidy.net == cny(int(remaining) + 100_000)
        assert done.violations() == ()
        review(done, subsidy, OTHER_FINANCE, "reject", "再报")


def test_reviews_that_are_the_authoritys(done: Billing) -> None:
    """As with claims."""
    subsidy = submit(done, a_subsidy_programme(done, authority_reviews="both"))
    with pytest.raises(AuthorityDecides):
        review(done, subsidy, FINANCE)
    assert review(done, subsidy, AUTHORITY).state == "first_reviewed"


def test_the_pack_and_who_reads_it(done: Billing) -> None:
    """Orders and their evidence by hash; for the provider, the authority and finance; never that of before."""
    subsidy = submit(done, a_subsidy_programme(done))
    done.do_outside()
    own = settings()
    store = ObjectStore(str(own.object_store_url), own.bucket, own.records_bucket)
    ((key, told),) = done.rows("SELECT pack_key, pack_sha256 FROM subsidy")
    body = store.fetch(key)
    assert sha256(body).hexdigest() == told
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        orders, listed = packed.read("orders.csv").decode(), packed.read("evidence.csv").decode()
        assert json.loads(packed.read("manifest.json"))["amount"] == {"amount": 1_620_000, "currency": "CNY"}
        said = text_of(packed.read("cover.pdf"))
    assert len(orders.splitlines()) == 3
    assert all(each in said for each in (subsidy.number, "2026-10-01–2026-12-31", "16,200.00", "81,000.00"))
    assert all(sha256(each.bytes).hexdigest() in listed for each in (ONE, TWO))

    def link(query: GetSubsidyPack, *, actor: Actor, uow: Any, now: Any) -> Any:
        return get_subsidy_pack(query, actor=actor, uow=uow, now=now, download_url=lambda key, name: f"/{key}#{name}")

    query = GetSubsidyPack(subsidy_id=subsidy.subsidy_id)
    for actor in (FINANCE, AUTHORITY, PROVIDER_FINANCE):
        assert done.run(link, query, actor).url == f"/{key}#{subsidy.number}.zip"
        assert [each.subsidy_id for each in done.run(list_subsidies, ListSubsidies(), actor).items] == [
            subsidy.subsidy_id
        ]
    for actor in (OTHER_AUTHORITY, an_actor(CUSTOMER_ID, "customer_finance")):
        with pytest.raises(NotFound):
            done.run(link, query, actor)
        with pytest.raises(NotFound):
            done.run(get_subsidy, GetSubsidy(subsidy_id=subsidy.subsidy_id), actor)
        assert done.run(list_subsidies, ListSubsidies(), actor).items == ()
    review(done, subsidy, OTHER_FINANCE, "send_back", "补材料")
    later = AFTER + timedelta(hours=1)
    done.run(resubmit_subsidy, ResubmitSubsidy(subsidy_id=subsidy.subsidy_id), PROVIDER_FINANCE, later)
    late = (f"{key}-late", told, 1)
    done.within(lambda uow: pack_kept(subsidy.subsidy_id, AFTER, late, uow=uow))
    assert done.rows("SELECT pack_key FROM subsidy") == [(None,)]
