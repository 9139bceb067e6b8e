"""What the demonstration tells at its end: one order with its amounts, the files, the addresses, the logins."""

from pathlib import Path

from infra.demo import journey as steps
from infra.demo.figures import Figures, yuan
from infra.demo.orders import Told
from infra.demo.platform import Platform
from infra.demo.scene import FIRST_PROVIDER, Scene

_STEPS = {
    "placed": "ordered", "papers_made": "contract and order sheet made",
    "signed_customer": "contract signed by the customer",
    "signed_operator": "contract signed by the company", "signed_provider": "order sheet signed by the provider",
    "contracted": "contracted, terms frozen", "paid": "paid", "released": "released to work",
    "packing_sheet_made": "packing sheet made", "samples_dispatched": "samples sent",
    "sample_received": "samples received", "in_progress": "work in progress", "analysis_started": "analysis started",
    "analysis_finished": "analysis finished", "report_submitted": "report uploaded", "report_issued": "report issued",
    "delivered": "delivered", "accepted": "accepted", "closed": "provider paid, order closed",
}  # fmt: skip


def print_story(platform: Platform, scene: Scene, both: tuple[Told, Told], webhooks: int) -> None:
    """To standard output."""
    first, second = both
    order = steps.order_of(first.cast.operator["contract_operator"], first.order_id)
    print(f"\n{first.number}: {first.title}\n")
    print(f"  {order['customer_name']} → {first.cast.operator.legal_name} → {order['provider_name']}")
    for line in order["lines"]:
        print(f"  {line['quantity']} × {line['title_zh']} {line['title_en']} at {yuan(line['unit_price']['amount'])}")
    print()
    for step in steps.timeline_of(first.cast.customer["requester"], first.order_id):
        print(f"  {step['at'][:16].replace('T', ' ')}Z  {step['by']:<9} {_STEPS.get(step['what'], step['what'])}")
    print()
    _print_amounts(first)
    print(f"\n{second.number}: {second.title}\n")
    _print_amounts(second)
    for told in both:
        print(f"\nfiles of {told.number}, report check code {told.check_code}:")
        for what, path in told.files.items():
            print(f"  {what:<22} {_short(path)}")
        if told.mails:
            print(f"  {len(told.mails)} mails{'':<15} {_short(told.mails[0].parent)}")
    print(f"\n{webhooks} signed webhooks came and verified.")
    _print_addresses(platform, scene)


def _print_amounts(told: Told) -> None:
    figures = told.expected
    for what, net, tax, gross in _rows(figures):
        print(f"  {what:<34}{net:>12}{tax:>12}{gross:>12}")


def _rows(of: Figures) -> list[tuple[str, str, str, str]]:
    rows = [
        ("yuan", "net", "VAT", "gross"),
        ("customer pays, invoiced", yuan(of.net), yuan(of.tax), yuan(of.gross)),
        ("provider is paid", yuan(of.provider_net), yuan(of.provider_tax), yuan(of.provider_net + of.provider_tax)),
        ("station is paid", yuan(of.station_net), yuan(of.station_tax), yuan(of.station_net + of.station_tax)),
        ("company keeps, of its fee " + yuan(of.fee), yuan(of.kept), "", ""),
        ("tax office", "", yuan(of.vat_due), ""),
    ]
    if of.psp_fee:
        fee = (yuan(of.psp_fee), yuan(of.psp_fee_vat), yuan(of.psp_fee + of.psp_fee_vat))
        rows.append(("card fee, borne by the company", *fee))
    return rows


def _print_addresses(platform: Platform, scene: Scene) -> None:
    print(f"\nportal    {platform.base_url}\nAPI docs  {platform.base_url}/docs")
    print(f"API keys, logins, ids  {_short(scene.path)}\n")
    for name in ("customer", FIRST_PROVIDER, "station", "operator"):
        for role, login in scene.parties[name].logins.items():
            print(f"  {role:<24} {login.mail:<48} {login.password}")
    print("\nIt runs on: make down stops it, make clean throws it away, make demo goes on with two new orders.")


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
