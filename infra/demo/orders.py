"""The two orders of the demonstration, step by step, through the public API."""

import email
import email.policy
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from infra.demo import journey as steps
from infra.demo import settlement as settling
from infra.demo.client import Client, Json, Refused
from infra.demo.figures import CARD_WITH_STATION, NEGOTIATED_BY_TRANSFER, Figures, yuan
from infra.demo.journey import Journey
from infra.demo.people import Cast
from infra.demo.platform import Platform
from infra.demo.report_file import report_pdf
from infra.demo.scene import FIRST_OFFERING, FIRST_PROVIDER, SECOND_PROVIDER, Scene
from infra.local.progress import say, step
from services.shared.kernel.times import business_date

HOLD = timedelta(days=7)
ACCEPTANCE = timedelta(days=10)


@dataclass
class Told:
    """
    One order of the demonstration.

    Attributes:
        folder: Where its documents are downloaded to.
        files: What was downloaded, by what it is.
    """

    title: str
    journey: Journey
    expected: Figures
    folder: Path
    order_id: str = ""
    number: str = ""
    settlements: list[Json] = field(default_factory=list)
    payouts: list[Json] = field(default_factory=list)
    check_code: str = ""
    files: dict[str, Path] = field(default_factory=dict)
    mails: list[Path] = field(default_factory=list)

    @property
    def cast(self) -> Cast:
        return self.journey.cast

    def named(self, order: Json, folder: Path) -> None:
        self.order_id, self.number = order["order_id"], order["number"]
        self.folder = folder / self.number


def tell(platform: Platform, scene: Scene) -> tuple[Told, Told]:
    """
    Both orders from the search to their closing.

    Business time is moved twice: over the first order's hold period, in which the second one is accepted by its
    timer, and over the second one's hold period.
    """
    run = secrets.token_hex(4)
    folder = platform.directory / "demo"
    began = platform.now()
    first = Told(
        "at the published price, by card, brought in by a station",
        Journey(f"card-{run}", scene.cast(FIRST_PROVIDER), began), CARD_WITH_STATION, folder,
    )  # fmt: skip
    second = Told(
        "negotiated over two quotations, by bank transfer, accepted by silence",
        Journey(f"transfer-{run}", scene.cast(SECOND_PROVIDER), began), NEGOTIATED_BY_TRANSFER, folder,
    )  # fmt: skip
    _order_from_the_shelf(scene, first, folder)
    _negotiate(second, folder)
    for told in (first, second):
        _contract(told)
    _pay(platform, first, second)
    for told in (first, second):
        _work(platform, told)
    with step(f"{first.number}: the customer accepts"):
        steps.accept_order(first.journey, first.order_id)
    cashiers = scene.cashiers()
    _settle(platform, first)
    with step(f"business time moves on by {ACCEPTANCE.days + 1} days"):
        platform.move_clock(ACCEPTANCE + timedelta(days=1))
    with step(f"{second.number}: the customer is silent, the timer accepts"):
        customer = second.cast.customer["requester"]
        steps.wait_for_state(customer, second.order_id, "accepted")
    _settle(platform, second)
    _pay_out(first, cashiers)
    with step(f"business time moves on by {HOLD.days + 1} days"):
        platform.move_clock(HOLD + timedelta(days=1))
    _pay_out(second, cashiers)
    for told in (first, second):
        with step(f"{told.number}: closed; its documents"):
            steps.wait_for_state(told.cast.operator["contract_operator"], told.order_id, "closed")
            _download(told)
    return first, second


def _order_from_the_shelf(scene: Scene, told: Told, folder: Path) -> None:
    offering_id = scene.offerings[FIRST_OFFERING]
    with step("anybody searches 透射电镜 and “TEM EDS”"):
        for text in ("透射电镜", "TEM EDS"):
            hits = steps.search(scene.base_url, text)
            if offering_id not in {hit["offering_id"] for hit in hits}:
                raise AssertionError(f"{text} does not find {FIRST_OFFERING}: {[hit['number'] for hit in hits]}")
            say(f"    {text}: {len(hits)} offerings, among them {hits[0]['title_zh']} · {hits[0]['title_en']}")
    samples = [
        {
            "customer_code": "YH-A1",
            "description": "钴酸锂粉末 LiCoO2 powder, 50 mg",
            "quantity": 2,
            "after_test": "return",
        }
    ]
    with step("the customer orders at the published price"):
        told.named(steps.place_order(told.journey, offering_id, 1, samples, "card"), folder)


def _negotiate(told: Told, folder: Path) -> None:
    line = {
        "title_zh": "固体核磁多核表征", "title_en": "Solid-state NMR of several nuclei",
        "unit": "sample", "quantity": 3,
        "unit_price": {"amount": 120_000, "currency": "CNY"}, "reason": "多核联测，价目表未列 not on the price list",
    }  # fmt: skip
    samples = [{"customer_code": "YH-N1", "description": "聚合物电解质 polymer electrolyte", "quantity": 3}]
    with step("the customer asks for a quotation; the provider quotes 3 × 1,200.00"):
        asked = steps.request_quotation(
            told.journey,
            "聚合物电解质固体核磁 Solid-state NMR of polymer electrolytes",
            "13C, 7Li, 19F; MAS 20 kHz",
            3,
            samples,
        )
        request_id = asked["quotation_request_id"]
        quoted = steps.send_quotation(told.journey, request_id, [line], version=1)
    with step("the customer counters with 3,000.00; the provider answers with 12 % off; accepted"):
        steps.counter_quotation(told.journey, quoted["quotation_id"], "三个样一起做 All three at once", 300_000)
        better = {**line, "discount_bps": 1_200}
        second = steps.send_quotation(told.journey, request_id, [better], version=2, notes="九折再优惠 Our best offer")
        told.named(steps.accept_quotation(told.journey, second["quotation_id"], "bank_transfer"), folder)


