"""Processes are killed in the middle of an order, as by a power cut, and the order goes on as if nothing had been."""

import threading

from infra.demo import journey as steps
from infra.demo import proof
from infra.demo import settlement as settling
from infra.demo.figures import CARD_WITH_STATION
from infra.demo.platform import Platform
from tests.kit.journey import ONE_SAMPLE, REPORT, Stage, all_is_well, to_invoiced

PROGRAMS = ("serve", "work", "gateway")


def kill_all(platform: Platform) -> None:
    for name in PROGRAMS:
        platform.kill(name)


def test_events_survive_kills(stage: Stage) -> None:
    platform, cast = stage.platform, stage.with_station
    journey = stage.begin(cast, "killed")
    offering_id = stage.offering(stage.provider, 100_000)
    before = {name: platform.pid_of(name) for name in PROGRAMS}

    # While the order is placed nobody serves; while its papers should be made nobody works.
    platform.kill("serve")
    platform.kill("work")
    order_id = steps.place_order(journey, offering_id, 1, ONE_SAMPLE, "card")["order_id"]
    again = steps.place_order(journey, offering_id, 1, ONE_SAMPLE, "card")
    assert again["order_id"] == order_id
    steps.sign_by_all(journey, order_id)

    # The institution's webhook finds a closed door and must come again; the money must be booked once.
    payment = steps.payment_of(journey, order_id)
    platform.kill("gateway")
    steps.confirm_card(platform.stripe_url, payment["client_secret"])
    platform.kill("work")
    steps.wait_for_state(cast.customer["requester"], order_id, "released")

    # Everything at once, while samples and the report are on their way.
    killer = threading.Timer(0.4, kill_all, (platform,))
    killer.start()
    steps.dispatch(journey, order_id)
    steps.receive(journey, order_id)
    steps.analyse(journey, order_id)
    killer.join()
    steps.upload_report(journey, order_id, REPORT)
    steps.accept_order(journey, order_id)
    platform.kill("work")
    to_invoiced(stage, journey, order_id)
    invoice = settling.invoice_of(cast, order_id)
    assert invoice["state"] in {"issued", "delivered"}

    platform.wait_for(PROGRAMS)
    assert all(platform.pid_of(name) != pid for name, pid in before.items())
    assert all_is_well(stage, {order_id: (cast, CARD_WITH_STATION)}) == []
    assert proof.chains_hold(platform) == []
    payments = cast.customer["customer_finance"].get("/payments", order_id=order_id)["items"]
    assert [each["received"]["amount"] for each in payments] == [106_000]
