"""Who signs what, once, and what is frozen with the last signature."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.orders.domain.contract import AlreadySigned, DocumentDiffers
from services.orders.domain.order import Order
from services.orders.domain.pricing import priced_by_company
from services.orders.use_cases import contract as use_cases
from services.orders.use_cases import shapes
from services.orders.use_cases.order import UNPAID_TIMER
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet
from services.shared.kernel.fee import Fee, Minimum, Tier, Tiers
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.orders.contract import ContractView, SignContract
from services.shared.messages.orders.order import OrderContracted
from tests.kit.fakes_orders import (
    CONTRACT_OPERATOR,
    LAB_MANAGER,
    NOW,
    OPERATOR_ID,
    OTHER_LAB_MANAGER,
    OTHER_REQUESTER,
    PROVIDER_ID,
    REQUESTER,
    SHA256,
    STATION_ID,
    TECHNICIAN,
    FakeOrdersService,
    a_plan,
    a_referral,
    a_shop,
    an_actor,
    an_offering,
    an_order,
    an_organisation,
    cny,
)

PAPER = {REQUESTER: "contract", CONTRACT_OPERATOR: "contract", LAB_MANAGER: "order_sheet"}


def papers_made() -> tuple[FakeOrdersService, Order]:
    order = an_order("placed")
    shop = a_shop(order)
    shop.put_papers(order)
    return shop, order


def sign(shop: FakeOrdersService, order: Order, actor: Actor, sha256: str | None = None) -> ContractView:
    contract = shop.contracts.of_order(order.order_id)
    command = SignContract(
        contract_id=contract.contract_id, signatory="王敏", sha256=sha256 or SHA256[PAPER.get(actor, "contract")]
    )
    return use_cases.sign_contract(command, actor=actor, uow=shop, now=NOW)


def sign_all(shop: FakeOrdersService, order: Order) -> OrderContracted:
    for actor in (LAB_MANAGER, REQUESTER, CONTRACT_OPERATOR):
        sign(shop, order, actor)
    event = shop.events[-1]
    assert isinstance(event, OrderContracted)
    return event


def outcome() -> dict[str, Any]:
    return {
        "documents": [
            {"paper": paper, "key": f"orders/{paper}.pdf", "sha256": sha256, "size_bytes": 9}
            for paper, sha256 in SHA256.items()
        ]
    }


def test_papers_await_signatures_and_the_time_to_pay_runs_from_placing() -> None:
    """A second outcome of the same call changes nothing."""
    order = an_order("placed")
    shop = a_shop(order)
    for _ in range(2):
        use_cases.record_papers({"order_id": str(order.order_id)}, outcome(), uow=shop, now=NOW + timedelta(days=1))
    assert shop.told == ["contract.rendered.v1"]
    assert shop.contracts.of_order(order.order_id).awaiting == ("customer", "operator", "provider")
    assert shop.timers == {(UNPAID_TIMER, str(order.order_id)): order.placed_at + timedelta(days=14)}


def test_papers_that_come_after_the_cancellation_are_not_offered() -> None:
    """The outside call cannot be stopped; its outcome finds the contract terminated."""
    order = an_order("cancelled")
    shop = a_shop(order)
    use_cases.record_papers({"order_id": str(order.order_id)}, outcome(), uow=shop, now=NOW)
    assert not shop.told
    assert not shop.timers


def test_the_last_signature_freezes_plan_and_tax_profiles() -> None:
    """Without a referral there is no station and no share for one."""
    shop, order = papers_made()
    contracted = sign_all(shop, order)
    assert shop.told == ["contract.signed.v1", "order.contracted.v1"]
    terms = contracted.terms
    assert (terms.fee_bps, terms.station_id, terms.station_bps, terms.station_tax) == (1_000, None, 0, None)
    assert (terms.acceptance_days, terms.hold_days, terms.objection_days) == (10, 7, 15)
    assert terms.provider_tax == TaxProfile("general_6", can_issue_special=True)
    assert shop.orders.get(order.order_id).state == "contracted"


def test_a_referral_that_protects_the_customer_earns_its_station_the_plans_share() -> None:
    """The first touch counts where two stations claim."""
    shop, order = papers_made()
    shop.organisations.put(
        an_organisation(STATION_ID, "station", tax_profile=TaxProfile("general_simplified_3", False))
    )
    shop.commission.put_referral(a_referral())
    shop.commission.put_referral(
        a_referral(referral_id=OPERATOR_ID, station_id=OPERATOR_ID, protected_from=NOW - timedelta(days=1))
    )
    terms = sign_all(shop, order).terms
    assert (terms.station_id, terms.station_bps) == (STATION_ID, 7_000)
    assert terms.station_tax == TaxProfile("general_simplified_3", False)
    assert shop.orders.get(order.order_id).station_id == STATION_ID


@pytest.mark.parametrize(
    "changes", [{"protected_until": NOW}, {"protected_from": NOW + timedelta(seconds=1)}, {"customer_id": PROVIDER_ID}]
)
def test_a_referral_that_is_over_or_not_begun_or_anothers_earns_nothing(changes: dict[str, Any]) -> None:
    """Protection counts when the order was placed."""
    shop, order = papers_made()
    shop.commission.put_referral(a_referral(**changes))
    assert sign_all(shop, order).terms.station_bps == 0


def test_the_plan_in_force_at_the_last_signature_counts() -> None:
    """Neither the one before nor one announced for later."""
    shop, order = papers_made()
    shop.commission.put_plan(a_plan(commission_plan_id=STATION_ID, valid_from=NOW, fee_bps=800))
    shop.commission.put_plan(a_plan(valid_from=NOW + timedelta(seconds=1), fee_bps=1))
    assert sign_all(shop, order).terms.fee_bps == 800


def test_components_and_the_volume_before_are_frozen() -> None:
    """What others order later changes neither the fee nor what the provider earns."""
    shop, order = papers_made()
    tiers = Tiers((Tier(0, 1_000), Tier(300_000, 500)), period="year")
    plan = a_plan(components=(tiers, Minimum(100)), fee_bps=0, currency="CNY", provider_id=PROVIDER_ID)
    shop.commission.put_plan(plan)
    new_year = datetime(2025, 12, 31, 16, tzinfo=UTC)  # in Shanghai
    shop.commission.volumes[new_year, PROVIDER_ID, "CNY"] = 200_000
    terms = sign_all(shop, order).terms
    shop.commission.volumes[new_year, PROVIDER_ID, "CNY"] = 900_000
    assert terms.fee == Fee((tiers, Minimum(100)), volume_before=200_000)
    # of 3,168.00: 1,000.00 at 10 %, the rest at 5 %
    assert terms.provider_net == cny(316_800 - 10_000 - 10_840)
    assert shop.orders.get(order.order_id).frozen_terms.fee == terms.fee


@pytest.mark.parametrize(("instrument_class", "fee_bps"), [("050101", 700), ("0502", 800), ("", 1_000)])
def test_a_plan_of_a_class_counts_where_all_lines_are_of_it(instrument_class: str, fee_bps: int) -> None:
    """The longer class is the more specific one; offerings without a class follow the general plan."""
    shop, order = papers_made()
    shop.commission.put_plan(a_plan(commission_plan_id=STATION_ID, offering_class="05", fee_bps=800))
    shop.commission.put_plan(a_plan(commission_plan_id=OPERATOR_ID, offering_class="0501", fee_bps=700))
    shop.offerings.put(an_offering(instrument_class=instrument_class))
    assert sign_all(shop, order).terms.fee_bps == fee_bps


def test_a_plan_of_a_station_counts_for_what_it_brought() -> None:
    """Also for the provider's part."""
    shop, order = papers_made()
    shop.organisations.put(an_organisation(STATION_ID, "station"))
    shop.commission.put_plan(a_plan(commission_plan_id=STATION_ID, station_id=STATION_ID, fee_bps=500))
    assert sign_all(shop, order).terms.fee_bps == 1_000
    shop, order = papers_made()
    shop.organisations.put(an_organisation(STATION_ID, "station"))
    shop.commission.put_plan(a_plan(commission_plan_id=STATION_ID, station_id=STATION_ID, fee_bps=500))
    shop.commission.put_referral(a_referral())
    terms = sign_all(shop, order).terms
    assert (terms.fee_bps, terms.provider_net) == (500, cny(316_800 - 15_840))