def _contract(told: Told) -> None:
    with step(f"{told.number}: papers are made; customer, company and provider sign"):
        steps.sign_by_all(told.journey, told.order_id)


def _pay(platform: Platform, first: Told, second: Told) -> None:
    with step(f"{first.number}: the customer's browser pays {yuan(first.expected.gross)} by card"):
        steps.pay_by_card(first.journey, first.order_id, platform.stripe_url)
    with step(f"{second.number}: {yuan(second.expected.gross)} stands on the bank's statement"):
        booked = steps.pay_by_transfer(second.journey, second.order_id)
        if booked["suspense"]:
            raise AssertionError(f"the transfer was not matched: {booked['lines']}")


def _work(platform: Platform, told: Told) -> None:
    journey, order_id = told.journey, told.order_id
    with step(f"{told.number}: released; packing sheet, parcel, samples received, analysed"):
        steps.dispatch(journey, order_id)
        steps.receive(journey, order_id)
        steps.analyse(journey, order_id)
    with step(f"{told.number}: report uploaded, checked, issued; anybody checks it by its code"):
        day = business_date(journey.began_at).isoformat()
        lines = (
            "TEST REPORT  (demonstration: the figures are made up)",
            f"Order: {told.number}",
            "Client and laboratory: as named on the order sheet",
            f"Samples: received {day} (Asia/Shanghai), in good condition",
            "Result: as ordered",
            "Authenticity: check the code that came with this report on the platform.",
        )
        report = steps.upload_report(journey, order_id, report_pdf(lines))
        told.check_code = report["check_code"]
        seen = steps.check_report(platform.base_url, told.check_code)
        if (seen["number"], seen["sha256"]) != (report["number"], report["sha256"]):
            raise AssertionError(f"the public check answers {seen}")


def _settle(platform: Platform, told: Told) -> None:
    with step(f"{told.number}: statements closed for provider and station; their invoices match"):
        today = business_date(platform.now()).isoformat()
        told.settlements = settling.close_settlements(told.journey, told.order_id, today)
        for settlement in told.settlements:
            answered = settling.send_invoice(told.cast, settlement)
            if answered["state"] != "matched":
                raise AssertionError(
                    f"the invoice of {settlement['number']} was {answered['state']}: {answered['reason']}"
                )


def _pay_out(told: Told, cashiers: tuple[Client, Client]) -> None:
    first, second = cashiers
    with step(f"{told.number}: one starts each payout, another releases it, the bank's statement shows it"):
        for settlement in told.settlements:
            settling.wait_for_settlement(told.cast, settlement["settlement_id"], "payable")
            payout = settling.start_payout(first, settlement)
            try:
                settling.release_payout(first, payout)
            except Refused as refused:
                if refused.code != "billing.four_eyes_required":
                    raise
            else:
                raise AssertionError("one person started and released a payout")
            told.payouts.append(settling.release_payout(second, payout))
        settling.make_bank_order(second, told.payouts)
        booked = settling.import_payouts(told.cast, told.payouts, key=told.journey.key("statement-out"))
        if booked["suspense"]:
            raise AssertionError(f"outgoing lines were not matched: {booked['lines']}")


def _download(told: Told) -> None:
    """Each document by a party that may see it."""
    cast = told.cast
    customer, provider = cast.customer["customer_finance"], cast.provider["lab_manager"]
    invoice = settling.invoice_of(cast, told.order_id)
    contract = f"/contracts/{steps.order_of(customer, told.order_id)['contract']['contract_id']}/documents"
    (report,) = steps.order_of(customer, told.order_id)["reports"]
    wanted = [
        ("contract", customer, f"{contract}/contract", "contract.pdf"),
        ("order sheet", provider, f"{contract}/order_sheet", "order-sheet.pdf"),
        ("packing sheet", customer, f"/orders/{told.order_id}/documents/packing-sheet", "packing-sheet.pdf"),
        ("report", customer, f"/reports/{report['report_id']}/document", "report.pdf"),
        ("invoice PDF", customer, f"/invoices/{invoice['invoice_id']}/documents/pdf", f"{invoice['number']}.pdf"),
        ("invoice XML", customer, f"/invoices/{invoice['invoice_id']}/documents/xml", f"{invoice['number']}.xml"),
    ]
    for settlement in told.settlements:
        kind = settlement["party_kind"]
        party = provider if kind == "provider" or cast.station is None else cast.station["station_manager"]
        path = f"/settlements/{settlement['settlement_id']}/documents"
        wanted.append((f"{kind}'s statement", party, path, f"{settlement['number']}-{kind}.pdf"))
    for what, client, path, name in wanted:
        told.files[what] = client.download(path, told.folder, name)


def mails_about(folder: Path, told: Told, sent_after: datetime) -> list[Path]:
    """Mails in *folder* that name the order or one of its statements, sent after that instant of the wall's clock."""
    names = {told.number, *(str(settlement["number"]) for settlement in told.settlements)}
    recent = [path for path in folder.rglob("*.eml") if path.stat().st_mtime >= sent_after.timestamp()]
    return sorted(path for path in recent if any(name in _text_of(path) for name in names))


def _text_of(path: Path) -> str:
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = mail.get_body(("plain",))
    return f"{mail['Subject']}\n{body.get_content() if body is not None else ''}"
