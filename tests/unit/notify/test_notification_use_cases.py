"""Who is told what."""

from string import Formatter
from uuid import UUID

import pytest

from services.notify.domain.notification import AUDIENCES
from services.notify.subscriptions import subscriptions
from services.notify.use_cases import organisation, reference
from services.notify.use_cases.notification import SEND_MAIL, tell
from services.shared.kernel.errors import NotYet
from services.shared.messages.identity.member import MemberJoined, MemberRemoved
from services.shared.messages.registry import events
from tests.kit.fakes_invoicing import (
    CUSTOMER_ID,
    NOW,
    OPERATOR_ID,
    ORDER_ID,
    PROVIDER_ID,
    SETTLEMENT_ID,
    STATION_ID,
    cny,
)
from tests.kit.fakes_notify import FakeNotify, a_member, with_organisations
from tests.kit.notify_events import an_event


def told(name: str, **changes: object) -> FakeNotify:
    uow = with_organisations(FakeNotify())
    tell(an_event(name, **changes), uow=uow, now=NOW)
    return uow


def receivers(uow: FakeNotify) -> set[object]:
    return {notification.organisation_id for notification in uow.notifications.rows.values()}


@pytest.mark.parametrize("name", AUDIENCES)
def test_every_text_is_whole_in_both_languages(name: str) -> None:
    """One line of subject, some lines of text, nothing left of a template, a link into the portal."""
    uow = told(name)
    assert uow.notifications.rows
    for notification in uow.notifications.rows.values():
        assert notification.link.startswith("/")
        for language in ("zh", "en"):
            words = notification.words[language]
            assert words.subject
            assert words.body
            assert "\n" not in words.subject
            assert not any(left in words.subject + words.body for left in ("{", "}", "None", "Undefined"))
        assert notification.words["zh"] != notification.words["en"]


@pytest.mark.parametrize("name", AUDIENCES)
def test_links_name_fields_that_the_event_has(name: str) -> None:
    for audience in AUDIENCES[name]:
        for _, field, _, _ in Formatter().parse(audience.link):
            assert field is None or field in events()[name].model_fields


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("quotation_request.opened.v1", {PROVIDER_ID}),
        ("quotation.sent.v1", {CUSTOMER_ID}),
        ("quotation.countered.v1", {PROVIDER_ID}),
        ("contract.rendered.v1", {CUSTOMER_ID, PROVIDER_ID, OPERATOR_ID}),
        ("webhook_endpoint.disabled.v1", {CUSTOMER_ID}),
        ("payment.opened.v1", {CUSTOMER_ID}),
        ("payment.succeeded.v1", {CUSTOMER_ID}),
        ("order.released.v1", {PROVIDER_ID}),
        ("order.cancelled.v1", {CUSTOMER_ID, PROVIDER_ID}),
        ("shipment.dispatched.v1", {PROVIDER_ID}),
        ("sample.received.v1", {CUSTOMER_ID}),
        ("sample.rejected.v1", {CUSTOMER_ID}),
        ("report.issued.v1", {CUSTOMER_ID}),
        ("order.delivered.v1", {CUSTOMER_ID}),
        ("order.accepted.v1", {PROVIDER_ID, CUSTOMER_ID}),
        ("settlement.closed.v1", {PROVIDER_ID}),
        ("settlement.due.v1", {OPERATOR_ID}),
        ("received_invoice.rejected.v1", {PROVIDER_ID}),
        ("payout.paid.v1", {PROVIDER_ID}),
        ("payout.failed.v1", {PROVIDER_ID, OPERATOR_ID}),
        ("payout.returned.v1", {PROVIDER_ID, OPERATOR_ID}),
        ("invoice.issued.v1", {CUSTOMER_ID}),
        ("invoice.failed.v1", {OPERATOR_ID}),
        ("chargeback.lost.v1", {PROVIDER_ID, OPERATOR_ID}),
    ],
)
def test_the_right_organisations_are_told(name: str, expected: set[object]) -> None:
    assert receivers(told(name)) == expected


def test_a_station_is_told_of_its_own_settlement() -> None:
    assert receivers(told("settlement.closed.v1", party_id=STATION_ID, party_kind="station")) == {STATION_ID}


def test_a_customer_that_accepted_itself_is_not_told_so() -> None:
    """Only when the time ran out does acceptance come as news."""
    assert receivers(told("order.accepted.v1", accepted_by="customer")) == {PROVIDER_ID}


