"""Every object that the stand-in answers has the members that the SDK's class declares, and no others."""

from typing import Any

import pytest
import stripe

from tests.kit.stripe_control import StripeControl
from tests.kit.stripe_sdk import charge_of, connected_account, pay

CLASSES: dict[str, type[stripe.StripeObject]] = {
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "account": stripe.Account,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "payout": stripe.Payout,
    "refund": stripe.Refund,
    "transfer": stripe.Transfer,
}


@pytest.fixture
def one_of_each(client: stripe.StripeClient, control: StripeControl) -> StripeControl:
    client.v1.customers.create({"email": "a@b.example"})
    intent = pay(client, card="pm_card_bypassPending")
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
    client.v1.transfers.create({"amount": 100, "currency": "cny", "destination": connected_account(client)})
    client.v1.payouts.create({"amount": 100, "currency": "cny"})
    control.open_dispute(charge_of(pay(client)))
    item: Any = {"quantity": 1, "price_data": {"currency": "cny", "unit_amount": 100, "product_data": {"name": "SEM"}}}
    client.v1.checkout.sessions.create({"mode": "payment", "success_url": "https://a.example", "line_items": [item]})
    return control


def test_members_are_those_of_the_sdk(client: stripe.StripeClient, one_of_each: StripeControl) -> None:
    lacking: dict[str, set[str]] = {}
    strange: dict[str, set[str]] = {}
    for kind, declared in CLASSES.items():
        annotations = {name: str(words) for name, words in declared.__annotations__.items()}
        needed = {
            name for name, words in annotations.items() if not words.startswith(("Optional", "ClassVar", "typing."))
        }
        objects = one_of_each.objects(kind)
        assert objects, kind
        for found in objects:
            # A payment on a connected account is a charge of a shorter kind, which nobody here reads.
            if found["id"].startswith("py_"):
                continue
            lacking.setdefault(kind, set()).update(needed - found.keys())
            strange.setdefault(kind, set()).update(found.keys() - annotations.keys())
    assert {kind: names for kind, names in lacking.items() if names} == {}
    assert {kind: names for kind, names in strange.items() if names} == {}