def test_both_prices_of_a_resale_are_frozen() -> None:
    """The provider earns its own price, whatever the customer pays; fee and volume are of what the customer pays."""
    order = an_order("placed")
    lines, amounts, side = priced_by_company(order.lines, order.amounts, [cny(150_000)], "resale", "margin")
    order = replace(order, lines=lines, amounts=amounts, provider_side=side)
    shop = a_shop(order)
    shop.put_papers(order)
    terms = sign_all(shop, order).terms
    assert (terms.buy_net, terms.provider_net, terms.station_base) == (cny(316_800), cny(316_800), "margin")
    assert terms.company_discount is None
    hidden = shapes.terms(shop.orders.get(order.order_id).frozen_terms, "provider")
    assert (hidden.fee_bps, hidden.fee, hidden.provider_net) == (0, None, cny(316_800))


def test_a_discount_at_the_companys_expense_is_frozen() -> None:
    """The provider earns of what it quoted."""
    order = an_order("placed")
    lines, amounts, side = priced_by_company(order.lines, order.amounts, [cny(100_000)], "discount", "fee")
    order = replace(order, lines=lines, amounts=amounts, provider_side=side)
    shop = a_shop(order)
    shop.put_papers(order)
    contracted = sign_all(shop, order)
    assert contracted.amounts.net == cny(300_000)
    assert contracted.terms.company_discount == cny(16_800)
    assert contracted.terms.provider_net == cny(316_800 - 31_680)


