"""
python -m tests.chaos.run [--journeys 200] [--at-once 6] [--seed N] [--dir var/chaos]

Orders from placing to the provider's money through the public API, several at a time, while every process is killed
in turn, the broker restarted and PostgreSQL stopped without goodbye. At the end every journey must have ended once,
nothing be lost, nothing twice, and every invariant hold. Whoever asks repeats under the same idempotency key, as a
client should; nothing else helps the platform.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from infra.demo import journey as steps
from infra.demo import proof, scene
from infra.demo import settlement as money
from infra.demo.client import Client
from infra.demo.figures import CARD_WITH_STATION, Figures
from infra.demo.journey import Journey
from infra.demo.people import Organisation
from infra.demo.platform import Platform
from infra.demo.report_file import report_pdf
from infra.demo.scene import FIRST_OFFERING, FIRST_PROVIDER
from infra.local.progress import say
from infra.local.state import ROOT
from services.shared.kernel.times import business_date
from tests.chaos.faults import Faults

PATIENCE_S = 240.0
TRANSFER_WITH_STATION = replace(CARD_WITH_STATION, psp_fee=0, psp_fee_vat=0)
SAMPLES = [{"customer_code": "CH-1", "description": "粉末 powder", "quantity": 1}]


@dataclass(frozen=True)
class Gone:
    """A journey that got as far as acceptance."""

    journey: Journey
    order_id: str
    expected: Figures


def to_acceptance(journey: Journey, offering_id: str, stripe_url: str, *, by_card: bool) -> Gone:
    """One order from placing to acceptance; every step patient and repeatable."""
    order_id = str(
        steps.place_order(journey, offering_id, 1, SAMPLES, "card" if by_card else "bank_transfer")["order_id"]
    )
    steps.sign_by_all(journey, order_id)
    if by_card:
        steps.pay_by_card(journey, order_id, stripe_url)
    else:
        steps.pay_by_transfer(journey, order_id)
    steps.dispatch(journey, order_id)
    steps.receive(journey, order_id)
    steps.analyse(journey, order_id)
    steps.upload_report(journey, order_id, report_pdf([f"report of {journey.name}"]))
    steps.accept_order(journey, order_id)
    return Gone(journey, order_id, CARD_WITH_STATION if by_card else TRANSFER_WITH_STATION)


def settle(platform: Platform, stage: scene.Scene, gone: Sequence[Gone]) -> None:
    """All statements closed and invoiced, the hold period passed, everything paid out."""
    first = gone[0]
    client = first.journey.cast.customer["requester"]
    today = business_date(platform.now()).isoformat()
    settlements = {}
    for each in gone:
        steps.wait_for_state(client, each.order_id, "accepted", timeout_s=PATIENCE_S)
        for settlement in money.close_settlements(each.journey, each.order_id, today):
            settlements[settlement["settlement_id"]] = settlement
    cast = first.journey.cast
    for settlement in settlements.values():
        money.send_invoice(cast, settlement)
    platform.move_clock(timedelta(days=9))
    cashiers = stage.cashiers()
    money.pay_out(cast, list(settlements.values()), *cashiers)
    for each in gone:
        steps.wait_for_state(client, each.order_id, "closed", timeout_s=PATIENCE_S)
        money.invoice_of(cast, each.order_id)


def wrong_at_the_end(platform: Platform, stage: scene.Scene, gone: Sequence[Gone], count: int) -> list[str]:
    """Everything that must hold and does not, in words."""
    operator = stage.operator
    finance = operator["finance_operator"]
    wrong = proof.settled(lambda: proof.nothing_waits(platform, operator), 120)
    wrong += proof.settled(lambda: proof.books_hold(operator), 60)
    wrong += proof.chains_hold(platform)
    for each in gone:
        wrong += proof.figures_hold(each.journey.cast, each.order_id, each.expected)
        wrong += proof.contract_is_empty(each.journey.cast, each.order_id)
        invoices = finance.get("/invoices", order_id=each.order_id)["items"]
        if len(invoices) != 1:
            wrong.append(f"{each.order_id} has {len(invoices)} invoices")
    ids = {each.order_id for each in gone}
    if len(ids) != count:
        wrong.append(f"{count} journeys made {len(ids)} orders")
    numbers = sorted(int(invoice["number"].rpartition("-")[2]) for invoice in _all(finance, "/invoices"))
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append(f"invoice numbers have gaps: {numbers}")
    placed = [order for order in _all(operator["contract_operator"], "/orders") if order["order_id"] in ids]
    if {order["state"] for order in placed} != {"closed"}:
        wrong.append(f"orders end as {sorted({order['state'] for order in placed})}")
    everything = [order["order_id"] for order in _all(operator["contract_operator"], "/orders")]
    if len(everything) != len(set(everything)) or len(set(everything) - ids) != len(everything) - count:
        wrong.append("an order was placed twice")
    return wrong


def _all(client: Client, path: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    cursor = None
    while True:
        page = client.get(path, limit=200, **({"after": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def patient(organisation: Organisation) -> Organisation:
    """The same organisation, whose people wait longer for an answer than a demonstration's."""
    organisation.patience_s = PATIENCE_S
    return organisation


