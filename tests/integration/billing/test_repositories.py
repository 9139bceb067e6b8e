"""What unique indexes and locks of billing's tables hold, when many do the same at once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import urllib3

from services.billing.adapters import queries
from services.billing.config import settings
from services.billing.domain.bank_csv import CsvMapExists, DeclaredMap
from services.billing.domain.commission_plan import PlanExists, PlansOverlap
from services.billing.domain.ledger import contract, customer_credit
from services.billing.domain.referral import AlreadyClaimed, AlreadyProtected, EarlierClaimOpen
from services.billing.use_cases import order, referral
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.commission_plan import preview_split, publish_commission_plan
from services.billing.use_cases.payment import payment_id_of
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.fee import Fixed, Maximum, Minimum, Tier, Tiers
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.bank_csv import ListBankCsvMaps
from services.shared.messages.billing.bank_statement import BankStatementView, ImportBankStatement
from services.shared.messages.billing.commission_plan import ListCommissionPlans, PreviewSplit, PublishCommissionPlan
from services.shared.messages.billing.payment import GetPayment
from services.shared.messages.billing.referral import (
    ClaimReferral,
    DecideReferral,
    EvidenceFile,
    GetReferral,
    GetReferralEvidence,
    ListReferrals,
    SubmitReferralEvidence,
)
from tests.integration.billing.conftest import Billing
from tests.kit.bank_csv_files import SIGNED, TWO_COLUMNS
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    DISPUTE_OPERATOR,
    FINANCE,
    NOW,
    ORDER_ID,
    OTHER_STATION_MANAGER,
    OWN_ACCOUNT,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    STATION_MANAGER,
    cny,
    order_accepted,
    statement,
)

PAYMENT_ID = payment_id_of(ORDER_ID)


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """What *deeds*, begun together, answered or raised, in no order."""
    found: list[Any] = []
    gate = threading.Barrier(len(deeds))

    def one(deed: Callable[[], Any]) -> None:
        gate.wait()
        try:
            found.append(deed())
        except Exception as error:  # noqa: BLE001 - what a thread raises is shown to the test
            found.append(error)

    threads = [threading.Thread(target=one, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def read(billing: Billing, *lines: tuple[str, str, str, str]) -> BankStatementView:
    wanted = ImportBankStatement(account=OWN_ACCOUNT, csv=statement(*lines))
    return billing.within(
        lambda uow: import_bank_statement(wanted, actor=FINANCE, uow=uow, now=NOW, own_account=OWN_ACCOUNT)
    )


def reference(billing: Billing) -> str:
    return billing.run(queries.get_payment, GetPayment(payment_id=PAYMENT_ID), REQUESTER).reference or ""


def test_statement_read_by_four_at_once(billing: Billing) -> None:
    """Four who read the same statement at the same time book each of its lines once."""
    billing.contracted(method="bank_transfer")
    lines = [("s1", "in", "1060.00", reference(billing)), ("s2", "in", "5.00", "?"), ("s3", "out", "1.00", "fee")]
    views = at_once(*[lambda: read(billing, *lines)] * 4)
    assert sorted((view.matched, view.suspense, view.repeated) for view in views) == [(0, 0, 3)] * 3 + [(1, 2, 0)]
    assert billing.balance(contract(ORDER_ID)) == 106_000
    assert billing.balance("L:suspense:bank") == 400
    assert billing.told.count("payment.succeeded.v1") == 1
    assert billing.violations() == ()


def test_parts_in_two_statements_at_once(billing: Billing) -> None:
    """Two transfers of the same order, read at the same time by two, fill it once; the rest is credit."""
    billing.contracted(method="bank_transfer")
    text = reference(billing)
    at_once(lambda: read(billing, ("s1", "in", "700.00", text)), lambda: read(billing, ("s2", "in", "700.00", text)))
    assert billing.balance(contract(ORDER_ID)) == 106_000
    assert billing.balance(customer_credit(CUSTOMER_ID)) == 34_000
    assert billing.told.count("payment.succeeded.v1") == 1


def test_one_statement_of_many_lines(billing: Billing) -> None:
    """Several lines of one statement may pay one order; the last that is needed pays it."""
    billing.contracted(method="bank_transfer")
    text = reference(billing)
    view = read(billing, *[(f"s{number}", "in", "530.00", text) for number in range(3)])
    assert [line.reason for line in view.lines] == ["partial", "", "duplicate"]
    billing.handle(order.accepted, order_accepted(method="bank_transfer"))
    assert billing.violations() == ()


def test_order_told_by_many_at_once(billing: Billing) -> None:
    """The same order contracted, and accepted, by several handlers at once is opened and booked once."""
    at_once(*[billing.contracted] * 5)
    assert billing.rows("SELECT count(*) FROM payment") == [(1,)]
    assert billing.told.count("payment.opened.v1") == 1
    assert billing.rows("SELECT count(*) FROM outside_call") == [(1,)]


def test_accepted_by_many_at_once(billing: Billing) -> None:
    """Five deliveries of one acceptance at once book it once."""
    billing.contracted(method="bank_transfer")
    read(billing, ("s1", "in", "1060.00", reference(billing)))
    at_once(*[lambda: billing.handle(order.accepted, order_accepted(method="bank_transfer"))] * 5)
    assert billing.balance("R:service") == 100_000
    assert billing.rows("SELECT count(*) FROM accrual") == [(2,)]
    assert billing.violations() == ()


def store() -> ObjectStore:
    own = settings()
    return ObjectStore(str(own.object_store_url), own.bucket, own.records_bucket)


def _claim(billing: Billing, actor: Any, minutes: int = 0, file: EvidenceFile | None = None) -> Any:
    wanted, at = ClaimReferral(customer_id=CUSTOMER_ID, evidence="介绍函", file=file), NOW + timedelta(minutes=minutes)
    return billing.within(
        lambda uow: referral.claim_referral(wanted, actor=actor, uow=uow, now=at, upload_url=store().upload_url)
    )


def _decide(billing: Billing, claimed: Any) -> Any:
    wanted = DecideReferral(referral_id=claimed.referral_id, decision="confirm")
    return billing.within(
        lambda uow: referral.decide_referral(wanted, actor=FINANCE, uow=uow, now=NOW, protection=timedelta(days=365))
    )


def test_two_confirmations_at_once(billing: Billing) -> None:
    """Of two stations' claims confirmed at the same moment only the first touch wins."""
    first, second = _claim(billing, STATION_MANAGER), _claim(billing, OTHER_STATION_MANAGER, 1)
    answers = at_once(lambda: _decide(billing, first), lambda: _decide(billing, second))
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], AlreadyProtected | EarlierClaimOpen)
    assert billing.rows("SELECT station_id::text FROM referral WHERE state = 'confirmed'") == [(str(STATION_ID),)]


