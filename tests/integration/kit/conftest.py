"""One Stripe stand-in and one webhook receiver a run, empty at the start of each test that asks for them."""

from collections.abc import Iterator

import pytest
import stripe

from tests.kit.stripe_control import StripeControl, StripeStandIn
from tests.kit.stripe_sdk import sdk
from tests.kit.webhook_catcher import WebhookCatcher

SECRET = "whsec_test_secret"


@pytest.fixture(scope="session")
def catcher() -> Iterator[WebhookCatcher]:
    caught = WebhookCatcher(SECRET)
    yield caught
    caught.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, catcher: WebhookCatcher) -> Iterator[StripeStandIn]:
    state = tmp_path_factory.mktemp("stripe") / "state.sqlite"
    options = ("--webhook-retry-s", "0.1", "--webhook-attempts-max", "3")
    with StripeStandIn(state, catcher.url, SECRET, options=options) as started:
        yield started


@pytest.fixture
def control(running: StripeStandIn, catcher: WebhookCatcher) -> Iterator[StripeControl]:
    made = StripeControl(running.url)
    made.reset()
    catcher.forget()
    yield made
    made.close()


@pytest.fixture
def client(running: StripeStandIn, control: StripeControl) -> Iterator[stripe.StripeClient]:
    with sdk(running.url, running.api_key) as made:
        yield made
