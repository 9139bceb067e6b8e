"""Asking for a price, sealed; and what becomes of a request in time."""

from datetime import timedelta
from typing import Any

import pytest

from services.orders.domain.offering import NotForSale, OfferingNotFound
from services.orders.domain.provider import ProviderNotFound, ProviderNotSelling
from services.orders.domain.quotation_request import DeadlineInPast
from services.orders.use_cases import quotation_request as use_cases
from services.orders.use_cases.quotation import expire_quotation, send_quotation
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.orders.quotation import LineWanted, SendQuotation
from services.shared.messages.orders.quotation_request import (
    OpenQuotationRequest,
    QuotationRequestView,
    WithdrawQuotationRequest,
)
from tests.kit.fakes_orders import (
    CUSTOMER_FINANCE,
    LAB_MANAGER,
    NOW,
    OFFERING_ID,
    OTHER_PROVIDER_ID,
    OTHER_REQUESTER,
    PROVIDER_ID,
    REQUESTER,
    FakeOrdersService,
    a_provider,
    a_shop,
    an_offering,
    cny,
)

RESPOND_BY = NOW + timedelta(days=5)


def asked(**changes: Any) -> OpenQuotationRequest:
    fields: dict[str, Any] = {"provider_ids": (PROVIDER_ID,), "title": "XRD", "respond_by": RESPOND_BY}
    return OpenQuotationRequest(**{**fields, **changes})


def opened(shop: FakeOrdersService, **changes: Any) -> QuotationRequestView:
    return use_cases.open_quotation_request(asked(**changes), actor=REQUESTER, uow=shop, now=NOW)


def test_a_request_is_put_to_each_provider_once_and_runs_until_its_deadline() -> None:
    """Naming one twice does not ask it twice."""
    shop = a_shop(a_provider(OTHER_PROVIDER_ID))
    view = opened(shop, provider_ids=(PROVIDER_ID, OTHER_PROVIDER_ID, PROVIDER_ID))
    assert view.provider_ids == (PROVIDER_ID, OTHER_PROVIDER_ID)
    assert shop.told == ["quotation_request.opened.v1"]
    assert list(shop.timers.values()) == [RESPOND_BY]


def test_a_provider_finds_only_itself_among_those_who_were_asked() -> None:
    """Providers never see each other."""
    shop = a_shop(a_provider(OTHER_PROVIDER_ID))
    opened(shop, provider_ids=(PROVIDER_ID, OTHER_PROVIDER_ID))
    (request,) = shop.quotation_requests.rows.values()
    assert use_cases.view(request, "provider", PROVIDER_ID).provider_ids == (PROVIDER_ID,)


def test_who_cannot_answer_is_not_asked() -> None:
    """Suspended providers, unknown ones, hidden offerings, a deadline that is over."""
    shop = a_shop(a_provider(OTHER_PROVIDER_ID, sells=False))
    with pytest.raises(ProviderNotSelling):
        opened(shop, provider_ids=(OTHER_PROVIDER_ID,))
    with pytest.raises(ProviderNotFound):
        opened(shop, provider_ids=(derived_id("organisation", "nobody"),))
    with pytest.raises(OfferingNotFound):
        opened(shop, offering_id=derived_id("offering", "nothing"))
    shop.offerings.put(an_offering(published=False))
    with pytest.raises(NotForSale):
        opened(shop, offering_id=OFFERING_ID)
    with pytest.raises(DeadlineInPast):
        opened(shop, respond_by=NOW)
    assert not shop.quotation_requests.rows


def test_asking_takes_a_role() -> None:
    """Finance pays; it does not ask."""
    with pytest.raises(NotAllowed):
        use_cases.open_quotation_request(asked(), actor=CUSTOMER_FINANCE, uow=a_shop(), now=NOW)


def test_only_its_customer_withdraws_a_request_and_only_once() -> None:
    """What was offered on it is declined, so that nobody waits."""
    shop = a_shop()
    view = opened(shop)
    quote(shop, view)
    command = WithdrawQuotationRequest(quotation_request_id=view.quotation_request_id)
    with pytest.raises(NotAllowed):
        use_cases.withdraw_quotation_request(command, actor=LAB_MANAGER, uow=shop, now=NOW)
    with pytest.raises(NotFound):
        use_cases.withdraw_quotation_request(command, actor=OTHER_REQUESTER, uow=shop, now=NOW)
    use_cases.withdraw_quotation_request(command, actor=REQUESTER, uow=shop, now=NOW)
    assert shop.told[-2:] == ["quotation.declined.v1", "quotation_request.withdrawn.v1"]
    assert not shop.timers
    with pytest.raises(WrongState):
        use_cases.withdraw_quotation_request(command, actor=REQUESTER, uow=shop, now=NOW)


def quote(shop: FakeOrdersService, view: QuotationRequestView) -> Any:
    line = LineWanted(title_zh="XRD", title_en="XRD", unit="sample", quantity=1, unit_price=cny(100), reason="new")
    return send_quotation(
        SendQuotation(quotation_request_id=view.quotation_request_id, lines=(line,), turnaround_days=3),
        actor=LAB_MANAGER, uow=shop, now=NOW,
    )  # fmt: skip


def test_a_request_without_an_answer_expires_at_its_deadline() -> None:
    """Nothing on it can be accepted any more."""
    shop = a_shop()
    view = opened(shop)
    use_cases.expire_quotation_request(str(view.quotation_request_id), uow=shop, now=RESPOND_BY)
    assert shop.told[-1] == "quotation_request.expired.v1"
    with pytest.raises(WrongState):
        use_cases.expire_quotation_request(str(view.quotation_request_id), uow=shop, now=RESPOND_BY)


def test_a_request_lives_as_long_as_a_quotation_on_it_binds() -> None:
    """At its deadline it waits for the last validity, and expires then."""
    shop = a_shop()
    view = opened(shop)
    sent = quote(shop, view)
    use_cases.expire_quotation_request(str(view.quotation_request_id), uow=shop, now=RESPOND_BY)
    timer = (use_cases.EXPIRE_REQUEST_TIMER, str(view.quotation_request_id))
    assert shop.timers[timer] == sent.valid_until
    expire_quotation(str(sent.quotation_id), uow=shop, now=sent.valid_until)
    use_cases.expire_quotation_request(str(view.quotation_request_id), uow=shop, now=sent.valid_until)
    assert shop.told[-2:] == ["quotation.expired.v1", "quotation_request.expired.v1"]