def test_the_file_of_a_claim_is_looked_at_and_shown_to_who_decides(billing: Billing) -> None:
    """Another file than the declared one is not kept; rivals see nothing of each other, who decides sees both."""
    body = b"%PDF-1.7\nvisit record"
    declared = EvidenceFile(sha256=sha256(body).hexdigest(), size_bytes=len(body), media_type="application/pdf")
    first = _claim(billing, STATION_MANAGER, file=declared)
    second = _claim(billing, OTHER_STATION_MANAGER, 1)
    submit = SubmitReferralEvidence(referral_id=first.referral_id)
    asked = GetReferral(referral_id=first.referral_id)
    for uploaded, state, problem in ((b"%PDF-1.7\nforged", "awaited", "upload_mismatch"), (body, "kept", "")):
        assert urllib3.request("PUT", first.upload_url, body=uploaded).status == 200
        billing.run(referral.submit_referral_evidence, submit, STATION_MANAGER)
        billing.do_outside()
        shown = billing.run(queries.get_referral, asked, STATION_MANAGER)
        assert (shown.referral.evidence_file, shown.referral.evidence_problem) == (state, problem)
    assert (shown.rivals, shown.customer_since) == ((), None)
    with pytest.raises(NotFound):
        billing.run(queries.get_referral, asked, OTHER_STATION_MANAGER)
    billing.contracted()
    case = billing.run(queries.get_referral, asked)
    assert [each.referral_id for each in case.rivals] == [second.referral_id]
    assert case.customer_since == NOW
    link = billing.within(
        lambda uow: queries.get_referral_evidence(
            GetReferralEvidence(referral_id=first.referral_id), actor=FINANCE, uow=uow, now=NOW,
            download_url=store().download_url,
        )
    )  # fmt: skip
    assert urllib3.request("GET", link.url).data == body


def test_claimed_twice_at_once(billing: Billing) -> None:
    """A station's double click is one claim."""
    answers = at_once(*[lambda: _claim(billing, STATION_MANAGER)] * 3)
    assert sum(isinstance(answer, AlreadyClaimed) for answer in answers) == 2
    assert len(billing.run(queries.list_referrals, ListReferrals(), STATION_MANAGER).items) == 1
    assert billing.run(queries.list_referrals, ListReferrals(), OTHER_STATION_MANAGER).items == ()
    assert len(billing.run(queries.list_referrals, ListReferrals()).items) == 1
    with pytest.raises(NotAllowed):
        billing.run(queries.list_referrals, ListReferrals(), DISPUTE_OPERATOR)


