"""Whatever a commission does from refund to refund, red letters take back of its invoices just what it falls by."""

from hypothesis import given
from hypothesis import strategies as st

from services.invoicing.domain.invoice import Contents, Invoice, PartyOnInvoice, Taken
from services.invoicing.domain.red_letter import spread
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.kernel.rate import share
from tests.kit.fakes_invoicing import NOW, cny

NOBODY = PartyOnInvoice("", "", "", "", "")


def an_invoice(n: int, net: int, tax: int) -> Invoice:
    contents = Contents(
        number=f"INV-2026-{n:06d}", dated_at=NOW, accepted_at=NOW, order_number="", contract_number="",
        payment_method="offset", seller=NOBODY, buyer=NOBODY, lines=(), net=cny(net), tax=cny(tax), tax_rate_bps=600,
        paid=cny(0),
    )  # fmt: skip
    return Invoice(derived_id("invoice", n), derived_id("order"), derived_id("provider"), contents=contents)


@given(st.lists(st.integers(0, 400), min_size=2, max_size=8), st.sampled_from([0, 100, 300, 600, 1_300]))
def test_every_course_can_be_taken_back_to_nothing(course: list[int], bps: int) -> None:
    """Its tax is of what is left of it, rounded: a fen here or there. At the end all invoices are wholly taken back."""
    invoices: list[Invoice] = []
    stands = (0, 0)
    for net in (*course, 0):
        goes = (net, share(net, bps))
        less = Money(stands[0] - goes[0], "CNY"), Money(stands[1] - goes[1], "CNY")
        if less[0].amount < 0:
            invoices.append(an_invoice(len(invoices), -less[0].amount, -less[1].amount))
        elif less[0].amount > 0:
            parts = spread(invoices, *less)
            assert (sum(each[1].amount for each in parts), sum(each[2].amount for each in parts)) == (
                less[0].amount, less[1].amount,
            )  # fmt: skip
            for invoice, taken, tax in parts:
                assert taken.amount > 0
                invoice.ask_red(taken, tax)
        stands = goes
        assert all(min(each.left.net, each.left.tax) >= 0 for each in invoices)
    assert [each.left for each in invoices] == [Taken()] * len(invoices)
