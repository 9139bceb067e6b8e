"""Notices of the splitting channel: whether one is genuine and of now, and what is to be fetched because of it."""

import json
import re
from collections.abc import Mapping, Sequence

from standardwebhooks import Webhook, WebhookVerificationError

from services.billing.use_cases.ports import VerifiedEvent
from services.shared.kernel.errors import Invalid
from services.shared.messages.billing.split_order import RecordChannelNotice

UUID_TEXT = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NUMBERS: Mapping[str, tuple[str, re.Pattern[str]]] = {
    "order": ("channel_order", re.compile(UUID_TEXT)),
    "split": ("channel_split", re.compile(UUID_TEXT)),
    "return": ("channel_return", re.compile(f"{UUID_TEXT}/[0-9]{{1,4}}")),
    "refund": ("channel_refund", re.compile(f"late/{UUID_TEXT}|{UUID_TEXT}/{UUID_TEXT}/[0-9]{{1,4}}")),
}
"""The channel's kinds of things, ours of them, and how we number them."""


class NoticeInvalid(Invalid):
    """This notice was not signed by the splitting channel, or not just now."""

    code = "billing.channel_notice_invalid"


class ChannelNotices:
    """*secrets*: ours with the channel; two while one is replaced. None refuses everything."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.secrets = secrets

    def verify(self, command: RecordChannelNotice) -> VerifiedEvent:
        """
        Raises:
            NoticeInvalid: It is forged, altered, older or newer than five minutes, or no notice.
        """
        headers = {"webhook-id": command.notice_id, "webhook-timestamp": command.timestamp,
                   "webhook-signature": command.signature}  # fmt: skip
        for secret in self.secrets:
            try:
                Webhook(secret).verify(command.body.encode(), headers)
            except (WebhookVerificationError, ValueError):
                continue
            return _event(command)
        raise NoticeInvalid


def _event(command: RecordChannelNotice) -> VerifiedEvent:
    try:
        said = json.loads(command.body)
        kind, number = str(said["about"]["kind"]), str(said["about"]["number"])
        told = str(said["type"])
    except (ValueError, KeyError, TypeError) as error:
        raise NoticeInvalid from error
    known = NUMBERS.get(kind)
    about = (known[0], number) if known is not None and known[1].fullmatch(number) else None
    return VerifiedEvent(f"channel:{command.notice_id}", told, about)
