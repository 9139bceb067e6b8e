"""Who hands in which invoice, and what comes of it."""

from datetime import date
from typing import Any

import pytest

from services.invoicing.domain.received_invoice import AlreadyRecorded, IssuedInFuture, SettlementAlreadyMatched
from services.invoicing.use_cases import settlement
from services.invoicing.use_cases.received_invoice import record_received_invoice
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.money import CurrencyMismatch, Money
from services.shared.messages.invoicing.received_invoice import (
    ReceivedInvoiceMatched,
    ReceivedInvoiceRejected,
    ReceivedInvoiceView,
    RecordReceivedInvoice,
)
from tests.kit.fakes_invoicing import (
    CATALOGUE_OPERATOR,
    CUSTOMER_FINANCE,
    FINANCE_OPERATOR,
    NOW,
    OTHER_PROVIDER_FINANCE,
    OTHER_PROVIDER_ID,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    STATION_ID,
    STATION_MANAGER,
    TECHNICIAN,
    FakeInvoicing,
    cny,
    settlement_closed,
)


def awaiting(**closed: Any) -> FakeInvoicing:
    uow = FakeInvoicing()
    settlement.keep_copy(settlement_closed(**closed), uow=uow, now=NOW)
    return uow


def record(uow: FakeInvoicing, actor: Actor = PROVIDER_FINANCE, **changes: Any) -> ReceivedInvoiceView:
    fields = {
        "settlement_number": "ST-2026-000001",
        "number": "24500000000012345678",
        "kind": "special",
        "net": cny(90_000),
        "tax": cny(5_400),
        "issued_on": date(2026, 11, 23),
    }
    command = RecordReceivedInvoice(**{**fields, **changes})
    return record_received_invoice(command, actor=actor, uow=uow, now=NOW)


def test_what_says_just_what_the_settlement_says_is_matched() -> None:
    """The settlement becomes payable by the event, which carries the invoice's own amounts."""
    uow = awaiting()
    view = record(uow)
    assert (view.state, view.gross, view.party_id) == ("matched", cny(95_400), PROVIDER_ID)
    (matched,) = uow.events(ReceivedInvoiceMatched)
    assert (matched.net, matched.tax, matched.settlement_id) == (view.net, view.tax, view.settlement_id)


def test_what_differs_is_kept_as_rejected_and_may_be_mended() -> None:
    """The party is told why, and another invoice with the right amounts is taken."""
    uow = awaiting()
    view = record(uow, tax=cny(5_401))
    assert (view.state, view.reason) == ("rejected", "tax_differs")
    assert [event.reason for event in uow.events(ReceivedInvoiceRejected)] == ["tax_differs"]
    assert record(uow, number="24500000000012345679").state == "matched"


def test_an_invoice_of_a_day_to_come_is_refused() -> None:
    """By the day in Shanghai, where NOW is 16:00; nothing is kept of it, and the number stays free."""
    uow = awaiting()
    for day in (date(2026, 11, 24), date(2027, 11, 23)):
        with pytest.raises(IssuedInFuture):
            record(uow, issued_on=day)
    assert not uow.received_invoices.rows
    assert record(uow, issued_on=date(2026, 11, 23)).state == "matched"


def test_net_and_tax_in_two_currencies_make_no_invoice() -> None:
    """They have no total: it is refused, not kept as rejected, and the number stays free."""
    uow = awaiting()
    with pytest.raises(CurrencyMismatch):
        record(uow, tax=Money(5_400, "USD"))
    assert record(uow).state == "matched"


def test_another_currency_is_rejected_with_that_reason() -> None:
    """Also of an ordinary invoice, of which only the total counts."""
    assert record(awaiting(), net=Money(90_000, "USD"), tax=Money(5_400, "USD")).reason == "currency_differs"
    uow = awaiting(special=False)
    view = record(uow, kind="ordinary", net=Money(90_000, "USD"), tax=Money(5_400, "USD"))
    assert (view.state, view.reason) == ("rejected", "currency_differs")


def test_one_number_of_a_party_counts_once() -> None:
    """
    A mistyped amount is recorded anew, under the number that the paper has; what has matched is not handed in again,
    not for another statement either. Another party may use the number.
    """
    uow = awaiting()
    assert [record(uow, tax=cny(5_401)).state, record(uow, net=cny(90_001)).state] == ["rejected", "rejected"]
    assert record(uow).state == "matched"
    with pytest.raises(SettlementAlreadyMatched):
        record(uow)
    second = settlement_closed(settlement_id=CATALOGUE_OPERATOR.organisation_id, number="ST-2026-000003")
    settlement.keep_copy(second, uow=uow, now=NOW)
    for tax in (cny(5_400), cny(5_401)):
        with pytest.raises(AlreadyRecorded):
            record(uow, settlement_number="ST-2026-000003", tax=tax)
    other = settlement_closed(party_id=OTHER_PROVIDER_ID, settlement_id=OTHER_PROVIDER_ID, number="ST-2026-000002")
    settlement.keep_copy(other, uow=uow, now=NOW)
    assert record(uow, OTHER_PROVIDER_FINANCE, settlement_number="ST-2026-000002").state == "matched"


def test_a_settlement_is_matched_once() -> None:
    """A second invoice over the same settlement is refused, whoever hands it in."""
    uow = awaiting()
    record(uow)
    with pytest.raises(SettlementAlreadyMatched):
        record(uow, FINANCE_OPERATOR, number="24500000000012345679")
    assert len(uow.events(ReceivedInvoiceMatched)) == 1


@pytest.mark.parametrize("actor", [OTHER_PROVIDER_FINANCE, STATION_MANAGER, CUSTOMER_FINANCE])
def test_anothers_settlement_does_not_exist(actor: Actor) -> None:
    """A foreign number and one that there is not are told apart by nobody."""
    uow = awaiting()
    with pytest.raises(NotFound):
        record(uow, actor)
    with pytest.raises(NotFound):
        record(uow, actor, settlement_number="ST-2026-999999")
    assert uow.received_invoices.rows == {}


@pytest.mark.parametrize("actor", [TECHNICIAN, CATALOGUE_OPERATOR])
def test_the_role_counts_too(actor: Actor) -> None:
    """Being of the right organisation is not enough."""
    with pytest.raises(NotAllowed):
        record(awaiting(), actor)


def test_the_operator_may_record_for_a_party_and_a_station_for_itself() -> None:
    """Whoever hands it in, it is the party's invoice."""
    assert record(awaiting(), FINANCE_OPERATOR).party_id == PROVIDER_ID
    uow = awaiting(kind="station", party_id=STATION_ID, net=7_000, tax=420)
    view = record(uow, STATION_MANAGER, net=cny(7_000), tax=cny(420))
    assert (view.state, view.party_id) == ("matched", STATION_ID)