def test_a_provider_is_told_that_it_works_for_less() -> None:
    """Of a chargeback lost while it may be working, with what is left to earn; else it is finance's alone."""
    uow = told("chargeback.lost.v1")
    words = {each.organisation_id: each.words["en"].subject + each.words["en"].body
             for each in uow.notifications.rows.values()}  # fmt: skip
    assert all("CNY 450.00" in each for each in words.values())
    assert "hargeback" not in words[PROVIDER_ID]
    assert "CNY 1,060.00" not in words[PROVIDER_ID], "what the customer paid is not the provider's"
    over = told("chargeback.lost.v1", at_work=False)
    assert receivers(over) == {OPERATOR_ID}
    assert "CNY 450.00" not in next(iter(over.notifications.rows.values())).words["en"].body


def test_those_who_hold_a_role_get_a_mail_each() -> None:
    """A colleague without one of the roles does not; another organisation's member does not."""
    uow = with_organisations(FakeNotify())
    wanted = [a_member(CUSTOMER_ID, "requester"), a_member(CUSTOMER_ID, "approver", language="en")]
    for member in (*wanted, a_member(CUSTOMER_ID, "customer_finance"), a_member(PROVIDER_ID, "requester")):
        uow.members.put(member)
    tell(an_event("quotation.sent.v1"), uow=uow, now=NOW)
    assert {payload["recipient"] for _, payload in uow.calls.values()} == {str(each.member_id) for each in wanted}
    assert {kind for kind, _ in uow.calls.values()} == {SEND_MAIL}


@pytest.mark.parametrize("name", ["invoice.issued.v1", "red_letter.issued.v1"])
def test_who_is_invoiced_may_be_a_provider_that_sold(name: str) -> None:
    """Its finance gets the mail over its commission, and not whoever reads the organisation's."""
    uow = with_organisations(FakeNotify())
    wanted = a_member(PROVIDER_ID, "provider_finance")
    uow.members.put(wanted)
    tell(an_event(name, customer_id=PROVIDER_ID), uow=uow, now=NOW)
    assert [payload["recipient"] for _, payload in uow.calls.values()] == [str(wanted.member_id)]


def test_one_invoice_over_several_orders_is_one_mail() -> None:
    """It is told for each order: of the first one alone people hear, and of the whole sum."""
    (notification,) = told("invoice.issued.v1", orders=3, total=cny(3_210)).notifications.rows.values()
    for language in ("zh", "en"):
        assert "CNY 32.10" in notification.words[language].subject
        assert "OR-2026-000001" not in notification.words[language].body
    assert not told("invoice.issued.v1", orders=3, total=cny(3_210), first=False).notifications.rows


@pytest.mark.parametrize(
    ("number", "en", "zh"),
    [
        ("", "form for invoice INV-2026-000001", "确认单已作废"),
        ("5000112611000123", "form 5000112611000123 for invoice", "确认单 5000112611000123 已作废"),
    ],
)
def test_a_form_that_was_never_taken_has_no_number(number: str, en: str, zh: str) -> None:
    (notification,) = told("red_letter.refused.v1", form_number=number).notifications.rows.values()
    assert en in notification.words["en"].body
    assert zh in notification.words["zh"].body


@pytest.mark.parametrize(("count", "said"), [(1, "1 day"), (8, "8 days")])
def test_a_day_is_not_days(count: int, said: str) -> None:
    """The first reminder, and the first time that finance is told anew, come after one."""
    for name in ("commission.reminded.v1", "receivable.reminded.v1"):
        (notification,) = told(name, days_overdue=count).notifications.rows.values()
        assert f"by 2027-01-04, {said} ago." in notification.words["en"].body
        assert "最迟应于 2027-01-04" in notification.words["zh"].body
    for name in ("invoice.failed.v1", "red_letter.failed.v1"):
        (notification,) = told(name, days=count).notifications.rows.values()
        assert notification.words["en"].subject.endswith(f"could not be issued, for {said}")


def test_commission_may_be_overdue_without_an_invoice() -> None:
    """Where the channel was to split it off, its invoice names no day."""
    for number, en in (("", "OR-2026-000001 was to be"), ("INV-2026-000001", "INV-2026-000001, was to be")):
        (notification,) = told("commission.reminded.v1", invoice_number=number).notifications.rows.values()
        assert en in notification.words["en"].body


def test_where_nobody_holds_the_role_the_organisation_is_written_to() -> None:
    """What must be known is not lost because a role is vacant."""
    uow = told("payment.opened.v1")
    assert [payload["recipient"] for _, payload in uow.calls.values()] == ["organisation"]


def test_the_same_fact_is_told_once() -> None:
    """A second delivery adds neither a notification nor a mail."""
    uow = with_organisations(FakeNotify())
    for _ in range(3):
        tell(an_event("order.delivered.v1"), uow=uow, now=NOW)
    assert (len(uow.notifications.rows), len(uow.calls)) == (1, 1)


