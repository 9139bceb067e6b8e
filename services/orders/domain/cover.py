"""A cover: what stands in for a payment, so that work may begin before money moves."""

from dataclasses import dataclass
from typing import Literal

from services.shared.kernel.money import Money

CoverKind = Literal["voucher", "credit", "funding"]


@dataclass(frozen=True)
class Cover:
    """Money that is sure without being paid: a reserved voucher, granted credit, the customer's own project funds."""

    kind: CoverKind
    amount: Money
