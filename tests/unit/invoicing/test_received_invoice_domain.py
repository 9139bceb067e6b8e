"""What a received invoice must say."""

from datetime import date

import pytest

from services.invoicing.domain.received_invoice import InvoiceKind, ReceivedInvoice, SettlementAlreadyMatched
from services.invoicing.domain.settlement import SettlementCopy
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from tests.kit.fakes_invoicing import NOW, PROVIDER_ID, SETTLEMENT_ID


def compared(
    kind: InvoiceKind, net: int, tax: int, *, special: bool, awaits: tuple[int, int], currency: str = "CNY"
) -> ReceivedInvoice:
    settlement = SettlementCopy(
        settlement_id=SETTLEMENT_ID, number="ST-2026-000001", party_kind="provider", party_id=PROVIDER_ID,
        net=Money(awaits[0], "CNY"), tax=Money(awaits[1], "CNY"), gross=Money(sum(awaits), "CNY"),
        special_invoice=special,
    )  # fmt: skip
    invoice = ReceivedInvoice(
        received_invoice_id=new_id(), number="0001", kind=kind, settlement_id=SETTLEMENT_ID,
        settlement_number="ST-2026-000001", party_id=PROVIDER_ID, net=Money(net, currency), tax=Money(tax, currency),
        gross=Money(net + tax, currency), issued_on=date(2026, 11, 23), recorded_at=NOW,
    )  # fmt: skip
    invoice.compare(settlement)
    assert (settlement.matched_by == invoice.received_invoice_id) == (invoice.state == "matched")
    return invoice


@pytest.mark.parametrize(
    ("kind", "net", "tax", "reason"),
    [
        ("special", 90_000, 5_400, ""),
        ("special", 89_999, 5_400, "net_differs"),
        ("special", 90_001, 5_399, "net_differs"),
        ("special", 90_000, 5_399, "tax_differs"),
        ("special", 90_000, 0, "tax_differs"),
        ("ordinary", 90_000, 5_400, "kind_differs"),
        ("ordinary", 95_400, 0, "kind_differs"),
    ],
)
def test_a_special_invoice_is_awaited_to_the_fen(kind: InvoiceKind, net: int, tax: int, reason: str) -> None:
    """We deduct its tax, so net and tax must each be the settlement's."""
    invoice = compared(kind, net, tax, special=True, awaits=(90_000, 5_400))
    assert (invoice.state, invoice.reason) == ("rejected" if reason else "matched", reason)


@pytest.mark.parametrize(
    ("kind", "net", "tax", "reason"),
    [
        ("ordinary", 90_000, 0, ""),
        ("ordinary", 89_109, 891, ""),
        ("ordinary", 90_000, 891, "gross_differs"),
        ("ordinary", 89_999, 0, "gross_differs"),
        ("special", 90_000, 0, "kind_differs"),
    ],
)
def test_an_ordinary_invoice_is_all_in(kind: InvoiceKind, net: int, tax: int, reason: str) -> None:
    """Its own tax inside is the party's affair (test vector TV03 b: 891.09 + 8.91); only the total counts."""
    invoice = compared(kind, net, tax, special=False, awaits=(90_000, 0))
    assert (invoice.state, invoice.reason) == ("rejected" if reason else "matched", reason)


def test_the_same_figures_in_another_currency_are_another_amount() -> None:
    """900.00 dollars do not pay 900.00 yuan."""
    invoice = compared("special", 90_000, 5_400, special=True, awaits=(90_000, 5_400), currency="USD")
    assert invoice.reason == "currency_differs"


def test_a_matched_settlement_takes_no_other_invoice() -> None:
    """One settlement, one invoice: a second would be paid twice."""
    settlement = SettlementCopy(
        SETTLEMENT_ID, "ST-2026-000001", "provider", PROVIDER_ID, Money(1, "CNY"), Money(0, "CNY"), Money(1, "CNY"),
        special_invoice=False, matched_by=new_id(),
    )  # fmt: skip
    invoice = ReceivedInvoice(
        new_id(), "0002", "ordinary", SETTLEMENT_ID, "ST-2026-000001", PROVIDER_ID, Money(1, "CNY"), Money(0, "CNY"),
        Money(1, "CNY"), date(2026, 11, 23), NOW,
    )  # fmt: skip
    with pytest.raises(SettlementAlreadyMatched):
        invoice.compare(settlement)