def test_without_plan_or_tax_profile_the_last_signature_waits() -> None:
    """Nothing is frozen that is not known."""
    shop, order = papers_made()
    shop.commission.plans.clear()
    with pytest.raises(NotYet):
        sign_all(shop, order)
    shop, order = papers_made()
    shop.commission.put_referral(a_referral())
    with pytest.raises(NotYet):
        sign_all(shop, order)


def test_nobody_signs_what_they_did_not_read() -> None:
    """A hash of the other party's paper is as wrong as any other."""
    shop, order = papers_made()
    with pytest.raises(DocumentDiffers):
        sign(shop, order, REQUESTER, "00" * 32)
    with pytest.raises(DocumentDiffers):
        sign(shop, order, REQUESTER, SHA256["order_sheet"])
    with pytest.raises(DocumentDiffers):
        sign(shop, order, LAB_MANAGER, SHA256["contract"])
    assert not shop.contracts.of_order(order.order_id).signatures


def test_a_party_signs_once() -> None:
    """Neither before all have signed nor after."""
    shop, order = papers_made()
    sign(shop, order, REQUESTER)
    with pytest.raises(AlreadySigned):
        sign(shop, order, REQUESTER)
    sign(shop, order, LAB_MANAGER)
    sign(shop, order, CONTRACT_OPERATOR)
    with pytest.raises(WrongState):
        sign(shop, order, CONTRACT_OPERATOR)
    assert shop.told.count("order.contracted.v1") == 1


def test_there_is_nothing_to_sign_before_the_papers_are_made() -> None:
    """A draft has no hash."""
    order = an_order("placed")
    with pytest.raises(WrongState):
        sign(a_shop(order), order, REQUESTER)


@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (OTHER_REQUESTER, NotFound),
        (OTHER_LAB_MANAGER, NotFound),
        (TECHNICIAN, NotAllowed),
        (an_actor(OPERATOR_ID, "finance_operator", operator=True), NotAllowed),
    ],
)
def test_signing_takes_a_party_and_a_role(actor: Actor, error: type[Exception]) -> None:
    """Strangers learn nothing; a technician binds nobody."""
    shop, order = papers_made()
    with pytest.raises(error):
        sign(shop, order, actor)


def test_each_party_is_shown_its_own_paper_and_signatures() -> None:
    """Customer and provider have no paper in common."""
    shop, order = papers_made()
    sign(shop, order, REQUESTER)
    seen = sign(shop, order, LAB_MANAGER)
    assert {document.paper for document in seen.documents} == {"order_sheet"}
    assert {signature.party for signature in seen.signatures} == {"provider"}
    everything = sign(shop, order, CONTRACT_OPERATOR)
    assert {signature.party for signature in everything.signatures} == {"customer", "provider", "operator"}


def test_an_order_paid_before_the_last_signature_is_released_with_it() -> None:
    """The money was there first."""
    shop, order = papers_made()
    known = shop.orders.get(order.order_id)
    known.payments = {str(STATION_ID): cny(335_808)}
    shop.orders.save(known)
    for actor in (REQUESTER, LAB_MANAGER, CONTRACT_OPERATOR):
        sign(shop, order, actor)
    assert shop.told == ["contract.signed.v1", "order.contracted.v1", "order.released.v1"]
