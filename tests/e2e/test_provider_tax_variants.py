"""
The same order from providers that are taxed differently, without a station: the figures of TV03.

What the provider is paid follows from the invoice it may issue; what the company keeps does not.
"""

from dataclasses import dataclass

import pytest

from infra.demo import journey as steps
from infra.demo import settlement as settling
from infra.demo.client import Json
from infra.demo.figures import SMALL_SCALE_ORDINARY, SMALL_SCALE_SPECIAL, UNIVERSITY_SPECIAL, Figures
from infra.demo.people import Cast, once_ready
from services.shared.kernel.times import business_date
from tests.kit.journey import Stage, all_is_well, newcomer, to_contracted, to_delivered, to_paid


@dataclass(frozen=True)
class Variant:
    """*invoice*: kind, net and tax of the invoice that matches; *wrong*: of one that does not, and why."""

    taxpayer: str
    special: bool
    figures: Figures
    invoice: tuple[str, int, int]
    wrong: tuple[str, int, int, str]


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(
            Variant("small_scale_3_reduced_1", True, SMALL_SCALE_SPECIAL, ("special", 90_000, 900),
                    ("special", 90_000, 901, "tax_differs")),
            id="small-scale, special invoice",
        ),
        pytest.param(
            Variant("small_scale_3_reduced_1", False, SMALL_SCALE_ORDINARY, ("ordinary", 89_109, 891),
                    ("special", 90_000, 900, "kind_differs")),
            id="small-scale, ordinary invoice",
        ),
        pytest.param(
            Variant("general_simplified_3", True, UNIVERSITY_SPECIAL, ("special", 90_000, 2_700),
                    ("special", 90_001, 2_700, "net_differs")),
            id="university, special invoice",
        ),
    ],
)  # fmt: skip
def test_provider_tax_variants(stage: Stage, variant: Variant) -> None:
    provider = newcomer(
        stage.platform.base_url, stage.operator, "provider",
        taxpayer=variant.taxpayer, special_invoices=variant.special,
    )  # fmt: skip
    cast = stage.without_station(provider)
    journey = stage.begin(cast, "tax")
    order_id = to_contracted(journey, stage.offering(provider, 100_000), "bank_transfer")
    to_paid(stage, journey, order_id)
    to_delivered(journey, order_id)
    steps.accept_order(journey, order_id)
    today = business_date(stage.platform.now()).isoformat()
    (settlement,) = settling.close_settlements(journey, order_id, today)

    kind, net, tax, reason = variant.wrong
    rejected = send(cast, settlement, "WRONG", kind, net, tax)
    assert (rejected["state"], rejected["reason"]) == ("rejected", reason)
    matched = send(cast, settlement, "RIGHT", *variant.invoice)
    assert matched["state"] == "matched"
    payable = settling.wait_for_settlement(cast, settlement["settlement_id"], "payable")
    expected = variant.figures
    assert payable["gross"]["amount"] == expected.provider_net + expected.provider_tax
    assert all_is_well(stage, {order_id: (cast, expected)}) == []


def send(cast: Cast, settlement: Json, name: str, kind: str, net: int, tax: int) -> Json:
    said = {
        "settlement_number": settlement["number"], "number": f"{name}-{settlement['number']}", "kind": kind,
        "net": {"amount": net, "currency": "CNY"}, "tax": {"amount": tax, "currency": "CNY"},
        "issued_on": settlement["until"],
    }  # fmt: skip
    client = cast.provider["provider_finance"]
    return once_ready(
        lambda: client.post("/received-invoices", said, key=f"{name}/{settlement['number']}"), "not_found"
    )
