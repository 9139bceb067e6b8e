"""
Making the papers of an order: what `work` does outside a transaction.

Each reads what it prints over a connection of its own, sets it, and keeps it under a key that contains
its hash: made again from the same facts it is the same file, and from others it is another one, so that
what is recorded always is what is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine

from services.orders.adapters import agent_contract, documents
from services.orders.adapters.copies import OFFERING, ORGANISATION, SqlCommission, SqlOfferings
from services.orders.adapters.order_rows import CONTRACT, ORDER, SAMPLE
from services.orders.domain.contract import Paper, holds_money
from services.orders.domain.offering import OfferingCopy
from services.orders.domain.order import Order
from services.orders.domain.organisation import OrganisationCopy
from services.orders.domain.policy import Policy
from services.orders.domain.pricing import Line
from services.orders.domain.sample import Sample
from services.orders.use_cases import commission
from services.orders.use_cases.commission import Agreed
from services.shared.chassis import database
from services.shared.chassis.document_text import percent
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.errors import NotYet
from services.shared.kernel.money import Money
from services.shared.kernel.rate import net_of_gross, share

PDF = "application/pdf"

FACTS = """
SELECT o.*,
  (SELECT to_jsonb(c) FROM contract c WHERE c.order_id = o.order_id) AS contract,
  (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.position) FROM sample s WHERE s.order_id = o.order_id) AS samples,
  (SELECT to_jsonb(g) FROM organisation g WHERE g.organisation_id = o.customer_id) AS customer,
  (SELECT to_jsonb(g) FROM organisation g WHERE g.organisation_id = o.provider_id) AS provider,
  (SELECT to_jsonb(g) FROM organisation g WHERE g.kind = 'operator'
   ORDER BY g.registered_at, g.organisation_id LIMIT 1) AS company,
  (SELECT jsonb_agg(to_jsonb(f)) FROM offering f
   WHERE f.offering_id IN (SELECT (l ->> 'offering_id')::uuid FROM jsonb_array_elements(o.lines) l)) AS offerings,
  (SELECT q.number || ' v' || q.version FROM quotation q WHERE q.quotation_id = o.quotation_id) AS quotation_number,
  (SELECT p.framework_agreement_number FROM provider p WHERE p.provider_id = o.provider_id)
    AS framework_agreement_number,
  (SELECT now() + make_interval(secs => offset_s) FROM clock) AS now
