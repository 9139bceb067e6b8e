"""What use cases need of commission: plans, and who brought a customer."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

from services.billing.domain.commission_debt import CommissionDebt
from services.billing.domain.commission_plan import CommissionPlan
from services.billing.domain.referral import Referral
from services.shared.kernel.fee import Scope


class CommissionDebts(Protocol):
    def open(self, key: str, due_on: date) -> CommissionDebt | None:
        """What is owed under *key* of a claw-back is due then. None: nothing is, or it was said before."""

    def find(self, clawback_id: UUID) -> CommissionDebt | None:
        """Locked; what is left of it may fall meanwhile."""

    def save(self, debt: CommissionDebt) -> None: ...


class Plans(Protocol):
    def of_scope(self, scope: Scope) -> Sequence[CommissionPlan]:
        """Those made for just these orders. Nobody publishes another plan until the end of the transaction."""

    def for_provider(self, provider_id: UUID | None) -> Sequence[CommissionPlan]:
        """Those made for it and those made for all."""

    def get(self, commission_plan_id: UUID) -> CommissionPlan:
        """Raises NotFound."""

    def add(self, plan: CommissionPlan) -> None: ...


class Referrals(Protocol):
    def add(self, referral: Referral) -> None:
        """Raises AlreadyClaimed."""

    def get(self, referral_id: UUID) -> Referral:
        """Locked. Raises NotFound."""

    def of_customer(self, customer_id: UUID) -> Sequence[Referral]:
        """All of them, oldest claim first."""

    def save(self, referral: Referral) -> None: ...
