"""Mails as they arrive at a mail server."""

from collections.abc import Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import Engine

from services.notify import subscriptions
from services.notify.adapters import queries
from services.notify.adapters.mail import Mail, Mailer, MailRefused, MailUnavailable, deliver, message
from services.notify.config import NotifySettings
from services.notify.domain.notification import Words
from services.notify.domain.reference import SettlementCopy
from services.notify.use_cases.notification import tell
from services.shared.chassis.definition import Work
from services.shared.kernel.ids import new_id
from services.shared.messages.notify.notification import ListNotifications
from tests.integration.notify.database import ServiceDatabases, fill, run_all, transaction
from tests.kit.fakes_invoicing import (
    CUSTOMER_ID,
    NOW,
    OPERATOR_ID,
    OTHER_PROVIDER_FINANCE,
    PROVIDER_ID,
    SETTLEMENT_ID,
    an_actor,
)
from tests.kit.fakes_notify import a_member
from tests.kit.notify_events import an_event
from tests.kit.platform import folder
from tests.kit.waiting import wait_until

MAIL = Mail(
    message_id="<1@yiqi.example>", sender="Yiqi <no-reply@yiqi.example>", to_name="王芳", to_address="w@example.org",
    language="zh", words=Words("主题", "甲\n乙\n\n丙"), link="http://portal.example/orders/1", written_at=NOW,
)  # fmt: skip


@pytest.fixture
def engine(service_database: ServiceDatabases) -> Engine:
    made = service_database("notify").engine()
    fill(made)
    return made


@pytest.fixture
def work(engine: Engine) -> Work:
    return subscriptions.work(NotifySettings())


@pytest.fixture
def mailbox(stack: Mapping[str, str]) -> Path:
    del stack
    return Path(folder()) / "mail"


def arrived(mailbox: Path, seen: set[Path], count: int) -> list[EmailMessage]:
    """The *count* mails that came since *seen*; waits for them 10 s at most."""
    wait_until(lambda: len(set(mailbox.glob("*.eml")) - seen) >= count, timeout_s=10)
    new = sorted(set(mailbox.glob("*.eml")) - seen)
    found = [message_from_bytes(path.read_bytes(), policy=default) for path in new]
    assert len(found) == count
    return [each for each in found if isinstance(each, EmailMessage)]


def test_each_gets_it_in_their_own_language(engine: Engine, work: Work, mailbox: Path) -> None:
    """Plain text and HTML of the same words, a link into the portal, and one mail each."""
    seen = set(mailbox.glob("*.eml"))
    with transaction(engine) as uow:
        uow.members.put(a_member(CUSTOMER_ID, "requester"))
        uow.members.put(a_member(CUSTOMER_ID, "customer_finance", language="en", name="Ann, Lee"))
        uow.members.put(a_member(CUSTOMER_ID, "approver"))
    event_id = new_id()
    for _ in range(2):
        with transaction(engine, event_id) as uow:
            tell(an_event("payment.opened.v1"), uow=uow, now=uow.now)
        run_all(engine, work)
    by_language = {mail["Content-Language"]: mail for mail in arrived(mailbox, seen, 2)}
    chinese, english = by_language["zh"], by_language["en"]
    assert chinese["Subject"] == "订单 OR-2026-000001 待付款：CNY 1,060.00"
    assert english["Subject"] == "Order OR-2026-000001 awaits payment: CNY 1,060.00"
    assert english["To"].addresses[0].display_name == "Ann, Lee"
    assert english["To"].addresses[0].addr_spec == "en.customer_finance@example.org"
    assert chinese["X-Envelope-To"] == "zh.requester@example.org"
    for mail in by_language.values():
        plain, markup = mail.get_body(("plain",)), mail.get_body(("html",))
        assert plain is not None
        assert markup is not None
        for said in ("YQ-7K2M-9", "1239065188101010", "/orders/"):
            assert said in plain.get_content()
            assert said in markup.get_content()
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Date"] is not None
    assert chinese["Message-ID"] != english["Message-ID"]


def test_a_reminder_says_what_is_open_how_to_pay_and_what_follows(engine: Engine, work: Work, mailbox: Path) -> None:
    """The last one says that credit has ended; one that comes twice is one mail."""
    with transaction(engine) as uow:
        uow.members.put(a_member(CUSTOMER_ID, "customer_finance", language="en"))
    for reminder, last, subject in ((1, False, "Reminder"), (2, False, "Second reminder"), (3, True, "Last reminder")):
        seen = set(mailbox.glob("*.eml"))
        event_id = new_id()
        for _ in range(2):
            with transaction(engine, event_id) as uow:
                tell(an_event("receivable.reminded.v1", reminder=reminder, last=last), uow=uow, now=uow.now)
            run_all(engine, work)
        (mail,) = arrived(mailbox, seen, 1)
        assert mail["Subject"] == f"{subject}: invoice INV-2026-000001 is overdue"
        plain = mail.get_body(("plain",))
        assert plain is not None
        text = plain.get_content()
        for said in ("by 2027-01-04, 30 days ago", "CNY 1,060.00", "Payment reference (required): YQ-7K2M-9"):
            assert said in text, said
        assert ("credit line is suspended" in text) == last


