"""Where webhooks may go, and when they are tried again."""

from datetime import timedelta
from ipaddress import ip_address

import pytest

from services.notify.domain.webhook_address import WebhookAddressRefused, is_inside, target_of
from services.notify.domain.webhook_endpoint import SCHEDULE_S, Answer, Delivery, new_secret, worn_out
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from tests.kit.fakes_invoicing import NOW
from tests.kit.fakes_notify import CUSTOMER_VIEW, an_endpoint

OK, DOWN = Answer(200, ""), Answer(None, "TimeoutError")


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example.org/hook",
        "ftp://erp.example.org/",
        "https://",
        "https:///path",
        "https://user:secret@erp.example.org/",
        "https://erp.example.org:99999/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://erp.localhost/",
        "https://intranet/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://192.168.0.1/",
        "https://172.16.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::1]/",
        "https://erp.example.org/\r\nhost: evil",
        "https://erp.example.org/ x",
        "https://exämple.org/",
    ],
)
def test_doors_inside_and_what_is_no_https_are_refused(url: str) -> None:
    with pytest.raises(WebhookAddressRefused):
        target_of(url, allow_insecure=False)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://169.254.169.254/", "http://[::ffff:192.168.1.1]/"])
def test_even_the_demo_knocks_at_no_neighbours_door(url: str) -> None:
    """The demo's setting opens http and this machine, not the network around it."""
    with pytest.raises(WebhookAddressRefused):
        target_of(url, allow_insecure=True)


def test_a_public_address_is_taken_apart() -> None:
    target = target_of("https://erp.example.org/hook?x=1", allow_insecure=False)
    assert (target.secure, target.host, target.port, target.path) == (True, "erp.example.org", 443, "/hook?x=1")
    assert target_of("http://127.0.0.1:8080", allow_insecure=True).path == "/"


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert not is_inside(ip_address(address), allow_loopback=False)


def a_delivery(sequence: int = 1) -> Delivery:
    return Delivery(new_id(), an_endpoint().webhook_endpoint_id, CUSTOMER_VIEW, sequence, new_id(), NOW)


def test_ten_attempts_by_the_schedule_and_then_it_has_failed() -> None:
    """Waits of at least the schedule's and at most a tenth more; the tenth failure is the last."""
    delivery, now = a_delivery(), NOW
    for wait_s in SCHEDULE_S[1:]:
        delivery.answered(DOWN, now)
        assert delivery.state == "pending"
        assert delivery.next_attempt_at is not None
        waited = delivery.next_attempt_at - now
        assert timedelta(seconds=wait_s) <= waited <= timedelta(seconds=wait_s * 1.1)
        now = delivery.next_attempt_at
    delivery.answered(DOWN, now)
    assert (delivery.state, delivery.attempts, delivery.next_attempt_at) == ("failed", 10, None)
    with pytest.raises(WrongState):
        delivery.answered(OK, now)


@pytest.mark.parametrize(("status", "good"), [(200, True), (204, True), (299, True), (301, False), (302, False),
                                              (400, False), (404, False), (500, False), (None, False)])  # fmt: skip
def test_only_2xx_is_success(status: int | None, good: bool) -> None:  # noqa: FBT001
    delivery = a_delivery()
    delivery.answered(Answer(status, "" if good else "no"), NOW)
    assert (delivery.state == "succeeded") == good


def test_410_ends_it_at_once() -> None:
    delivery = a_delivery()
    delivery.answered(Answer(410, "answered 410"), NOW)
    assert (delivery.state, delivery.attempts) == ("failed", 1)


def test_a_wish_to_be_left_alone_is_heeded_within_a_day() -> None:
    delivery = a_delivery()
    delivery.answered(Answer(429, "slow down", 600), NOW)
    assert delivery.next_attempt_at == NOW + timedelta(seconds=600)
    other = a_delivery()
    other.answered(Answer(503, "", 10**9), NOW)
    assert other.next_attempt_at == NOW + timedelta(days=1)


def test_an_endpoint_that_fails_is_paused_a_minute_at_most() -> None:
    """One slow endpoint must not take the time of everything else, nor be forgotten."""
    endpoint = an_endpoint()
    pauses = []
    for _ in range(7):
        endpoint.answered(DOWN, NOW)
        assert endpoint.paused_until is not None
        pauses.append((endpoint.paused_until - NOW).seconds)
    assert pauses == [5, 10, 20, 40, 60, 60, 60]
    endpoint.answered(OK, NOW)
    assert (endpoint.failures, endpoint.paused_until) == (0, None)


def test_an_endpoint_is_worn_out_when_nothing_got_through_meanwhile() -> None:
    delivery = a_delivery()
    delivery.give_up("x")
    assert worn_out(an_endpoint(), delivery)
    assert worn_out(an_endpoint(succeeded_at=NOW - timedelta(days=1)), delivery)
    assert not worn_out(an_endpoint(succeeded_at=NOW + timedelta(days=1)), delivery)
    assert not worn_out(an_endpoint(), a_delivery())


def test_secrets_are_long_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in secrets)
