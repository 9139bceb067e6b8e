"""A refund of what is invoiced: a form, its states in any order, then a red-letter invoice."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.invoicing.domain.invoice import MoreThanInvoiced
from services.invoicing.domain.red_form import FormNotByHand, FormNumberDiffers, SameHands
from services.invoicing.domain.red_letter import RedLetter
from services.invoicing.use_cases import red_form, red_letter
from services.invoicing.use_cases.invoice import invoice_order, record_documents
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import Money
from services.shared.messages.billing.refund import RefundAgreed
from services.shared.messages.invoicing.red_letter import (
    ConfirmRedForm,
    RecordRedForm,
    RedLetterEscalated,
    RedLetterFailed,
    RedLetterIssued,
    RedLetterRefused,
    RedLetterRequested,
    RefuseRedForm,
    RequestRedForm,
)
from tests.kit.fakes_invoicing import (
    CATALOGUE_OPERATOR,
    CUSTOMER_FINANCE,
    CUSTOMER_ID,
    FINANCE_OPERATOR,
    NOW,
    OPERATOR_ID,
    ORDER_ID,
    FakeInvoicing,
    an_actor,
    cny,
    contracted,
    recognised,
)
from tests.unit.invoicing.test_invoice_use_cases import INVOICE_ID, MADE, ready

SECOND_OPERATOR = an_actor(OPERATOR_ID, "finance_operator", operator=True)
NUMBER = "5000112611000123"


def agreed(
    net: int = 100_000, tax: int = 6_000, n: int = 1, *, invoiced: bool = True, currency: str = "CNY"
) -> RefundAgreed:
    return RefundAgreed(
        refund_id=derived_id("refund", n), number=f"RF-2026-{n:06d}", order_id=ORDER_ID, order_number="OR-2026-000001",
        customer_id=CUSTOMER_ID, cause="manual", net=Money(net, currency), tax=Money(tax, currency),
        gross=Money(net + tax, currency), on_account=Money(0, currency), paid_back=Money(net + tax, currency),
        invoiced=invoiced,
    )  # fmt: skip


def red_letter_id(n: int = 1) -> UUID:
    return derived_id("red_letter", derived_id("refund", n))


def invoiced() -> FakeInvoicing:
    """One order is invoiced; nothing else is known of it."""
    uow = ready()
    invoice_order(recognised(contracted()), uow=uow, now=NOW)
    record_documents(uow.calls[0][2], MADE, uow=uow, now=NOW)
    uow.calls.clear()
    uow.published.clear()
    return uow


def asked(*refunds: RefundAgreed, platform: bool = True) -> FakeInvoicing:
    uow = invoiced()
    for event in refunds or (agreed(),):
        red_letter.refund_agreed(event, uow=uow, now=NOW, platform=platform)
    return uow


def tell(
    uow: FakeInvoicing, state: str, *, attempt: int = 1, n: int = 1, number: str = "", now: datetime = NOW
) -> None:
    """The platform answers so of the form of refund *n*."""
    payload = {"red_letter_id": str(red_letter_id(n)), "attempt": attempt}
    outcome = {"number": number or f"{NUMBER}{n}{attempt}", "state": state, "entered_at": NOW.isoformat()}
    red_letter.note_form(payload, outcome, uow=uow, now=now)


def made(uow: FakeInvoicing, outcome: Mapping[str, Any] = MADE, n: int = 1) -> None:
    """The documents of refund *n*'s red letter are made."""
    payload = {"red_letter_id": str(red_letter_id(n)), "invoice_id": str(INVOICE_ID)}
    red_letter.record_documents(payload, outcome, uow=uow, now=NOW)


def row(uow: FakeInvoicing, n: int = 1) -> RedLetter:
    return uow.red_letters.rows[red_letter_id(n)]


def kinds(uow: FakeInvoicing) -> list[str]:
    return [kind for kind, _, _ in uow.calls]


def test_what_is_not_invoiced_needs_no_red_letter() -> None:
    """Before acceptance the invoice is simply over less."""
    uow = asked(agreed(invoiced=False))
    assert (uow.red_letters.rows, uow.calls, uow.published) == ({}, [], [])


