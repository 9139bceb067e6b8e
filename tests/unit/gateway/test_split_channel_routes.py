"""The splitting channel's notices come in as raw bytes; finance alone has a return tried again."""

from hashlib import sha256

from services.shared.messages.billing.payment import StripeEventReceipt
from tests.unit.gateway.asgi import Site

PATH = "/v1/webhooks/split-channel"
HEADERS = {"webhook-id": "note_1", "webhook-timestamp": "1795600000", "webhook-signature": "v1,aa"}


def test_a_notice_passes_raw_bytes_and_headers_on(site: Site) -> None:
    raw = '{"id":  "note_1",\n "b": 1, "a": "ü" }'.encode()
    site.rpc.answers["billing.record_channel_notice"] = StripeEventReceipt(stripe_event_id="channel:note_1",
                                                                           seen_before=False)  # fmt: skip
    for signature in ("v1,aa", "v1,bb"):
        answer = site.post(PATH, raw, headers=HEADERS | {"webhook-signature": signature}, key=None)
        assert (answer.status, answer.json["notice_id"]) == (200, "channel:note_1")
    first, second = (request for _, request in site.rpc.asked)
    assert site.rpc.bodies[0] == {
        "body": raw.decode(), "notice_id": "note_1", "timestamp": "1795600000", "signature": "v1,aa",
    }  # fmt: skip
    assert first["key"] == sha256(b"note_1\n1795600000\nv1,aa\n" + raw).hexdigest()
    assert first["key"] != second["key"]
    assert first["actor"]["kind"] == "public"


def test_a_notice_succeeds_only_when_it_is_stored(site: Site) -> None:
    """Otherwise the channel must come again."""
    assert site.post(PATH, b"{}", headers=HEADERS, key=None).status == 503
    site.rpc.refuse("billing.record_channel_notice", "invalid", "billing.channel_notice_invalid")
    assert site.post(PATH, b"{}", headers=HEADERS, key=None).status == 422
    for body, headers in ((b"{}", {}), (b"", HEADERS), (b"\xff", HEADERS), (b"{}", HEADERS | {"webhook-id": ""})):
        assert site.post(PATH, body, headers=headers, key=None).json["code"] == "webhook_malformed"
