"""Copies of other services' facts, fed by events that may come twice, and what is found in them at a time."""

from datetime import timedelta
from typing import Any

import pytest

from services.orders.adapters import quotation_queries
from services.orders.domain.commission import CommissionPlanCopy, ReferralCopy
from services.orders.use_cases import commission, organisation, provider, quotation, quotation_request
from services.shared.kernel.fee import Scope, plan_in_force
from services.shared.kernel.ids import derived_id
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.billing.commission_plan import CommissionPlanPublished
from services.shared.messages.billing.referral import ReferralConfirmed, ReferralRevoked
from services.shared.messages.catalog.provider import ProviderApproved, ProviderSuspended
from services.shared.messages.identity.organisation import Organisation, OrganisationChanged, OrganisationRegistered
from services.shared.messages.orders.quotation import GetQuotation, LineWanted, SendQuotation
from services.shared.messages.orders.quotation_request import GetQuotationRequest, OpenQuotationRequest
from tests.integration.orders.conftest import Orders
from tests.kit.fakes_orders import (
    CUSTOMER_ID,
    LAB_MANAGER,
    NOW,
    OPERATOR_ID,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    cny,
)


def told(**changes: Any) -> Organisation:
    fields: dict[str, Any] = {
        "organisation_id": OPERATOR_ID, "number": "ORG-1", "kind": "operator", "legal_name": "运营",
        "legal_name_en": "Company", "unified_social_credit_code": "91150100MA0N0000XX", "address": "", "mail": "",
        "phone": "", "tax_profile": TaxProfile("general_6", can_issue_special=True), "bank_account": None,
        "verified": False, "registered_at": NOW,
    }  # fmt: skip
    return Organisation(**{**fields, **changes})


def test_the_last_word_on_an_organisation_counts(empty_orders: Orders) -> None:
    """A changed tax profile is what prices are made with from then on."""
    registered = OrganisationRegistered(organisation_id=OPERATOR_ID, organisation=told())
    changed = OrganisationChanged(
        organisation_id=OPERATOR_ID,
        organisation=told(tax_profile=TaxProfile("small_scale_3_reduced_1", can_issue_special=False)),
    )
    for event in (registered, registered, changed, changed):
        empty_orders.handle(organisation.keep_copy, event)
    assert empty_orders.within(lambda uow: uow.organisations.company_rate_bps()) == 100
    assert empty_orders.rows("SELECT count(*) FROM organisation") == [(1,)]


def test_a_provider_sells_until_it_is_suspended_and_again_when_it_is_let_in(empty_orders: Orders) -> None:
    """Whatever was told twice."""
    fields = {"provider_id": PROVIDER_ID, "name_zh": "供", "name_en": "P", "region": "150100"}
    for kind, sells in ((ProviderApproved, True), (ProviderSuspended, False), (ProviderApproved, True)):
        for _ in range(2):
            empty_orders.handle(provider.keep_copy, kind.model_validate(fields))
        assert empty_orders.within(lambda uow: uow.providers.find([PROVIDER_ID]))[PROVIDER_ID].sells == sells


def test_the_plan_in_force_is_the_latest_that_has_begun(empty_orders: Orders) -> None:
    """Before the first there is none."""
    plans = [
        CommissionPlanPublished(
            commission_plan_id=derived_id("plan", days), valid_from=NOW + timedelta(days=days), fee_bps=100 + days,
            station_bps=7_000,
        )
        for days in (5, -5, 0)
    ]  # fmt: skip
    for plan in plans * 2:
        empty_orders.handle(commission.keep_plan, plan)

    def fee_bps(days: int) -> int | None:
        plans: list[CommissionPlanCopy] = empty_orders.within(lambda uow: uow.commission.plans_for(PROVIDER_ID))
        found = plan_in_force(plans, Scope(PROVIDER_ID), NOW + timedelta(days=days))
        return found.fee_bps if found is not None else None

    assert [fee_bps(days) for days in (-6, -5, -1, 0, 4, 5)] == [None, 95, 95, 100, 100, 105]


@pytest.mark.parametrize(
    ("placed_at", "found"),
    [(0, True), (9, True), (10, False), (-1, False)],
)
def test_a_referral_protects_what_is_placed_before_its_end_once_it_has_begun(
    empty_orders: Orders, placed_at: int, *, found: bool
) -> None:
    """Days from its beginning; it protects for ten. What is claimed after the order was placed did not bring it."""
    event = ReferralConfirmed(
        referral_id=derived_id("referral", 1), customer_id=CUSTOMER_ID, station_id=STATION_ID, protected_from=NOW,
        protected_until=NOW + timedelta(days=10),
    )  # fmt: skip
    for _ in range(2):
        empty_orders.handle(commission.keep_referral, event)
    known: ReferralCopy | None = empty_orders.within(
        lambda uow: uow.commission.referral_for(CUSTOMER_ID, NOW + timedelta(days=placed_at))
    )
    assert (known is not None) == found


def test_a_revoked_referral_protects_no_longer(empty_orders: Orders) -> None:
    """What was placed before keeps its station; told twice it is the same."""
    referral_id = derived_id("referral", 1)
    parties = {"referral_id": referral_id, "customer_id": CUSTOMER_ID, "station_id": STATION_ID}
    until = NOW + timedelta(days=10)
    confirmed = ReferralConfirmed.model_validate({**parties, "protected_from": NOW, "protected_until": until})
    empty_orders.handle(commission.keep_referral, confirmed)
    revoked = ReferralRevoked.model_validate(
        {**parties, "protected_until": NOW + timedelta(days=3), "reason": "forged"}
    )
    for _ in range(2):
        empty_orders.handle(commission.end_referral, revoked)
    found: list[ReferralCopy | None] = []
    for day in (2, 3):
        at = NOW + timedelta(days=day)
        empty_orders.within(lambda uow, at=at: found.append(uow.commission.referral_for(CUSTOMER_ID, at)))  # type: ignore[misc] # one day each
    assert [each is not None for each in found] == [True, False]


def test_quotations_and_requests_expire_by_their_timers(orders: Orders) -> None:
    """The request lives as long as the last quotation on it, and not longer."""
    view = orders.run(
        quotation_request.open_quotation_request,
        OpenQuotationRequest(provider_ids=(PROVIDER_ID,), title="XRD", respond_by=NOW + timedelta(days=1)),
        REQUESTER,
    )
    line = LineWanted(title_zh="x", title_en="x", unit="sample", quantity=1, unit_price=cny(100), reason="new")
    command = SendQuotation(quotation_request_id=view.quotation_request_id, lines=(line,), turnaround_days=1)
    sent = orders.run(quotation.send_quotation, command, LAB_MANAGER)

    def states() -> tuple[str, str]:
        request = orders.run(
            quotation_queries.get_quotation_request,
            GetQuotationRequest(quotation_request_id=view.quotation_request_id),
            REQUESTER,
        )
        found = orders.run(quotation_queries.get_quotation, GetQuotation(quotation_id=sent.quotation_id), REQUESTER)
        return request.state, found.state

    orders.run_timers(NOW + timedelta(days=2))
    assert states() == ("open", "sent")
    orders.run_timers(NOW + timedelta(days=30, seconds=1))
    assert states() == ("expired", "expired")
    assert orders.rows("SELECT count(*) FROM timer") == [(0,)]
