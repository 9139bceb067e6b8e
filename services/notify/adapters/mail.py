"""
The outside call `send_mail`: one notification to one person, in their language.

Name and address are read when the mail goes: a member who was removed meanwhile gets none, and no
copy of an address outlives its member here. A repeat after a crash carries the same Message-ID, by
which mail programs recognise it.
"""

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from sqlalchemy import Engine, select

from services.notify.adapters import tables
from services.notify.adapters.texts import html_environment
from services.notify.domain.notification import Words
from services.shared.chassis import database
from services.shared.kernel.errors import Refused, Unavailable
from services.shared.kernel.ids import derived_id

TIMEOUT_S = 10.0


class MailRefused(Refused):
    """The mail server will never take this mail."""

    code = "notify.mail_refused"


class MailUnavailable(Unavailable):
    """The mail server does not answer, or asks to come back later."""

    code = "notify.mail_unavailable"


@dataclass(frozen=True)
class Mail:
    """Everything a mail is made of. *link* whole; *language* of *words*."""

    message_id: str
    sender: str
    to_name: str
    to_address: str
    language: str
    words: Words
    link: str
    written_at: datetime


class Mailer:
    """`send_mail` with its server."""

    def __init__(self, engine: Engine, smtp_url: str, sender: str, public_url: str) -> None:
        self.engine = engine
        self.smtp_url = smtp_url
        self.sender = sender
        self.public_url = public_url.rstrip("/")

    def __call__(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """
        *message_id* of what was sent; empty when there is nobody left to send it to.

        Raises:
            MailRefused: The server says that it never will.
            MailUnavailable: Try again.
        """
        del key
        mail = self._mail(UUID(payload["notification_id"]), str(payload["recipient"]))
        if mail is None:
            return {"message_id": ""}
        deliver(self.smtp_url, message(mail))
        return {"message_id": mail.message_id}

    def _mail(self, notification_id: UUID, recipient: str) -> Mail | None:
        notification, member, organisation = tables.notification, tables.member, tables.organisation
        with database.connection(self.engine) as held:
            told = held.execute(
                select(notification, organisation.c.mail, organisation.c.legal_name)
                .join(organisation, organisation.c.organisation_id == notification.c.organisation_id)
                .where(notification.c.notification_id == notification_id)
            ).one()
            if recipient == "organisation":
                name, address, language = told.legal_name, told.mail, "zh"
            else:
                person = held.execute(
                    select(member).where(
                        member.c.organisation_id == told.organisation_id, member.c.member_id == UUID(recipient)
                    )
                ).one_or_none()
                if person is None:
                    return None
                name, address, language = person.name, person.mail, person.language
        if not address:
            return None
        subject, body = (told.subject_en, told.body_en) if language == "en" else (told.subject_zh, told.body_zh)
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        return Mail(
            message_id=f"<{derived_id('mail', notification_id, recipient)}@{domain}>",
            sender=self.sender,
            to_name=" ".join(name.split()),
            to_address=address,
            language=language,
            words=Words(subject, body),
            link=self.public_url + told.link,
            written_at=told.created_at,
        )


def message(mail: Mail) -> EmailMessage:
    """
    The mail as it goes over the wire: plain text and HTML of the same words.

    Raises:
        MailRefused: The address is none.
    """
    made = EmailMessage(policy=SMTP_POLICY)
    made["Message-ID"] = mail.message_id
    made["Date"] = format_datetime(mail.written_at)
    made["From"] = mail.sender
    try:
        made["To"] = Address(display_name=mail.to_name, addr_spec=mail.to_address)
    except (ValueError, IndexError) as error:  # what the parser of addresses raises
        raise MailRefused("this is no mail address") from error
    made["Subject"] = mail.words.subject
    # Holiday replies to a machine help nobody (RFC 3834).
    made["Auto-Submitted"] = "auto-generated"
    # Base64: neither a server without 8BITMIME nor one that cuts long lines can spoil it.
    made.set_content(f"{mail.words.body}\n\n{mail.link}\n", cte="base64")
    made.add_alternative(html(mail), subtype="html", cte="base64")
    made["Content-Language"] = mail.language  # last: setting the content takes headers of this kind away
    return made


def html(mail: Mail) -> str:
    paragraphs = [paragraph.splitlines() for paragraph in mail.words.body.split("\n\n")]
    return (
        html_environment()
        .get_template("mail.html")
        .render(language=mail.language, subject=mail.words.subject, paragraphs=paragraphs, link=mail.link)
    )


def deliver(smtp_url: str, made: EmailMessage) -> None:
    """Hand *made* to the server. Raises MailRefused or MailUnavailable."""
    parts = urlsplit(smtp_url)
    secure = parts.scheme == "smtps"
    host = parts.hostname or "localhost"
    try:
        with (
            smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=ssl.create_default_context())
            if secure
            else smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT_S)
        ) as server:
            server.ehlo()
            if not secure and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(made)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if all(code >= 500 for code in codes):
            raise MailRefused("the server refuses the recipient") from error
        raise MailUnavailable("the server asks to come back later") from error
    except smtplib.SMTPDataError as error:
        if error.smtp_code >= 500:
            raise MailRefused("the server refuses the mail") from error
        raise MailUnavailable("the server asks to come back later") from error
    except (smtplib.SMTPException, OSError) as error:
        # A wrong login or sender is ours to mend, and then every mail that waited still goes.
        raise MailUnavailable(f"mail server: {type(error).__name__}") from error
