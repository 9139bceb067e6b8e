"""A customer sees its credit and its debts; what finance thinks of them is finance's."""

import json
from datetime import date

from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.credit import CreditLinePage, CreditLineView, CreditProposal, CreditTerms
from services.shared.messages.billing.receivable import ReceivablePage, ReceivableView
from tests.kit.fakes_identity import CUSTOMER_ID
from tests.kit.fakes_orders import NOW
from tests.unit.gateway.asgi import Site
from tests.unit.gateway.conftest import CUSTOMER_KEY, OPERATOR_KEY


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


TERMS = {"limit": cny(100), "net_days": 30, "before_work_bps": 0, "valid_until": date(2027, 1, 1)}
LINE = CreditLineView(
    credit_line_id=derived_id("line"), customer_id=CUSTOMER_ID, state="suspended",
    terms=CreditTerms.model_validate(TERMS),
    proposal=CreditProposal.model_validate({**TERMS, "proposal_id": derived_id("proposal"), "proposed_at": NOW}),
    suspended_for="rumours of insolvency", granted=cny(0), receivable=cny(60), overdue=cny(60), available=cny(0),
)  # fmt: skip
DEBT = ReceivableView(
    receivable_id=derived_id("receivable"), order_id=derived_id("order"), order_number="OR-2026-000001",
    customer_id=CUSTOMER_ID, cause="acceptance", state="open", amount=cny(60), paid=cny(0), written_off=cny(0),
    open=cny(60), invoice_number="INV-2026-000001", due_on=date(2026, 11, 1), days_overdue=22, reminders=2,
    write_off_reason="hopeless",
)  # fmt: skip
SECRETS = {"rumours of insolvency", "proposal", "hopeless", "written_off"}


def test_a_customer_does_not_read_what_finance_thinks(site: Site) -> None:
    """Neither in lists nor alone; finance does."""
    site.rpc.answers["billing.list_credit_lines"] = CreditLinePage(items=(LINE,))
    site.rpc.answers["billing.get_credit_line"] = LINE
    site.rpc.answers["billing.list_receivables"] = ReceivablePage(items=(DEBT,))
    site.rpc.answers["billing.get_receivable"] = DEBT
    paths = (
        "/v1/credit-lines", f"/v1/credit-lines/{LINE.credit_line_id}", "/v1/receivables",
        f"/v1/receivables/{DEBT.receivable_id}",
    )  # fmt: skip
    shown = {key: "".join(site.get(path, api_key=key).text for path in paths) for key in (CUSTOMER_KEY, OPERATOR_KEY)}
    assert {secret for secret in SECRETS if secret in shown[CUSTOMER_KEY]} == set()
    assert {secret for secret in SECRETS if secret not in shown[OPERATOR_KEY]} == set()
    assert json.dumps("OR-2026-000001") in shown[CUSTOMER_KEY]


def test_a_line_is_not_proposed_without_its_whole_terms(site: Site) -> None:
    """Nothing reaches billing: the whole price before work is no credit, and a limit is above nothing."""
    body = {
        "customer_id": str(CUSTOMER_ID), "limit": {"amount": 1, "currency": "CNY"}, "net_days": 30,
        "valid_until": "2027-01-01",
    }  # fmt: skip
    for wrong in (
        {"limit": {"amount": 0, "currency": "CNY"}}, {"net_days": -1}, {"net_days": 181}, {"before_work_bps": 10_000},
        {"valid_until": "soon"},
    ):  # fmt: skip
        assert site.post("/v1/credit-lines", {**body, **wrong}, api_key=OPERATOR_KEY).status == 422