@pytest.mark.parametrize("what", ["failed", "returned"])
def test_a_payout_that_was_not_made_is_told_to_both_sides(engine: Engine, work: Work, mailbox: Path, what: str) -> None:
    """Finance is told why and what to do; the party only that it is still owed, and no word of ours."""
    seen = set(mailbox.glob("*.eml"))
    with transaction(engine) as uow:
        uow.members.put(a_member(OPERATOR_ID, "finance_operator", language="zh"))
        uow.members.put(a_member(PROVIDER_ID, "provider_finance", language="en"))
        uow.references.put_settlement(SettlementCopy(SETTLEMENT_ID, "ST-2026-000001", "provider", PROVIDER_ID))
    changes = {"reason": "balance_insufficient"} if what == "failed" else {}
    event_id = new_id()
    for _ in range(2):
        with transaction(engine, event_id) as uow:
            tell(an_event(f"payout.{what}.v1", **changes), uow=uow, now=uow.now)
        run_all(engine, work)
    by_language = {mail["Content-Language"]: mail for mail in arrived(mailbox, seen, 2)}
    finance, party = by_language["zh"], by_language["en"]
    assert finance["X-Envelope-To"] == "zh.finance_operator@example.org"
    assert party["X-Envelope-To"] == "en.provider_finance@example.org"
    texts = {name: mail.get_body(("plain",)) for name, mail in (("finance", finance), ("party", party))}
    said = {name: body.get_content() for name, body in texts.items() if body is not None}
    assert "ST-2026-000001" in said["finance"]
    assert "ST-2026-000001" in said["party"]
    assert ("balance_insufficient" in said["finance"]) == (what == "failed")
    assert "balance_insufficient" not in said["party"]
    assert "still owed to you" in said["party"]
    assert "不会自动重付" in said["finance"]


def test_a_repeat_carries_the_same_message_id(engine: Engine, work: Work, mailbox: Path) -> None:
    """A caller that died after sending sends again; mail programs show it once."""
    seen = set(mailbox.glob("*.eml"))
    with transaction(engine) as uow:
        tell(an_event("order.delivered.v1"), uow=uow, now=uow.now)
    (call,) = [each for each in work.outside_calls if each.kind == "send_mail"]
    with transaction(engine) as uow:
        payload, key = uow.connection.exec_driver_sql("SELECT payload, key FROM outside_call").one()
    for _ in range(2):
        call.call(payload, key)
    first, second = arrived(mailbox, seen, 2)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]
    assert first["X-Envelope-To"] == "customer@example.org"


def test_who_was_removed_meanwhile_gets_none(engine: Engine, work: Work, mailbox: Path) -> None:
    seen = set(mailbox.glob("*.eml"))
    member = a_member(CUSTOMER_ID, "requester")
    with transaction(engine) as uow:
        uow.members.put(member)
        tell(an_event("order.delivered.v1"), uow=uow, now=uow.now)
    with transaction(engine) as uow:
        uow.members.remove(member.member_id, CUSTOMER_ID)
    assert run_all(engine, work) == 1
    assert set(mailbox.glob("*.eml")) == seen


def test_what_people_typed_is_text_and_never_markup_nor_a_header(engine: Engine, work: Work, mailbox: Path) -> None:
    """A title with tags and a line break makes neither HTML nor another recipient."""
    seen = set(mailbox.glob("*.eml"))
    hostile = "EDS <script>alert(1)</script>\nBcc: victim@example.org"
    with transaction(engine) as uow:
        tell(an_event("quotation_request.opened.v1", title=hostile), uow=uow, now=uow.now)
    run_all(engine, work)
    (mail,) = arrived(mailbox, seen, 1)
    markup = mail.get_body(("html",))
    assert markup is not None
    assert "<script>" not in markup.get_content()
    assert "&lt;script&gt;" in markup.get_content()
    assert mail["Bcc"] is None
    assert "victim@example.org" in mail["Subject"]
    assert mail["X-Envelope-To"] == "provider@example.org"


def test_a_server_that_is_away_or_an_address_that_is_none(engine: Engine) -> None:
    """The one is tried again, the other never."""
    with pytest.raises(MailUnavailable):
        deliver("smtp://127.0.0.1:9", message(MAIL))
    bad = Mail(**{**vars(MAIL), "to_address": "no address"})
    with pytest.raises(MailRefused):
        message(bad)
    assert Mailer(engine, "smtp://127.0.0.1:9", "a@b.example", "http://x/").public_url == "http://x"


def test_the_portal_lists_ones_own_in_ones_language(engine: Engine) -> None:
    member = a_member(CUSTOMER_ID, "requester", language="en")
    with transaction(engine) as uow:
        uow.members.put(member)
        for name in ("payment.opened.v1", "order.delivered.v1", "report.issued.v1"):
            tell(an_event(name), uow=uow, now=uow.now)
    english = an_actor(CUSTOMER_ID, "requester")
    english = type(english)(CUSTOMER_ID, english.roles, member.member_id)
    with transaction(engine) as uow:
        page = queries.list_notifications(ListNotifications(limit=2), actor=english, uow=uow, now=NOW)
        rest = queries.list_notifications(ListNotifications(after=page.next_cursor), actor=english, uow=uow, now=NOW)
        assert len({*page.items, *rest.items}) == 3
        assert all(each.subject.isascii() for each in (*page.items, *rest.items))
        stranger = an_actor(CUSTOMER_ID, "approver")
        chinese = queries.list_notifications(ListNotifications(), actor=stranger, uow=uow, now=NOW)
        assert not any(each.subject.isascii() for each in chinese.items)
        others = queries.list_notifications(ListNotifications(), actor=OTHER_PROVIDER_FINANCE, uow=uow, now=NOW)
        assert others.items == ()
