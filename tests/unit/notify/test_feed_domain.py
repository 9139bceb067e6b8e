"""What of an event goes into whose view."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from services.notify.domain.feed import FEED, OPERATOR_VIEW, entries_for, pick, view_of
from services.shared.kernel.ids import derived_id
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.registry import events
from tests.kit.fakes_invoicing import CUSTOMER_ID, PROVIDER_ID, STATION_ID, terms
from tests.kit.fakes_notify import CUSTOMER_VIEW, PROVIDER_VIEW, STATION_VIEW
from tests.kit.notify_events import FEE_BPS, STATION_BPS, an_event

NEVER_TO_A_PARTY = {"fee_bps", "station_bps", "station_id", "station_tax", "commission_plan_id", "entries", "fee"}
COMMISSION, STATION_SHARE = 12_340, 7_007  # 12.34 % of 1,000.00; 56.78 % of that


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every innermost value with the name it stands under."""
    if isinstance(value, dict):
        for key, inside in value.items():
            yield key, None
            yield from leaves(inside, key)
    elif isinstance(value, list):
        for inside in value:
            yield from leaves(inside, name)
    else:
        yield name, value


def entries(wire_name: str, **changes: Any) -> dict[str, Any]:
    return dict(entries_for(wire_name, an_event(wire_name, **changes).model_dump(mode="json")))


@pytest.mark.parametrize("wire_name", FEED)
def test_the_operator_gets_every_event_whole_and_first(wire_name: str) -> None:
    """The operator's view is locked first by every writer, so it must be in every event's views."""
    found = entries(wire_name)
    assert next(iter(found)) == OPERATOR_VIEW
    assert found[OPERATOR_VIEW] == an_event(wire_name).model_dump(mode="json")


@pytest.mark.parametrize("wire_name", FEED)
def test_the_table_names_fields_that_there_are(wire_name: str) -> None:
    """A field of the table that no event has would be a promise that nobody keeps."""
    data = an_event(wire_name).model_dump(mode="json")
    for each in FEED[wire_name]:
        assert each.party in data
        for path in each.fields:
            head, _, rest = path.partition(".")
            inside = data[head][0] if isinstance(data[head], list) else data[head]
            assert not rest or rest in inside, path


@pytest.mark.parametrize("wire_name", FEED)
def test_fee_commission_and_station_share_reach_no_party(wire_name: str) -> None:
    """Neither under their names nor as figures."""
    found = entries(wire_name)
    for view in set(found) - {OPERATOR_VIEW}:
        said = list(leaves(found[view]))
        assert not NEVER_TO_A_PARTY & {name for name, _ in said}, view
        assert not {FEE_BPS, STATION_BPS, COMMISSION, STATION_SHARE} & {
            value for _, value in said if isinstance(value, int)
        }


@pytest.mark.parametrize("wire_name", ["order.contracted.v1", "order.accepted.v1"])
def test_a_provider_sees_its_share_and_a_customer_its_price(wire_name: str) -> None:
    """Neither sees the other's: 1,000.00 net less 12.34 % is 876.60, and 52.60 tax on it."""
    found = entries(wire_name)
    provider, customer = found[PROVIDER_VIEW], found[CUSTOMER_VIEW]
    assert provider["share"] == {
        "net": {"amount": 87_660, "currency": "CNY"},
        "tax": {"amount": 5_260, "currency": "CNY"},
    }
    assert "amounts" not in provider
    figures = {value for _, value in leaves(provider)}
    assert not {100_000, 106_000, 50_000, 6_000} & figures
    assert customer["amounts"]["gross"] == {"amount": 106_000, "currency": "CNY"}
    assert "share" not in customer
    assert not {87_660, 5_260} & {value for _, value in leaves(customer)}


def test_a_provider_without_special_invoices_is_paid_no_tax_on_top() -> None:
    """Its ordinary invoice is all-in."""
    profile = TaxProfile("small_scale_3_reduced_1", can_issue_special=False)
    found = entries("order.accepted.v1", terms=terms(provider_tax=profile))
    assert found[PROVIDER_VIEW]["share"]["tax"]["amount"] == 0


def test_a_provider_that_sells_has_of_the_tax_what_the_commission_leaves() -> None:
    """60.00 of the customer less 7.40 on a commission of 123.40."""
    found = entries("order.accepted.v1", terms=terms(collection_model="agent_direct", commission_rate_bps=600,
                                                     fee_bps=1_234))  # fmt: skip
    assert found[PROVIDER_VIEW]["share"]["net"]["amount"] == 87_660
    assert found[PROVIDER_VIEW]["share"]["tax"]["amount"] == 6_000 - 740


@pytest.mark.parametrize(
    "wire_name", [name for name, slices in FEED.items() if slices and name.startswith(("settlement.", "payout."))]
)
def test_a_stations_settlement_is_in_the_stations_view_alone(wire_name: str) -> None:
    """Another party's amounts reach nobody else."""
    found = entries(wire_name, party_id=STATION_ID, party_kind="station")
    assert set(found) == {OPERATOR_VIEW, STATION_VIEW}


def test_who_is_invoiced_reads_by_when_to_pay_and_why_there_is_a_second() -> None:
    """A provider has a further invoice over the commission of one order where a refund made it rise."""
    refund_id = derived_id("refund", 1)
    found = entries("invoice.issued.v1", customer_id=PROVIDER_ID, due_on=date(2027, 1, 4), refund_id=refund_id)
    assert (found[PROVIDER_VIEW]["due_on"], found[PROVIDER_VIEW]["refund_id"]) == ("2027-01-04", str(refund_id))


@pytest.mark.parametrize(
    "wire_name", ["ledger.posted.v1", "tax_point.reached.v1", "bank_line.in_suspense.v1", "settlement.orders_paid.v1"]
)
def test_the_companys_books_are_the_companys(wire_name: str) -> None:
    assert set(entries(wire_name)) == {OPERATOR_VIEW}


def test_all_of_billings_and_invoicings_facts_are_in_the_feed() -> None:
    """A new event of theirs is decided upon, not forgotten."""
    stated = {name for name, kind in events().items() if kind.source in {"billing", "invoicing"}}
    assert stated <= set(FEED)


def test_an_organisation_on_both_sides_gets_an_event_once() -> None:
    """One entry for one event in one view, or its sequence would count it twice."""
    found = entries("order.released.v1", provider_id=CUSTOMER_ID)
    assert set(found) == {OPERATOR_VIEW, view_of(CUSTOMER_ID)}
    assert view_of(PROVIDER_ID) not in found


def test_picking_goes_through_lists_and_keeps_nulls() -> None:
    data = {"a": [{"b": 1, "c": 2}, {"b": 3}], "d": None, "e": {"f": {"g": 1, "h": 2}}}
    assert pick(data, ("a.b", "d.x", "e.f.g")) == {"a": [{"b": 1}, {"b": 3}], "d": None, "e": {"f": {"g": 1}}}