def test_a_refund_of_what_is_invoiced_asks_for_a_form_once() -> None:
    """However often it is told; the platform is given what is taken back and of which invoice."""
    uow = asked(agreed(33_333, 2_000), agreed(33_333, 2_000))
    ((kind, _, payload),) = uow.calls
    assert (kind, payload["invoice_number"], payload["net"], payload["tax"]) == (
        "submit_red_form", "INV-2026-000001", 33_333, 2_000,
    )  # fmt: skip
    (requested,) = uow.events(RedLetterRequested)
    assert (requested.net, requested.tax, requested.gross) == (cny(-33_333), cny(-2_000), cny(-35_333))
    assert uow.invoices.rows[INVOICE_ID].state == "red_pending"


@pytest.mark.parametrize("state", ["01", "04"])
def test_a_confirmed_form_makes_a_red_letter(state: str) -> None:
    """It has its number at once, in a series of its own; it is issued, and told, with its documents."""
    uow = asked()
    tell(uow, state)
    assert (row(uow).state, row(uow).number) == ("issuing", "RED-2026-000001")
    assert uow.events(RedLetterIssued) == []
    contents = row(uow).contents
    assert contents is not None
    assert contents.credits is not None
    assert (contents.credits.number, contents.credits.form_number) == ("INV-2026-000001", f"{NUMBER}11")
    for _ in range(2):
        made(uow)
    (issued,) = uow.events(RedLetterIssued)
    assert (issued.number, issued.gross, issued.form_state) == ("RED-2026-000001", cny(-106_000), state)
    assert uow.invoices.rows[INVOICE_ID].state == "reversed"


def test_a_form_that_waits_for_the_buyer_makes_nothing_yet() -> None:
    """02: what became of it is asked every hour, and when it should have lapsed."""
    uow = asked()
    tell(uow, "02")
    assert (row(uow).state, row(uow).number) == ("unconfirmed", "")
    timer = ("check_red_form", str(red_letter_id()))
    assert uow.timers[timer] == NOW + timedelta(hours=1)
    for hours in (1, 2, 3):
        red_letter.check_form(str(red_letter_id()), uow=uow, now=NOW + timedelta(hours=hours))
        tell(uow, "02", now=NOW + timedelta(hours=hours))
    assert kinds(uow) == ["submit_red_form"] + ["ask_red_form"] * 3
    tell(uow, "02", now=NOW + timedelta(hours=71, minutes=30))
    assert uow.timers[timer] == NOW + timedelta(hours=72)
    tell(uow, "02", now=NOW + timedelta(hours=72))
    assert uow.timers[timer] == NOW + timedelta(hours=72, minutes=10)


def test_tv23_the_buyer_lets_it_lapse_and_then_confirms() -> None:
    """Form 02, day 3: 07, asked for anew, 04; only then red -1,000.00 / -60.00."""
    uow = asked()
    tell(uow, "02")
    tell(uow, "07", now=NOW + timedelta(days=3))
    assert (row(uow).state, row(uow).lapses, uow.events(RedLetterEscalated)) == ("requested", 1, [])
    assert [payload["reference"] for _, _, payload in uow.calls] == [f"{red_letter_id()}-{n}" for n in (1, 2)]
    tell(uow, "02", attempt=2)
    tell(uow, "04", attempt=2)
    made(uow)
    (issued,) = uow.events(RedLetterIssued)
    assert (issued.net, issued.tax, issued.form_number) == (cny(-100_000), cny(-6_000), f"{NUMBER}12")


def test_the_second_lapse_is_told_to_staff() -> None:
    """And every one after it; a form is asked for all the same."""
    uow = asked()
    for attempt in (1, 2, 3):
        tell(uow, "02", attempt=attempt)
        tell(uow, "07", attempt=attempt)
    assert [(event.lapses, event.form_number) for event in uow.events(RedLetterEscalated)] == [
        (2, f"{NUMBER}12"), (3, f"{NUMBER}13"),
    ]  # fmt: skip
    assert kinds(uow) == ["submit_red_form"] * 4
    assert row(uow).state == "requested"


@pytest.mark.parametrize("first", ["01", "04", "05", "07"])
@pytest.mark.parametrize("later", ["02", "03", "04", "05", "07"])
def test_old_news_changes_nothing(first: str, later: str) -> None:
    """What comes twice or out of order: a form that is decided does not wait again, and none is asked for twice."""
    uow = asked()
    tell(uow, first)
    before = (row(uow).state, kinds(uow), len(uow.published))
    tell(uow, later)
    tell(uow, first)
    assert (row(uow).state, kinds(uow), len(uow.published)) == before
    assert uow.number_series.last.get(("RED", 2026), 0) == (first in {"01", "04"})


