"""The whole of an order as one party sees it, in one round trip."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from services.orders.adapters.order_rows import CONTRACT, ORDER, REPORT, SAMPLE, SHIPMENT
from services.orders.domain.contract import Contract
from services.orders.domain.order import Order
from services.orders.domain.report import Report
from services.orders.domain.sample import Sample
from services.orders.domain.shipment import Shipment
from services.orders.domain.waiting import blocked_by
from services.orders.use_cases import sample as sample_use_cases
from services.orders.use_cases import shapes
from services.shared.kernel.actor import Relation
from services.shared.kernel.errors import NotFound
from services.shared.messages.orders.contract import ContractSummary
from services.shared.messages.orders.order import OrderView, Step
from services.shared.messages.orders.report import ReportSummary
from services.shared.messages.orders.sample import ShipmentSummary

WHOLE_ORDER = """
SELECT o.*,
  coalesce(customer.legal_name, '') AS customer_name,
  coalesce(provider.legal_name, seller.name_zh, '') AS provider_name,
  (SELECT to_jsonb(c) FROM contract c WHERE c.order_id = o.order_id) AS contract,
  (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.position) FROM sample s WHERE s.order_id = o.order_id) AS samples,
  (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.dispatched_at, s.shipment_id)
   FROM shipment s WHERE s.order_id = o.order_id) AS shipments,
  (SELECT jsonb_agg(to_jsonb(r) ORDER BY r.drafted_at, r.report_id)
   FROM report r WHERE r.order_id = o.order_id) AS reports,
  (SELECT jsonb_agg(to_jsonb(t) - 'id' - 'order_id' ORDER BY t.id)
   FROM order_step t WHERE t.order_id = o.order_id) AS timeline
FROM orders o
LEFT JOIN organisation customer ON customer.organisation_id = o.customer_id
LEFT JOIN organisation provider ON provider.organisation_id = o.provider_id
LEFT JOIN provider seller ON seller.provider_id = o.provider_id
WHERE o.order_id = %s
"""


def read(connection: Connection, order_id: UUID, admit: Callable[[Order], Relation]) -> OrderView:
    """
    The order, for whom *admit* lets in: it says in which relation the asker stands to it, or refuses.

    Raises:
        NotFound: There is no such order. What *admit* raises.
    """
    row = connection.exec_driver_sql(WHOLE_ORDER, (str(order_id),)).mappings().one_or_none()
    if row is None:
        raise NotFound
    order = ORDER.read(row)
    seen_as = admit(order)
    return _view(
        order,
        seen_as,
        CONTRACT.read(row["contract"]),
        [SAMPLE.read(each) for each in row["samples"] or ()],
        [SHIPMENT.read(each) for each in row["shipments"] or ()],
        [REPORT.read(each) for each in row["reports"] or ()],
        row,
    )


def _view(order: Order, seen_as: Relation, contract: Contract, samples: list[Sample], shipments: list[Shipment],
          reports: list[Report], row: Any) -> OrderView:  # fmt: skip
    # A station earns by the order; what is in the parcels and in the reports is none of its business.
    performs = seen_as != "station"
    lines, amounts = order.seen_by(seen_as)
    return OrderView(
        order_id=order.order_id,
        number=order.number,
        state=order.state,
        seen_as=seen_as,
        customer_id=order.customer_id,
        customer_name=row["customer_name"],
        provider_id=order.provider_id,
        provider_name=row["provider_name"],
        station_id=order.station_id,
        quotation_id=order.quotation_id,
        lines=shapes.lines(lines),
        amounts=shapes.amounts(amounts),
        terms=shapes.terms(order.terms, seen_as) if order.terms is not None else None,
        payment_method=order.payment_method,
        samples_declared=shapes.described(order.samples_declared) if performs else (),
        turnaround_days=order.turnaround_days,
        placed_at=order.placed_at,
        contracted_at=order.contracted_at,
        released_at=order.released_at,
        delivered_at=order.delivered_at,
        accepted_at=order.accepted_at,
        accept_by=order.accept_by,
        blocked_by=blocked_by(
            order.state,
            contract.awaiting,
            [sample.state for sample in samples],
            in_dispute=order.in_dispute,
            project_funds=order.project_funds,
        ),
        contract=_contract(contract, seen_as) if performs else None,
        shipments=tuple(_shipment(shipment) for shipment in shipments) if performs else (),
        samples=tuple(sample_use_cases.summary(sample) for sample in samples) if performs else (),
        reports=tuple(_report(report) for report in reports if _may_see(report, seen_as)),
        timeline=tuple(Step.model_validate(step, strict=False) for step in row["timeline"] or ()),
        provider_side=shapes.provider_side(order.provider_side) if seen_as == "operator" else None,
    )


def _contract(contract: Contract, seen_as: Relation) -> ContractSummary:
    shown = contract.papers_of(seen_as)
    return ContractSummary(
        contract_id=contract.contract_id,
        number=contract.number,
        state=contract.state,
        documents=shapes.documents(contract, shown),
        signatures=shapes.signatures(contract, shown),
        awaiting=contract.awaiting,
    )


def _shipment(shipment: Shipment) -> ShipmentSummary:
    return ShipmentSummary(**{name: getattr(shipment, name) for name in ShipmentSummary.model_fields})


def _may_see(report: Report, seen_as: Relation) -> bool:
    """A draft is the laboratory's own affair."""
    if seen_as == "station":
        return False
    return seen_as in {"provider", "operator"} or report.state not in {"draft", "checking"}


def _report(report: Report) -> ReportSummary:
    return ReportSummary(**{name: getattr(report, name) for name in ReportSummary.model_fields})
