"""The papers of an order: made outside, signed by everybody, and with the last signature its terms are frozen."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.orders.domain.contract import Contract, Document, SigningParty, freeze_terms
from services.orders.domain.order import Order, Terms
from services.orders.use_cases import commission, shapes
from services.orders.use_cases import order as order_use_cases
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.kernel.actor import Actor, Relation, require
from services.shared.kernel.errors import NotAllowed, NotYet
from services.shared.messages.orders.contract import ContractRendered, ContractSigned, ContractView, SignContract
from services.shared.messages.orders.order import OrderContracted

_SIGNING: dict[Relation, SigningParty] = {"customer": "customer", "provider": "provider", "operator": "operator"}


def record_papers(
    payload: Mapping[str, Any], outcome: Mapping[str, Any], *, uow: OrdersUnitOfWork, now: datetime
) -> None:
    """
    The papers are made and kept: they await signatures, and the time to pay begins to run.

    An order that was cancelled while they were being made refuses nothing here; its papers stay unsigned.
    """
    order = uow.orders.get(UUID(payload["order_id"]))
    contract = uow.contracts.of_order(order.order_id)
    if contract.state != "draft":
        return
    contract.offer(tuple(Document(**document) for document in outcome["documents"]))
    uow.contracts.save(contract)
    order.note("papers_made", now, by_platform=True)
    uow.orders.save(order)
    due_at = order.placed_at + timedelta(days=uow.policy.unpaid_cancel_days)
    uow.set_timer(order_use_cases.UNPAID_TIMER, order.order_id, due_at)
    uow.publish(
        ContractRendered(
            **_named(contract, order), documents=shapes.documents(contract, contract.papers_of("operator"))
        )
    )


def sign_contract(command: SignContract, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> ContractView:
    """
    Put one's name under one's paper. The last signature freezes the terms.

    Raises:
        NotYet: The last one, while the commission plan or a party's tax profile is not known here.
        ProviderRateChanged, DiscountAboveCommission: The last one, where the provider sells.
    """
    order = uow.orders.of("contract", command.contract_id)
    relation = require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    party = _SIGNING.get(relation)
    if party is None:
        raise NotAllowed
    contract = uow.contracts.of_order(order.order_id)
    complete = contract.sign(party, command.signatory, command.sha256, now)
    order.note(f"signed_{party}", now)
    if complete:
        order.contract(_terms(order, uow, now), now)
        uow.publish(ContractSigned(**_named(contract, order),
                                   signatures=shapes.signatures(contract, contract.papers_of("operator"))))  # fmt: skip
        uow.publish(
            OrderContracted(
                **shapes.named(order),
                contract_id=contract.contract_id,
                contract_number=contract.number,
                lines=shapes.lines(order.lines),
                amounts=shapes.amounts(order.amounts),
                terms=shapes.terms(order.frozen_terms),
                contracted_at=now,
                project_funds=shapes.project_named(order.project_funds),
            )
        )
        order_use_cases.release_when_due(order, uow, now)
    uow.contracts.save(contract)
    uow.orders.save(order)
    return view(contract, order, relation)


def _terms(order: Order, uow: OrdersUnitOfWork, now: datetime) -> Terms:
    agreed = commission.agreed(order, uow.commission, uow.offerings, now)
    referral = agreed.referral
    wanted = [order.provider_id] + ([referral.station_id] if referral is not None else [])
    known = uow.organisations.find(wanted)
    if len(known) < len(wanted):
        raise NotYet("the tax profile of a party is not known here yet")
    station_tax = known[referral.station_id].tax_profile if referral is not None else None
    return freeze_terms(
        order,
        agreed.plan,
        agreed.fee,
        referral,
        known[order.provider_id].tax_profile,
        station_tax,
        uow.organisations.company_rate_bps(),
        uow.policy,
    )


def _named(contract: Contract, order: Order) -> dict[str, Any]:
    """What every event of a contract carries."""
    return {
        "contract_id": contract.contract_id,
        "number": contract.number,
        "order_id": order.order_id,
        "customer_id": order.customer_id,
        "provider_id": order.provider_id,
    }


def view(contract: Contract, order: Order, seen_as: Relation) -> ContractView:
    """With the papers that *seen_as* may see: as principal's customers and providers they have none in common."""
    shown = contract.papers_of(seen_as)
    return ContractView(
        **_named(contract, order),
        state=contract.state,
        documents=shapes.documents(contract, shown),
        signatures=shapes.signatures(contract, shown),
        awaiting=contract.awaiting,
    )