@pytest.mark.parametrize("state", ["05", "06", "08", "09", "10"])
def test_a_void_form_is_told_to_staff_who_may_ask_again(state: str) -> None:
    """The refund waits meanwhile; another form takes it up."""
    uow = asked()
    tell(uow, state)
    (refused,) = uow.events(RedLetterRefused)
    assert (row(uow).state, refused.problem) == ("refused", state)
    wanted = RequestRedForm(red_letter_id=red_letter_id())
    red_form.request_red_form(wanted, actor=FINANCE_OPERATOR, uow=uow, now=NOW, platform=True)
    with pytest.raises(WrongState):
        red_form.request_red_form(wanted, actor=FINANCE_OPERATOR, uow=uow, now=NOW, platform=True)
    tell(uow, "01", attempt=2)
    assert (row(uow).state, row(uow).problem) == ("issuing", "")


def test_what_the_platform_does_not_take_is_told_in_its_words() -> None:
    uow = asked()
    payload = {"red_letter_id": str(red_letter_id()), "attempt": 1}
    red_letter.note_form(payload, {"refused": "invoice_unknown: no such invoice"}, uow=uow, now=NOW)
    (refused,) = uow.events(RedLetterRefused)
    assert (refused.problem, refused.form_number) == ("invoice_unknown: no such invoice", "")


def test_another_number_for_the_same_form_is_not_followed() -> None:
    """Whose confirmation would that be?"""
    uow = asked()
    tell(uow, "02")
    tell(uow, "04", number="9999000000000000")
    assert (row(uow).state, row(uow).number) == ("refused", "")


def test_before_the_invoice_has_a_number_the_event_waits() -> None:
    with pytest.raises(NotYet):
        red_letter.refund_agreed(agreed(), uow=ready(), now=NOW)


def test_before_the_invoice_has_documents_no_form_is_asked_for() -> None:
    """Then it is; and where they cannot be made, it never is."""
    uow = ready()
    invoice_order(recognised(contracted()), uow=uow, now=NOW)
    red_letter.refund_agreed(agreed(33_333, 2_000), uow=uow, now=NOW, platform=True)
    assert (row(uow).state, kinds(uow)) == ("waiting", ["issue_invoice"])
    record_documents(uow.calls[0][2], MADE, uow=uow, now=NOW, platform=True)
    assert (row(uow).state, kinds(uow)) == ("requested", ["issue_invoice", "submit_red_form"])
    assert uow.invoices.rows[INVOICE_ID].state == "red_pending"


def test_three_thirds_take_back_the_whole_and_no_fen_more() -> None:
    """TV10; the invoice is pending while any of them is, and reversed with the last."""
    thirds = [(33_333, 2_000), (33_333, 2_000), (33_334, 2_000)]
    uow = asked(*(agreed(net, tax, n) for n, (net, tax) in enumerate(thirds, 1)))
    states = []
    for n in (2, 1, 3):
        tell(uow, "01", n=n)
        made(uow, n=n)
        states.append(uow.invoices.rows[INVOICE_ID].state)
    assert states == ["red_pending", "red_pending", "reversed"]
    issued = uow.events(RedLetterIssued)
    assert sum(event.gross.amount for event in issued) == -106_000
    assert [event.number for event in issued] == [f"RED-2026-{n:06d}" for n in (1, 2, 3)]
    with pytest.raises(MoreThanInvoiced):
        red_letter.refund_agreed(agreed(1, 0, 4), uow=uow, now=NOW)


@pytest.mark.parametrize(("net", "tax", "currency"), [(100_001, 6_000, "CNY"), (1, 6_001, "CNY"), (1, 0, "USD")])
def test_more_than_the_invoice_is_never_taken_back(net: int, tax: int, currency: str) -> None:
    with pytest.raises(MoreThanInvoiced):
        asked(agreed(net, tax, currency=currency))


def test_a_part_taken_back_leaves_the_rest_invoiced() -> None:
    uow = asked(agreed(33_333, 2_000))
    tell(uow, "01")
    made(uow)
    assert uow.invoices.rows[INVOICE_ID].state == "partly_reversed"


def test_documents_that_break_the_rules_fail_it() -> None:
    """Its number stays taken, the refund waits, somebody is told."""
    uow = asked()
    tell(uow, "01")
    made(uow, {"findings": ["BR-CO-15: sums"]})
    (failed,) = uow.events(RedLetterFailed)
    assert (failed.number, failed.problem, row(uow).state) == ("RED-2026-000001", "BR-CO-15: sums", "failed")
    assert uow.invoices.rows[INVOICE_ID].state == "red_pending"