def test_a_rejected_sample_comes_with_its_reason_once_each_time() -> None:
    """In both languages, since it says what to do; delivered twice it is one; rejected anew it is news."""
    uow = with_organisations(FakeNotify())
    event = an_event("sample.rejected.v1", reason="瓶口破损 leaking")
    for _ in range(2):
        tell(event, uow=uow, now=NOW)
    (notification,) = uow.notifications.rows.values()
    for language in ("zh", "en"):
        for said in ("S-000001", "瓶口破损 leaking", "OR-2026-000001"):
            assert said in notification.words[language].subject + notification.words[language].body
    assert len(uow.calls) == 1
    tell(event, uow=uow.as_event(), now=NOW)
    assert (len(uow.notifications.rows), len(uow.calls)) == (2, 2)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("quotation.sent.v1", PROVIDER_ID),
        ("quotation.sent.v1", OPERATOR_ID),
        ("sample.received.v1", ORDER_ID),
        ("received_invoice.rejected.v1", SETTLEMENT_ID),
    ],
)
def test_what_a_text_needs_is_waited_for(name: str, missing: UUID) -> None:
    """No mail goes out with a hole where a name belongs."""
    uow = with_organisations(FakeNotify())
    uow.organisations.rows.pop(missing, None)
    uow.references.orders.pop(missing, None)
    uow.references.settlements.pop(missing, None)
    with pytest.raises(NotYet):
        tell(an_event(name), uow=uow, now=NOW)
    assert (uow.notifications.rows, uow.calls) == ({}, {})


def test_a_settlement_for_which_no_invoice_is_awaited_is_known_by_its_being_payable() -> None:
    """Nobody tells that it is closed; what is paid of it is told all the same."""
    uow = with_organisations(FakeNotify())
    uow.references.settlements.clear()
    payable = an_event("settlement.payable.v1")
    kept = [each.use_case for each in subscriptions() if each.event is type(payable)]
    assert reference.keep_settlement in kept
    for use_case in kept:
        use_case(payable, uow=uow, now=NOW)
    tell(an_event("payout.paid.v1"), uow=uow, now=NOW)
    assert receivers(uow) == {PROVIDER_ID}


def test_a_bank_transfer_names_account_and_reference_and_a_card_does_not() -> None:
    """The reference is how the money finds its order."""
    (by_bank,) = told("payment.opened.v1").notifications.rows.values()
    for language in ("zh", "en"):
        for said in ("YQ-7K2M-9", "1239065188101010", "CNY 1,060.00", "OR-2026-000001"):
            assert said in by_bank.words[language].body
    (by_card,) = told("payment.opened.v1", method="card", reference=None).notifications.rows.values()
    assert "1239065188101010" not in by_card.words["zh"].body + by_card.words["en"].body


def test_a_settlement_says_which_invoice_is_awaited() -> None:
    """Net and tax apart for a special invoice, the total alone for an ordinary one."""
    (special,) = told("settlement.closed.v1").notifications.rows.values()
    assert "专用发票" in special.words["zh"].body
    assert "CNY 5,400" not in special.words["zh"].body
    assert "CNY 54.00" in special.words["zh"].body
    (ordinary,) = told("settlement.closed.v1", special_invoice=False).notifications.rows.values()
    assert "普通发票" in ordinary.words["zh"].body
    assert "CNY 54.00" not in ordinary.words["zh"].body


def test_no_text_to_a_customer_or_provider_names_fee_or_commission() -> None:
    """Texts see the whole event; what they say must not be more than the feed says."""
    for name in AUDIENCES:
        for notification in told(name).notifications.rows.values():
            said = " ".join(words.body for words in notification.words.values())
            assert not any(secret in said for secret in ("12.34", "123.40", "70.07", "876.60"))


def test_a_removed_member_is_forgotten() -> None:
    """Their name and address are gone, and so are their mails from then on."""
    uow = with_organisations(FakeNotify())
    member = a_member(CUSTOMER_ID, "requester")
    joined = MemberJoined(
        member_id=member.member_id, organisation_id=CUSTOMER_ID, name="王芳", mail="w@example.org", language="zh",
        roles=("requester",),
    )  # fmt: skip
    organisation.keep_member(joined, uow=uow, now=NOW)
    assert len(uow.members.rows) == 1
    removed = MemberRemoved(member_id=member.member_id, organisation_id=CUSTOMER_ID)
    organisation.forget_member(removed, uow=uow, now=NOW)
    assert uow.members.rows == {}