def main(arguments: Sequence[str]) -> int:
    options = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    options.add_argument("--journeys", type=int, default=200)
    options.add_argument("--at-once", type=int, default=6)
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options.add_argument("--dir", type=Path, default=ROOT / "var" / "chaos")
    options.add_argument("--keep", action="store_true", help="leave the platform running at the end")
    chosen = options.parse_args(arguments)
    platform = Platform(chosen.dir.resolve())
    say(f"chaos: {chosen.journeys} journeys, {chosen.at_once} at once, seed {chosen.seed}")
    platform.clean()
    try:
        wrong = run(platform, chosen.journeys, chosen.at_once, chosen.seed)
    finally:
        if not chosen.keep:
            platform.down()
    for sentence in wrong:
        say(f"WRONG: {sentence}")
    # The line that a reader of test results looks for.
    say(f"{chosen.journeys - len(wrong) if len(wrong) < chosen.journeys else 0} passed, {len(wrong)} failed")
    return 1 if wrong else 0


def run(platform: Platform, journeys: int, at_once: int, seed: int) -> list[str]:
    """The whole run. Returns what is wrong; nothing: the promise was kept."""
    platform.up()
    stage = scene.prepare(platform, None)
    cast = stage.cast(FIRST_PROVIDER)
    for organisation in stage.parties.values():
        patient(organisation)
    offering_id = stage.offerings[FIRST_OFFERING]
    run_id = secrets.token_hex(3)
    began = platform.now()
    faults = Faults(platform, seed)
    started = time.monotonic()
    gone: list[Gone] = []
    wrong: list[str] = []
    faults.start()
    with ThreadPoolExecutor(at_once) as pool:
        under_way = {
            pool.submit(
                to_acceptance, Journey(f"chaos-{run_id}-{number}", cast, began), offering_id, platform.stripe_url,
                by_card=number % 2 == 0,
            ): number
            for number in range(journeys)
        }  # fmt: skip
        for done in as_completed(under_way):
            try:
                gone.append(done.result())
            except Exception as error:  # noqa: BLE001 - one that fails is told; the others go on
                wrong.append(f"journey {under_way[done]}: {type(error).__name__}: {error}")
                say(f"    {wrong[-1][:300]}")
    faults.stop()
    say(f"{len(gone)} of {journeys} journeys accepted after {time.monotonic() - started:.0f} s, "
        f"{len(faults.struck)} faults")  # fmt: skip
    wrong += faults.failed
    if not faults.struck:
        wrong.append("no fault struck: nothing was shown")
    if wrong or not gone:
        return wrong or ["no journey"]
    platform.wait_for(["serve", "work", "gateway"], 120)
    settle(platform, stage, gone)
    return wrong_at_the_end(platform, stage, gone, journeys)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
