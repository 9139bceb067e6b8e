"""Views as services answer them, for tests of what the gateway shows to whom."""

from datetime import timedelta
from typing import Any

from services.shared.kernel.actor import Relation
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.billing.payment import PaymentView
from services.shared.messages.invoicing.invoice import InvoicePage, InvoiceView
from services.shared.messages.orders.contract import ContractSummary, ContractView, Document, Signature
from services.shared.messages.orders.order import OrderView, Step, Terms
from services.shared.messages.orders.quotation import Amounts, Line, QuotationView
from services.shared.messages.orders.quotation_request import QuotationRequestView
from services.shared.messages.orders.report import ReportSummary, ReportView
from services.shared.messages.orders.sample import SampleSummary
from tests.kit.fakes_identity import CUSTOMER_ID, NOW, PROVIDER_ID, STATION_ID

ORDER_ID = derived_id("order", 1)
CONTRACT_ID = derived_id("contract", 1)
REPORT_ID = derived_id("report", 1)
SHA = "ab" * 32


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


AMOUNTS = Amounts(discount=cny(0), net=cny(100_000), tax=cny(6_000), gross=cny(106_000), tax_rate_bps=600)
LINE = Line(
    line=1, offering_id=None, title_zh="拉伸试验", title_en="Tensile test", unit="sample", quantity=1,
    unit_price=cny(100_000), includes_tax=False, discount_bps=0, discount=cny(0), net=cny(100_000), tax=cny(6_000),
)  # fmt: skip
SPECIAL = TaxProfile("general_6", can_issue_special=True)
TERMS = Terms(
    collection_model="principal_own_account", payment_method="bank_transfer", fee_bps=1_000, station_id=STATION_ID,
    station_bps=7_000, provider_tax=SPECIAL, station_tax=SPECIAL, acceptance_days=10, hold_days=7, objection_days=15,
    commission_plan_id=derived_id("plan", 1),
)  # fmt: skip
DOCUMENTS = (
    Document(paper="contract", sha256=SHA, size_bytes=9), Document(paper="order_sheet", sha256=SHA, size_bytes=9),
)  # fmt: skip
SIGNATURES = (
    Signature(paper="contract", party="customer", signatory="王丽", signed_at=NOW, sha256=SHA),
    Signature(paper="order_sheet", party="provider", signatory="李强", signed_at=NOW, sha256=SHA),
)


def an_order_view(seen_as: Relation, **changes: Any) -> OrderView:
    by = f"organisation/{CUSTOMER_ID}/member/{derived_id('member', 'secret')}"
    view = OrderView(
        order_id=ORDER_ID, number="OR-2026-000001", state="in_progress", seen_as=seen_as, customer_id=CUSTOMER_ID,
        customer_name="长河新材料有限公司", provider_id=PROVIDER_ID, provider_name="青城材料测试中心",
        station_id=STATION_ID, quotation_id=None, lines=(LINE,), amounts=AMOUNTS, terms=TERMS,
        payment_method="bank_transfer", samples_declared=(), turnaround_days=7, placed_at=NOW,
        contracted_at=NOW + timedelta(hours=2), released_at=NOW + timedelta(days=1), delivered_at=None,
        accepted_at=None, accept_by=None, blocked_by=("awaiting_samples", "awaiting_report"),
        contract=ContractSummary(
            contract_id=CONTRACT_ID, number="CT-2026-000001", state="signed", documents=DOCUMENTS,
            signatures=SIGNATURES, awaiting=(),
        ),
        shipments=(),
        samples=(
            SampleSummary(
                sample_id=derived_id("sample", 1), code="SP-2026-000001", customer_code="A-1", description="steel",
                state="received", quantity=3, quantity_received=3, condition="good", note="", received_at=NOW,
            ),
        ),
        reports=(
            ReportSummary(
                report_id=REPORT_ID, number="RP-2026-000001", state="issued", lines=(1,), sha256=SHA, size_bytes=10,
                check_code="ABCD-1234", issued_at=NOW, problem="",
            ),
        ),
        timeline=(
            Step(what="placed", at=NOW, by=by),
            Step(what="signed_provider", at=NOW + timedelta(hours=1), by=f"organisation/{PROVIDER_ID}"),
            Step(what="contracted", at=NOW + timedelta(hours=2), by=f"organisation/{derived_id('x')}"),
            Step(what="released", at=NOW + timedelta(days=1), by=""),
            Step(what="packing_sheet_made", at=NOW + timedelta(days=1), by=""),
        ),
    )  # fmt: skip
    return view.model_copy(update=changes)


def a_quotation_view(**changes: Any) -> QuotationView:
    view = QuotationView(
        quotation_id=derived_id("quotation", 1), number="QT-2026-000001", version=1, state="sent",
        quotation_request_id=derived_id("request", 1), customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID,
        lines=(LINE,), amounts=AMOUNTS, turnaround_days=7, notes="", valid_until=NOW, sent_at=NOW, counter_offer="",
        counter_net=None, order_id=None,
    )  # fmt: skip
    return view.model_copy(update=changes)


def a_request_view() -> QuotationRequestView:
    return QuotationRequestView(
        quotation_request_id=derived_id("request", 1), number="QR-2026-000001", state="open", customer_id=CUSTOMER_ID,
        provider_ids=(PROVIDER_ID, derived_id("rival")), offering_id=None, title="拉伸", requirements="", quantity=1,
        samples=(), respond_by=NOW, opened_at=NOW,
    )  # fmt: skip


def a_contract_view() -> ContractView:
    return ContractView(
        contract_id=CONTRACT_ID, number="CT-2026-000001", state="signed", order_id=ORDER_ID, customer_id=CUSTOMER_ID,
        provider_id=PROVIDER_ID, documents=DOCUMENTS, signatures=SIGNATURES, awaiting=(),
    )  # fmt: skip


def a_payment_view() -> PaymentView:
    return PaymentView(
        payment_id=derived_id("payment", 1), order_id=ORDER_ID, order_number="OR-2026-000001", customer_id=CUSTOMER_ID,
        method="card", state="created", amount=cny(106_000), received=cny(0), client_secret="pi_1_secret_2",
        reference=None, account_name=None, account_number=None, bank_name=None, failure="", succeeded_at=None,
    )  # fmt: skip


def an_invoice_page(**changes: Any) -> InvoicePage:
    view = InvoiceView(
        invoice_id=derived_id("invoice", 1), number="YQ2026000001", state="issued", order_id=ORDER_ID,
        order_number="OR-2026-000001", customer_id=CUSTOMER_ID, net=cny(100_000), tax=cny(6_000), gross=cny(106_000),
        tax_rate_bps=600, issued_at=NOW, pdf_sha256=SHA, xml_sha256=SHA, problem="internal remark",
    )  # fmt: skip
    return InvoicePage(items=(view.model_copy(update=changes),))


def a_report_view(**changes: Any) -> ReportView:
    view = ReportView(
        report_id=REPORT_ID, number="RP-2026-000001", state="issued", order_id=ORDER_ID, lines=(1,), title="t",
        sha256=SHA, size_bytes=10, check_code="ABCD-1234", upload_url=None, issued_at=NOW, problem="",
    )  # fmt: skip
    return view.model_copy(update=changes)
