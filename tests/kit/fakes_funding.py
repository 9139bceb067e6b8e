"""Funding in memory, with the same refusals as the real repository."""

from collections.abc import Sequence
from copy import deepcopy
from uuid import UUID

from services.billing.domain.funding import Funding
from services.shared.kernel.errors import NotFound


class FakeFundings:
    def __init__(self) -> None:
        self.held: dict[UUID, Funding] = {}

    def add(self, funding: Funding) -> None:
        open_states = {"requested", "reserved", "unknown"}
        others = [each for each in self.of_order(funding.order_id) if each.state in open_states and not each.executed]
        if funding.state in open_states and others:
            raise AssertionError("one at a time")
        self.held[funding.funding_id] = deepcopy(funding)

    def order_of(self, funding_id: UUID) -> UUID:
        return self.get(funding_id).order_id

    def get(self, funding_id: UUID) -> Funding:
        if funding_id not in self.held:
            raise NotFound
        return deepcopy(self.held[funding_id])

    def of_order(self, order_id: UUID) -> Sequence[Funding]:
        found = [deepcopy(each) for each in self.held.values() if each.order_id == order_id]
        return sorted(found, key=lambda each: each.n)

    def save(self, funding: Funding) -> None:
        self.held[funding.funding_id] = deepcopy(funding)