def test_plans_by_instant(billing: Billing) -> None:
    """One plan per instant, whoever publishes at once; listed newest first."""
    first = PublishCommissionPlan(valid_from=NOW, fee_bps=1_000, station_bps=7_000)
    answers = at_once(*[lambda: billing.run(publish_commission_plan, first)] * 3)
    assert sum(isinstance(answer, PlanExists) for answer in answers) == 2
    later = PublishCommissionPlan(valid_from=NOW + timedelta(days=1), fee_bps=800, station_bps=5_000)
    billing.run(publish_commission_plan, later)
    plans = billing.run(queries.list_commission_plans, ListCommissionPlans()).items
    assert [plan.fee_bps for plan in plans] == [800, 1_000]


def test_plans_of_a_scope(billing: Billing) -> None:
    """Components come back as they were; who publishes at once for the same orders gets one answer between them."""
    components = (Tiers((Tier(0, 1_000), Tier(500_000, 800)), "whole", "year"), Fixed(1), Minimum(2), Maximum(3))
    wanted = PublishCommissionPlan(
        valid_from=NOW, valid_until=NOW + timedelta(days=9), station_bps=7_000, components=components,
        provider_id=PROVIDER_ID, offering_class="0501", station_id=STATION_ID, currency="CNY",
    )  # fmt: skip
    days = [wanted.model_copy(update={"valid_from": NOW + timedelta(days=day)}) for day in range(4)]
    answers = at_once(*[lambda day=day: billing.run(publish_commission_plan, day) for day in days])
    assert sum(isinstance(answer, PlansOverlap) for answer in answers) == 3
    billing.run(publish_commission_plan, PublishCommissionPlan(valid_from=NOW, fee_bps=1_000, station_bps=7_000))
    (plan,) = billing.run(queries.list_commission_plans, ListCommissionPlans(provider_id=PROVIDER_ID)).items
    assert plan.components == components
    assert (plan.provider_id, plan.offering_class, plan.station_id) == (PROVIDER_ID, "0501", STATION_ID)
    asked = PreviewSplit(
        net=cny(100_000), provider_id=PROVIDER_ID, offering_class="050101", station_id=STATION_ID,
        at=NOW + timedelta(days=5),
    )  # fmt: skip
    assert billing.run(preview_split, asked).commission_plan_id == plan.commission_plan_id
    elsewhere = billing.run(preview_split, asked.model_copy(update={"provider_id": None}))
    assert elsewhere.fee == cny(10_000)
    page = billing.run(queries.list_commission_plans, ListCommissionPlans(limit=1))
    assert page.next_cursor is not None
    (other,) = billing.run(queries.list_commission_plans, ListCommissionPlans(limit=1, after=page.next_cursor)).items
    assert {other.commission_plan_id, page.items[0].commission_plan_id} == {
        plan.commission_plan_id, elsewhere.commission_plan_id,
    }  # fmt: skip


def test_unknown_payment_is_not_found(billing: Billing) -> None:
    """An id of nothing answers like a foreign one."""
    with pytest.raises(NotFound):
        billing.run(queries.get_payment, GetPayment(payment_id=new_id()), REQUESTER)


def test_csv_maps_by_instant(billing: Billing) -> None:
    """One map of an account per instant, whoever declares at once; the newest in force reads it back as declared."""
    declared = DeclaredMap(new_id(), OWN_ACCOUNT, NOW, "示例银行", TWO_COLUMNS, NOW, "member/1")
    several = [replace(declared, bank_csv_map_id=new_id()) for _ in range(3)]
    answers = at_once(*[lambda each=each: billing.within(lambda uow: uow.csv_maps.add(each)) for each in several])
    assert sum(isinstance(answer, CsvMapExists) for answer in answers) == 2
    later = replace(declared, bank_csv_map_id=new_id(), valid_from=NOW + timedelta(days=1), columns=SIGNED)
    billing.within(lambda uow: uow.csv_maps.add(later))
    assert billing.within(lambda uow: uow.csv_maps.in_force(OWN_ACCOUNT, NOW)) in several
    assert billing.within(lambda uow: uow.csv_maps.in_force(OWN_ACCOUNT, NOW + timedelta(days=2))) == later
    assert billing.within(lambda uow: uow.csv_maps.in_force("1", NOW)) is None
    listed = billing.run(queries.list_bank_csv_maps, ListBankCsvMaps()).items
    assert [each.columns.encoding for each in listed] == ["utf-8", "gb18030"]
