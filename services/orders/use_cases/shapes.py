"""Domain values as messages carry them. They have the same fields; what differs is whom they may be shown to."""

from collections.abc import Iterable
from typing import Any

from services.orders.domain.contract import Contract, Paper
from services.orders.domain.cover import Cover
from services.orders.domain.funding import ProjectFunds
from services.orders.domain.order import Order, Terms
from services.orders.domain.pricing import Amounts, Line, ProviderSide
from services.orders.domain.sample import SampleDeclared
from services.shared.kernel.actor import Relation
from services.shared.messages.orders import contract as contract_messages
from services.shared.messages.orders import order as order_messages
from services.shared.messages.orders import quotation as quotation_messages
from services.shared.messages.orders.quotation_request import SampleDescription


def lines(priced: Iterable[Line]) -> tuple[quotation_messages.Line, ...]:
    return tuple(quotation_messages.Line(**vars(line)) for line in priced)


def amounts(figures: Amounts) -> quotation_messages.Amounts:
    return quotation_messages.Amounts(**vars(figures))


def provider_side(side: ProviderSide | None) -> quotation_messages.ProviderSide | None:
    if side is None:
        return None
    return quotation_messages.ProviderSide(
        pricing=side.pricing, station_base=side.station_base, lines=lines(side.lines), amounts=amounts(side.amounts)
    )


def terms(frozen: Terms, seen_as: Relation = "operator") -> order_messages.Terms:
    """Who sells to the company at its own price bears no fee, and is not told what it is resold for."""
    shown = order_messages.Terms(**vars(frozen))
    if seen_as == "provider" and frozen.buy_net is not None:
        return shown.model_copy(update={"fee_bps": 0, "fee": None, "station_base": "fee"})
    return shown


def covers(standing_in: Iterable[Cover]) -> tuple[order_messages.Cover, ...]:
    return tuple(order_messages.Cover(**vars(cover)) for cover in standing_in)


def project_funds(named: quotation_messages.ProjectFunds | None) -> ProjectFunds | None:
    return ProjectFunds(**vars(named)) if named is not None else None


def project_named(funds: ProjectFunds | None) -> quotation_messages.ProjectFunds | None:
    if funds is None:
        return None
    return quotation_messages.ProjectFunds(
        project_number=funds.project_number, responsible_person=funds.responsible_person
    )


def declared(samples: Iterable[SampleDescription]) -> tuple[SampleDeclared, ...]:
    return tuple(SampleDeclared(**vars(sample)) for sample in samples)


def described(samples: Iterable[SampleDeclared]) -> tuple[SampleDescription, ...]:
    return tuple(SampleDescription(**vars(sample)) for sample in samples)


def documents(contract: Contract, shown: Iterable[Paper]) -> tuple[contract_messages.Document, ...]:
    return tuple(
        contract_messages.Document(paper=document.paper, sha256=document.sha256, size_bytes=document.size_bytes)
        for document in contract.documents
        if document.paper in shown
    )


def signatures(contract: Contract, shown: Iterable[Paper]) -> tuple[contract_messages.Signature, ...]:
    return tuple(
        contract_messages.Signature(**vars(signature)) for signature in contract.signatures if signature.paper in shown
    )


def receipt(order: Order) -> order_messages.OrderReceipt:
    return order_messages.OrderReceipt(
        order_id=order.order_id, number=order.number, state=order.state, amounts=amounts(order.amounts)
    )


def named(order: Order) -> dict[str, Any]:
    """What every event of an order carries."""
    return {
        "order_id": order.order_id,
        "number": order.number,
        "customer_id": order.customer_id,
        "provider_id": order.provider_id,
    }
