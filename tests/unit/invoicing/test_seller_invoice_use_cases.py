"""A provider that sold invoices the customer: what was accepted, and exempt only with the certificate (TV20)."""

from datetime import date
from typing import Any

import pytest

from services.invoicing.domain.seller_invoice import (
    NothingToRegister,
    RegisteredForLess,
    RegistrationMissing,
    SellerInvoiceDiffers,
    SellerInvoiceKnown,
)
from services.invoicing.use_cases import seller_invoice as use_cases
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet, Refused
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import Money
from services.shared.messages.billing.commission import CommissionEarned
from services.shared.messages.invoicing.seller_invoice import (
    DecideRegistration,
    RecordSellerInvoice,
    SellerInvoiceRecorded,
    SellerInvoiceView,
    SubmitRegistration,
)
from tests.kit.fakes_invoicing import (
    CUSTOMER_ID,
    NOW,
    OPERATOR_ID,
    ORDER_ID,
    PROVIDER_ID,
    FakeInvoicing,
    cny,
    contracted,
    terms,
)


def actor(organisation_id: Any, role: Role, *, operator: bool = False) -> Actor:
    return Actor(organisation_id=organisation_id, roles=frozenset({role}), member_id=new_id(), operator=operator)


SELLER = actor(PROVIDER_ID, "provider_finance")
CONTRACTS = actor(OPERATOR_ID, "contract_operator", operator=True)
N = cny(20_000_000)


def sold(kind: str = "technology_development", order_id: Any = ORDER_ID, uow: FakeInvoicing | None = None,
         net: Money = N, tax: int = 0) -> FakeInvoicing:  # fmt: skip
    """TV20: 200,000.00, accepted."""
    uow = uow or FakeInvoicing()
    event = contracted(order_id, terms=terms(collection_model="agent_direct", contract_kind=kind))
    for _ in range(2):
        use_cases.expect(event, uow=uow, now=NOW)
    earned = CommissionEarned(
        order_id=order_id, order_number="OR-1", provider_id=PROVIDER_ID, net=cny(2_000_000), tax=cny(120_000),
        gross=cny(2_120_000), tax_rate_bps=600, split=True, accepted_at=NOW, sold_net=net, sold_tax=cny(tax),
    )  # fmt: skip
    for _ in range(2):
        use_cases.fall_due(earned, uow=uow, now=NOW)
    return uow


def record(uow: FakeInvoicing, net: Money = N, tax: int = 0, by: Actor = SELLER, **changes: Any) -> SellerInvoiceView:
    fields: dict[str, Any] = {
        "order_id": ORDER_ID, "number": "26117000001", "kind": "ordinary", "net": net, "tax": cny(tax),
        "issued_on": date(2026, 12, 1), **changes,
    }  # fmt: skip
    return use_cases.record_seller_invoice(RecordSellerInvoice(**fields), actor=by, uow=uow, now=NOW)


def submit(uow: FakeInvoicing, by: Actor = SELLER) -> SellerInvoiceView:
    return use_cases.submit_registration(SubmitRegistration(order_id=ORDER_ID), actor=by, uow=uow, now=NOW)


def decide(uow: FakeInvoicing, by: Actor = CONTRACTS, **certificate: Any) -> SellerInvoiceView:
    command = DecideRegistration(order_id=ORDER_ID, **certificate)
    return use_cases.decide_registration(command, actor=by, uow=uow, now=NOW)


def test_exempt_only_after_the_certificate() -> None:
    """TV20: not before it is submitted, not while it waits; then 200,000.00 on an ordinary invoice without tax."""
    uow = sold()
    with pytest.raises(RegistrationMissing):
        record(uow)
    submit(uow)
    with pytest.raises(RegistrationMissing):
        record(uow)
    decide(uow, number="2026150100001", amount=N)
    for wrong in ({"kind": "special"}, {"tax": 1}, {"net": cny(19_999_999)}):
        with pytest.raises(SellerInvoiceDiffers):
            record(uow, **wrong)
    assert record(uow).state == "recorded"
    with pytest.raises(WrongState):
        record(uow)
    (told,) = uow.events(SellerInvoiceRecorded)
    assert (told.gross, told.kind) == (N, "ordinary")


def test_a_certificate_over_less_does_not_do() -> None:
    uow = sold()
    submit(uow)
    decide(uow, number="1", amount=cny(19_999_999))
    with pytest.raises(RegisteredForLess):
        record(uow)


def test_returned_the_price_includes_the_tax() -> None:
    """Nothing is added; how the provider divides it is its own affair. It may be handed in again before."""
    uow = sold()
    submit(uow)
    decide(uow)
    with pytest.raises(SellerInvoiceDiffers):
        record(uow, N, 1)
    submit(uow)
    decide(uow)
    assert record(uow, cny(18_867_925), 1_132_075).state == "recorded"


def test_plain_testing_says_what_was_accepted() -> None:
    """TV05: 1,000.00 and 10.00, to the fen; there is nothing to register."""
    uow = sold("testing", net=cny(100_000), tax=1_000)
    with pytest.raises(NothingToRegister):
        submit(uow)
    for net, tax in ((100_000, 6_000), (100_001, 1_000), (101_000, 0)):
        with pytest.raises(SellerInvoiceDiffers):
            record(uow, cny(net), tax)
    assert record(uow, cny(100_000), 1_000, kind="special").state == "recorded"


def test_each_number_once() -> None:
    """Two orders are two invoices."""
    other = derived_id("order", "other")
    uow = sold("testing", net=cny(100_000), tax=1_000)
    sold("testing", other, uow, cny(100_000), 1_000)
    record(uow, cny(100_000), 1_000)
    with pytest.raises(SellerInvoiceKnown):
        record(uow, cny(100_000), 1_000, order_id=other)


def test_not_before_acceptance() -> None:
    uow = FakeInvoicing()
    use_cases.expect(contracted(terms=terms(collection_model="agent_direct")), uow=uow, now=NOW)
    with pytest.raises(WrongState):
        record(uow)


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (actor(PROVIDER_ID, "technician"), NotAllowed),
        (CONTRACTS, NotAllowed),
        (actor(CUSTOMER_ID, "customer_finance"), NotFound),
        (actor(derived_id("organisation", "other provider"), "provider_finance"), NotFound),
    ],
)
def test_only_the_seller(by: Actor, refusal: type[Refused]) -> None:
    """Nor does it decide its own registration."""
    uow = sold()
    with pytest.raises(refusal):
        record(uow, by=by)
    with pytest.raises(refusal):
        submit(uow, by)
    submit(uow)
    with pytest.raises((NotFound, NotAllowed)):
        decide(uow, SELLER, number="1", amount=N)


def test_principals_orders_have_none() -> None:
    uow = FakeInvoicing()
    use_cases.expect(contracted(), uow=uow, now=NOW)
    assert uow.seller_invoices.rows == {}
    with pytest.raises(NotFound):
        record(uow)
    earned = CommissionEarned(
        order_id=ORDER_ID, order_number="x", provider_id=PROVIDER_ID, net=cny(1), tax=cny(0), gross=cny(1),
        tax_rate_bps=600, split=True, accepted_at=NOW, sold_net=cny(10), sold_tax=cny(0),
    )  # fmt: skip
    with pytest.raises(NotYet):
        use_cases.fall_due(earned, uow=uow, now=NOW)