FROM orders o WHERE o.order_id = %s
"""

UNITS = {
    "sample": "样 / sample", "hour": "小时 / hour", "half_hour": "半小时 / half hour", "day": "天 / day",
    "element": "元素 / element", "component": "组分 / component", "scan": "次扫描 / scan", "block": "块 / block",
    "set": "套 / set", "batch": "批 / batch", "item": "项 / item",
}  # fmt: skip

PAID_BY = {
    "card": ("银行卡", "by card"), "bank_transfer": ("银行转账", "by bank transfer"),
    "platform_channel": ("平台分账支付", "by the splitting channel"),
    "direct_transfer": ("转账至下列约定账户", "by transfer to the account agreed below"),
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """
    What papers are made of.

    Attributes:
        quotation_number: Empty where it was ordered at the published price.
        framework_agreement_number: Empty where the provider was let in before these had numbers.
    """

    order: Order
    contract_number: str
    quotation_number: str
    framework_agreement_number: str
    samples: Sequence[Sample]
    customer: OrganisationCopy
    provider: OrganisationCopy
    company: OrganisationCopy
    offerings: Mapping[Any, OfferingCopy]
    agreed: Agreed


class Papers:
    """The outside calls that make papers. *public_url*: where the labels of samples lead; may be empty."""

    def __init__(self, source: Engine, store: ObjectStore, policy: Policy, public_url: str) -> None:
        self.source = source
        self.store = store
        self.policy = policy
        self.public_url = public_url

    def render_contract(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """
        Make and keep the contract and the order sheet; where the provider sells, the one contract of all three.

        Raises:
            NotYet: A party is not known here yet, or no commission plan.
            Unavailable: The object store or the typesetter does not answer.
        """
        del key
        facts = self._facts(payload["order_id"])
        if facts.order.collection.agent:
            paper = agent_contract.agent_contract_pdf(self._agent_contract(facts))
            return {"documents": [{"paper": "contract", **self._keep(facts, "contract", paper)}]}
        return {
            "documents": [
                {"paper": "contract", **self._keep(facts, "contract", documents.contract_pdf(self._contract(facts)))},
                {
                    "paper": "order_sheet",
                    **self._keep(facts, "order_sheet", documents.order_sheet_pdf(self._order_sheet(facts))),
                },
            ]
        }

    def render_packing_sheet(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """Make and keep the sheet that goes into the parcel. Raises: as `render_contract`."""
        del key
        facts = self._facts(payload["order_id"])
        return self._keep(facts, "packing_sheet", documents.packing_sheet_pdf(self._packing_sheet(facts)))

    def _keep(self, facts: Facts, paper: Paper | str, body: bytes) -> dict[str, Any]:
        digest = sha256(body).hexdigest()
        stored = self.store.keep(f"orders/{facts.order.order_id}/{paper}-{digest[:16]}.pdf", body, PDF)
        return {"key": stored.key, "sha256": stored.sha256, "size_bytes": stored.size}

    def _facts(self, order_id: str) -> Facts:
        with database.connection(self.source) as held:
            row = held.exec_driver_sql(FACTS, (order_id,)).mappings().one()
            order = ORDER.read(row)
            agreed = commission.agreed(order, SqlCommission(held), SqlOfferings(held), row["now"])
        missing = [name for name in ("customer", "provider", "company") if row[name] is None]
        if missing:
            raise NotYet("a contract needs what is not known here yet", missing=missing)
        offerings = [OFFERING.read(each) for each in row["offerings"] or ()]
        return Facts(
            order=order,
            contract_number=CONTRACT.read(row["contract"]).number,
            quotation_number=row["quotation_number"] or "",
            framework_agreement_number=row["framework_agreement_number"] or "",
            samples=[SAMPLE.read(each) for each in row["samples"] or ()],
            customer=ORGANISATION.read(row["customer"]),
            provider=ORGANISATION.read(row["provider"]),
            company=ORGANISATION.read(row["company"]),
            offerings={each.offering_id: each for each in offerings},
            agreed=agreed,
        )

    def _contract(self, facts: Facts) -> documents.Contract:
        order = facts.order
        amounts = order.amounts
        payment_zh, payment_en = payment_clause(order, self.policy.unpaid_cancel_days)
        return documents.Contract(
            number=facts.contract_number,
            order_number=order.number,
            quotation_number=facts.quotation_number,
            issued_at=order.placed_at,
            customer=_party(facts.customer),
            company=_party(facts.company),
            items=tuple(_item(line, facts.offerings, amounts.tax_rate_bps) for line in order.lines),
            figures=documents.Figures(
                amounts.discount, amounts.net, amounts.tax_rate_bps, amounts.tax, amounts.gross
            ),
            samples=_samples(facts.samples),
            terms=documents.Terms(
                turnaround_working_days=order.turnaround_days,
                payment_zh=payment_zh,
                payment_en=payment_en,
                acceptance_days=self.policy.acceptance_days,
                objection_days=self.policy.objection_days,
                cancellation_fee_bps=self.policy.cancellation_fee_bps if holds_money(order) else 0,
            ),
        )  # fmt: skip

    def _agent_contract(self, facts: Facts) -> agent_contract.AgentContract:
        collection = facts.order.collection
        return agent_contract.AgentContract(
            self._contract(facts), _party(facts.provider), collection.collection_model, collection.contract_kind
        )

    def _order_sheet(self, facts: Facts) -> documents.OrderSheet:
        """
        What the provider is to do, at the net prices it offers. The tax on it is the provider's own.

        The fee is named as it stands; what counts is the plan in force when the last party signs.
        """
        order = facts.order
        lines, amounts = order.seen_by("provider")
        net = amounts.net
        agreed = facts.agreed
        resale = order.provider_side is not None and order.provider_side.pricing == "resale"
        fee = Money(0 if resale else agreed.fee.of(net.amount), net.currency)
        # A percentage is named only where the fee is one.
        fee_bps = agreed.plan.fee_bps if fee.amount == share(net.amount, agreed.plan.fee_bps) else None
        settlement_zh, settlement_en = _settlement(order, resale=resale)
        rate_bps = 0 if order.project_funds is not None else facts.provider.tax_profile.deductible_bps
        tax = Money(share((net - fee).amount, rate_bps), net.currency)
        return documents.OrderSheet(
            number=f"OS{facts.contract_number[2:]}",
            order_number=order.number,
            framework_agreement_number=facts.framework_agreement_number,
            issued_at=order.placed_at,
            company=_party(facts.company),
            provider=_party(facts.provider),
            client=facts.customer.legal_name,
            items=tuple(_item(line, facts.offerings, amounts.tax_rate_bps) for line in lines),
            settled=documents.Settled(amounts.discount, net, fee_bps, fee, net - fee, rate_bps, tax, net - fee + tax),
            samples=_samples(facts.samples),
            turnaround_working_days=order.turnaround_days,
            settlement_zh=settlement_zh,
            settlement_en=settlement_en,
        )

    def _packing_sheet(self, facts: Facts) -> documents.PackingSheet:
        base = self.public_url.rstrip("/")
        return documents.PackingSheet(
            order_number=facts.order.number,
            shipment_number=facts.order.shipment_number,
            issued_at=facts.order.released_at or facts.order.placed_at,
            sender=_party(facts.customer),
            recipient=_party(facts.provider),
            samples=_samples(facts.samples),
            qr_text_of={
                # The order's page, at this sample; the code alone where nothing is known of a portal.
                each.code: f"{base}/orders/{facts.order.order_id}#{each.code}" if base else each.code
                for each in facts.samples
            },
        )


def _settlement(order: Order, *, resale: bool) -> tuple[str, str]:
    """How the provider is paid, in Chinese and English."""
    if order.project_funds is not None:
        return (
            "委托方与供方属同一法人：验收后由校内财务系统将项目经费转入，不开具发票，不另行结算。",
            (
                "Client and laboratory are one legal entity: its finance system transfers the price from the project"
                " after acceptance. There is no invoice and no statement."
            ),
        )
    if resale:
        return (
            "按上列价格验收后结算；收到与结算单相符的发票后付款。",
            "Settled after acceptance at the price above. Paid once an invoice that matches the statement has arrived.",
        )
    return (
        "验收后结算。管理费以各方签署完成时有效的分成方案为准，上列为制作时的费率；收到与结算单相符的发票后付款。",
        (
            "Settled after acceptance. The fee is that of the commission plan in force at the last signature; above it"
            " stands as it was when this was made. Paid once an invoice that matches the statement has arrived."
        ),
    )


# A voucher may be put on the order until this is signed; its amount is not known when it is printed.
_VOUCHER_ZH = "签署完成前在订单上预占的创新券直接抵付的部分，甲方无需支付。"
_VOUCHER_EN = "Party A is not asked for what a voucher reserved for the order before the last signature pays directly."


def payment_clause(order: Order, unpaid_cancel_days: int) -> tuple[str, str]:
    """How the customer is to pay, in Chinese and English, as it was agreed when the order was placed."""
    if order.project_funds is not None:
        project = order.project_funds.project_number
        zh = (
            f"甲方与实验室属同一法人：价款由项目 {project} 的经费以校内转账支付，不开具发票。"
            "经费冻结后开始检测，验收后转账。"
        )
        en = (
            f"Party A and the laboratory are one legal entity: the price is paid from project {project} by internal"
            " transfer, without an invoice. Work begins once the funds are set aside; acceptance transfers them."
        )
        return zh, en
    if order.payment_method != "credit":
        by_zh, by_en = PAID_BY[order.payment_method]
        zh = f"甲方自下单之日起 {unpaid_cancel_days} 日内支付全部价款（{by_zh}），逾期未付的订单自动取消。"
        en = (
            f"Party A pays in full ({by_en}) within {unpaid_cancel_days} days of the order; an order that is not paid"
            " by then is cancelled."
        )
        if not order.collection.agent:
            zh += f"款项在验收前由乙方记为合同负债。{_VOUCHER_ZH}"
            en += f" Until acceptance Party B holds the money as a contract liability. {_VOUCHER_EN}"
        return zh, en
    terms = order.payment_terms
    first = percent(sum(part.bps for part in terms.payment_schedule if part.due == "before_work"))
    until_zh = f"自开票之日起 {terms.net_days} 日内" if terms.net_days else "收到发票后"
    until_en = f"within {terms.net_days} days of the invoice" if terms.net_days else "on receipt of the invoice"
    if first == "0":
        zh, en = "甲方按信用额度先检测后付款，", "Party A pays on credit,"
    else:
        zh = f"甲方在检测开始前支付价款的 {first}%，其余按信用额度先检测后付款，"
        en = f"Party A pays {first}% of the price before work begins and the rest on credit,"
    zh += f"验收开票后，{until_zh}支付。信用额度未获批准的，甲方在检测开始前支付全部价款。{_VOUCHER_ZH}"
    en += (
        f" {until_en}, which follows acceptance. Where credit is not granted it pays in full before work begins."
        f" {_VOUCHER_EN}"
    )
    return zh, en


def _party(organisation: OrganisationCopy) -> documents.Party:
    return documents.Party(
        name=organisation.legal_name,
        credit_code=organisation.credit_code,
        address=organisation.address,
        phone=organisation.phone,
        mail=organisation.mail,
        bank=organisation.bank_name,
        account=organisation.bank_account,
    )


def _item(line: Line, offerings: Mapping[Any, OfferingCopy], tax_rate_bps: int) -> documents.Item:
    """At the list price without VAT; the discount stands below the lines."""
    offering = offerings.get(line.offering_id)
    unit_price = line.unit_price
    if line.includes_tax:
        unit_price = Money(net_of_gross(unit_price.amount, tax_rate_bps), unit_price.currency)
    method = ", ".join(offering.method_codes) or offering.method_zh if offering is not None else "按约定 as agreed"
    return documents.Item(
        name=f"{line.title_zh} {line.title_en}" if line.title_en != line.title_zh else line.title_zh,
        method=method,
        quantity=Decimal(line.quantity),
        unit=UNITS.get(line.unit, line.unit),
        unit_price=unit_price,
        net=line.net + line.discount,
    )


def _samples(samples: Iterable[Sample]) -> tuple[documents.Sample, ...]:
    return tuple(
        documents.Sample(
            code=sample.code,
            name=f"{sample.customer_code} · {sample.description}" if sample.customer_code else sample.description,
            quantity=f"{sample.quantity} 件 / pcs",
            handling=sample.hazards,
            disposal="returned" if sample.after_test == "return" else "destroyed",
        )
        for sample in samples
    )