# Without a platform: two of staff


def record(uow: FakeInvoicing, actor: Actor = FINANCE_OPERATOR, state: Any = "02") -> None:
    wanted = RecordRedForm(red_letter_id=red_letter_id(), number=NUMBER, state=state)
    red_form.record_red_form(wanted, actor=actor, uow=uow, now=NOW)


def confirm(uow: FakeInvoicing, actor: Actor = SECOND_OPERATOR, number: str = NUMBER) -> None:
    wanted = ConfirmRedForm(red_letter_id=red_letter_id(), number=number)
    red_form.confirm_red_form(wanted, actor=actor, uow=uow, now=NOW)


@pytest.mark.parametrize(("state", "ends"), [("01", "01"), ("02", "04")])
def test_two_of_staff_record_and_confirm_a_form(state: str, ends: str) -> None:
    uow = asked(platform=False)
    assert uow.calls == []
    record(uow, state=state)
    assert uow.events(RedLetterIssued) == []
    confirm(uow)
    made(uow)
    (issued,) = uow.events(RedLetterIssued)
    assert (issued.form_number, issued.form_state) == (NUMBER, ends)


def test_one_alone_takes_nothing_back() -> None:
    """Nor do two who read two numbers, nor a second one before the first."""
    uow = asked(platform=False)
    with pytest.raises(FormNotByHand):
        confirm(uow)
    record(uow)
    with pytest.raises(SameHands):
        confirm(uow, FINANCE_OPERATOR)
    with pytest.raises(FormNumberDiffers):
        confirm(uow, number="5000112611000124")
    with pytest.raises(FormNotByHand):
        record(uow, SECOND_OPERATOR)
    assert (row(uow).state, uow.number_series.last.get(("RED", 2026))) == ("unconfirmed", None)


def test_a_form_of_the_platform_is_not_recorded_by_hand() -> None:
    uow = asked()
    tell(uow, "02")
    for deed in (record, confirm):
        with pytest.raises(FormNotByHand):
            deed(uow)
    with pytest.raises(FormNotByHand):
        red_form.refuse_red_form(
            RefuseRedForm(red_letter_id=red_letter_id(), state="05"), actor=FINANCE_OPERATOR, uow=uow, now=NOW
        )


def test_one_recorded_by_hand_lapses_by_itself() -> None:
    """The buyer said nothing for 72 hours; not a minute before, and never one that waits for staff only."""
    uow = asked(platform=False)
    record(uow)
    assert uow.timers == {("check_red_form", str(red_letter_id())): NOW + timedelta(hours=72)}
    red_letter.check_form(str(red_letter_id()), uow=uow, now=NOW + timedelta(hours=71, minutes=59))
    assert row(uow).state == "unconfirmed"
    red_letter.check_form(str(red_letter_id()), uow=uow, now=NOW + timedelta(hours=72))
    assert (row(uow).state, row(uow).lapses, row(uow).form.source) == ("requested", 1, "staff")
    record(uow, state="01")
    red_letter.check_form(str(red_letter_id()), uow=uow, now=NOW + timedelta(days=30))
    assert row(uow).state == "unconfirmed"


def test_staff_read_that_it_is_void() -> None:
    uow = asked(platform=False)
    record(uow)
    wanted = RefuseRedForm(red_letter_id=red_letter_id(), state="05")
    red_form.refuse_red_form(wanted, actor=SECOND_OPERATOR, uow=uow, now=NOW)
    (refused,) = uow.events(RedLetterRefused)
    assert (refused.form_number, refused.problem) == (NUMBER, "05")
    with pytest.raises(WrongState):
        confirm(uow)


@pytest.mark.parametrize("actor", [CUSTOMER_FINANCE, CATALOGUE_OPERATOR])
def test_only_the_companys_finance_touches_a_form(actor: Actor) -> None:
    uow = asked(platform=False)
    red = red_letter_id()
    deeds = (
        lambda: record(uow, actor),
        lambda: confirm(uow, actor),
        lambda: red_form.refuse_red_form(RefuseRedForm(red_letter_id=red, state="05"), actor=actor, uow=uow, now=NOW),
        lambda: red_form.request_red_form(
            RequestRedForm(red_letter_id=red), actor=actor, uow=uow, now=NOW, platform=False
        ),
    )
    for deed in deeds:
        with pytest.raises((NotAllowed, NotFound)):
            deed()
